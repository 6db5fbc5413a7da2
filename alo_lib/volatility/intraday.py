"""A daily variance measure from bars within the day, and how it takes the place of the daily range where there are any.

The session's ranges are added up bar by bar (the realized range of Martens and van Dijk 2007 and of Christensen and
Podolskij 2007), with the night and the gaps between bars squared. Seven hourly ranges tell a day's variance some three
times as exactly as its one range. Prints that lie out of the way are limited bar by bar as in
:mod:`~alo_lib.volatility.ranges`, judged by earlier days alone.

Ranges of bars within the day add up to another level than the daily range. Days that have them are brought to the
range's level by what the days of the last quarter that have both say, so that a history may hold days of either kind.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.volatility.errors import ObservationError, ParameterError
from alo_lib.volatility.ranges import MEMORY, bar_variance, least_measure, longest_wick
from alo_lib.volatility.realized import check_bars

__all__ = ["intraday_variance", "joined_measure", "joined_measures", "levelled_measures", "sessions_measured"]

Array = NDArray[np.float64]
Days = NDArray[np.datetime64]

_LEAST_PAIRS: Final = 21
"""Earlier days with both measures that tell how far apart their levels are: a month."""


@kernel
def _measure_sessions(begins: NDArray[np.int64], bars: Array, out: Array) -> None:
    """Fill ``out`` (n - 1,) with the measures of the sessions that ``bars`` (m, 4) make from ``begins`` (n + 1,) on."""
    for t in range(out.shape[0]):
        wick: float = longest_wick(out[max(0, t - MEMORY) : t])
        first, end = begins[t + 1], begins[t + 2]
        limit = wick / math.sqrt(end - first)
        total = 0.0
        for i in range(first, end):
            total += bar_variance(
                wick if i == first else limit, bars[i - 1, 3], bars[i, 0], bars[i, 1], bars[i, 2], bars[i, 3]
            )
        out[t] = max(total, least_measure(wick))


@kernel
def joined_measure(range_: float, intraday: float, ranges: Array, earlier: Array) -> float:
    """A day's measure at the level of its range, given those of up to :data:`MEMORY` days before; NaN is unknown."""
    if math.isnan(intraday):
        return range_
    total, count = 0.0, 0
    for i in range(earlier.shape[0]):
        if not math.isnan(earlier[i]):
            total += math.log(ranges[i] / earlier[i])
            count += 1
    return range_ if count < _LEAST_PAIRS else intraday * math.exp(total / count)


@kernel
def _join(ranges: Array, intraday: Array, out: Array) -> None:
    for t in range(out.shape[0]):
        before = max(0, t - MEMORY)
        out[t] = joined_measure(ranges[t], intraday[t], ranges[before:t], intraday[before:t])


def intraday_variance(
    days: ArrayLike, open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, *, step: int = 1
) -> tuple[Days, Array]:
    """Sessions but the first, (n - 1,), and their daily variance measures, from m split-adjusted bars within them.

    ``days`` (m,) are the dates of the bars' sessions, ascending; ``step`` bars of a session are taken for one: five of
    a minute, whose own ranges the bounce between bid and ask widens.

    :raises ObservationError: for bad bars, dates that descend, or fewer than two sessions.
    :raises ParameterError: for a step below one.
    """
    if step < 1:
        raise ParameterError(f"step must be at least 1 bar, but it is {step}")
    o, h, lo, c = check_bars(open=open_, high=high, low=low, close=close)
    dates = np.asarray(days, dtype="datetime64[D]")
    if c.ndim != 1 or dates.shape != c.shape or np.any(np.isnat(dates)) or np.any(dates[1:] < dates[:-1]):
        raise ObservationError(
            f"days must be ascending dates, one for each of {c.shape} bars, but the shape is {dates.shape}"
        )
    sessions, first, counts = np.unique(dates, return_index=True, return_counts=True)
    if sessions.size < 2:
        raise ObservationError(f"bars must be of 2 sessions or more, but they are of {sessions.size}")
    within = np.arange(c.size) - np.repeat(first, counts)
    starts = np.flatnonzero(within % step == 0)
    ends = np.append(starts[1:], c.size) - 1
    bars = np.stack([o[starts], np.maximum.reduceat(h, starts), np.minimum.reduceat(lo, starts), c[ends]], axis=1)
    begins = np.append(np.searchsorted(starts, first), starts.size).astype(np.int64)
    out = np.empty(sessions.size - 1)
    _measure_sessions(begins, bars, out)
    return sessions[1:], out


def joined_measures(ranges: ArrayLike, intraday: ArrayLike) -> Array:
    """Measures (n,) of days of which some have ``intraday`` ones (n,), NaN where not, at the level of ``ranges`` (n,).

    A day's own measures and those of the 63 days before it are all that its value rests on. Until 21 of those have
    both, the range stands. The level is that of logarithms, in which models forecast.

    :raises ObservationError: for shapes that differ, or a measure that is not finite and positive.
    """
    x, y = _both(ranges, intraday)
    out = np.empty_like(x)
    _join(x, y, out)
    return out


def levelled_measures(ranges: ArrayLike, intraday: ArrayLike) -> Array:
    """The ``intraday`` measures (n,), NaN where unknown, as high in the mean as the ``ranges`` (n,) of the same days.

    Each is multiplied by the mean ratio of both on the 63 days before it, NaN until 21 of those have both. A mean of
    logarithms would leave them some 5 % low, the range being noisier.

    :raises ObservationError: as :func:`joined_measures`.
    """
    x, y = _both(ranges, intraday)
    ratio = np.append(np.full(MEMORY, np.nan), x / y)[:-1]  # before the first day nothing is known
    windows = np.lib.stride_tricks.sliding_window_view(ratio, MEMORY)
    pairs = np.count_nonzero(~np.isnan(windows), axis=1)
    mean = np.nansum(windows, axis=1) / np.maximum(pairs, 1)
    return np.where(pairs < _LEAST_PAIRS, np.nan, y * mean)


def _both(ranges: ArrayLike, intraday: ArrayLike) -> tuple[Array, Array]:
    x, y = np.asarray(ranges, dtype=np.float64), np.asarray(intraday, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ObservationError(f"ranges and intraday must have one shape (n,), but they have {x.shape} and {y.shape}")
    if not (np.all((x > 0.0) & (x < math.inf)) and np.all(np.isnan(y) | ((y > 0.0) & (y < math.inf)))):
        raise ObservationError("measures must be finite and positive, those within the day NaN where unknown")
    return x, y


def sessions_measured(days: ArrayLike, sessions: ArrayLike, measures: ArrayLike) -> Array:
    """``measures`` (m,) of ``sessions`` (m,) as a column beside ``days`` (n,), both ascending; NaN without."""
    column = np.full(np.shape(days), np.nan)
    _, at, known = np.intersect1d(
        np.asarray(days, "datetime64[D]"), np.asarray(sessions, "datetime64[D]"), return_indices=True
    )
    column[at] = np.asarray(measures, dtype=np.float64)[known]
    return column
