"""Ticker histories: which name a security's files carry on a date.

Source: LEAN's ``MapFile.cs``, ``MapFileRow.cs`` and ``MapFileResolver.cs``. A row's ticker is in use up to and
including the row's date; the last row's date is that of the delisting (2050-12-31 while the security trades).
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple, Self

from alo_lib.market.faults import FaultKind, FaultLog
from alo_lib.market.layout import map_file_directory, parse_date
from alo_lib.market.text_files import read_cells
from alo_lib.records.spelling import check_ticker

__all__ = ["MapFile", "MapFiles", "MapRow", "TickerSpan"]


class MapRow(NamedTuple):
    """``ticker`` is in use until ``day``, inclusive; ``exchange`` is LEAN's one-letter code, or empty."""

    day: date
    ticker: str
    exchange: str = ""


class TickerSpan(NamedTuple):
    """A ticker and the days, both included, on which it is in use."""

    first: date
    last: date
    ticker: str


@dataclass(frozen=True)
class MapFile:
    """One security's history. ``permtick`` names its map and factor files; without rows it is the ticker."""

    permtick: str
    rows: tuple[MapRow, ...] = ()

    @classmethod
    def load(cls, path: Path, faults: FaultLog) -> Self:
        """Read one map file; rows that cannot be read are left out."""
        rows: set[MapRow] = set()
        for line, cells in read_cells(path, faults):
            if len(cells) < 2:
                faults.record(FaultKind.COLUMNS, path, line=line, detail=f"{len(cells)} of at least 2")
                continue
            try:
                row = MapRow(parse_date(cells[0]), check_ticker(cells[1]), cells[2] if len(cells) > 2 else "")
            except ValueError as error:
                faults.record(FaultKind.DATE, path, line=line, detail=str(error))
                continue
            rows.add(row)
        return cls(path.stem.upper(), tuple(sorted(rows)))

    @property
    def first_date(self) -> date:
        """The first day with data."""
        return self.rows[0].day if self.rows else date.min

    @property
    def delisting_date(self) -> date:
        """The last day with data."""
        return self.rows[-1].day if self.rows else date.max

    def ticker_on(self, day: date) -> str:
        """The ticker in use on ``day`` (the permanent one after the delisting)."""
        row = bisect_left(self.rows, day, key=lambda row: row.day)
        return self.rows[row].ticker if row < len(self.rows) else self.permtick

    def spans(self, start: date, end: date) -> list[TickerSpan]:
        """The tickers in use between ``start`` and ``end`` (included), oldest first, within the listing."""
        first, end = max(start, self.first_date), min(end, self.delisting_date)
        spans: list[TickerSpan] = []
        for row in self.rows or (MapRow(date.max, self.permtick),):
            last = min(row.day, end)
            if first > last:
                continue
            if spans and spans[-1].ticker == row.ticker:
                spans[-1] = spans[-1]._replace(last=last)
            else:
                spans.append(TickerSpan(first, last, row.ticker))
            if last == end:
                break
            first = last + timedelta(days=1)
        return spans


class MapFiles:
    """All map files of a market, found by the ticker a security had on a date."""

    def __init__(self, root: Path, market: str, faults: FaultLog) -> None:
        self._by_permtick: dict[str, MapFile] = {}
        self._by_ticker: dict[str, dict[date, str]] = {}
        for path in sorted(map_file_directory(root, market).glob("*.csv")):
            map_file = MapFile.load(path, faults)
            self._by_permtick[map_file.permtick] = map_file
            for row in map_file.rows:
                owner = self._by_ticker.setdefault(row.ticker, {}).setdefault(row.day, map_file.permtick)
                if owner != map_file.permtick:
                    detail = f"{row.ticker} until {row.day} belongs to {owner} already"
                    faults.record(FaultKind.DUPLICATE, path, detail=detail)

    def resolve(self, ticker: str, on: date | None = None) -> MapFile:
        """The security that ``ticker`` names on the day ``on`` (by default today, as LEAN resolves what a user types).

        A ticker that no map file knows is a security of its own, listed at all times.

        :raises ValueError: for no ticker.
        """
        ticker = check_ticker(ticker)
        permtick, entries = ticker, self._by_ticker.get(ticker)
        if entries:
            days = sorted(entries)
            at = len(days) if on is None else bisect_left(days, on)
            permtick = entries[days[min(at, len(days) - 1)]]
        map_file = self._by_permtick.get(permtick)
        if map_file is None or (on is not None and map_file.first_date > on):
            return MapFile(permtick)
        return map_file
