"""The slope of an underlying's smile at an expiry, from the quotes of one moment."""

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.elementwise import log
from alo_lib.numerics.fixed_order import dot
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.staleness import quoted_at_spot
from alo_lib.strategy.valuation import quote_volatility

__all__ = ["slope_through", "smile_slope"]

Floats = NDArray[np.float64]


def smile_slope(book: MarketBook, expiry: int, volatility: float, settings: Settings, rate: float, time: int) -> float:
    """Slope of implied volatility by ln(strike) at the money of one expiry; NaN where the quotes do not tell it.

    It is that of the contracts within one standard deviation, by ``volatility``, that have a bid and are quoted at the
    underlying's price.
    """
    mid, contracts = book.mid(), book.contracts
    listed = np.flatnonzero((contracts["expiry"] == expiry) & np.isfinite(mid) & (book.quotes["bid"] > 0.0))
    moneyness = log(contracts["strike"][listed] / book.spot)
    deviation = volatility * np.sqrt(book.years_to_expiry(time)[listed])
    near = (np.abs(moneyness) <= deviation) & quoted_at_spot(book, listed, settings)
    rows, moneyness = listed[near], moneyness[near]
    if not len(rows):
        return np.nan
    implied = quote_volatility(book, rows, rate, time)
    known = np.isfinite(implied)
    return slope_through(moneyness[known], implied[known], contracts["right"][rows][known])


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
