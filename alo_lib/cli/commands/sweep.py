"""``alo sweep``."""

from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from alo_lib.cli.option_arguments import FilePath, Whole
from alo_lib.cli.project import BACKTESTS, CONFIG, DATA
from alo_lib.sweep.options import CHOICES, COUNTS

if TYPE_CHECKING:
    from rich.table import Table

    from alo_lib.cli.sweeping.folder import SweepFolder
    from alo_lib.sweep.cluster import Cluster
    from alo_lib.sweep.outcomes import Result
    from alo_lib.sweep.plan import Sweep

__all__ = ["sweep"]

_OF_DATA: Final = ("resolution", "min_coverage", "max_unexplained_move", "rate_curve")
"""Settings by which data are judged."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _choice(option: str, text: str) -> Decorator:
    """The option for one of some words. Its default is told and not set: a file may say another."""
    words = CHOICES[option.removeprefix("--")]
    return click.option(option, type=click.Choice(words), help=f"{text}  [default: {words[0]}]")


def _count(option: str, text: str) -> Decorator:
    """The option for a whole number, likewise."""
    low, high, default = COUNTS[option.removeprefix("--")]
    return click.option(option, type=Whole(low, high), help=f"{text}  [default: {default:,}]")


@click.command(short_help="Run many backtests, and say how far the best can be trusted.")
@click.argument("file", type=FilePath(dir_okay=False), required=False)
@click.option(
    "--set",
    "assignments",
    metavar="NAME=A,B,C|NAME=LOW..HIGH",
    multiple=True,
    help="What is tried of a setting; one value holds for all trials. Values of several are joined by +.",
)
@_choice("--sampler", "Which points.")
@_choice("--by", "What a best is best by.")
@_count("--trials", "Points that random and optuna try.")
@_count("--points", "Of each range, in a grid.")
@_count("--batch", "Points that optuna proposes at once.")
@_count("--seed", "Of random and optuna.")
@click.option("--seeds", metavar="A..B|A,B,C", help="Try on markets that are generated from these seeds.")
@click.option("--truth", type=FilePath(dir_okay=False), metavar="FILE", help="truth.json of those markets.")
@click.option("--data", type=FilePath(), help="LEAN data folder.  [default: data/ of the project]")
@click.option(
    "--underlying", "underlyings", metavar="TICKERS", multiple=True, help="Try on these, joined by +; repeat it."
)
@click.option("--window", "windows", metavar="START..END", multiple=True, help="Try on these days; repeat it.")
@click.option(
    "--walk-forward", metavar="TRAIN:TEST", help="Choose by so many sessions, try on the next, and so on to the end."
)
@click.option("--workers", type=Whole(1, 100_000), help="Trials at a time.  [default: all processors]")
@click.option("--address", metavar="HOST:PORT|auto", help="Of a Ray cluster; without it Ray starts on this machine.")
@click.option("--output", type=FilePath(), help="Folder of the sweep.  [default: one of its own in backtests/]")
@click.option("--html", type=FilePath(), help="Write the page there, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to standard error.")
@click.option(
    "--repeat", type=FilePath(), metavar="TRIAL", help="Run the trial of this folder again, and compare each byte."
)
def sweep(
    file: Path | None,
    assignments: tuple[str, ...],
    truth: Path | None,
    data: Path | None,
    workers: int | None,
    address: str | None,
    output: Path | None,
    html: Path | None,
    as_json: bool,
    repeat: Path | None,
    **options: Any,
) -> None:
    """Run a backtest for each point of the settings on each market, underlying and window, on Ray.

    FILE is JSON and may say all that the options say; what stands on the command line wins. A sweep that was
    interrupted or killed goes on when it is begun again. The exit status is 0 also where trials failed: each says why;
    it is 1 where some were lost with their workers.

    Beside each best stand the probability that its Sharpe ratio is one, deflated for how much was tried, and that of
    backtest overfitting.

    \b
    Examples:
      alo sweep --set entry-edge=0.01,0.02,0.04 --set hedge-band=0.02..0.2 --points 4
      alo sweep --set entry-edge=0..0.05 --sampler optuna --trials 60 --seeds 1..4
      alo sweep --set structures=straddle,strangle+iron-condor --walk-forward 10:5
      alo sweep --repeat backtests/sweep-1f0c2b7a9d3e/trials/000012
    """
    from alo_lib.cli.failures import RunFailedError, UserError

    if repeat is not None:
        others = (file, truth, data, workers, address, output, html, *options.values())
        if assignments or any(each not in (None, ()) for each in others):
            raise UserError("--repeat runs one trial again as it was: only --json can be given with it")
        _repeat(repeat, as_json)
        return

    from alo_lib.cli.json_output import print_json
    from alo_lib.cli.sweeping.folder import SweepFolder
    from alo_lib.cli.targets import check_page
    from alo_lib.sweep import MissingPackagesError

    if html is not None:
        check_page(html)
    wanted = _wanted(file, {**options, "set": _assigned(assignments)}, truth, data)
    if not wanted.axes and len(wanted.conditions) < 2:
        raise UserError("nothing is varied; give a setting several values, --set NAME=A,B,C or NAME=LOW..HIGH")
    for package in ("ray", "pyarrow"):
        if find_spec(package) is None:
            raise MissingPackagesError(package)
    _require_data(wanted)
    folder = SweepFolder.ready(output or BACKTESTS / f"sweep-{wanted.digest[:12]}", wanted)
    with folder.held():
        results = _run(wanted, folder, address, workers)
    told, tables = _finished(wanted, folder, results, html)
    if as_json:
        print_json(told)
    else:
        _show(folder, told, tables)
    if all(each.state == "failed" for each in results):
        raise RunFailedError(f"every trial failed: {results[0].why}")
    if lost := told["counts"]["lost"]:
        raise RunFailedError(f"trials lost with their workers: {lost:,}; the same command runs them again")


def _show(folder: "SweepFolder", told: dict[str, Any], tables: "list[Table]") -> None:
    from alo_lib.cli.console import print_table
    from alo_lib.cli.sweeping.folder import PAGE_FILE, TABLE_FILE

    for table in tables:
        print_table(table)
        click.echo()
    click.echo(f"Page: {folder.shown}/{PAGE_FILE}, a row a trial: {folder.shown}/{TABLE_FILE}")
    if (best := told["best"]) is not None:
        one = folder.shown_trial(best["trials"][0])
        click.echo(f"A trial of the best: alo report {one}; alo sweep --repeat {one}")


def _assigned(assignments: tuple[str, ...]) -> dict[str, str]:
    """What settings are set to, by name."""
    from alo_lib.cli.commands.backtest import assignment
    from alo_lib.cli.failures import UserError
    from alo_lib.records.spelling import spelled

    found: dict[str, str] = {}
    for name, value in map(assignment, assignments):
        if name in found:
            raise UserError(f"setting {spelled(name)} is varied twice, by {found[name]} and by {value}")
        found[name] = value
    return found


def _wanted(file: Path | None, options: dict[str, Any], truth: Path | None, data: Path | None) -> "Sweep":
    """The sweep that is asked for, over data that are there."""
    from alo_lib.cli.market_data import ready_market
    from alo_lib.cli.sweeping.asked import asked_of, sweep_of, truth_of_file
    from alo_lib.settings import Settings

    if truth is not None:
        options["truth"] = truth_of_file(truth)
    asked = asked_of(file, options)
    if data is None and (named := asked.text("data")) is not None:
        data = Path(named)
    generated = bool(asked.seeds())
    if generated and data is not None:
        from alo_lib.cli.failures import UserError

        raise UserError("--seeds are of markets that are generated; --data cannot be given with them")
    over = None if generated else ready_market(data, DATA)
    return sweep_of(asked, Settings.parameters_of(CONFIG), over)


def _require_data(wanted: "Sweep") -> None:
    """DataError when the data that are there do not carry the first condition: all trials of it would fail."""
    from alo_lib.cli.console import working
    from alo_lib.settings import Settings
    from alo_lib.simulation import require_data

    first = wanted.conditions[0]
    if first.seed is None and wanted.data is not None:
        days = {"underlyings": first.underlyings, "start": first.window.start, "end": first.window.end}
        with working("Measuring which data there is ..."):
            require_data(
                Settings.of({name: wanted.base[name] for name in _OF_DATA if name in wanted.base}, days), wanted.data
            )


def _run(wanted: "Sweep", folder: "SweepFolder", address: str | None, workers: int | None) -> "list[Result]":
    """Run what has not been run, on a Ray that is started when there is something to run."""
    from alo_lib.cli.console import bars, say
    from alo_lib.cli.failures import RunFailedError
    from alo_lib.cli.interruption import Interrupted
    from alo_lib.cli.sweeping.running import run_sweep
    from alo_lib.sweep.cluster import cluster
    from alo_lib.sweep.errors import ClusterLostError

    kept = f"what has ended is kept in {folder.shown}; the same command goes on with it"
    with ExitStack() as stack:
        tell = stack.enter_context(bars())
        running: list[Cluster] = []

        def start() -> "Cluster":
            if not running:
                say("Starting Ray ..." if address is None else f"Joining the Ray cluster at {address} ...")
                running.append(stack.enter_context(cluster(address, workers)))
                cores = running[0].cores
                say(f"Ray runs on {running[0].place}, {cores:,} trial{'s' * (cores > 1)} at a time.")
            return running[0]

        try:
            return run_sweep(wanted, folder, start, tell)
        except Interrupted as interruption:
            raise Interrupted(interruption.number, kept) from None
        except ClusterLostError as error:
            raise RunFailedError(f"{error}; {kept}") from None


def _finished(
    wanted: "Sweep", folder: "SweepFolder", results: "list[Result]", html: Path | None
) -> "tuple[dict[str, Any], list[Table]]":
    """Write what came of it: what ``--json`` prints, and the tables."""
    from alo_lib.cli.sweeping.folder import PAGE_FILE, TABLE_FILE
    from alo_lib.cli.sweeping.rows import row_of, write_rows
    from alo_lib.records.whole_files import write_whole
    from alo_lib.sweep.outcomes import verdict
    from alo_lib.views.sweep import stated_verdict
    from alo_lib.views.sweep_page import sweep_html
    from alo_lib.views.sweep_table import sweep_tables

    rows = [row_of(each, folder.data_of(each.trial.condition, wanted)) for each in results]
    write_rows(folder.path / TABLE_FILE, rows, wanted.digest)
    found = verdict(wanted, results)
    page = sweep_html(wanted, found, results)
    for path in (folder.path / PAGE_FILE, html):
        if path is not None:
            write_whole(path, page)
    told = {
        "sweep": {**wanted.stated(), "digest": wanted.digest},
        "folder": str(folder.path),
        **stated_verdict(wanted, found, results),
        "trials": rows,
    }
    return told, list(sweep_tables(wanted, found, results))


def _repeat(path: Path, as_json: bool) -> None:
    from alo_lib.cli.console import working
    from alo_lib.cli.failures import RunFailedError
    from alo_lib.cli.json_output import print_json
    from alo_lib.cli.sweeping.repeating import repeat

    with working(f"Running the trial in {path} again ..."):
        told = repeat(path)
    if as_json:
        print_json(told)
    if not told["same"]:
        other = [name for name, same in told["files"].items() if not same]
        why = "" if told["program"] == told["program_now"] else "; it was run by another program"
        raise RunFailedError(f"trial {told['trial']} does not come out the same: {', '.join(other)} differ{why}")
    if not as_json:
        click.echo(f"Trial {told['trial']} is the same to the byte: {', '.join(told['files'])}.")
