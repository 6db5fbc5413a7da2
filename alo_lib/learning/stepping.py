"""Hedging along many paths at once, compiled: :func:`~alo_lib.strategy.hedging.toward_band`, step by step."""

import math

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.strategy.hedging import Band

__all__ = ["hedges_within"]

Array = NDArray[np.float64]


def hedges_within(band: Band, shape: tuple[int, ...]) -> Array:
    """Whole shares that are held after each step (steps, n), starting from none; the band's ends broadcast to them."""
    ends = (np.ascontiguousarray(np.broadcast_to(each, shape), np.float64) for each in band)
    hedges = np.empty(shape)
    _step_all(*ends, hedges)
    return hedges


@kernel
def _step_all(centre: Array, half_width: Array, target: Array, hedges: Array) -> None:
    for step in range(hedges.shape[0]):
        for path in range(hedges.shape[1]):
            shares = hedges[step - 1, path] if step else 0.0
            hedges[step, path] = _toward(shares, centre[step, path], half_width[step, path], target[step, path])


@kernel
def _toward(shares: float, centre: float, half_width: float, target: float) -> float:
    if abs(shares - centre) <= half_width or not math.isfinite(centre) or math.isnan(half_width):
        return shares
    neutral = np.rint(centre)
    lowest = min(np.ceil(centre - target), neutral)
    highest = max(np.floor(centre + target), neutral)
    goal: float = min(max(shares, lowest), highest)
    return goal
