"""Journals, and how they are altered: knowing where entries and their fields are, or not; checksums right or not."""

import random
import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from alo_lib.core import TradingCore
from alo_lib.journal import JournalWriter, MemoryStore, WriterStart
from alo_lib.journal.format import HEADER
from alo_lib.numerics.crc32c import crc32c
from alo_lib.records import LAYOUTS, HostEvent, Kind, Message, OrderStatus, records
from tests.core.script import FIRST, Script, at

ODD = [0, 1, -1, 2, 3, 7, 8, 16, 48, 63, 64, 255, 4096, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32]
ODD += [1 << 48, 1 << 62, -(1 << 63), (1 << 63) - 1, -8, 0x7FF0 << 48, 0x7FF8 << 48]
FIELDS = [(kind.itemsize, offset) for kind, offset, *_ in (HEADER.fields or {}).values()]


class Segment(NamedTuple):
    """A segment taken apart."""

    header: bytearray  # with settings
    entries: list[bytearray]  # the seal too
    tail: bytes


# What is altered ---------------------------------------------------------------------------------------------------


def told(number: int) -> Message:
    """A message of a run that sells and buys: every kind that a reader looks into is among them."""
    time, turn, order = 1_000 + number, number % 8, number // 8 + 1
    sent = {"order": order, "instrument": order % 3}
    rows = {
        0: lambda: (Kind.TRADE, records(Kind.TRADE, instrument=order % 3, close=99.5)),
        1: lambda: (Kind.QUOTE, records(Kind.QUOTE, order % 4, bid=number / 3, ask_size=-number)),
        2: lambda: (Kind.FRAME, records(Kind.FRAME, frame=number)),
        3: lambda: (Kind.INTENT, records(Kind.INTENT, **sent, type=0, reason=1, quantity=order)),
        4: lambda: (Kind.ORDER_EVENT, records(Kind.ORDER_EVENT, **sent, status=OrderStatus.SUBMITTED)),
        5: lambda: (Kind.ORDER_EVENT, records(Kind.ORDER_EVENT, **sent, status=3, quantity=order, price=2.5, fee=1)),
        6: lambda: (Kind.EVENT, records(Kind.EVENT, event=HostEvent.ORDER, order=order, text=b"filled")),
        7: lambda: (Kind.OVERRUN, records(Kind.OVERRUN, frame=number, elapsed=9, budget=5, cause=1, task=b"size")),
    }
    kind, told_rows = rows[turn]()
    return Message(kind, time, told_rows)


def a_run(count: int, *, bytes_each: int, lives: int = 1, close: bool = True) -> list[bytes]:
    """The segments of a run of ``count`` messages, by as many writers as ``lives``."""
    images: list[bytes] = []
    start, each = WriterStart(), count // lives
    for life in range(lives):
        store = MemoryStore()
        writer = JournalWriter(store, settings=b'{"a": 1}', segment_bytes=bytes_each, position=start)
        if life == 0:
            names = records(
                Kind.INSTRUMENT, 3, instrument=range(3), symbol=[b"GOOG", b"AAPL", b"GOOG  160115C00750000"]
            )
            writer.append(Message(Kind.INSTRUMENT, 1_000, names))
        for number in range(life * each, (life + 1) * each):
            writer.append(told(number))
        if close or life < lives - 1:
            writer.close()
        images += store.images()
        start = WriterStart(writer.sequence, life + 2, len(images), writer.checksum)
    return images


def a_market() -> list[bytes]:
    """The segments of a small run that can be decided again."""
    market = Script()
    market.store = MemoryStore()
    market.writer = JournalWriter(market.store, segment_bytes=2048, settings=market.settings.model_dump_json().encode())
    market.core = TradingCore(market.settings, market.writer)
    market.underlying = market.core.instruments.add_equity("TEST")
    market.session(new_closes=[100.0, 101.0])
    market.bar(10)
    market.core.tell_late(at(FIRST, 10.1), lateness=5, missed=0)
    market.writer.close()
    return market.store.images()


def taken_apart(image: bytes) -> Segment:
    """A good segment's parts."""
    header = np.frombuffer(image, HEADER, 1)[0]
    at_ = HEADER.itemsize + -(-int(header["settings_length"]) // 8) * 8
    start, entries = at_, []
    while at_ + 48 <= len(image) and any(image[at_ : at_ + 48]):
        size = 48 + -(-int.from_bytes(image[at_ + 40 : at_ + 44], "little") // 8) * 8
        entries.append(bytearray(image[at_ : at_ + size]))
        at_ += size
    return Segment(bytearray(image[:start]), entries, image[at_:])


def checksum(entry: bytes, epoch: bytes) -> int:
    """Of an entry, whatever its own field holds; see alo_lib.journal.format."""
    return crc32c(epoch + entry[:40] + entry[40:44] + bytes(4) + entry[48:])


def mended(segment: Segment) -> None:
    """Compute every checksum anew."""
    epoch = bytes(segment.header[24:32])
    for entry in segment.entries:
        if len(entry) >= 48:
            entry[44:48] = checksum(bytes(entry), epoch).to_bytes(4, "little")
    if len(segment.header) >= HEADER.itemsize:
        segment.header[64:68] = bytes(4)
        segment.header[64:68] = crc32c(bytes(segment.header)).to_bytes(4, "little")


def put(data: bytearray, offset: int, size: int, chance: random.Random) -> None:
    """An integer that is odd somewhere, or one near to what was there."""
    if offset + size > len(data):
        return
    was = int.from_bytes(data[offset : offset + size], "little")
    new = chance.choice(ODD) if chance.random() < 0.5 else was + chance.choice((-8, -2, -1, 1, 2, 8, 48))
    data[offset : offset + size] = (new % (1 << 8 * size)).to_bytes(size, "little")


def rearranged(segments: list[Segment], others: Sequence[Segment], chance: random.Random) -> None:
    """Alter entries and headers once: as AFL does, but knowing where they are."""
    segment = chance.choice(segments)
    entries, what = segment.entries, chance.random()
    if what < 0.2 or not entries:
        size, offset = chance.choice(FIELDS)
        put(segment.header, offset, size, chance)
        return
    place = chance.randrange(len(entries))
    if what < 0.4:  # a word of its head, or a part of one
        put(entries[place], chance.choice((0, 8, 16, 24, 32, 34, 36, 40)), chance.choice((2, 4, 8)), chance)
    elif what < 0.7 and len(entries[place]) > 48:  # a field of its records
        kind = int.from_bytes(entries[place][32:34], "little")
        layout = LAYOUTS[Kind(kind)] if kind in set(Kind) else np.dtype("<i8")
        dtype, offset = chance.choice([field[:2] for field in (layout.fields or {"": (layout, 0)}).values()])
        row = chance.randrange(max(1, (len(entries[place]) - 48) // layout.itemsize))
        put(entries[place], 48 + row * layout.itemsize + offset, min(8, dtype.itemsize), chance)
    elif what < 0.78:
        entries.insert(chance.randrange(len(entries) + 1), bytearray(entries[place]))
    elif what < 0.84:
        del entries[place]
    elif what < 0.9:
        other = chance.randrange(len(entries))
        entries[place], entries[other] = entries[other], entries[place]
    elif donors := chance.choice(others).entries:
        entries.insert(place, bytearray(chance.choice(donors)))


def signed(number: int) -> int:
    """A number as a word holds it."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def renumbered(segments: list[Segment], sequence: int) -> None:
    """Give all entries their sequences anew from one on, and each segment the first of its own."""
    for segment in segments:
        struct.pack_into("<q", segment.header, 32, signed(sequence))
        for entry in segment.entries:
            if len(entry) >= 48:
                struct.pack_into("<q", entry, 0, signed(sequence))
                sequence += entry[32:34] != b"\0\0"


def scratched(image: bytearray, other: bytes, chance: random.Random) -> bytearray:
    """Alter bytes, not knowing what they are."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        what, offset = chance.random(), chance.randrange(max(1, len(image)))
        if not image:
            image += other[:100]
        elif what < 0.3:
            image[offset] ^= 1 << chance.randrange(8)
        elif what < 0.6:
            put(image, offset // 8 * 8, 8, chance)
        elif what < 0.8:
            size, begin = chance.choice((1, 8, 48, 64, 512)), chance.randrange(max(1, len(other)))
            image[offset : offset + size] = other[begin : begin + size]
        elif what < 0.9:
            del image[offset:]
        else:
            image += bytes(chance.choice((1, 8, 48, 4096)))
    return image


def altered(
    original: Sequence[bytes], runs: Sequence[Sequence[bytes]], donors: Sequence[Segment], chance: random.Random
) -> list[bytes]:
    """A journal's segments, altered: their order, their entries, their bytes."""
    images = list(original)
    if chance.random() < 0.05:
        one, two = chance.randrange(len(images)), chance.randrange(len(images))
        images[one], images[two] = images[two], images[one]
    elif chance.random() < 0.05:
        del images[chance.randrange(len(images)) :][:1]
        images = images or [b""]
    elif chance.random() < 0.05:
        images.insert(chance.randrange(len(images) + 1), chance.choice(chance.choice(runs)))
    knowing = chance.random()
    if knowing < 0.85:
        segments = [taken_apart(image) for image in images if len(image) >= HEADER.itemsize]
        if segments:
            for _ in range(chance.choice((1, 1, 1, 2, 4))):
                rearranged(segments, donors, chance)
            if knowing < 0.75:
                if chance.random() < 0.7:
                    renumbered(segments, 0 if chance.random() < 0.9 else chance.choice(ODD) - chance.randrange(60))
                for segment in segments:
                    mended(segment)
            images = [bytes(s.header) + b"".join(map(bytes, s.entries)) + s.tail for s in segments]
    if knowing > 0.78:
        place = chance.randrange(len(images))
        images[place] = bytes(scratched(bytearray(images[place]), chance.choice(original), chance))
    return images
