"""Writing a journal, append before dispatch."""

import hashlib
import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from alo_lib.journal.format import ENTRY, MAGIC, PREFIX, JournalError, checksum
from alo_lib.market.records import SCHEMA_VERSION, Message

__all__ = ["JournalWriter", "message_digest"]

_DIGESTED = struct.Struct("<qH")


class JournalWriter:
    """Appends messages to a binary stream and keeps their digest.

    The digest is SHA-256 over every message's time, kind and records, so it does not depend on where, when or by which
    engine the journal was written. A write that fails raises JournalError and ends the journal: nothing is written
    after it, and the core stops.
    """

    def __init__(self, stream: BinaryIO, *, settings: bytes = b"{}") -> None:
        self._stream = stream
        self._sequence = 0
        self._hash = hashlib.sha256()
        self._failed = False
        self._write(PREFIX.pack(MAGIC, SCHEMA_VERSION, len(settings), zlib.crc32(settings)) + settings)

    @property
    def sequence(self) -> int:
        """Messages written."""
        return self._sequence

    @property
    def digest(self) -> str:
        """Digest of all messages so far, as hexadecimal digits."""
        return self._hash.hexdigest()

    def append(self, message: Message) -> None:
        """Write one message."""
        payload = np.ascontiguousarray(message.records).tobytes()
        header = (self._sequence, message.time, int(message.kind), 0, len(payload), len(message.records))
        self._write(ENTRY.pack(*header, checksum(header, payload)) + payload)
        self._hash.update(_DIGESTED.pack(message.time, int(message.kind)))
        self._hash.update(payload)
        self._sequence += 1

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        self._write(b"", flush=True)

    def _write(self, data: bytes, *, flush: bool = False) -> None:
        if self._failed:
            raise JournalError("the journal ended with a failed write; nothing can follow it")
        try:
            self._stream.write(data)
            if flush:
                self._stream.flush()
        except OSError as error:
            self._failed = True
            raise JournalError(f"the journal cannot be written: {error.strerror or error}") from error


def message_digest(messages: Iterable[Message]) -> str:
    """The digest that a writer of these messages would have."""
    digest = hashlib.sha256()
    for message in messages:
        digest.update(_DIGESTED.pack(message.time, int(message.kind)))
        digest.update(np.ascontiguousarray(message.records).tobytes())
    return digest.hexdigest()
