"""How sure the Sharpe ratio of session returns is."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records.units import LEAST_SESSIONS
from alo_lib.simulation.sharpe import sharpe_ratio, sharpe_ratios

__all__ = ["LEAST_SESSIONS", "Interval", "bootstrap_interval", "sharpe_ratio"]

_CONFIDENCE: Final = 0.9
"""Of the bootstrap interval."""

_RESAMPLES: Final = 2000
_SEED: Final = 0

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """Where a figure lies with a confidence of 90 %."""

    low: float
    high: float


def bootstrap_interval(excess: Floats) -> Interval | None:
    """The 90 % percentile interval of the ratio, by circular blocks of sessions, seeded.

    Blocks keep the dependence of sessions that follow each other; they are as long as the cube root of the number of
    sessions (Politis and Romano 1992; Hall, Horowitz and Jing 1995). None where there is no ratio, and where so few
    sessions have a return of their own that resamples without any decide the interval.
    """
    if sharpe_ratio(excess) is None:
        return None
    count = len(excess)
    length = max(round(count ** (1.0 / 3.0)), 1)
    starts = np.random.default_rng(_SEED).integers(count, size=(_RESAMPLES, math.ceil(count / length)))
    rows = (starts[:, :, None] + np.arange(length)).reshape(_RESAMPLES, -1)[:, :count] % count
    tail = 0.5 * (1.0 - _CONFIDENCE)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.quantile(sharpe_ratios(excess[rows]), (tail, 1.0 - tail)).tolist()
    return Interval(low, high) if math.isfinite(low) and math.isfinite(high) else None
