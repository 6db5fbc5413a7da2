"""What runs long, or many at once, leaves nothing behind: memory and descriptors stay, sequences may grow."""

import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from json import loads
from pathlib import Path

import numpy as np
import pytest

from alo_lib.cli.project import ROOT
from alo_lib.executive import LogicalClock
from alo_lib.journal import (
    Durability,
    Journal,
    JournalWriter,
    MemoryStore,
    WriterStart,
    entry_checksum,
    read_journal,
)
from alo_lib.journal.format import segment_name
from alo_lib.journal.reader import problem_of, scan_segments
from alo_lib.journal.segments import Messages
from alo_lib.records import Kind, Message, records
from alo_lib.runtime import replay
from alo_lib.runtime.frame_clock import WallClock
from alo_lib.runtime.link import Channel, CorePhase, last_beat
from alo_lib.runtime.process import CoreProcess
from tests.core.script import script
from tests.core.seeds import SETTINGS
from tests.runtime.processes import PATIENCE, TEN

MOST_GROWTH = 24 << 20
"""Bytes that a run's memory may differ by between a quarter and the end, whatever its length."""
CORES = 16


def long_run(what: str, count: int) -> dict[str, float]:
    command = [sys.executable, "-P", "-m", "tests.runtime.long_runs", what, str(count)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, float] = loads(done.stdout)
    return found


def check_flat(found: dict[str, float]) -> None:
    assert found["bytes"] - found["bytes_before"] < MOST_GROWTH
    assert found["descriptors"] <= found["descriptors_before"] + 2  # a segment that is begun, one that is sealed


@pytest.mark.slow
def test_a_day_of_frames_takes_no_more_than_its_first_quarter() -> None:
    """24 hours of frames of 10 ms, one in fifty with news."""
    found = long_run("frames", 24 * 3600 * 100)
    check_flat(found)
    assert found["missed"] == 0
    assert found["answers"] > found["news"] > 24 * 3600


@pytest.mark.slow
def test_a_million_frames_with_news_take_no_more_than_their_first_quarter() -> None:
    found = long_run("news", 1_000_000)
    check_flat(found)
    assert found["segments"] >= 64


@pytest.mark.slow
def test_twenty_thousand_frames_are_flat() -> None:
    found = long_run("frames", 20_000)
    check_flat(found)
    assert found["missed"] == 0
    assert found["news"] == 20_000 / 50


@pytest.mark.parametrize("first", [2**31 - 10, 2**32 - 10, 2**53 - 10, 2**62 - 100])
def test_sequences_may_be_of_any_size(first: int) -> None:
    """A journal whose sequences are moved far up says the same, and is decided again the same."""
    market = script()
    market.bar(10)
    whole = market.journal
    store = MemoryStore()
    writer = JournalWriter(
        store, settings=whole.settings, segment_bytes=4096, position=WriterStart(first, 7, 2**31 - 2, 5)
    )
    for place, message in enumerate(whole.messages):
        assert writer.append(message) == first + place
    writer.close()
    segments = scan_segments((segment_name(number), image) for number, image in enumerate(store.images()))
    assert len(segments) > 2
    assert problem_of(segments, unfinished=False, part=True) == ""
    assert problem_of(segments, unfinished=False).startswith("its beginning is missing")
    moved = Journal(whole.settings, Messages(segments), tuple(segments))
    assert len(moved.messages) == len(whole.messages)
    for one, other in zip(moved.messages, whole.messages, strict=True):
        assert (one.kind, one.time, one.records.tobytes()) == (other.kind, other.time, other.records.tobytes())
    last = moved.messages[len(moved.messages) - 1]
    assert last.records.tobytes() == whole.messages[len(whole.messages) - 1].records.tobytes()
    assert moved.messages.entries["sequence"].tolist() == list(range(first, first + len(whole.messages)))  # type: ignore[attr-defined]
    assert entry_checksum(moved, writer.sequence) == writer.checksum
    assert replay(moved).divergence is None
    assert replay(moved).digest == replay(whole).digest


def held_now(folder: Path) -> tuple[int, list[str]]:
    gc.collect()  # what earlier tests held counts neither before nor after
    return len(os.listdir("/proc/self/fd")), sorted(path.name for path in folder.iterdir())


def test_sixteen_cores_live_on_one_machine_and_leave_nothing(tmp_path: Path) -> None:
    shared = Path("/dev/shm") / f"alo-test-{os.getpid()}-{time.monotonic_ns()}"
    shared.mkdir(mode=0o700)
    try:
        before = held_now(shared)
        channels = [Channel(shared / f"core{number}", slots=1 << 8) for number in range(CORES)]
        cores = [
            CoreProcess(
                SETTINGS,
                channel,
                tmp_path / f"journal{number}",
                durability=Durability.OS,
                clock=LogicalClock(time.monotonic_ns()),
                wall=WallClock(lambda: TEN),
            )
            for number, channel in enumerate(channels)
        ]
        for number, channel in enumerate(channels):
            inputs, answers = channel.host_side()
            inputs.push(Message(Kind.RATE, TEN, records(Kind.RATE, rate=number / 100)))
            inputs.close()
            answers.close()
        threads = [threading.Thread(target=core.run, args=(200,)) for core in cores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert [core.phase for core in cores] == [CorePhase.STOPPED] * CORES
        beats = np.array([channel.heartbeat.read().value for channel in channels])
        assert (beats["run"] == 1).all()
        assert (beats["sequence"] >= 2).all()  # the input and its frame; remarks of overruns on a busy machine
        for core, channel in zip(cores, channels, strict=True):
            core.close()
            channel.remove()
        assert held_now(shared) == before
    finally:
        shutil.rmtree(shared)


def started(shared: Path, journals: Path, name: str) -> "subprocess.Popen[str]":
    common = ["--folder", str(shared), "--journal", str(journals / name), "--priority", "0", "--durability", "os"]
    command = [sys.executable, "-P", "-m", "alo_lib.cli", "core", name, *common, "--set", "underlyings=TEST", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def beats(shared: Path, name: str) -> bool:
    """Whether a core of that name runs."""
    path = shared / name / "core.state"
    found = last_beat(path) if path.exists() else None
    return found is not None and found[0]["phase"] == list(CorePhase).index(CorePhase.RUNNING)


@pytest.mark.slow
def test_sixteen_core_processes_are_started_and_stopped_and_leave_nothing(tmp_path: Path) -> None:
    shared = Path("/dev/shm") / f"alo-test-{os.getpid()}-{time.monotonic_ns()}"
    shared.mkdir(mode=0o700)
    names = [f"core{number}" for number in range(CORES)]
    cores = {name: started(shared, tmp_path, name) for name in names}
    try:
        waiting = set(names)
        end = time.monotonic() + 2 * PATIENCE
        while waiting:
            waiting -= {name for name in waiting if beats(shared, name)}
            assert all(cores[name].poll() is None for name in waiting)
            assert time.monotonic() < end, f"{sorted(waiting)} have not begun"
            time.sleep(0.1)
        time.sleep(2.0)  # idle
        for core in cores.values():
            core.send_signal(signal.SIGTERM)
        for name, core in cores.items():
            out, told = core.communicate(timeout=PATIENCE)
            assert core.returncode == 0, told
            assert loads(out)["frames"] >= 1
            assert read_journal(tmp_path / name).sealed
            assert not (tmp_path / name / "lock").exists()
            Channel(shared / name).remove()  # the rings are kept for the core that follows, until somebody removes them
        assert list(shared.iterdir()) == []
    finally:
        for core in cores.values():
            core.kill()
            core.communicate()
        shutil.rmtree(shared)
