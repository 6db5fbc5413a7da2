"""Whether the strategy earns an edge that is there, and none that is not: `python -m benchmarks.strategy`.

Markets of one name are made for each seed: fair ones, and on the same path of the stock ones with two points of
implied volatility too many, with a skew that comes and goes, and with a term structure too steep. The embedded engine
trades hourly bars of them, without interest, by the default settings, by those proposed, with each structure, with the
truth in the place of the forecast, and by simple rules: always short or always long a straddle, and by the rank of
implied volatility; not to trade earns zero. Net profit is split besides into what the truth says of the edge that was
taken, costs, and luck. Means have 95 % intervals by the bootstrap over seeds.
"""

import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kurtosis, skew

from benchmarks.harness import Row, options_of, report
from benchmarks.strategy_figures import deflated_sharpe, expected_best, mean_of
from benchmarks.strategy_markets import NO_EDGE, PLANTED, Outcome, Way, outcomes

__all__ = ["OWN_EDGE", "PROPOSED", "main"]

Array = NDArray[np.float64]

PROPOSED: Final[dict[str, Any]] = {
    "intraday_forecast": True,
    "entry_edge": 0.0,
    "exit_edge": -1.0,
    "stop_loss": 10.0,
    "max_holding_days": 365.0,
    "min_days_to_expiry": 20,
    "max_days_to_expiry": 45,
    "exit_days_to_expiry": 1.0,
}
"""Forecasts that know of today's move, and trades of a month that are held until it has been earned."""

_ALWAYS: Final = PROPOSED | {"entry_edge": -1.0}
_SKEWED: Final = {"fair_smile": "market", "skew_reversion": 1.0}

LEVEL, SKEW, TERM = (name for name in PLANTED if name != NO_EDGE)
OWN_EDGE: Final = {
    "straddle": LEVEL,
    "strangle": LEVEL,
    "iron-butterfly": LEVEL,
    "iron-condor": LEVEL,
    "single": LEVEL,
    "vertical": SKEW,
    "risk-reversal": SKEW,
    "calendar": TERM,
    "diagonal": TERM,
}
"""The market that each structure is for."""

DEFAULT: Final = Way("straddle, default settings")
TUNED: Final = Way("straddle, proposed settings", PROPOSED)
TRUTH: Final = Way("straddle, proposed settings, true forecast", PROPOSED, "truth")
RIVALS: Final = (
    Way("always short a straddle", _ALWAYS | {"direction": "short"}),
    Way("always long a straddle", _ALWAYS | {"direction": "long"}),
    Way("straddle by the rank of implied volatility", _ALWAYS, "rank"),
)
_FULL_SEEDS, _QUICK_SEEDS = 40, 2
_FULL_END, _QUICK_END = dt.date(2024, 3, 28), dt.date(2024, 1, 31)
_WITHOUT_OPTIONS: Final = ("spread", "slippage", "fees")
_OPTION_PARTS: Final = ("gamma", "theta", "vega")

Found = dict[tuple[str, str], list[Outcome]]


def ways_of(*, structures: bool) -> dict[str, list[Way]]:
    """What is run in each market."""
    level = [DEFAULT, TUNED, *RIVALS]
    ways = {NO_EDGE: level, LEVEL: [*level, TRUTH]}
    if structures:
        each = [structure_way(name) for name in OWN_EDGE if name != "straddle"]
        ways = {market: [*ways.get(market, [TUNED]), *each] for market in PLANTED}
    return ways


def structure_way(name: str) -> Way:
    """One structure alone, by the proposed settings; those of the skew look at the market's smile."""
    if name == "straddle":
        return TUNED
    later = {"max_days_to_expiry": 90} if OWN_EDGE[name] == TERM else {}
    return Way(name, PROPOSED | {"structures": name} | later | (_SKEWED if OWN_EDGE[name] == SKEW else {}))


def _profits(found: Sequence[Outcome]) -> Array:
    return np.array([each.profit for each in found])


def _estimated(what: str, values: Array, goal: str = "") -> Iterator[Row]:
    """A mean and its interval; the goal is held against the lower end."""
    mean, low, high = mean_of(values)
    holds = {"": None, "> 0": low > 0.0, "<= 0": low <= 0.0}[goal]
    yield Row(what, mean, "$ a run")
    yield Row(f"{what}, from", low, "$ a run", None, goal, holds)
    yield Row(f"{what}, to", high, "$ a run")


def _market_rows(found: Found, market: str, way: str) -> Iterator[Row]:
    """What one way made of one market, and beside it of the fair one on the same paths."""
    made, what = found[market, way], f"{market}, {way}"
    own = OWN_EDGE.get(way, LEVEL) == market
    judged = market == NO_EDGE or way in OWN_EDGE or way in (DEFAULT.name, TUNED.name, TRUTH.name)
    goal = "" if not judged else "> 0" if own else "<= 0"
    yield from _estimated(f"{what}: net profit", _profits(made), goal)
    yield Row(f"{what}: trades", float(np.mean([each.trades for each in made])), "a run")
    edges = np.array([each.edge for each in made])
    costs = np.array([sum(each.parts.get(part, 0.0) for part in _WITHOUT_OPTIONS) for each in made])
    yield Row(f"{what}: costs", float(costs.mean()), "$ a run")
    if np.isfinite(edges).all():
        if market != NO_EDGE:
            yield from _estimated(f"{what}: edge taken, by the truth", edges)
            yield from _estimated(f"{what}: edge taken less costs", edges + costs)
        yield from _estimated(f"{what}: luck", _profits(made) - edges - costs)
    if market != NO_EDGE and (NO_EDGE, way) in found:
        fair = found[NO_EDGE, way]
        yield from _estimated(f"{what}: more than without", _profits(made) - _profits(fair))
        more = [
            sum(one.parts.get(part, 0.0) - other.parts.get(part, 0.0) for part in _OPTION_PARTS)
            for one, other in zip(made, fair, strict=True)
        ]
        yield from _estimated(f"{what}: of it gamma, theta and vega", np.array(more))


def _sharpe_rows(found: Found) -> Iterator[Row]:
    """The Sharpe ratio of each way on the market with two points, and whether it is one, for all that was tried."""
    returns = {way: np.concatenate([one.returns for one in made]) for (m, way), made in found.items() if m == LEVEL}
    ratios = {way: float(np.mean(r) / np.std(r, ddof=1)) for way, r in returns.items() if np.ptp(r) > 0.0}
    hurdle = expected_best(list(ratios.values()))
    for way, ratio in ratios.items():
        own = returns[way]
        sure = deflated_sharpe(ratio, hurdle, len(own), float(skew(own)), float(kurtosis(own, fisher=False)))
        yield Row(f"{LEVEL}, {way}: Sharpe ratio of sessions", ratio, "")
        yield Row(f"{LEVEL}, {way}: probability that it is one, deflated for {len(ratios)} tried", sure, "")


def main() -> int:
    """Command line."""
    parser = options_of(__doc__)
    parser.add_argument("--seeds", type=int, default=None, help=f"markets of each kind, {_FULL_SEEDS} by default")
    parser.add_argument("--structures", action="store_true", help="each structure on each edge, too")
    options = parser.parse_args()
    seeds = options.seeds or (_QUICK_SEEDS if options.quick else _FULL_SEEDS)
    ways = ways_of(structures=options.structures and not options.quick)
    if options.quick:
        ways = {NO_EDGE: [DEFAULT], LEVEL: [DEFAULT, TUNED]}
    found = outcomes(range(1, seeds + 1), ways, _QUICK_END if options.quick else _FULL_END, processes=2)
    rows = [Row("seeds", seeds, "")]
    for market, way in found:
        rows += _market_rows(found, market, way)
    return report([*rows, *_sharpe_rows(found)], as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
