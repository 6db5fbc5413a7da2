"""What telemetry costs: recording a value in a histogram of shared memory, and reading a clock."""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alo_lib.transport import Histograms, HistogramWriter
from alo_lib.transport.atomics import Words, cycles, shared_kernel
from alo_lib.transport.histogram import histogram_record
from benchmarks.harness import Row, best_time, options_of, report

COUNT = 100_000
PYTHON = 1000
GOAL = 25.0


@shared_kernel
def record_all(words: Words, epoch: int, values: npt.NDArray[np.int64]) -> int:
    for value in values:
        histogram_record(words, epoch, 1, value)
    return 0


@shared_kernel
def read_counter(count: int) -> int:
    total = 0
    for _ in range(count):
        total += cycles()
    return total


def record_each(writer: HistogramWriter) -> None:
    for _ in range(PYTHON):
        writer.record(1, 1000)


def rows(folder: Path, repeats: int) -> list[Row]:
    values = np.random.default_rng(7).lognormal(10.0, 2.0, COUNT).astype(np.int64)
    histograms = Histograms.ensure(folder / "times.histograms", 3)
    with histograms.record_as("benchmark", ["a", "b", "c"]) as writer:
        words, epoch = writer.words, writer.epoch
        compiled = best_time(lambda: record_all(words, epoch, values), repeats) / COUNT * 1e9
        found = histograms.readings()[1]
        if found.count != COUNT * (repeats + 1) or found.total != int(values.sum()) * (repeats + 1):
            raise RuntimeError(f"{found.count} values were recorded, not {COUNT * (repeats + 1)}")
        python = best_time(lambda: record_each(writer), repeats) / PYTHON * 1e9
        peer = best_time(lambda: np.sort(values), repeats) / COUNT * 1e9
    counter = best_time(lambda: read_counter(COUNT), repeats) / COUNT * 1e9
    clock = best_time(lambda: [time.monotonic_ns() for _ in range(1000)], repeats) / 1000 * 1e9
    holds = compiled <= GOAL
    return [
        Row("record a value, compiled (peer: keep and sort it)", compiled, "ns", peer, f"<= {GOAL:g}", holds),
        Row("record a value, from Python", python, "ns"),
        Row("read the cycle counter, compiled (peer: the monotonic clock, from Python)", counter, "ns", clock),
    ]


def main() -> int:
    options = options_of(__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="alo-telemetry-") as place:
        return report(rows(Path(place), 5 if options.quick else 50), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
