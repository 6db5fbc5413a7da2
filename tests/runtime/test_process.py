"""The core in a process of its own: the same decisions and slots as in logical time, and what a kill does to it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.cli.project import ROOT
from alo_lib.core import Settings, SettingsError, TradingCore
from alo_lib.executive import (
    Cause,
    Lifecycle,
    LifecycleError,
    LogicalClock,
    OverrunPolicy,
    RealClock,
    Release,
    TaskPlan,
)
from alo_lib.executive.overruns import OverrunError
from alo_lib.journal import (
    Durability,
    Journal,
    JournalError,
    JournalWriter,
    MemoryStore,
    message_digest,
    orders_of,
    read_journal,
)
from alo_lib.records import HostEvent, Kind, Message, OrderReason, OrderStatus, Stage, records
from alo_lib.runtime import replay
from alo_lib.runtime.link import _EDGES as LINK_EDGES
from alo_lib.runtime.link import HEARTBEAT, Channel, CorePhase, Link, LinkPhase
from alo_lib.runtime.logical import inputs_of, run_frames
from alo_lib.runtime.process import _EDGES as PROCESS_EDGES
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.reconcile import HostPosition, reconcile
from alo_lib.runtime.remote import RemoteCore
from alo_lib.runtime.resumption import Told
from alo_lib.transport import NotOwnerError, SeqLock
from tests.core.script import FIRST, at
from tests.core.seeds import SETTINGS, live
from tests.core.test_external import Pipeline, once, sell_all

SLOTS = 1 << 14
PATIENCE = 300.0
"""Seconds after which a test gives a process up: it may have to compile everything on a busy machine."""
FRAME = SETTINGS.frame_nanoseconds
END = Message(Kind.EVENT, 0, records(Kind.EVENT, event=HostEvent.END_OF_ALGORITHM))


def digest(journal: Journal) -> str:
    return message_digest(journal.messages)


# Equivalence -----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for channels and journals."""
    return tmp_path


def logical(journal: Journal) -> tuple[str, str]:
    """Slot trace and digest of every frame of each session in logical time, over a journal's inputs."""
    store = MemoryStore()
    core = TradingCore(SETTINGS, JournalWriter(store, segment_bytes=1 << 22, settings=journal.settings))
    spans: list[list[int]] = []
    for message in journal.messages:
        if message.kind is Kind.FRAME:
            if not spans or message.time - spans[-1][1] > 10 * FRAME:
                spans.append([message.time, message.time])
            spans[-1][1] = message.time
    inputs = list(inputs_of(journal.messages))
    for first, last in spans:
        now = [message for message in inputs if message.time < last]
        inputs = inputs[len(now) :]
        run_frames(core, now, first, last + FRAME)
    for message in inputs:
        core.accept(message)
    return core.slot_trace.digest, digest(read_journal(store.images(), unfinished=True))


def serve(folder: Path, names: list[str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.runtime.core_server", str(folder), *names]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def equivalent(folder: Path, seeds: range) -> None:
    server = serve(folder, [f"s{seed}" for seed in seeds])
    sent = 0
    try:
        for seed in seeds:
            expected = live(seed)
            place = folder / f"s{seed}"
            remote = RemoteCore(SETTINGS, Channel(place, slots=SLOTS), told=True, patience=PATIENCE)
            remote.attach(PATIENCE)
            live(seed, remote)
            remote.remark(END)
            name, _, slots = server.stdout.readline().split()  # type: ignore[union-attr]
            remote.stop()
            journal = read_journal(place / "journal")
            assert name == f"s{seed}"
            in_logical_time = logical(journal)
            assert digest(journal) == digest(expected.journal) == in_logical_time[1], f"seed {seed}"
            assert slots == expected.core.slot_trace.digest == in_logical_time[0], f"seed {seed}"
            assert replay(journal).divergence is None
            sent += len(orders_of(journal.messages))
        assert server.wait(PATIENCE) == 0
    finally:
        server.kill()
        server.communicate()
    assert sent > 2 * len(seeds)


def test_a_real_time_process_and_logical_time_run_the_same_slots_and_decide_the_same(folder: Path) -> None:
    equivalent(folder, range(6))


@pytest.mark.slow
def test_a_hundred_seeds_run_the_same_slots_and_decide_the_same(folder: Path) -> None:
    equivalent(folder, range(6, 106))


# Being killed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_a_killed_core_is_noticed_and_goes_on_as_if_nothing_had_been(folder: Path, kills: int) -> None:
    expected = live(3)
    place = folder / "core"
    heard: list[LinkPhase] = []
    remote = RemoteCore(
        SETTINGS, Channel(place, slots=SLOTS), told=True, patience=PATIENCE, hear=lambda phase, why: heard.append(phase)
    )
    server = serve(folder, ["core"])
    remote.attach(PATIENCE)
    random = np.random.default_rng(8)
    frames = iter(sorted(random.choice(np.arange(2, 12), kills, replace=False).tolist()))
    kill_at, count, push = next(frames), 0, remote.open_frame

    def open_frame(time: int) -> bool:
        nonlocal server, kill_at, count
        count += 1
        if count == kill_at:
            server.send_signal(signal.SIGKILL)
            server.communicate()
            assert remote.link.look() is LinkPhase.GONE
            server = serve(folder, ["core"])
            kill_at = next(frames, -1)
        return push(time)

    remote.open_frame = open_frame  # type: ignore[method-assign]
    try:
        live(3, remote)
        remote.remark(END)
        assert server.wait(PATIENCE) == 0
    finally:
        server.kill()
        server.communicate()
        remote.stop()
    assert kill_at == -1
    assert LinkPhase.GONE in heard
    assert heard[-1] in (LinkPhase.ATTACHED, LinkPhase.GONE)  # it has ended by now
    assert digest(read_journal(place / "journal")) == digest(expected.journal)


def quotes_in(remote: RemoteCore) -> None:
    """A dear market that the core will want to sell."""
    from tests.core.script import Script

    market = Script(SETTINGS)
    market.core = remote  # type: ignore[assignment]
    remote.instruments.add_equity("TEST")
    market.session()
    market.frames = lambda time: []  # type: ignore[method-assign]
    market.bar(10, volatility=0.5)


def by_hand(folder: Path, *, told: bool, plans: list[TaskPlan] | None = None) -> tuple[CoreProcess, RemoteCore]:
    """A core process that the test itself steps through logical time, and its host."""
    channel = Channel(folder / "channel", slots=SLOTS)
    clock = LogicalClock(time.monotonic_ns())
    options = {} if plans is None else {"plans": plans}
    process = CoreProcess(SETTINGS, channel, folder / "journal", told=told, clock=clock, **options)  # type: ignore[arg-type]
    return process, RemoteCore(SETTINGS, channel, told=told, patience=0.0, clock=clock.now)


def test_orders_that_open_risk_are_refused_when_their_answer_comes_too_late(folder: Path) -> None:
    process, remote = by_hand(folder, told=True)
    quotes_in(remote)
    time = at(FIRST, 10) + FRAME
    assert remote.open_frame(time) is False  # nobody runs
    process.run(2)  # before the session, and in it
    assert remote.open_frame(time + FRAME) is True
    assert OrderReason.ENTRY in remote._frame.of(Kind.INTENT)["reason"]
    assert len(remote.run()) == 0
    refused = [m for m in iter(process._inputs.pop, None) if m.kind is Kind.ORDER_EVENT]
    assert len(refused) == 4
    assert all(m.records["status"][0] == OrderStatus.INVALID for m in refused)
    assert remote.contracts_open(0) == []
    process.close()
    remote.stop()


def test_what_other_models_decide_in_a_frame_counts_in_the_next(folder: Path) -> None:
    channel = Channel(folder / "channel", slots=SLOTS)
    process = CoreProcess(SETTINGS, channel, folder / "journal", told=True, clock=RealClock(0))
    running = threading.Thread(target=process.run)
    running.start()
    remote = RemoteCore(SETTINGS, channel, told=True, patience=PATIENCE)
    try:
        remote.attach(PATIENCE)
        market = Pipeline(SETTINGS)
        market.core = remote  # type: ignore[assignment]
        remote.instruments.add_equity("TEST")
        market.session()
        assert set(market.bar(10, volatility=0.35)[0]["reason"]) == {OrderReason.ENTRY}
        assert len(remote.holdings) > 2
        market.hooks = {"limit": once(sell_all)}
        same, following, *_ = market.bar(11, volatility=0.35)
        assert OrderReason.EXTERNAL not in same["reason"]
        assert set(following["reason"]) == {OrderReason.EXTERNAL}
        market.leave(Stage.EXECUTION)
        assert remote.external.decides(Stage.EXECUTION)
        market.bar(12, volatility=0.35)
        assert remote.holdings == {}
    finally:
        remote.remark(END)
        running.join(PATIENCE)
        process.close()
        remote.stop()
    journal = read_journal(folder / "journal")
    external = [message for message in journal.messages if message.kind.is_external]
    assert {message.kind for message in external} == {Kind.EXTERNAL_TARGET, Kind.EXTERNAL_STAGE}
    assert {message.within for message in external} == {0}
    assert replay(journal).divergence is None


def test_frames_of_its_own_time_run_when_something_arrived(folder: Path) -> None:
    process, remote = by_hand(folder, told=False)
    quotes_in(remote)
    ending = process.run(3)
    assert (ending.frames, ending.run) == (3, 1)
    journal = read_journal(folder / "journal")
    frame = next(message for message in journal.messages if message.kind is Kind.FRAME)
    assert frame.time % FRAME == 0
    assert abs(frame.time - time.time_ns()) < 3600 * 10**9
    assert replay(journal).divergence is None
    process.close()
    remote.stop()


class Lagging(LogicalClock):
    """Every wait begins, and ends, a fixed time after its deadline."""

    def __init__(self, lag: int) -> None:
        super().__init__(time.monotonic_ns())
        self.lag = lag

    def wait_until(self, deadline: int) -> Release:
        super().wait_until(deadline + self.lag)
        return Release(deadline, *[deadline + self.lag] * 3)


@pytest.mark.parametrize(("lag", "missed"), [(1_000, 0), (2 * FRAME + 5, 2)])
def test_frames_that_run_into_each_other_are_journaled(folder: Path, lag: int, missed: int) -> None:
    channel = Channel(folder / "channel", slots=SLOTS)
    process = CoreProcess(SETTINGS, channel, folder / "journal", clock=Lagging(lag))
    ending = process.run(2)
    process.close()
    assert ending.missed == 2 * missed
    journaled = read_journal(folder / "journal").messages
    rows = [message.records[0] for message in journaled if message.kind is Kind.OVERRUN]
    assert [(row["elapsed"], row["missed"], row["cause"]) for row in rows] == [(lag, missed, Cause.LATE)] * 2
    assert rows[1]["frame"] - rows[0]["frame"] == 1 + missed
    policy = OverrunPolicy.SKIP if missed else OverrunPolicy.FINISH
    assert {row["policy"] for row in rows} == {policy}


def test_a_restart_goes_on_from_a_snapshot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.runtime.process._SNAPSHOT_EVERY", 1)
    expected = live(5)
    messages = [m for m in expected.journal.messages if not m.kind.is_decision]
    channel = Channel(folder / "channel", slots=SLOTS)
    frames = 0
    for part in (messages[: len(messages) // 2], messages[len(messages) // 2 :]):
        process = CoreProcess(
            SETTINGS,
            channel,
            folder / "journal",
            told=True,
            durability=Durability.OS,
            clock=LogicalClock(time.monotonic_ns()),
        )
        host, answers = channel.host_side()
        for message in part:
            host.push(message)
        host.close()
        answers.close()
        process.run(sum(message.kind is Kind.FRAME for message in part))
        frames += process.core.slot_trace.slots
        process.close()
    assert any((folder / "journal").glob("*.snapshot"))
    assert process.findings[-1].startswith("0 of ")
    assert frames == expected.core.slot_trace.slots
    assert digest(read_journal(folder / "journal")) == digest(expected.journal)


# The link --------------------------------------------------------------------------------------------------------


class Watched:
    """A link over a heartbeat that the test writes, at a time that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000_000_000
        self.heard: list[tuple[LinkPhase, str]] = []
        self.state = SeqLock.ensure(folder / "core.state", HEARTBEAT)
        self.link = Link(self.state, lambda *told: self.heard.append(told), clock=lambda: self.now)
        self.writer = self.state.write_as("core")

    def beat(self, phase: CorePhase = CorePhase.RUNNING) -> None:
        value = np.zeros(1, HEARTBEAT)
        value["monotonic"], value["length"] = self.now, FRAME
        value["phase"] = list(CorePhase).index(phase)
        self.writer.write(value)


def test_a_late_core_is_noticed_after_two_frames_and_heard_again(folder: Path) -> None:
    watched = Watched(folder)
    assert watched.link.look() is LinkPhase.WAITING
    watched.beat()
    assert watched.link.look() is LinkPhase.ATTACHED
    watched.now += 2 * FRAME
    assert watched.link.look() is LinkPhase.ATTACHED
    watched.now += 1
    assert watched.link.look() is LinkPhase.LATE
    watched.beat()
    assert watched.link.look() is LinkPhase.ATTACHED
    watched.beat(CorePhase.STOPPED)
    assert watched.link.look() is LinkPhase.GONE
    watched.beat()
    assert watched.link.look() is LinkPhase.ATTACHED
    watched.link.close()
    assert watched.link.look() is LinkPhase.CLOSED
    assert [phase for phase, _ in watched.heard] == [
        *(LinkPhase.ATTACHED, LinkPhase.LATE, LinkPhase.ATTACHED, LinkPhase.GONE, LinkPhase.ATTACHED)
    ]
    assert watched.heard[1][1] == "no heartbeat for 20.0 ms; no risk is opened"


def test_a_dead_process_is_noticed_at_once(folder: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; import numpy as np; from alo_lib.transport import SeqLock;"
        "from alo_lib.runtime.link import HEARTBEAT; v = np.zeros(1, HEARTBEAT); v['phase'] = 1; v['length'] = 10**15;"
        "SeqLock.ensure(Path(sys.argv[1]), HEARTBEAT).write_as('core').write(v); print('beat', flush=True);"
        "time.sleep(60)"
    )
    state = folder / "core.state"
    child = subprocess.Popen([sys.executable, "-c", script, str(state)], cwd=ROOT, stdout=subprocess.PIPE)
    child.stdout.readline()  # type: ignore[union-attr]
    link = Link(SeqLock.open(state), lambda *told: None)
    assert link.look() is LinkPhase.ATTACHED
    child.kill()
    child.communicate()
    assert link.look() is LinkPhase.GONE


@pytest.mark.parametrize(("edges", "steps"), [(LINK_EDGES, 4), (PROCESS_EDGES, 3)], ids=["link", "process"])
def test_every_edge_of_the_lifecycles(edges: "dict[tuple[Any, str], Any]", steps: int) -> None:
    phases, names = list(type(next(iter(edges))[0])), sorted({step for _, step in edges})
    assert len(names) == steps
    for phase in phases:
        for step in names:
            lifecycle = Lifecycle("it", phase, edges)
            if (phase, step) in edges:
                assert lifecycle.move(step) is edges[phase, step]
            else:
                with pytest.raises(LifecycleError, match=f"it cannot {step}: it is {phase.value}"):
                    lifecycle.move(step)
    ended = [phase for phase in phases if not any(start is phase for start, _ in edges)]
    assert {phase.name for phase in ended} <= {"CLOSED", "STOPPED", "FAILED"}
    assert ended


def until(link: Link, phase: LinkPhase) -> None:
    """Wait for a phase; how long it takes is the host's affair."""
    end = time.monotonic() + PATIENCE
    while link.look() is not phase:
        assert time.monotonic() < end, f"{link.phase} and not {phase}"
        time.sleep(0.001)


def test_a_core_that_keeps_its_own_time_is_missed_lost_and_heard_again(folder: Path) -> None:
    common = ["--folder", str(folder), "--journal", str(folder / "journal"), "--priority", "0"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST"]
    remote = RemoteCore(SETTINGS, Channel(folder / "one"), told=False)
    core = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        remote.attach(PATIENCE)
        core.send_signal(signal.SIGSTOP)
        until(remote.link, LinkPhase.LATE)
        quotes_in(remote)
        core.kill()
        core.wait()
        until(remote.link, LinkPhase.GONE)
        status = subprocess.run([*command[:5], *common[:2], "--status"], cwd=ROOT, capture_output=True, text=True)
        assert status.stdout.startswith(f"killed while it was running, process {core.pid} gone, last heartbeat ")
        assert remote.open_frame(time.time_ns()) is False
        core = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(remote.link, LinkPhase.ATTACHED)
        end = time.monotonic() + PATIENCE
        while not remote.open_frame(time.time_ns()):
            assert time.monotonic() < end
            time.sleep(0.001)
        remote.run()
        core.send_signal(signal.SIGTERM)
        assert core.wait(PATIENCE) == 0
    finally:
        core.kill()
        core.wait()
        remote.stop()
    assert replay(read_journal(folder / "journal")).divergence is None


def test_a_host_that_was_killed_knows_again_what_it_had_told(folder: Path) -> None:
    common = ["--folder", str(folder), "--journal", str(folder / "journal"), "--priority", "0"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST"]
    core = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    remote = RemoteCore(SETTINGS, Channel(folder / "one"), told=False)
    try:
        remote.attach(PATIENCE)
        assert remote.catch_up()[0] == Told()
        quotes_in(remote)
        event = records(Kind.ORDER_EVENT, instrument=3, quantity=2, price=1.5, status=OrderStatus.FILLED)
        remote.accept(Message(Kind.ORDER_EVENT, at(FIRST, 10), event))
        remote.stop()  # what it knew is gone, and nobody takes the answers
        remote = RemoteCore(SETTINGS, Channel(folder / "one"), told=False)
        remote.attach(PATIENCE)
        told, count = remote.catch_up()
        assert told.underlyings == {"TEST": remote.instruments.number("TEST")}
        assert remote.instruments.number("TEST") == 0
        assert sorted(told.contracts) == list(range(1, len(remote.instruments)))
        assert remote.holdings == {3: 2}
        found = reconcile(remote, {3: HostPosition(5, 1.5)}, {}, at(FIRST, 10))
        assert "the host holds 5" in found.findings[0]
        for message in found.messages:
            remote.accept(message)
        assert remote.holdings == {3: 5}
        assert remote.catch_up()[1] > count
        core.send_signal(signal.SIGTERM)
        assert core.wait(PATIENCE) == 0
    finally:
        core.kill()
        core.wait()
        remote.stop()
    journal = read_journal(folder / "journal")
    assert replay(journal).divergence is None
    assert sum(order.filled for order in orders_of(journal.messages)) == 5


def test_nothing_is_compiled_after_the_rehearsal() -> None:
    script = (
        "from alo_lib.runtime.process import rehearse; from alo_lib.runtime.warm_up import kernels_ready;"
        "from tests.core.seeds import SETTINGS, live; from tests.core.script import Script;"
        "print(rehearse(SETTINGS)); before = kernels_ready(); live(2); print(before, kernels_ready())"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    told, counts = done.stdout.splitlines()
    before, after = map(int, counts.split())
    assert before == after > 15
    assert told.startswith(f"{before} kernels in ")


# What is refused ---------------------------------------------------------------------------------------------------


def test_a_channel_has_one_core_and_one_host(folder: Path) -> None:
    process, remote = by_hand(folder, told=True)
    with pytest.raises(NotOwnerError, match="belongs to core"):
        CoreProcess(SETTINGS, Channel(folder / "channel", slots=SLOTS), folder / "other")
    with pytest.raises(NotOwnerError, match="belongs to host"):
        RemoteCore(SETTINGS, Channel(folder / "channel", slots=SLOTS), told=True)
    process.close()
    remote.stop()


def test_a_channel_that_is_removed_leaves_nothing(folder: Path) -> None:
    process, remote = by_hand(folder, told=True)
    process.close()
    remote.stop()
    Channel(folder / "channel", slots=SLOTS).remove()
    assert not (folder / "channel").exists()


def test_a_host_takes_no_core_of_other_settings_or_time(folder: Path) -> None:
    watched = Watched(folder / "channel") if (folder / "channel").mkdir() is None else None
    assert watched is not None
    channel = Channel(folder / "channel", slots=SLOTS)
    other = RemoteCore(SETTINGS, channel, told=True, clock=lambda: watched.now)
    with pytest.raises(TimeoutError, match="no core runs after 0 s; start one with 'alo core'"):
        other.attach(0.0)
    watched.beat()
    with pytest.raises(SettingsError, match="under other settings than its host"):
        other.attach(1.0)
    other.stop()


def test_what_an_earlier_run_left_in_the_ring_is_dropped_and_told(folder: Path) -> None:
    process, remote = by_hand(folder, told=True)
    quotes_in(remote)
    process.close()
    again = CoreProcess(SETTINGS, Channel(folder / "channel", slots=SLOTS), folder / "second", told=True)
    assert again.findings == ("8 messages of an earlier run were left in the ring; they were dropped",)
    again.close()
    remote.stop()


def test_a_run_that_has_ended_is_not_continued(folder: Path) -> None:
    process, remote = by_hand(folder, told=True)
    quotes_in(remote)
    remote.remark(END)
    process.run(5)
    process.close()
    with pytest.raises(JournalError, match="is of a run that has ended; name another folder"):
        CoreProcess(SETTINGS, Channel(folder / "channel", slots=SLOTS), folder / "journal", told=True)
    remote.stop()


def test_a_journal_of_other_settings_is_not_continued(folder: Path) -> None:
    process, remote = by_hand(folder, told=True)
    quotes_in(remote)
    process.run(1)
    process.close()
    remote.stop()
    with pytest.raises(SettingsError, match="was written under other settings; name another folder, or use those"):
        CoreProcess(Settings.of({"underlyings": "OTHER"}), Channel(folder / "b", slots=SLOTS), folder / "journal")


def test_an_overrun_that_stops_fails_the_process_and_leaves_the_journal_readable(folder: Path) -> None:
    from dataclasses import replace

    from alo_lib.core import FRAME_PLAN

    plans = [replace(plan, budget=0, on_overrun=OverrunPolicy.STOP) for plan in FRAME_PLAN]
    process, remote = by_hand(folder, told=False, plans=plans)
    quotes_in(remote)
    with pytest.raises(OverrunError, match=r"task 'ingest' took .* ms of its 0.000 ms"):
        process.run(5)
    assert process.phase is CorePhase.FAILED
    process.close()
    remote.stop()
    journal = read_journal(folder / "journal", unfinished=True)
    assert journal.messages[-1].kind is Kind.OVERRUN
    assert replay(journal).divergence is None


# The command ---------------------------------------------------------------------------------------------------------


def test_the_command_runs_tells_and_ends(folder: Path) -> None:
    common = ["--folder", str(folder / "shm"), "--journal", str(folder / "journal"), "--priority", "0"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    link = Link(Channel(folder / "shm" / "one").heartbeat, lambda *told: None)
    end = time.monotonic() + PATIENCE
    while link.look() is not LinkPhase.ATTACHED and time.monotonic() < end:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    status = subprocess.run([*command[:4], "one", "--status", *common[:2]], cwd=ROOT, capture_output=True, text=True)
    assert status.stdout.startswith(f"running, process {process.pid} alive, last heartbeat ")
    os.kill(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    told = json.loads(out)
    assert told["frames"] > 0
    assert told["run"] == 0
    assert set(told["lateness_ns"]) == {"frames", "p50", "p99", "p999", "worst"}
    assert told["steps"]["compiled"]["done"] is True
    assert link.look() is LinkPhase.GONE


def test_a_journal_that_is_no_journal_is_refused(folder: Path) -> None:
    (folder / "journal").mkdir()
    (folder / "journal" / "000000.segment").write_bytes(b"not one")
    with pytest.raises(JournalError):
        CoreProcess(SETTINGS, Channel(folder / "channel", slots=SLOTS), folder / "journal")
