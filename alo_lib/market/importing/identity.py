"""What says which stock a folder's prices are of: its map file, and the factors of its dividends and splits."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from alo_lib.market.calendar import MarketHours
from alo_lib.market.factor_files import FactorFile
from alo_lib.market.factor_rows import factor_rows
from alo_lib.market.faults import DataError, FaultLog
from alo_lib.market.importing.rows import Event
from alo_lib.market.importing.store import Store
from alo_lib.market.layout import factor_file_path, map_file_directory
from alo_lib.market.map_files import MapFile, MapRow
from alo_lib.market.text_files import in_place
from alo_lib.market.writer import write_factor_file, write_map_file
from alo_lib.records import LAST_DAY

__all__ = ["splits_of", "write_identity"]

_MARKET = "usa"


def _factors(store: Store, ticker: str) -> FactorFile:
    path = store.place(factor_file_path(store.root, _MARKET, ticker))
    return FactorFile.load(path, FaultLog()) if in_place(path) else FactorFile(path)


def splits_of(store: Store, ticker: str, hours: MarketHours) -> dict[date, float]:
    """New shares for an old one by the day of each split that the factor file knows."""
    events = _factors(store, ticker).events(hours, FaultLog())
    return {split.day: 1.0 / split.factor for split in events.splits}


def write_identity(
    store: Store,
    ticker: str,
    closes: Sequence[tuple[date, float]],
    events: Sequence[Event],
    hours: MarketHours,
    *,
    replace: bool,
) -> list[str]:
    """Write the map file and the factor file of a stock; returns what a user should know of its events, in sentences.

    ``closes`` are those of every day that the folder has. A factor file with dividends or splits stays as it is.

    :raises DataError: where there is such a file, and events are given, unless they take its place.
    """
    first = closes[0][0]
    _write_map(store, ticker, first)
    known = _factors(store, ticker).events(hours, FaultLog())
    has = bool(known.splits or known.dividends)
    if has and not events:
        return []
    if has and not replace:
        path = factor_file_path(store.root, _MARKET, ticker)
        raise DataError(
            f"{path} has dividends or splits already; give all of {ticker}'s in one import and add --replace"
        )
    # What comes before the session after the last bar needs no close of that session.
    closes = [*closes, (hours.next_trading_day(closes[-1][0]), closes[-1][1])]
    days = {day for day, _ in closes[1:]}
    warnings = [
        f"{ticker}'s dividend or split of {event.day} is not between its daily bars, and is left out"
        for event in events
        if event.day not in days
    ]
    rows = factor_rows(
        [(day, Decimal(repr(close))) for day, close in closes],
        {event.day: event.dividend for event in events if event.dividend},
        {event.day: event.split for event in events if event.split != 1},
    )
    if min(row.price_factor for row in rows) <= 0:
        raise DataError(f"a dividend of {ticker} is as large as its price; allowed: money a share, such as 0.25")
    write_factor_file(store.made, ticker, rows)
    return warnings


def _write_map(store: Store, ticker: str, first: date) -> None:
    path = store.place(map_file_directory(store.root, _MARKET) / f"{ticker.lower()}.csv")
    old = MapFile.load(path, FaultLog()) if in_place(path) else MapFile(ticker)
    if not old.rows:
        write_map_file(store.made, MapFile(ticker, (MapRow(first, ticker), MapRow(LAST_DAY, ticker))))
    elif old.first_date > first:
        rows = (old.rows[0]._replace(day=first), *old.rows[1:])
        write_map_file(store.made, MapFile(old.permtick, rows))
