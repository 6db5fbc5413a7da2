"""The volumes of a live run's journal in an object store, beside others that read it or go on from it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from alo_lib.journal import (
    JournalError,
    JournalWriter,
    LiveObjectStoreJournal,
    StoreFullError,
    Volume,
    WriterStart,
    object_store_key,
    read_journal,
    segments_in_object_store,
    segments_of,
    start_after,
    volume_begins,
    volume_of,
)
from alo_lib.records import Kind, Message, records
from tests.journal.on_disk import OnDisk


@dataclass
class Heard(OnDisk):
    """A store that tells of a key before it is removed, and is full after so many values."""

    before_remove: Callable[[str], None] = field(default=lambda key: None)
    kept: int = 1 << 30

    def save(self, key: str, value: bytes) -> None:
        self.kept -= 1
        if self.kept < 0:
            raise OSError(f"no room for {key}")
        super().save(key, value)

    def remove(self, key: str) -> None:
        self.before_remove(key)
        self.path(key).unlink(missing_ok=True)


class Life:
    """A process that writes a journal in a store."""

    def __init__(self, store: OnDisk) -> None:
        self.place = LiveObjectStoreJournal(store, "program")
        found = self.place.recover()
        start = WriterStart() if found is None else start_after(found.journal)
        self.number = 1 if found is None else volume_of(found.journal.messages).number
        self.writer: JournalWriter = self.place.writer(b"{}", start, "program")

    def keep(self, count: int = 1) -> None:
        for _ in range(count):
            self.writer.append(Message(Kind.RATE, self.writer.sequence, records(Kind.RATE, rate=0.5)))
        self.place.keep(self.writer)

    def turn(self) -> None:
        """Begin another volume, with a preface that fills several segments."""
        self.number += 1
        quotes = [Message(Kind.QUOTE, 0, records(Kind.QUOTE, 200)) for _ in range(8)]
        begins, ends = volume_begins(Volume(self.number), 0, 1), Message(Kind.ADOPTION, 0, records(Kind.ADOPTION))
        self.writer = self.place.turn(self.writer, [begins, *quotes, ends], "program")


@pytest.fixture
def store(tmp_path: Path) -> Heard:
    (tmp_path / "store").mkdir()
    return Heard(tmp_path / "store", (1 << 20, 0))


def number_in(store: OnDisk) -> int:
    return volume_of(read_journal(segments_in_object_store(store.folder), unfinished=True).messages).number


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_who_reads_while_another_volume_begins_meets_a_whole_one(store: Heard, turns: int) -> None:
    life = Life(store)
    life.keep()
    for _ in range(turns):
        life.turn()
    life.keep()
    sizes = set[int]()
    for at in range(60):
        looked = 0

        def read(key: str) -> bytes | None:
            nonlocal looked
            looked += 1
            if looked == at:  # noqa: B023 - called within this turn of the loop
                life.turn()
            return store.read(key)

        journal = read_journal(segments_of(read, lambda seconds: None), unfinished=True)
        sizes.add(len(journal.messages))
        if looked < at:
            break
    assert looked < at
    assert sizes <= {2, 10, 11}


def test_who_was_stopped_while_it_removed_leaves_the_volume_of_who_went_on_alone(store: Heard) -> None:
    stopped = Life(store)
    stopped.keep()
    others = list[Life]()

    def go_on(key: str) -> None:
        if "-even" in key:  # a second copy of what the other volume tells again, which is packed
            return
        store.before_remove = lambda key: None
        others.append(other := Life(store))
        other.turn()  # under the keys that the one that was stopped removes
        other.keep()

    store.before_remove = go_on
    with pytest.raises(JournalError, match="another process has gone on"):
        stopped.turn()
    assert object_store_key(1, volume=3) in store.all_keys()
    assert number_in(store) == 3
    others[0].keep()
    assert number_in(store) == 3


def test_a_volume_for_which_there_is_no_room_leaves_the_one_before_whole(store: Heard) -> None:
    life, always = Life(store), 1 << 30
    count, kept, turned = 0, 0, False
    while not turned:  # the last value of a turn is the term
        life.keep(2)
        count += 2
        before = sorted(store.all_keys())
        store.kept = kept
        try:
            life.turn()
            turned = True
        except StoreFullError:
            assert sorted(store.all_keys()) == before
            assert len(read_journal(segments_in_object_store(store.folder), unfinished=True).messages) == count
            life.number, kept = 1, kept + 1
        store.kept = always
    assert kept > 5
    assert number_in(store) == 2
    life.keep()
    assert number_in(store) == 2


def test_a_store_that_was_too_full_is_not_asked_again_at_once(store: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.journal.stored_volume._FEWEST", 2)
    life, quote = Life(store), Message(Kind.QUOTE, 0, records(Kind.QUOTE, 200))
    store.limits = (1, 0)
    full = list[bool]()
    for _ in range(16):
        life.writer.append(quote)
        life.keep()
        full.append(life.place.is_full)
        if full[-1]:
            store.kept = 0
            with pytest.raises(StoreFullError):
                life.turn()
            store.kept = 1 << 30
    assert 1 < sum(full) < 8
    assert not any(one and other for one, other in pairwise(full))


def test_what_others_keep_leaves_a_volume_less(store: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.journal.stored_volume._FEWEST", 0)
    store.limits = 0, 10
    life = Life(store)
    life.keep()
    assert not life.place.is_full
    for number in range(6):
        store.save(f"another.{number}", b"1")
    again = Life(store)
    again.keep()
    assert again.place.is_full


@pytest.mark.parametrize("turns", [0, 1])
def test_who_read_the_journal_before_another_turned_writes_nothing(store: Heard, turns: int) -> None:
    first = Life(store)
    first.keep()
    for _ in range(turns):
        first.turn()
    late = LiveObjectStoreJournal(store, "program")
    found = late.recover()
    assert found is not None
    first.turn()
    before = {key: store.read(key) for key in store.all_keys()}
    with pytest.raises(JournalError, match="has gone on from the journal in the object store since this one read it"):
        late.writer(b"{}", start_after(found.journal), "program")
    assert {key: store.read(key) for key in store.all_keys()} == before
    first.keep()
    assert number_in(store) == turns + 2


def test_who_goes_on_while_another_turns_keeps_what_is_its_own(tmp_path: Path) -> None:
    """Whenever the second one begins, in the epoch that the first one's other volume has as well."""
    for at in range(100):
        (folder := tmp_path / str(at)).mkdir()
        store = Heard(folder, (1 << 20, 0))
        first = Life(store)
        first.keep()
        second = LiveObjectStoreJournal(store, "program")
        found = second.recover()
        assert found is not None
        begun, saved = list[JournalWriter](), 0
        save, start = store.save, start_after(found.journal)

        def late(key: str, value: bytes) -> None:
            nonlocal saved
            if "-even" in key:
                saved += 1
                if saved == at + 1 and not begun:  # noqa: B023 - called within this turn of the loop
                    begun.append(second.writer(b"{}", start, "program"))  # noqa: B023
            save(key, value)  # noqa: B023

        store.save = late  # type: ignore[method-assign]
        store.settle = lambda key: None  # type: ignore[method-assign]
        with suppress(JournalError):
            first.turn()
        if not begun:
            break
        with pytest.raises(JournalError, match="another process has gone on"):
            first.keep()
        begun[0].append(Message(Kind.RATE, 1, records(Kind.RATE, rate=0.25)))
        second.keep(begun[0])
        second.settle(begun[0])
        journal = read_journal(segments_in_object_store(folder), unfinished=True)
        assert volume_of(journal.messages).number == 1
        assert [float(each.records["rate"][0]) for each in journal.messages] == [0.5, 0.25]
    assert at > 4
