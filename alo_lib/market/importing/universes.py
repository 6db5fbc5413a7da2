"""Universe files out of what was imported: which contracts were listed at the end of a trading day.

The file of a day lists what the next session can trade: contracts of which the day has a row, and contracts that have
one by the first hour of the next session (a quote, a trade, or open interest, which is known before the open): what is
quoted there was listed before. So no contract is listed that a session brought forth later.
"""

from collections.abc import Iterable
from datetime import date
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.faults import FaultLog
from alo_lib.market.importing.building import Builder
from alo_lib.market.importing.spool import Group
from alo_lib.market.importing.symbols import Name
from alo_lib.market.layout import DataKind, Resolution, SecurityType, universe_directory
from alo_lib.market.text_files import in_place
from alo_lib.market.universe import UNIVERSE_ROW, OptionUniverse, UnderlyingRow
from alo_lib.market.writer import write_universe
from alo_lib.records import HOUR

__all__ = ["UniverseWriter"]

Records = NDArray[np.void]
Key = tuple[date, float, int]

_KINDS: Final = (DataKind.QUOTE, DataKind.TRADE, DataKind.OPEN_INTEREST)


class UniverseWriter:
    """Writes the universes of one root's options; ``prices`` are daily bars of what they are written on, by day."""

    def __init__(
        self, builder: Builder, name: Name, prices: dict[date, UnderlyingRow], splits: dict[date, float]
    ) -> None:
        self._builder = builder
        self._name = name
        self._prices = prices
        self._splits = splits
        self._read: dict[date, dict[DataKind, Records]] = {}
        self._yearly: dict[Group, Records] = {}
        self.without_price: list[date] = []
        """Days whose file has no price of the underlying."""

    def write(self, days: Iterable[date]) -> None:
        """Write the file of each day that has rows, and of the session before it."""
        hours = self._builder.hours(self._name)
        touched = set(days)
        for day in sorted(touched | {hours.previous_trading_day(each) for each in touched}):
            self._write(day, hours.next_trading_day(day))

    def _write(self, day: date, following: date) -> None:
        ratio = self._splits.get(following, 1.0)
        ahead = self._early(following)
        # On the morning of a split every contract has other terms.
        today = self._rows(day) if ratio == 1.0 else {}
        listed: dict[Key, list[float]] = {}
        for rows in (*today.values(), *ahead.values()):
            for key in _keys(rows):
                if key[0] > day:
                    listed.setdefault(key, [nan, nan, nan, nan, 0, 0])
        for key, values in _traded(today.get(DataKind.TRADE)).items():
            if key in listed:
                listed[key][:5] = values
        for interest in (today.get(DataKind.OPEN_INTEREST), ahead.get(DataKind.OPEN_INTEREST)):
            if interest is not None:
                for key, count in zip(_keys(interest), interest["open_interest"].tolist(), strict=True):
                    if key in listed:
                        listed[key][5] = count
        if not listed:
            return
        old = self._old(day)
        for key in listed.keys() - old.keys():
            old[key] = (*listed[key], nan, nan, nan, nan, nan, nan)
        for key in listed.keys() & old.keys():
            new = listed[key]
            traded = new[:5] if new[4] or new[3] == new[3] else old[key][:5]
            old[key] = (*traded, new[5] or old[key][5], *old[key][6:])
        rows = np.array([(*key, *old[key]) for key in sorted(old)], dtype=UNIVERSE_ROW)
        price = self._prices.get(day)
        if price is None:
            self.without_price.append(day)
        elif ratio != 1.0:
            price = UnderlyingRow(
                price.open / ratio, price.high / ratio, price.low / ratio, price.close / ratio, price.volume
            )
        self._save(OptionUniverse(day, price, rows, self._american))

    @property
    def _american(self) -> bool:
        return self._name.security is SecurityType.OPTION

    def _save(self, universe: OptionUniverse) -> None:
        write_universe(self._builder.store.made, self._name.ticker, universe, security=self._name.security)

    def _old(self, day: date) -> dict[Key, tuple[float, ...]]:
        """What the folder's own file lists, which stays."""
        store = self._builder.store
        path = universe_directory(store.root, self._name.security, "usa", self._name.ticker) / f"{day:%Y%m%d}.csv"
        if not in_place(store.place(path)):
            return {}
        rows = OptionUniverse.load(store.place(path), FaultLog(), american=self._american).rows
        return {tuple(row[:3]): tuple(row[3:]) for row in rows.tolist()}

    def _rows(self, day: date) -> dict[DataKind, Records]:
        """What there is of a day, minute rows or daily ones."""
        if day not in self._read:
            self._read = {each: rows for each, rows in self._read.items() if each >= day}
            found = {}
            for kind in _KINDS:
                rows = self._of(Group(self._name, kind, Resolution.MINUTE, False, day))
                if not len(rows) and kind is not DataKind.OPEN_INTEREST:
                    rows = self._daily(kind, day)
                if len(rows):
                    found[kind] = rows
            self._read[day] = found
        return self._read[day]

    def _daily(self, kind: DataKind, day: date) -> Records:
        """Daily rows of a day; a year's file is read once."""
        group = Group(self._name, kind, Resolution.DAILY, False, date(day.year, 1, 1))
        if group not in self._yearly:
            self._yearly = {each: rows for each, rows in self._yearly.items() if each.day.year >= day.year - 1}
            rows = self._of(group)
            self._yearly[group] = rows[np.argsort(rows["time"], kind="stable")]
        rows, close = self._yearly[group], self._builder.hours(self._name).session(day).close
        first, end = (np.searchsorted(rows["time"], close, side=side) for side in ("left", "right"))
        return rows[first:end]

    def _of(self, group: Group) -> Records:
        return self._builder.store.read(group, self._builder.database)

    def _early(self, day: date) -> dict[DataKind, Records]:
        """What a session has shown by the end of its first hour; open interest before its open."""
        opening = self._builder.hours(self._name).session(day).open
        until = {DataKind.OPEN_INTEREST: opening}
        return {kind: rows[rows["time"] <= until.get(kind, opening + HOUR)] for kind, rows in self._rows(day).items()}


def _keys(records: Records) -> list[Key]:
    columns = (records[name].tolist() for name in ("expiry", "strike", "right"))
    return list(zip(*columns, strict=True))


def _traded(records: Records | None) -> dict[Key, list[float]]:
    """Open, high, low, close and volume of each contract over a day's trades."""
    if records is None:
        return {}
    found: dict[Key, list[float]] = {}
    ordered = records[np.argsort(records["time"], kind="stable")]
    rows = ordered[["open", "high", "low", "close", "volume"]].tolist()
    for key, (opening, high, low, close, volume) in zip(_keys(ordered), rows, strict=True):
        if key not in found:
            found[key] = [opening, high, low, close, volume]
            continue
        one = found[key]
        one[1], one[2], one[3], one[4] = max(one[1], high), min(one[2], low), close, one[4] + volume
    return found
