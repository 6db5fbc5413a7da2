"""What a row costs: a backtest over growing names, days and contracts, with a real LEAN running the same core beside.

Markets are generated: a chain quoted every five minutes, with dividends and without. A row is an option quote that the
core was told. Each run is a process of its own, in which everything is compiled and loaded before: processor time and
memory are those of the run alone. A row's cost should stay the same, and memory, whatever there is of days.
"""

import datetime as dt
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

from alo_lib.cli.engines.native import NativeEngine
from alo_lib.cli.failures import EngineError
from alo_lib.journal import JOURNAL_FOLDER, orders_of, read_journal
from alo_lib.market.generator import MarketTruth, NameTruth, generate_market
from alo_lib.market.generator.dynamics import Garch
from alo_lib.records import Kind
from alo_lib.settings import Settings
from alo_lib.simulation import require_data, run_backtest
from benchmarks.harness import Row, options_of, report

START: Final = dt.date(2024, 1, 2)
WEEK: Final = dt.timedelta(7)
COST: Final = 6.0
"""Microseconds of processor time a row."""
LINEAR: Final = 1.15
FLAT: Final = 1.10
MEGABYTE: Final = 1 << 20
PAYS: Final = 0.72
"""Every other name pays it a share each quarter."""


class Size(NamedTuple):
    """How large a run is."""

    names: int
    weeks: float
    contracts: int = 10_000
    """At most, of each name."""

    @property
    def end(self) -> dt.date:
        """The last day."""
        return START + self.weeks * WEEK - dt.timedelta(1)

    @property
    def words(self) -> str:
        """As a row says it."""
        each = f", {self.contracts:,} contracts each" if self.contracts < Size._field_defaults["contracts"] else ""
        return f"{self.names} names, {self.weeks:g} weeks{each}"


FULL: Final[dict[str, Sequence[Size]]] = {
    "names": [Size(1, 1), Size(2, 1), Size(4, 1)],
    "days": [Size(1, 1), Size(1, 4), Size(1, 13)],
    "contracts": [Size(1, 1, 100), Size(1, 1, 400), Size(1, 1)],
}
QUICK: Final[dict[str, Sequence[Size]]] = {"days": [Size(1, 1 / 7), Size(1, 2 / 7)]}
"""What grows, smallest first."""


@dataclass(frozen=True)
class Cost:
    """Of one run."""

    rows: int
    processor: float  # seconds
    wall: float  # seconds
    memory: float  # bytes beyond those of the process before
    journal: int  # bytes
    orders: tuple[Any, ...]

    @property
    def each(self) -> float:
        """Microseconds of processor time a row."""
        return 1e6 * self.processor / self.rows


def market(folder: Path, size: Size) -> Path:
    """A market of that size, made where there is none yet."""
    place = folder / f"{size.names}-{size.end}"
    names = tuple(
        NameTruth(ticker=f"N{number:03}", dynamics=Garch(volatility=0.24), dividend=PAYS * (number % 2))
        for number in range(size.names)
    )
    generate_market(place, MarketTruth(seed=1, start=START, end=size.end, names=names))
    return place


def settings_of(size: Size) -> Settings:
    """The settings of a run; all others are the usual ones."""
    names = ",".join(f"N{number:03}" for number in range(size.names))
    return Settings.of(
        {"underlyings": names, "start": START, "end": size.end, "max_contracts_each": size.contracts, "interest": False}
    )


def embedded(data: Path, size: Size, warm: tuple[Path, Size]) -> Cost:
    """The cost of a run in the embedded engine, after a small one."""
    run_backtest(settings_of(warm[1]), warm[0], tempfile.mkdtemp(prefix="alo-benchmark-"))
    folder, settings = Path(tempfile.mkdtemp(prefix="alo-benchmark-")), settings_of(size)
    before, wall, processor = _most_memory(resource.RUSAGE_SELF), time.perf_counter(), time.process_time()
    run_backtest(settings, data, folder)
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    return _cost(folder, processor, wall, _most_memory(resource.RUSAGE_SELF) - before)


def native(data: Path, size: Size) -> Cost:
    """The cost of the whole process of a native LEAN, with what it takes to start; beside, of its memory all."""
    folder, settings = Path(tempfile.mkdtemp(prefix="alo-benchmark-")), settings_of(size)
    findings, engine, wall = require_data(settings, data), NativeEngine.find(), time.perf_counter()
    engine.run(settings, data, findings, folder, lambda date, share: None)
    wall, used = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    return _cost(folder, used.ru_utime + used.ru_stime, wall, _most_memory(resource.RUSAGE_CHILDREN))


def _cost(folder: Path, processor: float, wall: float, memory: float) -> Cost:
    journal = read_journal(folder / JOURNAL_FOLDER)
    equities = {
        int(row["instrument"])
        for message in journal.messages
        if message.kind is Kind.INSTRUMENT
        for row in message.records
        if row["instrument"] == row["underlying"]
    }
    rows = 0
    for message in journal.messages:
        if message.kind is Kind.QUOTE:
            rows += len(message.records) - sum(each in equities for each in message.records["instrument"].tolist())
    size = sum(file.stat().st_size for file in (folder / JOURNAL_FOLDER).iterdir())
    return Cost(rows, processor, wall, memory, size, tuple(orders_of(journal.messages)))


def _most_memory(of: int) -> float:
    """Bytes."""
    return resource.getrusage(of).ru_maxrss * 1024.0


def _alone(run: Any, *arguments: Any) -> Cost:
    """A run in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found: Cost = pool.submit(run, *arguments).result()
    return found


def measure(quick: bool) -> Iterator[Row]:
    """Rows of what grows, each size once."""
    peer = not quick and _has_lean()
    with tempfile.TemporaryDirectory(prefix="alo-scale-") as name:
        folder = Path(name)
        small = Size(1, 1 / 7)
        warm = market(folder, small), small
        for what, sizes in (QUICK if quick else FULL).items():
            yield from _growing(what, sizes, folder, warm, peer)


def _growing(what: str, sizes: Sequence[Size], folder: Path, warm: tuple[Path, Size], peer: bool) -> Iterator[Row]:
    found: list[Cost] = []
    for size in sizes:
        data = market(folder, size)
        ours = _alone(embedded, data, size, warm)
        leans = _alone(native, data, size) if peer else None
        found.append(ours)
        if leans is not None:
            same = ours.orders == leans.orders
            yield Row(f"{size.words}: orders that differ from LEAN's", float(not same), "", None, "0", same)
        yield Row(f"{size.words}: option rows", float(ours.rows), "", None if leans is None else float(leans.rows))
        told = (
            ("rows a second", ours.rows / ours.wall, "1/s", None if leans is None else leans.rows / leans.wall),
            ("processor time a row", ours.each, "us", None if leans is None else leans.each),
            ("memory", ours.memory / MEGABYTE, "MB", None if leans is None else leans.memory / MEGABYTE),
            ("journal a row", ours.journal / ours.rows, "bytes", None if leans is None else leans.journal / leans.rows),
        )
        for figure, value, unit, other in told:
            yield Row(f"{size.words}: {figure}", value, unit, other)
    first, last = found[0], found[-1]
    if what == "days":
        yield Row("processor time a row over the most days", last.each, "us", None, f"<= {COST:g}", last.each <= COST)
        # A day's market, its calibrations and its results are held; more days should not add to them.
        flat = last.memory <= FLAT * max(found[-2].memory, 1.0)
        yield Row(
            "memory of the most days over that of fewer",
            last.memory / max(found[-2].memory, 1.0),
            "",
            None,
            f"<= {FLAT:g}",
            flat,
        )
    if what != "contracts":  # with few contracts a frame has little to share its cost among
        ratio = last.each / first.each
        yield Row(f"processor time a row, most {what} over fewest", ratio, "", None, f"<= {LINEAR:g}", ratio <= LINEAR)


def _has_lean() -> bool:
    try:
        NativeEngine.find()
    except EngineError as error:
        print(f"no peer: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    options = options_of(__doc__).parse_args()
    sys.exit(report(measure(options.quick), as_json=options.json))
