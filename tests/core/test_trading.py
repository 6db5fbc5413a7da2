"""The core as an engine drives it: what its frames decide, and that a journal decides it again."""

import pytest

from alo_lib.core import FRAME_PLAN, CoreState, LogicalCalibrator, TradingCore
from alo_lib.executive import Cause, LifecycleError, Overrun, OverrunPolicy, RecordedWatch
from alo_lib.journal import JournalWriter, message_digest
from alo_lib.records import HostEvent, Kind, Message, OrderStatus, records
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from tests.core.script import FIRST, NEXT, Script, at, of_test, reasons, script, tell_order_event


def test_dear_volatility_is_sold_and_hedged_in_the_next_frame() -> None:
    market = script(hedge="delta_band")
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


def test_what_a_frame_publishes_is_what_it_journals() -> None:
    market = script(frames_per_bar=1, max_vega=1e-6)
    market.bar(10, volatility=0.35)
    core, time = market.core, market.core.last_frame
    told = {Kind.TARGET: b"", Kind.SIGNAL: b""}
    for message in market.journal.messages:
        if message.time == time and message.kind in told:
            told[message.kind] += message.records.tobytes()
    assert len(core.signals) > 0
    assert core.signals.tobytes() == told[Kind.SIGNAL]
    assert len(core.limited) > 0  # none of them may be opened
    assert core.targets.tobytes() + core.limited.tobytes() == told[Kind.TARGET]
    assert len(core.intents) == 0
    assert [plan.name for plan in core.table.tasks] == [plan.name for plan in FRAME_PLAN]
    market = script(frames_per_bar=1)
    market.bar(10, volatility=0.35)
    assert market.core.intents.tobytes() == market.decisions(Kind.INTENT)[-1].tobytes()
    assert len(market.core.intents) > 0


def test_cash_is_what_fills_and_fees_leave_of_the_beginnings() -> None:
    market = script()
    assert market.core.cash == market.settings.cash
    event = {"instrument": 0, "quantity": 30, "price": 100.25, "fee": 1.0, "status": OrderStatus.FILLED}
    tell_order_event(market, 10, **event)
    market.frames(at(FIRST, 10))
    assert market.core.cash == market.settings.cash - 3_007.5 - 1.0


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


# The life of a core ---------------------------------------------------------------------------------------------------


class Sink:
    """Keeps what is appended, and counts the frames that it hears have ended."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.flushed = 0

    def append(self, message: Message) -> int:
        self.messages.append(message)
        return len(self.messages)

    def flush(self) -> None:
        self.flushed += 1


class Closing(LogicalCalibrator):
    """Tells whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_a_core_that_has_stopped_opens_no_frame_and_gives_its_calibrator_up() -> None:
    sink, calibrator = Sink(), Closing(0)
    core = TradingCore(Settings(), sink, calibrator=calibrator)
    core.accept(Message(Kind.RATE, 1, records(Kind.RATE, rate=0.01)))
    assert (calibrator.closed, sink.flushed) == (False, 0)
    core.stop()
    assert (calibrator.closed, sink.flushed) == (True, 1)
    with pytest.raises(LifecycleError):
        core.open_frame(1_000_000_000)


def test_a_calibrator_that_is_exchanged_is_given_up_and_the_new_one_asked() -> None:
    first = Closing(0)
    asked = []

    class Second(LogicalCalibrator):
        def ready(self, pending: object, time: int) -> bool:
            asked.append(time)
            return False

    core = TradingCore(of_test(), JournalWriter(), calibrator=first)
    market = Script(core.settings)
    market.core = core
    core.instruments.add_equity("TEST")
    core.calibrate_with(Second(0))
    assert first.closed
    market.session()
    market.bar(10)
    assert len(asked) > 0


def test_a_remark_is_journaled_and_handled_by_no_frame() -> None:
    sink = Sink()
    core = TradingCore(Settings(), sink)
    event = Message(Kind.EVENT, 5, records(Kind.EVENT, event=HostEvent.RECOVERY, instrument=-1, text=b"found"))
    core.remark(event)
    assert sink.messages == [event]
    assert not core.open_frame(1_000_000_000)
    with pytest.raises(ValueError, match="kind RATE is no remark"):
        core.remark(Message(Kind.RATE, 5, records(Kind.RATE, rate=0.01)))
    assert sink.messages == [event]


def test_a_core_writes_to_the_journal_that_it_was_given_last_and_tells_calibrations_itself() -> None:
    one, two = Sink(), Sink()
    core = TradingCore(Settings(), one)
    core.calibrations_given = True
    rate = Message(Kind.RATE, 5, records(Kind.RATE, rate=0.01))
    core.accept(rate)
    core.journal_to(two)
    assert not core.calibrations_given
    core.accept(rate)
    assert core.open_frame(1_000_000_000)
    core.run()
    assert (len(one.messages), one.flushed) == (1, 0)
    assert [message.kind for message in two.messages] == [Kind.RATE, Kind.FRAME]
    assert two.flushed == 1


def test_no_snapshot_is_taken_within_a_frame_or_before_an_overrun_is_made_up_for() -> None:
    market = script()
    market.bar(10)
    assert isinstance(market.core.snapshot(), CoreState)
    frame = at(FIRST, 10.5)
    overrun = Overrun(
        frame // market.settings.frame_nanoseconds, "signal", Cause.WORK, OverrunPolicy.DEGRADE, 9_000_000, 1_500_000
    )
    market.core.watch_with(RecordedWatch([overrun], live=True))
    market.tell(frame, Kind.RATE, records(Kind.RATE, rate=0.01))
    assert market.core.open_frame(frame)
    with pytest.raises(LifecycleError, match="between two frames; the executive is"):
        market.core.snapshot()
    market.core.run()
    assert market.core.owes
    with pytest.raises(LifecycleError, match="before an overrun has been made up for"):
        market.core.snapshot()
    market.core.watch_with(None)
    market.bar(10.6)  # without signals
    assert not market.core.owes
    assert isinstance(market.core.snapshot(), CoreState)


def test_an_input_of_a_place_in_a_frame_is_put_in_nowhere_else() -> None:
    market = script()
    row = records(Kind.EXTERNAL_TARGET, instrument=0, quantity=5)
    row["within"] = 3
    before = market.writer.sequence
    market.core.accept(Message(Kind.EXTERNAL_TARGET, at(FIRST, 10), row))
    assert market.writer.sequence == before + 1
    assert market.journal.messages[-1].records["event"][0] == HostEvent.REFUSED
    assert market.core.external.targets == {}
