"""A backtest from beginning to end: data, engine, results, report."""

import datetime as dt
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from structlog.typing import FilteringBoundLogger

from alo_lib.cli import engines
from alo_lib.cli.console import console, say, working
from alo_lib.cli.engines import Engine, EngineRun
from alo_lib.cli.failures import UserError, sentence_of
from alo_lib.cli.fingerprint import changes_in_words, files_in_range, fingerprint
from alo_lib.cli.interruption import Interrupted
from alo_lib.cli.json_output import print_json
from alo_lib.cli.market_data import ready_market
from alo_lib.cli.project import ROOT
from alo_lib.cli.provenance import commit_of, versions
from alo_lib.cli.run_folder import RunFolder, has_begun, way_on, write_orders
from alo_lib.journal import JournalError
from alo_lib.records import Kind
from alo_lib.settings import Settings
from alo_lib.telemetry import LogOutput, RunMetrics, open_log
from alo_lib.views import (
    REPORT_FILE,
    Run,
    data_account,
    summarize,
    summary_table,
    trade_records,
    write_report,
    write_trades,
)

__all__ = ["BacktestRequest", "run", "run_in"]


@dataclass(frozen=True, kw_only=True)
class BacktestRequest:
    """What the command line asks for."""

    engine: str
    settings: Settings
    data: Path | None  # None: default_data, with a synthetic market in it when it is empty
    default_data: Path
    output: Path
    as_json: bool = False
    verbose: bool = False
    log_style: Literal["human", "json"] = "human"
    asks_for_engines: bool = False  # and is told which others there are
    resume: RunFolder | None = None  # of a run that was killed and goes on
    command: tuple[str, ...] | None = None  # as it is recorded; None: this process's own
    page: bool = True  # whether the report is drawn


def run(request: BacktestRequest) -> None:
    """Run a backtest and print what came of it.

    A run that cannot be put right by the user, one that goes on, one whose journal failed and one that a signal ends
    leave their folder, with ``.partial`` in its name.

    :raises Interrupted: on a signal, saying how to go on.
    :raises UserError: for what the user can put right; or an error of a package's own family.
    :raises RunFailedError: when an engine that was started fails.
    """
    engine = engines.engine_named(request.engine)
    say(f"Engine: {engine.name} ({engine.place}).{_others(engine) if request.asks_for_engines else ''}")
    folder = request.resume or RunFolder.create(request.output, engine.name, dt.datetime.now(dt.UTC))
    try:
        data = ready_market(request.data, request.default_data)
        _, summary = run_in(folder, engine, request, data)
        finished = folder.finish()
    except Exception as error:
        if sentence_of(error) is not None and request.resume is None and not isinstance(error, JournalError):
            folder.discard()
        if isinstance(error, OSError) and error.filename is None:
            raise UserError(f"results cannot be written to {request.output}: {error.strerror}") from error
        raise
    except Interrupted as interruption:
        raise Interrupted(interruption.number, _kept(folder, engine)) from None
    if request.as_json:
        print_json(summary)
    else:
        Console(highlight=False).print(summary_table(summary))
        click.echo()
    for warning in summary["warnings"]:  # below the table, which is longer than many a screen
        click.echo(f"Warning: {warning}.", err=request.as_json)
    if not request.as_json:
        click.echo(f"Report: {finished / REPORT_FILE}")


def _kept(folder: RunFolder, engine: Engine) -> str:
    """What is left of a run that was interrupted, and how to go on with it."""
    if not engine.goes_on:
        return way_on(folder.path)
    if not has_begun(folder.path):
        folder.discard()
        return "the run had not begun, so nothing of it is kept"
    return f"the run is kept as far as it came; {way_on(folder.path)}"


def _others(engine: Engine) -> str:
    others = [state for state in engines.states(ask_daemon=False) if state.name != engine.name]
    ready = ", ".join(state.name for state in others if state.ready) or "none"
    missing = ", ".join(state.name for state in others if not state.ready)
    return f" Also here: {ready}." + (f" Not here: {missing} ('alo engines' says why)." if missing else "")


def run_in(folder: RunFolder, engine: Engine, request: BacktestRequest, data: Path) -> tuple[Run, dict[str, Any]]:
    """Run a backtest and leave all of it in ``folder``, which keeps its name: the run read back, and its summary.

    Errors are those of :func:`run`.
    """
    from alo_lib.market.generator.truth import TRUTH, read_truth
    from alo_lib.runtime.policy_file import policy_of_run
    from alo_lib.simulation import require_data

    settings, metrics = request.settings, RunMetrics(engine.name)
    started = dt.datetime.now(dt.UTC)
    found = None
    if request.resume is not None:
        with working("Reading whether the data are those that the run began with ..."):
            found = fingerprint(data, files_in_range(data, settings))
        _check_same_data(folder, found)
    policy_of_run(settings, folder.path, resume=request.resume is not None)
    folder.write_json("settings.json", settings.model_dump(mode="json"))
    with _log(folder.path / "alo-log.txt", request) as log:
        log.info("run begins", engine=engine.name, place=engine.place, data=str(data))
        with metrics.stage("data check"), working("Measuring which data there is ..."):
            findings = require_data(settings, data)
        if (truth := read_truth(data)) is not None:
            folder.write_json(TRUTH, truth.model_dump(mode="json"))
        with metrics.stage("fingerprint"), working("Reading which data there is ..."):
            folder.write_json("data.json", found or fingerprint(data, files_in_range(data, settings)))
        began = time.perf_counter()
        with metrics.stage("engine"), _progress(engine, settings, metrics) as progress:
            outcome = engine.run(settings, data, findings, folder.path, progress)
        wall_seconds = time.perf_counter() - began
        metrics.sessions_ended()
        log.info("engine ended", seconds=round(wall_seconds, 3))
        with metrics.stage("results"), working("Writing results ..."):
            results = Run(folder.path)
            faults = outcome.faults
            skipped = {str(kind): count for kind, count in faults.counts.items()}
            folder.write_json("faults.json", {"counts": skipped, "first": [str(fault) for fault in faults]})
            folder.write_json("coverage.json", data_account(findings, faults))
            write_orders(folder.path / "orders.csv", results.orders)
            write_trades(folder.path / "trades.csv", trade_records(results))
            summary = summarize(
                results,
                engine=engine.name,
                findings=findings,
                faults=faults,
                wall_seconds=wall_seconds,
                folder=str(folder.final),
            )
            folder.write_json("run.json", _about(engine, outcome, started, summary, request.command))
        for fault in faults:
            log.warning("data left out", fault=str(fault))
        if request.page:
            with metrics.stage("report"), working("Drawing the report ..."):
                write_report(results)
        _count(metrics, results, skipped)
        metrics.write(folder.path / "metrics.prom")
        log.info("run ends", orders=summary["orders"], net_profit=summary["net_profit"])
    return results, summary


def _check_same_data(folder: RunFolder, now: dict[str, Any]) -> None:
    """UserError unless the data are those that a run began with, or it would be decided half from others."""
    changes = changes_in_words(folder.recorded().data_files, {file["path"]: file["sha256"] for file in now["files"]})
    if changes:
        raise UserError(
            f"the data in {now['folder']} are not those that the run in {folder.path} began with: {changes}; "
            "go on with those, or begin anew"
        )


def _about(
    engine: Engine,
    outcome: EngineRun,
    started: dt.datetime,
    summary: dict[str, Any],
    command: tuple[str, ...] | None,
) -> dict[str, Any]:
    found = versions()
    if outcome.lean_version:
        found["LEAN"] = outcome.lean_version
    return {
        "engine": engine.name,
        "place": engine.place,
        "versions": found,
        "commit": commit_of(ROOT),
        "command": sys.argv[1:] if command is None else list(command),
        "started": started.isoformat(timespec="seconds"),
        "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "lean_order_list_hash": outcome.order_list_hash,
        "summary": summary,
    }


@contextmanager
def _log(path: Path, request: BacktestRequest) -> Iterator[FilteringBoundLogger]:
    """The run's log: all of it in its folder, what matters (or with --verbose all) on standard error.

    A run that goes on logs behind what its earlier process has logged.
    """
    with path.open("a", encoding="utf-8") as file:
        yield open_log(
            LogOutput(lambda: file, "json"),
            LogOutput(lambda: sys.stderr, request.log_style, "info" if request.verbose else "error"),
        )


def _untold(text: str) -> None:
    """Where a bar tells it."""


@contextmanager
def _progress(engine: Engine, settings: Settings, metrics: RunMetrics) -> Iterator[engines.Progress]:
    """A bar with the simulated date on a terminal, in a pipe lines; an engine with a log of its own has none."""
    day: dt.date | None = None
    shown = console()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=shown,
        disable=not (engine.shows_progress and shown.is_terminal),
    )
    task = bar.add_task(f"{settings.start}", total=1.0)

    def progress(simulated: dt.date, share: float) -> None:
        nonlocal day
        if simulated != day:
            metrics.session_began()
            day = simulated
        bar.update(task, description=f"{simulated}", completed=share)
        tell(f"{simulated}, {share:z.0%} of the run")

    with ExitStack() as stack:
        tell: Callable[[str], None] = _untold
        if engine.shows_progress and not shown.is_terminal:
            tell = stack.enter_context(working(f"{settings.start}, 0% of the run"))
        stack.enter_context(bar)
        yield progress
        bar.update(task, completed=1.0)


def _count(metrics: RunMetrics, results: Run, skipped: dict[str, int]) -> None:
    kinds = Counter(message.kind for message in results.journal.messages)
    metrics.count(
        messages={kind.name.lower(): kinds[kind] for kind in Kind if kinds[kind]},
        orders=dict(sorted(Counter(order.status.name.lower() for order in results.orders).items())),
        faults=skipped,
    )
