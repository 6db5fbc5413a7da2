"""What outcomes of many seeds say: means with bootstrap intervals."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Estimate", "mean_of"]

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
