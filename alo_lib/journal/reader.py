"""Reading a journal back, trusting nothing."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alo_lib.journal.format import ENTRY, MAGIC, PREFIX, JournalError, checksum
from alo_lib.market.records import LAYOUTS, SCHEMA_VERSION, Kind, Message

__all__ = ["Journal", "read_journal"]


@dataclass(frozen=True)
class Journal:
    """A whole journal in memory: the settings it was written under, and its messages in order."""

    settings: bytes
    messages: tuple[Message, ...]


def read_journal(source: Path | bytes) -> Journal:
    """Read and check a journal from a file or from its bytes.

    Raises JournalError, naming the offset, when it is not a journal, has another schema version, ends within an entry,
    breaks its sequence or fails a checksum.
    """
    data = source if isinstance(source, bytes) else _bytes_of(source)
    if len(data) < PREFIX.size or not data.startswith(MAGIC):
        raise JournalError(f"not a journal: it has {len(data)} bytes and does not begin with {MAGIC!r}")
    _, version, length, crc = PREFIX.unpack_from(data)
    if version != SCHEMA_VERSION:
        raise JournalError(f"journal schema version {version} is not {SCHEMA_VERSION}, the one this program reads")
    start = PREFIX.size + length
    settings = data[PREFIX.size : start]
    if zlib.crc32(settings) != crc:
        raise JournalError(f"the journal's {length} bytes of settings are damaged: their checksum does not hold")
    return Journal(settings, tuple(_messages(data, start)))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise JournalError(f"journal {path} cannot be read: {error.strerror}") from error


def _messages(data: bytes, offset: int) -> Iterator[Message]:
    expected = 0
    while offset < len(data):
        if offset + ENTRY.size > len(data):
            raise JournalError(f"journal ends within the header of entry {expected} at byte {offset}")
        *header, crc = ENTRY.unpack_from(data, offset)
        sequence, time, kind, _, length, count = header
        payload = data[offset + ENTRY.size : offset + ENTRY.size + length]
        if len(payload) < length:
            raise JournalError(f"journal ends within the records of entry {expected} at byte {offset}")
        if sequence != expected or crc != checksum(tuple(header), payload):
            raise JournalError(f"journal entry {expected} at byte {offset} is damaged: its checksum does not hold")
        layout = LAYOUTS[Kind(kind)]
        yield Message(Kind(kind), time, np.frombuffer(payload, layout, count))
        offset += ENTRY.size + length
        expected += 1
