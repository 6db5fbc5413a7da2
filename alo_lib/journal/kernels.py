"""Appending and scanning entries, compiled.

A segment is an array of int64 words; ``marks`` is what the writer knows of it, one word each (the constants below).
The writer alone stores to either; other threads and processes read ``marks``. A kernel never raises: it returns a
sequence number, or a negative status.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.format import ALL_ONES, ENTRY_WORDS, SEALED
from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.crc32c import crc32c_word, crc32c_words
from alo_lib.records import SCHEMA_VERSION

__all__ = [
    "AHEAD",
    "APPENDED",
    "CHECKSUM",
    "DURABLE",
    "EPOCH",
    "FULL",
    "LIMIT",
    "MARKS",
    "OFFSET",
    "STATE",
    "STOPPED",
    "SWITCH",
    "TOUCHED",
    "append",
    "find_beyond",
    "scan",
    "seal",
]

Words = NDArray[np.int64]

MARKS: Final = 16
"""Words of marks."""
APPENDED: Final = 0
"""Entries appended: the sequence of the next one."""
DURABLE: Final = 1
"""Entries on disk: every sequence below this one."""
OFFSET: Final = 2
"""Where in the segment the next entry goes, in words."""
LIMIT: Final = 3
"""Words of the segment that entries may fill."""
TOUCHED: Final = 4
"""Words whose pages the writer has made its own already."""
EPOCH: Final = 5
STATE: Final = 6
"""0 while the journal is open; the error's number after a failure, -1 once closed."""
SWITCH: Final = 7
"""Counts the segments begun, and every other reason for the syncing thread to look up."""
CHECKSUM: Final = 8
"""Of the last entry appended, for snapshots."""
AHEAD: Final = 9
"""Pages made writable at once, so that few appends meet a page's fault. A sync writes those out that are still empty,
so there are more of them only where nothing is synced all the time."""

FULL: Final = -1
"""The entry does not fit into the segment: begin the next one, and append again."""
STOPPED: Final = -2
"""The journal has failed or is closed: nothing can follow."""

_PAGE: Final = 512
"""Words a page."""


@kernel
def _entry_crc(words: Words, at: int, count: int, epoch: int) -> Any:
    """Checksum of the entry of ``count`` words of records at ``at``, whatever its checksum field holds."""
    crc = np.uint64(crc32c_word(np.uint64(ALL_ONES), epoch))
    crc = np.uint64(crc32c_words(words, at, at + ENTRY_WORDS - 1, crc))
    crc = np.uint64(crc32c_word(crc, words[at + ENTRY_WORDS - 1] & ALL_ONES))
    crc = np.uint64(crc32c_words(words, at + ENTRY_WORDS, at + ENTRY_WORDS + count, crc))
    return np.int64(crc ^ np.uint64(ALL_ONES))


@kernel
def _put_head(
    words: Words, at: int, sequence: int, time: int, clock: int, durable: int, head: int, length: int, epoch: int
) -> None:
    """Write the six words of the entry at ``at``, whose records are in place."""
    words[at] = sequence
    words[at + 1] = time
    words[at + 2] = clock
    words[at + 3] = durable
    words[at + 4] = head
    words[at + 5] = length
    words[at + 5] = length | (_entry_crc(words, at, (length + 7) // 8, epoch) << 32)


@kernel
def append(
    words: Words, marks: Words, time: int, clock: int, kind: int, count: int, length: int, payload: Words
) -> int:
    """Append an entry of ``count`` records in ``length`` bytes, ``payload``, padded with zeros to whole words.

    Returns its sequence; FULL and STOPPED leave everything as it was. The entry is complete in the segment before
    ``APPENDED`` counts it.
    """
    if marks[STATE] != 0:
        return STOPPED
    at = marks[OFFSET]
    end = at + ENTRY_WORDS + len(payload)
    if end > marks[LIMIT]:
        return FULL
    if end > marks[TOUCHED]:
        touch = min(len(words), (end // _PAGE + 1 + marks[AHEAD]) * _PAGE)
        for place in range((end // _PAGE + 1) * _PAGE, touch, _PAGE):
            words[place] = 0
        marks[TOUCHED] = touch
    sequence = marks[APPENDED]
    start = at + ENTRY_WORDS
    for place in range(len(payload)):
        words[start + place] = payload[place]
    head = kind | (SCHEMA_VERSION << 16) | (count << 32)
    _put_head(words, at, sequence, time, clock, marks[DURABLE], head, length, marks[EPOCH])
    marks[OFFSET] = end
    marks[CHECKSUM] = (words[at + 5] >> 32) & ALL_ONES
    marks[APPENDED] = sequence + 1
    return int(sequence)


@kernel
def seal(words: Words, marks: Words, clock: int) -> None:
    """End the segment with an entry of kind SEALED, in the room that ``LIMIT`` keeps for it."""
    at = marks[OFFSET]
    _put_head(words, at, marks[APPENDED], 0, clock, marks[DURABLE], SEALED | (SCHEMA_VERSION << 16), 0, marks[EPOCH])
    marks[OFFSET] = at + ENTRY_WORDS


@kernel
def scan(
    words: Words, at: int, stop: int, sequence: int, epoch: int, durable: int, offsets: Words, found: Words
) -> int:
    """Check entries from word ``at`` on, which should begin with ``sequence``, until one does not hold or is SEALED.

    ``offsets`` gets the place of each entry; the scan also ends when it is full. ``found`` gets the word after the
    last good entry, the highest ``durable`` that an entry claims (``durable`` at least), and 1 if the segment was
    sealed. Returns how many entries it found.
    """
    count = 0
    sealed = 0
    while count < len(offsets) and at + ENTRY_WORDS <= stop:
        length = words[at + 5] & ALL_ONES
        size = (length + 7) // 8
        if words[at] != sequence or size > stop - at - ENTRY_WORDS:
            break
        if (words[at + 5] >> 32) & ALL_ONES != _entry_crc(words, at, size, epoch):
            break
        durable = max(durable, words[at + 3])
        if words[at + 4] & 0xFFFF == SEALED:
            sealed = 1
            at += ENTRY_WORDS + size
            break
        offsets[count] = at
        at += ENTRY_WORDS + size
        sequence += 1
        count += 1
    found[0] = at
    found[1] = durable
    found[2] = sealed
    return count


@kernel
def find_beyond(words: Words, at: int, stop: int, sequence: int, epoch: int, found: Words) -> int:
    """Look for entries after a place that does not hold: good ones whose sequence is ``sequence`` or above.

    ``found`` gets the highest ``durable`` that one of them claims, and whether a word other than zero was seen at all.
    Returns how many there are.
    """
    count = 0
    found[0] = 0
    found[1] = 0
    highest = sequence + (stop - at) // ENTRY_WORDS
    while at < stop:
        if words[at] != 0:
            found[1] = 1
        if sequence <= words[at] <= highest and at + ENTRY_WORDS <= stop:
            size = ((words[at + 5] & ALL_ONES) + 7) // 8
            fits = size <= stop - at - ENTRY_WORDS
            if fits and (words[at + 5] >> 32) & ALL_ONES == _entry_crc(words, at, size, epoch):
                found[0] = max(found[0], words[at + 3])
                found[1] = 1
                count += 1
                at += ENTRY_WORDS + size
                continue
        at += 1
    return count
