"""Dates of daily data: taken from what pandas and NumPy users have, counted to an expiry, and given back.

Nothing here imports pandas but what returns its objects.
"""

import datetime as dt
import math
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.records.exchange_holidays import holidays
from alo_lib.volatility.errors import ObservationError, ParameterError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dates", "check_dates", "dated", "dates_of", "plain_values", "read_days", "trading_days_until"]

Array = NDArray[np.float64]
Dates = NDArray[np.datetime64]
"""Days of the exchange, datetime64[D]."""

_DAYS = np.dtype("datetime64[D]")
_FIRST, _LAST = np.datetime64("1800-01-01", "D"), np.datetime64("2199-12-31", "D")
"""Days for which the exchanges' rules are asked."""


def plain_values(values: Any) -> Any:
    """What NumPy is to read of ``values``: a Series or a DataFrame of one column as floats, NaN for its NA."""
    if hasattr(values, "columns") and len(values.columns) == 1:
        values = values.iloc[:, 0]
    if hasattr(values, "index") and hasattr(values, "to_numpy"):
        return values.to_numpy(dtype=np.float64, na_value=math.nan)
    return values


def dates_of(values: Any) -> Dates | None:
    """The dates by which pandas' ``values`` are indexed, on the clock of the index; None without such an index."""
    index: Any = getattr(values, "index", None)
    if not hasattr(index, "dtype"):
        return None
    if hasattr(index, "to_timestamp"):
        index = index.to_timestamp()
    if index.dtype.kind != "M" and not (index.dtype == object and all(isinstance(each, dt.date) for each in index)):
        return None
    return check_dates(index, len(index))


def read_days(name: str, dates: Any) -> Dates:
    """``dates`` (n,), anything that NumPy reads as dates, to the day; those of a zone on its own clock.

    :raises ObservationError: for numbers, what is no date or is not known, or another shape.
    """
    given = np.asarray(dates)
    if given.dtype == object:  # dates that carry a zone, which NumPy would bring to UTC
        given = np.array([_on_its_clock(each) for each in given.ravel()], dtype=object).reshape(given.shape)
    if given.dtype.kind in "biufc" or (given.dtype == object and any(isinstance(each, Number) for each in given.flat)):
        raise ObservationError(f"{name} must be days, but they are numbers ({given.dtype})")
    try:
        days = given.astype(_DAYS)
    except (ValueError, TypeError) as error:
        raise ObservationError(f"{name} must be days, but {error}") from None
    if days.ndim != 1:
        raise ObservationError(f"{name} must be one-dimensional, but the shape is {days.shape}")
    if np.isnat(days).any():
        raise ObservationError(f"{name} must be known, but there is none at {int(np.flatnonzero(np.isnat(days))[0])}")
    return days


def _on_its_clock(value: Any) -> Any:
    return value.replace(tzinfo=None) if getattr(value, "tzinfo", None) is not None else value


def check_dates(dates: ArrayLike, count: int) -> Dates:
    """Return ``dates`` (n,), anything that NumPy reads as days, as datetime64[D]; the same day may come twice.

    :raises ObservationError: for what is no date, another number than ``count``, or a date before the one before it.
    """
    found = read_days("dates", dates)
    if found.shape != (count,):
        raise ObservationError(f"dates must be as many as the days, {count}, but the shape is {found.shape}")
    back = np.flatnonzero(found[1:] < found[:-1])
    if back.size:
        at = int(back[0]) + 1
        raise ObservationError(f"dates must ascend, but {found[at]} at {at} comes after {found[at - 1]}")
    return found


def trading_days_until(expiry: Any, after: Any, *, closed: ArrayLike | None = None) -> int:
    """Sessions after the day ``after`` up to the day ``expiry``, which counts itself: what a forecast is asked for.

    Both are anything that NumPy reads as a day: a Timestamp, a datetime, a date, datetime64 or ISO text. Weekdays
    count but for ``closed``, by default the holidays of the American stock exchanges by rule.

    :raises ParameterError: for what is no date, or an expiry without a session before it.
    """
    first, last = _day("after", after), _day("expiry", expiry)
    years = range(int(str(first)[:4]), int(str(last)[:4]) + 1)
    shut = [day for year in years for day in holidays(year)] if closed is None else closed
    count = int(np.busday_count(first + 1, last + 1, holidays=np.array(shut, dtype=_DAYS))) if last > first else 0
    if count < 1:
        raise ParameterError(f"expiry must be a session or more after {first}, but it is {last}")
    return count


def _day(name: str, value: Any) -> np.datetime64:
    try:
        day: np.datetime64 = read_days(name, [value])[0]
    except ObservationError as error:
        raise ParameterError(f"{name} must be a date, but it is {value!r}") from error
    if not _FIRST <= day <= _LAST:
        raise ParameterError(f"{name} must be from {_FIRST} to {_LAST}, but it is {day}")
    return day


def dated(values: ArrayLike, dates: Dates, name: str | None = None) -> "pd.Series | pd.DataFrame":
    """Values of each day (n,) as a Series, (n, k) as a DataFrame, with the dates as index.

    :raises ObservationError: for another number of values than dates.
    """
    import pandas as pd

    array = np.asarray(values)
    if array.shape[:1] != dates.shape:
        raise ObservationError(f"values must be one a day, {dates.size}, but the shape is {array.shape}")
    index = pd.DatetimeIndex(dates.astype("datetime64[ns]"), name="date")
    return pd.Series(array, index, name=name) if array.ndim == 1 else pd.DataFrame(array, index)
