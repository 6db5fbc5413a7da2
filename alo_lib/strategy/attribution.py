"""Every cent of profit by trade and by where it came from, told from fills and from what is measured.

Fills are taken as they are booked; each measure of the market (:mod:`alo_lib.strategy.exposure`) then explains what the
positions made since the one before. The sum over all parts, trades and underlyings is equity less the money at the
start.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from alo_lib.pricing.quotes import quote_mid
from alo_lib.records import OPTION_MULTIPLIER, OrderType
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.profit import (
    Delivery,
    HeldLeg,
    LegFill,
    LegMark,
    Parts,
    Revalue,
    ShareFill,
    UnderlyingProfit,
    explain_leg,
    explain_shares,
    leg_marks,
)
from alo_lib.strategy.revaluation import revalue_leg
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.valuation import LegMarket, leg_alone

__all__ = [
    "attribute_action",
    "attribute_dividend",
    "attribute_fill",
    "attribute_interest",
    "attribute_measure",
    "attribute_split",
    "dividend_by_trade",
]

# What is booked -----------------------------------------------------------------------------------------------------


def attribute_fill(state: StrategyState, event: np.void, time: int) -> None:
    """Take note of the fill of an ORDER_EVENT record that was booked at ``time``."""
    instrument, quantity, price = int(event["instrument"]), int(event["quantity"]), float(event["price"])
    settles = int(event["type"]) == OrderType.OPTION_EXERCISE
    underlying = state.underlyings[state.underlying_of[instrument]]
    profit, book = underlying.profit, underlying.book
    profit.untold = True
    if instrument == book.instrument:
        shares = _shares_filled(profit, quantity, price, settles, state.portfolio.quantity(instrument))
        size = math.fsum(abs(each) for each in shares.values())
        for number, each in shares.items():
            trade = profit.trade(number)
            trade.shares += each
            trade.hedges += 1
            fee = float(event["fee"]) * abs(each) / size
            trade.parts.fees -= fee
            trade.share_fees -= fee
            trade.changed = True
        profit.share_fills.append(ShareFill(shares, price, settles, time, book.known_spot))
        return
    number = _owner(state, instrument)
    if settles and book.lists(instrument):
        contract = book.contracts[book.row(instrument)]
        delivered = -int(contract["right"]) * quantity * OPTION_MULTIPLIER
        profit.deliveries.append(Delivery(number, delivered, float(contract["strike"])))
    trade = profit.trade(number)
    trade.parts.fees -= float(event["fee"])
    trade.changed = True
    market = _market(state, book, instrument, time)
    profit.leg_fills.append(LegFill(number, instrument, quantity, price, settles, time, market))


def _shares_filled(
    profit: UnderlyingProfit, quantity: int, price: float, settles: bool, total: int
) -> dict[int, float]:
    """For which trades shares were filled, ``total`` being held since.

    A delivery that they settle is due no longer; what an order filled hedges what is held.
    """
    if settles:
        due = next((each for each in profit.deliveries if (each.shares, each.strike) == (quantity, price)), None)
        if due is not None:
            profit.deliveries.remove(due)
            return {due.trade: float(quantity)}
    else:
        profit.unhedged = False
        changes = {n: each - profit.trades[n].shares for n, each in profit.hedge_shares(float(total)).items()}
        if shares := {number: change for number, change in changes.items() if change}:
            return shares
    return {0: float(quantity)}


def dividend_by_trade(state: StrategyState, underlying: int, amount: float) -> dict[int, float]:
    """A dividend per share, as money on the shares held by the trades that they hedge."""
    trades = state.underlyings[underlying].profit.trades
    return {number: trade.shares * amount for number, trade in trades.items() if trade.shares}


def attribute_dividend(state: StrategyState, underlying: int, by_trade: Mapping[int, float]) -> None:
    """Add a dividend's money to the trades whose it is."""
    for number, money in by_trade.items():
        trade = state.underlyings[underlying].profit.trade(number)
        trade.parts.dividends += money
        trade.changed = True


def attribute_action(state: StrategyState, underlying: int, amount: float) -> None:
    """Restate what hedges after a distribution of ``amount`` a share, paid in cash, beside regular dividends.

    Shares are worth less by what they were paid. What contracts make from there on, whose terms the exchange adjusts
    and hosts do not, is of the part ``actions``.
    """
    profit = state.underlyings[underlying].profit
    profit.untold = True
    told = profit.spot > amount
    pending = dict.fromkeys(profit.trades, 0.0)
    for fill in profit.share_fills:
        for number, shares in fill.shares.items():
            pending[number] += shares
    for number, trade in profit.trades.items():
        # Of what was filled since the last measure the spot of the fill counts, of the rest that of the measure.
        trade.parts.actions += amount * (pending[number] if told else trade.shares)
        trade.changed |= trade.shares != 0.0
    if told:
        profit.spot -= amount


def attribute_split(state: StrategyState, underlying: int, factor: float, before: int, price: float) -> None:
    """Restate what hedges after a split of ``before`` shares, booked already, the fraction of one sold at ``price``.

    Options are closed before a split; what one that is held makes over it is unexplained.
    """
    profit, after = state.underlyings[underlying].profit, state.portfolio.quantity(underlying)
    profit.spot *= factor
    profit.untold = True
    for number, leg in profit.legs.items():
        explain_leg(profit.trade(leg.trade).parts, leg.quantity, leg.mark, None)
        profit.legs[number] = leg._replace(mark=None)
    fills = [
        fill._replace(
            shares={number: shares / factor for number, shares in fill.shares.items()},
            price=fill.price * factor,
            spot=fill.spot * factor,
        )
        for fill in profit.share_fills
    ]
    profit.share_fills = fills
    for trade in profit.trades.values():
        trade.shares /= factor
        trade.changed |= trade.shares != 0.0
    fraction = after - before / factor
    if before and fraction:
        sold = {n: fraction * trade.shares * factor / before for n, trade in profit.trades.items() if trade.shares}
        for number, shares in sold.items():
            profit.trades[number].shares += shares
        profit.share_fills.append(ShareFill(sold, price, settles=False, time=None, spot=price))


def attribute_interest(state: StrategyState, amount: float, underlying: int | None = None) -> None:
    """Attribute money booked as interest on cash (no ``underlying``), or for shares of one that were borrowed.

    A borrow fee, negative, goes by the shares that each trade's hedge is short; to trade 0 where none is.
    """
    if underlying is None:
        state.account_profit.parts.interest += amount
        state.account_profit.changed = True
        return
    trades = state.underlyings[underlying].profit.trades
    short = [trade for trade in trades.values() if trade.shares < 0.0]
    total = math.fsum(trade.shares for trade in short)
    for trade in short or [trades[0]]:
        trade.parts.borrow += amount * trade.shares / total if short else amount
        trade.changed = True


# What is measured ---------------------------------------------------------------------------------------------------


def attribute_measure(
    state: StrategyState, number: int, time: int, spot: float, measured: Mapping[int, LegMark]
) -> None:
    """Explain what an underlying's positions made since the last measure.

    ``spot`` is 0 where none is known; ``measured`` are the contracts held that equity counts, by number.
    """
    underlying = state.underlyings[number]
    profit = underlying.profit
    unhedged, holding = profit.unhedged, [trade.number for trade in profit.trades.values() if trade.contracts]
    _explain_shares(profit, underlying.book, spot)
    profit.legs = _explain_legs(state, underlying, time, measured)
    for trade in profit.trades.values():
        trade.delta, trade.contracts = 0.0, 0
    for leg in profit.legs.values():
        trade = profit.trade(leg.trade)
        trade.contracts += abs(leg.quantity)
        if leg.mark is not None:
            trade.delta += leg.quantity * OPTION_MULTIPLIER * leg.mark.delta
    profit.unhedged = unhedged or holding != [trade.number for trade in profit.trades.values() if trade.contracts]
    if unhedged and underlying.market_news:
        profit.cross(float(state.portfolio.quantity(number)))
        profit.unhedged = False
    _end_trades(profit, {trade.number for trade in state.trades})


def _explain_shares(profit: UnderlyingProfit, book: MarketBook, spot: float) -> None:
    """From the last spot to this one, each fill from its own."""
    held = {number: trade.shares for number, trade in profit.trades.items() if trade.shares}
    for fill in profit.share_fills:
        start = spot if fill.time is not None and book.spot_time <= fill.time else fill.spot
        start = start if start > 0.0 else spot or fill.price
        for number, shares in fill.shares.items():
            parts = profit.trades[number].parts
            if fill.settles:
                parts.settlement += shares * (start - fill.price)
            else:
                parts.slippage += shares * (start - fill.price)
            explain_shares(parts, shares, start, spot)
            held[number] = held.get(number, 0.0) - shares
    if spot != profit.spot:
        for number, shares in held.items():
            explain_shares(profit.trades[number].parts, shares, profit.spot, spot)
            profit.trades[number].changed = True
    profit.spot = spot
    profit.share_fills, profit.deliveries = [], []


def _explain_legs(
    state: StrategyState, underlying: Underlying, time: int, measured: Mapping[int, LegMark]
) -> dict[int, HeldLeg]:
    """From the last measure of each contract to this one, each fill from its own market. Returns what is held now."""
    profit, book, news = underlying.profit, underlying.book, underlying.market_news
    held = {}
    fills: dict[int, list[LegFill]] = {}
    for fill in profit.leg_fills:
        fills.setdefault(fill.instrument, []).append(fill)
    for instrument in sorted({*profit.legs, *measured, *fills, *state.contracts_held(book.instrument)}):
        leg, quantity = profit.legs.get(instrument), state.portfolio.quantity(instrument)
        start = None if leg is None else leg.mark
        now = partial(_now, state, book, instrument, time)
        end = _end_of(start, measured.get(instrument), now, is_held=quantity != 0, has_news=news)
        if leg is not None and end is not start:
            _explain_step(profit.trade(leg.trade).parts, leg.quantity, underlying, instrument, start, end)
            profit.trade(leg.trade).changed = True
        for fill in fills.get(instrument, ()):
            _explain_fill(profit.trade(fill.trade).parts, fill, underlying, start, end)
        if quantity:
            held[instrument] = HeldLeg(_owner(state, instrument), quantity, end)
    profit.leg_fills = []
    return held


def _end_of(
    start: LegMark | None,
    measured: LegMark | None,
    now: Callable[[LegMark], LegMark],
    *,
    is_held: bool,
    has_news: bool,
) -> LegMark | None:
    """To where a contract is explained from ``start``, its last measure; ``now`` prices it anew in today's market.

    | last time | since then | with news | without news |
    | --- | --- | --- | --- |
    | measured | closed | in the market now | as last time |
    | measured | held | as measured now | as measured now if its mark moved, else as last time |
    | not measured | held | as measured now | in the market now: what it implied when it was held before is over |
    | not measured | closed | unknown (None) | unknown (None) |

    Where its mark is NaN nobody knows more than last time.
    """
    if start is None:
        return measured if measured is None or has_news else now(measured)
    end = measured
    if not is_held:
        end = now(start) if has_news else start
    if end is not None and (math.isnan(end.mark) or (not has_news and end.mark == start.mark)):
        return start
    return end


def _explain_fill(
    parts: Parts, fill: LegFill, underlying: Underlying, before: LegMark | None, end: LegMark | None
) -> None:
    """What a fill cost against the mark of its time, and what its contracts made from there to ``end``."""
    book = underlying.book
    newest = not book.lists(fill.instrument) or book.quote_time[book.row(fill.instrument)] <= fill.time
    start: LegMark | None = end
    mid = fill.market.mid
    if not newest and math.isfinite(mid):
        same = before is not None and (before.mark, before.spot) == (mid, fill.market.spot)
        start = before if same else _priced(book, fill.instrument, fill.time, fill.market, math.nan)
    alone = mid if math.isfinite(mid) else fill.price
    mark = alone if start is None else start.mark
    money = fill.quantity * OPTION_MULTIPLIER * (mark - fill.price)
    if fill.settles:
        parts.settlement += money
    elif fill.taken_over:
        parts.unexplained += money
    else:
        parts.spread += money
    if start is None:
        rest = fill.quantity * OPTION_MULTIPLIER * ((0.0 if end is None else end.mark) - mark)
        if fill.instrument in book.barred:
            parts.actions += rest
        else:
            parts.unexplained += rest
    elif start is not end:
        _explain_step(parts, fill.quantity, underlying, fill.instrument, start, end)


def _explain_step(
    parts: Parts, quantity: int, underlying: Underlying, instrument: int, start: LegMark | None, end: LegMark | None
) -> None:
    """What contracts gained between two measures, by its causes; past an action no price of ours tells them."""
    book = underlying.book
    if instrument in book.barred:
        gained = (0.0 if end is None else end.mark) - (0.0 if start is None else start.mark)
        parts.actions += quantity * OPTION_MULTIPLIER * gained
        return
    passing = _passing(underlying, instrument, start, end)
    explain_leg(parts, quantity, start, end, _revalued(book, instrument), passing)


def _passing(underlying: Underlying, instrument: int, start: LegMark | None, end: LegMark | None) -> float:
    """How far a contract's implied volatility moves on calendar time while variance time passes as its clock has it.

    Nothing where time stands still, and where the clock does not reach: there time counts by the calendar.
    """
    book = underlying.book
    if start is None or end is None or start.time == end.time or not book.lists(instrument):
        return 0.0
    expiry = int(book.contracts["expiry"][book.row(instrument)])
    after = underlying.variance_time.volatility_after(start.implied, start.time, end.time, expiry)
    return after - start.implied if math.isfinite(after) else 0.0


def _revalued(book: MarketBook, instrument: int) -> Revalue | None:
    """How a step of a contract is priced anew; None for one that is not listed any more."""
    return partial(revalue_leg, book, book.row(instrument)) if book.lists(instrument) else None


def _now(state: StrategyState, book: MarketBook, instrument: int, time: int, last: LegMark) -> LegMark:
    """A contract in the market as it is now, priced anew; as it was where nothing more is known."""
    if not book.lists(instrument):
        return last
    return _priced(book, instrument, time, _market(state, book, instrument, time), last.implied) or last


def _priced(book: MarketBook, instrument: int, time: int, market: LegMarket, otherwise: float) -> LegMark | None:
    """One contract in a market; None where neither a volatility explains its mid nor ``otherwise`` is one."""
    implied, greeks = leg_alone(book, book.row(instrument), time, market, otherwise)
    if not math.isfinite(implied):
        return None
    return leg_marks(time, market, np.array([market.mid]), np.array([implied]), greeks)[0]


def _market(state: StrategyState, book: MarketBook, instrument: int, time: int) -> LegMarket:
    mid, dividend_yield, rate = math.nan, 0.0, state.rate
    if book.lists(instrument):
        row = book.row(instrument)
        quote = book.quotes[row]
        mid = quote_mid(float(quote["bid"]), float(quote["ask"]))
        dividend_yield = float(book.dividend_yield(book.contracts["expiry"][row : row + 1])[0])
        rate = book.rate_to(int(book.contracts["expiry"][row]), rate)
    return LegMarket(book.known_spot, mid, rate, dividend_yield, book.dividends_in_chain(time))


def _end_trades(profit: UnderlyingProfit, open_trades: set[int]) -> None:
    """Let go of trades that are over, of which no share is left either."""
    over = [
        number
        for number, trade in profit.trades.items()
        if number and number not in open_trades and not trade.contracts and not trade.shares
    ]
    for number in over:
        profit.ended.append(profit.trades.pop(number))


def _owner(state: StrategyState, instrument: int) -> int:
    trade = state.trade_with(instrument)
    return 0 if trade is None else trade.number
