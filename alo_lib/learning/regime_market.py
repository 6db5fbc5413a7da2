"""A market of regimes: volatility jumps between levels, and the spot falls as it rises."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.markets import STEPS_A_DAY, day_shares, spots_from_returns
from alo_lib.records import TRADING_DAYS

__all__ = ["Regimes"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Regimes:
    """Three volatilities, a Markov chain between neighbours in continuous time (Hamilton, 1989; Naik, 1993).

    As volatility rises the spot jumps by ``fall`` of its logarithm, as it falls by ``relief``, both +- ``deviation``;
    on the mean by nothing. Paths start in the middle one. ``night_share`` of a day's time passes in its first step.
    """

    volatilities: tuple[float, float, float] = (0.14, 0.20, 0.36)
    rises: tuple[float, float] = (4.0, 3.0)  # a year, from the lowest and the middle one
    falls: tuple[float, float] = (3.0, 10.0)  # a year, from the middle and the highest one
    fall: float = -0.035
    relief: float = 0.01
    deviation: float = 0.02
    night_share: float = 0.2
    name: str = "regimes"

    @property
    def states(self) -> Array:
        """As the contract of a market says."""
        return np.asarray(np.square(self.volatilities))

    def paths(self, count: int, days: int, variance: float, generator: np.random.Generator) -> tuple[Array, Array]:
        """As the contract of a market says; ``variance`` is one of the states."""
        steps = days * STEPS_A_DAY
        returns, variances = np.empty((steps, count)), np.empty((steps + 1, count))
        rises, falls = np.array([*self.rises, 0.0]), np.array([0.0, *self.falls])
        mean_rise, mean_fall = (math.expm1(each + 0.5 * self.deviation**2) for each in (self.fall, self.relief))
        now = np.full(count, int(np.argmin(np.abs(self.states - variance))))
        lengths = day_shares(self.night_share) / TRADING_DAYS
        for step in range(steps):
            years = float(lengths[step % STEPS_A_DAY])
            at = variances[step] = self.states[now]
            chance, moved = generator.uniform(size=count), generator.standard_normal((2, count))
            up, down = -np.expm1(-rises[now] * years), -np.expm1(-falls[now] * years)
            rose, fell = chance < up, chance > 1.0 - down
            jump = np.where(rose, self.fall, self.relief) + self.deviation * moved[0]
            returns[step] = np.sqrt(at * years) * moved[1] - 0.5 * at * years + np.where(rose | fell, jump, 0.0)
            returns[step] -= np.log1p(up * mean_rise + down * mean_fall)
            now = now + rose - fell
        variances[steps] = self.states[now]
        return spots_from_returns(returns), variances
