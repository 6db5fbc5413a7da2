"""Where things lie in a segment: one page of header, then the data.

The header is read as one record (:data:`HEADER`) or as int64 words, which is how kernels see it. What stands still
comes first; each of the two sides has two cache lines of its own (processors fetch lines in pairs), so that a writer
that goes on and a reader that goes on do not take lines from each other.
"""

from enum import IntEnum
from typing import Final

import numpy as np

__all__ = [
    "CACHED",
    "CAPACITY",
    "CLAIMED",
    "DATA",
    "EPOCH",
    "HEADER",
    "HEADER_BYTES",
    "LAYOUT_VERSION",
    "MAGIC",
    "MESSAGE_STRIDE",
    "MESSAGE_WORDS",
    "NAMESPACE",
    "PID",
    "POSITION",
    "READER",
    "RECORD_WORDS",
    "SCHEMA_BYTES",
    "STARTED",
    "STRIDE",
    "WORD",
    "WRITER",
    "SegmentKind",
]

WORD: Final = 8
"""Bytes of a word."""

MAGIC: Final = b"ALOSHM1\n"
LAYOUT_VERSION: Final = 1
"""Version of this module; it changes with anything in it."""

HEADER_BYTES: Final = 4096
SCHEMA_BYTES: Final = 3584
NAME_BYTES: Final = 64


MESSAGE_WORDS: Final = 7
"""Record words of a message's slot: one cache line with the stamp. One quote, bar or order event fits in whole."""
MESSAGE_STRIDE: Final = 1 + MESSAGE_WORDS


class SegmentKind(IntEnum):
    """What a segment holds."""

    RECORDS = 1
    MESSAGES = 2
    SEQLOCK = 3
    HISTOGRAMS = 6

    @property
    def label(self) -> str:
        """The kind as people read it."""
        return self.name.lower().replace("_", " ")


ROLE: Final = np.dtype(
    [
        ("epoch", "<i8"),  # how often this side was taken; 0 never
        ("pid", "<i8"),  # of the owner; 0 when it gave the side up
        (
            "started",
            "<i8",
        ),  # when that process began, in the kernel's ticks since boot, so that a pid used again is told
        ("namespace", "<i8"),  # of process numbers; a pid of another one says nothing here
        (
            "position",
            "<i8",
        ),  # ring: slots written or read; state: version; histograms: rows
        ("claimed", "<i8"),  # ring: positions being overwritten; histograms: rows
        ("cached", "<i8"),  # ring, writer: the reader's position when last looked
        ("spare", "<i8"),
        ("name", f"S{NAME_BYTES}"),
    ]
)
"""One side of a segment: 128 bytes."""

HEADER: Final = np.dtype(
    {
        "names": [
            "magic",
            "version",
            "kind",
            "bytes",
            "capacity",
            "stride",
            "record_words",
            "schema_length",
            "writer",
            "reader",
            "schema",
        ],
        "formats": ["S8", "<i8", "<i8", "<i8", "<i8", "<i8", "<i8", "<i8", ROLE, ROLE, f"S{SCHEMA_BYTES}"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56, 256, 384, 512],
        "itemsize": HEADER_BYTES,
    }
)
"""``bytes`` of the whole segment, ``capacity`` in slots, copies or rows, ``stride`` in words from one to the
next, ``record_words`` of one record; the schema is the records' dtype as NumPy's own file format writes it."""


def _word(field: str, within: "np.dtype[np.void]" = HEADER) -> int:
    """Index of a field's word. The tables above are all there is to it."""
    assert within.fields is not None
    return int(within.fields[field][1]) // WORD


CAPACITY: Final = _word("capacity")
STRIDE: Final = _word("stride")
RECORD_WORDS: Final = _word("record_words")
WRITER: Final = _word("writer")
READER: Final = _word("reader")
DATA: Final = HEADER_BYTES // WORD
"""Index of the first data word."""

EPOCH: Final = _word("epoch", ROLE)
PID: Final = _word("pid", ROLE)
STARTED: Final = _word("started", ROLE)
NAMESPACE: Final = _word("namespace", ROLE)
POSITION: Final = _word("position", ROLE)
CLAIMED: Final = _word("claimed", ROLE)
CACHED: Final = _word("cached", ROLE)
"""Words of a side, counted from :data:`WRITER` or :data:`READER`."""
