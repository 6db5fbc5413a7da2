"""A broker that holds what its fills say, and what a core may believe of it, each told another way than a core's.

Numbers are exact: a position is a whole number, a split is a fraction.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

import numpy as np

from alo_lib.records import InstrumentKind, Kind, Message, OrderStatus, OrderType, Records, records
from alo_lib.runtime import HostOrder, HostPosition

__all__ = ["Believed", "Broker", "Word", "order_event"]

DONE = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.INVALID)
NEVER_FILLED = (OrderStatus.NEW, OrderStatus.NONE, OrderStatus.INVALID)


class Word(Enum):
    """What a core should make of an order event."""

    BELIEVED = "it fits"
    LATE = "it is of an order that is done, and moves nothing"
    DOUBTED = "it does not fit"


@dataclass
class Order:
    """An order that was sent."""

    instrument: int
    rest: int  # signed
    done: bool = False


def split_of(quantity: int, factor: float) -> int:
    """Whole shares after a split by a factor as it is written, cut off; a quotient counts to its ninth digit."""
    return int(round(quantity / Fraction(repr(factor)), 9))


def moved(held: dict[int, int], instrument: int, quantity: int) -> None:
    """Add to a position; one of nothing is none."""
    held[instrument] = held.get(instrument, 0) + quantity
    if not held[instrument]:
        del held[instrument]


def order_event(number: int, instrument: int, quantity: int, status: OrderStatus, price: float = 2.0) -> Records:
    """An ORDER_EVENT record of a market order."""
    row = records(Kind.ORDER_EVENT, order=number, instrument=instrument, status=status, type=OrderType.MARKET)
    row["quantity"], row["price"], row["fee"] = quantity, price, 1.0
    return row


class Broker:
    """Positions and orders as they are, whatever the core was told of them."""

    def __init__(self) -> None:
        self.positions: dict[int, int] = {}
        self.orders: dict[int, Order] = {}  # all that ever came, by the core's number

    def receive(self, intent: np.void) -> None:
        """Take an order; no number may come twice."""
        number = int(intent["order"])
        assert number not in self.orders, f"order {number} was sent twice"
        assert intent["quantity"]
        self.orders[number] = Order(int(intent["instrument"]), int(intent["quantity"]))

    @property
    def working(self) -> dict[int, tuple[int, int]]:
        """Instrument and signed rest of each order that is not done."""
        return {number: (each.instrument, each.rest) for number, each in self.orders.items() if not each.done}

    def fill(self, number: int, share: float) -> Records:
        """Fill a share of an order, at least one: what the core is to be told."""
        order = self.orders[number]
        size = max(1, round(abs(order.rest) * share))
        quantity = math.copysign(min(size, abs(order.rest)), order.rest)
        order.rest -= int(quantity)
        order.done = order.rest == 0
        moved(self.positions, order.instrument, int(quantity))
        status = OrderStatus.FILLED if order.done else OrderStatus.PARTIALLY_FILLED
        return order_event(number, order.instrument, int(quantity), status)

    def end(self, number: int, status: OrderStatus) -> Records:
        """Cancel or refuse an order."""
        self.orders[number].done = True
        return order_event(number, self.orders[number].instrument, 0, status, price=0.0)

    def trade(self, instrument: int, quantity: int) -> None:
        """Trade without an order of the core's."""
        moved(self.positions, instrument, quantity)

    def split(self, rows: Records) -> None:
        """Split what is held."""
        split(self.positions, rows)

    def told(self) -> tuple[dict[int, HostPosition], dict[int, HostOrder]]:
        """Positions and working orders, as a host asks for them."""
        positions = {instrument: HostPosition(quantity, 2.0) for instrument, quantity in self.positions.items()}
        return positions, {number: HostOrder(rest, 2.0) for number, (_, rest) in self.working.items()}


def split(held: dict[int, int], rows: Records) -> None:
    """Do to positions what SPLIT records say, but for warnings."""
    for row in rows[rows["warning"] == 0]:
        number = int(row["instrument"])
        if number in held:
            moved(held, number, split_of(held[number], float(row["factor"])) - held[number])


@dataclass
class Believed:
    """What a core believes that was told some messages: what fits is taken in, one record after the other."""

    held: dict[int, int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)  # all that were ever decided
    owner: dict[int, int] = field(default_factory=dict)  # underlying of each instrument

    @classmethod
    def of(cls, messages: Iterable[Message]) -> "Believed":
        """What a journal makes one believe."""
        made = cls()
        for message in messages:
            made.take(message)
        return made

    @property
    def working(self) -> dict[int, tuple[int, int]]:
        """Instrument and signed rest of each order that is not done."""
        return {number: (each.instrument, each.rest) for number, each in self.orders.items() if not each.done}

    def take(self, message: Message) -> set[Word]:
        """Take a message in; what becomes of an order event's records."""
        words = set()
        for row in message.records:
            if message.kind is Kind.INSTRUMENT:
                assert row["kind"] in list(InstrumentKind)
                self.owner[int(row["instrument"])] = int(row["underlying"])
            elif message.kind is Kind.INTENT:
                number = int(row["order"])
                assert number not in self.orders, f"order {number} was decided twice"
                self.orders[number] = Order(int(row["instrument"]), int(row["quantity"]))
            elif message.kind is Kind.ORDER_EVENT:
                words.add(self._event(row))
        if message.kind is Kind.SPLIT:
            split(self.held, message.records)
        return words

    def _event(self, row: np.void) -> Word:
        number, instrument, quantity = int(row["order"]), int(row["instrument"]), int(row["quantity"])
        if not self._possible(row) or (quantity and row["status"] in NEVER_FILLED):
            return Word.DOUBTED
        if number == 0:
            option = self.owner[instrument] != instrument
            left = self.held.get(instrument, 0) + quantity
            if option and row["type"] == OrderType.OPTION_EXERCISE and quantity:
                before = self.held.get(instrument, 0)
                if not (min(before, 0) <= left <= max(before, 0)):
                    return Word.DOUBTED
            moved(self.held, instrument, quantity)
            return Word.BELIEVED
        order = self.orders.get(number)
        if order is None:
            return Word.DOUBTED
        if order.done:
            return Word.DOUBTED if quantity else Word.LATE
        rest = order.rest - quantity
        fits = order.instrument == instrument and min(order.rest, 0) <= rest <= max(order.rest, 0)
        if not fits or (row["status"] == OrderStatus.FILLED and rest):
            return Word.DOUBTED
        order.rest, order.done = rest, row["status"] in DONE or not rest
        moved(self.held, instrument, quantity)
        return Word.BELIEVED

    def _possible(self, row: np.void) -> bool:
        return (
            0 <= row["order"] <= 2**62
            and int(row["instrument"]) in self.owner
            and row["status"] in list(OrderStatus)
            and row["type"] in list(OrderType)
            and abs(int(row["quantity"])) <= 10**9
            and 0.0 <= row["price"] <= 1e7
            and abs(float(row["fee"])) <= 1e12
        )
