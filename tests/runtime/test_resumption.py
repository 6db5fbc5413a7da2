"""A core that goes on from the segments that an earlier process has left."""

import datetime as dt

import pytest

from alo_lib.core import Settings, pack, program
from alo_lib.journal import (
    JournalError,
    MemoryStore,
    best_copy,
    encode_snapshot,
    message_digest,
    object_store_key,
    read_journal,
    segments_of,
)
from alo_lib.records import Kind
from alo_lib.runtime import DivergenceError, continue_core, told_by
from tests.core.script import FIRST, Script

NEXT = FIRST + dt.timedelta(days=1)


def whole() -> Script:
    market = Script()
    market.session()
    market.bar(10, volatility=0.35)
    market.bar(11, spot=102, volatility=0.33)
    market.session(NEXT, [101.0])
    market.bar(10, spot=99, volatility=0.15)
    return market


def restarted(market: Script, images: list[bytes]) -> tuple[Script, list[str]]:
    """The market after a restart of its core: what it knows comes from the journal alone."""
    store = MemoryStore()
    continued = continue_core(market.settings, images, store, segment_bytes=1 << 20)
    market.core, market.writer, market.store = continued.core, continued.writer, store
    return market, continued.findings


def test_a_core_that_goes_on_decides_as_one_that_was_never_killed() -> None:
    market = Script()
    market.session()
    market.bar(10, volatility=0.35)
    images = market.store.images()
    market, findings = restarted(market, images)
    assert findings[1] == "the writer of epoch 1 did not close the journal"
    market.bar(11, spot=102, volatility=0.33)
    images += market.store.images()
    market, findings = restarted(market, images)
    assert findings[0].endswith("as epoch 3")
    market.session(NEXT, [101.0])
    market.bar(10, spot=99, volatility=0.15)
    images += market.store.images()
    expected = whole()
    found = read_journal(images, unfinished=True)
    assert message_digest(found.messages) == message_digest(expected.journal.messages)
    assert [segment.epoch for segment in found.segments] == [1, 2, 3]


def test_a_core_goes_on_from_a_snapshot_that_belongs_to_its_journal() -> None:
    market = Script()
    market.session()
    early = market.store.images()
    market.bar(10, volatility=0.35)
    sequence = market.writer.sequence
    snapshot = encode_snapshot(program(), sequence, market.writer.checksum, pack(market.core.snapshot()))
    market.bar(11, spot=102, volatility=0.33)
    images = market.store.images()
    damaged = snapshot[:-1] + bytes([snapshot[-1] ^ 1])
    for kept in ([b"", snapshot[:100], damaged, encode_snapshot("another", sequence, 0, b"")], []):
        passed_over = continue_core(market.settings, images, MemoryStore(), segment_bytes=1 << 20, snapshots=kept)
        assert not any("snapshot" in finding for finding in passed_over.findings)
    too_new = continue_core(market.settings, early, MemoryStore(), segment_bytes=1 << 20, snapshots=[snapshot])
    assert not any("snapshot" in finding for finding in too_new.findings)
    store = MemoryStore()
    continued = continue_core(market.settings, images, store, segment_bytes=1 << 20, snapshots=[damaged, snapshot])
    assert continued.findings[1] == f"{sequence} of them are in a snapshot, the others were decided again as recorded"
    market.core, market.writer, market.store = continued.core, continued.writer, store
    market.session(NEXT, [101.0])
    market.bar(10, spot=99, volatility=0.15)
    found = read_journal([*images, *store.images()], unfinished=True)
    assert message_digest(found.messages) == message_digest(whole().journal.messages)


def test_one_of_two_copies_of_a_segment_may_be_cut_anywhere() -> None:
    market = Script()
    market.session()
    older = market.writer.image[1]
    market.bar(10, volatility=0.35)
    newer = market.writer.image[1]
    before = len(read_journal([older], unfinished=True).messages)
    assert best_copy([older, newer]) == best_copy([newer, older]) == newer
    for cut in [*range(0, 600, 7), *range(600, len(newer), 997)]:
        for copies in ([newer[:cut], older], [older, newer[:cut]]):
            best = best_copy(copies)
            assert best is not None
            assert len(read_journal([best], unfinished=True).messages) >= before
    assert best_copy([b"", newer[:50]]) is None


def test_a_segment_that_was_being_written_for_the_first_time_is_not_there_yet() -> None:
    market = whole()
    first = market.writer.image[1]
    key, copy, following = object_store_key(0), object_store_key(0, copy=True), object_store_key(1)
    assert segments_of({key: first, following: b""}.get) == [first]
    assert segments_of({key: first, copy: first[:90]}.get) == segments_of({copy: first}.get) == [first]
    assert segments_of({copy: b""}.get) == segments_of({}.get) == []
    for damaged in ({key: first[:50], following: first}, {key: b"", copy: first[:60]}):
        with pytest.raises(JournalError, match="is damaged, and so is its copy; remove it to begin anew"):
            segments_of(damaged.get)


def test_a_frame_that_was_cut_off_is_decided_to_its_end() -> None:
    market = whole()
    messages = list(market.journal.messages)
    cut = next(place for place, message in enumerate(messages) if message.kind is Kind.INTENT)
    segment = market.journal.segments[0]
    image = segment.words[: int(segment.offsets[cut])].tobytes()
    store = MemoryStore()
    continued = continue_core(market.settings, [image], store, segment_bytes=1 << 20)
    assert continued.findings[2].startswith("its last frame was cut off; ")
    again = read_journal([image, *store.images()], unfinished=True).messages
    assert again[cut].records.tobytes() == messages[cut].records.tobytes()
    assert continued.core.orders_working


def test_what_was_told_is_known_again() -> None:
    market = whole()
    told = told_by(market.journal.messages)
    assert told.underlyings == {"TEST": 0}
    assert told.session == NEXT
    assert sorted(told.contracts) == sorted(told.today) == list(range(1, 15))
    contracts = [contract for _, (_, contract) in sorted(told.contracts.items())]
    assert contracts == sorted(market.chain())
    assert told.last_close[0] == max(int(rows["time"][-1]) for rows in market.decisions(Kind.CLOSE))


def test_other_settings_and_other_decisions_are_refused() -> None:
    market = whole()
    with pytest.raises(JournalError, match="written under other settings"):
        continue_core(Settings.of({"underlyings": "TEST", "cash": 5.0}), market.store.images(), MemoryStore())
    lenient = Script(settings=Settings.of({"underlyings": "TEST", "entry_edge": 0.5}))
    for message in market.journal.messages[:40]:
        lenient.writer.append(message)
    with pytest.raises(DivergenceError):
        continue_core(lenient.settings, lenient.store.images(), MemoryStore())
