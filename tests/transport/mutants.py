"""Altered segments of every kind, and what becomes of whoever uses them: ``python -m tests.transport.mutants``.

A finding (:mod:`tests.trials`) is what ends neither in one sentence nor in what the bytes say.
"""

import os
import random
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from alo_lib.records import LAYOUTS, Kind, Message, records
from alo_lib.records.processes import this_process
from alo_lib.transport import (
    Histograms,
    MessageRing,
    RecordRing,
    Segment,
    SeqLock,
    TransportError,
    ownership,
)
from alo_lib.transport.inspection import Look
from alo_lib.transport.layout import DATA, HEADER, HEADER_BYTES, READER, WORD, WRITER, SegmentKind
from tests.trials import work_through

ROW = np.dtype([("number", "<i8"), ("price", "<f8"), ("name", "S8")])
ODD = [0, 1, -1, 2, 3, 7, 8, 16, 63, 64, 255, 4096, 1 << 16, (1 << 31) - 1, 1 << 31, 1 << 32, 1 << 48, 1 << 61, 1 << 62]
ODD += [-(1 << 63), (1 << 63) - 1, -8, -4096]
NAMED = [offset // WORD for offset in (0, 8, 16, 24, 32, 40, 48, 56)]
SIDES = [side + word for side in (WRITER, READER) for word in range(8)]


def rows(number: int, count: int) -> Any:
    array = np.zeros(count, ROW)
    array["number"], array["price"], array["name"] = np.arange(count) + number, number / 3, b"n%d" % number
    return array


def originals(folder: Path) -> list[tuple[SegmentKind, bytes]]:
    """Segments as runs leave them: empty, part full, wrapped around, full."""
    found = []
    for pushed, taken in ((0, 0), (5, 2), (8, 0), (21, 16)):
        path = folder / f"records.{pushed}"
        ring = RecordRing.create(path, ROW, capacity=8)
        with ring.produce("one") as producer, ring.consume("other") as consumer:
            for number in range(pushed):
                producer.push(rows(number, 1))
                if number < taken:
                    consumer.pop(1)
        found.append((SegmentKind.RECORDS, path))
    for pushed, kept in ((0, 0), (3, 3), (9, 2), (40, 4)):
        path = folder / f"messages.{pushed}"
        messages = MessageRing.create(path, capacity=32)
        with messages.produce("core") as sender, messages.consume("host") as taker:
            for number in range(pushed):
                sender.push(Message(Kind.QUOTE, number, records(Kind.QUOTE, number * 3 % 8, bid=1.5, bid_size=number)))
                if number < pushed - kept:
                    taker.pop()
        found.append((SegmentKind.MESSAGES, path))
    for written in (0, 1, 40):
        path = folder / f"seqlock.{written}"
        with SeqLock.create(path, ROW).write_as("one") as writer:
            for number in range(written):
                writer.write(rows(number, 1))
        found.append((SegmentKind.SEQLOCK, path))
    path = folder / "histograms"
    with Histograms.ensure(path, 2).record_as("one", ["frame", "task"]) as times:
        for number in range(30):
            times.record(number % 2, number << number)
    found.append((SegmentKind.HISTOGRAMS, path))
    return [(kind, path.read_bytes()) for kind, path in found]


def place(chance: random.Random, size: int) -> int:
    """A word: as often one that says what the segment is, or where its sides are, as one of its data."""
    where = chance.random()
    if where < 0.25:
        return chance.choice(NAMED)
    if where < 0.6:
        return chance.choice(SIDES)
    if where < 0.7:
        return chance.randrange(512 // WORD, 512 // WORD + 24)  # the schema
    return chance.randrange(DATA, max(DATA + 1, size // WORD)) if where < 0.95 else chance.randrange(DATA)


def set_word(image: bytearray, word: int, chance: random.Random) -> None:
    """One of the integers that are odd somewhere, or one near to what was there."""
    offset = word * WORD
    if offset + WORD > len(image):
        return
    was = struct.unpack_from("<q", image, offset)[0]
    new = chance.choice(ODD) if chance.random() < 0.5 else was + chance.choice((-8, -2, -1, 1, 2, 8, 32))
    struct.pack_into("<q", image, offset, max(-(1 << 63), min((1 << 63) - 1, new)))


def altered(image: bytearray, other: bytes, chance: random.Random, *, cut: bool) -> None:
    """Alter in place, once or a few times, as AFL does: bits, bytes, integers, blocks; cut or lengthened last."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        what, offset = chance.random(), place(chance, len(image)) * WORD
        if what < 0.45:
            set_word(image, offset // WORD, chance)
        elif what < 0.65:
            at = min(offset + chance.randrange(WORD), len(image) - 1)
            image[at] ^= 1 << chance.randrange(8)
        elif what < 0.8:
            at = min(offset + chance.randrange(WORD), len(image) - 1)
            image[at] = chance.choice((0, 1, 0x27, 0x28, 0x5B, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        else:
            size = min(chance.choice((1, 8, 64, 128, 512)), len(image) - offset)
            source = other if what < 0.9 else bytes(image)
            begin = chance.randrange(0, max(1, len(source) - size))
            block = source[begin : begin + size]
            image[offset : offset + len(block)] = block
    if cut and chance.random() < 0.1:
        if chance.random() < 0.7:
            del image[chance.choice((0, 1, 8, 255, HEADER_BYTES - 1, HEADER_BYTES, chance.randrange(len(image)))) :]
        else:
            image += bytes(chance.choice((1, 8, 64, 4096)))


# What the bytes say, read without the room ------------------------------------------------------------------------


class Said:
    """A segment's bytes, by the layout that docs/transport.md describes."""

    def __init__(self, image: bytes) -> None:
        self.words = np.frombuffer(image, np.int64)
        self.header = np.frombuffer(image[:HEADER_BYTES], HEADER)[0]
        self.written, self.read = int(self.header["writer"]["position"]), int(self.header["reader"]["position"])

    def slot(self, position: int) -> Any:
        """The words of the slot at a position, its stamp first."""
        begin = DATA + position % int(self.header["capacity"]) * int(self.header["stride"])
        return self.words[begin : begin + 1 + int(self.header["record_words"])]

    def records(self) -> bytes:
        return b"".join(self.slot(position)[1:].tobytes() for position in range(self.read, self.written))

    def messages(self) -> list[tuple[int, int, bytes]]:
        """Kind, time and payload of what waits, up to the first that is none. A stamp alone says that it is there."""
        found, position = [], self.read
        while position < self.read + int(self.header["capacity"]) and self.slot(position)[0] == position + 1:
            length, kind, _, time = struct.unpack_from("<IHHq", self.slot(position)[1:].tobytes())
            count = -(-(16 + length) // 56)
            if count > int(self.header["capacity"]):
                break
            data = b"".join(self.slot(position + k)[1:].tobytes() for k in range(count))
            if kind not in {int(each) for each in Kind} or length % LAYOUTS[Kind(kind)].itemsize:
                break
            found.append((kind, time, data[16 : 16 + length]))
            position += count
        return found

    def rows(self) -> bytes:
        width = int(self.header["record_words"])
        return self.words[DATA : DATA + self.written * width].tobytes()


# What is done with them -------------------------------------------------------------------------------------------


def messages_of(ring: MessageRing, force: bool, found: list[tuple[int, int, bytes]]) -> None:
    with ring.consume("reader", force=force) as consumer:
        while (message := consumer.pop()) is not None:
            found.append((int(message.kind), message.time, message.records.tobytes()))


def use_messages(path: Path, compiled: bool, force: bool, alter: Callable[[Any], None]) -> None:
    ring = MessageRing.open(path, compiled=compiled)
    try:
        image = bytes(ring.segment.memory)
        found: list[tuple[int, int, bytes]] = []
        try:
            messages_of(ring, force, found)
        finally:
            assert found == Said(image).messages()[: len(found)]
        with ring.produce("writer", force=force) as producer, ring.consume("reader", force=force) as consumer:
            alter(ring.segment.words)
            producer.push(Message(Kind.QUOTE, 7, records(Kind.QUOTE, 3)))
            consumer.look(1)
            consumer.pop()
    finally:
        ring.close()


def use_records(path: Path, compiled: bool, force: bool, alter: Callable[[Any], None]) -> None:
    ring = RecordRing.open(path, compiled=compiled)
    try:
        image = bytes(ring.segment.memory)
        with ring.consume("reader", force=force) as consumer:
            assert consumer.pop().tobytes() == Said(image).records()
        with ring.produce("writer", force=force) as producer, ring.consume("reader", force=force) as consumer:
            alter(ring.segment.words)
            producer.push(np.zeros(3, ring.dtype))
            consumer.peek(2)
            consumer.pop()
    finally:
        ring.close()


def use_seqlock(path: Path, compiled: bool, force: bool, alter: Callable[[Any], None]) -> None:
    state = SeqLock.open(path, compiled=compiled)
    try:
        said, reading = Said(bytes(state.segment.memory)), state.read()
        assert reading.version == said.written
        if reading.version:
            stamped = said.slot(reading.version)
            assert (reading.epoch, reading.value.tobytes()) == (stamped[0], stamped[1:].tobytes())
        with state.write_as("writer", force=force) as writer:
            alter(state.segment.words)
            writer.write(np.zeros(1, state.dtype))
            state.read()
    finally:
        state.close()


def use_histograms(path: Path, compiled: bool, force: bool, alter: Callable[[Any], None]) -> None:
    histograms = Histograms(Segment.open(path, SegmentKind.HISTOGRAMS, compiled=compiled))
    try:
        for each in histograms.readings():
            each.quantiles([0.0, 0.5, 1.0])
        with histograms.record_as("two", ["frame", "task"], force=force) as writer:
            for number in range(3):
                alter(histograms.segment.words)
                writer.record(number % 2, 1 << number)
            histograms.readings()
    finally:
        histograms.close()


def look(path: Path) -> None:
    seen = Look(path)
    try:
        report = seen.report()
        assert report.depth >= 0
        assert len(list(seen.entries(0))) <= seen.segment.capacity
    finally:
        seen.close()


USES = {
    SegmentKind.RECORDS: use_records,
    SegmentKind.MESSAGES: use_messages,
    SegmentKind.SEQLOCK: use_seqlock,
    SegmentKind.HISTOGRAMS: use_histograms,
}


class Trial:
    """Mutants by number, in a file that each of them takes over from the one before."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self.path = folder / "mutant"
        self.originals = originals(folder)
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self.refused = self.used = 0

    def run(self, number: int) -> None:
        """Make the mutant and use it; an AssertionError or any other error than TransportError is a finding."""
        chance = random.Random(self.seed << 40 | number)
        kind, original = chance.choice(self.originals)
        _, other = chance.choice(self.originals)
        image, live = bytearray(original), chance.random() < 0.3
        if not live:
            altered(image, other, chance, cut=True)
        os.ftruncate(self.file, len(image))
        os.pwrite(self.file, image, 0)

        def alter(words: Any) -> None:
            """Write into the segment what the other side might, were it mad, between two steps of this one."""
            if live:
                now = bytearray(words.tobytes())
                altered(now, other, chance, cut=False)
                words[:] = np.frombuffer(now, np.int64)

        compiled, force = chance.random() < 0.8, chance.random() < 0.3
        self.tried(look, self.path)
        self.tried(USES[kind], self.path, compiled, force, alter)

    def tried(self, use: Callable[..., None], *arguments: Any) -> None:
        try:
            use(*arguments)
            self.used += 1
        except TransportError as error:
            sentence = str(error)
            assert sentence.isprintable(), sentence
            assert 20 < len(sentence) < 700, sentence
            self.refused += 1


def main(seed: int, first: int, count: int) -> int:
    me = this_process()
    setattr(ownership, "this_process", lambda: me)  # noqa: B010  the system is asked once, not for each mutant
    return work_through(Trial, seed, first, count)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:4])))
