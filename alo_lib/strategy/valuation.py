"""What contracts are worth at the forecast volatility, and what those held are exposed to at their implied one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import Chain, Greeks, Style
from alo_lib.strategy.book import MarketBook

__all__ = ["Valuation", "leg_greeks", "quote_volatility", "value_chain"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Valuation:
    """Arrays over the rows of a book's chain. NaN where a contract has no forecast or no life left."""

    volatility: FloatArray
    """The forecast, annualized."""
    at_forecast: Greeks
    """Price and greeks at the forecast volatility, per share."""


def value_chain(book: MarketBook, volatility: FloatArray, rate: float, time: int) -> Valuation:
    """Price a whole chain; ``volatility`` has one element a row of it."""
    years = book.years_to_expiry(time)
    alive = np.flatnonzero((years > 0.0) & np.isfinite(volatility))
    columns = np.full((len(Greeks._fields), len(years)), np.nan)
    if len(alive):
        values = _chain(book, alive, time).greeks(book.spot, rate, book.dividend_yield(time), volatility[alive])
        columns[:, alive] = np.stack(values)
    return Valuation(volatility, Greeks(*columns))


def quote_volatility(book: MarketBook, rows: NDArray[np.intp], rate: float, time: int) -> FloatArray:
    """Implied volatility of the mid of the given rows; NaN where no volatility explains it."""
    chain = _chain(book, rows, time)
    return chain.implied_volatility(book.mid()[rows], book.spot, rate, book.dividend_yield(time))


def leg_greeks(book: MarketBook, rows: NDArray[np.intp], volatility: FloatArray, rate: float, time: int) -> Greeks:
    """Greeks of the given rows at the given volatilities, per share."""
    return _chain(book, rows, time).greeks(book.spot, rate, book.dividend_yield(time), volatility)


def _chain(book: MarketBook, rows: NDArray[np.intp], time: int) -> Chain:
    contracts = book.contracts[rows]
    style: Style = "american" if contracts["american"].all() else "european"
    return Chain(contracts["strike"], book.years_to_expiry(time)[rows], contracts["right"], style=style)
