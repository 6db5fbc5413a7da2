"""Rows on disk by the file of LEAN's that they belong to, so that an import holds no more than a day of one chain."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.calendar import MarketHours, utc_to_local
from alo_lib.market.hours_database import MarketHoursDatabase
from alo_lib.market.importing.records import RECORD_DTYPES, of_bars
from alo_lib.market.importing.refusals import Reason, Refusals
from alo_lib.market.importing.rows import Rows
from alo_lib.market.importing.symbols import Name
from alo_lib.market.layout import DataKind, Resolution
from alo_lib.records import DAY, HOUR, MINUTE

__all__ = ["Group", "Spool"]

_PERIODS: Final = {Resolution.MINUTE: MINUTE, Resolution.HOUR: HOUR}


class Group(NamedTuple):
    """What one file holds; ``day`` is that of minute rows, 1 January of the year of others."""

    name: Name
    kind: DataKind
    length: Resolution
    implied: bool
    day: date


class Spool:
    """Takes rows in, those that fall into no session refused, and gives them back file by file."""

    def __init__(self, folder: Path, database: MarketHoursDatabase, refusals: Refusals) -> None:
        self._folder = folder
        self._database = database
        self._refusals = refusals
        self._hours: dict[Name, MarketHours] = {}
        self._groups: dict[Group, Path] = {}
        self.taken = 0
        """Rows that fall into a session."""
        self.without_sizes: set[Name] = set()
        """What has quotes, and in no row of them a size."""
        self._sized: set[Name] = set()
        folder.mkdir(parents=True, exist_ok=True)

    def hours(self, name: Name) -> MarketHours:
        """When a security trades."""
        if name not in self._hours:
            self._hours[name] = self._database.hours(name.security, name.ticker)
        return self._hours[name]

    def add(self, rows: Rows) -> None:
        """Take rows in."""
        for number, name in enumerate(rows.names):
            mine = rows.name == number
            if mine.any():
                self._add(name, rows.where(mine))

    def _add(self, name: Name, rows: Rows) -> None:
        hours = self.hours(name)
        period = _PERIODS.get(rows.length) if rows.kind is not DataKind.OPEN_INTEREST else None
        times = rows.bars["time"]
        ends = times if period is None else -(-times // period) * period
        days = utc_to_local(ends - 1, hours.exchange_zone) // DAY
        for day_number in np.unique(days).tolist():
            day: date = np.datetime64(day_number, "D").item()
            mine = days == day_number
            if not hours.is_trading_day(day):
                self._refuse(Reason.CLOSED, rows, mine, str(day))
                continue
            if period is not None:
                inside = hours.in_session(ends, day, period)
                session = hours.session(day)
                clock = f"{day}; allowed: {_clock(session.open, hours)} to {_clock(session.close, hours)}"
                self._refuse(Reason.OUTSIDE, rows, mine & ~inside, clock)
                mine &= inside
            if rows.length is Resolution.DAILY and rows.kind is not DataKind.OPEN_INTEREST:
                times[mine] = hours.session(day).close
            self._append(name, rows, mine, day)

    def _refuse(self, reason: Reason, rows: Rows, mine: NDArray[np.bool_], detail: str) -> None:
        at = np.flatnonzero(mine)
        if len(at):
            self._refusals.record(reason, rows.file, int(rows.lines[at[0]]), detail, count=len(at))

    def _append(self, name: Name, rows: Rows, mine: NDArray[np.bool_], day: date) -> None:
        if not mine.any():
            return
        of = day if rows.length is Resolution.MINUTE else date(day.year, 1, 1)
        group = Group(name, rows.kind, rows.length, rows.implied, of)
        path = self._groups.setdefault(group, self._folder / f"{len(self._groups)}")
        if rows.kind is DataKind.QUOTE:
            sized = (rows.bars["bid_size"][mine] > 0) | (rows.bars["ask_size"][mine] > 0)
            (self._sized if sized.any() else self.without_sizes).add(name)
            self.without_sizes -= self._sized
        records = of_bars(rows.contract[mine], rows.bars[mine], rows.kind)
        self.taken += 0 if rows.implied else len(records)
        with path.open("ab") as file:
            file.write(records.tobytes())

    def groups(self) -> Iterator[Group]:
        """All that rows were taken in for."""
        yield from self._groups

    def records(self, group: Group) -> NDArray[np.void]:
        """The rows of a group in the order in which they came."""
        path = self._groups.get(group)
        dtype = RECORD_DTYPES[group.kind]
        return np.zeros(0, dtype) if path is None else np.fromfile(path, dtype)


def _clock(time: int, hours: MarketHours) -> str:
    seconds = int(utc_to_local(np.array([time]), hours.exchange_zone)[0] % DAY) // 10**9
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
