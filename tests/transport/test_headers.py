"""Headers that lie: told when a segment is opened or a side taken, and never believed by a kernel while both live."""

import itertools
import os
import re

import numpy as np
import pytest

from alo_lib.numerics.compilation import python_original
from alo_lib.records import Kind, Message, records
from alo_lib.transport import (
    Histograms,
    MessageRing,
    RecordRing,
    RingFullError,
    Segment,
    SegmentError,
    SeqLock,
    kernels,
)
from alo_lib.transport.inspection import Look
from alo_lib.transport.layout import (
    CACHED,
    CAPACITY,
    CLAIMED,
    DATA,
    EPOCH,
    HEADER,
    HEADER_BYTES,
    PID,
    POSITION,
    READER,
    RECORD_WORDS,
    STRIDE,
    WORD,
    WRITER,
    SegmentKind,
)

NUMBER = np.dtype([("number", "<i8"), ("other", "<f8"), ("third", "<i8")])
GUARD = 0x5AFE


def made(folder, kind):
    """A segment of each kind with something in it; its path."""
    path = folder / f"a.{kind.name.lower()}"
    row = np.zeros(1, NUMBER)
    if kind is SegmentKind.RECORDS:
        ring = RecordRing.create(path, NUMBER, capacity=8)
        with ring.produce("one") as side, ring.consume("other") as other:
            for _ in range(3):
                side.push(np.zeros(4, NUMBER))
                other.pop(3)
    elif kind is SegmentKind.MESSAGES:
        messages = MessageRing.create(path, capacity=32)
        with messages.produce("one") as producer, messages.consume("other") as consumer:
            for number in range(4):
                producer.push(Message(Kind.QUOTE, number, records(Kind.QUOTE, 1 + 3 * number)))
            consumer.pop()
    elif kind is SegmentKind.SEQLOCK:
        with SeqLock.create(path, NUMBER).write_as("one") as writer:
            writer.write(row)
    else:
        with Histograms.ensure(path, 3).record_as("one", ["frame", "task"]) as writer:
            writer.record(1, 1000)
    return path


def patched(path, **fields):
    """Write header fields, as they lie in a file that nobody has open."""
    with path.open("r+b") as file:
        header = np.frombuffer(file.read(HEADER_BYTES), HEADER).copy()
        for field, value in fields.items():
            header[field] = value
        file.seek(0)
        file.write(header.tobytes())


def put(path, word, value):
    with path.open("r+b") as file:
        file.seek(word * WORD)
        file.write(np.int64(value).tobytes())


KINDS = list(SegmentKind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.lower())
def test_what_is_true_is_believed(folder, kind):
    path = made(folder, kind)
    Look(path).report()
    Segment.open(path, kind).close()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.lower())
@pytest.mark.parametrize("field", ["capacity", "stride", "record_words"])
@pytest.mark.parametrize("value", [0, -1, 1, 5, 6, 1 << 20, 1 << 61, -(1 << 63), (1 << 63) - 1])
def test_sizes_that_do_not_fit_are_refused(folder, kind, field, value):
    path = made(folder, kind)
    if np.frombuffer(path.read_bytes()[:HEADER_BYTES], HEADER)[field] == value:
        pytest.skip("this is what it is")
    patched(path, **{field: value})
    with pytest.raises(SegmentError, match=r"cannot have|is damaged: capacity|says that its records have"):
        Segment.open(path)


@pytest.mark.parametrize("kind", [SegmentKind.RECORDS, SegmentKind.SEQLOCK], ids=["records", "seqlock"])
def test_sizes_that_only_add_up_are_refused(folder, kind):
    """Products that are right, of sizes that kernels cannot work with."""
    path = made(folder, kind)
    total = (path.stat().st_size - HEADER_BYTES) // WORD
    for capacity in (total // 4 * 4 // 12, total, 1, total // 2):
        patched(path, capacity=capacity, stride=total // capacity, record_words=3)
        if capacity * (total // capacity) == total and total // capacity != 4:
            with pytest.raises(SegmentError, match=r"is damaged: capacity|cannot have"):
                Segment.open(path)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": 0}, "holds kind 0; it must be one of 1, 2, 3, 6"),
        ({"kind": 99}, "holds kind 99; it must be one of"),
        ({"bytes": 1 << 40}, "its header says 1,099,511,627,776"),
        ({"schema_length": -1}, "says that -1 bytes describe its records"),
        ({"schema_length": 1 << 40}, "bytes describe its records, which cannot be"),
        ({"schema_length": 0}, "says that 0 bytes describe its records"),
        ({"schema_length": 5}, "does not say what its records are"),
    ],
)
def test_what_else_does_not_fit_is_refused(folder, fields, sentence):
    path = made(folder, SegmentKind.RECORDS)
    patched(path, **fields)
    for use in (Segment.open, Look):
        with pytest.raises(SegmentError, match=sentence):
            use(path)


@pytest.mark.parametrize(
    "text",
    [
        b"[('a', '|O'), ('b', '<i8'), ('c', '<i8')]",  # an object is an address
        b"'|O'",
        b"[('a', '<i8')]",
        b"[('a', '<i8', (3,)), ]",  # right, but not as this program writes it
        b"[('a', '<i8', (1000000000000000000, 1000000000000000000))]",
        b"[('a', '<i8', (-1,))]",
        b"[('a', '<i8', (True,))]",
        b"[('a', '<f3')]",
        b"[('a', 5)]",
        b"[(('t', 'a'), '<i8', (3,))]",
        b"[('a', '<i8'), ('a', '<i8'), ('b', '<i8')]",
        b"__import__('os').getpid()",
        b"{'names': ['a']}",
        b"(" * 3_000,
        b"[" * 3_000,
        b"-" * 3_000 + b"1",
        b"[('a', " * 400,
        b"\xff\xfe",
        b"7",
        b"None",
        b"[]",
        b"'<i8",
    ],
)
def test_a_schema_that_is_none_is_refused_and_never_run(folder, text):
    path = made(folder, SegmentKind.RECORDS)
    patched(path, schema=text, schema_length=len(text))
    with pytest.raises(SegmentError, match=r"does not say what its records are|its layout has|bytes describe") as found:
        Segment.open(path)
    assert len(str(found.value)) < 400


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        (kind, word, value)
        for kind in (SegmentKind.RECORDS, SegmentKind.MESSAGES)
        for word, values in (
            (WRITER + POSITION, (-1, 0, 1 << 20, (1 << 63) - 1)),
            (WRITER + CLAIMED, (-1, 0, 1 << 20, -(1 << 63))),
            (WRITER + CACHED, (-1, 1 << 20)),
            (READER + POSITION, (-1, 1 << 20, -(1 << 63))),
            (WRITER + EPOCH, (-1, 1 << 62)),
            (READER + PID, (-7, 1 << 40)),
        )
        for value in values
    ]
    + [
        (SegmentKind.SEQLOCK, WRITER + POSITION, -1),
        (SegmentKind.SEQLOCK, WRITER + EPOCH, (1 << 63) - 1),
        (SegmentKind.HISTOGRAMS, WRITER + POSITION, -1),
        (SegmentKind.HISTOGRAMS, WRITER + POSITION, 1 << 50),
        (SegmentKind.HISTOGRAMS, WRITER + CLAIMED, 101),
    ],
)
def test_positions_that_nobody_can_have_come_to_are_refused(folder, kind, word, value):
    path = made(folder, kind)
    put(path, word, value)
    for use in (Segment.open, Look):
        with pytest.raises(SegmentError, match=r"is damaged: (its header tells of|a side of it has)"):
            use(path)


def test_a_ring_whose_records_are_not_where_they_should_be_is_refused(folder, compiled):
    path = made(folder, SegmentKind.RECORDS)
    ring = RecordRing.open(path, compiled=compiled)
    assert len(ring.consume("one").peek()) == 3
    put(path, DATA + (9 & 7) * 4, 77)
    with pytest.raises(SegmentError, match="is damaged: what waits at its positions does not fit them"):
        ring.consume("two", force=True)
    assert ring.consumer.pid == 0  # and the side is left free


@pytest.mark.parametrize("length", [0, 25, 50_000, 0xFFFFFFFF])
def test_a_ring_whose_messages_do_not_follow_each_other_is_refused(folder, compiled, length):
    path = made(folder, SegmentKind.MESSAGES)
    ring = MessageRing.open(path, compiled=compiled)
    first = ring.read
    put(path, DATA + first * 8 + 1, length | int(Kind.QUOTE) << 32)
    for take in (ring.consume, ring.produce) if length > 50_000 else (ring.consume,):
        ring.segment.words[WRITER + POSITION] = first if take == ring.produce else ring.written
        with pytest.raises(SegmentError, match="is damaged: what waits at its positions does not fit them"):
            take("two")
    assert ring.consumer.pid == ring.producer.pid == 0


@pytest.mark.parametrize("length", [41, 500, 8 * 7 * 32, 0xFFFFFFFF])
def test_a_length_that_is_altered_while_both_live_is_told_and_not_followed(folder, compiled, length):
    ring = MessageRing.create(folder / "a.ring", capacity=32, compiled=compiled)
    producer, consumer = ring.produce("one"), ring.consume("other")
    producer.push(Message(Kind.QUOTE, 1, records(Kind.QUOTE, 1)))
    ring.segment.words[DATA + 1] = length | int(Kind.QUOTE) << 32
    for use in (consumer.peek, consumer.pop, consumer.advance):
        with pytest.raises(SegmentError, match="is damaged: what waits at its positions does not fit them"):
            use()
    assert ring.read == 0


LIES = [0, 1, -1, 2, 3, 7, 64, 1 << 20, 1 << 31, 1 << 32, 1 << 60, -(1 << 63), (1 << 63) - 1]


@pytest.mark.parametrize("word", [CAPACITY, STRIDE, RECORD_WORDS, WRITER + POSITION, WRITER + CLAIMED, WRITER + CACHED])
def test_a_header_altered_while_both_live_makes_no_kernel_leave_the_segment(word):
    """The other side writes a lie into each word; kernels work amid an array that is watched around them."""
    steps = (
        lambda w, b: kernels.ring_push(w, 1, b, 2),
        lambda w, b: kernels.ring_peek(w, 1, b, 4),
        lambda w, b: kernels.ring_recover(w),
        lambda w, b: kernels.ring_check(w),
        lambda w, b: kernels.message_push(w, 1, 1, 1, b, 80),
        lambda w, b: kernels.message_peek(w, 1, b, 0),
        lambda w, b: kernels.message_advance(w, 1),
        lambda w, b: kernels.message_recover(w),
        lambda w, b: kernels.message_check(w),
        lambda w, b: kernels.seqlock_write(w, 1, b),
        lambda w, b: kernels.seqlock_read(w, b, 4),
    )
    around, guarded = np.empty(3 * (DATA + 32) + 192, np.int64), np.empty(96, np.int64)
    words, buffer = around[DATA + 96 : 2 * DATA + 128], guarded[32:64]
    for lie, (capacity, stride), step in itertools.product(LIES, ((8, 4), (4, 8), (32, 1)), steps):
        around[:], guarded[:] = GUARD, GUARD
        words[:], buffer[:] = 0, 0
        words[CAPACITY], words[STRIDE], words[RECORD_WORDS] = capacity, stride, {8: 7, 4: 3, 1: 1}[stride]
        words[WRITER + EPOCH] = words[READER + EPOCH] = 1
        words[WRITER + CLAIMED] = 8
        words[word] = lie
        step(words, buffer)
        assert (around[: DATA + 96] == GUARD).all()
        assert (around[2 * DATA + 128 :] == GUARD).all()
        assert (guarded[:32] == GUARD).all()
        assert (guarded[64:] == GUARD).all()


def test_sides_tell_what_was_altered_under_them(folder):
    ring = RecordRing.create(folder / "a.ring", NUMBER, capacity=8)
    producer, consumer, words = ring.produce("one"), ring.consume("other"), ring.segment.words
    words[RECORD_WORDS] = 7
    for use in (lambda: producer.push(np.zeros(1, NUMBER)), lambda: consumer.pop(3)):
        with pytest.raises(SegmentError, match="cannot have records of 7 words in slots of 4"):
            use()
    words[RECORD_WORDS] = 3
    words[WRITER + POSITION] = 1 << 50
    with pytest.raises(SegmentError, match="is damaged: its header tells of"):
        consumer.pop()
    words[WRITER + POSITION], words[READER + POSITION] = 0, 5
    words[WRITER + CACHED] = -8
    with pytest.raises(SegmentError, match="is damaged: its header tells of"):
        producer.push(np.zeros(1, NUMBER))
    for beyond in (1 << 62, (1 << 63) - 1, -5):
        words[WRITER + POSITION] = words[WRITER + CACHED] = beyond
        for kernel in (kernels.ring_push, python_original(kernels.ring_push)):
            assert kernel(words, producer.epoch, np.zeros(9, np.int64), 3) == kernels.DAMAGED
    state = SeqLock.create(folder / "a.state", NUMBER)
    writer = state.write_as("one")
    state.segment.words[CAPACITY] = 1 << 40
    for use_state in (state.read, lambda: writer.write(np.zeros(1, NUMBER))):
        with pytest.raises(SegmentError, match="cannot have 1099511627776 times 4 words"):
            use_state()
    full = MessageRing.create(folder / "b.ring", capacity=8).produce("one")
    with pytest.raises(RingFullError):
        full.push(Message(Kind.QUOTE, 1, records(Kind.QUOTE, 100)))


def test_a_file_that_is_cut_is_told_where_it_is_looked_for(folder):
    ring = MessageRing.create(folder / "a.ring", capacity=1024)
    look = Look(ring.segment.path)
    assert ring.segment.in_place
    os.truncate(ring.segment.path, 2 * HEADER_BYTES)
    sentence = re.escape("a.ring was cut from 69,632 to 8,192 bytes; remove it")
    for use in (
        lambda: ring.produce("one"),
        lambda: ring.consume("other"),
        look.report,
        lambda: list(look.entries(0)),
        ring.segment.check_size,
    ):
        with pytest.raises(SegmentError, match=sentence):
            use()
    assert not ring.segment.in_place
    with pytest.raises(SegmentError, match="has 8,192 bytes; its header says 69,632"):
        MessageRing.open(ring.segment.path)


def test_a_name_in_a_header_cannot_break_a_sentence(folder):
    ring = MessageRing.create(folder / "a.ring", capacity=8)
    ring.produce("one\n\x1b[2J")
    assert ring.producer.name == "one??[2J"
