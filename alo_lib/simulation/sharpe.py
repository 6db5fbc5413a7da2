"""The Sharpe ratio of session returns: the one formula of it."""

import math

import numpy as np
from numpy.typing import NDArray

from alo_lib.records.units import LEAST_SESSIONS, TRADING_DAYS

__all__ = ["annualized", "sharpe_ratio", "sharpe_ratios", "sharpe_ratios_of_sums"]

Floats = NDArray[np.float64]

_ROUNDING = 4.0 * float(np.finfo(np.float64).eps)
"""For each return, of the sum of squares: what rounding may leave of the scatter of returns that are all alike."""


def sharpe_ratio(excess: Floats, sessions: int = TRADING_DAYS) -> float | None:
    """The ratio of mean to standard deviation of session returns (t,) above the hurdle, annualized by 252 sessions.

    Of other ``sessions`` it is the ratio of so many; of 1 it is not annualized. None below twenty returns, and where
    nothing varies.
    """
    if len(excess) < LEAST_SESSIONS or np.ptp(excess) == 0.0:
        return None
    return float(sharpe_ratios(excess[None, :], sessions)[0])


def sharpe_ratios(excess: Floats, sessions: int = TRADING_DAYS) -> Floats:
    """The ratio of each row of returns (k, t); of a row that does not vary it is infinite, or none."""
    deviation = np.where(np.ptp(excess, axis=1) == 0.0, 0.0, excess.std(axis=1, ddof=1))
    return np.asarray(math.sqrt(sessions) * excess.mean(axis=1) / deviation, np.float64)


def sharpe_ratios_of_sums(count: int, sums: Floats, squares: Floats) -> Floats:
    """Ratios of a session, not annualized, from sums of ``count`` returns and of their squares; 0 without variation."""
    mean = sums / count
    scatter = squares - count * mean * mean
    varies = scatter > count * _ROUNDING * squares
    return np.where(varies, mean / np.sqrt(np.where(varies, scatter, 1.0) / (count - 1)), 0.0)


def annualized(ratio: float) -> float:
    """The ratio of a year of 252 sessions, of that of one."""
    return ratio * math.sqrt(TRADING_DAYS)
