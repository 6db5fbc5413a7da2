"""Frames of the real core: those that are skipped, those that overrun, and what a journal keeps of them."""

import dataclasses
import datetime as dt
import json

import pytest

from alo_lib.core import TradingCore
from alo_lib.core.frame_plan import FRAME_PLAN
from alo_lib.executive import Cause, Overrun, OverrunError, OverrunPolicy, RecordedWatch, ScheduleError
from alo_lib.journal import Journal, JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.records import Kind, Message, OrderReason
from alo_lib.runtime import replay
from alo_lib.settings import Settings
from tests.core.script import FIRST, Script, at, of_test


def story() -> Script:
    market = Script(of_test())
    market.session()
    market.bar(10, volatility=0.35)
    market.bar(11, spot=102, volatility=0.33)
    market.session(FIRST + dt.timedelta(days=1), [101.0])
    market.bar(10, spot=99, volatility=0.15)
    return market


def again(
    journal: Journal, *, every_frame: bool = False, watch: RecordedWatch | None = None
) -> tuple[TradingCore, str]:
    """Decide again; with ``every_frame``, 50 frames before each one that saw news are opened and run as well."""
    settings = Settings.of(json.loads(journal.settings))
    store = MemoryStore()
    core = TradingCore(settings, JournalWriter(store, segment_bytes=1 << 22, settings=journal.settings))
    last = 0
    waiting: list[Message] = []
    for message in journal.messages:
        if message.kind is Kind.FRAME:
            if every_frame:
                first = max(last, message.time - 50 * settings.frame_nanoseconds) + settings.frame_nanoseconds
                for time in range(first, message.time, settings.frame_nanoseconds):
                    assert core.open_frame(time, skip_empty=False)
                    assert len(core.run()) == 0
            for each in waiting:
                core.accept(each)
            waiting.clear()
            core.open_frame(message.time)
            core.run()
            last = message.time
        elif not message.kind.is_decision:
            waiting.append(message)
    return core, message_digest(read_journal(store.images(), unfinished=True).messages)


def test_skipping_empty_frames_changes_no_output() -> None:
    market = story()
    (skipping, one), (walking, two) = again(market.journal), again(market.journal, every_frame=True)
    assert one == two == message_digest(market.journal.messages)
    assert walking.slot_trace.slots >= skipping.slot_trace.slots + 50 * len(FRAME_PLAN)
    assert skipping.slot_trace.digest == market.core.slot_trace.digest


def with_overrun(policy: OverrunPolicy, task: str = "signal", hour: float = 10) -> tuple[Script, Overrun]:
    """A market where a task overruns in the first frame after an hour."""
    market = Script(of_test())
    number = at(FIRST, hour) // market.settings.frame_nanoseconds + 1
    overrun = Overrun(number, task, Cause.WORK, policy, 9_000_000, 1_500_000)
    market.core = TradingCore(market.settings, market.writer, watch=RecordedWatch([overrun], live=True))
    market.core.instruments.add_equity("TEST")
    return market, overrun


def test_an_overrun_is_journaled_where_it_happened_and_replayed() -> None:
    market, overrun = with_overrun(OverrunPolicy.DEGRADE)
    market.session()
    market.bar(10, volatility=0.35)
    market.bar(11, spot=102, volatility=0.33)
    messages = market.journal.messages
    at = next(i for i, message in enumerate(messages) if message.kind is Kind.OVERRUN)
    row = messages[at].records[0]
    assert (row["task"], row["cause"], row["policy"]) == (b"signal", Cause.WORK, OverrunPolicy.DEGRADE)
    assert (row["frame"], row["elapsed"], row["budget"]) == (overrun.frame, 9_000_000, 1_500_000)
    assert messages[at - 1].kind is Kind.SIGNAL
    assert messages[at + 1].kind is Kind.TARGET
    result = replay(market.journal)
    assert result.divergence is None
    assert result.digest == message_digest(market.journal.messages)


def test_a_degraded_frame_opens_no_risk() -> None:
    market, _ = with_overrun(OverrunPolicy.DEGRADE, hour=9.55)
    market.session()
    market.bar(9.55, volatility=0.35)  # within the entry delay: ranked, and overrun
    sent = market.bar(10, volatility=0.35)
    assert [len(intents) for intents in sent] == [0]
    assert len(market.core.signals) == 0
    reasons = {OrderReason(row["reason"]) for intents in market.bar(10.1, volatility=0.35) for row in intents}
    assert reasons >= {OrderReason.ENTRY}


@pytest.mark.parametrize("task", [plan.name for plan in FRAME_PLAN])
def test_whatever_is_left_out_no_order_is_sent_twice(task: str) -> None:
    market, _ = with_overrun(OverrunPolicy.SKIP, task)
    market.session()
    for hour in (10, 10.1, 10.2):
        market.bar(hour, volatility=0.35)
    numbers = [row["order"] for table in market.decisions(Kind.INTENT) for row in table]
    assert len(set(numbers)) == len(numbers) > 0
    sent = [order.number for order in market.orders]
    assert sorted(sent) == sorted(set(sent))
    assert replay(market.journal).divergence is None


def test_an_overrun_that_stops_ends_the_journal_and_its_replay() -> None:
    market, _ = with_overrun(OverrunPolicy.STOP)
    market.session()
    with pytest.raises(OverrunError):
        market.bar(10, volatility=0.35)
    assert market.journal.messages[-1].kind is Kind.OVERRUN
    assert replay(market.journal).divergence is None


def test_late_frames_are_journaled_and_replayed() -> None:
    market = story()
    time = market.journal.messages[-1].time + 10_000_000
    market.core.tell_late(time, lateness=25_000_000, missed=2)
    row = market.journal.messages[-1].records[0]
    assert (row["cause"], row["policy"], row["missed"], row["task"]) == (Cause.LATE, OverrunPolicy.SKIP, 2, b"")
    assert replay(market.journal).divergence is None


def test_a_plan_that_does_not_fit_names_its_task() -> None:
    plans = [dataclasses.replace(plan, budget=plan.budget * 2) for plan in FRAME_PLAN]
    with pytest.raises(ScheduleError, match="task 'ingest' cannot be scheduled"):
        TradingCore(Settings.of({}), JournalWriter(), plans=plans)
