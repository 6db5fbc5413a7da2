"""GJR-GARCH days to hedge in, of Student's t shocks with jumps, or of shocks that were drawn from real days."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.markets import STEPS_A_DAY, day_shares, spots_from_returns
from alo_lib.records import TRADING_DAYS

__all__ = ["GjrBootstrap", "GjrJumps"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class _GjrMarket(ABC):
    """Days of one variance each, which goes on by GJR-GARCH; ``night_share`` of it is the first step's."""

    volatility: float = 0.2
    alpha: float = 0.03
    gamma: float = 0.12
    beta: float = 0.88
    night_share: float = 0.2
    name: str

    @property
    def states(self) -> Array:
        """As the contract of a market says."""
        return self.volatility**2 * np.array([0.35, 0.5, 0.7, 1.0, 1.5, 2.3, 4.0])

    @property
    @abstractmethod
    def _falling(self) -> float:
        """What part of the shocks' variance is of those below 0."""

    @abstractmethod
    def _day(self, variance: Array, generator: np.random.Generator) -> tuple[Array, Array]:
        """Returns of a day's steps (STEPS_A_DAY, n) at its variance (n,), and the shocks (n,) that the next goes by."""

    def paths(self, count: int, days: int, variance: float, generator: np.random.Generator) -> tuple[Array, Array]:
        """As the contract of a market says."""
        level = self.volatility**2 / TRADING_DAYS
        omega = level * (1.0 - self.alpha - self._falling * self.gamma - self.beta)
        returns, variances = np.empty((days * STEPS_A_DAY, count)), np.empty((days * STEPS_A_DAY + 1, count))
        now = np.full(count, variance / TRADING_DAYS)
        for day in range(days):
            rows = slice(day * STEPS_A_DAY, (day + 1) * STEPS_A_DAY)
            variances[rows] = now * TRADING_DAYS
            returns[rows], shock = self._day(now, generator)
            now = omega + (self.alpha + self.gamma * (shock < 0.0)) * np.square(shock) + self.beta * now
        variances[-1] = now * TRADING_DAYS
        spots = spots_from_returns(returns)
        # A fair game: what the shocks' means leave over is taken out of every step.
        return spots / np.mean(spots, axis=1, keepdims=True), variances


@dataclass(frozen=True, kw_only=True)
class GjrJumps(_GjrMarket):
    """Student's t shocks, a day's spread over its steps by normal ones of its scale, and jumps by night."""

    degrees_of_freedom: float = 6.0
    jumps_a_year: float = 3.0
    jump_mean: float = -0.03
    jump_deviation: float = 0.04
    name: str = "GJR-GARCH, jumps"

    @property
    def _falling(self) -> float:
        return 0.5

    def _day(self, variance: Array, generator: np.random.Generator) -> tuple[Array, Array]:
        count, shares = len(variance), day_shares(self.night_share)[:, None]
        # A t shock is a normal one times a common scale, so that steps of one day share the scale.
        scale = (self.degrees_of_freedom - 2.0) / generator.chisquare(self.degrees_of_freedom, count)
        steps = generator.standard_normal((STEPS_A_DAY, count)) * np.sqrt(shares) * np.sqrt(variance * scale)
        shock = np.sum(steps, axis=0)
        jumps = generator.poisson(self.jumps_a_year / TRADING_DAYS, count)
        steps[0] += jumps * self.jump_mean + np.sqrt(jumps) * self.jump_deviation * generator.standard_normal(count)
        return steps, shock


@dataclass(frozen=True, kw_only=True)
class GjrBootstrap(_GjrMarket):
    """Shocks that are drawn, with replacement, from ``shocks``, which have mean 0 and variance 1.

    A day's steps are a Brownian bridge to its shock.
    """

    shocks: tuple[float, ...] = field(kw_only=False)
    name: str = "GJR-GARCH, bootstrapped"

    @property
    def _falling(self) -> float:
        return float(np.mean(np.square(self.shocks) * (np.array(self.shocks) < 0.0)))

    def _day(self, variance: Array, generator: np.random.Generator) -> tuple[Array, Array]:
        count, shares = len(variance), day_shares(self.night_share)[:, None]
        shock = generator.choice(np.array(self.shocks), count)
        free = generator.standard_normal((STEPS_A_DAY, count)) * np.sqrt(shares)
        scale = np.sqrt(variance)
        return scale * (free + shares * (shock - np.sum(free, axis=0))), scale * shock
