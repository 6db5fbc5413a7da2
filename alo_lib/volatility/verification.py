"""Whether forecasts meant what they said: their level and their bands against what came after, over a past walk.

A walk's models knew the days before them alone, so that what is counted here is out of sample.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.errors import ParameterError
from alo_lib.volatility.har import future_means
from alo_lib.volatility.history import DailyHistory
from alo_lib.volatility.hybrid import PARTS, HybridParts
from alo_lib.volatility.variance_distribution import PROXIES, Proxy
from alo_lib.volatility.walk_forward import Walk, walk_forward

__all__ = ["HorizonCheck", "level_interval", "level_of", "verify_forecasts", "verify_walk"]

Array = NDArray[np.float64]

_LEAST_BLOCK: Final = 21
_RESAMPLES: Final = 2000


@dataclass(frozen=True)
class HorizonCheck:
    """Forecasts over ``days`` trading days, on the ``count`` days of a walk whose future is complete, by proxy.

    Of few windows that do not overlap, ``count`` / ``days``, neither level nor coverage says much.
    """

    days: int
    count: int
    level: dict[Proxy, float]
    """Mean forecast over mean realized variance: 1 is unbiased."""
    level_error: dict[Proxy, float]
    """Its standard error, of blocks of twice the horizon; NaN for fewer than four of them."""
    inside: dict[Proxy, float]
    """Share of days whose realized volatility fell into the 90 % band."""
    below: dict[Proxy, float]
    """Share of days whose realized volatility fell below it."""


def verify_forecasts(
    history: DailyHistory, *, refit_days: int = 63, parts: HybridParts = PARTS
) -> tuple[HorizonCheck, ...]:
    """Walk over a ``history`` of a year of returns or more with a hybrid of ``parts`` and count.

    Each refit takes some 0.1 s.

    :raises VolatilityError: as :func:`~alo_lib.volatility.walk_forward.walk_forward`.
    """
    return verify_walk(walk_forward(history, refit_days=refit_days, parts=parts), history)


def verify_walk(walk: Walk, history: DailyHistory) -> tuple[HorizonCheck, ...]:
    """One check for each of the walk's horizons that is complete on one day at least; ``history`` is what it walked.

    The range is brought to the level of squared returns by the factor that was known on the day.
    """
    values: dict[Proxy, Array] = {"returns": np.square(history.returns), "range": history.measures}
    bands: dict[Proxy, tuple[Array, Array]] = {
        "returns": (walk.low, walk.high),
        "range": (walk.range_low, walk.range_high),
    }
    checks = []
    for k, days in enumerate(walk.days):
        count = len(history) - days - walk.first
        if count < 1:
            continue
        forecast = np.square(walk.volatility[:count, k]) / TRADING_DAYS
        level: dict[Proxy, float] = {}
        error, inside, below = level.copy(), level.copy(), level.copy()
        for proxy in PROXIES:
            realized = future_means(values[proxy], days)[walk.first :]
            if proxy == "range":
                realized = realized * walk.range_scale[:count]
            level[proxy], error[proxy] = level_of(forecast, realized, days)
            volatility = np.sqrt(TRADING_DAYS * realized)
            low, high = (edge[:count, k] for edge in bands[proxy])
            inside[proxy] = float(np.mean((low <= volatility) & (volatility <= high)))
            below[proxy] = float(np.mean(volatility < low))
        checks.append(HorizonCheck(days, count, level, error, inside, below))
    return tuple(checks)


def level_of(forecast: Array, realized: Array, days: int) -> tuple[float, float]:
    """Mean ``forecast`` over mean ``realized`` variance over ``days``, each (n,), and its standard error.

    The error is that of means over all blocks of twice the horizon, a month at least (Kuensch 1989).
    """
    level = float(np.mean(forecast) / np.mean(realized))
    block = _block(days)
    if forecast.size < 4 * block:
        return level, math.nan
    difference = forecast / np.mean(forecast) - realized / np.mean(realized)
    blocks = np.lib.stride_tricks.sliding_window_view(difference, block).sum(axis=-1)
    return level, level * math.sqrt(float(np.var(blocks)) / block / forecast.size)


def level_interval(
    forecast: Array, realized: Array, days: int, probability: float = 0.95, *, seed: int = 0
) -> tuple[float, float]:
    """Where :func:`level_of` lies with ``probability``, by samples of blocks drawn anew; NaN for fewer than four.

    Percentiles of the moving-block bootstrap on a circle (Politis and Romano 1992), forecast and realized drawn
    together. The same arguments give the same bits.

    :raises ParameterError: for a probability outside (0, 1).
    """
    if not 0.0 < probability < 1.0:
        raise ParameterError(f"probability must be in (0, 1), but it is {probability!r}")
    block, size = _block(days), forecast.size
    if size < 4 * block:
        return math.nan, math.nan
    begins = np.random.default_rng(seed).integers(0, size, (_RESAMPLES, math.ceil(size / block)))
    said, came = (_circular_sums(values, block)[begins].sum(axis=1) for values in (forecast, realized))
    low, high = np.quantile(said / came, [0.5 - 0.5 * probability, 0.5 + 0.5 * probability]).tolist()
    return low, high


def _block(days: int) -> int:
    """Days that are kept together when means over ``days`` are judged."""
    return max(2 * days, _LEAST_BLOCK)


def _circular_sums(values: Array, block: int) -> Array:
    """Sums over ``block`` values from each of n on, those after the last being the first again: (n,)."""
    return np.asarray(
        np.lib.stride_tricks.sliding_window_view(np.append(values, values[: block - 1]), block).sum(axis=-1)
    )
