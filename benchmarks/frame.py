"""What a frame of the trading core costs: processor time over GOOG's whole chain, some 2,000 contracts in 16 expiries.

The inputs of the embedded engine's run of 2015-12-24 are decided again, and each frame is timed by the processor, task
by task; what is decided has to be the same. Beside it stands what pricing takes: processors differ, and so does what
else they do, so times are stated for the common one (:mod:`benchmarks.common`).
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from alo_lib.core import FRAME_PLAN, TradingCore
from alo_lib.executive import Frame, Overrun, TaskPlan
from alo_lib.journal import Journal, JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.records import Kind
from alo_lib.settings import Settings
from alo_lib.settings.trading import StructureName
from alo_lib.simulation import run_backtest
from benchmarks.backtest import DAY, FULL_CHAIN
from benchmarks.common import COMMON_PRICE, to_common
from benchmarks.harness import Row
from benchmarks.lean_data import report_on_data
from tests.core.logical import inputs_of

GOAL: Final = 10.0
"""Milliseconds of processor time a frame, in the middle of them."""
WARM: Final = 3
"""Frames of a run that are not counted: those of the session's beginning."""
EVERYTHING: Final[Mapping[str, Any]] = {
    "structures": get_args(StructureName),
    "max_moneyness": 5.0,
    "max_spread": 2.0,
    "min_bid": 0.0,
    "hedge": "minimum_variance",
    "edge_costs": "all",
    "rank": "stress",
    "fair_smile": "market",
}
"""All structures of all contracts, by the dearest of each choice."""


class Stopwatch:
    """Times tasks as an executive's watch, by the processor; it finds no overruns."""

    live = True

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = {plan.name: [] for plan in FRAME_PLAN}
        self._began = 0.0

    def begin(self) -> None:
        """A task begins."""
        self._began = time.thread_time()

    def end(self, frame: Frame, plan: TaskPlan) -> Overrun | None:
        """It has ended."""
        self.took[plan.name].append(time.thread_time() - self._began)
        return None


def recorded(settings: Settings, data: Path) -> Journal:
    """The journal of the embedded engine's run."""
    folder = Path(tempfile.mkdtemp(prefix="alo-benchmark-"))
    run_backtest(settings, data, folder)
    return read_journal(folder / "journal")


def decide(journal: Journal, settings: Settings) -> tuple[dict[str, list[float]], bool]:
    """Seconds of each frame, whole and by task, of deciding a journal's inputs again; and whether that is the same."""
    watch, store, inputs = Stopwatch(), MemoryStore(), inputs_of(journal.messages)
    core = TradingCore(settings, JournalWriter(store, settings=journal.settings), watch=watch)
    following, frames = next(inputs, None), []
    for opened in (message.time for message in journal.messages if message.kind is Kind.FRAME):
        while following is not None and following.time < opened:
            core.accept(following)
            following = next(inputs, None)
        began = time.thread_time()
        if core.open_frame(opened):
            core.run()
        frames.append(time.thread_time() - began)
    again = read_journal(store.images(), unfinished=True)
    took = {"frame": frames, **watch.took}
    return took, message_digest(again.messages) == message_digest(journal.messages)


def measure(data: Path, quick: bool) -> Iterator[Row]:
    for name, others in {"usual settings": {}, "everything": EVERYTHING}.items():
        settings = Settings.of(DAY, {**FULL_CHAIN, **others})
        journal = recorded(settings, data)
        decide(journal, settings)
        before, _ = to_common()
        runs = [decide(journal, settings) for _ in range(1 if quick else 3)]
        unit = 0.5 * (before + to_common()[0])
        yield Row(f"{name}: decisions that differ", float(not all(same for _, same in runs)), "", None, "0", runs[0][1])
        listed = sum(len(each.records) for each in journal.messages if each.kind is Kind.INSTRUMENT)
        yield Row(f"{name}: contracts", float(listed - 1), "")
        yield Row(f"{name}: one option priced (peer: the common processor)", unit, "us", COMMON_PRICE)
        scale = 1e3 * COMMON_PRICE / unit
        for task in runs[0][0]:
            took = np.concatenate([run[task][WARM:] for run, _ in runs]) * scale
            middle, most = (float(np.percentile(took, at)) for at in (50, 99))
            is_whole = task == "frame"
            goal, holds = (f"<= {GOAL:g}", middle <= GOAL) if is_whole else ("", None)
            yield Row(f"{name}: {task}, median", middle, "ms", None, goal, holds)
            yield Row(f"{name}: {task}, 99 %", most, "ms")


if __name__ == "__main__":
    sys.exit(report_on_data(__doc__, measure))
