"""``alo runs``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alo_lib.cli.option_arguments import FilePath
from alo_lib.cli.project import BACKTESTS

if TYPE_CHECKING:
    from alo_lib.views.runs import UnfinishedRun

__all__ = ["runs"]


@click.command(short_help="List the runs of a folder.")
@click.argument("folder", type=FilePath(), default=BACKTESTS)
@click.option(
    "--sort",
    "order",
    type=click.Choice(["time", "profit", "orders", "sharpe"]),
    help="time: the earliest first; else the largest first.  [default: by the folders' names]",
)
@click.option("--json", "as_json", is_flag=True, help="One object on standard output.")
def runs(folder: Path, order: str | None, as_json: bool) -> None:
    """List the runs in FOLDER (by default backtests/ of the project): what was traded, what came of it, what was set.

    Runs that are not finished follow, with the last session that each came to and how to go on with it.

    \b
    Examples:
      alo runs --sort profit
      alo runs --json | jq '.runs[] | {folder, net_profit}'
    """
    from alo_lib.cli.console import print_table, say
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.json_output import print_json
    from alo_lib.views.run import RunError
    from alo_lib.views.runs import UnfinishedRun, list_runs, runs_table, sorted_rows

    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; name one that runs were written to, such as backtests/")
    rows, unfinished = [], []
    for found in list_runs(folder):
        if isinstance(found, RunError):
            say(f"Left out: {found}.")
        elif isinstance(found, UnfinishedRun):
            unfinished.append(found)
        else:
            rows.append(found)
    if order is not None:
        rows = sorted_rows(rows, order)
    if as_json:
        print_json({"runs": rows, "unfinished": [_row(each) for each in unfinished]})
        return
    if rows:
        print_table(runs_table(rows))
    else:
        click.echo(f"No finished run is in {folder}.")
    for each in unfinished:
        click.echo(_line(each))


def _row(run: "UnfinishedRun") -> dict[str, Any]:
    from alo_lib.cli.run_folder import engine_of, way_on

    path = Path(run.folder)
    return {**asdict(run), "engine": engine_of(path), "way_on": way_on(path, being_written=run.being_written)}


def _line(run: "UnfinishedRun") -> str:
    from alo_lib.cli.run_folder import way_on

    path = Path(run.folder)
    span = "" if run.start is None else f" of {run.start} to {run.end}"
    came = "no session" if run.reached is None else run.reached
    when = run.written[:16].replace("T", " ")
    way = way_on(path, being_written=run.being_written)
    return f"Unfinished: {path.name}, came to {came}{span}, last written {when} UTC; {way}"
