"""The smile that options are quoted on, made of a market's own paths."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.markets import DAYS, STEPS_A_DAY, Market
from alo_lib.pricing import implied_volatility
from alo_lib.records import TRADING_DAYS

__all__ = ["Quotes", "Smile", "smile_of"]

Array = NDArray[np.float64]

_DEVIATIONS: Final = np.linspace(-1.5, 1.5, 7)
_LEAST_PAID: Final = 20
"""Paths that pay, by which a price is told."""


class Quotes(NamedTuple):
    """Implied volatilities of one expiry, an element a path."""

    spot: Array
    deviation: Array  # of ln(spot) to expiry
    root: Array  # of the variance
    shape: tuple[Array, Array, Array]  # a, b, c
    slope: Array  # d volatility / d ln(strike) at the money

    @property
    def at_the_money(self) -> Array:
        """Where the strike is the spot."""
        return self.root * self.shape[0]

    def at(self, strike: float) -> Array:
        """At a strike; beyond two and a half deviations it is what it is there."""
        a, b, c = self.shape
        z = np.clip(np.log(strike / self.spot) / self.deviation, -2.5, 2.5)
        return np.asarray(self.root * (a + (b + c * z) * z))


class Smile(NamedTuple):
    """Implied volatility over the root of the variance: a + b z + c z^2, z = ln(strike / spot) in deviations to expiry.

    ``coefficients`` has (a, b, c) by days to expiry from 1 and by state, (days, k, 3).
    """

    states: Array
    coefficients: Array

    def at(self, steps_left: float, variance: Array) -> tuple[Array, Array, Array]:
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

    def quotes(self, years: float, spot: Array, variance: Array) -> Quotes:
        """What options that expire in so many ``years`` are quoted at, of paths (n,)."""
        root = np.sqrt(np.maximum(variance, self.states[0]))
        a, b, c = self.at(years * STEPS_A_DAY * TRADING_DAYS, variance)
        return Quotes(spot, root * math.sqrt(years), root, (a, b, c), b / math.sqrt(years))


def smile_of(market: Market, paths: int, days: int = DAYS, seed: int = 7) -> Smile:
    """The smile that a market's own paths make, fitted to the means of payoffs at seven strikes a day and state.

    Strikes that hardly any path reaches are left out: variance far above its level is lower by a late expiry.
    """
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
            payoffs = np.maximum(rights[:, None] * (ends - strikes[:, None]), 0.0)
            told = np.count_nonzero(payoffs, axis=1) >= _LEAST_PAID
            prices = np.mean(payoffs[told], axis=1)
            implied = implied_volatility(prices, 1.0, strikes[told], 0.0, 0.0, years, rights[told], style="european")
            coefficients[day - 1, number] = np.linalg.lstsq(powers[told], implied / math.sqrt(variance), rcond=None)[0]
    return Smile(states, coefficients)
