"""What decisions and events of a journal say to people, in a sentence each."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from alo_lib.records import HostEvent, Kind, OrderReason, Records

__all__ = ["DECISIONS", "Said", "decisions", "notices"]

DECISIONS: Final = (Kind.INTENT, Kind.AMENDMENT, Kind.ENTRY, Kind.EXIT)
"""Kinds of messages that say what was decided."""

_TOLD_EVENTS: Final = (
    *(HostEvent.RECOVERY, HostEvent.REFUSED, HostEvent.FLOOD, HostEvent.UNDELIVERED, HostEvent.LEFT_OUT),
    HostEvent.ERA,
    *(HostEvent.BROKERAGE_MESSAGE, HostEvent.BROKERAGE_DISCONNECT, HostEvent.BROKERAGE_RECONNECT),
    *(HostEvent.MARGIN_CALL, HostEvent.MARGIN_CALL_WARNING, HostEvent.COMMAND, HostEvent.END_OF_ALGORITHM),
)
"""Events that people are told of."""

Name = Callable[[int], str]
"""What an instrument's number is called."""


class Said(NamedTuple):
    """One record's sentence."""

    row: Any  # the record
    what: str
    text: str
    reason: str = ""


def decisions(kind: Kind, rows: Records, name: Name) -> Iterator[Said]:
    """What the records of a kind of :data:`DECISIONS` say; nothing for another kind."""
    for row in rows:
        if kind is Kind.INTENT:
            side = "buy" if row["quantity"] > 0 else "sell"
            text = f"{side} {abs(int(row['quantity'])):,} {name(int(row['instrument']))}"
            yield Said(row, "order", text, OrderReason(row["reason"]).tag)
        elif kind is Kind.AMENDMENT:
            done = "cancel" if row["cancel"] else f"limit {float(row['limit']):z.2f}"
            yield Said(row, "amendment", f"order {int(row['order'])}: {done}")
        elif kind is Kind.ENTRY:
            structure = row["structure"].decode(errors="replace")
            side = "buy" if row["direction"] > 0 else "sell"
            text = f"trade {int(row['trade'])}: {side} {int(row['quantity'])} {structure}"
            yield Said(row, "entry", text, f"edge {float(row['edge']):z,.2f} a structure")
        elif kind is Kind.EXIT:
            reason = OrderReason(int(row["reason"])).tag
            yield Said(row, "exit", f"trade {int(row['trade'])} has ended", reason)


def notices(kind: Kind, rows: Records) -> Iterator[Said]:
    """What NOTICE and EVENT records say, of those that people are told; nothing for another kind."""
    for row in rows:
        if kind is Kind.NOTICE:
            yield Said(row, "notice", row["text"].decode(errors="replace"))
        elif kind is Kind.EVENT and row["event"] in _TOLD_EVENTS:
            what = HostEvent(row["event"]).name.lower().replace("_", " ")
            yield Said(row, what, row["text"].decode(errors="replace"))
