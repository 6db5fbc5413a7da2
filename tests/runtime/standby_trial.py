"""Killing and stopping the core that leads, at random instants, while another stands by.

``python -m tests.runtime.standby_trial RESULTS COUNT`` strikes until ``RESULTS``, a file of JSON lines, tells of
``COUNT`` blows, and says how long nobody led. Each line is a run of one seed; a command that was ended goes on behind
the last.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time as clocks
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alo_lib.cli.project import ROOT
from alo_lib.journal import Journal, orders_of, read_journal
from alo_lib.records import Kind
from alo_lib.runtime import replay
from alo_lib.runtime.link import Channel, CorePhase
from alo_lib.runtime.remote import RemoteCore
from tests.core.seeds import SETTINGS, live
from tests.runtime.processes import END, PATIENCE, SLOTS, digest

RUNNING = list(CorePhase).index(CorePhase.RUNNING)


class Blow(NamedTuple):
    """What befell a core that led, and how long nobody did."""

    what: str  # killed, stopped or halted (stopped and woken within its lease)
    seconds: float  # until the next heartbeat of a core


class Cores:
    """Processes that stand by at channels, forked from one that has everything compiled."""

    def __init__(self, folder: Path, lease: float) -> None:
        command = [sys.executable, "-m", "tests.runtime.standby_server", str(folder), str(lease)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lock = threading.Lock()
        assert self._line() == "ready"

    def start(self, name: str) -> int:
        """One more at a channel; returns its number."""
        with self.lock:
            assert self.process.stdin is not None
            self.process.stdin.write(f"{name}\n")
            self.process.stdin.flush()
            return int(self._line())

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


class Striking:
    """Strikes the core that leads at random instants, until it is told to stop, and sees to it that one stands by."""

    def __init__(self, cores: Cores, name: str, channel: Channel, random: np.random.Generator, most: int) -> None:
        self.cores, self.name, self.channel, self.random, self.most = cores, name, channel, random, most
        self.blows: list[Blow] = []
        self.children = [cores.start(name)]
        self.stopped: list[int] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._strike, daemon=True)

    def __enter__(self) -> "Striking":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join(PATIENCE)
        for child in self.stopped:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGCONT)

    def end(self) -> None:
        """No more blows: who leads then ends the run."""
        self._done.set()
        self._thread.join(PATIENCE)

    def kill_all(self) -> None:
        for child in self.children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def _strike(self) -> None:
        while not self._done.is_set() and len(self.blows) < self.most:
            leader = self._leader(0)
            if leader is None:
                return
            self._have_one_stand_by()
            if self._done.wait(float(self.random.exponential(0.02))):
                return
            number, pid = leader
            what = str(self.random.choice(["killed", "stopped", "halted"], p=[0.6, 0.3, 0.1]))
            when = clocks.monotonic_ns()
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if what == "killed" else signal.SIGSTOP)
                if what == "halted":
                    clocks.sleep(float(self.random.uniform(0, 0.2)))
                    os.kill(pid, signal.SIGCONT)
                    if self._leads(number) is None:
                        what = "stopped"
                    else:
                        continue
                if what == "stopped":
                    self.stopped.append(pid)
            found = self._leader(number)
            if found is None:
                return
            self.blows.append(Blow(what, (clocks.monotonic_ns() - when) / 1e9))
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)  # were it there, it would go on

    def _leads(self, than: int) -> tuple[int, int] | None:
        reading, owner = self.channel.heartbeat.read(), self.channel.heartbeat.owner
        runs = reading.epoch == owner.epoch > than and reading.value["phase"] == RUNNING
        return (owner.epoch, owner.pid) if runs and owner.alive and reading.value["monotonic"] else None

    def _leader(self, than: int) -> tuple[int, int] | None:
        """Number and process of the core that leads under a higher number; None where there is none in the end."""
        end = clocks.monotonic() + PATIENCE
        while clocks.monotonic() < end:
            if (found := self._leads(than)) is not None:
                return found
            if self._done.is_set() and self.channel.heartbeat.read().value["phase"] != RUNNING:
                return None
            if not self._standing_by():
                self.children.append(self.cores.start(self.name))
                self.await_standby()
            clocks.sleep(0.0005)
        raise TimeoutError("no core leads")

    def _standing_by(self) -> bool:
        return bool(self.channel.standby.owner.alive) or self._leads(0) is not None or self._starts()

    def _starts(self) -> bool:
        return bool(self.channel.heartbeat.owner.alive)

    def _have_one_stand_by(self) -> None:
        if not self.channel.standby.owner.alive:
            self.children.append(self.cores.start(self.name))
            self.await_standby()

    def await_standby(self) -> None:
        end = clocks.monotonic() + 5
        while not self.channel.standby.owner.alive and clocks.monotonic() < end and not self._done.is_set():
            clocks.sleep(0.001)


def struck(cores: Cores, folder: Path, seed: int, most: int) -> tuple[list[Blow], Journal]:
    """A run whose core is struck again and again; its orders and journal are those of a run that is left alone.

    Asserts it.
    """
    expected = live(seed)
    name = f"s{seed}"
    channel = Channel(folder / name, slots=SLOTS)
    remote = RemoteCore(SETTINGS, channel, paced=True, patience=PATIENCE)
    random = np.random.default_rng(seed)
    try:
        with Striking(cores, name, channel, random, most) as striking:
            remote.attach(PATIENCE)
            push = remote.open_frame
            sent: list[int] = []

            def open_frame(time: int) -> bool:
                clocks.sleep(float(random.exponential(0.01)))
                opened = push(time)
                sent.extend(remote.intents["order"].tolist() if opened else [])
                return opened

            remote.open_frame = open_frame  # type: ignore[method-assign]
            live(seed, remote)
            striking.end()
            remote.remark(END)
            end = clocks.monotonic() + PATIENCE
            while channel.heartbeat.read().value["phase"] != list(CorePhase).index(CorePhase.STOPPED):
                assert clocks.monotonic() < end
                if not channel.heartbeat.owner.alive and not channel.standby.owner.alive:
                    striking.children.append(cores.start(name))
                    striking.await_standby()
                clocks.sleep(0.002)
            striking.kill_all()
    finally:
        remote.stop()
    journal = read_journal(folder / name / "journal")
    assert digest(journal) == digest(expected.journal), f"seed {seed}"
    assert replay(journal).divergence is None
    assert remote.holdings == expected.core.holdings
    assert len(sent) == len(set(sent))
    assert sorted(sent) == sorted(order.number for order in orders_of(expected.journal.messages) if order.number)
    frames = [m.time for m in journal.messages if m.kind is Kind.FRAME]
    assert frames == sorted(set(frames))
    return striking.blows, journal


def told(results: Path) -> tuple[int, list[Blow]]:
    """How many runs a file of results tells of, and their blows."""
    lines = results.read_text().splitlines() if results.is_file() else []
    return len(lines), [Blow(str(what), float(seconds)) for line in lines for what, seconds in json.loads(line)]


def main(results: Path, count: int, most: int = 25, lease: float = 0.3) -> None:
    folder = Path(tempfile.mkdtemp(prefix="alo-test-"))
    cores = Cores(folder, lease)
    try:
        while len((done := told(results))[1]) < count:
            seed = done[0]
            blows, _ = struck(cores, folder, seed, most)
            with results.open("a") as file:
                file.write(json.dumps(blows) + "\n")
            shutil.rmtree(folder / f"s{seed}")
    finally:
        cores.close()
        shutil.rmtree(folder)
    for what in ("killed", "stopped"):
        seconds = np.array([blow.seconds for blow in told(results)[1] if blow.what == what])
        print(
            f"{len(seconds)} {what}: nobody led for {np.median(seconds):.3f} s p50, {seconds.max():.3f} s at the most"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
