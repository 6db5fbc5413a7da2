"""The folder of a run: made under another name, and given its own when everything is in it."""

import csv
import datetime as dt
import io
import re
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from alo_lib.cli.engines import goes_on
from alo_lib.cli.failures import UserError
from alo_lib.cli.json_output import json_text
from alo_lib.cli.project import BACKTESTS
from alo_lib.cli.sweeping.folder import sweep_around
from alo_lib.journal import JOURNAL_FOLDER, holds_journal
from alo_lib.records import utc_moment
from alo_lib.records.whole_files import write_whole
from alo_lib.views.run import PARTIAL, Run

__all__ = ["RunFolder", "engine_of", "finished_run", "found_run", "has_begun", "way_on", "write_orders"]

_NAME: Final = re.compile(rf"\d{{8}}-\d{{6}}-([a-z]+)(-\d+)?({re.escape(PARTIAL)})?")
"""Of a run's folder: its time, its engine, and a number where that was taken."""
_README: Final = """\
report.html      the run in pictures and tables; open it in a browser (plotly.min.js draws its charts)
run.json         engine, versions, project commit, times, and the summary that the command printed
settings.json    what was asked for; data.json has the files it was read from, faults.json and
                 coverage.json what was left out of them and what was not there; truth.json what a
                 synthetic market was made from
policy.json      the learned policy that it hedges by, where it has one
orders.csv       every order, in the order in which they were sent
trades.csv       every trade: entry, hedges, end, and where its profit came from
sessions.csv     each session: equity, return, drawdown, rolling figures, and where its profit came from
volatilities.csv implied, forecast and realized volatility over time; forecasts.csv: did forecasts come true;
                 regimes.csv: calm or wild, and how likely
journal/         every input and decision, checksummed; alo replay decides it again, alo journal shows it
*.json, *.txt    the engine's results and logs in LEAN's own format; metrics.prom has what the run counted and timed
"""


def found_run(path: Path) -> Path:
    """The folder that is meant by ``path``: there, or for a bare name as ``alo runs`` lists it in the folder of runs.

    UserError where there is none; it names both places.
    """
    if path.is_dir():
        return path
    if len(path.parts) == 1:
        listed = BACKTESTS / path
        if listed.is_dir():
            return listed
        raise UserError(
            f"{path} is not a folder, here or in {BACKTESTS}; name the folder of a run as 'alo runs' lists it, "
            "or the way to it"
        )
    raise UserError(f"{path} is not a folder; name the folder of a run, such as one in backtests/")


def finished_run(path: Path) -> Path:
    """The folder of a run as :func:`found_run` finds it; UserError for an unfinished run: how to go on is told."""
    from alo_lib.views.runs import unfinished_run

    found = found_run(path)
    if found.suffix == PARTIAL and not (found / "run.json").is_file():
        how = way_on(found, being_written=unfinished_run(found).being_written)
        raise UserError(f"the run in {found} is not finished; {how}")
    return found


def engine_of(path: Path) -> str | None:
    """The engine that the name of a run's folder tells of; None for a name that somebody else gave it."""
    named = _NAME.fullmatch(path.name)
    return None if named is None else named[1]


def has_begun(path: Path) -> bool:
    """Whether a run has journaled anything."""
    return holds_journal(path / JOURNAL_FOLDER)


def way_on(path: Path, *, being_written: bool = False) -> str:
    """How to go on with the unfinished run in a folder, as the end of a sentence."""
    if being_written:
        return "it is still at work"
    if (sweep := sweep_around(path)) is not None:
        return f"it is a trial of the sweep in {shlex.quote(str(sweep))}, whose command begins it anew"
    engine, where = engine_of(path), shlex.quote(str(path.resolve()))
    if engine is None or goes_on(engine):
        return f"go on with: alo backtest --resume {where}" if has_begun(path) else "it had not begun; begin it anew"
    anew = f"the {engine} engine begins its backtests anew"
    if has_begun(path):
        return f"{anew}; 'alo replay {where}' reads what this one journaled"
    return f"{anew}, and what this one left is in {where}"


class RunFolder:
    """Where a run writes. Until :meth:`finish` its name ends in ``.partial``, so it never looks like a finished one."""

    def __init__(self, path: Path, final: Path) -> None:
        self.path = path
        self.final = final

    @classmethod
    def create(cls, parent: Path, engine: str, now: dt.datetime) -> "RunFolder":
        """A new, empty folder in ``parent``, named by time and engine. UserError when none can be made there."""
        name = f"{now:%Y%m%d-%H%M%S}-{engine}"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            number = 1
            while True:
                final = parent / (name if number == 1 else f"{name}-{number}")
                partial = final.with_name(final.name + PARTIAL)
                if not final.exists():
                    try:
                        partial.mkdir()
                        break
                    except FileExistsError:
                        pass
                number += 1
            write_whole(partial / "README.txt", _README)
        except OSError as error:
            raise UserError(f"results cannot be written to {parent}: {error.strerror}") from error
        return cls(partial.resolve(), final.resolve())

    @classmethod
    def reopen(cls, path: Path) -> "RunFolder":
        """The folder of a run that was killed, to finish it. UserError when it is none, or could not get its name."""
        if not path.is_dir() or path.suffix != PARTIAL:
            raise UserError(f"{path} is not the folder of a run that was cut short: such a name ends in {PARTIAL}")
        if sweep_around(path) is not None:
            raise UserError(f"the run in {path} cannot go on by itself: {way_on(path)}")
        final = path.with_suffix("")
        if final.exists():
            raise UserError(
                f"{final} is in the way: the run in {path} gets that name when it is finished; "
                f"move or rename what is there"
            )
        return cls(path.resolve(), final.resolve())

    def recorded(self) -> Run:
        """What a run that goes on has in its folder. UserError when it was killed before it wrote what it needs."""
        for name in ("settings.json", "data.json"):
            if not (self.path / name).exists():
                why = (
                    ", though a run writes it before its journal"
                    if has_begun(self.path)
                    else ": its run was cut short before it began"
                )
                raise UserError(f"{self.path} has no {name}{why}; begin it anew")
        return Run(self.path)

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write one of the folder's JSON files."""
        write_whole(self.path / name, json_text(content, indent=2) + "\n")

    def finish(self) -> Path:
        """Give the folder its name; it is complete."""
        self.path.rename(self.final)
        return self.final

    def discard(self) -> None:
        """Remove it: nothing in it is of use."""
        shutil.rmtree(self.path, ignore_errors=True)


def write_orders(path: Path, orders: Iterable[Any]) -> None:
    """Write orders as a table; times are ns UTC and as a date, prices are averages over an order's fills."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("symbol", "time", "utc", "type", "side", "quantity", "filled", "price", "fee", "status", "tag"))
    for order in orders:
        when = (order.time, utc_moment(order.time))
        row = (order.symbol, *when, order.type.name.lower(), order.side, abs(order.quantity))
        outcome = (abs(order.filled), f"{order.price:z.4f}", f"{order.fee:z.4f}", order.status.name.lower(), order.tag)
        writer.writerow(row + outcome)
    write_whole(path, table.getvalue())
