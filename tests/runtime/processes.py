"""Core processes and their hosts, for the tests of both."""

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alo_lib.cli.project import ROOT
from alo_lib.core import FRAME_PLAN, TradingCore
from alo_lib.executive import LogicalClock, TaskPlan
from alo_lib.journal import Journal, JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.records import ACCOUNT_CASH, Contract, Kind, Message, records
from alo_lib.runtime.frame_clock import WallClock
from alo_lib.runtime.link import HEARTBEAT, Channel, CorePhase, Link, LinkPhase, host_ends
from alo_lib.runtime.process import CoreProcess
from alo_lib.runtime.remote import RemoteCore
from alo_lib.transport import SeqLock
from tests.core.logical import inputs_of, run_frames
from tests.core.script import FIRST, Script, at
from tests.core.seeds import SETTINGS

SLOTS = 1 << 14
PATIENCE = 300.0
"""Seconds after which a test gives a process up: it may have to compile everything on a busy machine."""
FRAME = SETTINGS.frame_nanoseconds
END = host_ends(0)
TEN = at(FIRST, 10)
"""What the machine's clock says in tests that step a core by hand."""


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


class Dated(Script):
    """A market whose contracts are quoted from a day on."""

    def __init__(self, first: dt.date) -> None:
        self.first = first
        super().__init__(SETTINGS)

    def chain(self) -> list[Contract]:
        expiry = self.first + dt.timedelta(days=self.days)
        return [Contract(expiry, strike, right, at(expiry, 16), 500) for strike in self.strikes for right in (-1, 1)]


def quotes_in(remote: RemoteCore, date: dt.date = FIRST) -> Dated:
    """A dear market that the core will want to sell, on a day."""
    market = Dated(date)
    market.core = remote  # type: ignore[assignment]
    remote.instruments.add_equity("TEST")
    market.session(date)
    market.frames = lambda time: []  # type: ignore[method-assign]
    market.bar(10, volatility=0.5)
    return market


def today() -> dt.date:
    """A day that is within a day of now, for a core whose time is the machine's."""
    return dt.datetime.now(dt.UTC).date()


def by_hand(
    folder: Path, *, paced: bool, plans: Sequence[TaskPlan] = FRAME_PLAN, slots: int = SLOTS
) -> tuple[CoreProcess, RemoteCore]:
    """A core process that the test itself steps through logical time, from the market's hour on, and its host."""
    channel = Channel(folder / "channel", slots=slots)
    clock = LogicalClock(time.monotonic_ns())
    process = CoreProcess(
        SETTINGS, channel, folder / "journal", paced=paced, clock=clock, plans=plans, wall=WallClock(lambda: TEN)
    )
    return process, RemoteCore(SETTINGS, channel, paced=paced, patience=0.0, clock=clock.now)


class Watched:
    """A link over a heartbeat that the test writes, at a time that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000_000_000
        self.heard: list[tuple[LinkPhase, str]] = []
        self.state = SeqLock.ensure(folder / "core.state", HEARTBEAT)
        self.link = Link(self.state, lambda *heard: self.heard.append(heard), clock=lambda: self.now)
        self.writer = self.state.write_as("core")

    def beat(self, phase: CorePhase = CorePhase.RUNNING, **counts: int) -> None:
        value = np.zeros(1, HEARTBEAT)
        for name, count in counts.items():
            value[name] = count
        value["monotonic"], value["length"] = self.now, FRAME
        value["phase"] = list(CorePhase).index(phase)
        self.writer.write(value)


def numbered(number: int, when: int = TEN) -> Message:
    """An input that is told from others by its number, and that a core takes in whatever it knows: interest."""
    return Message(Kind.INTEREST, when, records(Kind.INTEREST, instrument=ACCOUNT_CASH, amount=number))


def started_again(folder: Path, *, utc: int = TEN, paced: bool = False, slots: int = SLOTS) -> CoreProcess:
    """Another core on the same channel and journal, with a machine's clock that says ``utc``."""
    return CoreProcess(
        SETTINGS,
        Channel(folder / "channel", slots=slots),
        folder / "journal",
        paced=paced,
        clock=LogicalClock(time.monotonic_ns()),
        wall=WallClock(lambda: utc),
    )


def killed(process: CoreProcess) -> None:
    """Leave everything as a process does that is killed between two steps."""
    process.close()


def of_kind(journal: Journal, kind: Kind) -> list[Message]:
    return [message for message in journal.messages if message.kind is kind]
