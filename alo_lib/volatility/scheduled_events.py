"""What a dated event, such as earnings, adds to variance: by its own past, by a move that is expected, by options."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.fixed_order import dot
from alo_lib.volatility.errors import ParameterError

__all__ = [
    "LEAST_PAST_EVENTS",
    "event_mask",
    "implied_event_variance",
    "move_of_variance",
    "past_event_variance",
    "variance_of_move",
]

LEAST_PAST_EVENTS: Final = 3
"""Past moves of an event without which they do not tell its size."""


def event_mask(closes: Sequence[int], events: Sequence[int]) -> NDArray[np.bool_]:
    """Which of n daily bars hold an event, by the times of their closes, ascending, and those of the events: (n,).

    A bar holds what comes after the close before it, up to its own. The first, before which nothing is known, holds
    none.
    """
    mask = np.zeros(len(closes), np.bool_)
    at = np.searchsorted(np.asarray(closes, np.int64), np.asarray(events, np.int64))
    mask[at[(at > 0) & (at < len(closes))]] = True
    return mask


def past_event_variance(returns: Sequence[float], usual: Sequence[float]) -> float:
    """The variance that an event adds to its day: mean of squared past returns over what was ``usual`` then.

    Not negative; NaN for fewer than three.
    """
    if len(returns) < LEAST_PAST_EVENTS:
        return math.nan
    over = [return_ * return_ - variance for return_, variance in zip(returns, usual, strict=True)]
    return max(math.fsum(over) / len(over), 0.0)


def variance_of_move(move: float) -> float:
    """The variance of a normal move whose mean absolute value is ``move``: pi / 2 of its square."""
    return 0.5 * math.pi * move * move


def move_of_variance(variance: float) -> float:
    """The mean absolute value of a normal move of that ``variance``; NaN of NaN."""
    return math.sqrt(2.0 * variance / math.pi)


def implied_event_variance(volatility: ArrayLike, years: ArrayLike, trading_days: ArrayLike, holds: ArrayLike) -> float:
    """The variance that the term structure of implied volatility gives an event.

    Of n expiries: at-the-money ``volatility`` on calendar time, ``years`` of 365 days, ``trading_days`` of the variance
    clock, and whether the life ``holds`` the event. The total variance of each, volatility^2 years, is a daily variance
    times trading days and the event's where it is held; both are those of least relative squares, a near expiry
    counting as a far one. Not negative. NaN where volatilities (NaN ones are left out) do not tell the two apart: fewer
    than two that hold it and differ in trading days, and none without.

    :raises ParameterError: for shapes that differ, or lives that are not positive.
    """
    v, t, d = (np.asarray(each, np.float64) for each in (volatility, years, trading_days))
    h = np.asarray(holds, np.bool_)
    if not v.shape == t.shape == d.shape == h.shape or v.ndim != 1:
        raise ParameterError(f"an event needs four arrays (n,), but the shapes are {v.shape}, {t.shape}, {d.shape}")
    known = np.isfinite(v)
    v, t, d, event = v[known], t[known], d[known], h[known].astype(np.float64)
    if not ((t > 0.0).all() and (d > 0.0).all()):
        raise ParameterError("years and trading_days must be positive")
    # w / d = daily + event / d: a straight line in the share of a day that the event has of the life.
    daily, share = v * v * t / d, event / d
    if len(v) < 2 or not event.any():
        return math.nan
    centred = share - math.fsum(share.tolist()) / len(share)
    spread = dot(centred, centred)
    if not spread > 0.0:
        return math.nan
    return max(dot(centred, daily) / spread, 0.0)
