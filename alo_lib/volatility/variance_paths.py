"""Where variance may go: simulated paths of fitted models, with shocks that are the same in every process.

Each day's shocks are the midpoints of as many slices of equal probability as there are paths, in an order of its own
(Latin hypercube; McKay, Beckman, Conover 1979): few paths then do, and the same model gives the same bits.

In units of the long-run variance a GJR-GARCH path is affine in the next day's variance u,

    mean(v_1 ... v_h) = a u + b,    mean(r^2_1 ... r^2_h) = c u + d,

so that one simulation serves every state.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.volatility.innovations import shock_quantiles
from alo_lib.volatility.parameters import GjrParameters

__all__ = ["DAYS", "PATHS", "GjrPaths", "gjr_paths", "regime_means"]

Array = NDArray[np.float64]

PATHS: Final = 8192
DAYS: Final = (1, 2, 3, 5, 8, 13, 21, 42, 63, 94, 126, 189, 252)
"""Horizons at which paths are kept, trading days."""
_SEED: Final = 20


@kernel
def _gjr_paths(
    keep: Array, square: Array, omega: float, order: NDArray[np.uint16], days: NDArray[np.int64], out: Array
) -> None:
    """Fill ``out`` (paths, days, 4) with a, b, c, d of each path over each of ``days``, ascending.

    ``keep`` (paths,) is the factor of the day's variance in the next one's by slice, ``square`` the squared shock.
    """
    for i in range(order.shape[0]):
        slope, intercept = 1.0, 0.0
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        at = 0
        for t in range(order.shape[1]):
            slice_ = order[i, t]
            a += slope
            b += intercept
            c += square[slice_] * slope
            d += square[slice_] * intercept
            slope *= keep[slice_]
            intercept = omega + keep[slice_] * intercept
            if t + 1 == days[at]:
                out[i, at, 0], out[i, at, 1], out[i, at, 2], out[i, at, 3] = a, b, c, d
                for j in range(4):
                    out[i, at, j] /= days[at]
                at += 1
                if at == days.shape[0]:
                    break


@kernel
def _regime_paths(
    reach: Array, variances: Array, begin: int, order: NDArray[np.uint16], days: NDArray[np.int64], out: Array
) -> None:
    """Fill ``out`` (paths, days) with mean variances of paths that are in regime ``begin`` on the day before.

    ``reach`` (k, k) are cumulated transition probabilities.
    """
    paths = order.shape[0]
    for i in range(paths):
        regime = begin
        total = 0.0
        at = 0
        for t in range(order.shape[1]):
            # The place within the slice moves on by the golden section, or a rare change would be rounded to slices.
            u = (order[i, t] + (0.5 + 0.6180339887498949 * t) % 1.0) / paths
            following = 0
            while following < reach.shape[0] - 1 and u >= reach[regime, following]:
                following += 1
            regime = following
            total += variances[regime]
            if t + 1 == days[at]:
                out[i, at] = total / days[at]
                at += 1
                if at == days.shape[0]:
                    break


@lru_cache(maxsize=1)
def _order() -> NDArray[np.uint16]:
    """Which slice each path's shock comes from: a permutation a day, (paths, days)."""
    slices = np.tile(np.arange(PATHS, dtype=np.uint16), (DAYS[-1], 1))
    return np.ascontiguousarray(np.random.default_rng(_SEED).permuted(slices, axis=1).T)


class GjrPaths(NamedTuple):
    """Paths of a GJR-GARCH process over :data:`DAYS`, each (paths, days), in units of the long-run variance."""

    slope: Array
    intercept: Array
    return_slope: Array
    return_intercept: Array


def gjr_paths(parameters: GjrParameters) -> GjrPaths:
    """Simulate. On each day the mean over the paths of what a shock does to variance is that of the process."""
    p = parameters
    shocks = shock_quantiles((np.arange(PATHS) + 0.5) / PATHS, p.nu, p.skew)
    square = np.square(shocks)
    # The tail beyond the outermost slices is missing from the midpoints; both moments that forecasts rest on are kept.
    square /= float(np.mean(square))
    news = np.where(shocks < 0.0, p.alpha + p.gamma, p.alpha) * square
    total = float(np.mean(news))
    if total > 0.0:
        news *= (p.persistence - p.beta) / total
    out = np.empty((PATHS, len(DAYS), 4))
    _gjr_paths(p.beta + news, square, 1.0 - p.persistence, _order(), np.array(DAYS), out)
    return GjrPaths(*(np.ascontiguousarray(out[:, :, j]) for j in range(4)))


def regime_means(variances: Array, transition: Array, begin: int) -> Array:
    """Mean variances over :data:`DAYS` of paths that are in regime ``begin`` on the day before: (paths, days)."""
    out = np.empty((PATHS, len(DAYS)))
    _regime_paths(np.cumsum(transition, axis=1), variances, begin, _order(), np.array(DAYS), out)
    return out
