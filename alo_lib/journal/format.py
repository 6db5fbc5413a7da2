"""The bytes of a journal.

A journal is a run of segments, numbered from 0; a segment is a header, entries and zeros. Everything is little-endian
and lies in 64-bit words, so that compiled code, the file and memory hold the same.

Segment header, ``HEADER``, then the settings as JSON, padded to whole words. Its checksum covers both. In layout 2,
which is read as well, the header had no program (``HEADERS``).

An entry has six words, then its records as they lie in memory, padded to whole words:

== ============================================================================================================
0  sequence: from 0, one more each entry, across segments
1  time: the engine's clock, ns UTC; the only clock that decisions know
2  clock: the machine's monotonic clock when the entry was written, ns; 0 where time is logical
3  durable: every entry below this sequence was on disk when this one was written
4  kind (16 bits), schema version (16), number of records (32)
5  length of the records in bytes (32), CRC-32C (32)
== ============================================================================================================

The checksum starts from the segment's epoch, and covers words 0 to 4, the length, and the padded records. Each
process that opens a journal to write begins a segment with a new epoch, so what an earlier one left behind on the same
sectors cannot pass for an entry. An entry of kind ``SEALED`` ends a segment that was left in good order.
"""

from enum import StrEnum
from typing import Final

import numpy as np

from alo_lib.numerics.crc32c import crc32c

__all__ = [
    "ALL_ONES",
    "ENTRY_WORDS",
    "HEADER",
    "HEADERS",
    "JOURNAL_FOLDER",
    "KIND_MASK",
    "KIND_WORD",
    "LAST",
    "LENGTH_WORD",
    "MAGIC",
    "NEW_SUFFIX",
    "OBJECT_STORE_COPY",
    "OBJECT_STORE_KEY",
    "SEALED",
    "SEGMENT_SUFFIX",
    "VERSION",
    "WORD",
    "Durability",
    "JournalError",
    "object_store_key",
    "segment_header",
    "segment_name",
    "shown",
    "words_for",
]

WORD: Final = 8
ENTRY_WORDS: Final = 6
KIND_WORD: Final = 4
KIND_MASK: Final = 0xFFFF
"""Which word of an entry has its kind, and where."""
LENGTH_WORD: Final = 5
VERSION: Final = 3
"""Of the layout described here; the records have a schema version of their own."""
MAGIC: Final = b"ALOSEGM\n"
LAST: Final = 1 << 62
"""That a header's numbers may be: what follows them still fits into a word."""
SEALED: Final = 0
"""Kind of the entry that ends a segment."""
ALL_ONES: Final = 0xFFFFFFFF

HEADER: Final = np.dtype(
    [
        ("magic", "S8"),
        ("version", "<u2"),
        ("schema", "<u2"),
        ("settings_length", "<u4"),
        ("number", "<i8"),
        ("epoch", "<i8"),
        ("first", "<i8"),  # sequence of its first entry
        ("durable", "<i8"),  # every entry below this sequence was on disk when the segment was made
        ("monotonic", "<i8"),  # the two clocks at one instant, so that entries' clocks can be read as UTC; 0 as there
        ("utc", "<i8"),
        ("crc", "<u4"),
        ("pad", "<u4"),
        ("program", "S32"),  # that decides what follows (alo_lib/core/deciding.py); empty where nobody says
    ]
)
"""104 bytes."""

HEADERS: Final = {2: np.dtype([field for field in HEADER.descr if field[0] != "program"]), VERSION: HEADER}
"""The headers that are read, by the layout's version."""

SEGMENT_SUFFIX: Final = ".segment"
NEW_SUFFIX: Final = ".new"
"""Of a segment that is being made and holds nothing yet."""

OBJECT_STORE_KEY: Final = "alo-journal"
"""What the keys of an algorithm's segments in LEAN's object store begin with."""
OBJECT_STORE_COPY: Final = "alo-journal-copy"
"""The same of their second copies, which a live algorithm keeps."""
_EVEN: Final = "-even"
"""Behind both, where the journal's volume has an even number: two volumes in turn have other keys."""
OBJECT_STORE_BESIDE: Final = "alo-backtest"
"""The same of a backtest's, where a live algorithm's are in the store."""

JOURNAL_FOLDER: Final = "journal"
"""Where in a run's folder its journal is."""


class JournalError(ValueError):
    """A journal cannot be read or written; the message says where and why."""


class Durability(StrEnum):
    """When an entry is on disk."""

    EVERY = "every"  # before append returns
    GROUP = "group"  # within a major frame: a thread writes out all that is new, again and again
    OS = "os"  # when the operating system sees fit: survives the process, not the machine


def object_store_key(number: int, *, copy: bool = False, beside: bool = False, volume: int = 1) -> str:
    """A segment's key in LEAN's object store, which allows one dot in it; ``copy`` for its second copy's.

    beside: of a backtest's, where a live algorithm's are in the store. ``volume`` is the journal's that it is of.
    """
    kept = (OBJECT_STORE_COPY if copy else OBJECT_STORE_KEY) + ("" if volume % 2 else _EVEN)
    return f"{OBJECT_STORE_BESIDE if beside else kept}.{number:08d}"


def words_for(count: int) -> int:
    """Whole words that ``count`` bytes take."""
    return (count + WORD - 1) // WORD


def segment_name(number: int) -> str:
    """File name of a segment."""
    return f"{number:08d}{SEGMENT_SUFFIX}"


def shown(name: str) -> str:
    """A file's name as a sentence can hold it, whatever somebody has called it."""
    return name if name.isprintable() else ascii(name)


def segment_header(
    settings: bytes,
    *,
    schema: int,
    number: int,
    epoch: int,
    first: int,
    durable: int,
    clocks: tuple[int, int] = (0, 0),
    program: str = "",
) -> bytes:
    """The bytes that a segment begins with. ``clocks`` are monotonic and UTC, ns."""
    row = np.zeros(1, HEADER)
    row["magic"], row["version"], row["schema"], row["settings_length"] = MAGIC, VERSION, schema, len(settings)
    row["number"], row["epoch"], row["first"], row["durable"] = number, epoch, first, durable
    row["monotonic"], row["utc"] = clocks
    row["program"] = program.encode()
    padding = bytes(-len(settings) % WORD)
    row["crc"] = crc32c(row.tobytes() + settings + padding)
    return row.tobytes() + settings + padding
