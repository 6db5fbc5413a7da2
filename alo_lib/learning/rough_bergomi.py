"""Rough Bergomi: volatility whose logarithm is rougher than Brownian motion."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.markets import STEPS_A_DAY, YEARS_A_STEP, spots_from_returns

__all__ = ["RoughBergomi"]

Array = NDArray[np.float64]

_NODES: Final = 12


@dataclass(frozen=True)
class RoughBergomi:
    """Bayer, Friz and Gatheral (2016), "Pricing under rough volatility", Quantitative Finance 16, from a flat curve.

    The Volterra integral is a sum over steps with weights by which its variance is exact at each of them. Quotes go by
    the mean of the forward variances from each step to the end of the paths, where the option expires.
    """

    level: float = 0.04
    hurst: float = 0.1
    of_volatility: float = 1.9
    correlation: float = -0.9
    name: str = "rough Bergomi"

    @property
    def states(self) -> Array:
        """As the contract of a market says."""
        return self.level * np.array([0.1, 1.0, 8.0])

    def paths(self, count: int, days: int, variance: float, generator: np.random.Generator) -> tuple[Array, Array]:
        """As the contract of a market says."""
        steps = days * STEPS_A_DAY
        common, own = generator.standard_normal((2, steps, count))
        ends = (np.arange(steps + 1) * YEARS_A_STEP) ** (2.0 * self.hurst)
        weights = np.sqrt(np.diff(ends))  # of the shock that many steps ago, from 1
        spot_variances, quoted = np.empty((steps, count)), np.empty((steps + 1, count))
        for step in range(steps):
            nodes = np.unique(np.rint(np.geomspace(1.0, steps - step, min(_NODES, steps - step))).astype(int)) - 1
            curve = self._forward(common[:step], weights, step + nodes, variance)
            spot_variances[step] = curve[0]
            quoted[step] = _mean(curve, nodes)
        quoted[steps] = quoted[steps - 1]
        across = math.sqrt(1.0 - self.correlation**2)
        shocks = self.correlation * common + across * own
        returns = np.sqrt(spot_variances * YEARS_A_STEP) * shocks - 0.5 * spot_variances * YEARS_A_STEP
        return spots_from_returns(returns), quoted

    def _forward(self, shocks: Array, weights: Array, at: NDArray[np.int_], variance: float) -> Array:
        """The variances (m, n) at steps ``at`` (m,) as they are expected after ``shocks`` (k, n)."""
        known = len(shocks)
        kernel = weights[at[:, None] - np.arange(known)[None, :] - 1] if known else np.zeros((len(at), 0))
        exponent = self.of_volatility * (kernel @ shocks)
        correction = 0.5 * self.of_volatility**2 * np.sum(np.square(kernel), axis=1)
        return np.asarray(variance * np.exp(exponent - correction[:, None]))


def _mean(curve: Array, nodes: NDArray[np.int_]) -> Array:
    """Mean of a curve (m, n) over steps (m,), by the trapezoid rule."""
    if len(nodes) == 1:
        return np.asarray(curve[0])
    return np.asarray(np.diff(nodes) @ (0.5 * (curve[1:] + curve[:-1])) / (nodes[-1] - nodes[0]))
