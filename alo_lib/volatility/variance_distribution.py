"""How the variance to come is distributed under a fitted model: the mean of volatility, and what may be realized.

An option at the money is worth nearly the mean of volatility over its life (Hull and White 1987), which lies below the
root of mean variance by as much as variance is uncertain. Both come from the paths of
:mod:`~alo_lib.volatility.variance_paths`, tabulated once for a model so that a forecast takes microseconds.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.elementwise import log
from alo_lib.volatility.horizons import interpolated_log_share
from alo_lib.volatility.parameters import GjrParameters
from alo_lib.volatility.variance_paths import DAYS, gjr_paths, regime_means

__all__ = [
    "LEVELS",
    "PROXIES",
    "GjrDistribution",
    "Proxy",
    "RegimeDistribution",
    "gjr_distribution",
    "regime_distribution",
]

Array = NDArray[np.float64]

Proxy = Literal["returns", "range"]
"""What realized variance is made of: squared close-to-close returns, as hedging once a day realizes, or the range."""
PROXIES: Final = get_args(Proxy)

LEVELS: Final = tuple(level / 100.0 for level in range(1, 100))
"""Probabilities of the percentiles by which realized variance is described."""

_STATES: Final = tuple(0.5 * i for i in range(-7, 9))
"""Logarithms of the next day's variance over the long-run one for which the mean of volatility is tabulated."""
_BAND_STATES: Final = (-2.0, -1.0, 0.0, 1.0, 2.0)
_BAND_DAYS: Final = (1, 2, 5, 13, 21, 63, 126, 252)
_NOISE: Final[dict[Proxy, float]] = {"returns": 2.0, "range": 0.41}
"""Variance of a Brownian day's squared return, and of its range measure, in units of the mean squared (Parkinson
1980)."""
_MIDPOINTS: Final = tuple((i + 0.5) / 128.0 for i in range(128))
"""Probabilities of the percentiles by which the paths from one regime are kept."""
_NOISE_MIDPOINTS: Final = tuple((i + 0.5) / 31.0 for i in range(31))


@dataclass(frozen=True, eq=False)
class GjrDistribution:
    """Tables of one GJR-GARCH model."""

    log_shares: list[list[float]]
    """Logarithm of the mean of volatility over the root of mean variance: a row a state, over :data:`DAYS`."""
    log_quantiles: dict[Proxy, Array]
    """Of realized over mean variance, in logarithms: (states of the band, days of the band, levels)."""

    def log_share(self, ratio: float, trading_days: float) -> float:
        """Where the next day's variance is ``ratio`` times the long-run one."""
        place = min(max(2.0 * (math.log(ratio) - _STATES[0]), 0.0), len(_STATES) - 1.0)
        at = min(int(place), len(_STATES) - 2)
        low, high = (interpolated_log_share(DAYS, self.log_shares[row], trading_days) for row in (at, at + 1))
        return low + (place - at) * (high - low)

    def quantiles(self, ratio: float, trading_days: float, proxy: Proxy) -> Array:
        """Logarithms of realized over mean variance at :data:`~alo_lib.volatility.blend.LEVELS`, shape (99,).

        Beyond the last tabulated day their distance from nothing shrinks like one over the root of the horizon.
        """
        table = self.log_quantiles[proxy]
        place = min(max(math.log(ratio) - _BAND_STATES[0], 0.0), len(_BAND_STATES) - 1.0)
        at = min(int(place), len(_BAND_STATES) - 2)
        rows = table[at] + (place - at) * (table[at + 1] - table[at])
        day = min(max(trading_days, float(_BAND_DAYS[0])), float(_BAND_DAYS[-1]))
        before = min(bisect_right(_BAND_DAYS, day) - 1, len(_BAND_DAYS) - 2)
        part = math.log(day / _BAND_DAYS[before]) / math.log(_BAND_DAYS[before + 1] / _BAND_DAYS[before])
        row: Array = rows[before] + part * (rows[before + 1] - rows[before])
        return row if trading_days <= day else row * math.sqrt(day / trading_days)


@lru_cache(maxsize=256)
def gjr_distribution(parameters: GjrParameters) -> GjrDistribution:
    """The tables of a model, made at the first call for it (about 60 ms).

    They are kept for as many models as a run may forecast with.
    """
    paths = gjr_paths(parameters)
    p, days = parameters.persistence, np.array(DAYS, dtype=np.float64)
    decayed = np.array([(1.0 - math.pow(p, day)) / (1.0 - p) / day for day in DAYS])
    shares = []
    for state in _STATES:
        excess = math.exp(state) - 1.0
        volatility = np.mean(np.sqrt(paths.slope * (excess + 1.0) + paths.intercept), axis=0)
        # Not the mean over the paths: a few of them rule that, and what they do to it they do not do to the root.
        shares.append(log(volatility / np.sqrt(1.0 + decayed * excess)).tolist())
    columns = [DAYS.index(day) for day in _BAND_DAYS]
    made = {
        "returns": (paths.return_slope[:, columns], paths.return_intercept[:, columns]),
        "range": (paths.slope[:, columns], paths.intercept[:, columns]),
    }
    quantiles: dict[Proxy, Array] = {}
    for proxy in PROXIES:
        slope, intercept = made[proxy]
        tables = []
        for state in _BAND_STATES:
            ratio = math.exp(state)
            mean = 1.0 + decayed[columns] * (ratio - 1.0)
            tables.append(log(np.quantile(slope * ratio + intercept, LEVELS, axis=0) / mean).T)
        quantiles[proxy] = np.stack(tables)
    quantiles["range"] = _with_noise(quantiles["range"], days[columns], "range")
    return GjrDistribution(shares, quantiles)


def _with_noise(log_quantiles: Array, days: Array, proxy: Proxy) -> Array:
    """Quantiles (..., days, levels) about their medians widened by the noise of a mean of so many days' measures."""
    from scipy.special import ndtri

    middle = log_quantiles[..., len(LEVELS) // 2, None]
    spread = log_quantiles - middle
    noise = ndtri(np.array(LEVELS)) * np.sqrt(_NOISE[proxy] / days)[:, None]
    return np.asarray(middle + np.sign(noise) * np.sqrt(np.square(spread) + np.square(noise)))


@dataclass(frozen=True, eq=False)
class RegimeDistribution:
    """Means over :data:`DAYS` from each of k regimes on the day before, each (k, days): what is linear in their mix."""

    volatility: Array
    variance: Array
    sorted_means: Array
    """Percentiles of the mean variances of the paths from each regime: (k, days, 128)."""

    def log_quantiles(self, probabilities: Array, trading_days: float, proxy: Proxy) -> Array:
        """Logarithms of realized daily variance at :data:`LEVELS` after a day of ``probabilities`` (k,): shape (99,).

        What a path's mean variance makes of as many days is taken for gamma distributed, which it is for squared
        returns while variance stands still. Beyond the last tabulated day the quantiles shrink towards their median
        like one over the root of the horizon.
        """
        day = min(max(trading_days, 1.0), float(DAYS[-1]))
        before = min(bisect_right(DAYS, day) - 1, len(DAYS) - 2)
        part = math.log(day / DAYS[before]) / math.log(DAYS[before + 1] / DAYS[before])
        low, high = self.sorted_means[:, before], self.sorted_means[:, before + 1]
        came = (low + part * (high - low))[:, :, None] * _noise(day, proxy)
        weights = np.broadcast_to((probabilities / came[0].size)[:, None, None], came.shape).ravel()
        values = came.ravel()
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(weights[order]) - 0.5 * weights[order]
        row: Array = log(np.interp(LEVELS, reached, values[order]))
        middle = row[len(LEVELS) // 2]
        return row if trading_days <= day else middle + (row - middle) * math.sqrt(day / trading_days)

    def log_shares(self, probabilities: Array) -> list[float]:
        """Logarithm of the mean of volatility over the root of mean variance after a day of ``probabilities`` (k,)."""
        volatility, variance = np.zeros(len(DAYS)), np.zeros(len(DAYS))
        for probability, one, other in zip(probabilities.tolist(), self.volatility, self.variance, strict=True):
            volatility += probability * one
            variance += probability * other
        shares: list[float] = log(volatility / np.sqrt(variance)).tolist()
        return shares


@lru_cache(maxsize=16)
def regime_distribution(variances: tuple[float, ...], transition: tuple[tuple[float, ...], ...]) -> RegimeDistribution:
    """The tables of a hidden Markov model, made at the first call for it."""
    levels, moves = np.array(variances), np.array(transition)
    paths = [regime_means(levels, moves, regime) for regime in range(levels.size)]
    volatility = [np.mean(np.sqrt(means_), axis=0) for means_ in paths]
    spread = np.stack([np.quantile(means_, _MIDPOINTS, axis=0).T for means_ in paths])
    total, expected, means = np.zeros(levels.size), levels, []
    for day in range(1, DAYS[-1] + 1):
        expected = _moved(moves, expected)
        total = total + expected
        if day in DAYS:
            means.append(total / day)
    return RegimeDistribution(np.stack(volatility), np.stack(means, axis=1), spread)


def _noise(days: float, proxy: Proxy) -> Array:
    """Percentiles, mean one, of what so many days of variance one are measured as: a gamma distribution's, (31,)."""
    from scipy.special import gammaincinv

    shape = days / _NOISE[proxy]
    values: Array = gammaincinv(shape, np.array(_NOISE_MIDPOINTS))
    return values / np.mean(values)


def _moved(transition: Array, values: Array) -> Array:
    """What is expected a day later from each regime: each row (k,) times ``values`` (k,), summed in one order."""
    total = np.zeros(values.size)
    for column, value in zip(transition.T, values.tolist(), strict=True):
        total += value * column
    return total
