"""Horizons of a forecast, in trading days: which are allowed, and what lies between fitted ones."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.volatility.errors import ParameterError

__all__ = ["HORIZONS", "check_horizons", "check_trading_days", "interpolated_log_share", "interpolated_total"]

Array = NDArray[np.float64]
Variance = TypeVar("Variance", float, Array)

HORIZONS: Final = (1, 5, 21, 63)
"""Trading days that models with one regression or one weight a horizon are fitted to, unless the caller says others."""


def check_horizons(horizons: tuple[int, ...]) -> tuple[int, ...]:
    """Return ``horizons`` to fit to.

    :raises ParameterError: when they are not ascending and positive.
    """
    if not horizons or list(horizons) != sorted(set(horizons)) or horizons[0] < 1:
        raise ParameterError(f"horizons must be ascending and 1 or more, but they are {horizons}")
    return tuple(horizons)


def check_trading_days(trading_days: ArrayLike) -> Array:
    """Return ``trading_days`` to forecast over, of any shape, as float64; fractions are allowed.

    :raises ParameterError: for one that is not finite and positive.
    """
    days = np.asarray(trading_days, dtype=np.float64)
    # Most ask for one horizon, for which arrays cost more than what is forecast.
    allowed = (
        0.0 < trading_days < math.inf if isinstance(trading_days, float) else np.all((days > 0.0) & (days < math.inf))
    )
    if not allowed:
        raise ParameterError(f"trading_days must be finite and positive, but they are {trading_days!r}")
    return days


def interpolated_total(horizons: tuple[int, ...], totals: Sequence[Variance], trading_days: float) -> Variance:
    """Total variance over ``trading_days``, a number or one of each day, from ``totals`` over the fitted ``horizons``.

    Linear between them; before the first and beyond the last it grows at their mean daily variance.
    """
    if trading_days <= horizons[0]:
        return totals[0] * trading_days / horizons[0]
    if trading_days >= horizons[-1]:
        return totals[-1] * trading_days / float(horizons[-1])
    at = bisect_right(horizons, trading_days) - 1
    slope = (totals[at + 1] - totals[at]) / (float(horizons[at + 1]) - float(horizons[at]))
    return slope * (trading_days - horizons[at]) + totals[at]


def interpolated_log_share(days: Sequence[int], log_shares: Sequence[float], trading_days: float) -> float:
    """Logarithm of the mean of volatility over the root of mean variance, from those at tabulated ``days``.

    Linear in the logarithm of the horizon; before the first day its own, beyond the last it fades as the variance of a
    mean does, like one over the horizon.
    """
    if trading_days <= days[0]:
        return log_shares[0]
    if trading_days >= days[-1]:
        return log_shares[-1] * days[-1] / trading_days
    at = bisect_right(days, trading_days) - 1
    part = math.log(trading_days / days[at]) / math.log(days[at + 1] / days[at])
    return log_shares[at] + part * (log_shares[at + 1] - log_shares[at])
