"""Altered journals by the thousand, and what becomes of whoever reads them: ``python -m tests.journal.trial``.

A finding (:mod:`tests.trials`) is what ends neither in one sentence nor in what the bytes say.
"""

import os
import random
import resource
import shutil
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alo_lib.cli.commands import journal as commands
from alo_lib.journal import (
    Journal,
    JournalError,
    Snapshots,
    encode_snapshot,
    entry_checksum,
    leave_out,
    message_digest,
    messages_of,
    orders_of,
    read_journal,
    recover,
    segments_in_object_store,
    still_being_written,
)
from alo_lib.journal.format import HEADER, MAGIC, object_store_key, segment_name
from alo_lib.journal.index import INDEX, INDEX_NAME, messages_between, read_index
from alo_lib.numerics.crc32c import crc32c
from alo_lib.records import Kind, Message
from alo_lib.runtime.replay import DivergenceError, overruns_of, replay
from alo_lib.runtime.same_settings import require_same_settings
from alo_lib.settings import SettingsError
from tests.core.script import Script
from tests.journal.altered import ODD, a_market, a_run, altered, checksum, put, scratched, taken_apart, told
from tests.trials import work_through

MORE_MEMORY = 1 << 30
"""Bytes of address space that all of them may take beyond what the process has before them."""
PROGRAM = "program"
BESIDE: tuple[str, ...] = (
    "index",
    "index.unfinished",
    "published",
    "lock",
    "00000000.segment.new",
    "x.segment",
    "00000099.segment",
)
BESIDE += ("00000000 (copy).segment", "000000000003.snapshot", "x.snapshot", "x.unfinished", "\udcff.segment")
BESIDE += ("two\nlines.segment", "-0000001.segment", "export.parquet")


# What the bytes say, read without the room ---------------------------------------------------------------------------


class Said:
    """Segments' bytes, by the layout that alo_lib.journal.format describes: up to what does not hold, of each."""

    def __init__(self, images: Sequence[bytes]) -> None:
        self.messages: list[tuple[int, int, bytes]] = []
        self.at: dict[int, tuple[int, int, bytes]] = {}  # by sequence
        self.durable = 0
        self.firsts: list[int] = []
        self.stops: list[int] = []
        for image in images:
            self._take(image)

    def _take(self, image: bytes) -> None:
        header = np.frombuffer(image, HEADER, 1)[0] if len(image) >= HEADER.itemsize else np.zeros(1, HEADER)[0]
        at_ = HEADER.itemsize + -(-int(header["settings_length"]) // 8) * 8
        if not image.startswith(MAGIC) or crc32c(image[:64] + bytes(4) + image[68:at_]) != header["crc"]:
            self.firsts.append(-1)
            self.stops.append(-1)
            return
        sequence, epoch = int(header["first"]), image[24:32]
        self.firsts.append(sequence)
        self.durable = max(self.durable, int(header["durable"]))
        while at_ + 48 <= len(image):
            number, time, _, durable, kind, _, _, length, crc = struct.unpack_from("<qqqqHHIII", image, at_)
            end = at_ + 48 + -(-length // 8) * 8
            if number != sequence or end > len(image) or checksum(image[at_:end], epoch) != crc:
                break
            self.durable = max(self.durable, durable)
            if kind == 0:
                break
            self.messages.append((kind, time, image[at_ + 48 : at_ + 48 + length]))
            self.at[sequence] = self.messages[-1]
            sequence, at_ = sequence + 1, end
        self.stops.append(sequence)


def plain(message: Message) -> tuple[int, int, bytes]:
    return int(message.kind), message.time, message.records.tobytes()


# What is done with them ----------------------------------------------------------------------------------------------


def gone_through(journal: Journal, chance: random.Random) -> None:
    """All that is read of a journal without deciding again."""
    messages = journal.messages
    for place in [chance.randrange(-len(messages), len(messages)) for _ in range(3) if len(messages)]:
        assert messages[place].time is not None
    kinds = chance.sample(list(Kind), 3)
    assert all(message.kind in kinds and message == message for _, message in messages_of(messages, *kinds))
    list(messages[1 : len(messages) : 2])
    assert len(journal.counted) <= len(messages)
    message_digest(journal.counted)
    for order in orders_of(messages):
        assert order.side in ("buy", "sell")
    overruns_of(journal)
    for sequence, message in enumerate(messages):
        commands._told(sequence, message, 2)
    leave_out(messages, len(messages) - 1)


def use_images(images: list[bytes], chance: random.Random) -> None:
    unfinished = chance.random() < 0.6
    journal = read_journal(images, unfinished=unfinished)
    said = Said(images)
    assert [segment.first for segment in journal.segments] == said.firsts
    assert said.firsts[1:] == said.stops[:-1]
    assert unfinished or journal.sealed
    assert [plain(message) for message in journal.messages] == said.messages
    commands._names(journal.messages)  # type: ignore[arg-type]
    gone_through(journal, chance)


def written(folder: Path, images: list[bytes], chance: random.Random) -> None:
    """A journal's folder, with odd things beside."""
    folder.mkdir()
    for place, image in enumerate(images):
        (folder / segment_name(place)).write_bytes(image)
    if chance.random() < 0.15:
        path, what = folder / chance.choice(BESIDE), chance.random()
        if path.exists():
            return
        if what < 0.5:
            path.write_bytes(chance.choice((b"", b"x", chance.choice(images), bytes(128), b"\xff" * 128)))
        elif what < 0.65:
            path.mkdir()
        elif what < 0.8:
            path.symlink_to(segment_name(0))
        elif what < 0.9:
            os.mkfifo(path)
        else:
            marks = np.array([chance.choice(ODD) for _ in range(16)], np.int64)
            marks[6] = 0
            path.touch()
            marks[13] = path.stat().st_ino if chance.random() < 0.8 else marks[13]  # else as in a folder's copy
            path.write_bytes(marks.tobytes())


def use_folder(folder: Path, images: list[bytes], chance: random.Random) -> None:
    journal = read_journal(folder, unfinished=chance.random() < 0.8)
    said = Said(images)
    count = len(journal.messages) if still_being_written(folder) else len(said.messages)
    assert [plain(message) for message in journal.messages] == said.messages[:count]


def use_index(folder: Path, images: list[bytes], chance: random.Random) -> None:
    given = (folder / INDEX_NAME).is_file() and (folder / INDEX_NAME).read_bytes()
    for _ in range(2):  # the second time from the index where one was written
        rows, said = read_index(folder), Said(images)
        if given and rows.tobytes() == given[:-4]:
            assert [tuple(row.tolist()[-3::2]) for row in rows] == [(len(image), mark(image)) for image in images]
        else:
            kept = (
                len(rows) if still_being_written(folder) else len(images)
            )  # by whom published says, as far as it says
            assert rows["first"].tolist() == said.firsts[:kept]
            assert kept < len(images) or still_being_written(folder) or rows["stop"].tolist() == said.stops
        first = chance.choice((0, chance.randrange(60), *ODD))
        begin, messages = messages_between(folder, first, first + chance.choice((1, 9, 100)))
        assert all(plain(message) == said.at[begin + place] for place, message in enumerate(messages))
        commands._names(messages)


def use_recovery(folder: Path, images: list[bytes], chance: random.Random) -> None:
    said, lasting = Said(images), []
    recovered = recover(folder)
    try:
        lasting = [plain(message) for message in recovered.journal.messages]
        assert lasting == said.messages[: len(lasting)]
        assert len(lasting) >= said.durable
        for finding in recovered.findings:
            one_sentence(finding)
        writer = recovered.writer(segment_bytes=1024)
    finally:
        recovered.release()
    added = told(chance.randrange(8))
    writer.append(added)
    writer.close()
    assert [plain(message) for message in read_journal(folder).messages] == [*lasting, plain(added)]


def use_snapshots(folder: Path, images: list[bytes], chance: random.Random) -> None:
    """Snapshots with altered heads beside a journal: one that is taken says where it belongs."""
    journal = read_journal(images, unfinished=True)
    count, state = len(journal.messages), b"state" * chance.randrange(9)
    if not count:
        return
    sequence = chance.randrange(count) + 1
    data = bytearray(encode_snapshot(PROGRAM, sequence, entry_checksum(journal, sequence), state))
    for _ in range(chance.choice((0, 1, 1, 3))):
        if chance.random() < 0.7:
            put(data, chance.choice((8, 16, 80, 84, 88, chance.randrange(96))), chance.choice((4, 8)), chance)
        else:
            data = scratched(data, images[0], chance)
    if chance.random() < 0.5 and len(data) >= 96:
        data[84:88] = bytes(4)
        data[84:88] = crc32c(bytes(data)).to_bytes(4, "little")
    snapshots = Snapshots(folder, PROGRAM)
    (folder / f"{chance.choice((sequence, 0, 10**11)):012d}.snapshot").write_bytes(data)
    found = snapshots.latest(journal)
    if found is not None:
        assert (found.sequence, found.state) == (int.from_bytes(data[8:16], "little"), bytes(data[96:]))
        assert entry_checksum(journal, found.sequence) == int.from_bytes(data[80:84], "little")
    snapshots.save(sequence, entry_checksum(journal, sequence), b"whole")


def use_store(folder: Path, images: list[bytes], chance: random.Random) -> None:
    """The same segments as the values of LEAN's object store, in two copies that may differ."""
    for place, image in enumerate(images):
        (folder / object_store_key(place)).write_bytes(image)
        if chance.random() < 0.7:
            other = scratched(bytearray(image), images[0], chance) if chance.random() < 0.5 else image
            (folder / object_store_key(place, copy=True)).write_bytes(other)
    found = segments_in_object_store(folder)
    gone_through(read_journal(found, unfinished=True), chance)


def use_replay(images: list[bytes], market: Sequence[bytes]) -> None:
    journal = read_journal(images, unfinished=True)
    require_same_settings(journal.settings, Script().settings, "it")
    assert read_journal(market).settings == journal.settings
    found = replay(journal)
    assert found.messages <= len(journal.messages)


def one_sentence(sentence: str) -> None:
    assert sentence.isprintable(), repr(sentence)
    assert 15 < len(sentence) < 700, sentence


def mark(image: bytes) -> int:
    """By which an index knows a segment: what it begins and ends with."""
    return crc32c(image[: HEADER.itemsize] + image[max(0, len(image) - 48) :])


def index_of(images: Sequence[bytes]) -> Iterator[np.void]:
    for image in images:
        header, said = np.frombuffer(image, HEADER, 1)[0], Said([image])
        row = np.zeros(1, INDEX)[0]
        row["number"], row["epoch"], row["first"], row["stop"] = (
            header["number"],
            header["epoch"],
            *said.firsts,
            *said.stops,
        )
        row["size"], row["sealed"], row["mark"] = len(image), 1, mark(image)
        yield row


class Trial:
    """Mutants by number, each in a folder of its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed = seed
        self.folder = folder
        self.market = a_market()
        runs = [a_run(40, bytes_each=1 << 16), a_run(60, bytes_each=2048), a_run(45, bytes_each=1500, lives=3)]
        runs += [a_run(30, bytes_each=1024, close=False), a_run(20, bytes_each=4096, lives=2, close=False)]
        self.runs = [*runs, self.market, [self.market[0]]]
        self.donors = [taken_apart(image) for run in self.runs for image in run]
        self.refused = self.used = 0

    def run(self, number: int) -> None:
        """Make the mutant and use it; any other error than the three of a journal's readers is a finding."""
        chance = random.Random(self.seed << 40 | number)
        again = chance.random() < 0.1
        original = self.market if again else chance.choice(self.runs)
        images = altered(original, self.runs, self.donors, chance)
        if again:
            self.tried(use_replay, images, self.market)
            return
        self.tried(use_images, images, chance)
        what = chance.random()
        if what > 0.5:
            return
        place = self.folder / str(number)
        written(place, images, chance)
        try:
            if what < 0.1:
                self.tried(use_folder, place, images, chance)
            elif what < 0.25:
                self.beside(place, original, chance)
                self.tried(use_index, place, images, chance)
            elif what < 0.35:
                self.tried(use_recovery, place, images, chance)
            elif what < 0.45:
                self.tried(use_snapshots, place, images, chance)
            else:
                self.tried(use_store, place, images, chance)
        finally:
            shutil.rmtree(place)

    def beside(self, folder: Path, original: Sequence[bytes], chance: random.Random) -> None:
        """An index of the journal as it was; altered, its checksum does not hold."""
        path = folder / INDEX_NAME
        if chance.random() < 0.5 or path.exists() or path.is_symlink():
            return
        rows = b"".join(row.tobytes() for row in index_of(original))
        data = bytearray(rows + crc32c(rows).to_bytes(4, "little"))
        path.write_bytes(data if chance.random() < 0.5 else scratched(data, original[0], chance))

    def tried(self, use: Callable[..., None], *arguments: Any) -> None:
        try:
            use(*arguments)
            self.used += 1
        except (JournalError, DivergenceError, SettingsError) as error:
            one_sentence(str(error))
            self.refused += 1


class Limited(Trial):
    """What asks for more than a journal's share of memory fails."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MORE_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main(seed: int, first: int, count: int) -> int:
    return work_through(Limited, seed, first, count)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:4])))
