"""The bytes of a journal.

A journal begins with ``PREFIX`` (magic, schema version, length and CRC-32 of the settings) and the settings as JSON.
Entries follow: ``ENTRY`` and the records as they lie in memory. An entry's checksum covers its header, with the
checksum itself as zero, and its records.
"""

import struct
import zlib
from typing import Final

__all__ = ["ENTRY", "MAGIC", "OBJECT_STORE_KEY", "PREFIX", "JournalError", "checksum"]

MAGIC: Final = b"ALOJRNL\n"
PREFIX: Final = struct.Struct("<8sIII")
ENTRY: Final = struct.Struct("<QqHHIII")
"""Sequence, time, kind, reserved, payload length, records, checksum: 32 bytes."""

OBJECT_STORE_KEY: Final = "alo-journal"
"""Where an algorithm leaves its journal in LEAN's object store."""


class JournalError(ValueError):
    """A journal cannot be read or written; the message says where and why."""


def checksum(header: tuple[int, ...], payload: bytes) -> int:
    """CRC-32 of an entry; ``header`` holds the fields before the checksum."""
    return zlib.crc32(payload, zlib.crc32(ENTRY.pack(*header, 0)))
