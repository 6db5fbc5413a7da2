"""Who owns a side of a segment: one process at a time, each time under a new epoch.

Epochs fence: a process that was taken for dead, or that was forced out, finds another epoch in the header at its next
step and is told so instead of writing into what is no longer its own.
"""

import os
import weakref
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import numpy as np

from alo_lib.records.processes import Process, this_process
from alo_lib.transport.atomics import Words, load_acquire
from alo_lib.transport.errors import NotOwnerError, SegmentError
from alo_lib.transport.kernels import DAMAGED, FENCED
from alo_lib.transport.layout import EPOCH, NAME_BYTES, NAMESPACE, PID, ROLE, STARTED, WORD, WRITER
from alo_lib.transport.segment import Segment

__all__ = ["Owner", "Role", "Side", "owner_of"]


@dataclass(frozen=True, slots=True)
class Owner:
    """Who has, or had, a side. ``alive`` is None where it cannot be told: the pid is of another namespace."""

    name: str
    pid: int  # 0 when the side is free
    epoch: int  # 0 when it was never taken
    alive: bool | None


def owner_of(words: Words, side: int) -> Owner:
    """The owner of a side (:data:`~alo_lib.transport.layout.WRITER` or ``READER``) as the header has it."""
    start = side * WORD
    text = words.view(np.uint8)[start : start + ROLE.itemsize].view(ROLE)["name"][0].decode(errors="replace")
    name = "".join(each if each.isprintable() else "?" for each in text)  # it goes into sentences
    process = Process(int(words[side + PID]), int(words[side + STARTED]), int(words[side + NAMESPACE]))
    return Owner(name, process.pid, load_acquire(words, side + EPOCH), process.alive)


class Role:
    """A side that this process owns until it closes it."""

    def __init__(self, segment: Segment, side: int, name: str, *, force: bool = False) -> None:
        """Take the side.

        :raises NotOwnerError: while its owner lives or may live, unless ``force``.
        :raises SegmentError: when the file was cut since it was opened.
        """
        encoded = name.encode()
        if not 0 < len(encoded) <= NAME_BYTES:
            raise SegmentError(f"name {name!r} must have 1 to {NAME_BYTES} bytes")
        self.segment = segment
        self.side = side
        words = segment.words
        segment.check_size()
        with segment.locked():
            owner = owner_of(words, side)
            if owner.pid and owner.alive is not False and not force:
                what = "writing" if side == WRITER else "reading"
                doubt = "" if owner.alive else ", a process of another container that may be alive"
                raise NotOwnerError(
                    f"the {what} side of {segment.path} belongs to {owner.name} (pid {owner.pid}{doubt})"
                )
            self.epoch = owner.epoch + 1
            role = words.view(np.uint8)[side * WORD : side * WORD + ROLE.itemsize].view(ROLE)
            role["name"] = encoded
            process = this_process()
            words[side + STARTED], words[side + NAMESPACE] = process.started, process.namespace
            words[side + PID] = process.pid
            words[side + EPOCH] = self.epoch
        _roles.add(self)

    def fenced(self) -> NotOwnerError:
        """The error for a step that found another epoch."""
        owner = owner_of(self.segment.words, self.side)
        side = f"the {'writing' if self.side == WRITER else 'reading'} side of {self.segment.path}"
        if self.epoch == _FORKED:
            return NotOwnerError(f"{side} belongs to the process that this one was forked from")
        return NotOwnerError(
            f"{side} was taken over by "
            f"{owner.name} (pid {owner.pid}) under epoch {owner.epoch}; this process held epoch {self.epoch}"
        )

    def release(self) -> None:
        """Give the side up; nothing happens when another process has it by now, or the segment is closed."""
        if self.segment.closed:
            return
        with self.segment.locked():
            if self.segment.words[self.side + EPOCH] == self.epoch:
                self.segment.words[self.side + PID] = 0


_FORKED: Final = -1
"""In place of the epoch in a process that was forked: the side is its parent's."""
_roles: Final[weakref.WeakSet[Role]] = weakref.WeakSet()


def _forget_all() -> None:
    for role in list(_roles):
        role.epoch = _FORKED


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


class Side:
    """What every side of a segment is: owned by this process until it is closed."""

    def __init__(self, segment: Segment, side: int, name: str, *, force: bool) -> None:
        self._role = Role(segment, side, name, force=force)

    @property
    def epoch(self) -> int:
        """Under which this process owns the side; compiled callers hand it to the kernels."""
        return self._role.epoch

    @property
    def words(self) -> Words:
        """The segment, as kernels take it."""
        return self._role.segment.words

    def close(self) -> None:
        """Give the side up; what it wrote, and what waits for it, stays."""
        self._role.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _open_words(self) -> Words:
        """The segment, where this process has not closed it.

        :raises SegmentError: where it has.
        """
        if self._role.segment.closed:
            raise SegmentError(f"segment {self._role.segment.path} was closed by this process")
        return self.words

    def _checked(self, status: int) -> int:
        """A kernel's status.

        :raises NotOwnerError: when another process has taken the side over.
        :raises SegmentError: when the segment does not fit itself.
        """
        if status == FENCED:
            raise self._role.fenced()
        if status == DAMAGED:
            raise self._role.segment.damaged()
        return status
