import errno
import os

import numpy as np
import pytest

from alo_lib.records import LAYOUTS, Kind, records
from alo_lib.transport import (
    MessageRing,
    NotOwnerError,
    RecordRing,
    Segment,
    SegmentError,
    SeqLock,
    TransportError,
    default_folder,
)
from alo_lib.transport.layout import HEADER, HEADER_BYTES, NAMESPACE, READER, ROLE, STARTED, WORD, WRITER
from alo_lib.transport.ownership import Role

NUMBER = np.dtype([("number", "<i8")])
QUOTE = LAYOUTS[Kind.QUOTE]


def test_each_side_has_two_cache_lines_of_its_own():
    assert ROLE.itemsize == 128
    assert HEADER.itemsize == HEADER_BYTES == 4096
    assert {WRITER * WORD % 128, READER * WORD % 128} == {0}
    assert ROLE.itemsize // WORD <= READER - WRITER


def test_the_default_folder_is_the_users_own():
    assert default_folder().name == f"alo-{os.getuid()}"


def test_a_segment_outlives_who_made_it_and_stays_until_it_is_removed(folder):
    path = folder / "deep" / "er" / "numbers.ring"
    ring = RecordRing.create(path, NUMBER, capacity=8)
    ring.produce("one").push(np.array([(5,)], NUMBER))
    ring.close()
    again = RecordRing.open(path)
    assert again.dtype == NUMBER
    assert again.capacity == 8
    assert again.consume("other").pop()["number"].tolist() == [5]
    again.remove()
    with pytest.raises(SegmentError, match=r"numbers\.ring cannot be opened: No such file"):
        RecordRing.open(path)
    again.remove()  # what is gone stays gone
    assert sorted(path.parent.iterdir()) == []


def test_no_half_made_segment_is_left_when_there_is_no_room(folder, monkeypatch):
    def no_room(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("alo_lib.transport.segment._reserve", no_room)
    with pytest.raises(SegmentError, match=r"of 4,224 bytes cannot be made: No space left on device"):
        RecordRing.create(folder / "numbers.ring", NUMBER, capacity=8)
    assert list(folder.iterdir()) == []


def test_create_refuses_what_is_there_and_ensure_takes_what_is_the_same(folder):
    path = folder / "quotes.ring"
    ring = RecordRing.create(path, QUOTE, capacity=8)
    with pytest.raises(SegmentError, match="exists already; open it, or remove it first"):
        RecordRing.create(path, QUOTE, capacity=8)
    assert RecordRing.ensure(path, QUOTE, capacity=8).dtype == ring.dtype == QUOTE
    with pytest.raises(SegmentError, match="has capacity 8, not 16; remove it"):
        RecordRing.ensure(path, QUOTE, capacity=16)
    other = np.dtype([("five", "<f8", (5,))])
    with pytest.raises(SegmentError, match=r"holds records of .*instrument.*, not .*five"):
        RecordRing.ensure(path, other, capacity=8)
    with pytest.raises(SegmentError, match="holds records, not seqlock"):
        SeqLock.open(path)


def test_what_is_no_segment_is_refused(folder):
    path = folder / "something"
    path.write_bytes(b"something else")
    with pytest.raises(SegmentError, match="is not a segment: it does not begin with"):
        Segment.open(path)
    ring = RecordRing.create(folder / "cut.ring", NUMBER, capacity=8)
    os.truncate(ring.segment.path, HEADER_BYTES)
    with pytest.raises(SegmentError, match="has 4,096 bytes; its header says 4,224"):
        Segment.open(ring.segment.path)
    path.write_bytes(ring.segment.header.tobytes().replace(b"ALOSHM1\n\x01", b"ALOSHM1\n\x09"))
    with pytest.raises(SegmentError, match="has layout version 9; this program reads 1"):
        Segment.open(path)


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        (np.dtype([("a", "<i4")]), "a record of 4 bytes cannot be shared; pad it to a multiple of 8 bytes"),
        (np.dtype([("a", "O")]), "with Python objects, .* cannot be shared"),
        (np.dtype([]), "a record of 0 bytes cannot be shared"),
        (np.dtype([(f"field {i:09}", "<i8") for i in range(200)]), "bytes is too long; 3584 are allowed"),
    ],
    ids=["half a word", "objects", "nothing", "long names"],
)
def test_layouts_that_cannot_be_shared_are_refused(folder, layout, sentence):
    with pytest.raises(SegmentError, match=sentence):
        SeqLock.create(folder / "a.state", layout)


@pytest.mark.parametrize("capacity", [0, 1, 3, -8, 100])
def test_a_ring_has_a_power_of_two_of_slots(folder, capacity):
    with pytest.raises(SegmentError, match=f"capacity {capacity} must be a power of two, 2 or more"):
        MessageRing.create(folder / "a.ring", capacity=capacity)


def test_a_name_has_to_fit(folder):
    ring = MessageRing.create(folder / "a.ring", capacity=8)
    for name in ("", "x" * 65):
        with pytest.raises(SegmentError, match="must have 1 to 64 bytes"):
            ring.produce(name)
    assert ring.produce("x" * 64).epoch == 1
    assert ring.producer.name == "x" * 64


def test_a_closed_segment_is_not_used(folder):
    ring, state = MessageRing.create(folder / "a.ring", capacity=8), SeqLock.create(folder / "a.state", NUMBER)
    consumer, writer = ring.consume("one"), state.write_as("one")
    ring.close()
    state.close()
    ring.close()  # closing twice is closing
    for use in (consumer.pop, state.read, lambda: writer.write(np.zeros(1, NUMBER))):
        with pytest.raises(SegmentError, match="was closed by this process"):
            use()
    consumer.close()  # and leaves nothing to give up


def test_sides_are_given_up_taken_again_and_fenced(folder, compiled):
    ring = RecordRing.create(folder / "a.ring", NUMBER, capacity=8, compiled=compiled)
    first = ring.produce("first")
    with pytest.raises(NotOwnerError, match=r"the writing side of .*a\.ring belongs to first \(pid \d+\)"):
        ring.produce("second")
    first.close()
    assert ring.producer.pid == 0
    assert not ring.producer.alive
    with ring.produce("second") as second, ring.consume("reader") as reader:
        assert (second.epoch, reader.epoch) == (2, 1)
        third = ring.produce("third", force=True)
        with pytest.raises(NotOwnerError, match=r"taken over by third \(pid \d+\) under epoch 3; .* held epoch 2"):
            second.push(np.zeros(1, NUMBER))
        other = ring.consume("other", force=True)
        for use in (reader.pop, reader.peek, lambda: reader.advance(0)):
            with pytest.raises(NotOwnerError, match=r"the reading side of .* was taken over by other"):
                use()
        third.push(np.array([(3,)], NUMBER))
        assert other.pop()["number"].tolist() == [3]
    assert ring.producer.name == "third"  # a fenced owner's end gives nothing up
    assert ring.producer.alive


def test_states_are_fenced_too(folder, compiled):
    state = SeqLock.create(folder / "a.state", NUMBER, compiled=compiled)
    old, row = state.write_as("old"), np.zeros(1, NUMBER)
    state.write_as("new", force=True)
    with pytest.raises(NotOwnerError, match="taken over by new"):
        old.write(row)


def test_the_owner_of_a_process_number_used_again_is_dead(folder):
    segment = RecordRing.create(folder / "a.ring", NUMBER, capacity=8).segment
    Role(segment, WRITER, "old")
    segment.words[WRITER + STARTED] -= 1  # the same number, another start
    assert Role(segment, WRITER, "new").epoch == 2


def test_an_owner_in_another_container_may_be_alive(folder):
    segment = RecordRing.create(folder / "a.ring", NUMBER, capacity=8).segment
    Role(segment, WRITER, "far")
    segment.words[WRITER + NAMESPACE] += 1
    with pytest.raises(NotOwnerError, match="a process of another container that may be alive"):
        Role(segment, WRITER, "near")
    assert Role(segment, WRITER, "near", force=True).epoch == 2


def test_one_family_of_errors():
    assert issubclass(SegmentError, TransportError)
    assert issubclass(SegmentError, ValueError)


def test_memory_is_touched(folder):
    segment = RecordRing.create(folder / "a.ring", NUMBER, capacity=1 << 10).segment
    segment.touch()
    assert records(Kind.RATE)["rate"] == segment.words[-1] == 0
