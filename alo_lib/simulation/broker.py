"""The simulated broker: takes orders, fills them, books them, refuses what an account may not do."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Final

from alo_lib.records import Linked, OrderStatus, OrderType
from alo_lib.runtime import HostOrder
from alo_lib.simulation.account import Account
from alo_lib.simulation.fees import market_order_fee
from alo_lib.simulation.fills import Fill, close_fill, market_fill
from alo_lib.simulation.listing import Instrument, Listing
from alo_lib.simulation.margin import Leg, margin, premium
from alo_lib.simulation.money import ZERO
from alo_lib.simulation.orders import OrderArchive, OrderEvent, SimulatedOrder
from alo_lib.simulation.prices import Prices

__all__ = ["Broker"]

_TRADE_DECIMALS: Final = 4
"""With which LEAN's files, and so its messages, give the prices of trades."""


class Broker:
    """Works orders against the last prices, in the order in which they were sent.

    The engine tells it when a session opens and closes, calls :meth:`scan` after new prices and :meth:`submit` for
    each intent. Every event is booked in the account before it is returned.
    """

    orders: OrderArchive
    _waiting: list[int]  # numbers of those that can still be filled
    _listing: Annotated[Listing, Linked("listing")]
    _prices: Annotated[Prices, Linked("prices")]
    _account: Annotated[Account, Linked("account")]
    _bar: int
    _open: int
    _close: int
    _frozen: set[int]

    def __init__(self, listing: Listing, prices: Prices, account: Account, *, bar: int) -> None:
        self.orders = OrderArchive()
        self._waiting = []
        self._listing = listing
        self._prices = prices
        self._account = account
        self._bar = bar
        self._open, self._close = 0, 0
        self._frozen = set()

    def begin_session(self, open_: int, close: int) -> None:
        """Trade from ``open_`` until before ``close``, ns UTC."""
        self._open, self._close = open_, close
        self._frozen.clear()

    def submit(
        self,
        instrument: int,
        quantity: int,
        time: int,
        *,
        intent: int = 0,
        type: OrderType = OrderType.MARKET,
        tag: str = "",
    ) -> list[OrderEvent]:
        """Take an order and fill a market order as far as the last prices allow.

        Returns its events: one INVALID with a reason, or SUBMITTED and the fills.

        :raises ValueError: for a quantity of 0 and for a type that is neither MARKET nor MARKET_ON_CLOSE.
        """
        if quantity == 0 or type not in (OrderType.MARKET, OrderType.MARKET_ON_CLOSE):
            raise ValueError(
                f"an order of type {type.name} for {quantity} is none; market orders for some quantity are"
            )
        order = self._new(instrument, quantity, time, intent, type, tag)
        reason = self._refusal(order)
        if reason:
            return [order.happens(time, OrderStatus.INVALID, message=reason)]
        events = [order.happens(time, OrderStatus.SUBMITTED)]
        if type is OrderType.MARKET:
            events += self._work(order, time)
        if order.is_open:
            self._waiting.append(order.number)
        return events

    def scan(self, time: int) -> list[OrderEvent]:
        """Fill what waits, as far as the prices at ``time`` allow."""
        events: list[OrderEvent] = []
        for order in self._in_work():
            if order.time < time:
                events += self._work(order, time)
        self._waiting = [order.number for order in self._in_work() if order.is_open]
        return events

    def cancel(self, instrument: int, time: int, reason: str) -> list[OrderEvent]:
        """Cancel what waits for an instrument."""
        orders = self._in_work()
        canceled = [order for order in orders if order.instrument == instrument]
        self._waiting = [order.number for order in orders if order.instrument != instrument]
        return [order.happens(time, OrderStatus.CANCELED, message=reason) for order in canceled]

    def open_orders(self) -> dict[int, HostOrder]:
        """What still waits of the core's own orders, by their number there."""
        return {
            order.intent: HostOrder(order.left, float(order.average_price))
            for order in self._in_work()
            if order.intent and order.is_open
        }

    def freeze(self, instrument: int) -> None:
        """Refuse further orders for an instrument until the next session."""
        self._frozen.add(instrument)

    def exercise(self, instrument: int, time: int, spot: Decimal, tag: str = "") -> list[OrderEvent]:
        """Settle the whole position in an option against the underlying at ``spot``, without a fee.

        In the money by a cent it turns into shares at the strike; otherwise it is gone.
        """
        option, position = self._listing[instrument], self._account.position(instrument)
        quantity, exercised = -position.quantity, option.is_exercised(spot)
        assigned = exercised and quantity > 0
        # Whoever paid less than the option was worth in the end has won.
        paid_less = position.average_price < option.intrinsic(spot)
        wins = exercised and paid_less if position.quantity > 0 else not (exercised and paid_less)
        order = self._new(instrument, quantity, time, 0, OrderType.OPTION_EXERCISE, tag)
        self._account.fill(instrument, quantity, ZERO, ZERO, time, wins=wins)
        message = _outcome(exercised, assigned, spot, self._account.profits[-1].profit, tag)
        events = [order.settles(time, message, is_assignment=assigned, in_the_money=exercised, wins=wins)]
        if exercised:
            shares = -option.right * quantity * option.multiplier
            message = "Option Assignment" if assigned else "Option Exercise"
            events.append(order.delivers(option.underlying, time, shares, option.strike, message))
            self._account.fill(option.underlying, shares, option.strike, ZERO, time)
        return events

    def _fee(self, order: SimulatedOrder) -> Decimal:
        """The fee of a whole order at the last prices."""
        return market_order_fee(self._listing[order.instrument], order.quantity, self._prices)

    def _in_work(self) -> list[SimulatedOrder]:
        """The orders that wait, oldest first."""
        return [self.orders[number - 1] for number in self._waiting]

    def _new(self, instrument: int, quantity: int, time: int, intent: int, type: OrderType, tag: str) -> SimulatedOrder:
        prices = self._prices
        order = SimulatedOrder(
            number=len(self.orders) + 1,
            intent=intent,
            instrument=instrument,
            type=type,
            quantity=quantity,
            time=time,
            tag=tag,
            bid=prices.bid(instrument),
            ask=prices.ask(instrument),
            last=prices.price(instrument),
        )
        self.orders.append(order)
        return order

    def _work(self, order: SimulatedOrder, time: int) -> Iterator[OrderEvent]:
        """The events of what an open order fills now."""
        option = self._listing[order.instrument].is_option
        if order.type is OrderType.MARKET_ON_CLOSE:
            fill = close_fill(order, self._prices, is_option=option) if time >= self._close else None
        else:
            open_ = self._open <= time <= self._close
            fill = market_fill(order, self._prices, is_option=option, bar=self._bar) if open_ else None
        if fill is not None:
            yield self._fill(order, fill, time)

    def _fill(self, order: SimulatedOrder, fill: Fill, time: int) -> OrderEvent:
        whole = fill.quantity == order.left
        fee = self._fee(order) if whole else ZERO
        order.quote_time = fill.bar_time
        self._account.fill(order.instrument, fill.quantity, fill.price, fee, time)
        status = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        return order.happens(time, status, quantity=fill.quantity, price=fill.price, fee=fee)

    def _refusal(self, order: SimulatedOrder) -> str:
        """Why an order is refused; empty when it is not."""
        instrument = self._listing[order.instrument]
        if not self._open <= order.time < self._close:
            return f"the market for {instrument.symbol} is closed"
        if order.instrument in self._frozen:
            return f"{instrument.symbol} cannot be traded before its underlying's split"
        if order.last == ZERO:
            return f"{instrument.symbol} has no price yet"
        quote = self._prices.last_quote(order.instrument)
        on_close = order.type is OrderType.MARKET_ON_CLOSE
        if instrument.is_option and not on_close and quote is not None and quote.side(order.direction) is None:
            return f"{instrument.symbol} has no {'ask' if order.direction > 0 else 'bid'}"
        return self._lacking_power(order, instrument)

    def _lacking_power(self, order: SimulatedOrder, instrument: Instrument) -> str:
        """Why the account cannot carry an order. One that lowers what must be held is never refused."""
        held = {number: position.quantity for number, position in self._account.held()}
        before = self._margin(held)
        held[order.instrument] = held.get(order.instrument, 0) + order.quantity
        after = self._margin(held) + premium(instrument, order.quantity, order.last)
        equity = self._account.equity(self._prices) - self._fee(order)
        if after <= before or after <= equity:
            return ""
        return (
            f"{instrument.symbol}: holding {held[order.instrument]} would need {after:.2f} "
            f"where the account is worth {equity:.2f}"
        )

    def _margin(self, held: dict[int, int]) -> Decimal:
        legs = [
            Leg(self._listing[number], quantity, self._prices.price(number))
            for number, quantity in sorted(held.items())
            if quantity
        ]
        spots = {leg.instrument.underlying: self._prices.price(leg.instrument.underlying) for leg in legs}
        return margin(legs, spots)


def _outcome(exercised: bool, assigned: bool, spot: Decimal, profit: Decimal, tag: str) -> str:
    """LEAN's message of an option that is settled; ``profit`` is the option's alone."""
    outcome = ("Assigned" if assigned else "Automatic Exercise") if exercised else "OTM"
    result = f"Profit: +{profit}" if profit >= 0 else f"Loss: {profit}"
    message = f"{outcome}. Underlying: {spot:.{_TRADE_DECIMALS}f}. {result}"
    return f"{message}. {tag}" if assigned and tag else message
