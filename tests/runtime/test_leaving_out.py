"""A journal with an input that stops whoever handles it goes on without that input."""

from pathlib import Path

import numpy as np
import pytest

from alo_lib.core import TradingCore, pack
from alo_lib.core.gate import Admitted, Gate
from alo_lib.journal import (
    JournalError,
    JournalFolder,
    JournalWriter,
    LiveObjectStoreJournal,
    Snapshots,
    leave_out,
    message_digest,
    read_journal,
    segments_in_object_store,
)
from alo_lib.records import HostEvent, Kind, Message, records
from alo_lib.runtime import Replayer, begin, replay
from alo_lib.runtime.leaving_out import go_on_without, go_on_without_in_object_store
from alo_lib.runtime.replay import UndecidableFrameError
from alo_lib.strategy.book import MarketBook
from tests.core.script import FIRST, Script, at, script
from tests.journal.on_disk import OnDisk

POISON = 13.13


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that the price POISON stops, and whose gate lets it in."""
    take = MarketBook.take_trade

    def stopping(self: MarketBook, price: float, time: int) -> None:
        if price == POISON:
            raise ZeroDivisionError("float division by zero")
        take(self, price, time)

    monkeypatch.setattr(MarketBook, "take_trade", stopping)
    monkeypatch.setattr(Gate, "admit", lambda self, message: Admitted(message))


def poisoned(market: Script) -> int:
    """Kill a market by poison; returns the sequence of that message."""
    market.bar(10, volatility=0.35)
    market.tell(at(FIRST, 10.1), Kind.QUOTE, market.quotes)
    market.tell(at(FIRST, 10.1), Kind.TRADE, records(Kind.TRADE, close=POISON))
    sequence = market.writer.sequence - 1
    assert market.core.open_frame(at(FIRST, 10.2))
    with pytest.raises(ZeroDivisionError):
        market.core.run()
    return sequence


def sent(message: Message) -> list[int]:
    """Numbers of the orders that a message sends."""
    orders: list[int] = message.records["order"].tolist() if message.kind is Kind.INTENT else []
    return orders


def in_folder(folder: Path) -> Script:
    """A script whose journal is a folder."""
    market = Script()
    market.writer = JournalWriter.create(folder, settings=market.settings.model_dump_json().encode())
    market.core = TradingCore(market.settings, market.writer)
    market.underlying = market.core.instruments.add_equity("TEST")
    market.session()
    return market


@pytest.mark.usefixtures("fragile")
def test_a_replay_says_which_frame_cannot_be_decided() -> None:
    market = script()
    sequence = poisoned(market)
    with pytest.raises(
        UndecidableFrameError, match=r"2024-03-04T15:12:00.000Z cannot be decided .*ZeroDivision"
    ) as one:
        replay(market.journal)
    assert f"to {sequence}," in str(one.value)


@pytest.mark.usefixtures("fragile")
def test_a_killed_core_goes_on_without_the_message(tmp_path: Path) -> None:
    market = in_folder(tmp_path / "journal")
    sequence = poisoned(market)
    market.writer.abandon()
    before = sorted(path.name for path in (tmp_path / "journal").iterdir())
    for _ in range(2):
        with pytest.raises(UndecidableFrameError):
            begin(market.settings, JournalFolder(tmp_path / "journal", "program")).decided_again()
    assert sorted(path.name for path in (tmp_path / "journal").iterdir()) == before
    said = go_on_without(tmp_path / "journal", sequence)
    assert said.startswith(f"message {sequence} of ")

    beginning = begin(market.settings, JournalFolder(tmp_path / "journal", "program"))
    core = beginning.decided_again()
    assert core.last_frame == at(FIRST, 10.2)
    core.accept(Message(Kind.TRADE, at(FIRST, 10.3), records(Kind.TRADE, close=100.0)))
    assert core.open_frame(at(FIRST, 10.3))
    core.run()
    core.stop()
    beginning.writer.close()
    journal = read_journal(tmp_path / "journal")
    assert journal.left_out == {sequence}
    assert replay(journal).divergence is None
    assert len(journal.counted) == len(journal.messages) - 1
    marks = [message for message in journal.messages if message.kind is Kind.EVENT]
    assert [row["order"] for row in marks[0].records if row["event"] == HostEvent.LEFT_OUT] == [sequence]
    assert replay(journal).digest == message_digest(journal.counted)


@pytest.mark.usefixtures("fragile")
def test_a_snapshot_that_waits_for_the_message_is_gone_on_from_without_it(tmp_path: Path) -> None:
    market = in_folder(tmp_path / "journal")
    market.bar(10, volatility=0.35)
    market.tell(at(FIRST, 10.1), Kind.TRADE, records(Kind.TRADE, close=POISON))
    sequence = market.writer.sequence - 1
    writer = market.writer
    Snapshots(tmp_path / "journal", "program").save(writer.sequence, writer.checksum, pack(market.core.snapshot()))
    writer.abandon()
    go_on_without(tmp_path / "journal", sequence)
    beginning = begin(market.settings, JournalFolder(tmp_path / "journal", "program"))
    assert beginning.snapshot is not None
    assert not beginning.decided_again().open_frame(at(FIRST, 10.2))


@pytest.mark.usefixtures("fragile")
def test_what_the_frame_had_decided_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    market = script()
    market.bar(10, volatility=0.35)
    monkeypatch.setattr("alo_lib.core.tasks.take_new_funnels", lambda strategy: 1 / 0)  # the last of the tasks
    time = at(FIRST, 10.1)
    market.tell(time, Kind.TRADE, records(Kind.TRADE, close=101.0, volume=1))
    market.tell(time, Kind.QUOTE, market.quotes)
    assert market.core.open_frame(time + 10**7)
    with pytest.raises(ZeroDivisionError):
        market.core.run()
    monkeypatch.undo()
    messages = market.journal.messages
    sequence = next(place for place in range(len(messages) - 1, 0, -1) if messages[place].kind is Kind.QUOTE)
    remark = leave_out(messages, sequence)
    void = remark.records["order"].tolist()
    assert void[0] == sequence
    assert all(messages[place].kind.is_decision for place in void[1:])
    assert len(void) > 1
    replayer = Replayer(market.journal, without=void)
    for _ in replayer.frames():
        pass
    assert replayer.continuation.extra
    kept = {row for place, message in enumerate(messages) if place not in void for row in sent(message)}
    assert kept.isdisjoint(number for message in replayer.continuation.extra for number in sent(message))


@pytest.mark.parametrize(
    ("pick", "why"),
    [
        (lambda messages: len(messages), "is not in the journal"),
        (lambda messages: next(i for i, m in enumerate(messages) if m.kind.is_decision), "only an input"),
        (lambda messages: next(i for i, m in enumerate(messages) if m.kind is Kind.FRAME), "only an input"),
        (
            lambda messages: next(i for i, m in enumerate(messages) if m.kind is Kind.RATE),
            "what was decided on it counts",
        ),
    ],
)
def test_what_was_decided_on_is_not_left_out(pick: object, why: str) -> None:
    market = script()
    market.bar(10)
    market.bar(10.1)
    messages = market.journal.messages
    with pytest.raises(JournalError, match=why):
        leave_out(messages, pick(messages))  # type: ignore[operator]


@pytest.mark.usefixtures("fragile")
def test_a_live_run_in_the_object_store_goes_on_without_the_message(tmp_path: Path) -> None:
    store = OnDisk(tmp_path)
    place = LiveObjectStoreJournal(store, "program")
    market = Script()
    beginning = begin(market.settings, place)
    market.writer, market.core = beginning.writer, beginning.decided_again()
    market.underlying = market.core.instruments.add_equity("TEST")
    market.session()
    sequence = poisoned(market)
    place.keep(market.writer)
    assert "counts no more" in go_on_without_in_object_store(tmp_path, sequence)
    assert read_journal(segments_in_object_store(tmp_path)).left_out == {sequence}
    core = begin(market.settings, LiveObjectStoreJournal(store, "program")).decided_again()
    assert np.isfinite(core.cash)
    with pytest.raises(JournalError, match="holds no journal"):
        go_on_without_in_object_store(tmp_path / "elsewhere", sequence)
