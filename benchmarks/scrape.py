"""What it costs a frame that somebody looks: its time with a monitor that is scraped, and with none, in one run.

A generated month is decided again, with telemetry and a journal on disk as a live core has them. A monitor serves it
from a process of its own and another one asks it for its metrics twenty times a second, a hundred times as often as
Prometheus does. Every half second both are stopped or go on, so what else the machine does meets either state alike.
The peer of each figure is the same without them. Wall time is what a frame has until its deadline; processor time is
what it is made to do, which a busy machine does not lengthen by its turns.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from alo_lib.cli.project import ROOT
from alo_lib.core import FRAME_PLAN, TradingCore
from alo_lib.journal import JOURNAL_FOLDER, Durability, Journal, JournalWriter, message_digest, read_journal
from alo_lib.market.generator import MarketTruth, NameTruth, generate_market
from alo_lib.records import Kind
from alo_lib.runtime.showing import Showing
from alo_lib.settings import Settings
from alo_lib.simulation import run_backtest
from alo_lib.telemetry import EngineKind, RunPhase, RunTold
from alo_lib.telemetry.layout import TELEMETRY_FOLDER
from benchmarks.harness import Row, options_of, report
from tests.core.logical import inputs_of

TURN: Final = 0.5
"""Seconds after which looking begins or ends."""
END: Final = {False: "2024-01-31", True: "2024-01-02"}
"""The last day, by whether it is quick."""
WARM: Final = 20
"""Frames that are not counted: those of the first minutes."""
SCRAPES: Final = """
import sys, time, urllib.error, urllib.request
while True:
    try:
        urllib.request.urlopen(sys.argv[1] + "metrics", timeout=60).read()
        print(flush=True)
    except urllib.error.HTTPError as error:
        if error.code != 503:  # until the first look
            raise
    time.sleep(0.05)
"""


class Looking:
    """The monitor of a run and who scrapes it, which are stopped and go on together."""

    def __init__(self, run: Path, stack: ExitStack) -> None:
        monitor = [sys.executable, "-m", "alo_lib.cli", "monitor", str(run), "--serve", "--listen", "127.0.0.1:0"]
        serving = stack.enter_context(_running(*monitor))
        assert serving.stdout is not None
        self.scraping = stack.enter_context(_running(sys.executable, "-c", SCRAPES, serving.stdout.readline().strip()))
        assert self.scraping.stdout is not None
        self.scraping.stdout.readline()  # the first scrape is answered
        self._both = (serving, self.scraping)
        self.on = True

    def turn(self) -> None:
        """Begin to look, or end it."""
        self.on = not self.on
        for process in self._both:
            os.kill(process.pid, signal.SIGCONT if self.on else signal.SIGSTOP)

    def scrapes(self) -> int:
        """How many were answered since the first."""
        self.scraping.kill()
        assert self.scraping.stdout is not None
        return len(self.scraping.stdout.readlines())


@contextmanager
def _running(*command: str) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


class Frames(NamedTuple):
    """Seconds that frames took, by the wall and by the processor, with somebody who looks or without."""

    looked: list[bool]
    wall: list[float]
    processor: list[float]


def decided(journal: Journal, settings: Settings, folder: Path) -> tuple[Frames, int]:
    """The frames of a journal's inputs, decided and journaled anew in a folder; and how many scrapes were answered."""
    told = RunTold("scraped", EngineKind.EMBEDDED, False, 10_000_000, FRAME_PLAN, folder / JOURNAL_FOLDER)
    showing = Showing(folder / TELEMETRY_FOLDER, told, print)
    writer = JournalWriter.create(folder / JOURNAL_FOLDER, settings=journal.settings, durability=Durability.GROUP)
    core, found = TradingCore(settings, showing.sink(writer)), Frames([], [], [])
    showing.begin(core, None)
    showing.run()
    inputs = inputs_of(journal.messages)
    following = next(inputs, None)
    with ExitStack() as stack:
        looking = Looking(folder, stack)
        turned = time.monotonic()
        for opened in (message.time for message in journal.messages if message.kind is Kind.FRAME):
            while following is not None and following.time < opened:
                core.accept(following)
                following = next(inputs, None)
            wall, processor = time.perf_counter(), time.thread_time()
            if core.open_frame(opened):
                core.run()
            found.processor.append(time.thread_time() - processor)
            found.wall.append(time.perf_counter() - wall)
            found.looked.append(looking.on)
            showing.rest()
            if time.monotonic() - turned > TURN:
                looking.turn()
                turned = time.monotonic()
        scrapes = looking.scrapes()
    writer.close()
    showing.end(RunPhase.STOPPED)  # after the journal's last write-out, which it times
    return found, scrapes


def measure(quick: bool) -> Iterator[Row]:
    settings = Settings.of({"underlyings": "ALFA", "start": "2024-01-02", "end": END[quick]})
    with tempfile.TemporaryDirectory(prefix="alo-benchmark-") as place:
        truth = MarketTruth(seed=1, start=settings.start, end=settings.end, names=(NameTruth(ticker="ALFA"),))
        generate_market(Path(place) / "data", truth)
        (Path(place) / "before").mkdir()
        run_backtest(settings, Path(place) / "data", Path(place) / "before")
        journal = read_journal(Path(place) / "before" / JOURNAL_FOLDER)
        (Path(place) / "scraped").mkdir()
        frames, scrapes = decided(journal, settings, Path(place) / "scraped")
        again = read_journal(Path(place) / "scraped" / JOURNAL_FOLDER)
    same = message_digest(again.messages) == message_digest(journal.messages)
    yield Row("decisions that differ", float(not same), "", None, "0", same)
    looked = np.array(frames.looked[WARM:])
    yield Row("frames with a look (peer: without)", float(looked.sum()), "", float((~looked).sum()))
    yield Row("scrapes that were answered", float(scrapes), "", None, "> 0", scrapes > 0)
    for by, seconds in (("wall", frames.wall), ("processor", frames.processor)):
        took = 1e3 * np.array(seconds[WARM:])
        for share in (50.0, 99.0, 99.9):
            ours, theirs = (float(np.percentile(took[state], share)) for state in (looked, ~looked))
            yield Row(f"a frame, {share:g} %, {by} time", ours, "ms", theirs)


def main() -> int:
    options = options_of(__doc__).parse_args()
    return report(measure(options.quick), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
