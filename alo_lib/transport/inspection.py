"""Looking into segments from outside, without taking part: nothing here writes, or takes a side.

What a ring holds is copied while it may be overwritten; afterwards the writer's claim tells which copies are whole.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import Message
from alo_lib.transport.access import begins_as
from alo_lib.transport.atomics import SUPPORTED, load_acquire
from alo_lib.transport.errors import SegmentError
from alo_lib.transport.kernels import message_slots
from alo_lib.transport.layout import (
    CLAIMED,
    DATA,
    MAGIC,
    MESSAGE_WORDS,
    POSITION,
    READER,
    WRITER,
    SegmentKind,
)
from alo_lib.transport.ownership import Owner, owner_of
from alo_lib.transport.ring import SCHEMA
from alo_lib.transport.segment import Segment
from alo_lib.transport.validation import check_positions
from alo_lib.transport.wire import HEADER, decode

__all__ = ["Entry", "Flow", "Look", "Report", "flows", "segments_in"]

RINGS: Final = (SegmentKind.RECORDS, SegmentKind.MESSAGES)


@dataclass(frozen=True, slots=True)
class Report:
    """A segment at one moment."""

    path: Path
    kind: SegmentKind
    size: int  # bytes of the segment
    capacity: int  # slots, copies or rows
    written: int  # slots, versions or rows
    read: int  # slots; 0 where nobody takes anything away
    lag: int | None  # nanoseconds of message time from the oldest that waits to the newest; None where it has no time
    writer: Owner
    reader: Owner | None  # None where no reader takes a side

    @property
    def depth(self) -> int:
        """What waits in a ring, in slots; else what is there."""
        return self.written - self.read


class Entry(NamedTuple):
    """One decoded record, message or version, and where it lies in its segment."""

    position: int  # of a state, its version
    end: int  # the position after it
    message: Message | None  # of a ring of messages; else None
    records: NDArray[Any]


class Flow(NamedTuple):
    """Who sends to whom, through which segment."""

    folder: Path  # of the segment; the same name in another one is another process
    sender: str  # "-" where nobody has taken the side yet
    segment: str
    receiver: str  # "any" where none takes a side
    holds: str
    waiting: int  # slots; 0 where nobody takes anything away


def segments_in(folder: Path) -> list[Path]:
    """All segments in a folder and its folders, by path.

    :raises SegmentError: when it is no folder.
    """
    if not folder.is_dir():
        raise SegmentError(f"{folder} is not a folder")
    paths = sorted(folder.rglob("*"))
    return [path for path in paths if not path.name.startswith(".") and begins_as(path, MAGIC)]


def flows(reports: list[Report]) -> list[Flow]:
    """The message flow: the sides that are taken, in order of path."""
    found = []
    for report in reports:
        path, sender = report.path, report.writer.name or "-"
        receiver = "any" if report.reader is None else report.reader.name or "-"
        waiting = 0 if report.reader is None else report.depth
        found.append(Flow(path.parent, sender, path.name, receiver, report.kind.label, waiting))
    return found


class Look:
    """A segment opened for looking only."""

    def __init__(self, path: Path) -> None:
        """Open it.

        :raises SegmentError: when it is no segment.
        """
        self.segment = Segment.open(path, writable=False)
        self.kind = self.segment.kind
        self.dtype = self.segment.dtype
        if self.kind is SegmentKind.MESSAGES and self.dtype != SCHEMA:
            self.segment.close()
            raise SegmentError(f"{path} holds {self.dtype.names} of another version")

    def report(self) -> Report:
        """What it is like now.

        :raises SegmentError: when it was cut since it was opened, or does not fit itself.
        """
        words = self.segment.words
        self.segment.check_size()
        with self._still():
            read = load_acquire(words, READER + POSITION)  # before what is written, so that no depth is negative
            written = load_acquire(words, WRITER + POSITION)
            check_positions(self.segment.path, self.kind, self.segment.capacity, words)
            lag = self._lag(read, written) if self.kind is SegmentKind.MESSAGES else None
            return Report(
                path=self.segment.path,
                kind=self.kind,
                size=words.nbytes,
                capacity=self.segment.capacity,
                written=written,
                read=read if self.kind in RINGS else 0,
                lag=lag,
                writer=owner_of(words, WRITER),
                reader=owner_of(words, READER) if self.kind in RINGS else None,
            )

    @property
    def written(self) -> int:
        """Position that the writer has reached."""
        return load_acquire(self.segment.words, WRITER + POSITION)

    @property
    def oldest(self) -> int:
        """The oldest position that can still be there."""
        words = self.segment.words
        if self.kind in RINGS:
            return max(0, max(load_acquire(words, WRITER + CLAIMED), self.written) - self.segment.capacity)
        if self.kind is SegmentKind.SEQLOCK:
            return max(0, self.written - 1)
        return 0

    def entries(self, first: int) -> Iterator[Entry]:
        """What lies from position ``first`` to where the writer is now, oldest first; what is gone by now is left out.

        A ring's records and messages are shown whether or not they were read; of a state only the last version is
        there, and histograms have none that passes (``alo monitor`` reads them).

        :raises SegmentError: when it was cut since it was opened, or does not fit itself.
        :raises MessageError: for what is whole and no message that this program knows.
        """
        if self.kind is SegmentKind.HISTOGRAMS:
            return
        self.segment.check_size()
        position, end = max(first, self.oldest), self.written
        while position < end:
            with self._still():
                entry, step = self._entry(position)
            if entry is not None:
                yield entry
            position += step

    def close(self) -> None:
        """Unmap it."""
        self.segment.close()

    def _still(self) -> AbstractContextManager[None]:
        return nullcontext() if SUPPORTED else self.segment.locked()

    def _entry(self, position: int) -> tuple[Entry | None, int]:
        """What lies at a position, None where it is gone or nothing begins there, and the step to the next."""
        if self.kind is SegmentKind.MESSAGES:
            return self._message(position)
        words, width = self.segment.words, self.segment.record_words
        ring = self.kind is SegmentKind.RECORDS
        slot = self._slot(position if ring else position + 1)  # version 1 of a state is its position 0
        stamp = load_acquire(words, slot)
        copy = words[slot + 1 : slot + 1 + width].copy()
        whole = (stamp == position + 1 and self._is_whole(position)) if ring else self._is_last_whole(position + 1)
        shown = position if ring else position + 1
        return (Entry(shown, position + 1, None, copy.view(np.uint8).view(self.dtype)) if whole else None), 1

    def _message(self, position: int) -> tuple[Entry | None, int]:
        words = self.segment.words
        slot = self._slot(position)
        if load_acquire(words, slot) != position + 1:
            return None, 1
        length = int(words[slot + 1] & 0xFFFFFFFF)
        count = int(message_slots(length, MESSAGE_WORDS))
        if not self._is_whole(position) or count > self.segment.capacity:
            return None, 1
        places = [self._slot(position + k) for k in range(count)]
        data = b"".join(words[place + 1 : place + 1 + MESSAGE_WORDS].tobytes() for place in places)
        if not self._is_whole(position):
            return None, 1
        message = decode(data[: HEADER.size + length])
        return Entry(position, position + count, message, message.records), count

    def _lag(self, read: int, written: int) -> int | None:
        """From the oldest waiting message's time to the newest's; None when it was taken meanwhile."""
        if read == written:
            return 0
        oldest = self._time(read)
        first = max(read, written - self.segment.capacity)  # where what was read has been written over meanwhile
        newest = next((time for p in range(written - 1, first - 1, -1) if (time := self._time(p)) is not None), None)
        return None if oldest is None or newest is None else newest - oldest

    def _time(self, position: int) -> int | None:
        slot = self._slot(position)
        if load_acquire(self.segment.words, slot) != position + 1:
            return None
        time = int(self.segment.words[slot + 2])
        return time if self._is_whole(position) else None

    def _slot(self, position: int) -> int:
        return DATA + (position & (self.segment.capacity - 1)) * self.segment.stride

    def _is_whole(self, position: int) -> bool:
        """Whether a ring's writer has not begun to overwrite a position."""
        words = self.segment.words
        return load_acquire(words, WRITER + CLAIMED) <= position + self.segment.capacity

    def _is_last_whole(self, version: int) -> bool:
        words = self.segment.words
        return load_acquire(words, WRITER + POSITION) - version < self.segment.capacity - 1
