"""What is recorded of a run, against its journal; and that nothing is decided otherwise for it."""

from pathlib import Path

import numpy as np
import pytest

from alo_lib.core import FRAME_PLAN
from alo_lib.executive import Cause, Overrun, OverrunPolicy, Release
from alo_lib.journal import JOURNAL_FOLDER, Durability, Journal, message_digest, orders_of, read_journal
from alo_lib.records import PROFIT_PARTS, HaltCause, HostEvent, Kind, Message, OrderStatus, records, remark
from alo_lib.runtime.showing import Showing
from alo_lib.simulation import run_backtest
from alo_lib.telemetry import EngineKind, Recorder, RunPhase, RunTold, open_recorder
from alo_lib.telemetry.hardware import HardwareCounters
from alo_lib.telemetry.layout import COUNTERS, NOT_SUPPORTED, STATE_NAME, UNKNOWN_HALTS, task_histogram
from alo_lib.telemetry.reading import Telemetry, TelemetryFiles, published_in
from tests.simulation import tiny

TOLD = RunTold("desk", EngineKind.CORE, True, 10_000_000, FRAME_PLAN, Path("journal"))


class Kept:
    """A journal that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def append(self, message: Message) -> int:
        self.messages.append(message)
        return len(self.messages) - 1

    def flush(self) -> None:
        pass


def read(folder: Path) -> Telemetry:
    place = published_in(folder)
    assert place is not None
    files = TelemetryFiles(place)
    try:
        return files.read()
    finally:
        files.close()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_backtest(tiny.settings(), data, tmp_path_factory.mktemp("shown")).folder


def journal_of(folder: Path, *, unfinished: bool = False) -> Journal:
    return read_journal(folder / JOURNAL_FOLDER, unfinished=unfinished)


def rows_of(journal: Journal, kind: Kind) -> list[np.void]:
    return [row for message in journal.messages if message.kind is kind for row in message.records]


def test_the_journal_is_the_same_with_and_without(run: Path, data: Path, tmp_path: Path) -> None:
    plain = run_backtest(tiny.settings(), data, tmp_path, shown=False).folder
    assert published_in(plain) is None
    assert message_digest(journal_of(plain).messages) == message_digest(journal_of(run).messages)
    same = {path.name: path.read_bytes() for path in plain.iterdir() if path.is_file()}
    assert same == {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}


def test_an_embedded_run_shows_what_its_journal_tells(run: Path) -> None:
    journal, told = journal_of(run), read(run)
    state, frames = told.state, len(rows_of(journal, Kind.FRAME))
    assert told.owner.pid == 0  # given up
    assert (state["name"].decode(), state["engine"]) == (run.name, list(EngineKind).index(EngineKind.EMBEDDED))
    assert list(RunPhase)[state["phase"]] is RunPhase.STOPPED
    assert (state["run"], state["sequence"]) == (frames, len(journal.messages))
    kinds = np.bincount([message.kind for message in journal.messages], minlength=len(state["messages"]))
    assert state["messages"].tolist() == kinds.tolist()
    statuses = [order.status for order in orders_of(journal.messages) if order.number]
    assert statuses
    assert state["orders"].tolist() == np.bincount(statuses, minlength=len(state["orders"])).tolist()
    for name in ("frame", *(task_histogram(plan.name) for plan in FRAME_PLAN)):
        assert told.histograms[name].count == frames
    assert told.histograms["release_lateness"].count == 0  # nothing is released in logical time
    with_orders = len({message.time for message in journal.messages if message.kind is Kind.INTENT})
    assert told.histograms["decision_to_order"].count == with_orders
    assert told.histograms["order_to_fill"].count == len(statuses)  # all are filled
    tasks = sum(told.histograms[task_histogram(plan.name)].total for plan in FRAME_PLAN)
    assert 0 < tasks <= told.histograms["frame"].total


def test_book_limits_and_profit_are_the_journals_last(run: Path) -> None:
    journal, state = journal_of(run), read(run).state
    last = {int(row["underlying"]): row for row in rows_of(journal, Kind.EXPOSURE)}
    assert state["exposures_told"] == len(last) == 1
    assert state["exposures"][0] == last[0]
    assert state["symbols"][0] == b"TINY"
    limits = next(message.records for message in reversed(journal.messages) if message.kind is Kind.LIMIT)
    assert state["limits"][: state["limits_told"]].tolist() == limits.tolist()
    parts = {(row["underlying"], row["trade"]): row for row in rows_of(journal, Kind.ATTRIBUTION)}
    for place, part in enumerate(PROFIT_PARTS):
        assert state["profit"][place] == pytest.approx(sum(row[part] for row in parts.values()), abs=1e-9)
    opened = {int(row["trade"]) for row in rows_of(journal, Kind.ENTRY)}
    assert state["trades_open"] == len(opened - {int(row["trade"]) for row in rows_of(journal, Kind.EXIT)})


class Clock:
    """Stands in the place of the module ``time``; it goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000_000

    def monotonic_ns(self) -> int:
        return self.now

    time_ns = monotonic_ns


def test_orders_wait_for_their_fill_and_lateness_is_the_clocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("alo_lib.telemetry.recorder.time", clock)
    recorder = Recorder(tmp_path, TOLD)
    kept = Kept()
    sink = recorder.sink(kept)

    def event(order: int, status: OrderStatus, quantity: int) -> None:
        row = records(Kind.ORDER_EVENT, order=order, status=status, quantity=quantity)
        sink.append(Message(Kind.ORDER_EVENT, 5, row))

    sink.append(Message(Kind.QUOTE, 1, records(Kind.QUOTE)))
    clock.now += 20_000
    sink.append(Message(Kind.FRAME, 2, records(Kind.FRAME, frame=7)))
    sink.append(Message(Kind.INTENT, 2, records(Kind.INTENT, 3, order=[1, 2, 3])))
    clock.now += 3_000
    sink.flush()
    sink.flush()  # without a frame nothing ends
    clock.now += 400
    recorder.sent()
    clock.now += 10_000
    event(1, OrderStatus.SUBMITTED, 0)
    event(2, OrderStatus.PARTIALLY_FILLED, 4)
    event(2, OrderStatus.FILLED, 4)
    event(3, OrderStatus.CANCELED, 0)
    recorder.released(Release(100, 0, 90, 160), missed=2)
    sink.append(remark(HostEvent.REFUSED, 5, "no", quantity=3))
    sink.append(remark(HostEvent.BROKERAGE_DISCONNECT, 5, "gone"))
    recorder.close(RunPhase.FAILED)
    told = read(tmp_path)
    state, times = told.state, told.histograms
    assert times["data_to_decision"].count == times["decision_to_order"].count == times["order_to_fill"].count == 1
    assert (times["data_to_decision"].total, times["frame"].total) == (23_000, 3_000)
    assert (times["order_to_fill"].total, times["decision_to_order"].total) == (10_000, 400)
    assert (times["release_lateness"].count, times["release_lateness"].largest) == (1, 60)
    assert (state["released"], state["missed"], state["refused"], state["broker"]) == (1, 2, 3, 0)
    assert state["orders"].nonzero()[0].tolist() == [OrderStatus.SUBMITTED, OrderStatus.FILLED, OrderStatus.CANCELED]
    assert list(RunPhase)[state["phase"]] is RunPhase.FAILED
    assert [message.kind for message in kept.messages][:3] == [Kind.QUOTE, Kind.FRAME, Kind.INTENT]


def test_overruns_are_counted_by_task_cause_and_what_follows(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, TOLD)
    sink = recorder.sink(Kept())
    for cause, policy, task in (
        (Cause.WORK, OverrunPolicy.DEGRADE, "signal"),
        (Cause.PAGE_FAULT, OverrunPolicy.SKIP, "signal"),
        (Cause.LATE, OverrunPolicy.FINISH, ""),
    ):
        row = records(Kind.OVERRUN, cause=cause, policy=policy, task=task.encode())
        sink.append(Message(Kind.OVERRUN, 5, row))
    recorder.close(RunPhase.STOPPED)
    state = read(tmp_path).state
    place = state["tasks"].tolist().index(b"signal")
    assert state["overruns"][place].tolist() == [1, 0, 1, 0]
    assert state["overruns"].sum() == 2
    assert (state["degraded"][place], state["skipped"][place], state["late"]) == (1, 1, 1)
    budgets = {plan.name.encode(): plan.budget for plan in FRAME_PLAN}
    assert dict(zip(state["tasks"].tolist(), state["budgets"].tolist(), strict=True)) == budgets | {b"": 0}


def test_another_watch_still_finds_overruns_and_its_task_is_timed(tmp_path: Path) -> None:
    found = Overrun(1, "value", Cause.WORK, OverrunPolicy.FINISH, 9, 5)

    class Watching:
        live = False
        begun = 0

        def begin(self) -> None:
            self.begun += 1

        def end(self, frame: object, plan: object) -> Overrun:
            return found

    inner = Watching()
    recorder = Recorder(tmp_path, TOLD)
    watch = recorder.watch(inner)
    watch.begin()
    assert watch.end(None, FRAME_PLAN[2]) is found  # type: ignore[arg-type]
    assert (inner.begun, watch.live, recorder.watch(None).live) == (1, False, True)
    recorder.close(RunPhase.STOPPED)
    assert read(tmp_path).histograms[task_histogram(FRAME_PLAN[2].name)].count == 1


def test_the_process_is_measured_and_missing_counters_are_said_to_be(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, TOLD)
    recorder.close(RunPhase.STOPPED)
    state = read(tmp_path).state
    assert (state["usage"][:1] > 0).all()
    assert state["usage"][-1] > 10_000_000  # bytes that a process with NumPy has
    counters = HardwareCounters()
    for name, count in zip(COUNTERS, counters.read(), strict=True):
        assert (count == NOT_SUPPORTED) == (name in counters.why)
    assert ((state["counters"] == NOT_SUPPORTED) == [name in counters.why for name in COUNTERS]).all()
    counters.close()


def test_files_of_another_version_are_replaced_and_a_run_that_cannot_be_shown_goes_on(tmp_path: Path) -> None:
    (tmp_path / STATE_NAME).write_bytes(b"something else")
    (tmp_path / STATE_NAME).chmod(0o600)
    recorder, unseen = open_recorder(tmp_path, TOLD)
    assert recorder is not None
    assert unseen == ""
    second, unseen = open_recorder(tmp_path, TOLD)  # while the first one records
    assert second is None
    assert unseen.startswith("nothing shows how this run stands while it runs: the writing side of ")
    recorder.close(RunPhase.STOPPED)
    (tmp_path / "none").write_text("no folder")
    heard: list[str] = []
    for folder in (tmp_path / "none", tmp_path / "none" / "below"):
        showing = Showing(folder, TOLD, heard.append)
        showing.run()
        showing.released(Release(0, 0, 0, 5), 0)
        showing.end(RunPhase.STOPPED)
    assert len(heard) == 2
    Showing.in_results(tmp_path / "missing", EngineKind.LEAN, tiny.settings(), tmp_path, heard.append)
    assert heard[-1].endswith(f"there is no folder {tmp_path / 'missing'}")
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("durability", [Durability.OS, Durability.GROUP])
def test_a_failed_run_is_shown_with_all_that_it_put_on_disk(data: Path, tmp_path: Path, durability: Durability) -> None:
    def interrupt(day: object, share: float) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_backtest(tiny.settings(), data, tmp_path, progress=interrupt, durability=durability)
    appended, state = len(journal_of(tmp_path, unfinished=True).messages), read(tmp_path).state
    assert list(RunPhase)[state["phase"]] is RunPhase.FAILED
    assert (state["sequence"], state["durable"]) == (appended, appended)


def test_before_there_is_a_core_no_halt_is_known_but_the_broker_is(tmp_path: Path) -> None:
    showing = Showing(tmp_path, TOLD, lambda why: None)
    showing.know([remark(HostEvent.BROKERAGE_DISCONNECT, 5, "gone")])
    assert showing.recorder is not None
    showing.recorder.publish()
    assert (read(tmp_path).state["halts"], read(tmp_path).state["broker"]) == (UNKNOWN_HALTS, 0)
    showing.recorder.halts = lambda: {HaltCause.DRAWDOWN}
    showing.run()
    assert read(tmp_path).state["halts"] == 1 << HaltCause.DRAWDOWN
    showing.end(RunPhase.STOPPED)


def test_messages_that_are_left_out_do_not_count(tmp_path: Path) -> None:
    showing = Showing(tmp_path, TOLD, lambda why: None)
    left_out = records(Kind.EVENT, event=HostEvent.LEFT_OUT, order=1)
    showing.know(
        [
            Message(Kind.INTENT, 5, records(Kind.INTENT, 2, order=[1, 2])),
            Message(Kind.INTENT, 6, records(Kind.INTENT, 3, order=[3, 4, 5])),
            Message(Kind.EVENT, 7, left_out),
        ]
    )
    showing.end(RunPhase.STOPPED)
    assert read(tmp_path).state["orders"][OrderStatus.NEW] == 2
