"""What the core's gate costs: the inputs of one real day, asked at it and let in unasked, in turn.

GOOG, 2015-12-24, minute quotes of LEAN's sample data, as the embedded engine journaled them. A frame is all from its
first input's coming to its last decision, in processor time; the two runs decide the same.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alo_lib.core import TradingCore
from alo_lib.core.gate import Admitted, Gate
from alo_lib.journal import Journal, JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.records import Kind, Message
from alo_lib.settings import Settings
from benchmarks.executive import DAY, recorded
from benchmarks.harness import Row
from benchmarks.lean_data import report_on_data

GOAL_PERCENT = 5.0


class _Timed(Gate):
    """A gate that counts the seconds in which it asks."""

    spent = 0.0

    def admit(self, message: Message) -> Admitted:
        begin = time.process_time()
        admitted = super().admit(message)
        self.spent += time.process_time() - begin
        return admitted


class _Open(Gate):
    """A gate that follows what it lets in, and asks nothing."""

    def admit(self, message: Message) -> Admitted:
        return Admitted(message)


def frame_times(
    journal: Journal, inputs: list[tuple[bool, Message]], gate: type[_Timed | _Open]
) -> tuple[NDArray[np.float64], float, str]:
    """Processor seconds of each frame with its inputs and those of the gate, and the digest of what was journaled."""
    store = MemoryStore()
    writer = JournalWriter(store, settings=journal.settings)
    core = TradingCore(Settings.of(DAY), writer)
    core._gate = asked = gate(core._state.strategy, core.instruments, core.settings)
    times, begin = [], time.process_time()
    for is_frame, message in inputs:
        if not is_frame:
            core.accept(message)
            continue
        core.open_frame(message.time)
        core.run()
        now = time.process_time()
        times.append(now - begin)
        begin = time.process_time()
    core.stop()
    writer.close()
    spent = asked.spent if isinstance(asked, _Timed) else 0.0
    return np.array(times), spent, message_digest(read_journal(store.images()).messages)


def measure(data: Path, quick: bool) -> Iterator[Row]:
    journal = recorded(data)
    inputs = [(message.kind is Kind.FRAME, message) for message in journal.messages if _drives(message)]
    found: dict[type, list[NDArray[np.float64]]] = {_Timed: [], _Open: []}
    shares, differ = [], 0
    for turn in range(1 + (3 if quick else 15)):  # the first is to warm up
        for gate in (_Timed, _Open) if turn % 2 else (_Open, _Timed):
            times, spent, digest = frame_times(journal, inputs, gate)
            differ += digest != message_digest(journal.messages)
            if turn:
                found[gate].append(times)
            if turn and gate is _Timed:
                shares.append(100 * spent / float(times.sum()))
    asked, unasked = (np.median(found[gate], axis=0) for gate in (_Timed, _Open))
    yield Row("journals that differ from the run's", float(differ), "", None, "0", differ == 0)
    yield Row(
        "a frame, median, against one unasked", 1e6 * float(np.median(asked)), "us", 1e6 * float(np.median(unasked))
    )
    yield Row("the day's frames, against those unasked", 1e3 * float(asked.sum()), "ms", 1e3 * float(unasked.sum()))
    share = float(np.median(shares))
    yield Row("the gate's share of the day's frames", share, "%", None, f"<= {GOAL_PERCENT:g}", share <= GOAL_PERCENT)


def _drives(message: Message) -> bool:
    """Whether a core has to be given it: an input, or a frame to open."""
    own = message.kind.is_decision or message.kind.is_remark or message.kind is Kind.CALIBRATION
    return not own


if __name__ == "__main__":
    sys.exit(report_on_data(__doc__, measure))
