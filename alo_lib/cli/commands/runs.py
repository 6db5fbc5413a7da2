"""``alo runs``."""

from pathlib import Path

import click

from alo_lib.cli.option_arguments import FilePath
from alo_lib.cli.project import BACKTESTS

__all__ = ["runs"]


@click.command(short_help="List the finished runs of a folder.")
@click.argument("folder", type=FilePath(), default=BACKTESTS)
@click.option("--json", "as_json", is_flag=True, help="One object on standard output.")
def runs(folder: Path, as_json: bool) -> None:
    """List the finished runs in FOLDER (by default backtests/ of the project): what was traded and what came of it.

    \b
    Example:
      alo runs --json | jq '.runs[] | {folder, net_profit}'
    """
    from alo_lib.cli.console import print_table, say
    from alo_lib.cli.failures import UserError
    from alo_lib.cli.json_output import print_json
    from alo_lib.views.run import RunError
    from alo_lib.views.runs import list_runs, runs_table

    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; name one that runs were written to, such as backtests/")
    rows = []
    for found in list_runs(folder):
        if isinstance(found, RunError):
            say(f"Left out: {found}.")
        else:
            rows.append(found)
    if as_json:
        print_json({"runs": rows})
    elif rows:
        print_table(runs_table(rows))
    else:
        click.echo(f"No finished run is in {folder}.")
