"""Rings between processes: one writes, one reads, neither waits for the other.

A ring of records has one layout (:class:`RecordRing`); a ring of messages takes those of every kind, in the bytes of
:mod:`alo_lib.transport.wire` (:class:`MessageRing`). Each has a writing (``produce``) and a reading side (``consume``).
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import LAYOUTS, SCHEMA_VERSION, Message
from alo_lib.transport import kernels
from alo_lib.transport.atomics import Words, load_acquire
from alo_lib.transport.errors import RingFullError, SegmentError
from alo_lib.transport.layout import (
    DATA,
    MESSAGE_STRIDE,
    MESSAGE_WORDS,
    POSITION,
    READER,
    WORD,
    WRITER,
    SegmentKind,
)
from alo_lib.transport.ownership import Owner, Side, owner_of
from alo_lib.transport.segment import Segment
from alo_lib.transport.wire import HEADER, decode, encode
from alo_lib.transport.words import check_capacity, record_words, slot_stride, words_of

__all__ = [
    "MessageConsumer",
    "MessageProducer",
    "MessageRing",
    "RecordConsumer",
    "RecordProducer",
    "RecordRing",
    "Waiting",
]

SCHEMA: Final = np.dtype([(f"messages of schema {SCHEMA_VERSION}", "<i8", (MESSAGE_WORDS,))])
"""Slots of messages; the name keeps programs with other layouts of the kinds apart."""


class _Ring:
    """What both kinds of ring are: a segment with two sides."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment

    @property
    def capacity(self) -> int:
        """Slots."""
        return self.segment.capacity

    @property
    def written(self) -> int:
        """Slots written since the ring was made."""
        return load_acquire(self.segment.words, WRITER + POSITION)

    @property
    def read(self) -> int:
        """Slots read since the ring was made."""
        return load_acquire(self.segment.words, READER + POSITION)

    @property
    def waiting(self) -> int:
        """Slots written and not yet read."""
        read = self.read
        return self.written - read

    @property
    def producer(self) -> Owner:
        """Who writes."""
        return owner_of(self.segment.words, WRITER)

    @property
    def consumer(self) -> Owner:
        """Who reads."""
        return owner_of(self.segment.words, READER)

    def close(self) -> None:
        """Unmap the segment."""
        self.segment.close()

    def remove(self) -> None:
        """Take the segment's file away."""
        self.segment.remove()


class _Side(Side):
    """One side of a ring."""

    def __init__(self, ring: _Ring, side: int, name: str, force: bool) -> None:
        super().__init__(ring.segment, side, name, force=force)
        self.ring = ring

    @property
    def written(self) -> int:
        """Slots written since the ring was made."""
        return self.ring.written

    @property
    def read(self) -> int:
        """Slots read since the ring was made."""
        return self.ring.read

    @property
    def waiting(self) -> int:
        """Slots written and not yet read."""
        return self.ring.waiting


class _Consumer(_Side):
    """A reading side: what waits is walked once by the kernel ``check``, before any of it is taken."""

    def __init__(self, ring: _Ring, name: str, force: bool, check: Any) -> None:
        super().__init__(ring, READER, name, force)
        try:
            self._checked(ring.segment.step(check)(ring.segment.words))
        except BaseException:
            self.close()
            raise


class _Producer(_Side, ABC):
    """A writing side."""

    def __init__(self, ring: _Ring, name: str, force: bool) -> None:
        super().__init__(ring, WRITER, name, force)
        try:
            self._checked(ring.segment.step(self._recover_kernel())(ring.segment.words))
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _recover_kernel(self) -> Any: ...

    @property
    def free(self) -> int:
        """Slots that are free."""
        return self.ring.capacity - self.waiting

    def _full(self, what: str) -> RingFullError:
        reader = self.ring.consumer
        who = f"{reader.name} (pid {reader.pid})" if reader.pid else "nobody"
        return RingFullError(
            f"{what} does not fit into ring {self.ring.segment.path}: {self.free} of {self.ring.capacity} slots are "
            f"free; {who} reads it"
        )


# Records ---------------------------------------------------------------------------------------------------------


@final
class RecordRing(_Ring):
    """A ring of records of one layout, whose size is a multiple of eight bytes."""

    @classmethod
    def create(
        cls, path: Path, dtype: "np.dtype[Any]", *, capacity: int = 4096, compiled: bool | None = None
    ) -> "RecordRing":
        """Make a ring of ``capacity`` slots, a power of two.

        :raises SegmentError: when the path is taken.
        """
        return cls(Segment.create(path, SegmentKind.RECORDS, **_record_layout(dtype, capacity), compiled=compiled))

    @classmethod
    def ensure(
        cls, path: Path, dtype: "np.dtype[Any]", *, capacity: int = 4096, compiled: bool | None = None
    ) -> "RecordRing":
        """Open the ring, made now if there is none.

        :raises SegmentError: when the one there is laid out otherwise.
        """
        return cls(Segment.ensure(path, SegmentKind.RECORDS, **_record_layout(dtype, capacity), compiled=compiled))

    @classmethod
    def open(cls, path: Path, *, compiled: bool | None = None) -> "RecordRing":
        """Open a ring.

        :raises SegmentError: when there is none.
        """
        return cls(Segment.open(path, SegmentKind.RECORDS, compiled=compiled))

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Layout of the records."""
        found = self.segment.dtype
        if found is None:
            raise SegmentError(f"segment {self.segment.path} does not say what its records are")
        return found

    def produce(self, name: str, *, force: bool = False) -> "RecordProducer":
        """Own the writing side.

        :raises NotOwnerError: while somebody else does, unless ``force``.
        """
        return RecordProducer(self, name, force)

    def consume(self, name: str, *, force: bool = False) -> "RecordConsumer":
        """Own the reading side.

        :raises NotOwnerError: while somebody else does, unless ``force``.
        """
        return RecordConsumer(self, name, force)


def _record_layout(dtype: "np.dtype[Any]", capacity: int) -> dict[str, Any]:
    check_capacity(capacity)
    width = record_words(dtype)
    return {"capacity": capacity, "stride": slot_stride(width), "record_words": width, "dtype": dtype}


@final
class RecordProducer(_Producer):
    """The writing side of a ring of records."""

    def __init__(self, ring: RecordRing, name: str, force: bool) -> None:
        super().__init__(ring, name, force)
        self._dtype = ring.dtype
        self._push = ring.segment.step(kernels.ring_push)

    def _recover_kernel(self) -> Any:
        return kernels.ring_recover

    def push(self, records: NDArray[Any]) -> None:
        """Append records, all or none.

        :raises RingFullError: when they do not fit.
        :raises NotOwnerError: for who is not the writer.
        :raises SegmentError: for another layout.
        """
        if records.dtype != self._dtype:
            raise SegmentError(f"records of {records.dtype} do not belong into a ring of {self._dtype}")
        if self._checked(self._push(self._open_words(), self.epoch, words_of(records), records.size)) == kernels.FULL:
            raise self._full(f"a batch of {records.size} records")


@final
class RecordConsumer(_Consumer):
    """The reading side of a ring of records."""

    def __init__(self, ring: RecordRing, name: str, force: bool) -> None:
        super().__init__(ring, name, force, kernels.ring_check)
        self._dtype = ring.dtype
        self._peek = ring.segment.step(kernels.ring_peek)
        self._advance = ring.segment.step(kernels.ring_advance)

    def peek(self, limit: int | None = None) -> NDArray[Any]:
        """The oldest records, ``limit`` at most, all by default; they stay until :meth:`advance`."""
        words = self._open_words()
        count = self.waiting if limit is None else min(limit, self.ring.capacity)
        if count > self.ring.capacity:
            raise self.ring.segment.damaged()
        out = np.empty(max(count, 0), self._dtype)
        found = self._checked(self._peek(words, self.epoch, out.view(np.uint8).view(np.int64), len(out)))
        return out[:found]

    def advance(self, count: int) -> None:
        """Give the ``count`` oldest records' slots back.

        :raises ValueError: for more than wait.
        """
        words = self._open_words()
        if not 0 <= count <= self.waiting:
            raise ValueError(f"count {count} must be between 0 and the {self.waiting} records that wait")
        self._checked(self._advance(words, self.epoch, count))

    def pop(self, limit: int | None = None) -> NDArray[Any]:
        """Take the oldest records, ``limit`` at most, all by default."""
        found = self.peek(limit)
        self._checked(self._advance(self._open_words(), self.epoch, len(found)))
        return found


# Messages --------------------------------------------------------------------------------------------------------


@final
class MessageRing(_Ring):
    """A ring of messages of any kind and size, in slots of one cache line."""

    @classmethod
    def create(cls, path: Path, *, capacity: int = 1 << 14, compiled: bool | None = None) -> "MessageRing":
        """Make a ring of ``capacity`` slots, a power of two.

        :raises SegmentError: when the path is taken.
        """
        return cls(Segment.create(path, SegmentKind.MESSAGES, **_message_layout(capacity), compiled=compiled))

    @classmethod
    def ensure(cls, path: Path, *, capacity: int = 1 << 14, compiled: bool | None = None) -> "MessageRing":
        """Open the ring, made now if there is none.

        :raises SegmentError: when the one there is laid out otherwise.
        """
        return cls(Segment.ensure(path, SegmentKind.MESSAGES, **_message_layout(capacity), compiled=compiled))

    @classmethod
    def open(cls, path: Path, *, compiled: bool | None = None) -> "MessageRing":
        """Open a ring.

        :raises SegmentError: when there is none, or its messages are of another schema.
        """
        segment = Segment.open(path, SegmentKind.MESSAGES, compiled=compiled)
        if segment.dtype != SCHEMA:
            segment.close()
            raise SegmentError(f"segment {path} holds {segment.dtype}, not messages of schema {SCHEMA_VERSION}")
        return cls(segment)

    def produce(self, name: str, *, force: bool = False) -> "MessageProducer":
        """Own the writing side.

        :raises NotOwnerError: while somebody else does, unless ``force``.
        """
        return MessageProducer(self, name, force)

    def consume(self, name: str, *, force: bool = False) -> "MessageConsumer":
        """Own the reading side.

        :raises NotOwnerError: while somebody else does, unless ``force``.
        """
        return MessageConsumer(self, name, force)


def _message_layout(capacity: int) -> dict[str, Any]:
    check_capacity(capacity)
    return {"capacity": capacity, "stride": slot_stride(MESSAGE_WORDS), "record_words": MESSAGE_WORDS, "dtype": SCHEMA}


@final
class MessageProducer(_Producer):
    """The writing side of a ring of messages."""

    def __init__(self, ring: MessageRing, name: str, force: bool) -> None:
        super().__init__(ring, name, force)
        self._push = ring.segment.step(kernels.message_push)

    def _recover_kernel(self) -> Any:
        return kernels.message_recover

    def push(self, message: Message) -> None:
        """Append a message, whole or not at all.

        :raises RingFullError: when they do not fit.
        :raises NotOwnerError: for who is not the writer.
        :raises SegmentError: for a message that the ring could never hold.
        """
        kind, time, records = message
        if records.dtype != LAYOUTS[kind]:
            raise SegmentError(f"a message of kind {kind.name} has records of {records.dtype}, not {LAYOUTS[kind]}")
        status = self._push(self._open_words(), self.epoch, int(kind), time, words_of(records), records.nbytes)
        if self._checked(status) == kernels.FULL:
            raise self._full(f"a message of {self.slots(message)} slots")

    def ends_with(self, message: Message) -> bool:
        """Whether this message, which takes one slot, is the last that was pushed, by whomever, taken or not."""
        words, data, last = self._open_words(), encode(message), self.written - 1
        slot = DATA + (last & (self.ring.capacity - 1)) * MESSAGE_STRIDE
        return load_acquire(words, slot) == last + 1 and words[slot + 1 :].view(np.uint8)[: len(data)].tobytes() == data

    @staticmethod
    def slots(message: Message) -> int:
        """Slots that a message takes."""
        return int(kernels.message_slots(message.records.nbytes, MESSAGE_WORDS))


class Waiting(NamedTuple):
    """A message as it lies in a ring, not taken."""

    data: bytes  # as :func:`alo_lib.transport.wire.encode` made it

    @property
    def slots(self) -> int:
        """That it takes."""
        return int(kernels.message_slots(len(self.data) - HEADER.size, MESSAGE_WORDS))

    @property
    def message(self) -> Message:
        """What it says; its records are read-only.

        :raises MessageError: when it is none that this program knows.
        """
        return decode(self.data)


@final
class MessageConsumer(_Consumer):
    """The reading side of a ring of messages."""

    def __init__(self, ring: MessageRing, name: str, force: bool) -> None:
        super().__init__(ring, name, force, kernels.message_check)
        self._peek = ring.segment.step(kernels.message_peek)
        self._advance = ring.segment.step(kernels.message_advance)
        self._advance_slots = ring.segment.step(kernels.ring_advance)
        self._buffer: Words = np.empty(4096 // WORD, np.int64)

    def look(self, ahead: int = 0) -> Waiting | None:
        """The message that begins ``ahead`` slots after the oldest one, or None when none is there yet.

        It stays until :meth:`advance`. Walk from one message to the next by adding up their slots.
        """
        words = self._open_words()
        length = self._checked(self._peek(words, self.epoch, self._buffer, ahead))
        if length > len(self._buffer):
            self._buffer = np.empty(length, np.int64)
            self._checked(self._peek(words, self.epoch, self._buffer, ahead))
        if not length:
            return None
        size = HEADER.size + int(self._buffer[0] & 0xFFFFFFFF)
        return Waiting(self._buffer[:length].tobytes()[:size])

    def peek(self) -> Message | None:
        """The oldest message, or None when nothing waits; it stays until :meth:`advance`. Its records are read-only.

        :raises MessageError: when it is none that this program knows.
        """
        found = self.look()
        return None if found is None else found.message

    def advance(self, slots: int | None = None) -> None:
        """Give the oldest message's slots back, or those of several messages that were looked at.

        :raises ValueError: when fewer wait.
        """
        words = self._open_words()
        if slots is None:
            if self._checked(self._advance(words, self.epoch)) == 0:
                raise ValueError(f"no message waits in {self.ring.segment.path}")
            return
        if not 0 <= slots <= self.waiting:
            raise ValueError(f"slots {slots} must be between 0 and the {self.waiting} that wait")
        self._checked(self._advance_slots(words, self.epoch, slots))

    def pop(self) -> Message | None:
        """Take the oldest message, or None when nothing waits."""
        message = self.peek()
        if message is not None:
            self.advance()
        return message
