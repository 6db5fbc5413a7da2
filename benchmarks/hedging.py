"""Hedging rules of the core on simulated markets, net of what trading shares costs: `python -m benchmarks.hedging`.

A month of short straddles and of short iron condors, hedged with the core's own rules at 13 moments a day, on
Black-Scholes, Heston and GJR-GARCH with jumps; half a spread of 5 or 20 bp, and the fee of each order as LEAN's
model of Interactive Brokers has it, a dollar at least, for books of 3 and of 30 structures. Each rule's number is the
best of a grid by CVaR at 95 % on paths of one seed, and is judged on fresh paths, the same for all rules; each rule is
judged by its default number as well. Rates and dividends are zero: American options are worth what European ones are.
First it is seen whether errors and costs of hedging at every moment are what Boyle and Emanuel (1980) and Leland (1985)
say.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from alo_lib.learning.garch_markets import GjrJumps
from alo_lib.learning.markets import DAYS, STEPS_A_DAY, BlackScholes, Heston, Market
from alo_lib.learning.positions import POSITIONS, SPOT, BrokerCosts, Costs, Hedged, Leg, hedged, net_losses
from alo_lib.learning.smile import Smile, smile_of
from alo_lib.learning.tails import tail_values
from alo_lib.pricing import greeks
from alo_lib.records import TRADING_DAYS
from alo_lib.settings import Settings
from alo_lib.strategy.hedging import (
    HEDGING_RULES,
    Band,
    DeltaBand,
    HedgedPosition,
    HedgingRule,
    MinimumVariance,
    WhalleyWilmott,
)
from benchmarks.harness import Row, options_of, report

__all__ = ["main"]

Array = NDArray[np.float64]

COMPARED: Final = ("short straddle", "short iron condor")


class Case(NamedTuple):
    """What trading costs, and how much is held."""

    costs: BrokerCosts
    structures: int

    @property
    def name(self) -> str:
        """As rows have it."""
        return f"{self.costs.half_spread * 1e4:.0f} bp, {self.structures}"


CASES: Final = tuple(Case(BrokerCosts(half), structures) for half in (0.0005, 0.0020) for structures in (3, 30))
MARKETS: Final[tuple[Market, ...]] = (BlackScholes(), Heston(), GjrJumps())
_Z: Final = 1.959964


_WIDTHS: Final = (0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.045, 0.065, 0.09, 0.13, 0.18)
_AVERSIONS: Final = (6.0, 15.0, 40.0, 100.0, 250.0, 600.0, 1_500.0, 4_000.0, 10_000.0, 25_000.0)
_STICKINESS: Final = 2.0  # the core's default: not tuned


@dataclass(frozen=True)
class WithoutLeastFee:
    """A rule that is not told that an order costs something however small it is."""

    base: HedgingRule

    def band(self, position: HedgedPosition) -> Band:
        """As the contract says."""
        return self.base.band(replace(position, order_fee=0.0))


RULES: Final[dict[str, list[HedgingRule]]] = {
    "delta_band": [DeltaBand(width) for width in _WIDTHS],
    "delta_band to its edge": [DeltaBand(width, to_edge=True) for width in _WIDTHS],
    "whalley_wilmott": [WhalleyWilmott(aversion) for aversion in _AVERSIONS],
    "minimum_variance": [MinimumVariance(WhalleyWilmott(aversion), _STICKINESS) for aversion in _AVERSIONS],
    "minimum_variance, not told of the least fee": [
        WithoutLeastFee(MinimumVariance(WhalleyWilmott(aversion), _STICKINESS)) for aversion in _AVERSIONS
    ],
    "minimum_variance, delta_band to its edge": [
        MinimumVariance(DeltaBand(width, to_edge=True), _STICKINESS) for width in _WIDTHS
    ],
}
REFERENCE: Final = "delta_band"
DEFAULTS: Final = {name: rule(Settings()) for name, rule in HEDGING_RULES.items()}
"""Each rule of the setting ``hedge`` with the other settings' defaults."""


def _formula_rows(paths: int) -> Iterator[Row]:
    """Hedging a short call at every moment without a band, beside what theory says of its error and of its cost."""
    market = BlackScholes()
    book = hedged((Leg(-1, 0.0, 1),), market, smile_of(market, 0), paths, seed=11)
    always = DeltaBand(1e-9)
    free = net_losses(book, always, Costs(0.0, 0.0))
    cost = 0.0005
    error, trading = _theory(market.volatility, cost)
    seen = float(np.std(free))
    what = "Black-Scholes, hedged at each moment: deviation of the error"
    yield Row(what, seen, "$", error, "within 3 %", abs(seen / error - 1.0) <= 0.03)
    paid = float(np.mean(net_losses(book, always, Costs(cost, 0.0)) - free))
    what = "Black-Scholes, hedged at each moment: mean cost at 5 bp"
    yield Row(what, paid, "$", trading, "within 3 %", abs(paid / trading - 1.0) <= 0.03)


def _theory(volatility: float, cost: float) -> tuple[float, float]:
    """Deviation of the error (Boyle and Emanuel) and mean cost (Leland) of a call at the money, by the trapezoid rule.

    The error of a step is normal-squared: S^2 gamma s^2 dt (z^2 - 1) / 2; its shares traded are S gamma s |z| dt^(1/2).
    """
    steps = DAYS * STEPS_A_DAY
    dt = 1.0 / (TRADING_DAYS * STEPS_A_DAY)
    nodes = np.linspace(-8.0, 8.0, 3201)
    weights = np.exp(-0.5 * nodes * nodes) * (nodes[1] - nodes[0]) / math.sqrt(2.0 * math.pi)
    variance, traded = 0.0, 0.0
    for step in range(steps):
        time, left = step * dt, (steps - step) * dt
        spot = SPOT * np.exp(volatility * math.sqrt(time) * nodes - 0.5 * volatility**2 * time)
        cash_gamma = np.square(spot) * greeks(spot, SPOT, 0.0, 0.0, volatility, left, 1, style="european").gamma
        variance += 0.5 * float(weights @ np.square(cash_gamma * volatility**2 * dt))
        if step:
            traded += float(weights @ cash_gamma) * volatility * math.sqrt(2.0 * dt / math.pi)
    delta = float(ndtr(0.5 * volatility * math.sqrt(steps * dt)))
    return math.sqrt(variance), cost * (traded + 2.0 * SPOT * delta)


def _tails(book: Hedged, rules: list[HedgingRule], costs: Costs) -> Array:
    """The CVaR by each rule (k,)."""
    return np.array([np.mean(tail_values(net_losses(book, rule, costs))) for rule in rules])


def _number(rule: HedgingRule) -> float:
    """What was tuned of a rule."""
    match rule:
        case DeltaBand(width=width):
            return width
        case WhalleyWilmott(risk_aversion=aversion):
            return aversion
        case MinimumVariance(base=base) | WithoutLeastFee(base=base):
            return _number(base)
    raise TypeError(f"{rule} is none of the rules compared")


Trained = dict[str, list[Array]]
"""By rule the CVaR of each number of its grid on training paths, market by market, position by position, by case."""


def _judged(market: Market, smile: Smile, position: str, paths: int, training: int, trained: Trained) -> Iterator[Row]:
    """Rows of one position on one market: each tuned rule, and how much less of a tail it leaves than today's."""
    legs = POSITIONS[position]
    learned_on, fresh = (hedged(legs, market, smile, *each) for each in ((training, 101), (paths, 202)))
    for case in CASES:
        costs, tuning = case.costs, learned_on.sized(case.structures)
        chosen: dict[str, HedgingRule] = {}
        for name, grid in RULES.items():
            trained[name].append(_tails(tuning, grid, costs))
            chosen[name] = grid[int(np.argmin(trained[name][-1]))]
        judged, what = fresh.sized(case.structures), f"{market.name}, {position}, {case.name}"
        yield from _compared(what, judged, chosen, costs)
        for name, rule in chosen.items():
            yield Row(f"{what}, {name}: number", _number(rule), "")
        yield from _compared(f"{what}, by default", judged, DEFAULTS, costs)


def _compared(where: str, book: Hedged, rules: dict[str, HedgingRule], costs: Costs) -> Iterator[Row]:
    """What each rule loses on the same paths, and how much less its tail is than the reference's."""
    tails: dict[str, Array] = {}
    means: dict[str, Array] = {}
    for name, rule in rules.items():
        means[name] = net_losses(book, rule, costs)
        tails[name] = tail_values(means[name])
        what = f"{where}, {name}"
        yield Row(f"{what}: CVaR 95 %", float(np.mean(tails[name])), "$")
        yield Row(f"{what}: mean loss", float(np.mean(means[name])), "$")
        yield Row(f"{what}: deviation", float(np.std(means[name])), "$")
        if name == REFERENCE:
            continue
        for less, of, ends in ((tails, "CVaR", ("from", "to")), (means, "mean loss", ("mean from", "mean to"))):
            gained = less[REFERENCE] - less[name]
            gain, error = float(np.mean(gained)), float(np.std(gained)) / math.sqrt(len(gained))
            yield Row(f"{what}: less {of} than {REFERENCE}", gain, "$")
            yield Row(f"{what}: {ends[0]}", gain - _Z * error, "$")
            yield Row(f"{what}: {ends[1]}", gain + _Z * error, "$")


def _verdict(rows: list[Row]) -> Iterator[Row]:
    """For each rule on how many of the markets its interval lies above zero in all cases, in every position."""
    lower = {row.what: row.value for row in rows if row.what.endswith(": from")}
    for name in RULES:
        if name == REFERENCE:
            continue
        won = 0
        for market in MARKETS:
            own = [v for what, v in lower.items() if what.startswith(f"{market.name}, ") and what in _tuned(name)]
            won += bool(own) and min(own) > 0.0
        goal, met = ("at least 2", won >= 2) if name == "minimum_variance" else ("", None)
        what = f"{name}: markets on which it beats {REFERENCE} at both costs and sizes, in both positions"
        yield Row(what, won, f"of {len(MARKETS)}", None, goal, met)


def _tuned(name: str) -> set[str]:
    """Rows of the low end of a tuned rule's interval."""
    return {
        f"{market.name}, {position}, {case.name}, {name}: from"
        for market in MARKETS
        for position in COMPARED
        for case in CASES
    }


def _one_number(trained: Trained) -> Iterator[Row]:
    """What each rule leaves with one number for all, beside the reference tuned for each: who is set up once."""
    best = np.array([np.min(tails) for tails in trained[REFERENCE]])
    for name, tails in trained.items():
        ratios = np.mean(np.array(tails) / best[:, None], axis=0)
        at = int(np.argmin(ratios))
        what = f"{name}, one number everywhere"
        yield Row(f"{what}: CVaR over that of {REFERENCE} tuned for each, mean", float(ratios[at]), "")
        yield Row(f"{what}: number", _number(RULES[name][at]), "")


def main() -> int:
    """Command line."""
    parser = options_of(__doc__)
    parser.add_argument("--paths", type=int, default=40_000, help="that rules are judged on; a quarter for tuning")
    options = parser.parse_args()
    paths, training, smiles = (800, 800, 4_000) if options.quick else (options.paths, options.paths // 4, 40_000)
    rows = list(_formula_rows(5 * paths if options.quick else paths))
    trained: Trained = {name: [] for name in RULES}
    for market in MARKETS:
        smile = smile_of(market, smiles)
        for position in COMPARED:
            rows += _judged(market, smile, position, paths, training, trained)
    rows += _verdict(rows)
    rows += _one_number(trained)
    return report(rows, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
