"""The core in a process of its own: the same decisions and slots as in logical time, and what a kill does to it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alo_lib.cli.project import ROOT
from alo_lib.core import FRAME_PLAN, FrameTask
from alo_lib.executive import Cause, LogicalClock, OverrunPolicy, RealClock, Release
from alo_lib.executive.overruns import OverrunError
from alo_lib.journal import Durability, JournalError, orders_of, read_journal
from alo_lib.records import Kind, OrderReason, Stage
from alo_lib.runtime import replay
from alo_lib.runtime.link import Channel, CorePhase, Link, LinkPhase
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.remote import RemoteCore
from alo_lib.settings import SettingsError
from tests.core.script import of_test
from tests.core.seeds import SETTINGS, live
from tests.core.test_overruling import Pipeline, once, sell_all
from tests.runtime.processes import END, FRAME, PATIENCE, SLOTS, TEN, by_hand, digest, logical, quotes_in, serve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for channels and journals."""
    return tmp_path


def equivalent(folder: Path, seeds: range) -> None:
    server = serve(folder, [f"s{seed}" for seed in seeds])
    sent = 0
    try:
        for seed in seeds:
            expected = live(seed)
            place = folder / f"s{seed}"
            remote = RemoteCore(SETTINGS, Channel(place, slots=SLOTS), paced=True, patience=PATIENCE)
            remote.attach(PATIENCE)
            live(seed, remote)
            remote.remark(END)
            name, _, slots = server.stdout.readline().split()  # type: ignore[union-attr]
            remote.stop()
            assert remote.holdings == expected.core.holdings
            assert remote.orders_working == expected.core.orders_working
            assert remote.contracts_open(0) == expected.core.contracts_open(0)
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


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_a_killed_core_is_noticed_and_goes_on_as_if_nothing_had_been(folder: Path, kills: int) -> None:
    expected = live(3)
    place = folder / "core"
    heard: list[LinkPhase] = []
    remote = RemoteCore(
        SETTINGS,
        Channel(place, slots=SLOTS),
        paced=True,
        patience=PATIENCE,
        hear=lambda phase, why: heard.append(phase),
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


def test_what_other_models_decide_in_a_frame_counts_in_the_next(folder: Path) -> None:
    channel = Channel(folder / "channel", slots=SLOTS)
    process = CoreProcess(SETTINGS, channel, folder / "journal", paced=True, clock=RealClock(0))
    running = threading.Thread(target=process.run)
    running.start()
    remote = RemoteCore(SETTINGS, channel, paced=True, patience=PATIENCE)
    try:
        remote.attach(PATIENCE)
        market = Pipeline(SETTINGS)
        market.core = remote  # type: ignore[assignment]
        remote.instruments.add_equity("TEST")
        market.session()
        assert set(market.bar(10, volatility=0.35)[0]["reason"]) == {OrderReason.ENTRY}
        assert len(remote.holdings) > 2
        market.hooks = {FrameTask.LIMIT: once(sell_all)}
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
    process, remote = by_hand(folder, paced=False)
    quotes_in(remote)
    ending = process.run(3)
    assert (ending.frames, ending.run) == (3, 1)
    journal = read_journal(folder / "journal")
    frame = next(message for message in journal.messages if message.kind is Kind.FRAME)
    assert frame.time % FRAME == 0
    assert 0 < frame.time - TEN <= 4 * FRAME
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
            paced=True,
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
    count = next(int(finding.split()[0]) for finding in process.findings if "are in a snapshot" in finding)
    assert count > 50
    assert any(f"{count} messages hold, of which {count} are in a snapshot" in each for each in process.findings)
    assert frames == expected.core.slot_trace.slots
    assert digest(read_journal(folder / "journal")) == digest(expected.journal)


def test_an_overrun_that_stops_fails_the_process_and_leaves_the_journal_readable(folder: Path) -> None:
    plans = [replace(plan, budget=0, on_overrun=OverrunPolicy.STOP) for plan in FRAME_PLAN]
    process, remote = by_hand(folder, paced=False, plans=plans)
    quotes_in(remote)
    with pytest.raises(OverrunError, match=r"task 'ingest' took .* ms of its 0.000 ms"):
        process.run(5)
    assert process.phase is CorePhase.FAILED
    process.close()
    remote.stop()
    journal = read_journal(folder / "journal", unfinished=True)
    assert journal.messages[-1].kind is Kind.OVERRUN
    assert replay(journal).divergence is None


def test_nothing_is_compiled_after_the_rehearsal() -> None:
    script = (
        "from alo_lib.runtime.rehearsal import rehearse; from alo_lib.runtime.warm_up import kernels_ready;"
        "from tests.core.seeds import SETTINGS, live; from tests.core.script import Script;"
        "print(rehearse(SETTINGS)); before = kernels_ready(); live(2); print(before, kernels_ready())"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    told, counts = done.stdout.splitlines()
    before, after = map(int, counts.split())
    assert before == after > 15
    assert told.startswith(f"{before} kernels in ")


# What is refused -------------------------------------------------------------------------------------------------


def test_what_an_earlier_run_left_in_the_ring_is_dropped_and_told(folder: Path) -> None:
    process, remote = by_hand(folder, paced=True)
    quotes_in(remote)
    process.close()
    again = CoreProcess(SETTINGS, Channel(folder / "channel", slots=SLOTS), folder / "second", paced=True)
    assert again.findings == ("9 messages of an earlier run were left in the ring; they were dropped",)
    again.close()
    remote.stop()


def test_a_run_that_has_ended_is_not_continued(folder: Path) -> None:
    process, remote = by_hand(folder, paced=True)
    quotes_in(remote)
    remote.remark(END)
    process.run(5)
    process.close()
    with pytest.raises(JournalError, match="is of a run that has ended; name another folder"):
        CoreProcess(SETTINGS, Channel(folder / "channel", slots=SLOTS), folder / "journal", paced=True)
    remote.stop()


def test_a_backtests_journal_of_other_settings_is_not_continued(folder: Path) -> None:
    process, remote = by_hand(folder, paced=True)
    quotes_in(remote)
    process.run(1)
    process.close()
    remote.stop()
    with pytest.raises(SettingsError, match=r"other settings than these \(underlyings was \['TEST'\] and is"):
        CoreProcess(of_test(underlyings="OTHER"), Channel(folder / "b", slots=SLOTS), folder / "journal", paced=True)


def test_the_command_runs_tells_and_ends(folder: Path) -> None:
    common = ["--folder", str(folder / "shm"), "--journal", str(folder / "journal"), "--priority", "0"]
    command = [sys.executable, "-m", "alo_lib.cli", "core", "one", *common, "--set", "underlyings=TEST", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    link = Link(Channel(folder / "shm" / "one").heartbeat, lambda *heard: None)
    end = time.monotonic() + PATIENCE
    while link.look() is not LinkPhase.ATTACHED and time.monotonic() < end:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    status = subprocess.run([*command[:4], "one", "--status", *common[:2]], cwd=ROOT, capture_output=True, text=True)
    assert f"\nrunning, process {process.pid} alive, last heartbeat " in status.stdout
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


def _kept(journal: Path) -> dict[str, bytes]:
    """A journal's files by name, but for the spare ones that its writer makes meanwhile."""
    return {path.name: path.read_bytes() for path in journal.iterdir() if not path.name.startswith("spare")}


def test_a_second_core_on_one_journal_is_refused_and_the_first_goes_on(folder: Path) -> None:
    process, _ = by_hand(folder, paced=True)
    before = _kept(folder / "journal")
    elsewhere = Channel(folder / "elsewhere", slots=SLOTS)
    with pytest.raises(JournalError, match=f"is being written by process {os.getpid()} .* end that one first"):
        CoreProcess(SETTINGS, elsewhere, folder / "journal", paced=True)
    assert _kept(folder / "journal") == before
    process.run(3)
    process.close()
    assert read_journal(folder / "journal").sealed
