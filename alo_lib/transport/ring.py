"""A bounded first-in first-out ring of messages between one producer and one consumer of the same process."""

from alo_lib.records import Message
from alo_lib.transport.errors import RingFullError
from alo_lib.transport.wire import HEADER, decode, encode

__all__ = ["Ring", "RingFullError"]

DEFAULT_CAPACITY = 1 << 24
"""Bytes: the session start of some ten underlyings with 10,000 contracts each."""


class Ring:
    """A byte ring with monotonic positions: what is written minus what is read is what waits.

    One thread pushes and one pops; each owns one of the two positions.
    """

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        if capacity <= HEADER.size:
            raise ValueError(f"capacity {capacity} is too small for a ring; it must exceed {HEADER.size} bytes")
        self._buffer = bytearray(capacity)
        self._written = 0
        self._read = 0

    @property
    def waiting(self) -> int:
        """Bytes pushed and not yet popped."""
        return self._written - self._read

    def push(self, message: Message) -> None:
        """Append a message, or raise RingFullError and leave the ring as it was."""
        data = encode(message)
        if self.waiting + len(data) > len(self._buffer):
            free = len(self._buffer) - self.waiting
            raise RingFullError(f"a message of {len(data)} bytes does not fit into the ring's {free} free bytes")
        self._copy_in(data)
        self._written += len(data)

    def pop(self) -> Message | None:
        """Take the oldest message, or None when nothing waits."""
        if not self.waiting:
            return None
        length = HEADER.size + int(HEADER.unpack(self._copy_out(HEADER.size))[0])
        message = decode(self._copy_out(length))
        self._read += length
        return message

    def _copy_in(self, data: bytes) -> None:
        start = self._written % len(self._buffer)
        first = min(len(data), len(self._buffer) - start)
        self._buffer[start : start + first] = data[:first]
        self._buffer[: len(data) - first] = data[first:]

    def _copy_out(self, length: int) -> bytes:
        start = self._read % len(self._buffer)
        first = min(length, len(self._buffer) - start)
        return bytes(self._buffer[start : start + first]) + bytes(self._buffer[: length - first])
