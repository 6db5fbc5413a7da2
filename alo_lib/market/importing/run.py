"""An import from first to last: files are read a chunk at a time, rows sorted into days, and LEAN's files made."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol

from alo_lib.market.faults import DataError
from alo_lib.market.generator.exchange import equity_hours, index_hours, option_hours
from alo_lib.market.hours_database import MarketHoursDatabase
from alo_lib.market.importing.building import Builder
from alo_lib.market.importing.identity import splits_of, write_identity
from alo_lib.market.importing.refusals import Reason, Refusals
from alo_lib.market.importing.rows import Event, Rows
from alo_lib.market.importing.sources import Chunk
from alo_lib.market.importing.spool import Group, Spool
from alo_lib.market.importing.store import Store, opened_store
from alo_lib.market.importing.symbols import Name, Roots, underlying_name
from alo_lib.market.importing.universes import UniverseWriter
from alo_lib.market.layout import (
    DataKind,
    Resolution,
    SecurityType,
    interest_rate_path,
    market_hours_path,
    symbol_properties_path,
)
from alo_lib.market.text_files import in_place
from alo_lib.market.universe import UnderlyingRow
from alo_lib.market.writer import write_databases
from alo_lib.records import DAY
from alo_lib.records.spelling import first_of

__all__ = ["Format", "Imported", "import_files"]

_FIRST_YEAR, _LAST_YEAR = 1998, 2050
_NAMED: Final = 3


class Format(Protocol):
    """How the files of one vendor are read."""

    def rows(self, path: Path, chunk: Chunk, refusals: Refusals, roots: Roots) -> Iterable[Rows]:
        """The rows of one chunk of a file.

        :raises DataError: for a file that is none of this format.
        """

    def prepare(self, paths: Sequence[Path], refusals: Refusals) -> Sequence[Path]:
        """Look at all files before the first is read; returns those that have rows."""

    def chunks(self, path: Path, refusals: Refusals) -> Iterator[Chunk]:
        """A file, a chunk of rows at a time.

        :raises DataError: when it cannot be read.
        """


@dataclass
class Imported:
    """What came of an import."""

    rows: int = 0
    """That were read, without those that had another number of cells."""
    refusals: Refusals = field(default_factory=Refusals)
    taken: int = 0
    """Bars that were made of them, a row of quotes and trades making one each, before equal ones became one."""
    files: int = 0
    names: dict[Name, set[date]] = field(default_factory=lambda: defaultdict(set))
    """Days by what they are of."""
    warnings: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            "rows": self.rows,
            "taken": self.taken,
            "left_out": dict(self.refusals.counts),
            "first_left_out": [str(each) for each in self.refusals],
            "files": self.files,
            "securities": [
                {"type": str(name.security), "ticker": name.ticker, "days": len(days)}
                | ({"first": str(min(days)), "last": str(max(days))} if days else {})
                for name, days in sorted(self.names.items())
            ],
            "warnings": self.warnings,
        }


def import_files(
    form: Format,
    paths: Sequence[Path],
    root: Path,
    *,
    roots: Roots | None = None,
    databases: Path | None = None,
    replace: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Imported:
    """Import files into a folder in LEAN's format, which may hold data already. Everything is written, or nothing.

    ``databases`` is a folder of LEAN's from which market hours, symbol properties and interest rates are taken where
    ``root`` has none; without it hours are those of the exchanges' rules. ``progress`` is told what is done.

    :raises DataError: when no row can be used, a file cannot be read, or what is there already says otherwise.
    """
    tell = progress or (lambda text: None)
    with opened_store(root) as store:
        _ready_databases(store, databases)
        database = MarketHoursDatabase.load(store.place(market_hours_path(root)).parents[1])
        found = Imported()
        spool = Spool(store.spool, database, found.refusals)
        events: list[Event] = []
        for path in form.prepare(paths, found.refusals):
            for chunk in form.chunks(path, found.refusals):
                found.rows += len(chunk)
                tell(f"Reading {path.name}: {found.rows:,} rows")
                for rows in form.rows(path, chunk, found.refusals, roots or Roots()):
                    spool.add(rows)
                    events += rows.events
        found.taken = spool.taken + len(events)
        if not spool.taken and not events and not any(True for _ in spool.groups()):
            raise DataError(_nothing(paths, found))
        builder = Builder(store, spool, database, found.refusals)
        builder.replace = replace
        _build(builder, events, found, tell)
        found.warnings += [
            f"the quotes of {name.ticker} have no sizes, and a run whose min-quote-size is 1 or more passes over them: "
            "give --size where the files do not say how much is displayed"
            for name in sorted(spool.without_sizes)
        ]
        found.files = len(store.files())
        store.finish()
    return found


def _nothing(paths: Sequence[Path], found: Imported) -> str:
    first = next((each for each in found.refusals if each.reason is not Reason.NOT_ASKED_FOR), None)
    first = first or next(iter(found.refusals), None)
    what = f"{paths[0]}" + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
    if first is None:
        return f"nothing could be read from {what}: there is no row"
    return f"nothing could be read from {what}: of {found.rows:,} rows none can be used, the first {first}"


def _ready_databases(store: Store, given: Path | None) -> None:
    """What every data folder of LEAN's has, copied or by rule, where this one lacks it."""
    has_hours = in_place(market_hours_path(store.root))
    if given is not None:
        for path_of in (market_hours_path, symbol_properties_path, interest_rate_path):
            source, target = path_of(given), path_of(store.root)
            if source.is_file() and not in_place(target):
                made = path_of(store.made)
                made.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, made)
        if not has_hours and not in_place(market_hours_path(store.made)):
            raise DataError(f"there is no market-hours database in {given}; name a data folder of LEAN's")
    elif not has_hours:
        years = (_FIRST_YEAR, _LAST_YEAR)
        write_databases(store.made, equity_hours(*years), option_hours(*years), index_hours(*years))


def _build(builder: Builder, events: list[Event], found: Imported, tell: Callable[[str], None]) -> None:
    names = sorted({group.name for group in builder.spool.groups()})
    of_events = {Name(SecurityType.EQUITY, event.ticker) for event in events}
    underlyings = sorted({name for name in names if underlying_name(name) == name} | of_events)
    for name in underlyings:
        tell(f"Writing {name.ticker}")
        days = _write_underlying(builder, name)
        found.names[name] |= days
        mine = [event for event in events if event.ticker == name.ticker]
        if name.security is SecurityType.EQUITY:
            found.warnings += _identify(builder, name, mine)
    for name in names:
        if name not in underlyings:
            tell(f"Writing the options {name.ticker}")
            found.names[name] |= _write_options(builder, name, found)


def _identify(builder: Builder, name: Name, events: list[Event]) -> list[str]:
    prices = _prices(builder, name)
    if not prices:
        return [f"{name.ticker} has no daily bars, so that its dividends and splits are left out"] if events else []
    closes = [(day, row.close) for day, row in sorted(prices.items())]
    return write_identity(builder.store, name.ticker, closes, events, builder.hours(name), replace=builder.replace)


def _prices(builder: Builder, name: Name) -> dict[date, UnderlyingRow]:
    """The daily bars of an underlying, as the folder has them now."""
    group = Group(name, DataKind.TRADE, Resolution.DAILY, False, date(1970, 1, 1))
    records = builder.store.read(group, builder.database)
    days = (records["time"] // DAY).astype("datetime64[D]").tolist()
    rows = records[["open", "high", "low", "close", "volume"]].tolist()
    return {day: UnderlyingRow(*row) for day, row in zip(days, rows, strict=True)}


def _write_underlying(builder: Builder, name: Name) -> set[date]:
    """Every file of a stock's or an index's bars; returns the days of which there is something new."""
    hourly = builder.minutes(name, DataKind.TRADE)
    quoted = builder.minutes(name, DataKind.QUOTE)
    given = builder.daily_rows(name, DataKind.TRADE)
    closing = builder.daily_rows(name, DataKind.TRADE, implied=True)
    implied = builder.implied_minutes(name, hourly)
    hourly |= implied
    builder.hour_file(name, DataKind.TRADE, hourly, closing)
    made = dict(closing)
    for day in hourly:
        bar = builder.day_of_minutes(name, day)
        if len(bar):
            made[day] = bar
    builder.daily_file(name, DataKind.TRADE, given, made)
    return {*hourly, *quoted, *given, *closing}


def _write_options(builder: Builder, name: Name, found: Imported) -> set[date]:
    """Every file of a root's options; returns the days of which there is something new."""
    days: set[date] = set()
    for kind in DataKind:
        hourly = builder.minutes(name, kind)
        daily = builder.daily_rows(name, kind)
        builder.hour_file(name, kind, hourly, daily)
        builder.daily_file(name, kind, daily, {})
        days |= {*hourly, *daily}
    underlying = underlying_name(name)
    prices = _prices(builder, underlying)
    splits = {}
    if underlying.security is SecurityType.EQUITY:
        splits = splits_of(builder.store, underlying.ticker, builder.hours(underlying))
    writer = UniverseWriter(builder, name, prices, splits)
    writer.write(days)
    if writer.without_price:
        shown = first_of([str(day) for day in writer.without_price], _NAMED)
        found.warnings.append(
            f"{name.ticker} has no price of {underlying.ticker} on {len(writer.without_price):,} days ({shown}): a run "
            f"selects nothing from their universe files; import daily or minute bars of {underlying.ticker}, and then "
            f"the options again"
        )
    return days
