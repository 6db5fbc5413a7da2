"""A daily variance measure from bars, robust to bad prints: the session's range, and the night before it.

x_t = ln(H/L)^2 / (4 ln 2) + ln(O_t / C_{t-1})^2

is several times less noisy than a squared return (Parkinson 1980). Its weakness is a single false print beyond the
day's prices, common in older bars. So the part of a range that lies outside open and close is limited, on each side, to
a multiple of the usual day's deviation, judged by earlier days alone; so is the part of an open that lies outside both
closes. A day with hardly a trade counts a small share of the usual day, so that its logarithm does not rule a month.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.volatility.errors import ObservationError
from alo_lib.volatility.realized import check_bars

__all__ = ["FLOOR", "MEMORY", "bar_variance", "far_ranges", "least_measure", "longest_wick", "range_variance"]

Array = NDArray[np.float64]

MEMORY = 63
"""Earlier days that tell what is usual: a quarter."""

_LEAST_MEMORY = 21
_WICK_LIMIT = 6.0
"""Of 5,030 days of the S&P 500 since 1999 two have a longer wick, the flash crash of May 2010 (9.4) and one of 2018;
the false prints of older bars reach hundreds."""

_LEAST_SHARE = 0.02
"""Of the usual measure, the least that a day counts: a Brownian path has a smaller one once in ten thousand days."""

FLOOR = 1e-8
"""Least measure of a day (0.16 % a year), so that a day without trades keeps a logarithm."""


@kernel
def longest_wick(earlier: Array) -> float:
    """How far a day may reach beyond open and close, or an open beyond both closes, in logarithms, to count whole."""
    if earlier.shape[0] < _LEAST_MEMORY:
        return math.inf
    return _WICK_LIMIT * math.sqrt(float(np.median(earlier)))


@kernel
def bar_variance(limit: float, previous_close: float, open_: float, high: float, low: float, close: float) -> float:
    """Of one bar and the gap before it, of which what lies out of the way counts up to ``limit``, in logarithms."""
    day = math.log(close / previous_close)
    night = min(max(math.log(open_ / previous_close), min(0.0, day) - limit), max(0.0, day) + limit)
    upper, lower = math.log(high / max(open_, close)), math.log(min(open_, close) / low)
    span = abs(day - night) + min(upper, limit) + min(lower, limit)
    measure: float = span * span / (4.0 * math.log(2.0)) + night * night
    return measure


@kernel
def least_measure(limit: float) -> float:
    """What a day counts at least, by the longest wick that it may have."""
    return max(FLOOR, _LEAST_SHARE * (limit / _WICK_LIMIT) ** 2) if limit < math.inf else FLOOR


@kernel
def measure_day(earlier: Array, previous_close: float, open_: float, high: float, low: float, close: float) -> float:
    """Variance measure of one day, given the measures of up to :data:`MEMORY` days before it."""
    limit: float = longest_wick(earlier)
    measure: float = max(bar_variance(limit, previous_close, open_, high, low, close), least_measure(limit))
    return measure


@kernel
def _measure(open_: Array, high: Array, low: Array, close: Array, out: Array) -> None:
    """Fill ``out`` (n - 1,) with the measures of the n bars but the first, which gives only its close."""
    for t in range(out.shape[0]):
        out[t] = measure_day(out[max(0, t - MEMORY) : t], close[t], open_[t + 1], high[t + 1], low[t + 1], close[t + 1])


def range_variance(open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike) -> Array:
    """Daily variance measures of n bars, shape (n,) to (n - 1,): the first bar gives only its close.

    Not annualized, and in level a little apart from squared returns, since a range is watched at intervals; models that
    use it estimate that factor.

    :raises ObservationError: for bad prices, a bar whose open or close lies outside its range, or fewer than two bars.
    """
    o, h, lo, c = check_bars(open=open_, high=high, low=low, close=close)
    if c.ndim != 1 or c.size < 2:
        raise ObservationError(f"bars must be one-dimensional, 2 or more, but the shape is {c.shape}")
    out = np.empty(c.size - 1)
    _measure(o, h, lo, c, out)
    return out


def far_ranges(open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike) -> Array:
    """How far a day's high or low lies beyond what :func:`range_variance` counts, in logarithms: (n,) to (n - 1,).

    Nothing on nearly all days; a wild minute, or a false print, on others. Errors as there.
    """
    measures = range_variance(open_, high, low, close)
    o, h, lo, c = check_bars(open=open_, high=high, low=low, close=close)
    wicks = np.log(np.maximum(h / np.maximum(o, c), np.minimum(o, c) / lo))[1:]
    limits = [longest_wick(measures[max(0, t - MEMORY) : t]) for t in range(measures.size)]
    beyond: Array = np.maximum(wicks - np.array(limits), 0.0)
    return beyond
