"""A backtest's journal in LEAN's object store: files from the first message, whole whatever ends the run."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from alo_lib.journal import (
    JOURNAL_FOLDER,
    JournalError,
    JournalWriter,
    LiveObjectStoreJournal,
    ObjectStoreJournal,
    WriterStart,
    object_store_key,
    read_journal,
    segments_in_object_store,
    segments_of,
    start_after,
    stored_volume,
    take_from_object_store,
)
from alo_lib.journal.format import OBJECT_STORE_COPY
from alo_lib.journal.store import MemoryStore
from alo_lib.records import Kind, Message, records
from tests.journal.on_disk import OnDisk


@pytest.fixture
def store(tmp_path: Path) -> OnDisk:
    (tmp_path / "store").mkdir()
    return OnDisk(tmp_path / "store")


def write(writer: JournalWriter, count: int) -> list[bytes]:
    rows = [records(Kind.QUOTE, 100, instrument=number, bid=number / 7) for number in range(count)]
    for time, row in enumerate(rows):
        writer.append(Message(Kind.QUOTE, time, row))
    return [row.tobytes() for row in rows]


def test_a_run_that_is_killed_leaves_every_message(store: OnDisk, tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        write(ObjectStoreJournal(store).writer(b"{}", WriterStart()), 5000)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    expected = [row.tobytes() for row in (records(Kind.QUOTE, 100, instrument=n, bid=n / 7) for n in range(5000))]
    assert len(segments_in_object_store(store.folder)) == 2  # 16 MiB each
    assert take_from_object_store(store.folder, tmp_path) == 2
    journal = read_journal(tmp_path / JOURNAL_FOLDER, unfinished=True)
    assert [message.records.tobytes() for message in journal.messages] == expected
    assert not journal.sealed
    last = sorted((tmp_path / JOURNAL_FOLDER).iterdir())[-1]
    assert last.stat().st_size < 5 << 20  # nothing of the zeros behind its last message


def test_a_run_that_ends_is_whole_and_the_next_begins_anew(store: OnDisk) -> None:
    store.save("someone-elses", b"value")
    store.save("alo-snapshot.0", b"of a live run")
    store.save(object_store_key(7, copy=True), b"of a live run")
    for count in (3, 2):
        place = ObjectStoreJournal(store)
        assert place.recover() is None
        writer = place.writer(b"{}", WriterStart())
        expected = write(writer, count)
        writer.close()
        journal = place.closed()
        assert journal.sealed
        assert [message.records.tobytes() for message in journal.messages] == expected
        assert sorted(store.all_keys()) == [object_store_key(0), "someone-elses"]


def test_a_backtest_leaves_the_journal_of_a_live_run_alone(store: OnDisk) -> None:
    live = LiveObjectStoreJournal(store, "program")
    writer = live.writer(b"{}", WriterStart())
    write(writer, 3)
    live.settle(writer)
    was = {key: store.read(key) for key in store.all_keys()}
    for count in (4, 2):
        said: list[str] = []
        place = ObjectStoreJournal(store, hear=said.append)
        backtest = place.writer(b"{}", WriterStart())
        expected = write(backtest, count)
        backtest.close()
        assert [message.records.tobytes() for message in place.closed().messages] == expected
        assert {key: store.read(key) for key in store.all_keys() if key in was} == was
        assert [*{*store.all_keys()} - was.keys()] == ["alo-backtest.00000000"]
        assert said == [
            "the object store holds the journal of a live run, which this backtest leaves alone: its own is kept under "
            "alo-backtest.00000000 and what follows"
        ]
    ObjectStoreJournal(store).take([b"elsewhere"])
    assert store.read("alo-backtest.00000000") == b"elsewhere"
    write(writer, 3)
    live.settle(writer)  # it goes on
    assert len(read_journal(segments_in_object_store(store.folder), unfinished=True).messages) == 6


def test_a_journal_that_was_written_elsewhere_takes_the_place_of_an_earlier_one(store: OnDisk) -> None:
    store.save(object_store_key(1), b"earlier")
    ObjectStoreJournal(store).take([b"first"])
    assert {key: store.read(key) for key in store.all_keys()} == {object_store_key(0): b"first"}


@pytest.mark.parametrize("torn", [0, 1])
@pytest.mark.parametrize("cut", [0.0, 0.5, 1.0])
def test_a_torn_copy_is_whole_again_before_the_other_one_goes(
    torn: int, cut: float, store: OnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_volume, "_LIVE_SEGMENT", 1 << 16)
    first = LiveObjectStoreJournal(store, "")
    writer = first.writer(b"{}", WriterStart())
    expected = write(writer, 3)
    first.keep(writer)
    key = object_store_key(0, copy=bool(torn))
    value = bytearray(store.read(key) or b"")
    end = len(value.rstrip(b"\0"))
    if cut < 1.0:
        value = value[: int(cut * end)]  # a kill while LEAN wrote it
    else:
        value[end // 2] ^= 0x40
    store.save(key, bytes(value))

    second = LiveObjectStoreJournal(store, "")
    found = second.recover()
    assert found is not None
    assert [message.records.tobytes() for message in found.journal.messages] == expected
    writer = second.writer(b"{}", start_after(found.journal))
    while writer.image[0] < 6:
        expected += write(writer, 5)
        second.keep(writer)
    copies = [key for key in store.all_keys() if key.startswith(OBJECT_STORE_COPY)]
    assert object_store_key(0, copy=True) not in copies
    assert len(copies) == 4
    (found,) = [LiveObjectStoreJournal(store, "").recover()]
    assert found is not None
    assert [message.records.tobytes() for message in found.journal.messages] == expected


class Beside:
    """A live store that is read while it is written: what a reader meets at each look, the last one for good."""

    def __init__(self, *looks: Mapping[str, bytes]) -> None:
        self._looks = looks
        self.pauses: list[float] = []

    def read(self, key: str) -> bytes | None:
        return self._looks[min(len(self.pauses), len(self._looks) - 1)].get(key)

    @property
    def found(self) -> list[bytes]:
        return segments_of(self.read, self.pauses.append)


def both(number: int, first: bytes, second: bytes) -> dict[str, bytes]:
    return {object_store_key(number): first, object_store_key(number, copy=True): second}


def images(*counts: int) -> list[bytes]:
    """The one segment of a journal as it is after so many messages."""
    memory = MemoryStore()
    writer = JournalWriter(memory, settings=b"{}")
    found = []
    for count in counts:
        write(writer, count - writer.sequence)
        found.append(writer.image[1])
    return found


@pytest.mark.parametrize("cuts", [(0, 50), (50, 0), (2000, 1500)])
def test_who_reads_both_copies_half_written_looks_again(cuts: tuple[int, int]) -> None:
    older, newer = images(3, 9)
    half = both(0, newer[: cuts[0]], newer[: cuts[1]])
    beside = Beside(half, half, both(0, newer, newer[: cuts[1]]))
    assert beside.found == [newer]
    assert len(beside.pauses) == 2
    beside = Beside(both(0, newer[: cuts[0]], older))
    assert len(read_journal(beside.found, unfinished=True).messages) >= 3
    assert beside.pauses == []


def test_who_reads_a_segment_before_it_was_full_and_the_next_one_looks_again() -> None:
    memory = MemoryStore()
    writer = JournalWriter(memory, settings=b"{}", segment_bytes=1 << 16)
    write(writer, 1)
    before = writer.image[1]
    while writer.image[0] == 0:
        write(writer, 1)
    full, following = memory.images()
    late, whole = both(0, before, before) | both(1, following, following), both(0, full, full) | both(1, following, b"")
    beside = Beside(late, whole)
    assert beside.found == [full, following]
    assert len(beside.pauses) == 1


def test_what_stays_torn_is_looked_at_twenty_times() -> None:
    (newer,) = images(9)
    beside = Beside(both(0, newer[:50], b""))
    with pytest.raises(JournalError, match="is damaged, and so is its copy"):
        assert beside.found
    assert beside.pauses == [0.025] * 19
    beside = Beside(both(0, newer[:2000], newer[:1500]))  # as a kill that tore the only copy there was may leave it
    assert beside.found == [newer[:2000]]
    assert len(beside.pauses) == 19


def test_a_copy_that_is_removed_as_it_is_read_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = images(3)
    for key, data in both(0, whole, whole).items():
        (tmp_path / key).write_bytes(data)
    removed = tmp_path / object_store_key(0, copy=True)
    seen = Path.is_file

    def is_file(path: Path) -> bool:
        found = seen(path)
        if path == removed:
            path.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "is_file", is_file)
    assert segments_in_object_store(tmp_path) == [whole]
