"""The slopes of an underlying's smile at its expiries, from the quotes of one moment."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.elementwise import exp, log
from alo_lib.numerics.fixed_order import dot
from alo_lib.records import MINUTE, years_between
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.staleness import quoted_at_spot
from alo_lib.strategy.valuation import quote_volatility

__all__ = ["SlopeLooks", "slope_through", "smile_slopes"]

Floats = NDArray[np.float64]

_STRIKES: Final = 7
"""That a slope is read from at most, evenly among those that are near: each more costs time and tells little."""
_MEMORY: Final = 30 * MINUTE
"""After which a look counts for 1 / e: quotes shake a slope from one minute to the next, a smile turns in days."""


@dataclass(slots=True)
class SlopeLooks:
    """What the looks at one expiry's slope come to: their mean, each weighed by how long ago it was."""

    time: int = -1  # of the last look that told one
    weight: float = 0.0  # sum of the looks' weights, of which the last one's is 1
    slope: float = math.nan

    def take(self, time: int, seen: float) -> None:
        """Take one look's slope; NaN, where the quotes tell none, changes nothing."""
        if not math.isfinite(seen):
            return
        before = self.slope if self.weight else seen
        self.weight = 1.0 + self.weight * float(exp(-(time - self.time) / _MEMORY))
        self.slope = before + (seen - before) / self.weight
        self.time = time


def smile_slopes(
    book: MarketBook, volatilities: Mapping[int, float], settings: Settings, rate: float, time: int
) -> dict[int, float]:
    """Slope of implied volatility by ln(strike) at the money of each expiry; NaN where the quotes do not tell it.

    It is that of contracts within one standard deviation, by the volatility given with the expiry, that have a bid and
    are quoted at the underlying's price: of all with few strikes, of those at some of them with many.
    """
    mid, contracts = book.mid(), book.contracts
    quoted = np.flatnonzero(np.isfinite(mid) & (book.quotes["bid"] > 0.0))
    quoted = quoted[quoted_at_spot(book, quoted, settings)]
    asked = [quoted[:0]]
    for expiry, volatility in volatilities.items():
        rows = quoted[contracts["expiry"][quoted] == expiry]
        deviation = volatility * np.sqrt(max(float(years_between(time, expiry)), 0.0))
        rows = rows[np.abs(log(contracts["strike"][rows] / book.spot)) <= deviation]
        strikes = np.unique(contracts["strike"][rows])
        if len(strikes) > _STRIKES:
            strikes = strikes[np.arange(_STRIKES) * (len(strikes) - 1) // (_STRIKES - 1)]
            rows = rows[np.isin(contracts["strike"][rows], strikes)]
        asked.append(rows)
    every = np.concatenate(asked)
    implied = quote_volatility(book, every, rate, time) if len(every) else np.zeros(0)
    every, implied = every[np.isfinite(implied)], implied[np.isfinite(implied)]
    moneyness, right = log(contracts["strike"][every] / book.spot), contracts["right"][every]
    own = {expiry: contracts["expiry"][every] == expiry for expiry in volatilities}
    return {expiry: slope_through(moneyness[rows], implied[rows], right[rows]) for expiry, rows in own.items()}


def slope_through(moneyness: Floats, implied: Floats, right: NDArray[np.int8]) -> float:
    """Least squares of implied volatilities (n,) on ln(strike / spot) (n,), calls and puts each about their own mean.

    A forward that is not quite the market's moves the volatilities of all calls one way and of all puts the other; so
    it moves the slope little. NaN unless one of the two has contracts of different strikes.
    """
    x, y = np.array(moneyness), np.array(implied)
    for side in (-1, 1):
        own = right == side
        if own.any():
            x[own] -= np.mean(x[own])
            y[own] -= np.mean(y[own])
    spread = dot(x, x)
    return dot(x, y) / spread if spread > 1e-12 else float(np.nan)
