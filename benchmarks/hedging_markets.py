"""Markets to hedge in: paths of the spot, and the smile that options are quoted on, made of the same paths.

Rates and dividends are zero, so that no option is ever exercised early and an American one is worth what a European one
is. A day has 13 moments, half an hour of a session apart, the night being the first step's where a market has nights.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import implied_volatility
from alo_lib.records import TRADING_DAYS

__all__ = ["DAYS", "MARKETS", "STEPS_A_DAY", "Market", "Smile", "smile_of"]

Array = NDArray[np.float64]

DAYS: Final = 21
STEPS_A_DAY: Final = 13
_YEARS_A_STEP: Final = 1.0 / (TRADING_DAYS * STEPS_A_DAY)
_DEVIATIONS: Final = np.linspace(-1.5, 1.5, 7)


class Market(Protocol):
    """What moves the spot, whose first value is 1."""

    @property
    def name(self) -> str:
        """As the table has it."""
        ...

    @property
    def states(self) -> Array:
        """Annual variances (k,), ascending, at which the smile is made; the middle one is where paths start."""
        ...

    def paths(self, count: int, days: int, variance: float, generator: np.random.Generator) -> tuple[Array, Array]:
        """Spots and the annual variances from there on, (days * STEPS_A_DAY + 1, count) each."""
        ...


@dataclass(frozen=True)
class BlackScholes:
    """One volatility."""

    volatility: float = 0.2
    name: str = "Black-Scholes"

    @property
    def states(self) -> Array:
        """As the contract says."""
        return np.array([self.volatility**2])

    def paths(self, count: int, days: int, variance: float, generator: np.random.Generator) -> tuple[Array, Array]:
        """As the contract says."""
        steps = days * STEPS_A_DAY
        shocks = generator.standard_normal((steps, count))
        returns = math.sqrt(variance * _YEARS_A_STEP) * shocks - 0.5 * variance * _YEARS_A_STEP
        return _from_returns(returns), np.full((steps + 1, count), variance)


@dataclass(frozen=True)
class Heston:
    """Stochastic volatility: Heston (1993), by an Euler scheme that truncates fully (Lord, Koekkoek and van Dijk)."""

    level: float = 0.04
    reversion: float = 3.0
    of_volatility: float = 0.6
    correlation: float = -0.7
    name: str = "Heston"

    @property
    def states(self) -> Array:
        """As the contract says."""
        return self.level * np.array([0.05, 0.15, 0.35, 0.65, 1.0, 1.5, 2.2, 3.2, 4.5])

    def paths(self, count: int, days: int, variance: float, generator: np.random.Generator) -> tuple[Array, Array]:
        """As the contract says."""
        steps = days * STEPS_A_DAY
        returns, variances = np.empty((steps, count)), np.empty((steps + 1, count))
        now = np.full(count, variance)
        across = math.sqrt(1.0 - self.correlation**2)
        for step in range(steps):
            own, common = generator.standard_normal((2, count))
            positive = np.maximum(now, 0.0)
            variances[step] = positive
            noise = np.sqrt(positive * _YEARS_A_STEP)
            returns[step] = noise * (self.correlation * common + across * own) - 0.5 * positive * _YEARS_A_STEP
            now = now + self.reversion * (self.level - positive) * _YEARS_A_STEP + self.of_volatility * noise * common
        variances[steps] = np.maximum(now, 0.0)
        return _from_returns(returns), variances


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
        shares = np.full(STEPS_A_DAY, (1.0 - self.night_share) / (STEPS_A_DAY - 1))
        shares[0] = self.night_share
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
        spots = _from_returns(returns)
        # A fair game: what the shocks' means leave over is taken out of every step.
        return spots / np.mean(spots, axis=1, keepdims=True), variances


class Smile(NamedTuple):
    """Implied volatility over the root of the variance: a + b z + c z^2, z = ln(strike / spot) in deviations to expiry.

    ``coefficients`` has (a, b, c) by days to expiry from 1 and by state, (days, k, 3).
    """

    states: Array
    coefficients: Array

    def at(self, steps_left: int, variance: Array) -> tuple[Array, Array, Array]:
        """The coefficients of paths (n,), linear in the days left and in the logarithm of the variance."""
        days = min(max(steps_left / STEPS_A_DAY, 1.0), len(self.coefficients)) - 1.0
        low, part = int(days), days - int(days)
        high = min(low + 1, len(self.coefficients) - 1)
        table = (1.0 - part) * self.coefficients[low] + part * self.coefficients[high]
        if len(self.states) == 1:
            a, b, c = (np.full(variance.shape, each) for each in table[0])
        else:
            where = np.log(np.maximum(variance, self.states[0]))
            a, b, c = (np.interp(where, np.log(self.states), table[:, column]) for column in range(3))
        return a, b, c


def smile_of(market: Market, paths: int, days: int = DAYS, seed: int = 7) -> Smile:
    """The smile that a market's own paths make, fitted to the means of payoffs at seven strikes a day and state."""
    states = market.states
    if len(states) == 1:
        return Smile(states, np.tile([1.0, 0.0, 0.0], (days, 1, 1)))
    coefficients = np.empty((days, len(states), 3))
    powers = np.stack([_DEVIATIONS**power for power in range(3)], axis=-1)
    for number, variance in enumerate(states):
        spots, _ = market.paths(paths, days, float(variance), np.random.default_rng(seed))
        for day in range(1, days + 1):
            ends, years = spots[day * STEPS_A_DAY], day / TRADING_DAYS
            ends = ends / np.mean(ends)
            strikes = np.exp(_DEVIATIONS * math.sqrt(variance * years))
            rights = np.where(_DEVIATIONS >= 0.0, 1, -1)
            prices = np.array(
                [np.mean(np.maximum(right * (ends - k), 0.0)) for k, right in zip(strikes, rights, strict=True)]
            )
            implied = implied_volatility(prices, 1.0, strikes, 0.0, 0.0, years, rights, style="european")
            coefficients[day - 1, number] = np.linalg.lstsq(powers, implied / math.sqrt(variance), rcond=None)[0]
    return Smile(states, coefficients)


def _from_returns(returns: Array) -> Array:
    logarithm = np.concatenate([np.zeros((1, returns.shape[1])), np.cumsum(returns, axis=0)])
    return np.asarray(np.exp(logarithm))


MARKETS: Final[tuple[Market, ...]] = (BlackScholes(), Heston(), GjrJumps())
