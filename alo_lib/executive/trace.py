"""The slot trace: which task ran in which frame and in which form, as one digest."""

import hashlib
import struct
from enum import IntEnum
from typing import Final

__all__ = ["Form", "SlotTrace"]

_ENTRY: Final = struct.Struct("<qBB")


class Form(IntEnum):
    """How a slot was used."""

    RUN = 0
    DEGRADED = 1
    SKIPPED = 2


class SlotTrace:
    """Follows an executive. Two that ran the same tasks in the same frames in the same order have equal digests."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.slots = 0

    def add(self, frame: int, task: int, form: Form) -> None:
        """A slot of a frame is about to be used; ``task`` is its place in the schedule."""
        self._hash.update(_ENTRY.pack(frame, task, form))
        self.slots += 1

    @property
    def digest(self) -> str:
        """SHA-256 over all slots so far, as hexadecimal digits."""
        return self._hash.hexdigest()
