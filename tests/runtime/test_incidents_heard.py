"""What people hear of overruns and halts of a live core."""

from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.executive import BudgetWatch, Cause, Frame, OverrunPolicy, TaskPlan
from alo_lib.executive.plan import MinorFrame
from alo_lib.journal import JournalWriter
from alo_lib.records import HaltCause, Kind, Message, records
from alo_lib.runtime.incidents import HaltsHeard, NoticesHeard, OverrunsHeard
from alo_lib.runtime.outbox import Outbox
from alo_lib.runtime.told_book import Telling


def overrun(**columns: object) -> Message:
    return Message(Kind.OVERRUN, 1, records(Kind.OVERRUN, frame=7, **columns))


def test_each_overrun_is_heard_with_what_follows_from_it_once_it_is_journaled() -> None:
    heard: list[str] = []
    writer = JournalWriter()
    journal = Telling(writer, OverrunsHeard(lambda sentence: heard.append(f"{writer.sequence}: {sentence}")))
    task = {"task": b"signal", "elapsed": 163_000_000, "budget": 150_000_000, "cause": Cause.WORK}
    journal.append(overrun(policy=OverrunPolicy.DEGRADE, **task))
    journal.append(overrun(policy=OverrunPolicy.FINISH, **task))
    journal.append(overrun(cause=Cause.LATE, elapsed=2_500_000, missed=3))
    journal.append(Message(Kind.FRAME, 1, records(Kind.FRAME)))
    journal.flush()
    what = "overrun: task signal took 163.0 ms of its 150.0 ms in frame 7 (its own work)"
    assert heard == [
        f"1: {what}; degraded: the next frame opens no risk",
        f"2: {what}; the frame went on",
        "3: overrun: frame 7 was released 2.5 ms late, and 3 before it never",
    ]


def test_a_late_frame_is_no_overrun_to_be_counted() -> None:
    outbox = Outbox(JournalWriter())
    for cause in (Cause.WORK, Cause.LATE, Cause.WAITED, Cause.LATE):
        outbox.append(overrun(cause=cause))
    assert outbox.overruns == 2


def test_each_halt_and_its_end_is_heard_once() -> None:
    heard: list[str] = []
    core: Any = SimpleNamespace(halts={HaltCause.RECONCILIATION})
    halts = HaltsHeard(core, heard.append)
    halts.look()
    halts.look()
    core.halts = {HaltCause.OPERATOR}
    halts.look()
    core.halts = set()
    halts.look()
    assert [sentence.partition(":")[0] for sentence in heard] == [
        "halt, reconciliation",
        "halt, operator",
        "halt, reconciliation",
        "halt, operator",
    ]
    assert heard[0].endswith("the mode is reduce-only")
    assert heard[-1] == "halt, operator: it has ended; the mode is normal"


@pytest.mark.parametrize(("scale", "over"), [(1.0, True), (1000.0, False)])
def test_a_budget_is_a_share_of_the_interval_at_which_frames_come(
    monkeypatch: pytest.MonkeyPatch, scale: float, over: bool
) -> None:
    now = iter((0, 3_000_000))
    monkeypatch.setattr("alo_lib.executive.overruns.time.monotonic_ns", lambda: next(now))
    watch = BudgetWatch(scale)
    watch.begin()
    found = watch.end(Frame(1, 1), TaskPlan("signal", MinorFrame.STRATEGY, 1_500_000))
    assert (found is not None) is over
    if found is not None:
        assert found.budget == 1_500_000


def test_each_notice_is_heard_once_it_is_journaled() -> None:
    heard: list[str] = []
    writer = JournalWriter()
    journal = Telling(writer, NoticesHeard(lambda sentence: heard.append(f"{writer.sequence}: {sentence}")))
    notices = records(Kind.NOTICE, 2)
    notices["text"] = [b"GOOG: not opened, vega of 3 would exceed max-vega 2", b"GOOG: cut from 3 to 2"]
    journal.append(Message(Kind.NOTICE, 1, notices))
    journal.append(Message(Kind.FRAME, 1, records(Kind.FRAME)))
    assert heard == [
        "1: notice, GOOG: not opened, vega of 3 would exceed max-vega 2",
        "1: notice, GOOG: cut from 3 to 2",
    ]
