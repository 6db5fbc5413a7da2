"""At what price, and for how much, a market order fills now: LEAN's ``FillModel`` and ``EquityFillModel``.

Orders fill at the touch. Where the data says how much is displayed there, no more than that fills, and the rest waits
for the next quote; LEAN itself would fill everything. Data that ended more than an hour before an order was sent is
stale: the order waits for a newer bar.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from alo_lib.records import HOUR
from alo_lib.simulation.money import ZERO
from alo_lib.simulation.orders import SimulatedOrder
from alo_lib.simulation.prices import Prices, Quote

__all__ = ["STALE", "Fill", "close_fill", "market_fill"]

STALE: Final = HOUR
"""LEAN's ``Settings.StalePriceTimeSpan``, nanoseconds."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A signed quantity at a price, off the bar that ended at ``bar_time``."""

    quantity: int
    price: Decimal
    bar_time: int


def market_fill(order: SimulatedOrder, prices: Prices, *, is_option: bool, bar: int) -> Fill | None:
    """What a market order fills now; None while it has to wait. ``bar`` is the length of the bars in nanoseconds."""
    return _option_fill(order, prices, bar) if is_option else _equity_fill(order, prices)


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


def _displayed(order: SimulatedOrder, quote: Quote) -> int:
    """The signed part of an order that the quote displays."""
    size = quote.size(order.direction)
    return order.direction * min(abs(order.left), size) if size else order.left
