"""Orders of the simulated broker and what happens to them."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from alo_lib.core.streams import Column
from alo_lib.records import Kind, Message, OrderStatus, OrderType, records
from alo_lib.simulation.archive import Archive
from alo_lib.simulation.money import ZERO

__all__ = ["OrderArchive", "OrderEvent", "SimulatedOrder"]


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One thing that happened to an order; quantity, price and fee are those of this event."""

    order: int  # the broker's number, from 1
    event: int  # of the order, from 1
    intent: int  # the core's number, 0 for an order that the engine made
    instrument: int
    time: int
    status: OrderStatus
    type: OrderType
    ordered: int  # signed, what the whole order is for
    quantity: int = 0
    price: Decimal = ZERO
    fee: Decimal = ZERO
    message: str = ""
    limit: Decimal | None = None  # of a limit order, in force then
    is_assignment: bool = False
    in_the_money: bool = False  # of an exercise
    wins: bool | None = None  # of an exercise: whether it counts as won, whatever its own profit

    def told(self) -> Message:
        """As the core is told."""
        row = records(
            Kind.ORDER_EVENT,
            order=self.intent,
            instrument=self.instrument,
            status=self.status,
            type=self.type,
            quantity=self.quantity,
            price=float(self.price),
            fee=float(self.fee),
        )
        return Message(Kind.ORDER_EVENT, self.time, row)


@dataclass(slots=True)
class SimulatedOrder:
    """An order at the broker. ``quote_time`` is the end of the bar that filled it last.

    ``group`` are the numbers of all orders of its combination, ascending, in which each has the same limit.
    """

    number: int
    intent: int
    instrument: int
    type: OrderType
    quantity: int  # signed
    time: int
    tag: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    limit: Decimal | None = None
    group: tuple[int, ...] = ()
    status: OrderStatus = OrderStatus.SUBMITTED
    filled: int = 0
    paid: Decimal = ZERO  # filled times price
    delivered: Decimal = ZERO  # price of the shares that an exercise delivers
    quote_time: int | None = None
    events: list[OrderEvent] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Signed quantity that is not filled."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """Whether something can still happen to it."""
        return not self.status.is_done

    @property
    def direction(self) -> int:
        """+1 for a purchase, -1 for a sale."""
        return 1 if self.quantity > 0 else -1

    @property
    def is_marketable(self) -> bool:
        """Whether it could fill at the touch that there was when it was sent."""
        if self.type is OrderType.LIMIT and self.limit is not None:
            return self.limit >= self.ask if self.direction > 0 else self.limit <= self.bid
        return self.type in (OrderType.MARKET, OrderType.COMBO_MARKET)

    @property
    def average_price(self) -> Decimal:
        """Price a share over its fills, of an exercise that of the shares; 0 without one."""
        return self.paid / self.filled if self.paid else self.delivered

    def happens(
        self,
        time: int,
        status: OrderStatus,
        *,
        quantity: int = 0,
        price: Decimal = ZERO,
        fee: Decimal = ZERO,
        message: str = "",
    ) -> OrderEvent:
        """Change the status and return the event that says so."""
        self.status = status
        self.filled += quantity
        self.paid += quantity * price
        return self._keep(self._event(self.instrument, time, quantity, price, fee, message))

    def settles(self, time: int, message: str, *, is_assignment: bool, in_the_money: bool, wins: bool) -> OrderEvent:
        """The event that this order has settled an option: all of it, at no price."""
        self.status = OrderStatus.FILLED
        quantity = self.left
        self.filled += quantity
        event = self._event(self.instrument, time, quantity, ZERO, ZERO, message)
        return self._keep(replace(event, is_assignment=is_assignment, in_the_money=in_the_money, wins=wins))

    def delivers(self, instrument: int, time: int, quantity: int, price: Decimal, message: str) -> OrderEvent:
        """The event of shares that change hands as this order exercises an option; they are no order of the core's."""
        self.delivered = price
        event = self._event(instrument, time, quantity, price, ZERO, message)
        return self._keep(replace(event, intent=0, in_the_money=True))

    def _event(
        self, instrument: int, time: int, quantity: int, price: Decimal, fee: Decimal, message: str
    ) -> OrderEvent:
        return OrderEvent(
            order=self.number,
            event=len(self.events) + 1,
            intent=self.intent,
            instrument=instrument,
            time=time,
            status=self.status,
            type=self.type,
            ordered=self.quantity,
            quantity=quantity,
            price=price,
            fee=fee,
            message=message,
            limit=self.limit if self.type is OrderType.LIMIT else None,
        )

    def _keep(self, event: OrderEvent) -> OrderEvent:
        self.events.append(event)
        return event


class OrderArchive(Archive[SimulatedOrder]):
    """Orders; what can still happen to one keeps it from being settled."""

    @classmethod
    def stored_as(cls, item: Any = SimulatedOrder) -> Column:
        """See :class:`Archive`."""
        return super().stored_as(item)

    def settled(self, item: SimulatedOrder) -> bool:
        """Whether nothing can happen to it any more."""
        return not item.is_open
