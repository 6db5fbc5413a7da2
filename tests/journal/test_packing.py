"""Segments that are packed: the same bytes again or a sentence, and none lost to a kill while a live run packs them."""

from pathlib import Path

import pytest

from alo_lib.journal import (
    JournalError,
    LiveObjectStoreJournal,
    WriterStart,
    object_store_key,
    read_journal,
    segments_in_object_store,
    start_after,
)
from alo_lib.journal.packing import is_packed, packed, unpacked
from tests.journal.late_store import KilledError, LateStore
from tests.journal.on_disk import OnDisk
from tests.journal.workload import check, message

SEGMENT = bytes(range(256)) * 40
PROGRAM = "p" * 64
SMALL = 1 << 10
"""Bytes of a segment, for a journal of many."""


@pytest.mark.parametrize("segment", [b"", SEGMENT, b"\0" * 100_000])
def test_what_is_unpacked_is_what_was_packed(segment: bytes) -> None:
    assert unpacked(packed(segment)) == segment
    assert is_packed(packed(segment))
    assert unpacked(segment) == segment
    assert not is_packed(segment)


def test_what_is_cut_or_altered_is_refused() -> None:
    whole = packed(SEGMENT)
    for cut in range(8, len(whole)):
        with pytest.raises(JournalError, match="packed segment"):
            unpacked(whole[:cut])
    with pytest.raises(JournalError, match="is cut, or damaged"):
        unpacked(whole + b"\0")
    longer = whole[:8] + (len(SEGMENT) + 1).to_bytes(8, "little") + whole[16:]
    shorter = whole[:8] + (len(SEGMENT) - 1).to_bytes(8, "little") + whole[16:]
    for other in (longer, shorter):
        with pytest.raises(JournalError, match="is cut, or damaged"):
            unpacked(other)
    with pytest.raises(JournalError, match="tells of -1 bytes"):
        unpacked(whole[:8] + b"\xff" * 8 + whole[16:])


def live(store: OnDisk, count: int) -> tuple[int, int]:
    """Go on in a store to so many messages, as a live run does; returns how many were settled and appended."""
    place = LiveObjectStoreJournal(store, PROGRAM)
    found = place.recover()
    start = WriterStart() if found is None else start_after(found.journal)
    settled = appended = 0 if found is None else len(found.journal.messages)
    try:
        writer = place.writer(b"{}", start, PROGRAM)
        for number in range(settled, count):
            writer.append(message(number))
            appended = number + 1
            if number % 7 == 6:
                place.settle(writer)
                settled = appended
            place.keep(writer)
    except KilledError:
        pass
    return settled, appended


def require_all(store: OnDisk, settled: int, appended: int) -> None:
    """A journal of all that was settled, and of nothing else."""
    journal = read_journal(segments_in_object_store(store.folder), unfinished=True)
    assert not check(journal.messages, durable=settled, appended=appended)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.journal.stored_volume._LIVE_SEGMENT", SMALL)
    monkeypatch.setattr("alo_lib.journal.stored_segments._LOOKS", 1)


@pytest.mark.usefixtures("small")
def test_a_live_run_packs_its_older_segments_and_goes_on_from_them(tmp_path: Path) -> None:
    store = LateStore(tmp_path)
    for count in (40, 41, 42, 60):  # lives, some of them of one message
        live(store, count)
    store.settle("")
    segments = segments_in_object_store(tmp_path)
    require_all(store, 60, 60)
    last = len(segments) - 1
    assert last > 8
    for number in range(len(segments)):
        value, copy = (store.read(object_store_key(number, copy=copy)) for copy in (False, True))
        assert value is not None
        is_old = number <= last - 4
        assert is_packed(value) == is_old
        assert (copy is None) == is_old
        assert unpacked(value) == segments[number]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("each", [19, pytest.param(1, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_at_any_write_while_it_packs_loses_nothing(tmp_path: Path, each: int) -> None:
    count, at = 70, 3  # before that nothing was settled
    while True:
        (folder := tmp_path / str(at)).mkdir()
        settled, appended = live(LateStore(folder, killed_at=at), count)
        if appended == count:
            break
        require_all(OnDisk(folder), settled, appended)
        for again in range(at % 5, 200, 17 * each):  # and again while the next life packs what it finds
            settled, appended = live(LateStore(folder, killed_at=again), count + again)
            require_all(OnDisk(folder), settled, appended)
        at += each
    assert at > 50


@pytest.mark.usefixtures("small")
def test_segments_of_a_program_that_packed_none_are_packed_by_the_next_one(tmp_path: Path) -> None:
    store = LateStore(tmp_path)
    live(store, 60)
    store.settle("")
    for number, segment in enumerate(segments_in_object_store(tmp_path)):
        OnDisk(tmp_path).save(object_store_key(number), segment)
    store = LateStore(tmp_path)
    live(store, 100)
    store.settle("")
    require_all(store, 100, 100)
    assert is_packed(store.read(object_store_key(0)) or b"")


@pytest.mark.usefixtures("small")
def test_a_packed_segment_that_is_damaged_is_named(tmp_path: Path) -> None:
    store = LateStore(tmp_path)
    live(store, 60)
    store.settle("")
    value = store.read(object_store_key(0)) or b""
    OnDisk(tmp_path).save(object_store_key(0), value[:-1])
    with pytest.raises(JournalError, match=r"^alo-journal\.00000000 in the object store is damaged"):
        segments_in_object_store(tmp_path)
