"""Positions near their end: what counts goes on or stops with a sentence, and never begins again from below zero."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.records import Kind, Message, records
from alo_lib.transport import MessageRing, RecordRing, SegmentError, SeqLock, TransportError
from alo_lib.transport.layout import CACHED, CLAIMED, POSITION, READER, WRITER

END = 2**62
ROW = np.dtype([("number", "<i8")])


def moved(words: Any, position: int) -> None:
    """As a ring that has counted so far and is empty."""
    for side, word in ((WRITER, POSITION), (WRITER, CLAIMED), (WRITER, CACHED), (READER, POSITION)):
        words[side + word] = position


@pytest.mark.parametrize("compiled", [None, False])
@pytest.mark.parametrize("before", [0, 1, 3, 8])
def test_a_ring_of_records_counts_to_its_end(tmp_path: Path, before: int, compiled: bool | None) -> None:
    ring = RecordRing.create(tmp_path / "ring", ROW, capacity=8, compiled=compiled)
    moved(ring.segment.words, END - before)
    taken: list[int] = []
    with ring.produce("one") as producer, ring.consume("other") as consumer:
        for number in range(0, 20, 2):
            if ring.written >= END:
                with pytest.raises(SegmentError, match=f"/ring has counted to {ring.written}, beyond which nothing"):
                    producer.push(np.zeros(1, ROW))
                break
            producer.push(np.arange(number, number + 2).view(ROW))
            taken += consumer.pop()["number"].tolist()
    assert taken == list(range(len(taken)))
    assert len(taken) == before + before % 2
    assert ring.written == ring.read == END - before + len(taken)
    ring.close()
    with pytest.raises(SegmentError, match=f"{ring.segment.path} "):
        RecordRing.open(ring.segment.path).produce("one").push(np.zeros(1, ROW))


@pytest.mark.parametrize("compiled", [None, False])
@pytest.mark.parametrize("before", [0, 1, 5, 8])
def test_a_ring_of_messages_counts_to_its_end(tmp_path: Path, before: int, compiled: bool | None) -> None:
    ring = MessageRing.create(tmp_path / "ring", capacity=8, compiled=compiled)
    moved(ring.segment.words, END - before)
    taken = []
    message = Message(Kind.QUOTE, 7, records(Kind.QUOTE, 2, bid=1.5))
    slots = ring.produce("one").slots(message)
    assert slots > 1
    with ring.produce("one", force=True) as producer, ring.consume("other") as consumer:
        for _ in range(20):
            if ring.written >= END:
                with pytest.raises(SegmentError, match=f"/ring has counted to {ring.written}, beyond which nothing"):
                    producer.push(message)
                break
            producer.push(message)
            popped = consumer.pop()
            assert popped is not None
            taken.append(popped.records.tobytes())
    assert taken == [message.records.tobytes()] * -(-before // slots)
    assert ring.written == ring.read == END - before + len(taken) * slots


@pytest.mark.parametrize("compiled", [None, False])
@pytest.mark.parametrize("before", [1, 2, 40])
def test_a_state_counts_to_its_end(tmp_path: Path, before: int, compiled: bool | None) -> None:
    state = SeqLock.create(tmp_path / "state", ROW, compiled=compiled)
    state.segment.words[WRITER + POSITION] = END - before
    written = 0
    with state.write_as("one") as writer:
        for number in range(1, 100):
            if state.version == END - 1:
                with pytest.raises(SegmentError, match=f"/state has counted to {END - 1}, beyond which nothing"):
                    writer.write(np.zeros(1, ROW))
                break
            written = writer.write(np.array([number]).view(ROW))
            reading = state.read()
            assert (reading.version, reading.value["number"]) == (END - before + number, number)
    assert written == (END - 1 if before > 1 else 0)
    assert state.version == END - 1
    assert state.read().value["number"] == before - 1  # the last is still read


@pytest.mark.parametrize("position", [END, 2**63 - 2, 2**63 - 1, -1])
def test_what_has_counted_beyond_the_end_is_refused(tmp_path: Path, position: int) -> None:
    ring = RecordRing.create(tmp_path / "ring", ROW, capacity=8)
    state = SeqLock.create(tmp_path / "state", ROW)
    moved(ring.segment.words, position)
    state.segment.words[WRITER + POSITION] = position
    for use in (
        lambda: RecordRing.open(tmp_path / "ring"),
        lambda: SeqLock.open(tmp_path / "state"),
        lambda: ring.produce("one", force=True).push(np.zeros(1, ROW)),
        lambda: state.write_as("one", force=True).write(np.zeros(1, ROW)),
    ):
        with pytest.raises(TransportError, match=f"{tmp_path}/(ring|state) "):
            use()
    assert (ring.written, state.version) == (position, position)
