"""Segments packed into less room, for a store that counts bytes: a journal's come to a quarter or less.

A packed segment begins with marks of its own and its length, so that who knows nothing of packing refuses it, and it is
unpacked whole or not at all.
"""

import struct
import zlib
from typing import Final

from alo_lib.journal.format import JournalError

__all__ = ["is_packed", "packed", "unpacked"]

_MAGIC: Final = b"ALOPACK\n"
_LENGTH: Final = struct.Struct("<q")
_LONGEST: Final = 1 << 28
"""Bytes of the longest segment that is unpacked; a writer's are shorter unless one message is longer."""
_LEVEL: Final = 6
"""Of compression: 1 MiB takes some 60 ms, and a higher level ten times that for a thirtieth less."""


def packed(segment: bytes) -> bytes:
    """A segment's bytes in less room; the same where it is longer than any that is unpacked."""
    if len(segment) > _LONGEST:
        return segment
    return _MAGIC + _LENGTH.pack(len(segment)) + zlib.compress(segment, _LEVEL)


def is_packed(value: bytes) -> bool:
    """Whether a value says that it is a packed segment."""
    return value.startswith(_MAGIC)


def unpacked(value: bytes) -> bytes:
    """The segment in a value, packed or not.

    :raises JournalError: for one that is packed and cut or damaged.
    """
    if not is_packed(value):
        return value
    start = len(_MAGIC) + _LENGTH.size
    if len(value) < start:
        raise JournalError("a packed segment is cut")
    (length,) = _LENGTH.unpack_from(value, len(_MAGIC))
    if not 0 <= length <= _LONGEST:
        raise JournalError(f"a packed segment tells of {length} bytes; it must be from 0 to {_LONGEST}")
    reader = zlib.decompressobj()
    try:
        segment = reader.decompress(value[start:], length + 1)
    except zlib.error:
        raise JournalError("a packed segment is damaged") from None
    if len(segment) != length or not reader.eof or reader.unused_data:
        raise JournalError("a packed segment is cut, or damaged")
    return segment
