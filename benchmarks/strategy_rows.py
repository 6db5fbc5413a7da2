"""What the outcomes of the benchmark of the strategy say: its rows, and the table of docs/proof.md."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kurtosis, skew

from alo_lib.sweep.overfitting import deflated_sharpe, expected_best
from benchmarks.harness import Row
from benchmarks.strategy_figures import Estimate, mean_of
from benchmarks.strategy_kept import Outcome
from benchmarks.strategy_markets import NO_EDGE
from benchmarks.strategy_ways import LEVEL, OWN_EDGE, STRATEGIES

__all__ = ["Found", "rows_of", "table_of"]

Array = NDArray[np.float64]
Found = Mapping[tuple[str, str], Mapping[int, Outcome]]
"""By market and way the outcome of each seed."""

_OPTION_PARTS: Final = ("gamma", "theta", "vega")
_TITLES: Final = (
    "market",
    "way",
    "seeds",
    "profit, financed",
    "luck",
    "edge",
    "costs",
    "edge less costs",
)


def rows_of(found: Found) -> list[Row]:
    """All rows of a report; ways with a single seed have no interval, and are left out."""
    rows: list[Row] = []
    for market, way in found:
        if len(found[market, way]) > 1:
            rows += _market_rows(found, market, way)
    return [*rows, *_luck_rows(found), *_sharpe_rows(found)]


def table_of(found: Found) -> str:
    """Markdown: a line a market and way, means of a run in money with their 95 % intervals; ways are straddles'."""
    lines = [_line(_TITLES), _line(["---"] * len(_TITLES))]
    for (market, way), outcomes in found.items():
        made = list(outcomes.values())
        if len(made) < 2:
            continue
        cells = [market, way.removeprefix("straddle").lstrip(", ").replace(" settings", ""), f"{len(made)}"]
        cells.append(_interval(mean_of([each.financed for each in made])))
        cells += [f"{_mean(made, name):z,.0f}" for name in ("luck", "edge", "costs")]
        lines.append(_line([*cells, _interval(mean_of([each.without_luck for each in made]))]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _interval(estimate: Estimate) -> str:
    return f"{estimate.mean:z,.0f} ({estimate.low:z,.0f} to {estimate.high:z,.0f})"


def _estimated(what: str, values: Array, goal: str = "") -> Iterator[Row]:
    """A mean and its interval; the goal is held against it: above zero, not above zero, or zero within it."""
    mean, low, high = mean_of(values)
    holds = {"": None, "> 0": low > 0.0, "<= 0": low <= 0.0, "0 within": low <= 0.0 <= high}[goal]
    yield Row(what, mean, "$ a run")
    yield Row(f"{what}, from", low, "$ a run", None, goal, holds)
    yield Row(f"{what}, to", high, "$ a run")


def _market_rows(found: Found, market: str, way: str) -> Iterator[Row]:
    """What one way made of one market, and beside it of the fair one on the same paths."""
    made, what = list(found[market, way].values()), f"{market}, {way}"
    judged = market == NO_EDGE or way in OWN_EDGE or way in STRATEGIES
    goal = "" if not judged else "> 0" if OWN_EDGE.get(way, LEVEL) == market else "<= 0"
    yield Row(f"{what}: seeds", len(made), "")
    yield Row(f"{what}: trades", _mean(made, "trades"), "a run")
    yield Row(f"{what}: costs", _mean(made, "costs"), "$ a run")
    yield Row(f"{what}: carry, for which an account pays", _mean(made, "carry"), "$ a run")
    financed = np.array([each.financed for each in made])
    sure = np.array([each.without_luck for each in made])
    yield from _estimated(f"{what}: net profit, financed", financed, goal if market == NO_EDGE else "")
    yield from _estimated(f"{what}: the same without luck", sure, goal)
    if market == NO_EDGE:
        return
    yield from _estimated(f"{what}: edge taken", np.array([each.edge for each in made]))
    yield from _estimated(f"{what}: gamma, theta and vega without luck", _of_options(made), goal)
    yield from _estimated(
        f"{what}: delta, of the attribution", np.array([each.parts.get("delta", 0.0) for each in made])
    )
    fair = found.get((NO_EDGE, way), {})
    pairs = [(one, fair[seed]) for seed, one in found[market, way].items() if seed in fair]
    if len(pairs) > 1:
        more = np.array([one.financed - other.financed for one, other in pairs])
        yield from _estimated(f"{what}: net profit more than without", more)
        more = np.array([one.without_luck - other.without_luck for one, other in pairs])
        yield from _estimated(f"{what}: more than without, without luck", more, goal if goal == "> 0" else "")


def _mean(made: Sequence[Outcome], name: str) -> float:
    return float(np.mean([getattr(each, name) for each in made]))


def _of_options(made: Sequence[Outcome]) -> Array:
    """What the attribution puts under gamma, theta and vega, less luck and carry, of which delta has its own part.

    What delta that was left unhedged made is luck too, so what it made is no part of the luck of these.
    """
    return np.array(
        [
            sum(each.parts.get(part, 0.0) for part in _OPTION_PARTS)
            - (each.luck + each.carry - each.parts.get("delta", 0.0))
            for each in made
        ]
    )


def _luck_rows(found: Found) -> Iterator[Row]:
    """Whether luck has the mean zero that theory gives it, over all ways; and how much surer a mean is without it.

    Ways and markets of one seed share a path: their mean is one value.
    """
    by_seed: dict[int, list[Outcome]] = {}
    for outcomes in found.values():
        for seed, each in outcomes.items():
            by_seed.setdefault(seed, []).append(each)
    if len(by_seed) < 2:
        return
    of_seeds = np.array([_mean(made, "luck") for _, made in sorted(by_seed.items())])
    yield from _estimated("luck, all ways and markets of a seed", of_seeds, "0 within")
    for (market, way), outcomes in found.items():
        made = list(outcomes.values())
        if len(made) > 1:
            what = f"{market}, {way}"
            yield from _estimated(f"{what}: luck", np.array([each.luck for each in made]))
            with_luck = float(np.var([each.financed for each in made]))
            share = float(np.var([each.without_luck for each in made])) / with_luck if with_luck else 0.0
            yield Row(f"{what}: variance that is left without luck", share, "")


def _sharpe_rows(found: Found) -> Iterator[Row]:
    """The Sharpe ratio of each way on the market with two points, and whether it is one, for all that was tried."""
    of_level = {way: made.values() for (market, way), made in found.items() if market == LEVEL}
    returns = {way: np.concatenate([one.returns for one in made]) for way, made in of_level.items()}
    ratios = {way: float(np.mean(r) / np.std(r, ddof=1)) for way, r in returns.items() if np.ptp(r) > 0.0}
    hurdle = expected_best(list(ratios.values()))
    for way, ratio in ratios.items():
        own = returns[way]
        sure = deflated_sharpe(ratio, hurdle, len(own), float(skew(own)), float(kurtosis(own, fisher=False)))
        yield Row(f"{LEVEL}, {way}: Sharpe ratio of sessions", ratio, "")
        yield Row(f"{LEVEL}, {way}: probability that it is one, deflated for {len(ratios)} tried", sure, "")
