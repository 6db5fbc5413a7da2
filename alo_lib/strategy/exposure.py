"""What is held, measured: its value, its greeks at the volatilities its quotes imply, the equity of the account."""

import math

import numpy as np

from alo_lib.numerics.fixed_order import dot
from alo_lib.records import OPTION_MULTIPLIER, Kind, Records, records
from alo_lib.settings import Settings
from alo_lib.strategy.attribution import attribute_measure
from alo_lib.strategy.fair_smile import fair_volatility
from alo_lib.strategy.hedge_view import MeasuredLegs, hedged_position
from alo_lib.strategy.profit import LegMark, leg_marks
from alo_lib.strategy.screening import screen_chain
from alo_lib.strategy.staleness import quoted_at_spot
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.valuation import LegMarket, leg_greeks, quote_volatility

__all__ = ["equity", "measure", "value_chains"]


def value_chains(state: StrategyState, settings: Settings, time: int) -> None:
    """Value what can be traded, is held or belongs to a trade, of every chain that has news, at the forecast."""
    for number, underlying in state.underlyings.items():
        book = underlying.book
        if underlying.market_news and book.spot > 0.0:
            underlying.count_down(time)
            legs, forecast = state.legs(number), fair_volatility(underlying, settings, state.rate, time)
            valuation, underlying.screen = screen_chain(book, forecast, settings, state.rate, time, legs)
            underlying.valuation = valuation
        else:
            underlying.screen = None


def measure(state: StrategyState, settings: Settings, time: int) -> None:
    """Measure each underlying's exposure and the equity, attribute profit, and let trades account for their hedge.

    What hedging goes by is measured with it (:mod:`alo_lib.strategy.hedge_view`).
    Where the market has news, the implied volatilities of what is held are taken anew. A contract that is not quoted
    at the underlying's price (:func:`alo_lib.strategy.staleness.quoted_at_spot`) is worth what it is at its last one.
    """
    for number, underlying in state.underlyings.items():
        underlying.exposure, measured = _exposure(state, settings, number, time)
        attribute_measure(state, number, time, float(underlying.exposure["spot"][0]), measured)
    total = equity(state)
    state.peak_equity, state.last_equity = max(state.peak_equity, total), total
    for underlying in state.underlyings.values():
        underlying.exposure["equity"] = total


def equity(state: StrategyState) -> float:
    """Cash and everything held at mid, as of the last measure. A dividend counts from when prices are without it."""
    due = sum(each.money for underlying in state.underlyings.values() for each in underlying.due)
    return state.portfolio.cash - due + float(sum(u.exposure["value"][0] for u in state.underlyings.values()))


def _exposure(state: StrategyState, settings: Settings, number: int, time: int) -> tuple[Records, dict[int, LegMark]]:
    """One EXPOSURE record, and the contracts that it counts, by number."""
    underlying, portfolio = state.underlyings[number], state.portfolio
    book, underlying.hedged = underlying.book, None
    held = [instrument for instrument in state.contracts_held(number) if book.lists(instrument)]
    underlying.implied = {leg: volatility for leg, volatility in underlying.implied.items() if leg in held}
    shares = portfolio.quantity(number)
    spot = book.known_spot
    exposure = records(Kind.EXPOSURE, underlying=number, spot=spot, shares=shares, delta=shares, value=shares * spot)
    exposure["structures"] = len(state.trades_in(number))
    if not held or not spot:
        return exposure, {}
    if underlying.market_news or not underlying.implied.keys() >= set(held):
        _imply(underlying, settings, held, state.rate, time)
    # A host may say that it holds what nobody has looked at yet: that is measured once it has a price or a forecast.
    held = [instrument for instrument in held if instrument in underlying.implied]
    if not held:
        return exposure, {}
    rows = np.array([book.row(instrument) for instrument in held], np.intp)
    volatility = np.array([underlying.implied[instrument] for instrument in held])
    at_implied = leg_greeks(book, rows, volatility, state.rate, time)
    units = np.array([portfolio.quantity(instrument) for instrument in held], np.float64) * OPTION_MULTIPLIER
    expiries = book.contracts["expiry"][rows]
    yields, rates = book.dividend_yield(expiries), book.rates_to(expiries, state.rate)
    market = LegMarket(spot, np.nan, state.rate, 0.0, book.dividends_in_chain(time))
    mid = np.where(quoted_at_spot(book, rows, settings), book.mid(rows), np.nan)
    legs = leg_marks(time, market, mid, volatility, at_implied, yields, rates)
    marks = np.array([leg.mark for leg in legs])
    for name in ("delta", "gamma", "vega", "theta"):
        exposure[name] += dot(units, getattr(at_implied, name))
    exposure["value"] += dot(units, marks)
    measured = MeasuredLegs(rows, units, volatility, at_implied)
    underlying.hedged = hedged_position(state, settings, number, measured, time)
    if underlying.market_news:
        for trade in state.trades_in(number):
            own = [instrument in trade.legs for instrument in held]
            trade.follow(spot, dot(units[own], at_implied.delta[own]))
    return exposure, dict(zip(held, legs, strict=True))


def _imply(underlying: Underlying, settings: Settings, held: list[int], rate: float, time: int) -> None:
    """Refresh the implied volatility of held legs; without a quote at this price the last stays, or the forecast."""
    rows = np.array([underlying.book.row(instrument) for instrument in held], np.intp)
    implied = quote_volatility(underlying.book, rows, rate, time)
    implied[~quoted_at_spot(underlying.book, rows, settings)] = np.nan
    expiries = underlying.book.contracts["expiry"][rows].tolist()
    for instrument, expiry, volatility in zip(held, expiries, implied.tolist(), strict=True):
        if np.isfinite(volatility):
            underlying.implied[instrument] = volatility
        elif math.isfinite(forecast := underlying.forecast.get(expiry, math.nan)):
            underlying.implied.setdefault(instrument, forecast)
