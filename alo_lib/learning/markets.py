"""Markets to learn hedging in: paths of the spot, and of the variance that options are quoted by.

Rates and dividends are zero, so that no option is ever exercised early and an American one is worth what a European one
is. A day has 13 moments, half an hour of a session apart, the night being the first step's where a market has nights.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import TRADING_DAYS

__all__ = [
    "DAYS",
    "STEPS_A_DAY",
    "YEARS_A_STEP",
    "BlackScholes",
    "Heston",
    "Jumps",
    "Market",
    "day_shares",
    "spots_from_returns",
]

Array = NDArray[np.float64]

DAYS: Final = 21
STEPS_A_DAY: Final = 13
YEARS_A_STEP: Final = 1.0 / (TRADING_DAYS * STEPS_A_DAY)


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
        """Spots and the annual variances that quotes go by from there on, (days * STEPS_A_DAY + 1, count) each."""
        ...


class Jumps(NamedTuple):
    """Normal jumps of ln(spot) at Poisson times, and on the mean none: Merton (1976)."""

    a_year: float
    mean: float
    deviation: float

    def drawn(self, years: Array | float, count: int, generator: np.random.Generator) -> Array:
        """What jumps add to ln(spot) of paths (count,) in ``years``, their compensation taken out."""
        number = generator.poisson(self.a_year * years, count)
        sizes = number * self.mean + np.sqrt(number) * self.deviation * generator.standard_normal(count)
        return np.asarray(sizes - self.a_year * years * math.expm1(self.mean + 0.5 * self.deviation**2))


def day_shares(night: float) -> Array:
    """What part of a day's variance is each of its steps' (STEPS_A_DAY,); the first is the night's, 0 for no nights."""
    if not night:
        return np.full(STEPS_A_DAY, 1.0 / STEPS_A_DAY)
    shares = np.full(STEPS_A_DAY, (1.0 - night) / (STEPS_A_DAY - 1))
    shares[0] = night
    return shares


def spots_from_returns(returns: Array) -> Array:
    """From logarithmic returns (steps, n) the spots (steps + 1, n), of which the first is 1."""
    logarithm = np.concatenate([np.zeros((1, returns.shape[1])), np.cumsum(returns, axis=0)])
    return np.asarray(np.exp(logarithm))


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
        returns = math.sqrt(variance * YEARS_A_STEP) * shocks - 0.5 * variance * YEARS_A_STEP
        return spots_from_returns(returns), np.full((steps + 1, count), variance)


@dataclass(frozen=True)
class Heston:
    """Stochastic volatility: Heston (1993), by an Euler scheme that truncates fully (Lord, Koekkoek and van Dijk).

    With ``jumps`` it is the model of Bates (1996); ``night_share`` of a day's time passes in its first step.
    """

    level: float = 0.04
    reversion: float = 3.0
    of_volatility: float = 0.6
    correlation: float = -0.7
    name: str = "Heston"
    jumps: Jumps | None = None
    night_share: float = 0.0

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
        lengths = day_shares(self.night_share) / TRADING_DAYS
        for step in range(steps):
            years = float(lengths[step % STEPS_A_DAY])
            own, common = generator.standard_normal((2, count))
            positive = np.maximum(now, 0.0)
            variances[step] = positive
            noise = np.sqrt(positive * years)
            returns[step] = noise * (self.correlation * common + across * own) - 0.5 * positive * years
            if self.jumps is not None:
                returns[step] += self.jumps.drawn(years, count, generator)
            now = now + self.reversion * (self.level - positive) * years + self.of_volatility * noise * common
        variances[steps] = np.maximum(now, 0.0)
        return spots_from_returns(returns), variances
