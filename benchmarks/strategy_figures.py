"""What outcomes of many seeds say: bootstrap intervals, and the Sharpe ratio deflated for how much was tried."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

__all__ = ["Estimate", "deflated_sharpe", "expected_best", "mean_of"]

Array = NDArray[np.float64]

_RESAMPLES: Final = 10_000
_SEED: Final = 0
_TAIL: Final = 0.025


class Estimate(NamedTuple):
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


def mean_of(values: ArrayLike) -> Estimate:
    """The mean of independent outcomes (n,), with its percentile bootstrap interval (Efron 1979), seeded."""
    outcomes = np.asarray(values, np.float64)
    rows = np.random.default_rng(_SEED).integers(len(outcomes), size=(_RESAMPLES, len(outcomes)))
    low, high = np.quantile(outcomes[rows].mean(axis=1), (_TAIL, 1.0 - _TAIL)).tolist()
    return Estimate(float(outcomes.mean()), low, high)


def expected_best(ratios: ArrayLike) -> float:
    """The Sharpe ratio that the best of as many trials without any skill is expected to have.

    From the deviation of the ``ratios`` (n,) of all that was tried, as the mean of the largest of n normals is
    approximated by Bailey and Lopez de Prado (2014), equation 1; 0 for a single one.
    """
    tried = np.asarray(ratios, np.float64)
    count = len(tried)
    if count < 2:
        return 0.0
    first, second = norm.ppf(1.0 - 1.0 / count), norm.ppf(1.0 - 1.0 / (count * math.e))
    return float(tried.std(ddof=1) * ((1.0 - np.euler_gamma) * first + np.euler_gamma * second))


def deflated_sharpe(ratio: float, hurdle: float, count: int, skewness: float, kurtosis: float) -> float:
    """The probability that a Sharpe ratio is above ``hurdle``: Bailey and Lopez de Prado (2014), equation 2.

    Neither ratio is annualized; ``count`` returns made it, of some skewness and kurtosis (3 for normal ones). With
    :func:`expected_best` for the hurdle it is deflated for how much was tried.
    """
    error = math.sqrt((1.0 - skewness * ratio + 0.25 * (kurtosis - 1.0) * ratio * ratio) / (count - 1))
    return float(norm.cdf((ratio - hurdle) / error))
