"""At what price, and for how much, an order fills now: LEAN's ``FillModel`` and ``EquityFillModel``.

Market orders fill at the touch. Where the data says how much is displayed there, no more than that fills, and the rest
waits for the next quote; LEAN itself would fill everything. Data that ended more than an hour before an order was sent
is stale: the order waits for a newer bar.

Limit orders and combinations fill whole or not at all, as LEAN fills them: what comes to a limit is no displayed size,
and a combination is one thing. They rest until a bar that ended after they were sent went beyond the limit; one that
touched it fills nothing. An option looks at the side that it trades against and fills at the worse of limit and bar;
shares look at trades alone and fill at the limit, or at the opening of a bar that began beyond it.

A combination is a number of units that are bought, each leg so many to a unit, and its limit is what a unit may cost.
Of each leg LEAN takes the lowest of the bar on the side that the leg trades against, bought or sold, and fills there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import gcd
from typing import Final

from alo_lib.records import HOUR
from alo_lib.simulation.money import ZERO
from alo_lib.simulation.orders import SimulatedOrder
from alo_lib.simulation.prices import Prices, Quote

__all__ = ["STALE", "Fill", "close_fill", "combo_limit_fills", "combo_market_fills", "limit_fill", "market_fill"]

STALE: Final = HOUR
"""LEAN's ``Settings.StalePriceTimeSpan``, nanoseconds."""

_SHARES_A_UNIT: Final = 100
"""LEAN counts a combination's shares by the hundred, as the contracts beside them do."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A signed quantity at a price, off the bar that ended at ``bar_time``."""

    quantity: int
    price: Decimal
    bar_time: int


def market_fill(order: SimulatedOrder, prices: Prices, *, is_option: bool, bar: int) -> Fill | None:
    """What a market order fills now; None while it has to wait. ``bar`` is the length of the bars in nanoseconds."""
    return _option_fill(order, prices, bar) if is_option else _equity_fill(order, prices)


def limit_fill(order: SimulatedOrder, limit: Decimal, prices: Prices, *, is_option: bool) -> Fill | None:
    """What a limit order fills now: all of it, or None while no bar since it was sent went beyond the limit."""
    return _option_limit_fill(order, limit, prices) if is_option else _equity_limit_fill(order, limit, prices)


def combo_market_fills(
    orders: Sequence[SimulatedOrder], prices: Prices, are_options: Sequence[bool], *, bar: int
) -> list[Fill]:
    """What the orders of a combination fill now, each whole at the touch; none while one of them has to wait."""
    fills = []
    for order, is_option in zip(orders, are_options, strict=True):
        fill = market_fill(order, prices, is_option=is_option, bar=bar)
        if fill is None:
            return []
        fills.append(Fill(order.left, fill.price, fill.bar_time))
    return fills


def combo_limit_fills(
    orders: Sequence[SimulatedOrder], limit: Decimal, prices: Prices, are_options: Sequence[bool]
) -> list[Fill]:
    """What the orders of a combination fill now, each whole; none while a unit costs ``limit`` or more."""
    units = gcd(*(order.quantity for order in orders))
    fills, cost = [], ZERO
    for order, is_option in zip(orders, are_options, strict=True):
        low = _lowest(order, prices)
        if low is None or low.bar_time < order.time:
            return []
        fills.append(low)
        cost += low.price * order.quantity / (units if is_option else units * _SHARES_A_UNIT)
    return fills if cost < limit else []


def close_fill(order: SimulatedOrder, prices: Prices, *, is_option: bool) -> Fill | None:
    """What a market-on-close order fills at the close: an option at the touch, an equity at the last trade."""
    if not is_option and (trade := prices.last_trade(order.instrument)) is not None:
        return Fill(order.left, trade.price, trade.time)
    quote = prices.last_quote(order.instrument)
    if quote is None:
        return None
    # Nobody bids: what is sold on the close is given away, what is bought is paid at the last known price.
    nobody = ZERO if order.direction < 0 else prices.price(order.instrument)
    price = quote.side(order.direction)
    return Fill(order.left, nobody if price is None else price, quote.time)


def _option_fill(order: SimulatedOrder, prices: Prices, bar: int) -> Fill | None:
    quote = prices.last_quote(order.instrument)
    if quote is None or quote.time == order.quote_time or quote.time + STALE < order.time:
        return None
    price = quote.side(order.direction)
    # An order that waited since before a long bar began fills where trading resumed.
    if bar >= HOUR and order.time <= quote.time - bar:
        price = quote.opening(order.direction)
    return None if price is None else Fill(_displayed(order, quote), price, quote.time)


def _equity_fill(order: SimulatedOrder, prices: Prices) -> Fill | None:
    """The fresh quote, else a trade that is newer than the quote and fresh."""
    oldest = order.time - STALE
    quote, trade = prices.last_quote(order.instrument), prices.last_trade(order.instrument)
    if quote is not None and quote.time >= oldest:
        price = quote.side(order.direction)
        if quote.time == order.quote_time:
            return None
        return Fill(_displayed(order, quote), quote.middle if price is None else price, quote.time)
    if trade is not None and trade.time >= oldest and (quote is None or trade.time > quote.time):
        return Fill(order.left, trade.price, trade.time)
    return None


def _option_limit_fill(order: SimulatedOrder, limit: Decimal, prices: Prices) -> Fill | None:
    quote = prices.last_quote(order.instrument)
    if quote is None or quote.time <= order.time:
        return None
    low, high = quote.low(order.direction), quote.high(order.direction)
    if low is None or high is None:
        return None
    if order.direction > 0:
        return Fill(order.left, min(high, limit), quote.time) if low < limit else None
    return Fill(order.left, max(low, limit), quote.time) if high > limit else None


def _equity_limit_fill(order: SimulatedOrder, limit: Decimal, prices: Prices) -> Fill | None:
    trade = prices.last_trade(order.instrument)
    if trade is None or trade.time <= order.time:
        return None
    if order.direction > 0:
        return Fill(order.left, min(trade.open, limit), trade.time) if trade.low < limit else None
    return Fill(order.left, max(trade.open, limit), trade.time) if trade.high > limit else None


def _lowest(order: SimulatedOrder, prices: Prices) -> Fill | None:
    """All of an order at the lowest of the last bar of the side that it trades against, without quotes of trades."""
    quote, trade = prices.last_quote(order.instrument), prices.last_trade(order.instrument)
    if quote is not None and (low := quote.low(order.direction)) is not None:
        return Fill(order.left, low, quote.time)
    return None if trade is None else Fill(order.left, trade.low, trade.time)


def _displayed(order: SimulatedOrder, quote: Quote) -> int:
    """The signed part of an order that the quote displays."""
    size = quote.size(order.direction)
    return order.direction * min(abs(order.left), size) if size else order.left
