"""What a core process gives its host: whole answers, or nothing of a frame whose host has left no room for it."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from alo_lib.records import HostEvent, Kind, Message, OrderStatus, Records, records, remark
from alo_lib.transport import MessageProducer

__all__ = ["Answers", "orders_refused", "undelivered", "undelivered_at"]

_NO_ORDERS: Final = records(Kind.INTENT, 0)


class Answers:
    """The writing side of the ring to the host, of frames of ``length`` ns."""

    def __init__(self, ring: MessageProducer, length: int) -> None:
        self.undelivered = 0
        """Answers that were not given, since the process began."""
        self._ring = ring
        self._length = length

    def give(self, time: int, decisions: Sequence[Message]) -> bool:
        """Answer the frame at ``time``, whole or not at all. Returns whether there was room."""
        number = time // self._length
        answer = [_frame(time, number), *decisions, _frame(time, ~number)]
        if sum(map(self._ring.slots, answer)) > self._ring.free:
            return False
        for message in answer:
            self._ring.push(message)
        return True

    def given(self, time: int) -> bool:
        """Whether the answer of the frame at ``time``, which is the last, was given whole, by a process before this."""
        return self._ring.ends_with(_frame(time, ~(time // self._length)))

    @property
    def reader(self) -> str:
        """Who should take the answers."""
        reader = self._ring.ring.consumer
        return f"{reader.name} (pid {reader.pid})" if reader.pid else "no host"

    def close(self) -> None:
        """Give the ring up."""
        self._ring.close()


def _frame(time: int, number: int) -> Message:
    return Message(Kind.FRAME, time, records(Kind.FRAME, frame=number))


def undelivered(time: int, decisions: Sequence[Message], reader: str) -> Message:
    """The remark that the answer of the frame at ``time`` was not given."""
    orders = len(_orders_of(decisions))
    text = f"{reader} left no room for the answer; its {orders} orders were not sent and count as refused"
    return remark(HostEvent.UNDELIVERED, time, text, quantity=orders)


def undelivered_at(recorded: Iterable[Message]) -> bool:
    """Whether one of these messages, which follow a FRAME, says that the frame's answer was not given."""
    return any(
        message.kind is Kind.EVENT and (message.records["event"] == HostEvent.UNDELIVERED).any() for message in recorded
    )


def orders_refused(time: int, decisions: Sequence[Message], told: Iterable[Message] = ()) -> list[Message]:
    """What the core is told of the orders in an answer that was not given: what a host tells of one that it refuses.

    Those that ``told`` tells already are left out.
    """
    done = {int(each) for message in told if message.kind is Kind.ORDER_EVENT for each in message.records["order"]}
    made = []
    for order in _orders_of(decisions):
        if int(order["order"]) not in done:
            event = records(Kind.ORDER_EVENT, order=order["order"], instrument=order["instrument"])
            event["type"], event["status"] = order["type"], OrderStatus.INVALID
            made.append(Message(Kind.ORDER_EVENT, time, event))
    return made


def _orders_of(decisions: Iterable[Message]) -> Records:
    rows: Records = np.concatenate([_NO_ORDERS, *(each.records for each in decisions if each.kind is Kind.INTENT)])
    return rows
