"""A journal's notices, orders, commands, overruns and recoveries as lines of a log, named as ECS names them.

What the Elastic Common Schema has no name for stands below ``alo``; ``alo deploy logging`` writes an index template
with all of them.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from alo_lib.executive import Cause, OverrunPolicy
from alo_lib.monitor.said import DECISIONS, Said, decisions, notices
from alo_lib.records import MICROSECOND, SECOND, HaltCause, HostEvent, Kind, Message, OperatorCommand, OrderStatus
from alo_lib.views.run import InstrumentRecord, instruments_of
from alo_lib.views.spoken import or_none

__all__ = ["LOGGED", "EventLines"]

LOGGED: Final = (
    *(Kind.INSTRUMENT, *DECISIONS, Kind.ORDER_EVENT, Kind.NOTICE, Kind.EVENT),
    *(Kind.OPERATOR, Kind.HALT, Kind.OVERRUN),
)
"""Kinds of messages that lines are made of, and instruments, which name what they are about."""

_WARNINGS: Final = {
    *(HostEvent.RECOVERY, HostEvent.REFUSED, HostEvent.FLOOD, HostEvent.BROKERAGE_RECONNECT),
    HostEvent.MARGIN_CALL_WARNING,
}
_ERRORS: Final = {HostEvent.UNDELIVERED, HostEvent.BROKERAGE_DISCONNECT, HostEvent.MARGIN_CALL}
_NUMBERS: Final = {"order": "alo.order", "trade": "alo.trade", "quantity": "alo.quantity"}
"""Columns of decisions that lines keep, and what they are called there."""


class EventLines:
    """Takes the messages of one journal in, in their order."""

    def __init__(self) -> None:
        self._instruments: dict[int, InstrumentRecord] = {}

    def of(self, message: Message) -> Iterator[dict[str, Any]]:
        """The fields of a message's lines, a line for each record that is told."""
        kind, rows = message.kind, message.records
        if kind is Kind.INSTRUMENT:
            self._instruments.update(instruments_of(rows))
        at = dt.datetime.fromtimestamp(message.time // SECOND, dt.UTC)
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{message.time % SECOND // MICROSECOND:06}Z"
        for fields in self._told(kind, rows):
            yield {"@timestamp": stamp, "event.kind": "event", **fields}

    def _told(self, kind: Kind, rows: Any) -> Iterator[dict[str, Any]]:
        for said in decisions(kind, rows, self._name):
            yield self._decided(said)
        for said in notices(kind, rows):
            event = HostEvent(said.row["event"]) if kind is Kind.EVENT else None
            level = "error" if event in _ERRORS else "warning" if event in _WARNINGS else "info"
            yield _line(said.what.replace(" ", "_"), said.text, level)
        for row in rows:
            if kind is Kind.ORDER_EVENT:
                yield self._order_event(row)
            elif kind is Kind.OPERATOR:
                yield _command(row)
            elif kind is Kind.HALT:
                cause = HaltCause(int(row["cause"]))
                text = f"{cause.words} {'halts' if row['halted'] else 'no longer halts'} the book"
                yield _line("halt", text, "warning" if row["halted"] else "info") | {"alo.cause": cause.name.lower()}
            elif kind is Kind.OVERRUN:
                yield _overrun(row)

    def _name(self, number: int) -> str:
        found = self._instruments.get(number)
        return f"instrument {number}" if found is None else found.label

    def _decided(self, said: Said) -> dict[str, Any]:
        columns = said.row.dtype.names
        fields: dict[str, Any] = {name: int(said.row[column]) for column, name in _NUMBERS.items() if column in columns}
        if "instrument" in columns:
            fields["alo.symbol"] = self._name(int(said.row["instrument"]))
        return _line(said.what, said.text) | ({"event.reason": said.reason} if said.reason else {}) | fields

    def _order_event(self, row: Any) -> dict[str, Any]:
        status, quantity, name = OrderStatus(row["status"]), int(row["quantity"]), self._name(int(row["instrument"]))
        said = status.name.lower().replace("_", " ")
        text = f"order {int(row['order'])} of {name} is {said}"
        if quantity:
            text += f": {quantity:+,} at {float(row['price']):z,.2f}, fee {float(row['fee']):z,.2f}"
        bad = status is OrderStatus.INVALID
        return _line("order_event", text, "error" if bad else "info") | {
            "event.outcome": "failure" if bad else "success" if status.is_done else "unknown",
            "alo.order": int(row["order"]),
            "alo.symbol": name,
            "alo.status": status.name.lower(),
            "alo.quantity": quantity,
            "alo.price": or_none(float(row["price"])),
            "alo.fee": or_none(float(row["fee"])),
        }


def _line(action: str, text: str, level: str = "info") -> dict[str, Any]:
    return {"log.level": level, "message": text, "event.action": action}


def _command(row: Any) -> dict[str, Any]:
    command, sender = OperatorCommand(int(row["command"])), row["sender"].decode(errors="replace")
    limit = row["limit"].decode(errors="replace")
    text = command.word + (f" {limit}={float(row['value']):zg}" if limit else "")
    return _line("command", f"{sender} asks: {text}", "warning") | {"user.name": sender, "alo.command": command.word}


def _overrun(row: Any) -> dict[str, Any]:
    cause, task = Cause(int(row["cause"])), row["task"].decode(errors="replace")
    elapsed, budget = int(row["elapsed"]), int(row["budget"])
    text = f"{task or 'a frame'} took {elapsed / 1e6:z,.3f} ms of {budget / 1e6:z,.3f}: {cause.words}"
    if cause is Cause.LATE:
        text = f"a frame was released {elapsed / 1e6:z,.3f} ms late; {int(row['missed'])} before it never were"
    return _line("overrun", text, "warning") | {
        "event.duration": elapsed,
        "alo.task": task,
        "alo.cause": cause.name.lower(),
        "alo.policy": OverrunPolicy(int(row["policy"])).name.lower(),
        "alo.missed": int(row["missed"]),
    }
