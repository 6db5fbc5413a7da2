"""Units: whole nanoseconds, as all times count, years of 365 days, as quoted volatilities count them, and the cent."""

import datetime as dt
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "CALENDAR_DAY",
    "CENT",
    "DAY",
    "DAYS_A_YEAR",
    "FIRST_DAY",
    "HOUR",
    "LAST_DAY",
    "LEAST_SESSIONS",
    "MICROSECOND",
    "MILLISECOND",
    "MINUTE",
    "NEW_YORK",
    "SECOND",
    "SECONDS_A_DAY",
    "TRADING_DAYS",
    "VOLATILITY_POINT",
    "YEAR",
    "utc_moment",
    "years_between",
]

MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000 * MICROSECOND
SECOND: Final = 1_000 * MILLISECOND
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
"""Of 24 hours; a day of the calendar may have 23 or 25."""
CALENDAR_DAY: Final = dt.timedelta(days=1)
"""From a date to the next, or from a time on a clock to the same time there."""
DAYS_A_YEAR: Final = 365
CENT: Final = Decimal("0.01")
FIRST_DAY: Final = dt.date(1970, 1, 2)
"""The first day that data can have: times count from 1970 on, UTC."""
LAST_DAY: Final = dt.date(2050, 12, 31)
"""The last one: LEAN's end of time."""
YEAR: Final = DAYS_A_YEAR * DAY
"""Time to expiry counts actual time over 365 days, as LEAN and quoted implied volatilities do."""
SECONDS_A_DAY: Final = DAY // SECOND
TRADING_DAYS: Final = 252
"""Of a year: daily variances are annualized by it."""
LEAST_SESSIONS: Final = 20
"""Below them a Sharpe ratio says nothing, and none is given."""
VOLATILITY_POINT: Final = 0.01
"""Of annual volatility, in which traders quote it."""
NEW_YORK: Final = ZoneInfo("America/New_York")
"""Where American exchanges keep their time."""


def utc_moment(time: int) -> str:
    """Nanoseconds since the epoch, UTC, as ISO 8601 has them: ``yyyy-mm-ddThh:mm:ss.mmmZ``.

    >>> utc_moment(1_704_205_800_250_000_000)
    '2024-01-02T14:30:00.250Z'
    """
    return f"{np.datetime64(time, 'ns').astype('datetime64[ms]')}Z"


def years_between(start: ArrayLike, end: ArrayLike) -> NDArray[np.float64]:
    """Years from ``start`` to ``end``, nanoseconds since the epoch that broadcast; negative where the end is first."""
    elapsed = np.asarray(end, dtype=np.int64) - np.asarray(start, dtype=np.int64)
    return np.asarray(elapsed / YEAR, dtype=np.float64)
