"""Made-up markets with and without an edge, and what ways to trade them earn: the runs of ``benchmarks.strategy``."""

import datetime as dt
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import DataFindings, Resolution
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.market.generator.dynamics import Garch
from alo_lib.market.generator.market import RATE
from alo_lib.market.generator.planted import Planted
from alo_lib.market.generator.truth import EDGES, Edge, NameTruth
from alo_lib.records import Records
from alo_lib.settings import Settings
from alo_lib.simulation import require_data, run_backtest
from alo_lib.strategy.choice import CHOICES
from alo_lib.strategy.entries import proposed_trades
from alo_lib.strategy.quoted_smiles import quoted_smiles
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.trade import Trade
from alo_lib.views import Run
from alo_lib.views.attribution import attribution_by_trade
from alo_lib.views.performance import performance, session_returns
from benchmarks.strategy_files import read_once
from benchmarks.strategy_kept import Kept, Outcome
from benchmarks.strategy_truth import Worths, split_by_truth

__all__ = ["NO_EDGE", "PLANTED", "Task", "Way", "outcomes", "run_all"]

Array = NDArray[np.float64]

NO_EDGE: Final = "no edge"
PLANTED: Final[dict[str, dict[str, Edge]]] = {
    NO_EDGE: {},
    "two points": {"edge": Edge(mean=0.02)},
    # The strategy takes a skew that stays for the fair one: what can be earned is one that comes and goes.
    "skew": {"skew_edge": Edge(deviation=0.02, half_life=10.0)},
    "term": {"term_edge": Edge(mean=0.02)},
}
"""What is planted in implied volatility, by name of the market."""

_START: Final = dt.date(2024, 1, 2)
_TICKER: Final = "ALFA"
_HALF: Final = 0.5
_QUOTE_MINUTES: Final = 30
"""So that the bar of an hour ends with a quote of its end: sessions begin half an hour before the clock's hour."""
_HISTORY_DAYS: Final = 1260
"""What `garch-history` asks for."""
_MEMORY: Final = Path("/dev/shm")
"""Where files need no disk."""


@dataclass(frozen=True)
class Way:
    """A way to trade: settings, and what stands in the place of the strategy's own judgement, if anything does."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    judged_by: Literal["forecast", "truth", "rank"] = "forecast"
    """The forecast; the fair volatility at the money; or whether implied volatility is high among its days so far."""


class Task(NamedTuple):
    """A market to be made, and the ways to trade it."""

    seed: int
    market: str
    end: dt.date
    ways: tuple[Way, ...]

    def made_from(self, way: Way) -> dict[str, Any]:
        """All that an outcome depends on beside the seed and the program, which has the defaults; for JSON."""
        truth = _truth(0, self.market, self.end).model_dump(mode="json", exclude_defaults=True)
        settings = _settings(way, self.end).model_dump(mode="json", exclude_defaults=True)
        return {"truth": truth, "settings": settings, "judge": way.judged_by}


def run_all(tasks_: Sequence[Task], kept: Kept, processes: int) -> None:
    """Trade what is not kept yet, in the order given; each outcome is kept as soon as it is there.

    The stock's path depends on the seed alone, so that a way's outcomes in two markets differ by what is planted.
    """
    left = [task for each in tasks_ if (task := _left(each, kept)).ways]
    if processes == 1:
        for task in left:
            _market(task, kept)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(_market, task, kept) for task in left]:
            done.result()


def _left(task: Task, kept: Kept) -> Task:
    missing = [way for way in task.ways if kept.find(task.market, way.name, task.made_from(way), task.seed) is None]
    return task._replace(ways=tuple(missing))


def outcomes(tasks_: Sequence[Task], kept: Kept) -> dict[tuple[str, str], dict[int, Outcome]]:
    """By market and way what is kept of each seed."""
    found: dict[tuple[str, str], dict[int, Outcome]] = {}
    for task in tasks_:
        for way in task.ways:
            outcome = kept.find(task.market, way.name, task.made_from(way), task.seed)
            if outcome is not None:
                found.setdefault((task.market, way.name), {})[task.seed] = outcome
    return found


def _market(task: Task, kept: Kept) -> None:
    """Make a market and trade it in each way. Nothing of it is written to a disk."""
    place = str(_MEMORY) if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="alo-strategy-", dir=place) as folder:
        data, worths = Path(folder) / "data", Worths()
        truth = _truth(task.seed, task.market, task.end)
        generate_market(data, truth, resolutions=(Resolution.HOUR,), watch=worths)
        with read_once():
            findings = require_data(_settings(Way(""), task.end), data)
            for way in task.ways:
                with tempfile.TemporaryDirectory(dir=folder) as run:
                    outcome = _traded(way, task, _Made(data, findings, worths), Path(run))
                kept.keep(task.market, way.name, task.made_from(way), task.seed, outcome)


class _Made(NamedTuple):
    """A market that was made."""

    data: Path
    findings: DataFindings
    worths: Worths


def _truth(seed: int, market: str, end: dt.date) -> MarketTruth:
    name = NameTruth(ticker=_TICKER, dynamics=Garch(volatility=0.24), **PLANTED[market])
    dated = {"start": _START, "end": end, "history_days": _HISTORY_DAYS}
    return MarketTruth(seed=seed, quote_minutes=_QUOTE_MINUTES, names=(name,), **dated)


def _settings(way: Way, end: dt.date) -> Settings:
    span = {"underlyings": _TICKER, "start": _START, "end": end, "resolution": "hour", "interest": False}
    return Settings.of(span, dict(way.settings))


def _traded(way: Way, task: Task, made: _Made, folder: Path) -> Outcome:
    began = time.process_time()
    with _judged(way, task.market):
        settings = _settings(way, task.end)
        run = Run(run_backtest(settings, made.data, folder, findings=made.findings, shown=False).folder)
    parts: dict[str, float] = {}
    trades = attribution_by_trade(run)
    for each in trades.values():
        for part, money in each.items():
            parts[part] = parts.get(part, 0.0) + money
    profit = performance(run).net_profit
    return Outcome(
        profit=profit,
        trades=sum(number > 0 for _, number in trades),
        **split_by_truth(run, made.worths)._asdict(),
        parts=parts,
        returns=tuple(session_returns(run).returns.tolist()),
        seconds=time.process_time() - began,
    )


def _points(market: str, years: Array) -> Array:
    """What is planted at the money for lives (n,), as volatility; NaN where it wanders."""
    planted = PLANTED[market]
    if any(edge.deviation for edge in planted.values()):
        return np.full(len(years), np.nan)
    name = NameTruth(ticker=_TICKER, **planted)
    points = Planted(name, list(np.random.SeedSequence(0).spawn(len(EDGES)))).now()
    flat = np.zeros((1, len(years)))
    return np.asarray(points.planted_in(flat + 1.0, flat, flat + 1.0, years[None, :])[0] - 1.0)


@contextmanager
def _judged(way: Way, market: str) -> Iterator[None]:
    """Put what a way judges by in the strategy's place for a while; the rest of it stays as it is."""
    with ExitStack() as stack:
        if way.judged_by == "truth":
            stack.enter_context(patch.object(Underlying, "count_down", _true_forecast(market)))
        elif way.judged_by == "rank":
            stack.enter_context(patch.dict(CHOICES, in_turn=_by_rank))
        yield


def _true_forecast(market: str) -> Callable[[Underlying, int], None]:
    """In place of the forecast: what is quoted at the money, less what is planted there."""
    counted = Underlying.count_down

    def count_down(self: Underlying, time: int) -> None:
        counted(self, time)
        if not self.book.spot > 0.0:
            return
        quoted = quoted_smiles(self.book, Settings(), RATE, time)
        points = dict(zip(quoted.expiry.tolist(), _points(market, quoted.years).tolist(), strict=True))
        for expiry, shape in quoted.shapes().items():
            self.forecast[expiry] = shape.at_the_money - points[expiry]

    return count_down


def _by_rank(state: StrategyState, settings: Settings, signals: Records, time: int) -> list[Trade]:
    """In place of all that offer an edge: what is sold while implied volatility ranks high, what is bought while low.

    Its rank is that among the sessions so far, a year's at most.
    """
    rank = {number: each.market_history.standing()[0] for number, each in state.underlyings.items()}
    ranks = np.array([rank[number] for number in signals["underlying"].tolist()], np.float64)
    side = np.where(ranks > _HALF, -1, +1)
    return proposed_trades(state, settings, signals[np.isfinite(ranks) & (signals["direction"] == side)], time)
