"""Core processes and their hosts, for the tests of both."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from alo_lib.cli.project import ROOT
from alo_lib.core import TradingCore
from alo_lib.executive import LogicalClock, TaskPlan
from alo_lib.journal import Journal, JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.records import Kind
from alo_lib.runtime.link import HEARTBEAT, Channel, CorePhase, Link, LinkPhase, host_ends
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.remote import RemoteCore
from alo_lib.transport import SeqLock
from tests.core.logical import inputs_of, run_frames
from tests.core.script import Script
from tests.core.seeds import SETTINGS

SLOTS = 1 << 14
PATIENCE = 300.0
"""Seconds after which a test gives a process up: it may have to compile everything on a busy machine."""
FRAME = SETTINGS.frame_nanoseconds
END = host_ends(0)


def digest(journal: Journal) -> str:
    return message_digest(journal.messages)


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


def quotes_in(remote: RemoteCore) -> None:
    """A dear market that the core will want to sell."""
    market = Script(SETTINGS)
    market.core = remote  # type: ignore[assignment]
    remote.instruments.add_equity("TEST")
    market.session()
    market.frames = lambda time: []  # type: ignore[method-assign]
    market.bar(10, volatility=0.5)


def by_hand(folder: Path, *, paced: bool, plans: list[TaskPlan] | None = None) -> tuple[CoreProcess, RemoteCore]:
    """A core process that the test itself steps through logical time, and its host."""
    channel = Channel(folder / "channel", slots=SLOTS)
    clock = LogicalClock(time.monotonic_ns())
    options = {} if plans is None else {"plans": plans}
    process = CoreProcess(SETTINGS, channel, folder / "journal", paced=paced, clock=clock, **options)  # type: ignore[arg-type]
    return process, RemoteCore(SETTINGS, channel, paced=paced, patience=0.0, clock=clock.now)


class Watched:
    """A link over a heartbeat that the test writes, at a time that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000_000_000
        self.heard: list[tuple[LinkPhase, str]] = []
        self.state = SeqLock.ensure(folder / "core.state", HEARTBEAT)
        self.link = Link(self.state, lambda *heard: self.heard.append(heard), clock=lambda: self.now)
        self.writer = self.state.write_as("core")

    def beat(self, phase: CorePhase = CorePhase.RUNNING) -> None:
        value = np.zeros(1, HEARTBEAT)
        value["monotonic"], value["length"] = self.now, FRAME
        value["phase"] = list(CorePhase).index(phase)
        self.writer.write(value)
