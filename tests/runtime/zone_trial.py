"""Cutting the zone off that leads, at random instants, while another stands by; never do two lead.

``python -m tests.runtime.zone_trial RESULTS COUNT`` strikes until ``RESULTS``, a file of JSON lines, tells of ``COUNT``
blows, and says how long nobody led. Each line is a run of one seed. In every other run the zones share no journal: then
nothing but the lease keeps two from leading, and in the others the journal has each remark once.
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
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from alo_lib.cli.project import ROOT
from alo_lib.journal import messages_of, read_journal
from alo_lib.records import HostEvent, Kind, remark
from alo_lib.runtime.link import Channel, CorePhase
from tests.runtime.processes import PATIENCE
from tests.runtime.zone_server import SLOTS
from tests.runtime.zones import Zones, zones

SECONDS: Final = 2
"""Of a lease; etcd gives no shorter one."""
_FRESH: Final = 80_000_000
"""Nanoseconds since the last heartbeat of a core that releases frames: four of them."""
_RUNNING: Final = list(CorePhase).index(CorePhase.RUNNING)

Blow = tuple[str, float]
"""What befell the zone that led, and for how many seconds nobody did."""


class Core:
    """The core of a zone, as its host sees it: it tells it something every now and then."""

    def __init__(self, folder: Path, zone: str, journal: str) -> None:
        self.zone, self.journal = zone, journal
        self.channel = Channel(folder / zone, slots=SLOTS)
        self.inputs, self.answers = self.channel.host_side()
        self.process = 0
        self.told: list[str] = []

    @property
    def leads(self) -> bool:
        """Whether it releases frames, and has done so just now."""
        now = clocks.monotonic_ns()
        reading, owner = self.channel.heartbeat.read(), self.channel.heartbeat.owner
        beat = reading.value
        fresh = beat["phase"] == _RUNNING and beat["frame"] and now - int(beat["monotonic"]) < _FRESH
        return bool(fresh and reading.epoch == owner.epoch and owner.alive)

    def tell(self, text: str) -> None:
        self.inputs.push(remark(HostEvent.DATA, clocks.time_ns(), text))
        self.told.append(text)


class Trial:
    """Two zones whose cores stand by for each other, one seed's blows, and what was seen of them."""

    def __init__(self, folder: Path, of: Zones, seed: int) -> None:
        self.folder, self.of, self.random = folder, of, np.random.default_rng(seed)
        shared = seed % 2 == 0
        names = ["journal"] * 2 if shared else [f"journal-{letter}" for letter in "ab"]
        self.cores = [Core(folder, zone, name) for zone, name in zip(of.names, names, strict=True)]
        self.spans: dict[tuple[str, int], list[int]] = {}  # first and last heartbeat of each process of a zone
        self._done = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)
        command = [sys.executable, "-m", "tests.runtime.zone_server", str(folder), of.url, str(SECONDS)]
        self._server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready"

    def __enter__(self) -> "Trial":
        for core in self.cores:
            self.start(core)
        self._looking.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        for core in self.cores:
            if core.process:
                with suppress(ProcessLookupError):
                    os.kill(core.process, signal.SIGKILL)
            self.of.heal(core.zone)
        self._server.kill()
        self._server.communicate()

    def start(self, core: Core) -> None:
        """As a supervisor does, where no process of its core is there."""
        if core.process and Path(f"/proc/{core.process}").exists():
            return
        assert self._server.stdin is not None
        self._server.stdin.write(f"{core.zone} {core.journal}\n")
        self._server.stdin.flush()
        core.process = int(self._line())

    def leader(self, than: int = 0) -> Core:
        """Wait for a process that leads, other than that one; meanwhile who has ended is started again."""
        end = clocks.monotonic() + PATIENCE
        while clocks.monotonic() < end:
            for core in self.cores:
                self.start(core)
                if core.leads and core.process != than:
                    return core
            clocks.sleep(0.002)
        raise TimeoutError("no zone leads")

    def strike(self) -> Blow:
        """A blow to who leads; returns once another does, and the zone is whole again."""
        core = self.leader()
        struck = core.process
        clocks.sleep(float(self.random.exponential(0.3)))
        what = str(self.random.choice(["cut", "killed", "stopped"], p=[0.6, 0.2, 0.2]))
        if what == "cut":
            self.of.cut(core.zone)
        else:
            with suppress(ProcessLookupError):
                os.kill(struck, signal.SIGKILL if what == "killed" else signal.SIGSTOP)
        if what == "stopped" and core.journal == "journal":  # it keeps the lock of the journal until it ends
            clocks.sleep(1.5 * SECONDS)
            os.kill(struck, signal.SIGCONT)
        span = self._span(core)
        began = self._span(self.leader(struck))[0]
        clocks.sleep(float(self.random.exponential(0.5)))
        self.of.heal(core.zone)
        with suppress(ProcessLookupError):
            os.kill(struck, signal.SIGCONT)
        return what, round((began - span[1]) / 1e9, 3)

    def _span(self, core: Core) -> list[int]:
        key = core.zone, core.channel.heartbeat.owner.epoch
        while key not in self.spans:
            clocks.sleep(0.001)
        return self.spans[key]

    def _line(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline().strip()

    def _look(self) -> None:
        """Tell who leads something now and then, and see from when to when each process does."""
        number = 0
        while not self._done.wait(0.001):
            number += 1
            for core in self.cores:
                reading = core.channel.heartbeat.read()
                if reading.value["phase"] == _RUNNING and reading.value["frame"]:
                    beat = int(reading.value["monotonic"])
                    self.spans.setdefault((core.zone, reading.epoch), [beat, beat])[1] = beat
                if number % 20 == 0 and core.leads:
                    core.tell(f"{core.zone} {number}")


def struck(folder: Path, of: Zones, seed: int, most: int) -> list[Blow]:
    """The blows of a seed, after which each remark of a host is in the journal once at the most, in its order."""
    with Trial(folder, of, seed) as trial:
        blows = [trial.strike() for _ in range(most)]
        trial.leader()
        clocks.sleep(0.5)
    spans = sorted(trial.spans.values())
    assert all(before[1] < after[0] for before, after in pairwise(spans)), trial.spans
    for name in {core.journal for core in trial.cores}:
        journal = read_journal(folder / name, unfinished=True)
        said = [m.records["text"][0].decode() for _, m in messages_of(journal.messages, Kind.EVENT)]
        told = [each for each in said if each in {text for core in trial.cores for text in core.told}]
        assert len(told) == len(set(told))
        epochs = [segment.epoch for segment in journal.segments]
        assert epochs == sorted(epochs)
    return blows


def main(results: Path, count: int, most: int = 20) -> None:
    with tempfile.TemporaryDirectory(prefix="alo-test-") as place, ExitStack() as ending:
        of = ending.enter_context(zones(Path(place)))
        while True:
            lines = results.read_text().splitlines() if results.is_file() else []
            blows = [(str(what), float(seconds)) for line in lines for what, seconds in json.loads(line)]
            if len(blows) >= count:
                break
            folder = Path(place) / f"s{len(lines)}"
            folder.mkdir()
            done = struck(folder, of, len(lines), most)
            with results.open("a") as file:
                file.write(json.dumps(done) + "\n")
            shutil.rmtree(folder)
    for what in ("cut", "killed", "stopped"):
        seconds = np.array([seconds for befell, seconds in blows if befell == what])
        print(
            f"{len(seconds)} {what}: nobody led for {np.median(seconds):.2f} s p50, {seconds.max():.2f} s at the most"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
