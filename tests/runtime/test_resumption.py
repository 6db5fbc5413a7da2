"""A core that begins where an earlier process has left its journal."""

import datetime as dt
from itertools import takewhile
from pathlib import Path

import pytest

from alo_lib.core import pack, program
from alo_lib.journal import (
    Durability,
    JournalError,
    JournalFolder,
    LiveObjectStoreJournal,
    encode_snapshot,
    message_digest,
    object_store_key,
    read_journal,
    segments_of,
)
from alo_lib.records import Kind
from alo_lib.runtime import Beginning, DivergenceError, begin, market_record_of
from alo_lib.settings import SettingsError
from tests.core.script import FIRST, Script, of_test
from tests.journal.on_disk import OnDisk

NEXT = FIRST + dt.timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> OnDisk:
    (tmp_path / "store").mkdir()
    return OnDisk(tmp_path / "store")


def whole() -> Script:
    market = Script()
    market.session()
    market.bar(10, volatility=0.35)
    market.bar(11, spot=102, volatility=0.33)
    market.session(NEXT, [101.0])
    market.bar(10, spot=99, volatility=0.15)
    return market


def place_of(store: OnDisk, images: list[bytes], snapshots: tuple[bytes, ...] = ()) -> LiveObjectStoreJournal:
    """An object store in which an earlier process has left segments and snapshots, and nothing else."""
    for key in store.all_keys():
        store.remove(key)
    for number, image in enumerate(images):
        store.save(object_store_key(number), image)
    for number, snapshot in enumerate(snapshots):
        store.save(f"alo-snapshot.{number}", snapshot)
    return LiveObjectStoreJournal(store, program())


def restarted(market: Script, place: LiveObjectStoreJournal) -> Beginning:
    """Restart a market's core, whose process is gone: what it knows comes from the journal alone."""
    market.writer.abandon()
    beginning = begin(market.settings, place)
    market.core, market.writer = beginning.decided_again(), beginning.writer
    return beginning


@pytest.mark.parametrize("kept_in", ["folder", "object store"])
def test_a_core_that_goes_on_decides_as_one_that_was_never_killed(kept_in: str, store: OnDisk, tmp_path: Path) -> None:
    def place() -> JournalFolder | LiveObjectStoreJournal:
        if kept_in == "folder":
            return JournalFolder(tmp_path / "journal", program(), durability=Durability.OS)
        return LiveObjectStoreJournal(store, program())

    market = Script()
    first = place()
    market.core, market.writer = (beginning := begin(market.settings, first)).decided_again(), beginning.writer
    assert beginning.fresh
    assert beginning.findings == []
    market.underlying = market.core.instruments.add_equity("TEST")
    market.session()
    market.bar(10, volatility=0.35)
    count = market.writer.sequence
    first.keep(market.writer)
    second = place()
    beginning = restarted(market, second)  # type: ignore[arg-type]
    assert beginning.findings == [
        f"the writer of epoch 1 did not close the journal; {count} entries hold",
        f"{count} messages hold, of which 0 are in a snapshot; the others are decided again",
    ]
    market.bar(11, spot=102, volatility=0.33)
    second.keep(market.writer)
    third = place()
    restarted(market, third)  # type: ignore[arg-type]
    market.session(NEXT, [101.0])
    market.bar(10, spot=99, volatility=0.15)
    market.writer.close()
    expected = whole()
    found = third.closed()
    assert message_digest(found.messages) == message_digest(expected.journal.messages)
    assert [segment.epoch for segment in found.segments] == [1, 2, 3]


def test_a_core_goes_on_from_a_snapshot_that_belongs_to_its_journal(store: OnDisk) -> None:
    market = Script()
    market.session()
    early = market.store.images()
    market.bar(10, volatility=0.35)
    sequence = market.writer.sequence
    snapshot = encode_snapshot(program(), sequence, market.writer.checksum, pack(market.core.snapshot()))
    market.bar(11, spot=102, volatility=0.33)
    images = market.store.images()
    damaged = snapshot[:-1] + bytes([snapshot[-1] ^ 1])
    other = encode_snapshot("another", sequence, 0, b"")
    for kept in ((b"", snapshot[:100]), (damaged, other), ()):
        assert "of which 0 are in a snapshot" in begin(market.settings, place_of(store, images, kept)).findings[-1]
    assert "of which 0 are in a snapshot" in begin(market.settings, place_of(store, early, (snapshot,))).findings[-1]
    place = place_of(store, images, (damaged, snapshot))
    beginning = restarted(market, place)
    assert f"of which {sequence} are in a snapshot" in beginning.findings[-1]
    market.session(NEXT, [101.0])
    market.bar(10, spot=99, volatility=0.15)
    market.writer.close()
    assert message_digest(place.closed().messages) == message_digest(whole().journal.messages)


def test_one_of_two_copies_of_a_segment_may_be_cut_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.journal.stored_segments._LOOKS", 1)

    def best_of(*copies: bytes) -> bytes:
        values = {object_store_key(0, copy=place > 0): copy for place, copy in enumerate(copies)}
        (best,) = segments_of(values.get)
        return best

    market = Script()
    market.session()
    older = market.writer.image[1]
    market.bar(10, volatility=0.35)
    newer = market.writer.image[1]
    before = len(read_journal([older], unfinished=True).messages)
    assert best_of(older, newer) == best_of(newer, older) == newer
    for cut in [*range(0, 600, 7), *range(600, len(newer), 997)]:
        for copies in ((newer[:cut], older), (older, newer[:cut])):
            assert len(read_journal([best_of(*copies)], unfinished=True).messages) >= before


def test_a_segment_that_was_being_written_for_the_first_time_is_not_there_yet() -> None:
    market = whole()
    first = market.writer.image[1]
    key, copy, following = object_store_key(0), object_store_key(0, copy=True), object_store_key(1)
    assert segments_of({key: first, following: b""}.get) == [first]
    assert segments_of({key: first, copy: first[:90]}.get) == segments_of({copy: first}.get) == [first]
    assert segments_of({copy: b""}.get) == segments_of({}.get) == []  # type: ignore[arg-type]
    for damaged in ({key: first[:50], following: first}, {key: b"", copy: first[:60]}):
        with pytest.raises(JournalError, match="is damaged, and so is its copy; remove it to begin anew"):
            segments_of(damaged.get, pause=lambda seconds: None)


def test_a_frame_that_was_cut_off_is_decided_to_its_end(store: OnDisk) -> None:
    market = whole()
    messages = list(market.journal.messages)
    cut = next(place for place, message in enumerate(messages) if message.kind is Kind.INTENT)
    segment = market.journal.segments[0]
    image = segment.words[: int(segment.offsets[cut])].tobytes()
    place = place_of(store, [image])
    beginning = restarted(market, place)
    rest = len(list(takewhile(lambda message: message.kind.is_decision, messages[cut:])))
    assert beginning.findings[-1] == f"the last frame was cut off; {rest} messages of it were decided now"
    market.writer.close()
    again = place.closed().messages
    assert again[cut].records.tobytes() == messages[cut].records.tobytes()
    assert market.core.orders_working


def test_what_was_told_is_known_again() -> None:
    market = whole()
    told = market_record_of(market.journal.messages)
    assert told.underlyings == {"TEST": 0}
    assert told.session == NEXT
    assert sorted(told.contracts) == sorted(told.today) == list(range(1, 15))
    contracts = [contract for _, (_, contract) in sorted(told.contracts.items())]
    assert contracts == sorted(market.chain())
    assert told.last_close[0] == max(int(rows["time"][-1]) for rows in market.decisions(Kind.CLOSE))


def test_other_settings_and_other_decisions_are_refused(store: OnDisk) -> None:
    market = whole()
    other = of_test(cash=5.0)
    with pytest.raises(
        SettingsError, match=r"written under other settings than these \(cash was 1000000.0 and is 5.0\)"
    ):
        begin(other, place_of(store, market.store.images()))
    lenient = Script(settings=of_test(entry_edge=0.5))
    for message in market.journal.messages[:40]:
        lenient.writer.append(message)
    place = place_of(store, lenient.store.images())
    beginning = begin(lenient.settings, place)
    with pytest.raises(DivergenceError):
        beginning.decided_again()


def test_who_decides_is_no_other_setting(store: OnDisk) -> None:
    market = whole()
    elsewhere = market.settings.model_copy(update={"core_process": "desk"})
    assert not begin(elsewhere, place_of(store, market.store.images())).fresh


def begun(place: LiveObjectStoreJournal) -> Script:
    """A first life on an object store, whose session is kept."""
    market = Script()
    market.core, market.writer = (beginning := begin(market.settings, place)).decided_again(), beginning.writer
    market.underlying = market.core.instruments.add_equity("TEST")
    market.session()
    place.settle(market.writer)
    return market


@pytest.fixture
def woken(store: OnDisk) -> tuple[LiveObjectStoreJournal, Script]:
    """The first of two lives on one object store: it was stopped, taken for dead, and is woken."""
    first = LiveObjectStoreJournal(store, program())
    market = begun(first)
    second = LiveObjectStoreJournal(store, program())
    beginning = begin(market.settings, second)
    beginning.decided_again()
    second.settle(beginning.writer)
    return first, market


def test_a_store_that_keeps_nothing_more_ends_the_run_before_anything_is_sent(
    store: OnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = LiveObjectStoreJournal(store, program())
    market = begun(place)

    def full(key: str, value: bytes) -> None:
        raise OSError(f"LEAN's object store does not keep {key} of {len(value)} bytes")

    monkeypatch.setattr(store, "save", full)
    market.bar(10, volatility=0.35)
    with pytest.raises(JournalError, match=r"^the journal cannot go on: LEAN's object store does not keep alo-journal"):
        place.settle(market.writer)


def test_a_process_that_was_stopped_saves_and_sends_nothing_once_another_has_gone_on(
    store: OnDisk, woken: tuple[LiveObjectStoreJournal, Script]
) -> None:
    was = {key: store.read(key) for key in store.all_keys()}
    first, market = woken
    market.bar(10, volatility=0.35)
    why = "^another process has gone on .*: this one, of term 1, saves and sends nothing more$"
    for save in (first.settle, first.keep):
        with pytest.raises(JournalError, match=why):
            save(market.writer)
    assert {key: store.read(key) for key in store.all_keys()} == was
    assert [segment.epoch for segment in read_journal(segments_of(store.read), unfinished=True).segments] == [1, 2]


@pytest.mark.parametrize("found", [None, b""])
def test_a_process_whose_term_is_gone_or_being_written_saves_and_sends_nothing(
    store: OnDisk, found: bytes | None
) -> None:
    place, market = LiveObjectStoreJournal(store, program()), Script()
    writer = begin(market.settings, place).writer
    place.settle(writer)
    if found is None:
        store.remove("alo-journal-term")
    else:
        store.save("alo-journal-term", found)
    with pytest.raises(JournalError, match="saves and sends nothing more"):
        place.settle(writer)


def test_what_lean_writes_late_of_a_process_that_was_stopped_does_not_count(
    store: OnDisk, woken: tuple[LiveObjectStoreJournal, Script]
) -> None:
    """LEAN keeps what is saved for seconds before it writes it, and goes on doing so when it is woken."""
    before = read_journal(segments_of(store.read), unfinished=True).messages
    _, market = woken
    market.bar(10, volatility=0.35)
    number, late = market.writer.image
    for copy in (False, True):
        store.save(object_store_key(number, copy=copy), late)
    after = read_journal(segments_of(store.read), unfinished=True).messages
    assert [each.records.tobytes() for each in after] == [each.records.tobytes() for each in before]
    assert "messages hold" in begin(market.settings, LiveObjectStoreJournal(store, program())).findings[-1]
