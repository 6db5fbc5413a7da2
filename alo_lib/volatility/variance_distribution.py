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

from alo_lib.numerics.elementwise import exp, log
from alo_lib.volatility.errors import ParameterError
from alo_lib.volatility.horizons import interpolated_log_share
from alo_lib.volatility.parameters import GjrParameters
from alo_lib.volatility.variance_paths import DAYS, gjr_paths, regime_means

__all__ = [
    "BROWNIAN_NOISE",
    "FIVE_YEARS",
    "LEVELS",
    "PROXIES",
    "GjrDistribution",
    "Proxy",
    "RegimeDistribution",
    "band_edges",
    "gjr_distribution",
    "lognormal_measured",
    "regime_distribution",
    "unknown_of_garch",
    "unknown_of_regimes",
    "widened",
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
BROWNIAN_NOISE: Final[dict[Proxy, float]] = {"returns": 2.0, "range": 0.41}
"""Variance of a Brownian day's squared return, and of its range measure, in units of the mean squared (Parkinson
1980)."""
_RANGE_TIMES_SQUARE: Final = 1.6
"""Mean of a Brownian day's range measure times its squared return, three tenths of it at night, in the same units: by
simulation. Of a day without a night it is 1.8."""
_LEAST_NU: Final = 5.5
_MIDPOINTS: Final = tuple((i + 0.5) / 128.0 for i in range(128))
"""Probabilities of the percentiles by which the paths from one regime are kept."""
_NOISE_MIDPOINTS: Final = tuple((i + 0.5) / 31.0 for i in range(31))
_UNKNOWN: Final[dict[Proxy, float]] = {"returns": 0.75, "range": 0.5}
"""Power of the horizon over the history by which a band is widened, for what the fitted parameters leave unknown: paths
of the true process hold 90.1 to 90.4 % of close-to-close volatility at every horizon to a year, those of one fitted to
five years 86.4, 86.4 and 85.7 % over 63, 126 and 252 days."""
_UNKNOWN_DAYS: Final = 84.0
"""Horizon beyond which it is widened no further: what is unknown of a level counts alike over half a year and more."""
_UNKNOWN_BY_REGIMES: Final = 0.08
"""The same of paths of regimes, for either proxy, after five years: from a month on, how often they change is known as
well for any horizon."""
FIVE_YEARS: Final = 1229
"""Days of a history of 1,250 from which every part forecasts. What is unknown of regimes goes with one over the days,
as the variance of what is estimated from them does."""
_MONTH: Final = 21.0
_UNKNOWN_OF_RANGE: Final = 24.0
"""Variance that is added to the logarithm of the range's variance over any horizon, times the days fitted to: its level
beside squared returns and today's variance are known no better. Found on simulated GJR-GARCH after 800, 1,250 and 2,500
days."""


@dataclass(frozen=True, eq=False)
class GjrDistribution:
    """Tables of one GJR-GARCH model."""

    log_shares: list[list[float]]
    """Logarithm of the mean of volatility over the root of mean variance: a row a state, over :data:`DAYS`."""
    log_quantiles: dict[Proxy, Array]
    """Of realized over mean variance, in logarithms: (states of the band, days of the band, levels)."""
    log_ranges: Array
    """The same of the range as far as the days' squared returns tell it."""
    range_noise: float
    """Variance of the rest of a day's range, in units of the mean squared."""

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
        return _of_table(self.log_quantiles[proxy], ratio, trading_days)

    def range_quantiles(self, ratio: float, trading_days: float, fitted_to: int | None) -> Array:
        """What :meth:`quantiles` says of the range where no past errors stand beside it, shape (99,).

        As far as a day's range tells its squared return it is taken of the paths, which a large one leaves wilder; the
        rest is noise. A model that was ``fitted_to`` so many days is known the less.
        """
        from scipy.special import ndtri

        noise = math.log1p(self.range_noise / max(trading_days, 1.0))
        unknown = 0.0 if fitted_to is None else _UNKNOWN_OF_RANGE / fitted_to
        factors = exp(math.sqrt(noise + unknown) * ndtri(np.array(_NOISE_MIDPOINTS)) - 0.5 * noise)
        return _measured(_of_table(self.log_ranges, ratio, trading_days), factors)


def _of_table(table: Array, ratio: float, trading_days: float) -> Array:
    """A row of ``table`` (states of the band, days of the band, levels) between those tabulated: (levels,)."""
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
    told, rest = _told_of_range(parameters.nu)
    slope, intercept = ((1.0 - told) * made["range"][i] + told * made["returns"][i] for i in (0, 1))
    ranges = []
    for state in _BAND_STATES:
        mean = 1.0 + decayed[columns] * (math.exp(state) - 1.0)
        ranges.append(log(np.quantile(slope * math.exp(state) + intercept, LEVELS, axis=0) / mean).T)
    return GjrDistribution(shares, quantiles, np.stack(ranges), rest)


def _told_of_range(nu: float) -> tuple[float, float]:
    """How a day's range goes with its squared return, both of mean one, and the variance of the rest.

    A day of a t with ``nu`` degrees of freedom is a Brownian one whose variance was drawn, and both show what was
    drawn. Where its square has hardly a mean, that of five and a half degrees is taken.
    """
    drawn = (nu - 2.0) / (nu - 4.0) if nu > _LEAST_NU else (_LEAST_NU - 2.0) / (_LEAST_NU - 4.0)
    if math.isinf(nu):
        drawn = 1.0
    squares = drawn * (1.0 + BROWNIAN_NOISE["returns"]) - 1.0
    told = (drawn * _RANGE_TIMES_SQUARE - 1.0) / squares
    return told, drawn * (1.0 + BROWNIAN_NOISE["range"]) - 1.0 - told * told * squares


def _measured(log_variances: Array, noise: Array) -> Array:
    """Logarithms at :data:`LEVELS` of a variance (n,) times the noise of its measure (m,), each equally likely."""
    values: Array = np.quantile(np.multiply.outer(exp(log_variances), noise), LEVELS)
    return log(values)


def lognormal_measured(variance: float, trading_days: float, proxy: Proxy) -> Array:
    """:func:`_measured` of Brownian days whose mean variance is lognormal about one, its logarithm of ``variance``."""
    from scipy.special import ndtri

    log_variances = math.sqrt(variance) * ndtri(np.array(LEVELS)) - 0.5 * variance
    return _measured(log_variances, _noise_of_days(max(trading_days, 1.0), proxy))


def unknown_of_garch(trading_days: float, days: int, proxy: Proxy) -> float:
    """Share by which a band of paths of a GJR-GARCH fitted to so many ``days`` is too narrow over ``trading_days``."""
    return math.pow(min(trading_days, _UNKNOWN_DAYS) / days, _UNKNOWN[proxy])


def unknown_of_regimes(trading_days: float, days: int) -> float:
    """The same of paths of hidden regimes."""
    return _UNKNOWN_BY_REGIMES * min(trading_days / _MONTH, 1.0) * (FIVE_YEARS / days)


def widened(log_quantiles: Array, unknown: float) -> Array:
    """Percentiles at :data:`LEVELS` (99,), further from their median by the share ``unknown``."""
    middle = log_quantiles[len(LEVELS) // 2]
    result: Array = middle + (1.0 + unknown) * (log_quantiles - middle)
    return result


def band_edges(log_quantiles: Array, level: float) -> tuple[float, float]:
    """Between which volatility over the root of mean variance falls with probability ``level``.

    ``log_quantiles`` (99,) are logarithms of realized over mean variance at :data:`LEVELS`.

    :raises ParameterError: for a level outside [0.1, 0.98].
    """
    if not 0.1 <= level <= 0.98:
        raise ParameterError(f"level must be in [0.1, 0.98], but it is {level!r}")
    low, high = np.interp([0.5 - 0.5 * level, 0.5 + 0.5 * level], LEVELS, log_quantiles).tolist()
    return math.exp(0.5 * low), math.exp(0.5 * high)


def _with_noise(log_quantiles: Array, days: Array, proxy: Proxy) -> Array:
    """Quantiles (..., days, levels) about their medians widened by the noise of a mean of so many days' measures."""
    from scipy.special import ndtri

    middle = log_quantiles[..., len(LEVELS) // 2, None]
    spread = log_quantiles - middle
    noise = ndtri(np.array(LEVELS)) * np.sqrt(BROWNIAN_NOISE[proxy] / days)[:, None]
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
        came = (low + part * (high - low))[:, :, None] * _noise_of_days(day, proxy)
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


def _noise_of_days(days: float, proxy: Proxy) -> Array:
    """Percentiles, mean one, of what so many days of variance one are measured as: a gamma distribution's, (31,)."""
    from scipy.special import gammaincinv

    shape = days / BROWNIAN_NOISE[proxy]
    values: Array = gammaincinv(shape, np.array(_NOISE_MIDPOINTS))
    return values / np.mean(values)


def _moved(transition: Array, values: Array) -> Array:
    """What is expected a day later from each regime: each row (k,) times ``values`` (k,), summed in one order."""
    total = np.zeros(values.size)
    for column, value in zip(transition.T, values.tolist(), strict=True):
        total += value * column
    return total
