"""Trading sessions, holidays, early closes and option expiries, as LEAN counts them.

Source: LEAN's ``SecurityExchangeHours.cs`` and ``OptionSymbol.cs``. Instants
are int64 nanoseconds since the epoch, UTC; wall-clock times in files become instants by the zone's own rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.faults import DataError
from alo_lib.records import HOUR, SECOND, Session

__all__ = [
    "HoursSegment",
    "MarketHours",
    "index_of_option",
    "local_to_utc",
    "utc_time",
    "utc_to_local",
]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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

    def inherit(self, underlying: "MarketHours") -> Self:
        """With the underlying's holidays, early closes and late opens where this has none."""
        return type(self)(
            self.exchange_zone,
            self.data_zone,
            self.week,
            self.holidays or underlying.holidays,
            self.early_closes or underlying.early_closes,
            self.late_opens or underlying.late_opens,
        )

    def merge(self, common: "MarketHours") -> Self:
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

    def session_from(self, day: date) -> Session:
        """The first regular session on ``day`` or after it."""
        return self.session(day if self.is_trading_day(day) else self.next_trading_day(day))

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
