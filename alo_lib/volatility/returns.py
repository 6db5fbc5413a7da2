"""Daily returns: how they are made from closes, and what is refused before a model sees them."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.elementwise import log
from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.errors import ObservationError

__all__ = ["MAX_DEVIATIONS", "MIN_OBSERVATIONS", "check_prices", "check_returns", "log_returns", "traded_days"]

Array = NDArray[np.float64]

MIN_OBSERVATIONS = 250
"""Fewest daily returns a model is calibrated on, unless the caller says otherwise: about a year."""

MAX_DEVIATIONS = 50.0
"""A return further than this many standard deviations from the mean is bad data (an unadjusted split, a lost digit):
the crash of October 1987, the largest daily move of the S&P 500, was about 22 of that year's."""

_SET_ASIDE = 0.01
"""Share of the largest moves left out of the scale against which outliers are judged, so that they do not hide
themselves: one outlier among n observations is never further than sqrt(n) of a standard deviation it is part of."""

_MOST_A_DAY = 0.25
"""Standard deviation of daily returns beyond which they are no decimals: 397 % a year. The wildest coins had half."""

_STILL = 1e-3
_SHORTEST_HALT = 5
"""Sessions in a row without a move that may be a halt; fewer are a quiet week of a stock of few trades."""
_CHANCE = 0.01
"""Expected number of such runs in a whole history, were unmoved days scattered by chance, below which it is none."""


def check_prices(name: str, prices: ArrayLike) -> Array:
    """Return ``prices`` as a float64 array, refusing what is not finite and positive.

    :raises ObservationError: naming the first bad value and where it is.
    """
    array = np.asarray(_unmasked(name, prices), dtype=np.float64)
    bad = ~(np.isfinite(array) & (array > 0.0))
    if bad.any():
        raise ObservationError(f"{name} must be finite and positive, but {_first(array, bad)}")
    return array


def log_returns(closes: ArrayLike) -> Array:
    """Logarithmic returns between consecutive closes, along the last axis: shape (..., n) to (..., n - 1).

    Closes must be adjusted for splits.

    :raises ObservationError: for a close that is NaN, infinite, zero or negative, or for fewer than two closes.
    """
    array = check_prices("closes", closes)
    if array.ndim == 0 or array.shape[-1] < 2:
        raise ObservationError(f"closes must hold at least 2 prices to make a return, but the shape is {array.shape}")
    result: Array = np.diff(log(array), axis=-1)
    return result


def check_returns(returns: ArrayLike, *, min_observations: int = MIN_OBSERVATIONS) -> Array:
    """Return daily ``returns`` (decimals, shape (n,)) as a float64 array that a model may be calibrated on.

    :raises ObservationError: when there are fewer than ``min_observations``, one is not finite, they do not vary, they
        are no decimals, or one is more than :data:`MAX_DEVIATIONS` deviations off the mean (all three without the
        largest 1 % of moves).
    """
    array = finite_returns(returns)
    if array.size < max(min_observations, 2):
        raise ObservationError(
            f"returns must hold at least {max(min_observations, 2)} observations, but there are {array.size}"
        )
    distance = np.abs(array - np.median(array))
    usual = array[distance <= np.quantile(distance, 1.0 - _SET_ASIDE)]
    scale = float(np.std(usual))
    # The spread of a constant series is rounding, not zero.
    if scale <= 1e-12 * max(1.0, float(np.max(np.abs(usual)))):
        raise ObservationError(f"returns must vary, but all but the largest 1 % of them equal {usual[0]!r}")
    if scale > _MOST_A_DAY:
        raise ObservationError(
            f"returns must be decimals (0.01 for 1 %), but their standard deviation is {scale:.3g} a day, "
            f"{math.sqrt(TRADING_DAYS) * scale:,.0%} a year: given in percent, or prices?"
        )
    deviations = np.abs(array - np.mean(usual)) / scale
    bad = deviations > MAX_DEVIATIONS
    if bad.any():
        worst = float(np.max(deviations))
        raise ObservationError(
            f"returns must lie within {MAX_DEVIATIONS:g} standard deviations of their mean, but {_first(array, bad)} "
            f"(the furthest is {worst:.1f}): an unadjusted split or a wrong price?"
        )
    return array


def finite_returns(returns: ArrayLike) -> Array:
    """Return ``returns`` as a contiguous float64 array of shape (n,), refusing what is not finite.

    :raises ObservationError: for another shape, or naming the first bad value.
    """
    array = np.ascontiguousarray(_unmasked("returns", returns), dtype=np.float64)
    if np.ndim(returns) != 1:
        raise ObservationError(f"returns must be one-dimensional, but the shape is {np.shape(returns)}")
    bad = ~np.isfinite(array)
    if bad.any():
        raise ObservationError(f"returns must be finite, but {_first(array, bad)}")
    return array


def traded_days(returns: Array) -> NDArray[np.bool_]:
    """Which of finite ``returns`` (n,) tell of volatility: all but those of a halt, days still for too long for chance.

    Still is a day that moves less than a thousandth of the mean move, as where a stale price is recomputed. How often
    one is still is taken from the days after one that was not, so that a halt does not excuse itself. A run is a halt
    when it lasts a week and chance would make fewer than one such run in a hundred histories.
    """
    still = np.abs(returns) <= _STILL * float(np.mean(np.abs(returns))) if returns.size else returns == 0.0
    traded = np.ones(returns.size, dtype=np.bool_)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    moved = max(np.count_nonzero(~still), 1)
    share = min(np.count_nonzero(begins > 0) / moved, 1.0)
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        days = end - begin
        if days >= _SHORTEST_HALT and returns.size * share**days < _CHANCE:
            traded[begin:end] = False
    return traded


def _unmasked(name: str, values: ArrayLike) -> ArrayLike:
    """``values``, of which NumPy would forget that some are masked.

    :raises ObservationError: naming the first masked place.
    """
    if isinstance(values, np.ma.MaskedArray) and np.any(values.mask):
        where = tuple(int(i) for i in np.argwhere(values.mask)[0])
        at = where[0] if len(where) == 1 else where
        raise ObservationError(f"{name} must not be masked, but the value at {at} is: leave such days out")
    return values


def _first(array: Array, bad: NDArray[Any]) -> str:
    where = tuple(int(i) for i in np.argwhere(bad)[0])
    index = where[0] if len(where) == 1 else where
    return f"the value at {index} is {float(array[where])!r}"
