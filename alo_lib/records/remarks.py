"""A sentence for the journal, which no task reads."""

from alo_lib.records.kinds import HostEvent, Kind
from alo_lib.records.layouts import EVENT_TEXT, Message, records

__all__ = ["remark"]


def remark(event: HostEvent, time: int, text: str, *, quantity: float = 0.0, end: str = "") -> Message:
    """An EVENT about no instrument at ``time``, ns UTC; a text that is too long is cut before its ``end``."""
    cut = text.encode()[: EVENT_TEXT - len(end.encode())].decode(errors="ignore")
    row = records(Kind.EVENT, event=event, instrument=-1, quantity=quantity, text=(cut + end).encode())
    return Message(Kind.EVENT, time, row)
