"""What contracts are worth at the forecast volatility, and what those held are exposed to at their implied one."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import Chain, Greeks
from alo_lib.records import Records, years_between
from alo_lib.strategy.book import MarketBook, PricedRows

__all__ = [
    "LegMarket",
    "Valuation",
    "contract_chain",
    "leg_alone",
    "leg_greeks",
    "quote_volatility",
    "scenario_prices",
    "value_chain",
]

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]


class LegMarket(NamedTuple):
    """What one contract is priced in."""

    spot: float  # 0 where none is known
    mid: float  # of its own quote; NaN without one
    rate: float
    dividend_yield: float


@dataclass(frozen=True)
class Valuation:
    """Arrays over the rows of a book's chain. NaN where one was not asked for, has no forecast or no life left."""

    volatility: FloatArray
    """The forecast, annualized."""
    at_forecast: Greeks
    """Price and greeks at the forecast volatility, per share."""


def value_chain(
    book: MarketBook, volatility: FloatArray, rate: float, time: int, mask: NDArray[np.bool_] | None = None
) -> Valuation:
    """Price a chain; ``volatility`` and ``mask``, which leaves rows out, have one element a row of it."""
    rows = np.flatnonzero((book.years_to_expiry(time) > 0.0) & np.isfinite(volatility) & (mask is None or mask))
    columns = np.full((len(Greeks._fields), len(volatility)), np.nan)
    if len(rows):
        book.priced = _made(book, rows, time, volatility[rows])
        values = book.priced.chain.greeks(book.spot, rate, book.dividend_yield(time), book.priced.volatility)
        columns[:, rows] = np.stack(values)
    return Valuation(volatility, Greeks(*columns))


def quote_volatility(book: MarketBook, rows: Rows, rate: float, time: int) -> FloatArray:
    """Implied volatility of the mid of the given rows; NaN where no volatility explains it."""
    priced, at = _priced(book, rows, time)
    prices = np.full(len(priced.rows), np.nan)
    prices[at] = book.mid()[rows]
    return priced.chain.implied_volatility(prices, book.spot, rate, book.dividend_yield(time))[at]


def leg_greeks(book: MarketBook, rows: Rows, volatility: FloatArray, rate: float, time: int) -> Greeks:
    """Greeks of the given rows, no row twice, at the given volatilities, per share."""
    priced, at = _priced(book, rows, time)
    volatilities = priced.volatility.copy()
    volatilities[at] = volatility
    values = priced.chain.greeks(book.spot, rate, book.dividend_yield(time), volatilities)
    return Greeks(*(value[at] for value in values))


def scenario_prices(
    book: MarketBook, rows: Rows, rate: float, times: NDArray[np.int64], spots: FloatArray, volatility: FloatArray
) -> FloatArray:
    """Prices a share (k, n) of the given rows in k scenarios: ``times`` (k,), ``spots`` (k,), ``volatility`` (k, n).

    At expiry and after it a contract is worth what exercise pays. The yield stays that of the first scenario's moment.
    """
    contracts = book.contracts[rows]
    years = np.maximum(years_between(times[:, None], contracts["expiry"][None, :]), 0.0)
    strike, right, style = (
        np.broadcast_to(column, years.shape).ravel()
        for column in (contracts["strike"], contracts["right"], _style(contracts))
    )
    chain = Chain(strike, years.ravel(), right, style=style)
    spot = np.broadcast_to(spots[:, None], years.shape).ravel()
    return chain.price(spot, rate, book.dividend_yield(int(times[0])), volatility.ravel()).reshape(years.shape)


def leg_alone(book: MarketBook, row: int, time: int, market: LegMarket, otherwise: float) -> tuple[float, Greeks]:
    """Implied volatility of one row and its greeks, arrays (1,).

    Where no volatility explains the mid, both are at ``otherwise``; NaN where that is NaN, and without a spot.
    """
    spot, mid, rate, dividend_yield = market
    unknown = np.nan, Greeks(*np.full((len(Greeks._fields), 1), np.nan))
    if not spot > 0.0:
        return unknown
    chain = _made(book, np.array([row], np.intp), time, np.ones(1)).chain
    implied = float(chain.implied_volatility(np.array([mid]), spot, rate, dividend_yield)[0])
    if not np.isfinite(implied):
        implied = otherwise
    return (implied, chain.greeks(spot, rate, dividend_yield, implied)) if np.isfinite(implied) else unknown


def contract_chain(book: MarketBook, row: int, times: NDArray[np.int64]) -> Chain:
    """One row's contract at each of these times, which exercise boundaries of its own price."""
    contract = book.contracts[row]
    years = np.maximum(years_between(times, contract["expiry"]), 0.0)
    return Chain(contract["strike"], years, contract["right"], style=_style(contract), panels=False)


def _priced(book: MarketBook, rows: Rows, time: int) -> tuple[PricedRows, Rows]:
    """What was made ready for this moment if it has the rows, else these rows anew; and where they are in it.

    Chains are made once for all that a frame asks of them: a contract's values do not depend on the others.
    """
    priced = book.priced
    if priced is not None and priced.time == time:
        at = np.minimum(np.searchsorted(priced.rows, rows), len(priced.rows) - 1)
        if np.array_equal(priced.rows[at], rows):
            return priced, at
    alone, at = np.unique(rows, return_inverse=True)
    book.priced = _made(book, alone, time, np.ones(len(alone)))
    return book.priced, at


def _made(book: MarketBook, rows: Rows, time: int, volatility: FloatArray) -> PricedRows:
    contracts = book.contracts[rows]
    years = book.years_to_expiry(time)[rows]
    chain = Chain(contracts["strike"], years, contracts["right"], style=_style(contracts))
    return PricedRows(time, rows, chain, volatility)


def _style(contracts: Records | np.void) -> NDArray[np.str_]:
    """When one contract or each of several may be exercised, as pricing takes it."""
    return np.where(contracts["american"], "american", "european")
