"""Trading sessions, holidays, early closes and option expiries, as LEAN's market-hours database has them.

Source: LEAN's ``MarketHoursDatabaseJsonConverter.cs``, ``SecurityExchangeHours.cs`` and ``OptionSymbol.cs``. Instants
are int64 nanoseconds since the epoch, UTC; wall-clock times in files become instants by the zone's own rules.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.faults import DataError
from alo_lib.market.layout import SecurityType, market_hours_path
from alo_lib.market.text_files import ENCODING
from alo_lib.records import HOUR, SECOND, Session

__all__ = [
    "HoursSegment",
    "MarketHours",
    "database_key",
    "index_of_option",
    "local_to_utc",
    "utc_time",
    "utc_to_local",
]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TYPE_NAMES = {
    SecurityType.EQUITY: "Equity",
    SecurityType.INDEX: "Index",
    SecurityType.OPTION: "Option",
    SecurityType.INDEX_OPTION: "IndexOption",
}
# LEAN's IndexOptionSymbol: option tickers that differ from their index's.
_INDEX_OF_OPTION = {"RUTW": "RUT", "SPXW": "SPX", "VIXW": "VIX", "NDXP": "NDX", "NQX": "NDX"}


class HoursSegment(NamedTuple):
    """A stretch of a day in exchange time: offsets from midnight, and LEAN's name for its state."""

    start: timedelta
    end: timedelta
    state: str = "market"

    @property
    def regular(self) -> bool:
        """Whether it is the regular market (otherwise before or after it)."""
        return self.state == "market"


def index_of_option(ticker: str) -> str:
    """The index that an index option of this ticker is written on."""
    return _INDEX_OF_OPTION.get(ticker.upper(), ticker.upper())


def utc_time(day: date, offset: timedelta, zone: ZoneInfo) -> int:
    """The instant at which ``zone``'s wall clock shows ``offset`` after ``day``'s midnight, in nanoseconds UTC."""
    wall = datetime.combine(day, datetime.min.time()) + offset
    return (wall.replace(tzinfo=zone) - _EPOCH) // timedelta(microseconds=1) * 1000


def local_to_utc(local: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """Wall-clock nanoseconds since 1970-01-01 00:00 in ``zone`` as instants.

    An hour that occurs twice means its first occurrence; an hour that is skipped is moved forward by the gap.
    """
    hours, where = np.unique(local // HOUR, return_inverse=True)
    # Zones change on whole hours of the wall clock, so that hours are all that needs converting.
    starts = [utc_time(_EPOCH.date(), timedelta(hours=hour), zone) for hour in hours.tolist()]
    instants: NDArray[np.int64] = np.array(starts, dtype=np.int64)[where] + local % HOUR
    return instants


def utc_to_local(instants: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """The wall-clock nanoseconds since 1970-01-01 00:00 that ``zone`` shows at ``instants``."""
    hours, where = np.unique(instants // HOUR, return_inverse=True)
    offsets = [(_EPOCH + timedelta(hours=hour)).astimezone(zone).utcoffset() for hour in hours.tolist()]
    seconds = [0 if offset is None else offset // timedelta(seconds=1) for offset in offsets]
    local: NDArray[np.int64] = instants + np.array(seconds, dtype=np.int64)[where] * SECOND
    return local


def database_key(security_type: SecurityType, symbol: str | None, market: str) -> str:
    """What LEAN's market-hours database calls an entry; without a symbol the one for all others of its type."""
    return f"{_TYPE_NAMES[security_type]}-{market}-{symbol.upper() if symbol else '[*]'}"


@dataclass(frozen=True)
class MarketHours:
    """When an exchange trades. ``week`` holds each weekday's segments, Monday first; times are exchange wall-clock."""

    exchange_zone: ZoneInfo
    data_zone: ZoneInfo
    week: tuple[tuple[HoursSegment, ...], ...]
    holidays: frozenset[date] = frozenset()
    early_closes: Mapping[date, timedelta] = field(default_factory=dict)
    late_opens: Mapping[date, timedelta] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.week) != 7 or not any(segment.regular for segments in self.week for segment in segments):
            raise DataError("market hours must list seven weekdays with at least one regular session among them")

    @classmethod
    def load(
        cls,
        data_folder: Path | str,
        security_type: SecurityType | str = SecurityType.EQUITY,
        symbol: str | None = None,
        market: str = "usa",
    ) -> Self:
        """The hours of ``symbol`` (or of every symbol of the type) from ``data_folder``'s market-hours database.

        As in LEAN a symbol without an entry uses the market's ``[*]`` entry, an entry adds that one's holidays and
        early closes to its own, and an option without holidays takes its underlying's.

        :raises DataError: when the database is missing, unreadable, or has no entry for the type.
        """
        path = market_hours_path(Path(data_folder))
        try:
            entries = json.loads(path.read_text(encoding=ENCODING))["entries"]
        except FileNotFoundError:
            raise DataError(f"there is no market-hours database at {path}; a LEAN data folder must have one") from None
        except (KeyError, TypeError):
            raise DataError(
                f'the market-hours database {path} is no object with "entries", which LEAN\'s has'
            ) from None
        except (OSError, ValueError) as error:
            raise DataError(f"the market-hours database {path} cannot be read: {error}") from error
        if not isinstance(entries, dict):
            raise DataError(f'"entries" of the market-hours database {path} is no object, which LEAN\'s is')
        try:
            return cls._from_entries(entries, SecurityType(security_type), symbol, market)
        except (AttributeError, TypeError, ValueError, ZoneInfoNotFoundError) as error:
            raise DataError(f"the market-hours database {path} is unusable: {error}") from error
        except KeyError as error:
            raise DataError(f"the market-hours database {path} is unusable: an entry lacks {error}") from error

    @classmethod
    def _from_entries(
        cls, entries: Mapping[str, Any], security_type: SecurityType, symbol: str | None, market: str
    ) -> Self:
        key, common_key = database_key(security_type, symbol, market), database_key(security_type, None, market)
        common = entries.get(common_key)
        entry = entries.get(key, common)
        if entry is None:
            raise DataError(f"no entry for {key} nor for {common_key}")

        hours = cls._from_entry(entry)
        if security_type.underlying is not security_type:
            underlying_symbol = index_of_option(symbol) if symbol else None
            underlying = cls._from_entries(entries, security_type.underlying, underlying_symbol, market)
            hours = hours._inherit(underlying)
        if entry is not common and common is not None:
            hours = hours._merge(cls._from_entry(common))
        return hours

    @classmethod
    def _from_entry(cls, entry: Mapping[str, Any]) -> Self:
        return cls(
            exchange_zone=ZoneInfo(entry["exchangeTimeZone"]),
            data_zone=ZoneInfo(entry["dataTimeZone"]),
            week=tuple(
                tuple(
                    HoursSegment(_offset(part["start"]), _offset(part["end"]), part["state"].lower())
                    for part in entry.get(weekday) or ()
                )
                for weekday in WEEKDAYS
            ),
            holidays=frozenset(_slashed_date(text) for text in entry.get("holidays") or ()),
            early_closes={_slashed_date(day): _offset(time) for day, time in (entry.get("earlyCloses") or {}).items()},
            late_opens={_slashed_date(day): _offset(time) for day, time in (entry.get("lateOpens") or {}).items()},
        )

    def _inherit(self, underlying: "MarketHours") -> Self:
        """With the underlying's holidays, early closes and late opens where this has none."""
        return type(self)(
            self.exchange_zone,
            self.data_zone,
            self.week,
            self.holidays or underlying.holidays,
            self.early_closes or underlying.early_closes,
            self.late_opens or underlying.late_opens,
        )

    def _merge(self, common: "MarketHours") -> Self:
        """With the market's common holidays, early closes and late opens added; its own win."""
        return type(self)(
            self.exchange_zone,
            self.data_zone,
            self.week,
            self.holidays | common.holidays,
            {**common.early_closes, **self.early_closes},
            {**common.late_opens, **self.late_opens},
        )

    def segments(self, day: date, *, extended: bool = False) -> list[HoursSegment]:
        """The day's segments after holidays, early close and late open; only the regular market unless ``extended``."""
        if day in self.holidays:
            return []
        segments = [part for part in self.week[day.weekday()] if extended or part.regular]
        early, late = self.early_closes.get(day), self.late_opens.get(day)
        if early is None and late is None:
            return segments
        before = segments if early is None else _until(segments, early)
        if late is None:
            return before
        if early is None or early > late:
            return _since(before, late)
        # The market closes early and resumes later on the same day.
        return before + _since(segments, late)

    def is_trading_day(self, day: date) -> bool:
        """Whether the regular market opens on ``day``."""
        return bool(self.segments(day))

    def session(self, day: date) -> Session:
        """The regular session of ``day``.

        :raises ValueError: when the market is closed all day.
        """
        segments = self.segments(day)
        if not segments:
            raise ValueError(f"the market is closed on {day}; ask is_trading_day first")
        opening = utc_time(day, segments[0].start, self.exchange_zone)
        return Session(day, opening, utc_time(day, segments[-1].end, self.exchange_zone))

    def trading_days(self, start: date, end: date) -> list[date]:
        """The trading days from ``start`` to ``end``, both included."""
        span = (end - start).days + 1
        return [day for day in (start + timedelta(days=n) for n in range(span)) if self.is_trading_day(day)]

    def sessions(self, start: date, end: date) -> list[Session]:
        """The regular sessions from ``start`` to ``end``, both included."""
        return [self.session(day) for day in self.trading_days(start, end)]

    def previous_trading_day(self, day: date) -> date:
        """The last trading day before ``day``."""
        return self._nearest(day, -1)

    def next_trading_day(self, day: date) -> date:
        """The first trading day after ``day``."""
        return self._nearest(day, 1)

    def _nearest(self, day: date, step: int) -> date:
        for n in range(1, 367):
            found = day + timedelta(days=step * n)
            if self.is_trading_day(found):
                return found
        raise DataError(f"the market hours have no trading day within a year of {day}")

    def expiry_time(self, expiry: date) -> int:
        """When a contract with this expiry date stops trading: the close of that day, or of the session before it."""
        return self.session(expiry if self.is_trading_day(expiry) else self.previous_trading_day(expiry)).close

    def in_session(
        self, end_times: NDArray[np.int64], day: date, period: int, *, extended: bool = False
    ) -> NDArray[np.bool_]:
        """Which bars of ``day`` overlap the market's hours; ``end_times`` in nanoseconds UTC, shape (n,)."""
        inside = np.zeros(len(end_times), dtype=np.bool_)
        for part in self.segments(day, extended=extended):
            opening = utc_time(day, part.start, self.exchange_zone)
            closing = utc_time(day, part.end, self.exchange_zone)
            inside |= (end_times > opening) & (end_times - period < closing)
        return inside

    def between(self, times: NDArray[np.int64], first: date, last: date) -> NDArray[np.bool_]:
        """Which instants fall on the exchange's days from ``first`` to ``last``, both included."""
        low = utc_time(first, timedelta(0), self.exchange_zone)
        high = utc_time(last, timedelta(days=1), self.exchange_zone)
        # The end of a bar at midnight belongs to the day that ends.
        inside: NDArray[np.bool_] = (times > low) & (times <= high)
        return inside


def _until(segments: list[HoursSegment], close: timedelta) -> list[HoursSegment]:
    return [HoursSegment(part.start, min(part.end, close), part.state) for part in segments if part.start < close]


def _since(segments: list[HoursSegment], opening: timedelta) -> list[HoursSegment]:
    return [HoursSegment(max(part.start, opening), part.end, part.state) for part in segments if part.end > opening]


def _slashed_date(text: str) -> date:
    month, day, year = (int(part) for part in text.split("/"))
    return date(year, month, day)


def _offset(text: str) -> timedelta:
    """``hh:mm:ss`` or ``d:hh:mm:ss`` (also ``d.hh:mm:ss``) as .NET writes a time span."""
    parts = [int(part) for part in text.replace(".", ":").split(":")]
    days, hours, minutes, seconds = [0] * (4 - len(parts)) + parts
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
