"""The bytes of a journal.

A journal begins with ``PREFIX`` (magic, schema version, length of the settings) and the settings as JSON. Entries
follow: ``ENTRY`` and the records as they lie in memory. The checksum covers the entry's header, with the checksum
itself as zero, and its records.
"""

import struct
import zlib
from typing import Final

__all__ = ["ENTRY", "MAGIC", "PREFIX", "JournalError", "checksum"]

MAGIC: Final = b"ALOJRNL\n"
PREFIX: Final = struct.Struct("<8sII")
ENTRY: Final = struct.Struct("<QqHHIII")
"""Sequence, time, kind, zero, payload length, records, checksum: 32 bytes."""


class JournalError(ValueError):
    """A journal cannot be read or written; the message says where and why."""


def checksum(sequence: int, time: int, kind: int, count: int, payload: bytes) -> int:
    """CRC-32 of an entry."""
    return zlib.crc32(payload, zlib.crc32(ENTRY.pack(sequence, time, kind, 0, len(payload), count, 0)))
