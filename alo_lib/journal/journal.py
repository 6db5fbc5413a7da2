"""A journal that was read and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from alo_lib.journal.segments import SegmentView, messages_of
from alo_lib.records import HostEvent, Kind, Message

__all__ = ["Journal"]


@dataclass(frozen=True)
class Journal:
    """A whole journal: the settings of its last era, and its messages in order."""

    settings: bytes
    messages: Sequence[Message]
    segments: tuple[SegmentView, ...] = ()
    being_written: bool = False  # when it was read; its messages are those that were finished then

    @cached_property
    def left_out(self) -> frozenset[int]:
        """Sequences of the messages that count no more (:mod:`alo_lib.journal.left_out`)."""
        return self.left_out_since(0)

    def left_out_since(self, first: int) -> frozenset[int]:
        """Sequences of the messages that count no more since message ``first`` said so, or one behind it."""
        found: set[int] = set()
        for _, message in messages_of(self.messages, Kind.EVENT, first=first):
            found.update(message.records["order"][message.records["event"] == HostEvent.LEFT_OUT].tolist())
        return frozenset(found)

    @cached_property
    def counted(self) -> Sequence[Message]:
        """The messages that count, in order: all, but for those that are left out."""
        if not self.left_out:
            return self.messages
        return [message for sequence, message in enumerate(self.messages) if sequence not in self.left_out]

    @property
    def sealed(self) -> bool:
        """Whether its writer closed it."""
        return bool(self.segments) and self.segments[-1].sealed
