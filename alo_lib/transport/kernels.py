"""The steps of rings, sequence locks and stable vectors, as kernels on a segment's words.

They validate nothing but ownership, allocate nothing and raise nothing: each returns a count or one of the statuses
below, and the objects of this package, or a compiled caller, decide what that means. ``words`` is a whole segment,
``epoch`` the caller's for the side it works on.

A ring's slot is a stamp word and the record. The stamp of the slot at position p is p + 1, stored last and released: it
alone tells the reader that the record is there, so one record takes one cache line from the writer's core to the
reader's. A message lies in consecutive slots; only the first has such a stamp, stored when all the others are filled,
and theirs are 0. So a message is there whole or not at all.
"""

from typing import Final

from alo_lib.transport.atomics import (
    Words,
    fence_acquire,
    fence_release,
    load_acquire,
    load_relaxed,
    pause,
    shared_kernel,
    store_relaxed,
    store_release,
)
from alo_lib.transport.layout import (
    CACHED,
    CAPACITY,
    CLAIMED,
    DATA,
    EPOCH,
    POSITION,
    READER,
    RECORD_WORDS,
    STRIDE,
    WORD,
    WRITER,
)

__all__ = [
    "ARENA_ALIGNMENT",
    "BUSY",
    "FENCED",
    "FULL",
    "MESSAGE_HEADER_WORDS",
    "arena_reset",
    "arena_take",
    "message_advance",
    "message_peek",
    "message_push",
    "message_recover",
    "message_slots",
    "ring_advance",
    "ring_peek",
    "ring_pop",
    "ring_push",
    "ring_recover",
    "seqlock_read",
    "seqlock_write",
    "vector_append",
]

FULL: Final = -1
"""There is no room; nothing was changed."""
FENCED: Final = -2
"""The side is owned under another epoch; nothing was changed."""
BUSY: Final = -3
"""The state was rewritten during every try to read it."""

ARENA_ALIGNMENT: Final = 64
"""Bytes; a cache line."""
ARENA_POISON: Final = -1
"""All bits set: NaN as float64, -1 as an integer."""

MESSAGE_HEADER_WORDS: Final = 2
"""A message begins with :data:`alo_lib.transport.wire.HEADER`: length, kind and zero in one word, time in the next."""


# Rings of records ------------------------------------------------------------------------------------------------


@shared_kernel
def _claim(words: Words, epoch: int, count: int) -> int:
    """Make ``count`` slots the writer's. Returns the position of the first, FULL or FENCED."""
    if load_relaxed(words, WRITER + EPOCH) != epoch:
        return FENCED
    written = words[WRITER + POSITION]
    if written + count - words[WRITER + CACHED] > words[CAPACITY]:
        # Only when it looks full does the writer look at what the reader writes: their cache lines stay apart.
        read = load_acquire(words, READER + POSITION)
        words[WRITER + CACHED] = read
        if written + count - read > words[CAPACITY]:
            return FULL
    store_relaxed(words, WRITER + CLAIMED, written + count)
    fence_release()  # a tap that sees any byte of the new records also sees that their slots were claimed
    return int(written)


@shared_kernel
def ring_push(words: Words, epoch: int, source: Words, count: int) -> int:
    """Append ``count`` records from ``source``, all or none. Returns ``count``, FULL or FENCED."""
    written = _claim(words, epoch, count)
    if written < 0:
        return int(written)
    mask, stride, width = words[CAPACITY] - 1, words[STRIDE], words[RECORD_WORDS]
    for k in range(count):
        slot = DATA + ((written + k) & mask) * stride
        for w in range(width):
            words[slot + 1 + w] = source[k * width + w]
        store_release(words, slot, written + k + 1)
    store_release(words, WRITER + POSITION, written + count)
    return count


@shared_kernel
def ring_peek(words: Words, epoch: int, out: Words, limit: int) -> int:
    """Copy up to ``limit`` of the oldest records to ``out`` and leave them. Returns how many, or FENCED."""
    if load_relaxed(words, READER + EPOCH) != epoch:
        return FENCED
    read, mask, stride, width = words[READER + POSITION], words[CAPACITY] - 1, words[STRIDE], words[RECORD_WORDS]
    count = 0
    while count < limit:
        slot = DATA + ((read + count) & mask) * stride
        if load_acquire(words, slot) != read + count + 1:
            break
        for w in range(width):
            out[count * width + w] = words[slot + 1 + w]
        count += 1
    return count


@shared_kernel
def ring_advance(words: Words, epoch: int, count: int) -> int:
    """Give ``count`` slots that were read back to the writer. Returns ``count`` or FENCED."""
    if load_relaxed(words, READER + EPOCH) != epoch:
        return FENCED
    store_release(words, READER + POSITION, words[READER + POSITION] + count)
    return count


@shared_kernel
def ring_pop(words: Words, epoch: int, out: Words, limit: int) -> int:
    """Take up to ``limit`` of the oldest records. Returns how many, or FENCED."""
    count = ring_peek(words, epoch, out, limit)
    return int(ring_advance(words, epoch, count) if count > 0 else count)


@shared_kernel
def ring_recover(words: Words) -> int:
    """Go on where the last writer of records stopped, or was stopped. Returns the position."""
    written, mask, stride = words[WRITER + POSITION], words[CAPACITY] - 1, words[STRIDE]
    while written < words[WRITER + CLAIMED] and words[DATA + (written & mask) * stride] == written + 1:
        written += 1
    words[WRITER + CACHED] = load_acquire(words, READER + POSITION)
    store_release(words, WRITER + POSITION, written)
    store_relaxed(words, WRITER + CLAIMED, written)
    return int(written)


# Rings of messages -----------------------------------------------------------------------------------------------


@shared_kernel
def message_slots(payload_bytes: int, width: int) -> int:
    """Slots of ``width`` record words that a message takes."""
    words = MESSAGE_HEADER_WORDS + (payload_bytes + 7) // 8
    return (words + width - 1) // width


@shared_kernel
def message_push(words: Words, epoch: int, kind: int, time: int, payload: Words, payload_bytes: int) -> int:
    """Append a message. Returns the slots that it took, FULL or FENCED."""
    width, stride, mask = words[RECORD_WORDS], words[STRIDE], words[CAPACITY] - 1
    payload_words = (payload_bytes + 7) // 8
    count = message_slots(payload_bytes, width)
    written = _claim(words, epoch, count)
    if written < 0:
        return int(written)
    first = width - MESSAGE_HEADER_WORDS
    for k in range(1, count):
        slot = DATA + ((written + k) & mask) * stride
        store_relaxed(words, slot, 0)
        begin = first + (k - 1) * width
        for w in range(min(width, payload_words - begin)):
            words[slot + 1 + w] = payload[begin + w]
    slot = DATA + (written & mask) * stride
    words[slot + 1] = payload_bytes | (kind << 32)
    words[slot + 2] = time
    for w in range(min(first, payload_words)):
        words[slot + 1 + MESSAGE_HEADER_WORDS + w] = payload[w]
    store_release(words, slot, written + 1)
    store_release(words, WRITER + POSITION, written + count)
    return int(count)


@shared_kernel
def message_peek(words: Words, epoch: int, out: Words, ahead: int) -> int:
    """Copy the message ``ahead`` slots after the oldest, where one begins, header first, to ``out`` and leave it.

    Returns its length in words, 0 when none waits, or FENCED. When the length is beyond ``out`` nothing was copied.
    """
    if load_relaxed(words, READER + EPOCH) != epoch:
        return FENCED
    width, stride, mask = words[RECORD_WORDS], words[STRIDE], words[CAPACITY] - 1
    read = words[READER + POSITION] + ahead
    slot = DATA + (read & mask) * stride
    if load_acquire(words, slot) != read + 1:
        return 0
    length = MESSAGE_HEADER_WORDS + ((words[slot + 1] & 0xFFFFFFFF) + 7) // 8
    if length > len(out):
        return int(length)
    for begin in range(0, length, width):
        for w in range(min(width, length - begin)):
            out[begin + w] = words[slot + 1 + w]
        read += 1
        slot = DATA + (read & mask) * stride
    return int(length)


@shared_kernel
def message_advance(words: Words, epoch: int) -> int:
    """Give the oldest message's slots back to the writer. Returns how many, 0 when none waits, or FENCED."""
    read = words[READER + POSITION]
    slot = DATA + (read & (words[CAPACITY] - 1)) * words[STRIDE]
    if load_acquire(words, slot) != read + 1:
        return 0
    return int(ring_advance(words, epoch, message_slots(words[slot + 1] & 0xFFFFFFFF, words[RECORD_WORDS])))


@shared_kernel
def message_recover(words: Words) -> int:
    """Go on where the last writer of messages stopped, or was stopped. Returns the position."""
    written, mask, stride = words[WRITER + POSITION], words[CAPACITY] - 1, words[STRIDE]
    while written < words[WRITER + CLAIMED]:
        slot = DATA + (written & mask) * stride
        if words[slot] != written + 1:
            break
        written += message_slots(words[slot + 1] & 0xFFFFFFFF, words[RECORD_WORDS])
    words[WRITER + CACHED] = load_acquire(words, READER + POSITION)
    store_release(words, WRITER + POSITION, written)
    store_relaxed(words, WRITER + CLAIMED, written)
    return int(written)


# Sequence-locked state -------------------------------------------------------------------------------------------


@shared_kernel
def seqlock_write(words: Words, epoch: int, source: Words) -> int:
    """Write the next version into the oldest copy, then publish it. Returns the version or FENCED."""
    if load_relaxed(words, WRITER + EPOCH) != epoch:
        return FENCED
    version = words[WRITER + POSITION] + 1
    slot = DATA + (version & (words[CAPACITY] - 1)) * words[STRIDE]
    fence_release()  # who sees a word of this version also sees that the one before it was published
    store_relaxed(words, slot, epoch)
    for w in range(words[RECORD_WORDS]):
        store_relaxed(words, slot + 1 + w, source[w])
    store_release(words, WRITER + POSITION, version)
    return int(version)


@shared_kernel
def seqlock_read(words: Words, out: Words, retries: int) -> int:
    """Copy the last version to ``out``: its writer's epoch, then the record. Returns the version, 0 or BUSY.

    A copy is whole unless its writer has come round to it again, which it has not begun while fewer than all copies
    but one were published since. So a writer that dies in the middle of a write keeps nobody from reading.
    """
    copies, width = words[CAPACITY], words[RECORD_WORDS]
    for _ in range(retries + 1):
        version = load_acquire(words, WRITER + POSITION)
        if version == 0:
            return 0
        slot = DATA + (version & (copies - 1)) * words[STRIDE]
        for w in range(1 + width):
            out[w] = load_relaxed(words, slot + w)
        fence_acquire()
        if load_relaxed(words, WRITER + POSITION) - version < copies - 1:
            return int(version)
        pause()
    return BUSY


# Tables ----------------------------------------------------------------------------------------------------------


@shared_kernel
def vector_append(words: Words, epoch: int, source: Words, count: int) -> int:
    """Append ``count`` rows. Returns the new length, FULL when more must be reserved first, or FENCED."""
    if load_relaxed(words, WRITER + EPOCH) != epoch:
        return FENCED
    length, width = words[WRITER + POSITION], words[RECORD_WORDS]
    if length + count > words[WRITER + CLAIMED]:
        return FULL
    first = DATA + length * width
    for w in range(count * width):
        words[first + w] = source[w]
    store_release(words, WRITER + POSITION, length + count)
    return int(length + count)


# Arenas ----------------------------------------------------------------------------------------------------------


@shared_kernel
def arena_take(words: Words, count: int) -> int:
    """Hand out ``count`` words on a cache line of their own. Returns the index of the first, or FULL."""
    line = ARENA_ALIGNMENT // WORD
    used = words[WRITER + POSITION]
    after = used + (count + line - 1) // line * line
    if after > words[CAPACITY]:
        return FULL
    store_relaxed(words, WRITER + POSITION, after)
    if after > words[WRITER + CLAIMED]:
        store_relaxed(words, WRITER + CLAIMED, after)
    return int(DATA + used)


@shared_kernel
def arena_reset(words: Words, poison: bool) -> None:
    """Take everything back and count the frame; with ``poison`` set every bit that was handed out."""
    if poison:
        for i in range(DATA, DATA + words[WRITER + POSITION]):
            words[i] = ARENA_POISON
    store_relaxed(words, WRITER + POSITION, 0)
    store_relaxed(words, WRITER + CACHED, words[WRITER + CACHED] + 1)
