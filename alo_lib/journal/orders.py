"""The orders of a run, told from its journal, so that every engine's orders are told the same way."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from alo_lib.journal.format import JournalError
from alo_lib.records import Kind, Message, OrderReason, OrderStatus, OrderType

__all__ = ["Order", "order_digest", "orders_of"]


@dataclass(frozen=True, slots=True)
class Order:
    """One order and what became of it."""

    number: int  # 0 when the engine made it: an exercise, an assignment, a forced liquidation
    symbol: str
    time: int  # sent at, ns UTC
    type: OrderType
    quantity: int  # signed, as sent
    filled: int  # signed
    price: float  # average over its fills; 0 without one
    fee: float
    status: OrderStatus
    tag: str

    @property
    def side(self) -> str:
        """``buy`` or ``sell``."""
        return "buy" if self.quantity > 0 else "sell"


def orders_of(messages: Iterable[Message]) -> list[Order]:
    """All orders in the order in which they were sent.

    :raises JournalError: where the messages tell of orders as no run does: of one that was not sent, for instance.
    """
    symbols: dict[int, str] = {}
    orders: list[Order] = []
    place: dict[int, int] = {}
    for number, message in enumerate(messages):
        try:
            if message.kind == Kind.INSTRUMENT:
                symbols.update(
                    (int(row["instrument"]), row["symbol"].decode(errors="backslashreplace")) for row in message.records
                )
            elif message.kind == Kind.INTENT:
                for row in message.records:
                    place[int(row["order"])] = len(orders)
                    orders.append(_sent(_symbol(symbols, row), message.time, row))
            elif message.kind == Kind.ORDER_EVENT:
                for row in message.records:
                    order = int(row["order"])
                    if order:
                        if order not in place:
                            raise ValueError(f"order {order} was never sent")
                        orders[place[order]] = _after(orders[place[order]], row)
                    elif row["quantity"]:
                        orders.append(_made_by_engine(_symbol(symbols, row), message.time, row))
        except ValueError as error:
            raise JournalError(f"message {number}, of kind {message.kind.name}, is none of a run: {error}") from None
    return orders


def order_digest(orders: Iterable[Order]) -> str:
    """SHA-256 over symbol, time, type, side, quantity, fill price and fee of every order in order.

    Prices count to a hundredth of a cent and fees to the cent, so the digest is the same on every engine.
    """
    digest = hashlib.sha256()
    for order in orders:
        line = (
            f"{order.symbol},{order.time},{order.type.name},{order.side},{abs(order.quantity)},"
            f"{order.price:.4f},{order.fee:.2f}\n"
        )
        digest.update(line.encode())
    return digest.hexdigest()


def _symbol(symbols: dict[int, str], row: np.void) -> str:
    """The name of a record's instrument. ValueError where nobody told of it."""
    number = int(row["instrument"])
    if number not in symbols:
        raise ValueError(f"instrument {number} was never told of")
    return symbols[number]


def _sent(symbol: str, time: int, intent: np.void) -> Order:
    return Order(
        number=int(intent["order"]),
        symbol=symbol,
        time=time,
        type=OrderType(intent["type"]),
        quantity=int(intent["quantity"]),
        filled=0,
        price=0.0,
        fee=0.0,
        status=OrderStatus.SUBMITTED,
        tag=OrderReason(intent["reason"]).tag,
    )


def _after(order: Order, event: np.void) -> Order:
    quantity, price, fee = int(event["quantity"]), float(event["price"]), float(event["fee"])
    filled = order.filled + quantity
    if order.filled and not filled:
        raise ValueError(f"the fills of order {order.number} take each other back")
    average = (order.price * order.filled + price * quantity) / filled if order.filled else price
    return replace(
        order,
        filled=filled,
        price=average,
        fee=order.fee + fee,
        status=OrderStatus(event["status"]),
    )


def _made_by_engine(symbol: str, time: int, event: np.void) -> Order:
    quantity = int(event["quantity"])
    kind = OrderType(event["type"])
    return Order(
        number=0,
        symbol=symbol,
        time=time,
        type=kind,
        quantity=quantity,
        filled=quantity,
        price=float(event["price"]),
        fee=float(event["fee"]),
        status=OrderStatus.FILLED,
        tag=kind.name.lower().replace("_", " "),
    )
