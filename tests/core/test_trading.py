"""The core as an engine drives it: what its frames decide, and that a journal decides it again."""

from alo_lib.journal import message_digest
from alo_lib.records import Kind
from alo_lib.runtime import replay
from tests.core.script import FIRST, NEXT, Script, at, reasons, script


def test_dear_volatility_is_sold_and_hedged_in_the_next_frame() -> None:
    market = script()
    sent = market.bar(10, volatility=0.35)
    assert reasons(sent[:1]) == ["ENTRY"] * 4
    assert all(row["quantity"] < 0 for row in sent[0])
    assert reasons(sent[1:]) == ["HEDGE"]
    puts = sum(q for symbol, q in market.held.items() if "P" in symbol[6:])
    calls = sum(q for symbol, q in market.held.items() if "C" in symbol[6:])
    assert puts == calls < 0
    exposure = market.decisions(Kind.EXPOSURE)[-1][0]
    assert exposure["structures"] == 2
    assert exposure["vega"] < 0 < exposure["theta"]
    assert abs(exposure["delta"]) <= 0.5 + 1e-9


def test_a_frame_without_news_is_skipped() -> None:
    market = script()
    assert len(market.bar(10, volatility=0.20)) == 1
    assert market.core.open_frame(at(FIRST, 11)) is False


def full_story() -> Script:
    market = script()
    market.bar(10, volatility=0.35)
    market.bar(11, spot=102, volatility=0.33)
    market.session(NEXT, [101.0])
    market.bar(10, spot=99, volatility=0.15)
    return market


def test_the_same_story_gives_the_same_bytes() -> None:
    one, two = full_story(), full_story()
    assert one.store.images() == two.store.images()
    assert len(one.orders) > 8


def test_replaying_a_journal_decides_the_same_again() -> None:
    market = full_story()
    result = replay(market.journal)
    assert result.divergence is None
    assert result.digest == message_digest(market.journal.messages)
    assert result.messages == market.writer.sequence


def test_replay_finds_the_first_difference() -> None:
    journal = full_story().journal
    place = next(i for i, message in enumerate(journal.messages) if message.kind == Kind.SIGNAL)
    altered = journal.messages[place].records.copy()
    altered["edge"][0] += 1.0
    messages = (
        *journal.messages[:place],
        journal.messages[place]._replace(records=altered),
        *journal.messages[place + 1 :],
    )
    divergence = replay(type(journal)(journal.settings, messages)).divergence
    assert divergence is not None
    assert divergence.sequence == place
