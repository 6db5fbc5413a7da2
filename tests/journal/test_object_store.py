"""A backtest's journal in LEAN's object store: files from the first message, whole whatever ends the run."""

import os
import signal
from pathlib import Path

import pytest

from alo_lib.journal import (
    JOURNAL_FOLDER,
    JournalWriter,
    ObjectStoreJournal,
    WriterStart,
    object_store_key,
    read_journal,
    segments_in_object_store,
    take_from_object_store,
)
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


def test_a_journal_that_was_written_elsewhere_takes_the_place_of_an_earlier_one(store: OnDisk) -> None:
    store.save(object_store_key(1), b"earlier")
    ObjectStoreJournal(store).take([b"first"])
    assert {key: store.read(key) for key in store.all_keys()} == {object_store_key(0): b"first"}
