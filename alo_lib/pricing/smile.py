"""The smile of each expiry in three numbers: volatility at the money forward, skew and curvature, with their errors.

    volatility(z) = at_the_money + skew z + curvature z^2 / 2,    z = ln(strike / forward) / (at_the_money sqrt(years))

A standard deviation of the logarithm of the price is the unit of z, so that skew and curvature of different expiries
and underlyings compare: both are volatility, 1.00 for a hundred points, a standard deviation and its square.

The three are least squares over quotes within two standard deviations, each weighted by its own error, and robust: a
quote further from the curve than Huber's 1.345 of its errors pulls as one at that distance does, so that one bad print
moves nothing (Huber, Robust Estimation of a Location Parameter, 1964). Where most quotes are further from the curve
than their errors, the errors of the three grow with it.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import PricingError

__all__ = ["SmileStatus", "Smiles", "fit_smiles"]

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

_REACH: Final = 2.0
"""Standard deviations; farther strikes say more of the wings than of the money."""
_FEWEST: Final = 5
"""Strikes without which three numbers and what they are worth cannot be told."""
_FEWEST_A_SIDE: Final = 2
_HUBER: Final = 1.345
_NORMAL_DEVIATION: Final = 1.4826  # of the median of absolute normal deviations
_ROUNDS: Final = 12
_NEAREST: Final = 5
_LEAST_ERROR: Final = 1e-5


class SmileStatus(IntEnum):
    """Whether an expiry's smile is told, and why it is not."""

    FITTED = 0
    NO_QUOTES = 1
    ONE_SIDED = 2  # too few of its strikes lie below the forward, or above
    TOO_FEW = 3
    NO_CURVE = 4  # no curve above zero goes through its quotes

    @property
    def words(self) -> str:
        """As people read it."""
        return ("fitted", "no quotes", "quotes on one side", "too few strikes", "no curve")[self]


class Smiles(NamedTuple):
    """Smiles of several expiries, arrays (m,); NaN where the status is not FITTED. Volatilities are decimals a year."""

    status: Index
    """Codes of :class:`SmileStatus`."""
    at_the_money: Array
    skew: Array
    """Slope at the money, volatility a standard deviation; below zero where puts are dearer."""
    curvature: Array
    """Second derivative at the money, volatility a standard deviation squared."""
    at_the_money_error: Array
    """One standard error each, by the errors of the quotes."""
    skew_error: Array
    curvature_error: Array
    low: Array
    """The strikes that it was fitted to reach from here, in standard deviations,"""
    high: Array
    """to here."""
    strikes: Index
    """How many were used."""

    def volatility(self, expiry: Index, log_moneyness: Array, years: Array) -> Array:
        """Volatility (n,) on the smiles ``expiry`` (n,) at ``log_moneyness`` (n,), ln(strike / forward).

        years: (m,). Beyond the strikes that a smile was fitted to it stays as at the last of them.
        """
        level = self.at_the_money[expiry]
        with np.errstate(invalid="ignore", divide="ignore"):
            z = np.clip(log_moneyness / (level * np.sqrt(years[expiry])), self.low[expiry], self.high[expiry])
        return np.asarray(level + z * (self.skew[expiry] + 0.5 * self.curvature[expiry] * z))


def fit_smiles(expiry: Index, log_moneyness: Array, volatility: Array, error: Array, years: Array) -> Smiles:
    """Fit the smile of each of m expiries to n quotes.

    expiry: (n,), from 0 to m - 1, whose quote each is. log_moneyness: (n,), ln(strike / forward). volatility: (n,) as
    quoted, NaN where a quote has none; error: (n,) its standard error. years: (m,) to each expiry. The same quotes in
    the same order give the same bits.

    :raises PricingError: where the shapes do not fit, or a quote names an expiry that is none.
    """
    count, expiry = len(years), np.asarray(expiry, np.int64)
    shapes = {np.shape(each) for each in (expiry, log_moneyness, volatility, error)}
    if len(shapes) != 1 or np.ndim(expiry) != 1 or np.ndim(years) != 1:
        raise PricingError(f"expiry, log_moneyness, volatility and error have shapes {sorted(shapes)}; allowed: (n,)")
    if len(expiry) and not 0 <= expiry.min() <= expiry.max() < count:
        raise PricingError(f"expiry is from {expiry.min()} to {expiry.max()}; allowed: 0 to {count - 1}")
    with np.errstate(invalid="ignore"):
        told = np.isfinite(log_moneyness) & (volatility > 0.0) & np.isfinite(volatility) & np.isfinite(error)
        told &= years[expiry] > 0.0
    expiry, moneyness, sigma = expiry[told], log_moneyness[told], volatility[told]
    weighing = np.maximum(error[told], _LEAST_ERROR)
    unit = _near_the_money(expiry, np.abs(moneyness), sigma, count) * np.sqrt(np.maximum(years, 0.0))
    u = moneyness / unit[expiry]
    within = np.abs(u) <= _REACH
    expiry, u, sigma, weighing = expiry[within], u[within], sigma[within], weighing[within]
    below = np.bincount(expiry[u < 0.0], minlength=count)
    status = _status(np.bincount(expiry, minlength=count), below)
    points = _Points(expiry, u, sigma, weighing, count)
    values, covariance = _robust(points)
    ratio = values[0] * np.sqrt(np.maximum(years, 0.0)) / unit
    return _finished(points, status, values, covariance, ratio)


class _Points(NamedTuple):
    """Quotes (n,) of ``expiries`` expiries, with strikes in units of about a standard deviation."""

    expiry: Index
    u: Array
    volatility: Array
    error: Array
    expiries: int

    def sums(self, values: Array) -> Array:
        """Sum of ``values`` (n,) an expiry, in the quotes' order."""
        return np.asarray(np.bincount(self.expiry, values, self.expiries), np.float64)

    def curve(self, values: Array) -> Array:
        """The parabolas ``values`` (3, m) at each quote."""
        first, second, third = values[:, self.expiry]
        return np.asarray(first + self.u * (second + self.u * third))


def _near_the_money(expiry: Index, distance: Array, volatility: Array, count: int) -> Array:
    """Median volatility (m,) of the strikes nearest to each forward; NaN without any."""
    order = np.lexsort((distance, expiry))
    begins = np.searchsorted(expiry[order], np.arange(count))
    place = np.arange(len(order)) - begins[expiry[order]]
    near = place < _NEAREST
    table = np.full((count, _NEAREST), np.nan)
    table[expiry[order][near], place[near]] = volatility[order][near]
    return _row_medians(table)


def _medians(expiry: Index, values: Array, count: int) -> Array:
    """Median (m,) of the ``values`` (n,) of each expiry; NaN without any."""
    order = np.lexsort((values, expiry))
    ordered, numbers = values[order], np.bincount(expiry, minlength=count)
    begins = np.cumsum(numbers) - numbers
    medians = np.full(count, np.nan)
    some = numbers > 0
    low, high = begins[some] + (numbers[some] - 1) // 2, begins[some] + numbers[some] // 2
    medians[some] = 0.5 * (ordered[low] + ordered[high])
    return medians


def _row_medians(table: Array) -> Array:
    """Median of the finite numbers of each row; NaN without any."""
    rows, columns = np.nonzero(np.isfinite(table))
    return _medians(rows.astype(np.int64), table[rows, columns], len(table))


def _status(numbers: Index, below: Index) -> Index:
    """By how many strikes each expiry has (m,), and how many of them below the forward (m,)."""
    status = np.full(len(numbers), int(SmileStatus.FITTED), np.int64)
    status[numbers < _FEWEST] = SmileStatus.TOO_FEW
    status[np.minimum(below, numbers - below) < _FEWEST_A_SIDE] = SmileStatus.ONE_SIDED
    status[numbers == 0] = SmileStatus.NO_QUOTES
    return status


def _robust(points: _Points) -> tuple[Array, Array]:
    """Coefficients (3, m) of the parabolas, and their covariances (3, 3, m)."""
    exact, usual = 1.0 / points.error**2, np.ones(points.expiries)
    values, inverse = _solved(points, exact)
    for _ in range(_ROUNDS):
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            away = np.abs(points.volatility - points.curve(values)) / points.error
            usual = np.maximum(_NORMAL_DEVIATION * _medians(points.expiry, away, points.expiries), 1.0)
            weights = exact * np.minimum(1.0, _HUBER * usual[points.expiry] / away)
        values, inverse = _solved(points, np.where(np.isfinite(weights), weights, 0.0))
    return values, inverse * usual**2


def _solved(points: _Points, weights: Array) -> tuple[Array, Array]:
    """Weighted least squares of each expiry, by Cramer's rule: coefficients (3, m) and the inverse matrix (3, 3, m)."""
    moments, power = [], weights
    for _ in range(5):
        moments.append(points.sums(power))
        power = power * points.u
    right, power = [], weights * points.volatility
    for _ in range(3):
        right.append(points.sums(power))
        power = power * points.u
    s0, s1, s2, s3, s4 = moments
    cofactors = np.array(
        [
            [s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2],
            [s2 * s3 - s1 * s4, s0 * s4 - s2 * s2, s1 * s2 - s0 * s3],
            [s1 * s3 - s2 * s2, s1 * s2 - s0 * s3, s0 * s2 - s1 * s1],
        ]
    )
    determinant = s0 * cofactors[0, 0] + s1 * cofactors[0, 1] + s2 * cofactors[0, 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        inverse = cofactors / np.where(determinant > 0.0, determinant, np.nan)
        values = inverse[:, 0] * right[0] + inverse[:, 1] * right[1] + inverse[:, 2] * right[2]
    return values, inverse


def _finished(points: _Points, status: Index, values: Array, covariance: Array, ratio: Array) -> Smiles:
    """The smiles of parabolas in u, of which ``ratio`` (m,) make one standard deviation at the fitted volatility."""
    level, slope, bend = values
    low, high = np.full(points.expiries, np.nan), np.full(points.expiries, np.nan)
    begins = np.flatnonzero(np.bincount(points.expiry, minlength=points.expiries))
    for one in begins.tolist():
        own = points.u[points.expiry == one]
        low[one], high[one] = own.min(), own.max()
    with np.errstate(invalid="ignore", divide="ignore"):
        lowest = np.clip(-slope / (2.0 * bend), low, high)
        least = np.fmin.reduce([level + u * (slope + u * bend) for u in (low, high, lowest)])
        odd = ~(np.minimum(least, level) > 0.0) & (status == SmileStatus.FITTED)
        status = np.where(odd, SmileStatus.NO_CURVE, status)
        told = status == SmileStatus.FITTED
        skew_by = slope * ratio / level, ratio  # by level and by slope
        bend_by = 4.0 * bend * ratio**2 / level, 2.0 * ratio**2  # by level and by bend
        skew_variance = _variance(covariance, (0, 1), skew_by)
        bend_variance = _variance(covariance, (0, 2), bend_by)
        columns = (
            level,
            slope * ratio,
            2.0 * bend * ratio**2,
            np.sqrt(covariance[0, 0]),
            np.sqrt(skew_variance),
            np.sqrt(bend_variance),
            low / ratio,
            high / ratio,
        )
    known = [np.where(told, column, np.nan) for column in columns]
    numbers = np.bincount(points.expiry, minlength=points.expiries)
    level, skew, curvature, *errors, low, high = known
    return Smiles(status, level, skew, curvature, errors[0], errors[1], errors[2], low, high, numbers)


def _variance(covariance: Array, which: tuple[int, int], by: tuple[Array, Array]) -> Array:
    """Variance (m,) of what changes with two coefficients by these derivatives."""
    (i, j), (a, b) = which, by
    return np.asarray(a * a * covariance[i, i] + 2.0 * a * b * covariance[i, j] + b * b * covariance[j, j])
