"""What a row costs: a backtest over growing names, days, contracts and quotes, with a real LEAN running the same core.

Markets are generated: chains quoted every five minutes or more often, with dividends and without. The core decides each
minute of them, so that rows of a chain that is quoted more often share its frames. A row is an option quote of the
data; those that a run's settings select are told to the core. Each run is a process of its own, in which everything is
compiled and loaded before: processor time and memory are those of the run alone, and times are stated for the common
processor (:mod:`benchmarks.common`). A row's cost should stay the same, and memory, whatever there is of days.
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

import numpy as np

from alo_lib.cli.engines.native import NativeEngine
from alo_lib.cli.failures import EngineError
from alo_lib.journal import JOURNAL_FOLDER, messages_of, orders_of, read_journal
from alo_lib.market.generator import MarketTruth, NameTruth, generate_market
from alo_lib.market.generator.dynamics import Garch
from alo_lib.records import Kind
from alo_lib.settings import Settings
from alo_lib.simulation import require_data, run_backtest
from benchmarks.common import COMMON_PRICE, to_common
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
    minutes: int = 5
    """From a quote of each contract to its next."""

    @property
    def end(self) -> dt.date:
        """The last day."""
        return START + self.weeks * WEEK - dt.timedelta(1)

    @property
    def words(self) -> str:
        """As a row says it."""
        each = f", {self.contracts:,} contracts each" if self.contracts < Size._field_defaults["contracts"] else ""
        often = "" if self.minutes == Size._field_defaults["minutes"] else f", quoted every {self.minutes} min"
        return f"{self.names} names, {self.weeks:g} weeks{each}{often}"


FULL: Final[dict[str, Sequence[Size]]] = {
    "names": [Size(1, 1), Size(2, 1), Size(4, 1)],
    "days": [Size(1, 1), Size(1, 4), Size(1, 13)],
    "contracts": [Size(1, 1, 100), Size(1, 1, 400), Size(1, 1)],
    "quotes": [Size(1, 1), Size(1, 1, minutes=2), Size(1, 1, minutes=1)],
}
QUICK: Final[dict[str, Sequence[Size]]] = {
    "days": [Size(1, 1 / 7), Size(1, 2 / 7)],
    "quotes": [Size(1, 1 / 7), Size(1, 1 / 7, minutes=1)],
}
"""What grows, smallest first."""


@dataclass(frozen=True)
class Cost:
    """Of one run."""

    rows: int  # of the data
    told: int  # of them, to the core
    processor: float  # seconds of the common one
    wall: float  # seconds
    memory: float  # bytes beyond those of the process before
    journal: int  # bytes
    orders: tuple[Any, ...]

    @property
    def each(self) -> float:
        """Microseconds of processor time a row."""
        return 1e6 * self.processor / self.rows


class Market(NamedTuple):
    """Generated data."""

    data: Path
    size: Size
    rows: int


def market(folder: Path, size: Size) -> Market:
    """A market of that size."""
    place = folder / f"{size.names}-{size.end}-{size.contracts}-{size.minutes}"
    names = tuple(
        NameTruth(ticker=f"N{number:03}", dynamics=Garch(volatility=0.24), dividend=PAYS * (number % 2))
        for number in range(size.names)
    )
    truth = MarketTruth(seed=1, start=START, end=size.end, names=names, quote_minutes=size.minutes)
    return Market(place, size, generate_market(place, truth).quotes)


def settings_of(size: Size) -> Settings:
    """The settings of a run; all others are the usual ones."""
    names = ",".join(f"N{number:03}" for number in range(size.names))
    return Settings.of(
        {"underlyings": names, "start": START, "end": size.end, "max_contracts_each": size.contracts, "interest": False}
    )


def embedded(made: Market, warm: Market) -> Cost:
    """The cost of a run in the embedded engine, after a small one."""
    run_backtest(settings_of(warm.size), warm.data, tempfile.mkdtemp(prefix="alo-benchmark-"))
    folder, settings = Path(tempfile.mkdtemp(prefix="alo-benchmark-")), settings_of(made.size)
    unit, _ = to_common()
    before, wall, processor = _most_memory(resource.RUSAGE_SELF), time.perf_counter(), time.process_time()
    run_backtest(settings, made.data, folder)
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    processor *= COMMON_PRICE / (0.5 * (unit + to_common()[0]))
    return _cost(folder, made.rows, processor, wall, _most_memory(resource.RUSAGE_SELF) - before)


def native(made: Market) -> Cost:
    """The cost of the whole process of a native LEAN, with what it takes to start, and all of its memory."""
    folder, settings = Path(tempfile.mkdtemp(prefix="alo-benchmark-")), settings_of(made.size)
    findings, engine, wall = require_data(settings, made.data), NativeEngine.find(), time.perf_counter()
    engine.run(settings, made.data, findings, folder, lambda date, share: None)
    wall, used = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    _, scale = to_common()
    return _cost(
        folder, made.rows, (used.ru_utime + used.ru_stime) * scale, wall, _most_memory(resource.RUSAGE_CHILDREN)
    )


def _cost(folder: Path, rows: int, processor: float, wall: float, memory: float) -> Cost:
    journal = read_journal(folder / JOURNAL_FOLDER)
    listed = np.concatenate([message.records for _, message in messages_of(journal.messages, Kind.INSTRUMENT)])
    shares = listed["instrument"][listed["instrument"] == listed["underlying"]]
    quoted = (message.records["instrument"] for _, message in messages_of(journal.messages, Kind.QUOTE))
    told = sum(int(np.count_nonzero(~np.isin(each, shares))) for each in quoted)
    size = sum(file.stat().st_size for file in (folder / JOURNAL_FOLDER).iterdir())
    return Cost(rows, told, processor, wall, memory, size, tuple(orders_of(journal.messages)))


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
        warm = market(folder, Size(1, 1 / 7))
        for what, sizes in (QUICK if quick else FULL).items():
            yield from _growing(what, sizes, folder, warm, peer)


def figures(cost: Cost) -> Iterator[tuple[tuple[str, str], float]]:
    """Name and unit, and value."""
    yield ("option rows", ""), float(cost.rows)
    yield ("of them told to the core", ""), float(cost.told)
    yield ("rows a second", "1/s"), cost.rows / cost.wall
    yield ("processor time a row", "us"), cost.each
    yield ("memory", "MB"), cost.memory / MEGABYTE
    yield ("journal a row", "bytes"), cost.journal / cost.rows


def _growing(what: str, sizes: Sequence[Size], folder: Path, warm: Market, peer: bool) -> Iterator[Row]:
    found: list[Cost] = []
    for size in sizes:
        made = market(folder, size)
        ours = _alone(embedded, made, warm)
        leans = _alone(native, made) if peer else None
        found.append(ours)
        if leans is not None:
            same = ours.orders == leans.orders
            yield Row(f"{size.words}: orders that differ from LEAN's", float(not same), "", None, "0", same)
        theirs = dict(figures(leans)) if leans is not None else {}
        for (figure, unit), value in figures(ours):
            yield Row(f"{size.words}: {figure}", value, unit, theirs.get((figure, unit)))
    first, last = found[0], found[-1]
    if what in ("days", "quotes"):
        yield Row(f"processor time a row, most {what}", last.each, "us", None, f"<= {COST:g}", last.each <= COST)
    if what == "days" and sizes[-1].weeks > 1:
        # A day's market, its calibrations and the results are held: more days should add next to nothing.
        growth = last.memory / max(found[-2].memory, 1.0)
        yield Row("memory, most days over fewer", growth, "", None, f"<= {FLAT:g}", growth <= FLAT)
    if what in ("names", "days"):  # with few contracts or quotes a frame has little to share its cost among
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
