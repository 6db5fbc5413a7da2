"""Daily returns: how they are made from closes, and what is refused before a model sees them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.elementwise import log
from alo_lib.volatility.errors import ObservationError

__all__ = ["MAX_DEVIATIONS", "MIN_OBSERVATIONS", "check_prices", "check_returns", "log_returns"]

Array = NDArray[np.float64]

MIN_OBSERVATIONS = 250
"""Fewest daily returns a model is calibrated on, unless the caller says otherwise: about a year."""

MAX_DEVIATIONS = 50.0
"""A return further than this many standard deviations from the mean is bad data (an unadjusted split, a lost digit):
the crash of October 1987, the largest daily move of the S&P 500, was about 22 of that year's."""

_SET_ASIDE = 0.01
"""Share of the largest moves left out of the scale against which outliers are judged, so that they do not hide
themselves: one outlier among n observations is never further than sqrt(n) of a standard deviation it is part of."""


def check_prices(name: str, prices: ArrayLike) -> Array:
    """Return ``prices`` as a float64 array, refusing what is not finite and positive.

    :raises ObservationError: naming the first bad value and where it is.
    """
    array = np.asarray(prices, dtype=np.float64)
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

    :raises ObservationError: when there are fewer than ``min_observations``, one is not finite, they do not vary, or
        one is more than :data:`MAX_DEVIATIONS` deviations off the mean (both without the largest 1 % of moves).
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
    array = np.ascontiguousarray(returns, dtype=np.float64)
    if np.ndim(returns) != 1:
        raise ObservationError(f"returns must be one-dimensional, but the shape is {np.shape(returns)}")
    bad = ~np.isfinite(array)
    if bad.any():
        raise ObservationError(f"returns must be finite, but {_first(array, bad)}")
    return array


def _first(array: Array, bad: NDArray[Any]) -> str:
    where = tuple(int(i) for i in np.argwhere(bad)[0])
    index = where[0] if len(where) == 1 else where
    return f"the value at {index} is {float(array[where])!r}"
