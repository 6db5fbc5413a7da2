"""The simulated broker: takes orders, changes, fills and cancels them, books them, refuses what no account may do."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final, NamedTuple

from alo_lib.records import Linked, OrderReason, OrderStatus, OrderType, Records, to_tick
from alo_lib.runtime import HostOrder
from alo_lib.simulation.account import Account
from alo_lib.simulation.fees import limit_order_fee, market_order_fee
from alo_lib.simulation.fills import (
    Fill,
    close_fill,
    combo_limit_fills,
    combo_market_fills,
    limit_fill,
    market_fill,
)
from alo_lib.simulation.listing import Listing
from alo_lib.simulation.margin import Leg, margin, premium
from alo_lib.simulation.money import ZERO, decimal, normalized
from alo_lib.simulation.orders import OrderArchive, OrderEvent, SimulatedOrder
from alo_lib.simulation.prices import Prices

__all__ = ["Broker", "OrderLeg", "send"]

_TRADE_DECIMALS: Final = 4
"""With which LEAN's files, and so its messages, give the prices of trades."""

_BY_ITSELF: Final = (OrderType.MARKET, OrderType.LIMIT, OrderType.MARKET_ON_CLOSE)
_TOGETHER: Final = (OrderType.COMBO_MARKET, OrderType.COMBO_LIMIT)
_AT_ONCE: Final = (OrderType.MARKET, OrderType.COMBO_MARKET)
"""Orders that may fill at the time at which they are sent; others wait for the next bar."""


class OrderLeg(NamedTuple):
    """One order of a combination: a signed quantity of an instrument, and its number at the core."""

    instrument: int
    quantity: int
    intent: int = 0


class _Request(NamedTuple):
    """A change that an order was asked for: a new limit, or None to cancel it."""

    order: int
    limit: Decimal | None


class Broker:
    """Works orders against the last prices, in the order in which they were sent.

    The engine tells it when a session opens and closes, calls :meth:`scan` after new prices and :meth:`submit`,
    :meth:`submit_combination` and :meth:`amend` for what the core sends. Every event is booked in the account before
    it is returned. As LEAN's ``BacktestingBrokerage`` and its transaction handler: what an order was asked for is done
    when the next order is sent or the next prices come, whichever is first; whenever something was done, all orders
    are looked at. So a limit that was changed may meet the bar before its change, where another order is sent at once.
    """

    orders: OrderArchive
    _waiting: list[int]  # numbers of those that can still be filled
    _requests: list[_Request]  # not done yet, oldest first
    _listing: Annotated[Listing, Linked("listing")]
    _prices: Annotated[Prices, Linked("prices")]
    _account: Annotated[Account, Linked("account")]
    _bar: int
    _open: int
    _close: int
    _frozen: set[int]

    def __init__(self, listing: Listing, prices: Prices, account: Account, *, bar: int) -> None:
        self.orders = OrderArchive()
        self._waiting, self._requests = [], []
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
        limit: float | None = None,
        tag: str = "",
    ) -> list[OrderEvent]:
        """Take an order by itself, and fill it as far as the last prices allow; ``limit`` is a price a share.

        Returns what happened: one INVALID with a reason, or SUBMITTED and the fills, after what was to be done before.

        :raises ValueError: for a quantity of 0, a type that is none of MARKET, LIMIT and MARKET_ON_CLOSE, and where
            there is no limit for a limit order, or one for another.
        """
        if quantity == 0 or type not in _BY_ITSELF:
            raise ValueError(
                f"an order of type {type.name} for {quantity} is none; {_named(_BY_ITSELF)} for some quantity are"
            )
        price = _limit(type, limit)
        events = self._do_requests(time)
        orders = [self._new(OrderLeg(instrument, quantity, intent), time, type, tag)]
        self._set_limit(orders, price)
        return events + self._take(orders, time)

    def submit_combination(
        self, legs: Sequence[OrderLeg], time: int, *, type: OrderType, limit: float | None = None, tag: str = ""
    ) -> list[OrderEvent]:
        """Take orders that are filled together or not at all: so many units as all legs are multiples of, bought.

        ``limit`` is the most that a unit may cost, a share of its contracts; negative where it must bring something.

        :raises ValueError: for fewer than two legs, one without a quantity, another type than COMBO_MARKET and
            COMBO_LIMIT, and where there is no limit for the latter (LEAN takes 0 for none), or one for the former.
        """
        if len(legs) < 2 or not all(leg.quantity for leg in legs) or type not in _TOGETHER:
            quantities = ", ".join(str(leg.quantity) for leg in legs)
            raise ValueError(
                f"a combination of type {type.name} for [{quantities}] is none; {_named(_TOGETHER)} for two legs are"
            )
        price = _limit(type, limit)
        events = self._do_requests(time)
        orders = [self._new(leg, time, type, tag) for leg in legs]
        group = tuple(order.number for order in orders)
        for order in orders:
            order.group = group
        self._set_limit(orders, price)
        return events + self._take(orders, time)

    def amend(self, intent: int, time: int, limit: float | None) -> list[OrderEvent]:
        """Ask for another limit of the core's order ``intent``, or (None) for its end; of its combination's, too.

        It is done when the next order is sent, or with the next prices. What does not wait any more is left alone.
        """
        order = next((each for each in self._in_work() if each.intent == intent and each.is_open), None)
        if order is None or order.status is OrderStatus.CANCEL_PENDING:
            return []
        self._requests.append(_Request(order.number, None if limit is None else decimal(limit)))
        return [order.happens(time, OrderStatus.CANCEL_PENDING)] if limit is None else []

    def scan(self, time: int) -> list[OrderEvent]:
        """Do what orders were asked for, then fill what waits, as far as the prices at ``time`` allow."""
        return self._do_requests(time) + self._look(time)

    def cancel(self, instrument: int, time: int, reason: str) -> list[OrderEvent]:
        """Cancel what waits for an instrument, with the combinations that it is in."""
        about = [each for order in self._in_work() if order.instrument == instrument for each in self._group(order)]
        events = [
            each.happens(time, OrderStatus.CANCELED, message=reason)
            for each in sorted(about, key=lambda each: each.number)
            if each.is_open
        ]
        self._forget_done()
        return events

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
        leg = OrderLeg(instrument, -self._account.quantity(instrument))
        return self._settled(self._new(leg, time, OrderType.OPTION_EXERCISE, tag), time, spot)

    def submit_exercise(self, leg: OrderLeg, time: int, tag: str = "") -> list[OrderEvent]:
        """Exercise contracts that are held long, as they leave: a quantity below zero.

        Returns what happened, after what was to be done before: one INVALID with a reason, or SUBMITTED, the option's
        fill and that of the shares.

        :raises ValueError: for a quantity of 0 or above.
        """
        if leg.quantity >= 0:
            raise ValueError(f"an exercise of {leg.quantity} is none; what is exercised leaves, below 0")
        events = self._do_requests(time)
        order = self._new(leg, time, OrderType.OPTION_EXERCISE, tag)
        reason = self._exercise_refusal(order)
        if reason:
            return [*events, order.happens(time, OrderStatus.INVALID, message=reason), *self._look(time)]
        events.append(order.happens(time, OrderStatus.SUBMITTED))
        spot = self._prices.price(self._listing[leg.instrument].underlying)
        return events + self._look(time) + self._settled(order, time, spot)

    def _exercise_refusal(self, order: SimulatedOrder) -> str:
        """Why an exercise is refused, as LEAN's ``PreOrderChecksImpl`` has it; empty when it is not."""
        option, held = self._listing[order.instrument], self._account.quantity(order.instrument)
        if not self._open <= order.time < self._close:
            return f"the market for {option.symbol} is closed"
        if not option.american and order.time < option.expiry:
            return f"{option.symbol} is European and cannot be exercised before it expires"
        if -order.quantity > held:
            return f"{option.symbol} is held {held:+}, of which {-order.quantity} cannot be exercised"
        return self._lacking_power([order])

    def _settled(self, order: SimulatedOrder, time: int, spot: Decimal) -> list[OrderEvent]:
        """What an exercise or assignment does, with the whole order."""
        instrument, quantity, tag = order.instrument, order.quantity, order.tag
        option, position = self._listing[instrument], self._account.position(instrument)
        exercised = option.is_exercised(spot)
        assigned = exercised and quantity > 0
        # Whoever paid less than the option was worth in the end has won.
        paid_less = position.average_price < option.intrinsic(spot)
        wins = exercised and paid_less if position.quantity > 0 else not (exercised and paid_less)
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
        """The fee of a whole order at the last prices, with no more decimals than it needs, as LEAN books it."""
        instrument = self._listing[order.instrument]
        if order.type is OrderType.OPTION_EXERCISE:
            return ZERO
        if order.limit is not None:
            return normalized(limit_order_fee(instrument, order.quantity, order.limit, self._prices))
        return normalized(market_order_fee(instrument, order.quantity, self._prices))

    def _in_work(self) -> list[SimulatedOrder]:
        """The orders that wait, oldest first."""
        return [self.orders[number - 1] for number in self._waiting]

    def _group(self, order: SimulatedOrder) -> list[SimulatedOrder]:
        """All orders of an order's combination, or the one by itself."""
        return [self.orders[number - 1] for number in order.group] or [order]

    def _forget_done(self) -> None:
        self._waiting = [order.number for order in self._in_work() if order.is_open]

    def _new(self, leg: OrderLeg, time: int, type: OrderType, tag: str) -> SimulatedOrder:
        prices = self._prices
        order = SimulatedOrder(
            number=len(self.orders) + 1,
            intent=leg.intent,
            instrument=leg.instrument,
            type=type,
            quantity=leg.quantity,
            time=time,
            tag=tag,
            bid=prices.bid(leg.instrument),
            ask=prices.ask(leg.instrument),
            last=prices.price(leg.instrument),
        )
        self.orders.append(order)
        return order

    def _set_limit(self, orders: Sequence[SimulatedOrder], limit: Decimal | None) -> None:
        """Give an order, or all of a combination, a limit that is made of ticks."""
        options = all(self._listing[order.instrument].is_option for order in orders)
        for order in orders:
            order.limit = None if limit is None else to_tick(limit, is_option=options)

    def _take(self, orders: Sequence[SimulatedOrder], time: int) -> list[OrderEvent]:
        """Take new orders, which are one or a combination, and look at all that waits."""
        reason = self._refusal(orders)
        if reason:
            invalid = [order.happens(time, OrderStatus.INVALID, message=reason) for order in orders]
            return invalid + self._look(time)
        events = [order.happens(time, OrderStatus.SUBMITTED) for order in orders]
        self._waiting += [order.number for order in orders]
        return events + self._look(time)

    def _do_requests(self, time: int) -> list[OrderEvent]:
        """Do what orders were asked for, and look at all that waits after each."""
        events = []
        requests, self._requests = self._requests, []
        for request in requests:
            order = self.orders[request.order - 1]
            if order.is_open:
                events += self._do(order, request.limit, time)
            events += self._look(time)
        return events

    def _do(self, order: SimulatedOrder, limit: Decimal | None, time: int) -> list[OrderEvent]:
        """Change an order's limit, or cancel it."""
        group = self._group(order)
        if limit is None:
            events = [each.happens(time, OrderStatus.CANCELED) for each in group]
            self._forget_done()
            return events
        before = order.limit
        self._set_limit(group, limit)
        lacking = "" if order.group else self._lacking_power(group)
        if lacking:
            order.limit = before
            return [order.happens(time, order.status, message=lacking)]
        return [order.happens(time, OrderStatus.UPDATE_SUBMITTED)]

    def _look(self, time: int) -> list[OrderEvent]:
        """Fill what waits, as far as the last prices allow."""
        events: list[OrderEvent] = []
        for order in self._in_work():
            if order.is_open and (order.time < time or order.type in _AT_ONCE):
                events += self._work(order, time)
        self._forget_done()
        return events

    def _work(self, order: SimulatedOrder, time: int) -> list[OrderEvent]:
        """What an open order fills now, with all of its combination; what the account cannot carry any more ends."""
        group = self._group(order)
        # A market order's rest, which LEAN does not know, was asked for when the order was sent.
        reason = self._lacking_power(group) if order.time < time and order.type is not OrderType.MARKET else ""
        if reason and order.status is OrderStatus.CANCEL_PENDING:
            return []
        if reason:
            return [each.happens(time, OrderStatus.INVALID, message=reason) for each in group]
        return [self._fill(each, fill, time) for each, fill in zip(group, self._fills(group, time), strict=False)]

    def _fills(self, group: Sequence[SimulatedOrder], time: int) -> list[Fill]:
        """The fills of an order, or of all orders of a combination; empty while it waits."""
        order, prices = group[0], self._prices
        are_options = [self._listing[each.instrument].is_option for each in group]
        open_ = self._open <= time <= self._close
        fill: Fill | None = None
        if order.type is OrderType.COMBO_LIMIT and order.limit is not None:
            return combo_limit_fills(group, order.limit, prices, are_options)
        if order.type is OrderType.COMBO_MARKET:
            return combo_market_fills(group, prices, are_options, bar=self._bar) if open_ else []
        if order.type is OrderType.MARKET_ON_CLOSE:
            fill = close_fill(order, prices, is_option=are_options[0]) if time >= self._close else None
        elif order.limit is not None:
            trades = self._trades(order.instrument, time)
            fill = limit_fill(order, order.limit, prices, is_option=are_options[0]) if trades else None
        elif open_:
            fill = market_fill(order, prices, is_option=are_options[0], bar=self._bar)
        return [] if fill is None else [fill]

    def _trades(self, instrument: int, time: int) -> bool:
        """Whether an instrument trades: until the close, and at the close where it has a bar that ends then."""
        return self._open <= time < self._close or (
            time == self._close and self._prices.last_time(instrument) >= self._close
        )

    def _fill(self, order: SimulatedOrder, fill: Fill, time: int) -> OrderEvent:
        whole = fill.quantity == order.left
        fee = self._fee(order) if whole else ZERO
        order.quote_time = fill.bar_time
        self._account.fill(order.instrument, fill.quantity, fill.price, fee, time)
        status = OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED
        return order.happens(time, status, quantity=fill.quantity, price=fill.price, fee=fee)

    def _refusal(self, orders: Sequence[SimulatedOrder]) -> str:
        """Why an order, or a combination, is refused; empty when it is not."""
        for order in orders:
            instrument = self._listing[order.instrument]
            if not self._open <= order.time < self._close:
                return f"the market for {instrument.symbol} is closed"
            if order.instrument in self._frozen:
                return f"{instrument.symbol} cannot be traded before its underlying's split"
            if order.last == ZERO:
                return f"{instrument.symbol} has no price yet"
            quote = self._prices.last_quote(order.instrument)
            at_once = instrument.is_option and order.type in _AT_ONCE
            if at_once and quote is not None and quote.side(order.direction) is None:
                return f"{instrument.symbol} has no {'ask' if order.direction > 0 else 'bid'}"
        return self._lacking_power(orders)

    def _lacking_power(self, orders: Sequence[SimulatedOrder]) -> str:
        """Why the account cannot carry what is left of orders. What lowers what must be held is never refused."""
        held = {number: position.quantity for number, position in self._account.held()}
        before, paid = self._margin(held), ZERO
        for order in orders:
            held[order.instrument] = held.get(order.instrument, 0) + order.left
            option = self._listing[order.instrument]
            paid += premium(option, order.left, self._expected_price(order))
            if order.type is OrderType.OPTION_EXERCISE:
                shares = -option.right * order.left * option.multiplier
                held[option.underlying] = held.get(option.underlying, 0) + shares
        after = self._margin(held) + paid
        equity = self._account.equity(self._prices) - sum((self._fee(order) for order in orders), ZERO)
        if after <= before or after <= equity:
            return ""
        holding = ", ".join(f"{held[order.instrument]} {self._listing[order.instrument].symbol}" for order in orders)
        return f"holding {holding} would need {after:.2f} where the account is worth {equity:.2f}"

    def _expected_price(self, order: SimulatedOrder) -> Decimal:
        """At which an order is valued before it fills: the last price, or its limit where that is better for it."""
        last = self._prices.price(order.instrument)
        if order.type is not OrderType.LIMIT or order.limit is None:
            return last
        return min(order.limit, last) if order.direction > 0 else max(order.limit, last)

    def _margin(self, held: dict[int, int]) -> Decimal:
        legs = [
            Leg(self._listing[number], quantity, self._prices.price(number))
            for number, quantity in sorted(held.items())
            if quantity
        ]
        spots = {leg.instrument.underlying: self._prices.price(leg.instrument.underlying) for leg in legs}
        return margin(legs, spots)


def send(broker: Broker, intents: Records, time: int) -> list[OrderEvent]:
    """Give the broker what stands in INTENT records that are sent together: an order, or those of a combination."""
    first = intents[0]
    type_, tag = OrderType(first["type"]), OrderReason(first["reason"]).tag
    limit = float(first["limit"]) if type_.has_limit else None
    legs = [OrderLeg(int(row["instrument"]), int(row["quantity"]), int(row["order"])) for row in intents]
    if type_.is_combo:
        return broker.submit_combination(legs, time, type=type_, limit=limit, tag=tag)
    if type_ is OrderType.OPTION_EXERCISE:
        return broker.submit_exercise(legs[0], time, tag)
    instrument, quantity, number = legs[0]
    return broker.submit(instrument, quantity, time, intent=number, type=type_, limit=limit, tag=tag)


def _outcome(exercised: bool, assigned: bool, spot: Decimal, profit: Decimal, tag: str) -> str:
    """LEAN's message of an option that is settled; ``profit`` is the option's alone."""
    outcome = ("Assigned" if assigned else "Automatic Exercise") if exercised else "OTM"
    result = f"Profit: +{profit}" if profit >= 0 else f"Loss: {profit}"
    message = f"{outcome}. Underlying: {spot:.{_TRADE_DECIMALS}f}. {result}"
    return f"{message}. {tag}" if assigned and tag else message


def _limit(type: OrderType, limit: float | None) -> Decimal | None:
    """The limit of a new order. ValueError where its type has one and it has none, and the other way round."""
    if type.has_limit is (limit is None) or limit == 0.0:
        raise ValueError(f"an order of type {type.name} has the limit {limit}; limit orders have one that is not 0")
    return None if limit is None else decimal(limit)


def _named(types: Sequence[OrderType]) -> str:
    return ", ".join(type.name for type in types)
