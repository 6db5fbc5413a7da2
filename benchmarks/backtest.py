"""The main job on one real day: the embedded engine against a real LEAN running the same core.

GOOG, 2015-12-24, minute quotes of LEAN's sample data. Both engines run in this order in one go; the answers are right
when all orders agree. LEAN is timed as its log has it, from the first slice to the last, and as a whole process.
"""

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alo_lib.cli.engines.embedded import EmbeddedEngine
from alo_lib.cli.engines.native import NativeEngine
from alo_lib.cli.failures import EngineError
from alo_lib.journal import JOURNAL_FOLDER, orders_of, read_journal
from alo_lib.settings import Settings
from alo_lib.simulation import require_data
from benchmarks.harness import Row
from benchmarks.lean_data import report_on_data

DAY = {"underlyings": "GOOG", "start": "2015-12-24", "end": "2015-12-24"}
FULL_CHAIN = {"min_days_to_expiry": 1, "exit_days_to_expiry": 1, "max_days_to_expiry": 1100, "strike_range": 2.0}
GOAL_SECONDS = 10.0
_COMPLETED = re.compile(r"completed in ([\d.]+) seconds")


def run(engine: Any, settings: Settings, data: Path) -> tuple[float, Path]:
    """Wall seconds of a run, and its folder."""
    folder = Path(tempfile.mkdtemp(prefix="alo-benchmark-"))
    begin = time.perf_counter()
    engine.run(settings, data, require_data(settings, data), folder, lambda date, share: None)
    return time.perf_counter() - begin, folder


def measure(data: Path, quick: bool) -> Iterator[Row]:
    usual, full = Settings.of(DAY), Settings.of(DAY, FULL_CHAIN)
    _, folder = run(EmbeddedEngine(), usual, data)  # compiles, and gives the orders to agree with
    repeats = 1 if quick else 5
    usual_seconds = sorted(run(EmbeddedEngine(), usual, data)[0] for _ in range(repeats))[repeats // 2]
    full_seconds = sorted(run(EmbeddedEngine(), full, data)[0] for _ in range(repeats))[repeats // 2]
    try:
        lean = None if quick else NativeEngine.find()
    except EngineError as error:
        print(f"no peer: {error}", file=sys.stderr)
        lean = None
    process = engine_time = None
    if lean is not None:
        process, leans = run(lean, usual, data)
        engine_time = float(_COMPLETED.findall((leans / "lean-console.txt").read_text())[-1])
        ours, theirs = (orders_of(read_journal(each / JOURNAL_FOLDER).messages) for each in (folder, leans))
        yield Row("orders that differ from LEAN's", float(ours != theirs), "", None, "0", ours == theirs)
    yield Row("GOOG day, usual settings, against LEAN's own time", usual_seconds, "s", engine_time)
    yield Row("GOOG day, usual settings, against LEAN's process", usual_seconds, "s", process)
    holds = full_seconds <= GOAL_SECONDS
    yield Row("GOOG day, full chain of all expiries", full_seconds, "s", None, f"<= {GOAL_SECONDS:g}", holds)


if __name__ == "__main__":
    sys.exit(report_on_data(__doc__, measure))
