import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alo_lib.records import LAYOUTS, Kind, Message, records
from alo_lib.transport import MessageError, MessageRing, RecordRing, RingFullError, SegmentError
from alo_lib.transport.inspection import Look
from alo_lib.transport.layout import CLAIMED, DATA, POSITION, STRIDE, WORD, WRITER
from alo_lib.transport.words import slot_stride

NUMBER = np.dtype([("number", "<i8")])


def numbers(*values: int) -> np.ndarray:
    return np.array([(value,) for value in values], NUMBER)


def message(number: int, count: int = 1) -> Message:
    return Message(Kind.QUOTE, number, records(Kind.QUOTE, count, bid=float(number), ask=np.arange(count)))


def same(one: Message | None, two: Message) -> bool:
    return one is not None and one[:2] == two[:2] and one.records.tobytes() == two.records.tobytes()


@pytest.mark.parametrize(("width", "stride"), [(1, 2), (3, 4), (4, 8), (7, 8), (8, 16), (15, 16), (16, 24)])
def test_no_slot_straddles_a_cache_line_needlessly(width, stride):
    assert slot_stride(width) == stride


def test_a_quote_with_its_header_is_one_cache_line(folder):
    ring = MessageRing.create(folder / "a.ring", capacity=8)
    producer = ring.produce("one")
    assert ring.segment.words[STRIDE] * WORD == 64
    for kind in (Kind.QUOTE, Kind.TRADE, Kind.ORDER_EVENT, Kind.INTENT, Kind.RATE, Kind.FRAME):
        assert producer.slots(Message(kind, 0, records(kind))) == 1


def test_records_leave_as_they_came(folder, compiled):
    ring = RecordRing.create(folder / "a.ring", LAYOUTS[Kind.TRADE], capacity=8, compiled=compiled)
    trades = records(Kind.TRADE, 8, close=np.arange(8) + 0.5, volume=np.arange(8))
    with ring.produce("one") as producer, ring.consume("other") as consumer:
        assert len(consumer.pop()) == 0
        producer.push(trades[:5])
        assert consumer.peek(2).tobytes() == trades[:2].tobytes()
        assert consumer.waiting == producer.waiting == 5
        assert consumer.pop(2).tobytes() == trades[:2].tobytes()
        producer.push(trades[5:][::1])
        consumer.advance(1)
        assert consumer.pop().tobytes() == trades[3:].tobytes()
        assert (producer.free, ring.waiting, ring.written, ring.read) == (8, 0, 8, 8)
        producer.push(trades[::2])  # not contiguous
        assert consumer.pop().tobytes() == trades[::2].tobytes()
        with pytest.raises(ValueError, match="count 1 must be between 0 and the 0 records that wait"):
            consumer.advance(1)


def test_a_full_ring_refuses_and_keeps_what_it_has(folder, compiled):
    ring = RecordRing.create(folder / "a.ring", NUMBER, capacity=4, compiled=compiled)
    producer = ring.produce("one")
    producer.push(numbers(1, 2, 3))
    with pytest.raises(RingFullError, match=r"a batch of 2 records .* 1 of 4 slots are free; nobody reads it"):
        producer.push(numbers(4, 5))
    producer.push(numbers(4))
    consumer = ring.consume("other")
    with pytest.raises(RingFullError, match=r"0 of 4 slots are free; other \(pid \d+\) reads it"):
        producer.push(numbers(5))
    assert consumer.pop()["number"].tolist() == [1, 2, 3, 4]


def test_records_of_another_layout_are_refused(folder):
    producer = RecordRing.create(folder / "a.ring", NUMBER, capacity=4).produce("one")
    with pytest.raises(SegmentError, match="do not belong into a ring of"):
        producer.push(np.zeros(1, [("number", "<f8")]))
    messages = MessageRing.create(folder / "b.ring", capacity=4).produce("one")
    with pytest.raises(SegmentError, match="a message of kind QUOTE has records of"):
        messages.push(Message(Kind.QUOTE, 0, records(Kind.RATE)))


def test_read_only_and_unaligned_records_can_be_pushed(folder):
    ring = RecordRing.create(folder / "a.ring", NUMBER, capacity=4)
    consumer, producer = ring.consume("other"), ring.produce("one")
    data = b"\0" * 3 + numbers(7, 8).tobytes()
    producer.push(np.frombuffer(data, NUMBER, 2, 3))
    assert consumer.pop()["number"].tolist() == [7, 8]


def test_a_message_stays_until_it_is_given_back(folder, compiled):
    ring = MessageRing.create(folder / "a.ring", capacity=64, compiled=compiled)
    producer, consumer = ring.produce("one"), ring.consume("other")
    assert consumer.peek() is None
    with pytest.raises(ValueError, match="no message waits"):
        consumer.advance()
    producer.push(message(1, 20))
    producer.push(message(2, 0))
    for _ in range(2):
        assert same(consumer.peek(), message(1, 20))
    consumer.advance()
    assert same(consumer.pop(), message(2, 0))
    assert consumer.pop() is None
    found = message(3)
    producer.push(found)
    popped = consumer.pop()
    assert popped is not None
    with pytest.raises(ValueError, match="read-only"):
        popped.records["bid"] = 0


def test_a_message_larger_than_the_ring_is_refused(folder, compiled):
    ring = MessageRing.create(folder / "a.ring", capacity=4, compiled=compiled)
    producer, consumer = ring.produce("one"), ring.consume("other")
    with pytest.raises(RingFullError, match=r"a message of 6 slots does not fit .*: 4 of 4 slots are free"):
        producer.push(message(1, 7))
    producer.push(message(2, 5))
    assert same(consumer.pop(), message(2, 5))


class TwoQueues(RuleBasedStateMachine):
    """A ring against a list; headers and records wrap at every place, and stale slots hold what looks like stamps."""

    compiled = True

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="alo-test-"))
        self.ring = MessageRing.create(self.folder / "a.ring", capacity=16, compiled=self.compiled)
        self.producer, self.consumer = self.ring.produce("one"), self.ring.consume("other")
        self.expected: list[Message] = []
        self.number = 0

    @rule(count=st.integers(0, 12))
    def push(self, count):
        # Every word of the payload is what a stamp could be.
        rows = records(Kind.QUOTE, count, bid_size=self.ring.written + 1, ask_size=self.ring.written + 2)
        new = Message(Kind.QUOTE, self.number, rows)
        fits = self.producer.slots(new) <= self.producer.free
        try:
            self.producer.push(new)
        except RingFullError:
            assert not fits
        else:
            assert fits
            self.expected.append(new)
            self.number += 1

    @rule()
    def pop(self):
        found = self.consumer.pop()
        if self.expected:
            assert same(found, self.expected.pop(0))
        else:
            assert found is None

    @rule()
    @precondition(lambda self: self.number % 3 == 0)
    def another_producer(self):
        self.producer.close()
        self.producer = self.ring.produce("next")

    @rule()
    @precondition(lambda self: self.number % 5 == 0)
    def another_consumer(self):
        self.consumer = self.ring.consume("next", force=True)

    @invariant()
    def holds_what_waits(self):
        assert self.ring.waiting == sum(self.producer.slots(waiting) for waiting in self.expected)

    def teardown(self):
        self.ring.close()
        shutil.rmtree(self.folder)


TestCompiledAgainstAList = TwoQueues.TestCase
TestCompiledAgainstAList.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


class LockedQueues(TwoQueues):
    compiled = False


TestLockedAgainstAList = LockedQueues.TestCase
TestLockedAgainstAList.settings = settings(max_examples=10, stateful_step_count=30, deadline=None)


@settings(deadline=None, max_examples=30)
@given(done=st.integers(0, 5), published=st.booleans())
def test_a_producer_killed_between_any_two_stores_loses_nothing_it_had_stamped(tmp_path_factory, done, published):
    """A batch of five is claimed, ``done`` stamps of it are stored, and perhaps the position: then it is over."""
    ring = RecordRing.create(tmp_path_factory.mktemp("ring") / "a.ring", NUMBER, capacity=8)
    producer, consumer = ring.produce("one"), ring.consume("other")
    producer.push(numbers(0, 1))
    words = ring.segment.words
    words[WRITER + CLAIMED] = 7
    for place in range(2, 2 + done):
        words[DATA + place * 2 : DATA + place * 2 + 2] = place + 1, place
    if published and done == 5:
        words[WRITER + POSITION] = 7
    following = ring.produce("next", force=True)
    assert ring.written == 2 + done
    following.push(numbers(*range(2 + done, 8)))
    assert consumer.pop()["number"].tolist() == list(range(8))


@pytest.mark.parametrize("filled", range(4))
def test_a_message_half_written_by_a_killed_producer_is_never_seen(folder, compiled, filled):
    ring = MessageRing.create(folder / "a.ring", capacity=8, compiled=compiled)
    producer, consumer = ring.produce("one"), ring.consume("other")
    for number in range(6):  # old stamps lie about
        producer.push(message(number))
        consumer.pop()
    words = ring.segment.words
    words[WRITER + CLAIMED] = 10
    for place in range(7, 7 + filled):  # the first slot, at 6, comes last and never came
        slot = DATA + place % 8 * 8
        words[slot : slot + 8] = 0, *([place + 1] * 7)
    assert consumer.pop() is None
    following = ring.produce("next", force=True)
    assert consumer.pop() is None
    following.push(message(6, 2))
    following.push(message(7))
    assert same(consumer.pop(), message(6, 2))
    assert same(consumer.pop(), message(7))
    assert consumer.pop() is None


def test_a_message_that_was_stamped_and_not_counted_is_kept(folder):
    ring = MessageRing.create(folder / "a.ring", capacity=8)
    producer, consumer = ring.produce("one"), ring.consume("other")
    producer.push(message(1, 3))
    ring.segment.words[WRITER + POSITION] = 0  # killed between the two stores
    following = ring.produce("next", force=True)
    following.push(message(2))
    assert same(consumer.pop(), message(1, 3))
    assert same(consumer.pop(), message(2))


def test_a_reader_looks_ahead_and_gives_several_messages_back(folder, compiled):
    ring = MessageRing.create(folder / "a.ring", capacity=64, compiled=compiled)
    producer, consumer = ring.produce("one"), ring.consume("other")
    sizes = [1, 20, 0, 3]
    for _ in range(7):  # round the ring's end
        for number, size in enumerate(sizes):
            producer.push(message(number, size))
        ahead, seen = 0, []
        while (found := consumer.look(ahead)) is not None:
            seen.append(found)
            assert found.slots == producer.slots(found.message)
            ahead += found.slots
        assert ahead == consumer.waiting
        assert all(same(found.message, message(n, sizes[n])) for n, found in enumerate(seen))
        assert consumer.look(seen[0].slots + 1) is None  # within a message none begins
        consumer.advance(seen[0].slots + seen[1].slots)
        assert same(consumer.peek(), message(2, 0))
        with pytest.raises(ValueError, match="must be between 0 and the 4 that wait"):
            consumer.advance(5)
        consumer.advance(4)
        assert consumer.peek() is None


def test_a_writer_knows_what_was_pushed_last_taken_or_not(folder, compiled):
    ring = MessageRing.create(folder / "a.ring", capacity=8, compiled=compiled)
    producer, consumer = ring.produce("one"), ring.consume("other")
    assert not producer.ends_with(message(0))
    for number in range(20):  # round the ring's end
        producer.push(message(number))
        for _ in range(2):
            assert producer.ends_with(message(number))
            assert not producer.ends_with(message(number + 1))
            consumer.pop()
        producer.close()
        producer = ring.produce("one")
        assert producer.ends_with(message(number))


@pytest.mark.parametrize(
    ("kind", "length", "sentence"),
    [(999, 24, "kind 999 is none"), (int(Kind.TRADE), 23, "23 bytes are no whole TRADE records of 24")],
)
def test_what_is_no_message_is_told_and_can_be_passed_over(folder, compiled, kind, length, sentence):
    ring = MessageRing.create(folder / "a.ring", capacity=64, compiled=compiled)
    producer, consumer = ring.produce("one"), ring.consume("other")
    producer.push(message(1, 1))
    producer.push(message(2))
    ring.segment.words[DATA + 1] = length | kind << 32
    with pytest.raises(MessageError, match=sentence):
        consumer.peek()
    found = consumer.look()
    assert found is not None
    with pytest.raises(MessageError, match=sentence):
        _ = found.message
    consumer.advance(found.slots)
    assert same(consumer.pop(), message(2))


def test_a_segment_knows_whether_its_path_leads_to_it(folder):
    ring = MessageRing.create(folder / "a.ring", capacity=64)
    assert ring.segment.in_place
    ring.remove()
    assert not ring.segment.in_place
    MessageRing.create(folder / "a.ring", capacity=64)
    assert not ring.segment.in_place


def test_a_damaged_length_is_told(folder):
    ring = MessageRing.create(folder / "a.ring", capacity=8)
    producer, consumer = ring.produce("one"), ring.consume("other")
    producer.push(message(1))
    ring.segment.words[DATA + 1] = 1 << 20
    with pytest.raises(SegmentError, match="is damaged: what waits at its positions does not fit them"):
        consumer.peek()


def test_who_looks_takes_nothing_and_sees_what_is_left(folder, compiled):
    ring = MessageRing.create(folder / "a.ring", capacity=8, compiled=compiled)
    producer, consumer = ring.produce("one"), ring.consume("other")
    look = Look(ring.segment.path)
    seen = []
    for number in range(20):
        producer.push(message(number, 1 + number % 3))
        consumer.pop()
        seen = list(look.entries(0))
        assert same(seen[-1].message, message(number, 1 + number % 3))
        assert all(one.end <= two.position for one, two in pairwise(seen))
    assert len(seen) < 20
    assert ring.waiting == 0
    ring.segment.words[WRITER + CLAIMED] += 8  # the producer has begun to overwrite all of it
    assert list(look.entries(0)) == []
    look.close()
