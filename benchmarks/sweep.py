"""How a sweep fills more cores, and what each trial costs beside its run: `python -m benchmarks.sweep`.

The same trials of a generated month run on Ray with one worker and with two, in turn; kernels are compiled before.
Beside the trials a second stands the processor time of a trial, which others that use the machine do not change, and
what a cluster would bind by: jobs that do nothing a second, bytes of a trial that pass through Ray, bytes it reads.
"""

import datetime as dt
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from alo_lib.cli.fingerprint import files_in_range
from alo_lib.cli.sweeping.trial import TrialJob, run_trial
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.market.generator.truth import Edge, NameTruth
from alo_lib.settings import Settings
from alo_lib.simulation.engine import run_program
from alo_lib.sweep.cluster import cluster
from alo_lib.sweep.conditions import Condition, Window
from alo_lib.sweep.plan import Sweep
from alo_lib.sweep.space import axes_of, grid
from benchmarks.harness import Row, options_of, report

_WINDOW = Window(dt.date(2024, 1, 2), dt.date(2024, 1, 31))
_GOAL = 1.8
_EMPTY_JOBS = 2_000


class _Measured(NamedTuple):
    processor: float  # seconds of a trial
    size: int  # bytes that pass through Ray for it


def _measured(job: TrialJob) -> _Measured:
    from ray import cloudpickle

    began = time.process_time()
    result = run_trial(job)
    took = time.process_time() - began
    assert result.state == "done", result.why
    return _Measured(took, sum(len(cloudpickle.dumps(each)) for each in (job, result)))


def _nothing(job: int) -> int:
    return job


def _sweep(trials: int, data: Path) -> Sweep:
    varied = {"entry-edge": f"0..{0.001 * (trials - 1):g}", "resolution": "hour"}
    axes = tuple(axis for axis in axes_of(varied) if axis.is_range)
    return Sweep(
        axes=axes,
        base={"resolution": "hour"},
        conditions=(Condition(_WINDOW, "ALFA"),),
        points=trials,
        data=str(data),
        program=run_program(),
    )


def _pass(workers: int, trials: int, data: Path, folder: Path) -> tuple[float, list[_Measured]]:
    """Trials a second on so many workers, each of which has run one before, and what each trial took."""
    sweep = _sweep(trials, data)
    made = sweep.trials_of(list(grid(sweep.axes, trials)), 0, sweep.conditions)
    jobs = [TrialJob(each, folder / "measured", data, sweep.program) for each in made]
    first = [TrialJob(each.trial, folder / f"warm-{number}", data, sweep.program) for number, each in enumerate(jobs)]
    with cluster(None, workers) as ray:
        list(ray.done(_measured, first[: 2 * workers]))
        began = time.perf_counter()
        found: list[Any] = [each.result for each in ray.done(_measured, jobs)]
        return len(jobs) / (time.perf_counter() - began), found


def _dispatch() -> tuple[float, float]:
    """Seconds to start Ray, and jobs a second that do nothing."""
    began = time.perf_counter()
    with cluster(None, 2) as ray:
        started = time.perf_counter() - began
        list(ray.done(_nothing, range(100)))
        began = time.perf_counter()
        count = sum(1 for _ in ray.done(_nothing, range(_EMPTY_JOBS)))
        return started, count / (time.perf_counter() - began)


def _rows(trials: int, repeats: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="alo-sweep-") as place:
        data = Path(place) / "data"
        name = NameTruth(ticker="ALFA", edge=Edge(mean=0.03))
        generate_market(data, MarketTruth(end=_WINDOW.end, quote_minutes=60, names=(name,)))
        settings = Settings.of({"underlyings": "ALFA", "resolution": "hour"})
        read = sum(path.stat().st_size for path in files_in_range(data, settings))
        speed: dict[int, list[float]] = {1: [], 2: []}
        took: dict[int, list[_Measured]] = {1: [], 2: []}
        for repeat in range(repeats):
            for workers in speed:
                pace, found = _pass(workers, trials, data, Path(place) / f"{repeat}-{workers}")
                speed[workers].append(pace)
                took[workers] += found
        ratio = median(two / one for one, two in zip(speed[1], speed[2], strict=True))
        yield Row("trials a minute, one worker", 60.0 * median(speed[1]), "")
        yield Row("trials a minute, two workers", 60.0 * median(speed[2]), "")
        yield Row("two workers over one", ratio, "", None, f">= {_GOAL}", ratio >= _GOAL)
        for workers, each in took.items():
            what = f"processor time of a trial, {workers} at a time"
            yield Row(what, median(one.processor for one in each), "s")
        yield Row("through Ray for a trial", median(one.size for one in took[1]) / 1e3, "kB")
        yield Row("data that a trial may read", read / 1e6, "MB")
    started, pace = _dispatch()
    yield Row("starting Ray", started, "s")
    yield Row("jobs that do nothing", pace, "a second")


def main() -> int:
    """Command line."""
    options = options_of(__doc__).parse_args()
    trials, repeats = (4, 1) if options.quick else (12, 3)
    return report(_rows(trials, repeats), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
