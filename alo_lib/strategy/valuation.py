"""What contracts are worth at the forecast volatility, and what those held are exposed to at their implied one."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import DOMAINS, Dividends, Greeks
from alo_lib.pricing.cash_chain import CashChain
from alo_lib.pricing.forwards import forward_prices
from alo_lib.records import Records, years_between
from alo_lib.strategy.book import Ahead, MarketBook
from alo_lib.strategy.priced_rows import PricedRows

__all__ = [
    "LegMarket",
    "Valuation",
    "ahead_from",
    "contract_chain",
    "exercise_gain",
    "forward_price",
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
    dividend_yield: float  # beside the dividends ahead
    ahead: Ahead = ()


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
        chain = _chain(book, rows, time, book.dividends_in_chain(time))
        priced = PricedRows(time, rows, chain, volatility[rows])
        book.priced = [priced]
        columns[:, rows] = np.stack(priced.greeks(book.spot, _rates(book, rows, rate), _yields(book, rows)))
    return Valuation(volatility, Greeks(*columns))


def quote_volatility(book: MarketBook, rows: Rows, rate: float, time: int) -> FloatArray:
    """Implied volatility of the mid of the given rows; NaN where no volatility explains it."""
    priced, at = _priced(book, rows, time)
    rates = _rates(book, priced.rows, rate)
    return priced.implied_volatility(at, book.mid(rows), book.spot, rates, _yields(book, priced.rows))


def leg_greeks(book: MarketBook, rows: Rows, volatility: FloatArray, rate: float, time: int) -> Greeks:
    """Greeks of the given rows, no row twice, at the given volatilities, per share."""
    priced, at = _priced(book, rows, time)
    rates = _rates(book, priced.rows, rate)
    return priced.greeks_at(at, volatility, book.spot, rates, _yields(book, priced.rows))


def scenario_prices(
    book: MarketBook, rows: Rows, rate: float, times: NDArray[np.int64], spots: FloatArray, volatility: FloatArray
) -> FloatArray:
    """Prices a share (k, n) of the given rows in k scenarios: ``times`` (k,), ``spots`` (k,), ``volatility`` (k, n).

    At expiry and after it a contract is worth what exercise pays. Spots are with what has gone ex since the first
    scenario's moment, which is what shares are worth with what they were paid.
    """
    contracts = book.contracts[rows]
    years = np.maximum(years_between(times[:, None], contracts["expiry"][None, :]), 0.0)
    columns = contracts["strike"], contracts["right"], _american(contracts)
    strike, right, american = (np.broadcast_to(column, years.shape).ravel() for column in columns)
    ahead = book.dividends_in_chain(int(times[0]))
    cash = ahead_from(ahead, np.repeat(times, len(rows)))
    chain = CashChain(strike, years.ravel(), right, *cash, style=american)
    gone = np.array([sum(amount for when, amount in ahead if when <= time) for time in times.tolist()], np.float64)
    ex = np.maximum(spots - gone, DOMAINS["spot"][0])
    spot = np.broadcast_to(ex[:, None], years.shape).ravel()
    yields = np.broadcast_to(_yields(book, rows), years.shape).ravel()
    rates = _rates(book, rows, rate)
    if isinstance(rates, np.ndarray):
        rates = np.broadcast_to(rates, years.shape).ravel()
    return chain.price(spot, rates, yields, volatility.ravel()).reshape(years.shape)


def exercise_gain(book: MarketBook, rows: Rows, rate: float, time: int, volatility: FloatArray) -> FloatArray:
    """What exercise of calls (n,) before the next ex-date gives more than holding them past it, money a share.

    With spot as it is until then; above 0 a holder exercises. NaN where volatility (n,) is, minus infinity where the
    call expires before or no ex-date is ahead.
    """
    ex_time = book.next_ex_date(time)
    contracts = book.contracts[rows]
    if ex_time is None or not len(rows):
        return np.full(len(rows), -np.inf)
    moments, spots = np.array([time, ex_time]), np.full(2, book.spot)
    held = scenario_prices(book, rows, rate, moments, spots, np.stack([volatility, volatility]))[1]
    return np.asarray(np.where(contracts["expiry"] > ex_time, book.spot - contracts["strike"] - held, -np.inf))


def leg_alone(book: MarketBook, row: int, time: int, market: LegMarket, otherwise: float) -> tuple[float, Greeks]:
    """Implied volatility of one row and its greeks, arrays (1,).

    Where no volatility explains the mid, both are at ``otherwise``; NaN where that is NaN, and without a spot.
    """
    spot, mid, rate, dividend_yield, ahead = market
    unknown = np.nan, Greeks(*np.full((len(Greeks._fields), 1), np.nan))
    if not spot > 0.0:
        return unknown
    chain = _chain(book, np.array([row], np.intp), time, ahead)
    implied = float(chain.implied_volatility(np.array([mid]), spot, rate, dividend_yield)[0])
    if not np.isfinite(implied):
        implied = otherwise
    return (implied, chain.greeks(spot, rate, dividend_yield, implied)) if np.isfinite(implied) else unknown


def contract_chain(
    book: MarketBook, row: int, times: NDArray[np.int64], dividends: tuple[FloatArray, FloatArray]
) -> CashChain:
    """One row's contract at each of these times, which exercise boundaries of its own price.

    dividends: years (n, k) from each of the times, and amounts (k,).
    """
    contract = book.contracts[row]
    years = np.maximum(years_between(times, contract["expiry"]), 0.0)
    return CashChain(contract["strike"], years, contract["right"], *dividends, style=_american(contract), panels=False)


def forward_price(book: MarketBook, rate: float, time: int, expiry: NDArray[np.int64]) -> FloatArray:
    """Forward prices of the book's spot, which is known, at expiries (n,) that are not before ``time``."""
    ahead, dividends = book.dividends_in_chain(time), None
    if ahead:
        ex_times, amounts = ahead_from(ahead, np.array([time]))
        dividends = Dividends(ex_times[0], amounts)
    rates, years = book.rates_to(expiry, rate), years_between(time, expiry)
    return forward_prices(book.spot, rates, book.dividend_yield(expiry), years, dividends)


def ahead_from(ahead: Ahead, times: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Dividends ahead as a chain takes them: years (n, k) from each of n times, and amounts (k,)."""
    when = np.array([ex_time for ex_time, _ in ahead], np.int64)
    return years_between(times[:, None], when[None, :]), np.array([amount for _, amount in ahead], np.float64)


def _priced(book: MarketBook, rows: Rows, time: int) -> tuple[PricedRows, Rows]:
    """What was made ready for this moment if it has the rows, else these rows anew; and where they are in it.

    Chains are made once for all that a frame asks of them: a contract's values do not depend on the others.
    """
    if not book.priced or book.priced[0].time != time:
        book.priced = []
    for priced in book.priced:
        if (found := priced.places(rows)) is not None:
            return priced, found
    alone, at = np.unique(rows, return_inverse=True)
    made = PricedRows(time, alone, _chain(book, alone, time, book.dividends_in_chain(time)), np.ones(len(alone)))
    book.priced.append(made)
    return made, at


def _chain(book: MarketBook, rows: Rows, time: int, ahead: Ahead) -> CashChain:
    """Rows of a book's chain as of a moment, with these dividends ahead."""
    contracts = book.contracts[rows]
    years = np.maximum(years_between(time, contracts["expiry"]), 0.0)
    cash = ahead_from(ahead, np.array([time]))
    return CashChain(contracts["strike"], years, contracts["right"], *cash, style=_american(contracts))


def _yields(book: MarketBook, rows: Rows) -> FloatArray:
    return book.dividend_yield(book.contracts["expiry"][rows])


def _rates(book: MarketBook, rows: Rows, rate: float) -> float | FloatArray:
    return book.rates_to(book.contracts["expiry"][rows], rate)


def _american(contracts: Records | np.void) -> NDArray[np.bool_]:
    """Whether one contract or each of several may be exercised early."""
    return np.asarray(contracts["american"] != 0)
