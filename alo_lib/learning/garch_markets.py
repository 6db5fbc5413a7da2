"""GJR-GARCH days to hedge in, of Student's t shocks with jumps, or of shocks that were drawn from real days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.markets import STEPS_A_DAY, day_shares, spots_from_returns
from alo_lib.records import TRADING_DAYS

__all__ = ["GjrBootstrap", "GjrJumps"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GjrJumps:
    """GJR-GARCH days with Student's t shocks, a fifth of each day's variance in its night, and jumps by night."""

    volatility: float = 0.2
    alpha: float = 0.03
    gamma: float = 0.12
    beta: float = 0.88
    degrees_of_freedom: float = 6.0
    jumps_a_year: float = 3.0
    jump_mean: float = -0.03
    jump_deviation: float = 0.04
    night_share: float = 0.2
    name: str = "GJR-GARCH, jumps"

    @property
    def states(self) -> Array:
        """As the contract says."""
        return self.volatility**2 * np.array([0.35, 0.5, 0.7, 1.0, 1.5, 2.3, 4.0])

    def paths(self, count: int, days: int, variance: float, generator: np.random.Generator) -> tuple[Array, Array]:
        """As the contract says; a day's shock is spread over its steps by normal ones of its scale."""
        daily_level = self.volatility**2 / TRADING_DAYS
        omega = daily_level * (1.0 - self.alpha - 0.5 * self.gamma - self.beta)
        returns, variances = np.empty((days * STEPS_A_DAY, count)), np.empty((days * STEPS_A_DAY + 1, count))
        now = np.full(count, variance / TRADING_DAYS)
        shares = day_shares(self.night_share)
        for day in range(days):
            rows = slice(day * STEPS_A_DAY, (day + 1) * STEPS_A_DAY)
            variances[rows] = now * TRADING_DAYS
            # A t shock is a normal one times a common scale, so that steps of one day share the scale.
            scale = (self.degrees_of_freedom - 2.0) / generator.chisquare(self.degrees_of_freedom, count)
            steps = generator.standard_normal((STEPS_A_DAY, count)) * np.sqrt(shares)[:, None] * np.sqrt(now * scale)
            ordinary = np.sum(steps, axis=0)
            jumps = generator.poisson(self.jumps_a_year / TRADING_DAYS, count)
            steps[0] += jumps * self.jump_mean + np.sqrt(jumps) * self.jump_deviation * generator.standard_normal(count)
            returns[rows] = steps
            square = np.square(ordinary)
            now = omega + (self.alpha + self.gamma * (ordinary < 0.0)) * square + self.beta * now
        variances[-1] = now * TRADING_DAYS
        spots = spots_from_returns(returns)
        # A fair game: what the shocks' means leave over is taken out of every step.
        return spots / np.mean(spots, axis=1, keepdims=True), variances


@dataclass(frozen=True)
class GjrBootstrap:
    """GJR-GARCH days whose shocks are drawn, with replacement, from ``shocks``, which have mean 0 and variance 1.

    A day's steps are a Brownian bridge to its shock, ``night_share`` of whose variance is the first step's.
    """

    shocks: tuple[float, ...]
    volatility: float = 0.2
    alpha: float = 0.03
    gamma: float = 0.12
    beta: float = 0.88
    night_share: float = 0.2
    name: str = "GJR-GARCH, bootstrapped"

    @property
    def states(self) -> Array:
        """As the contract of a market says."""
        return self.volatility**2 * np.array([0.35, 0.5, 0.7, 1.0, 1.5, 2.3, 4.0])

    def paths(self, count: int, days: int, variance: float, generator: np.random.Generator) -> tuple[Array, Array]:
        """As the contract of a market says."""
        returns, variances = np.empty((days * STEPS_A_DAY, count)), np.empty((days * STEPS_A_DAY + 1, count))
        now = np.full(count, variance / TRADING_DAYS)
        shares, drawn = day_shares(self.night_share)[:, None], np.array(self.shocks)
        falling = float(np.mean(np.square(drawn) * (drawn < 0.0)))
        omega = self.volatility**2 / TRADING_DAYS * (1.0 - self.alpha - falling * self.gamma - self.beta)
        for day in range(days):
            rows = slice(day * STEPS_A_DAY, (day + 1) * STEPS_A_DAY)
            variances[rows] = now * TRADING_DAYS
            shock = generator.choice(drawn, count)
            free = generator.standard_normal((STEPS_A_DAY, count)) * np.sqrt(shares)
            returns[rows] = np.sqrt(now) * (free + shares * (shock - np.sum(free, axis=0)))
            now = omega + (self.alpha + self.gamma * (shock < 0.0)) * np.square(shock) * now + self.beta * now
        variances[-1] = now * TRADING_DAYS
        spots = spots_from_returns(returns)
        # A fair game: what the shocks' means leave over is taken out of every step.
        return spots / np.mean(spots, axis=1, keepdims=True), variances
