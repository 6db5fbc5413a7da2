"""A core that goes on from the segments that an earlier process has left."""

import datetime as dt

import pytest

from alo_lib.core import DivergenceError, Settings, continue_core, told_by
from alo_lib.journal import JournalError, MemoryStore, message_digest, read_journal
from alo_lib.market.records import Kind
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
