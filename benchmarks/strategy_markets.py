"""Made-up markets with and without an edge, and what ways to trade them earn: the runs of ``benchmarks.strategy``."""

import datetime as dt
import tempfile
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

from alo_lib.core import tasks
from alo_lib.market import DataFindings
from alo_lib.market.generator import MarketTruth, generate_market
from alo_lib.market.generator.dynamics import Garch
from alo_lib.market.generator.market import RATE
from alo_lib.market.generator.planted import Planted
from alo_lib.market.generator.truth import EDGES, Edge, NameTruth
from alo_lib.records import DAY, DAYS_A_YEAR, Kind, Records
from alo_lib.settings import Settings
from alo_lib.simulation import require_data, run_backtest
from alo_lib.strategy.entries import proposed_trades
from alo_lib.strategy.quoted_smiles import quoted_smiles
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.trade import Trade
from alo_lib.views import Run
from alo_lib.views.attribution import attribution_by_trade
from alo_lib.views.performance import performance, session_returns

__all__ = ["NO_EDGE", "PLANTED", "Outcome", "Way", "outcomes"]

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


@dataclass(frozen=True)
class Way:
    """A way to trade: settings, and what stands in the place of the strategy's own judgement, if anything does."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    judged_by: Literal["forecast", "truth", "rank"] = "forecast"
    """The forecast; the fair volatility at the money; or whether implied volatility is high among its days so far."""


class Outcome(NamedTuple):
    """What one way earned in one market, money."""

    profit: float
    trades: int
    edge: float
    """What of the planted edge it took, as the truth has it: what remains of the profit, less costs, is luck."""
    parts: dict[str, float]
    returns: tuple[float, ...]
    """Of each session."""


Task = tuple[int, str, dt.date, tuple[Way, ...]]


def outcomes(
    seeds: Sequence[int], ways: Mapping[str, Sequence[Way]], end: dt.date, processes: int
) -> dict[tuple[str, str], list[Outcome]]:
    """By market and way the outcome of each seed; ``ways`` are those to be run in each market.

    The stock's path depends on the seed alone, so that a way's outcomes in two markets differ by what is planted.
    """
    jobs: list[Task] = [(seed, market, end, tuple(each)) for seed in seeds for market, each in ways.items()]
    found: dict[tuple[str, str], list[Outcome]] = {}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for (_, market, _, run), made in zip(jobs, pool.map(_market, jobs), strict=True):
            for way, outcome in zip(run, made, strict=True):
                found.setdefault((market, way.name), []).append(outcome)
    return found


def _market(job: Task) -> list[Outcome]:
    """Make a market and trade it in each way."""
    seed, market, end, ways = job
    with tempfile.TemporaryDirectory(prefix="alo-strategy-") as folder:
        data = Path(folder) / "data"
        name = NameTruth(ticker=_TICKER, dynamics=Garch(volatility=0.24), **PLANTED[market])
        generate_market(data, MarketTruth(seed=seed, start=_START, end=end, quote_minutes=60, names=(name,)))
        findings = require_data(_settings(Way(""), end), data)
        return [_traded(way, market, data, findings, Path(tempfile.mkdtemp(dir=folder)), end) for way in ways]


def _settings(way: Way, end: dt.date) -> Settings:
    span = {"underlyings": _TICKER, "start": _START, "end": end, "resolution": "hour", "interest": False}
    return Settings.of(span, dict(way.settings))


def _traded(way: Way, market: str, data: Path, findings: DataFindings, folder: Path, end: dt.date) -> Outcome:
    with _judged(way, market):
        run = Run(run_backtest(_settings(way, end), data, folder, findings=findings).folder)
    parts: dict[str, float] = {}
    trades = attribution_by_trade(run)
    for each in trades.values():
        for part, money in each.items():
            parts[part] = parts.get(part, 0.0) + money
    made = performance(run)
    opened = sum(number > 0 for _, number in trades)
    returns = tuple(session_returns(run).returns.tolist())
    return Outcome(made.net_profit, opened, _edge_taken(run, market), parts, returns)


def _points(market: str, years: Array) -> Array:
    """What is planted at the money for lives (n,), as volatility; NaN where it wanders."""
    planted = PLANTED[market]
    if any(edge.deviation for edge in planted.values()):
        return np.full(len(years), np.nan)
    name = NameTruth(ticker=_TICKER, **planted)
    points = Planted(name, list(np.random.SeedSequence(0).spawn(len(EDGES)))).now()
    flat = np.zeros((1, len(years)))
    return np.asarray(points.planted_in(flat + 1.0, flat, flat + 1.0, years[None, :])[0] - 1.0)


def _edge_taken(run: Run, market: str) -> float:
    """What options that were held lost of the amount by which they were dear, times how many were short, money.

    Hedged, what is priced at its fair value earns nothing on average. What is dear by some points of volatility is by
    its vega times those; so its holder loses on average what it is less dear at each step, all of it by expiry.
    """
    times, rows = run.table(Kind.POSITION)
    last, taken = run.journal.messages[-1].time, 0.0
    for number in np.unique(rows["instrument"]).tolist():
        contract, at = run.instruments[number], rows["instrument"] == number
        if contract.is_option:
            years = np.maximum(contract.expiry - times[at], 0) / (DAYS_A_YEAR * DAY)
            dear = rows["vega"][at] * _points(market, years)
            after = np.append(dear[1:], 0.0 if contract.expiry <= last else dear[-1])
            taken += contract.multiplier * float(rows["quantity"][at] @ (dear - after)) * -1.0
    return taken


@contextmanager
def _judged(way: Way, market: str) -> Iterator[None]:
    """Put what a way judges by in the strategy's place for a while; the rest of it stays as it is."""
    with ExitStack() as stack:
        if way.judged_by == "truth":
            stack.enter_context(patch.object(Underlying, "count_down", _true_forecast(market)))
        elif way.judged_by == "rank":
            stack.enter_context(patch.object(tasks, "proposed_trades", _by_rank))
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
