"""Dates of daily data: taken from what pandas and NumPy users have, counted to an expiry, and given back.

Nothing here imports pandas but what returns its objects.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.records.exchange_holidays import holidays
from alo_lib.volatility.errors import ObservationError, ParameterError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dates", "check_dates", "dated", "dates_of", "plain_values", "trading_days_until"]

Array = NDArray[np.float64]
Dates = NDArray[np.datetime64]
"""Days of the exchange, datetime64[D]."""

_DAYS = np.dtype("datetime64[D]")


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
    if getattr(index, "tz", None) is not None:
        index = index.tz_localize(None)
    if index.dtype.kind != "M" and index.dtype != object:
        return None
    return check_dates(index, len(index))


def check_dates(dates: ArrayLike, count: int) -> Dates:
    """Return ``dates`` (n,), anything that NumPy reads as days, as datetime64[D]; the same day may come twice.

    :raises ObservationError: for what is no date, another number than ``count``, or a date before the one before it.
    """
    given = np.asarray(dates)
    if given.dtype.kind in "biufc":
        raise ObservationError(f"dates must be days, but they are numbers ({given.dtype})")
    try:
        found = given.astype(_DAYS)
    except (ValueError, TypeError) as error:
        raise ObservationError(f"dates must be days, but {error}") from None
    if found.shape != (count,):
        raise ObservationError(f"dates must be as many as the days, {count}, but the shape is {found.shape}")
    if np.isnat(found).any():
        raise ObservationError(f"dates must be known, but there is none at {int(np.flatnonzero(np.isnat(found))[0])}")
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
        given = np.asarray(value)
        found = given.astype(_DAYS) if given.dtype.kind not in "biufc" else np.array("NaT", dtype=_DAYS)
    except (ValueError, TypeError):
        found = np.array("NaT", dtype=_DAYS)
    if found.ndim or np.isnat(found) or not np.datetime64("0001", "D") <= found <= np.datetime64("9998-12-31", "D"):
        raise ParameterError(f"{name} must be a date, but it is {value!r}")
    day: np.datetime64 = found.reshape(1)[0]
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
