"""LEAN's files of bars out of the rows that were taken in: minute files by day, and what is made from them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.aggregation import longer_bars, longer_chain
from alo_lib.market.bars import CONTRACT
from alo_lib.market.calendar import MarketHours
from alo_lib.market.faults import DataError
from alo_lib.market.hours_database import MarketHoursDatabase
from alo_lib.market.importing.records import (
    RECORD_DTYPES,
    Disagreement,
    combined,
    joined,
    of_bars,
    of_chain,
    to_bars,
    to_chain,
)
from alo_lib.market.importing.refusals import Reason, Refusals
from alo_lib.market.importing.spool import Group, Spool
from alo_lib.market.importing.store import Store
from alo_lib.market.importing.symbols import Name
from alo_lib.market.layout import DataKind, Resolution
from alo_lib.records import DAY, HOUR, MINUTE, utc_moment

__all__ = ["Builder"]

Records = NDArray[np.void]

_ANY_YEAR = date(1970, 1, 1)
"""Stands for the day of files that hold a whole history."""


class Builder:
    """Makes the files of one name after the other; ``replace`` takes new rows in the place of old ones."""

    def __init__(self, store: Store, spool: Spool, database: MarketHoursDatabase, refusals: Refusals) -> None:
        self.store = store
        self.spool = spool
        self.database = database
        self.replace = False
        self._refusals = refusals

    def hours(self, name: Name) -> MarketHours:
        """When a name trades."""
        return self.spool.hours(name)

    def groups(self, name: Name, length: Resolution, kind: DataKind, *, implied: bool = False) -> list[Group]:
        """What was taken in of a name, oldest first."""
        wanted = (name, kind, length, implied)
        found = [
            group for group in self.spool.groups() if (group.name, group.kind, group.length, group.implied) == wanted
        ]
        return sorted(found, key=lambda group: group.day)

    def taken(self, group: Group) -> Records:
        """The rows of a group, one a contract and time, minute rows as bars of whole minutes."""
        records, passed = combined(self.spool.records(group), group.kind)
        if passed:
            self._refusals.record(
                Reason.SECOND, str(self.store.archive(group).path), 0, "the last is taken", count=passed
            )
        if group.length is Resolution.MINUTE and group.kind is not DataKind.OPEN_INTEREST:
            return _longer(records, group, MINUTE)
        return records

    def minutes(self, name: Name, kind: DataKind) -> dict[date, Records]:
        """Write the minute files of a name; returns hour bars made of each, by day."""
        hourly = {}
        for group in self.groups(name, Resolution.MINUTE, kind):
            records = self.join(group, self.taken(group))
            self.store.write(group, records, self.database)
            hourly[group.day] = _longer(records, group, HOUR)
        return hourly

    def join(self, group: Group, new: Records) -> Records:
        """New rows with those that the folder has.

        :raises DataError: where they disagree, unless new ones take their place.
        """
        made, wrong = joined(self.store.read(group, self.database), new, group.kind, replace=self.replace)
        if wrong is not None:
            raise DataError(f"{self.store.archive(group).path} has another row {_in_words(wrong)}")
        return made

    def hour_file(self, name: Name, kind: DataKind, hourly: dict[date, Records], closing: dict[date, Records]) -> None:
        """Write the hour files of a name: hours of days of minutes, the hours that were given, and closes of days.

        ``closing`` are daily rows, which stand for the last hour of a session that has nothing else.
        """
        given = {group.day.year: self.taken(group) for group in self.groups(name, Resolution.HOUR, kind)}
        years = {day.year for day in (*hourly, *closing)} | set(given)
        whole = name.security is name.security.underlying
        for year in sorted({0} if whole and years else years):
            group = Group(name, kind, Resolution.HOUR, False, date(year, 1, 1) if year else _ANY_YEAR)
            old = self.store.read(group, self.database)
            old = old[~np.isin(_days(old), np.array(list(hourly), "<M8[D]"))]
            mine = [records for day, records in hourly.items() if year in (0, day.year)]
            records = np.concatenate([old, *mine])
            for one in given.values() if whole else [given[year]] if year in given else []:
                records, _ = joined(records, one, kind, replace=self.replace)
            has = set(_days(records).tolist())
            ends = [
                _ending_on_the_hour(rows) for day, rows in closing.items() if year in (0, day.year) and day not in has
            ]
            records = np.concatenate([records, *ends])
            if len(records):
                self.store.write(group, records, self.database)

    def daily_rows(self, name: Name, kind: DataKind, *, implied: bool = False) -> dict[date, Records]:
        """Daily rows that were given, by day."""
        found: dict[date, Records] = {}
        for group in self.groups(name, Resolution.DAILY, kind, implied=implied):
            records = self.taken(group)
            days = _days(records)
            for day in np.unique(days):
                found[day.item()] = records[days == day]
        return found

    def daily_file(self, name: Name, kind: DataKind, rows: dict[date, Records], made: dict[date, Records]) -> None:
        """Write the daily files of a name: rows that were given, and those ``made`` of minutes where there is none."""
        years: dict[int, list[date]] = defaultdict(list)
        whole = name.security is name.security.underlying
        for day in sorted({*rows, *made}):
            years[0 if whole else day.year].append(day)
        for year, days in years.items():
            group = Group(name, kind, Resolution.DAILY, False, date(year, 1, 1) if year else _ANY_YEAR)
            given = [rows[day] for day in days if day in rows]
            records = self.join(group, np.concatenate([np.zeros(0, RECORD_DTYPES[kind]), *given]))
            has = set(_days(records).tolist())
            more = [made[day] for day in days if day in made and day not in has]
            self.store.write(group, np.concatenate([records, *more]), self.database)

    def implied_minutes(self, name: Name, has: Iterable[date]) -> dict[date, Records]:
        """Write minute trades of an underlying from what its options' rows say, on days without its own."""
        known, hourly = set(has), {}
        for group in self.groups(name, Resolution.MINUTE, DataKind.TRADE, implied=True):
            real = group._replace(implied=False)
            old = self.store.read(real, self.database)
            if group.day in known:
                continue
            records, _ = joined(old, self.taken(group), DataKind.TRADE, replace=False)
            self.store.write(real, records, self.database)
            hourly[group.day] = _longer(records, real, HOUR)
        return hourly

    def day_of_minutes(self, name: Name, day: date) -> Records:
        """The session's daily bar out of a minute file, none where that has no bar within it."""
        group = Group(name, DataKind.TRADE, Resolution.MINUTE, False, day)
        records, hours = self.store.read(group, self.database), self.hours(name)
        session = hours.session(day)
        inside = records[(records["time"] > session.open) & (records["time"] <= session.close)]
        if not len(inside):
            return inside
        made = inside[:1].copy()
        made["time"], made["close"] = session.close, inside["close"][-1]
        made["high"], made["low"], made["volume"] = inside["high"].max(), inside["low"].min(), inside["volume"].sum()
        return made


def _longer(records: Records, group: Group, period: int) -> Records:
    kind = group.kind
    if group.name.security is group.name.security.underlying:
        bars = longer_bars(to_bars(records[np.argsort(records["time"], kind="stable")], kind), period)
        return of_bars(np.zeros(len(bars), CONTRACT), bars, kind)
    return of_chain(longer_chain(to_chain(records, kind), period), kind)


def _ending_on_the_hour(records: Records) -> Records:
    """The rows of a session's close as hour bars."""
    made = records.copy()
    made["time"] = -(-made["time"] // HOUR) * HOUR
    return made


def _days(records: Records) -> NDArray[np.datetime64]:
    """The days of rows: a session begins and ends on its own date in UTC, too."""
    days: NDArray[np.datetime64] = ((records["time"] - 1) // DAY).astype("datetime64[D]")
    return days


def _in_words(wrong: Disagreement) -> str:
    old, new = wrong
    contract = f"{old['expiry']} {old['strike']:g} {'C' if old['right'] > 0 else 'P'} " if old["right"] else ""
    names = [name for name in old.dtype.names or () if name not in {*(CONTRACT.names or ()), "time"}]
    name = next(
        name for name in names if old[name] != new[name] and not (old[name] != old[name] and new[name] != new[name])
    )
    return (
        f"for {contract}{utc_moment(int(old['time']))}: {name} {old[name]:g} there, {new[name]:g} now; add --replace "
        "to take the new rows, or import into another folder"
    )
