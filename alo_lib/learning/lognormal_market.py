"""A market whose volatility is lognormal."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.markets import STEPS_A_DAY, day_shares, spots_from_returns
from alo_lib.records import TRADING_DAYS

__all__ = ["LognormalVolatility"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LognormalVolatility:
    """The logarithm of variance is an Ornstein-Uhlenbeck process: Scott (1987), exact at each step.

    ``night_share`` of a day's time passes in its first step.
    """

    level: float = 0.04
    reversion: float = 6.0
    of_variance: float = 2.0  # of ln(variance), a root of a year
    correlation: float = -0.7
    night_share: float = 0.2
    name: str = "lognormal volatility"

    @property
    def states(self) -> Array:
        """As the contract of a market says."""
        return self.level * np.array([0.15, 0.3, 0.55, 1.0, 1.8, 3.2, 6.0])

    def paths(self, count: int, days: int, variance: float, generator: np.random.Generator) -> tuple[Array, Array]:
        """As the contract of a market says."""
        steps = days * STEPS_A_DAY
        returns, variances = np.empty((steps, count)), np.empty((steps + 1, count))
        now = np.full(count, math.log(variance / self.level))
        across = math.sqrt(1.0 - self.correlation**2)
        lengths = day_shares(self.night_share) / TRADING_DAYS
        for step in range(steps):
            years = float(lengths[step % STEPS_A_DAY])
            own, common = generator.standard_normal((2, count))
            at = variances[step] = self.level * np.exp(now)
            returns[step] = np.sqrt(at * years) * (self.correlation * common + across * own) - 0.5 * at * years
            kept = math.exp(-self.reversion * years)
            now = kept * now + self.of_variance * math.sqrt((1.0 - kept**2) / (2.0 * self.reversion)) * common
        variances[steps] = self.level * np.exp(now)
        return spots_from_returns(returns), variances
