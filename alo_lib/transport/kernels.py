"""The steps of rings and sequence locks, as kernels on a segment's words.

They allocate nothing and raise nothing: each returns a count or one of the statuses below, and the objects of this
package, or a compiled caller, decide what that means. ``words`` is a whole segment, ``epoch`` the caller's for the side
it works on.

The other side can write to the whole segment, its header too, and may have gone mad. So each step takes the sizes from
the header once, holds them against the segment's own length and against the caller's array, and touches nothing outside
of either, whatever positions and lengths say. Of a ring of messages the header is not asked: its slots have one size,
and how many there are follows from its length, which was found to be right when it was opened.

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
    MESSAGE_STRIDE,
    MESSAGE_WORDS,
    POSITION,
    READER,
    RECORD_WORDS,
    STRIDE,
    WRITER,
)

__all__ = [
    "BUSY",
    "DAMAGED",
    "FENCED",
    "FULL",
    "MESSAGE_HEADER_WORDS",
    "message_advance",
    "message_check",
    "message_peek",
    "message_push",
    "message_recover",
    "message_slots",
    "ring_advance",
    "ring_check",
    "ring_peek",
    "ring_pop",
    "ring_push",
    "ring_recover",
    "seqlock_read",
    "seqlock_write",
]

FULL: Final = -1
"""There is no room; nothing was changed."""
FENCED: Final = -2
"""The side is owned under another epoch; nothing was changed."""
BUSY: Final = -3
"""The state was rewritten during every try to read it."""
DAMAGED: Final = -4
"""The header does not fit the segment, or a message its ring; nothing was changed or copied."""

MESSAGE_HEADER_WORDS: Final = 2
"""A message begins with :data:`alo_lib.transport.wire.HEADER`: length, kind and zero in one word, time in the next."""


@shared_kernel
def _slots(words: Words) -> tuple[int, int, int]:
    """Capacity, stride and width of what has slots, each loaded once; the capacity is 0 where they do not fit.

    A segment has less than 2^32 words, so no product of two sizes that wraps around looks like one that does not.
    """
    capacity, stride = load_relaxed(words, CAPACITY), load_relaxed(words, STRIDE)
    width = load_relaxed(words, RECORD_WORDS)
    size = len(words) - DATA
    if (
        capacity <= 0
        or capacity & (capacity - 1)
        or stride > size
        or width < 1
        or width >= stride
        or capacity * stride != size
    ):
        return 0, 1, 1
    return capacity, stride, width


# Rings of records ------------------------------------------------------------------------------------------------


@shared_kernel
def _claim(words: Words, epoch: int, count: int, capacity: int) -> int:
    """Make ``count`` slots the writer's. Returns the position of the first, FULL, FENCED or DAMAGED."""
    if load_relaxed(words, WRITER + EPOCH) != epoch:
        return FENCED
    written = words[WRITER + POSITION]
    if written >> 62:  # below 0, or so far that what follows it is
        return DAMAGED
    if written + count - words[WRITER + CACHED] > capacity:
        # Only when it looks full does the writer look at what the reader writes: their cache lines stay apart.
        read = load_acquire(words, READER + POSITION)
        if written - read < 0 or written - read > capacity:
            return DAMAGED
        words[WRITER + CACHED] = read
        if written + count - read > capacity:
            return FULL
    store_relaxed(words, WRITER + CLAIMED, written + count)
    fence_release()  # a tap that sees any byte of the new records also sees that their slots were claimed
    return int(written)


@shared_kernel
def ring_push(words: Words, epoch: int, source: Words, count: int) -> int:
    """Append ``count`` records from ``source``, all or none. Returns ``count``, FULL, FENCED or DAMAGED."""
    capacity, stride, width = _slots(words)
    if capacity == 0 or count * width > len(source):
        return DAMAGED
    written = _claim(words, epoch, count, capacity)
    if written < 0:
        return int(written)
    mask = capacity - 1
    for k in range(count):
        slot = DATA + ((written + k) & mask) * stride
        for w in range(width):
            words[slot + 1 + w] = source[k * width + w]
        store_release(words, slot, written + k + 1)
    store_release(words, WRITER + POSITION, written + count)
    return count


@shared_kernel
def ring_peek(words: Words, epoch: int, out: Words, limit: int) -> int:
    """Copy up to ``limit`` of the oldest records to ``out`` and leave them. Returns how many, FENCED or DAMAGED."""
    if load_relaxed(words, READER + EPOCH) != epoch:
        return FENCED
    capacity, stride, width = _slots(words)
    if capacity == 0 or limit * width > len(out):
        return DAMAGED
    read, mask = words[READER + POSITION], capacity - 1
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
    """Take up to ``limit`` of the oldest records. Returns how many, FENCED or DAMAGED."""
    count = ring_peek(words, epoch, out, limit)
    return int(ring_advance(words, epoch, count) if count > 0 else count)


@shared_kernel
def ring_recover(words: Words) -> int:
    """Go on where the last writer of records stopped, or was stopped. Returns the position, or DAMAGED."""
    capacity, stride, _ = _slots(words)
    written, claimed = words[WRITER + POSITION], words[WRITER + CLAIMED]
    read = load_acquire(words, READER + POSITION)
    if capacity == 0 or not _fits(read, written, claimed, capacity):
        return DAMAGED
    while written < claimed and words[DATA + (written & (capacity - 1)) * stride] == written + 1:
        written += 1
    words[WRITER + CACHED] = read
    store_release(words, WRITER + POSITION, written)
    store_relaxed(words, WRITER + CLAIMED, written)
    return int(written)


@shared_kernel
def _fits(read: int, written: int, claimed: int, capacity: int) -> bool:
    """Whether a ring's positions are ones that a writer and a reader can have come to."""
    return 0 <= read <= written <= claimed and claimed - read <= capacity


@shared_kernel
def ring_check(words: Words) -> int:
    """Walk what waits, for whoever has just taken the reading side. Returns how many records, or DAMAGED."""
    capacity, stride, _ = _slots(words)
    read, written = words[READER + POSITION], load_acquire(words, WRITER + POSITION)
    if capacity == 0 or not _fits(read, written, written, capacity):
        return DAMAGED
    for position in range(read, written):
        if load_acquire(words, DATA + (position & (capacity - 1)) * stride) != position + 1:
            return DAMAGED
    return int(written - read)


# Rings of messages -----------------------------------------------------------------------------------------------


@shared_kernel
def message_slots(payload_bytes: int, width: int) -> int:
    """Slots of ``width`` record words that a message takes."""
    words = MESSAGE_HEADER_WORDS + (payload_bytes + 7) // 8
    return (words + width - 1) // width


@shared_kernel
def message_push(words: Words, epoch: int, kind: int, time: int, payload: Words, payload_bytes: int) -> int:
    """Append a message. Returns the slots that it took, FULL, FENCED or DAMAGED."""
    payload_words = (payload_bytes + 7) // 8
    if payload_words > len(payload):
        return DAMAGED
    capacity, count = _message_capacity(words), message_slots(payload_bytes, MESSAGE_WORDS)
    written = _claim(words, epoch, count, capacity)
    if written < 0:
        return int(written)
    mask = capacity - 1
    first = MESSAGE_WORDS - MESSAGE_HEADER_WORDS
    for k in range(1, count):
        slot = DATA + ((written + k) & mask) * MESSAGE_STRIDE
        store_relaxed(words, slot, 0)
        begin = first + (k - 1) * MESSAGE_WORDS
        for w in range(min(MESSAGE_WORDS, payload_words - begin)):
            words[slot + 1 + w] = payload[begin + w]
    slot = DATA + (written & mask) * MESSAGE_STRIDE
    words[slot + 1] = payload_bytes | (kind << 32)
    words[slot + 2] = time
    for w in range(min(first, payload_words)):
        words[slot + 1 + MESSAGE_HEADER_WORDS + w] = payload[w]
    store_release(words, slot, written + 1)
    store_release(words, WRITER + POSITION, written + count)
    return int(count)


@shared_kernel
def _message_capacity(words: Words) -> int:
    """Slots of a ring of messages, a power of two."""
    return (len(words) - DATA) // MESSAGE_STRIDE


@shared_kernel
def message_peek(words: Words, epoch: int, out: Words, ahead: int) -> int:
    """Copy the message ``ahead`` slots after the oldest, where one begins, header first, to ``out`` and leave it.

    Returns its length in words, 0 when none waits, FENCED or, where it cannot have the length that it says, DAMAGED.
    When the length is beyond ``out`` nothing was copied.
    """
    if load_relaxed(words, READER + EPOCH) != epoch:
        return FENCED
    capacity = _message_capacity(words)
    mask, read = capacity - 1, words[READER + POSITION] + ahead
    slot = DATA + (read & mask) * MESSAGE_STRIDE
    if load_acquire(words, slot) != read + 1:
        return 0
    length = MESSAGE_HEADER_WORDS + ((load_relaxed(words, slot + 1) & 0xFFFFFFFF) + 7) // 8
    if length > MESSAGE_WORDS and not _is_claimed(words, read, length, capacity):
        return DAMAGED
    if length > len(out):
        return int(length)
    for begin in range(0, length, MESSAGE_WORDS):
        for w in range(min(MESSAGE_WORDS, length - begin)):
            out[begin + w] = words[slot + 1 + w]
        read += 1
        slot = DATA + (read & mask) * MESSAGE_STRIDE
    return int(length)


@shared_kernel
def _is_claimed(words: Words, read: int, length: int, capacity: int) -> bool:
    """Whether ``length`` words from a position can be one message of several slots; it takes the writer's line."""
    count = (length + MESSAGE_WORDS - 1) // MESSAGE_WORDS
    return count <= capacity and count <= load_relaxed(words, WRITER + CLAIMED) - read


@shared_kernel
def message_advance(words: Words, epoch: int) -> int:
    """Give the oldest message's slots back to the writer. Returns how many, 0 when none waits, FENCED or DAMAGED."""
    capacity, read = _message_capacity(words), words[READER + POSITION]
    slot = DATA + (read & (capacity - 1)) * MESSAGE_STRIDE
    if load_acquire(words, slot) != read + 1:
        return 0
    count = message_slots(load_relaxed(words, slot + 1) & 0xFFFFFFFF, MESSAGE_WORDS)
    if count > 1 and not _is_claimed(words, read, count * MESSAGE_WORDS, capacity):
        return DAMAGED
    return int(ring_advance(words, epoch, count))


@shared_kernel
def message_check(words: Words) -> int:
    """Walk what waits, for whoever has just taken the reading side. Returns how many slots, or DAMAGED."""
    capacity = _message_capacity(words)
    read, written = words[READER + POSITION], load_acquire(words, WRITER + POSITION)
    if not _fits(read, written, written, capacity):
        return DAMAGED
    position = read
    while position < written:
        slot = DATA + (position & (capacity - 1)) * MESSAGE_STRIDE
        if load_acquire(words, slot) != position + 1:
            return DAMAGED
        position += message_slots(load_relaxed(words, slot + 1) & 0xFFFFFFFF, MESSAGE_WORDS)
    return int(written - read if position == written else DAMAGED)


@shared_kernel
def message_recover(words: Words) -> int:
    """Go on where the last writer of messages stopped, or was stopped. Returns the position, or DAMAGED."""
    capacity = _message_capacity(words)
    written, claimed = words[WRITER + POSITION], words[WRITER + CLAIMED]
    read = load_acquire(words, READER + POSITION)
    if not _fits(read, written, claimed, capacity):
        return DAMAGED
    while written < claimed:
        slot = DATA + (written & (capacity - 1)) * MESSAGE_STRIDE
        if words[slot] != written + 1:
            break
        written += message_slots(words[slot + 1] & 0xFFFFFFFF, MESSAGE_WORDS)
        if written > claimed:
            return DAMAGED
    words[WRITER + CACHED] = read
    store_release(words, WRITER + POSITION, written)
    store_relaxed(words, WRITER + CLAIMED, written)
    return int(written)


# Sequence-locked state -------------------------------------------------------------------------------------------


@shared_kernel
def seqlock_write(words: Words, epoch: int, source: Words) -> int:
    """Write the next version into the oldest copy, then publish it. Returns the version, FENCED or DAMAGED."""
    if load_relaxed(words, WRITER + EPOCH) != epoch:
        return FENCED
    copies, stride, width = _slots(words)
    version = words[WRITER + POSITION] + 1
    if copies == 0 or width > len(source) or version < 1 or version >> 62:  # that is as far as anything counts
        return DAMAGED
    slot = DATA + (version & (copies - 1)) * stride
    fence_release()  # who sees a word of this version also sees that the one before it was published
    store_relaxed(words, slot, epoch)
    for w in range(width):
        store_relaxed(words, slot + 1 + w, source[w])
    store_release(words, WRITER + POSITION, version)
    return int(version)


@shared_kernel
def seqlock_read(words: Words, out: Words, retries: int) -> int:
    """Copy the last version to ``out``: its writer's epoch, then the record. Returns the version, 0, BUSY or DAMAGED.

    A copy is whole unless its writer has come round to it again, which it has not begun while fewer than all copies
    but one were published since. So a writer that dies in the middle of a write keeps nobody from reading.
    """
    copies, stride, width = _slots(words)
    if copies == 0 or 1 + width > len(out):
        return DAMAGED
    for _ in range(retries + 1):
        version = load_acquire(words, WRITER + POSITION)
        if version <= 0:
            return DAMAGED if version < 0 else 0
        slot = DATA + (version & (copies - 1)) * stride
        for w in range(1 + width):
            out[w] = load_relaxed(words, slot + w)
        fence_acquire()
        if load_relaxed(words, WRITER + POSITION) - version < copies - 1:
            return int(version)
        pause()
    return BUSY
