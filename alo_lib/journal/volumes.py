"""The volumes of a journal whose place counts bytes: another begins with all that has to be known of the one before.

A journal's first volume begins with its first message. Another begins with its preface: a remark (VOLUME), what was
told before and is told again, and an ADOPTION with the state that is gone on from. No frame of this volume decided what
is in the preface, and nothing in it waits to be taken in.
"""

from collections.abc import Sequence
from typing import NamedTuple

from alo_lib.journal.format import JournalError
from alo_lib.journal.segments import messages_of
from alo_lib.records import HostEvent, Kind, Message, records

__all__ = ["Volume", "preface_of", "volume_begins", "volume_of"]


class Volume(NamedTuple):
    """What a volume says of itself."""

    number: int = 1
    last_order_before: int = 0  # that was decided in the volumes before; their terms are not told


def volume_of(messages: Sequence[Message]) -> Volume:
    """The volume that messages are of, from its first one on."""
    if not len(messages) or messages[0].kind is not Kind.EVENT:
        return Volume()
    row = messages[0].records[0]
    if row["event"] != HostEvent.VOLUME:
        return Volume()
    return Volume(int(row["value"]), int(row["order"]))


def preface_of(messages: Sequence[Message]) -> int:
    """How many messages a volume's preface has, its ADOPTION for the last; 0 in the first volume.

    :raises JournalError: where it has no end.
    """
    if (number := volume_of(messages).number) == 1:
        return 0
    for place, _ in messages_of(messages, Kind.ADOPTION):
        return place + 1
    raise JournalError(f"volume {number} of the journal does not say what it goes on from")


def volume_begins(volume: Volume, time: int, before: int) -> Message:
    """The remark that a volume begins with, at the ``time`` (ns UTC) of what is told again first.

    The one ``before`` has had so many messages. When the volume began its ADOPTION tells.
    """
    said = f"volume {volume.number} of the journal: the {before:,} messages of the one before are kept no more"
    row = records(Kind.EVENT, event=HostEvent.VOLUME, instrument=-1, order=volume.last_order_before, text=said.encode())
    row["value"], row["quantity"] = volume.number, before
    return Message(Kind.EVENT, time, row)
