"""Hedging rules of the core on simulated markets, net of what trading shares costs: `python -m benchmarks.hedging`.

A month of short straddles and of short iron condors, hedged with the core's own rules at 13 moments a day, on
Black-Scholes, Heston and GJR-GARCH with jumps; half a spread of 5 or 20 bp and half a cent a share. Each rule's number
is the best of a grid by CVaR at 95 % on paths of one seed, and is judged on fresh paths, the same for all rules. Rates
and dividends are zero: American options are worth what European ones are. First it is seen whether errors and costs of
hedging at every moment are what Boyle and Emanuel (1980) and Leland (1985) say.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from alo_lib.records import OPTION_MULTIPLIER, TRADING_DAYS
from alo_lib.strategy.hedging import (
    Band,
    DeltaBand,
    HedgedPosition,
    HedgingRule,
    MinimumVariance,
    WhalleyWilmott,
    toward_band,
)
from benchmarks.harness import Row, options_of, report
from benchmarks.hedging_markets import DAYS, MARKETS, STEPS_A_DAY, BlackScholes, Market, Smile, smile_of

__all__ = ["POSITIONS", "Hedged", "Leg", "main", "net_losses", "tail_values"]

Array = NDArray[np.float64]

SPOT: Final = 100.0
CONTRACTS: Final = 10
"""Structures: enough that whole shares are a thousandth of a delta."""
FEE: Final = 0.005
COSTS: Final = (0.0005, 0.0020)
TAIL: Final = 0.05
_Z: Final = 1.959964


class Leg(NamedTuple):
    """Contracts a structure, of a strike in standard deviations from the spot."""

    quantity: int
    deviations: float
    right: int


POSITIONS: Final = {
    "short straddle": (Leg(-1, 0.0, 1), Leg(-1, 0.0, -1)),
    "short iron condor": (Leg(1, -1.5, -1), Leg(-1, -0.7, -1), Leg(-1, 0.7, 1), Leg(1, 1.5, 1)),
}


_WIDTHS: Final = (0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.045, 0.065, 0.09, 0.13, 0.18)
_AVERSIONS: Final = (6.0, 15.0, 40.0, 100.0, 250.0, 600.0, 1_500.0, 4_000.0, 10_000.0, 25_000.0)
_STICKINESS: Final = 2.0  # the core's default: not tuned

RULES: Final[dict[str, list[HedgingRule]]] = {
    "delta_band": [DeltaBand(width) for width in _WIDTHS],
    "delta_band to its edge": [DeltaBand(width, to_edge=True) for width in _WIDTHS],
    "whalley_wilmott": [WhalleyWilmott(aversion) for aversion in _AVERSIONS],
    "minimum_variance": [MinimumVariance(WhalleyWilmott(aversion), _STICKINESS) for aversion in _AVERSIONS],
    "minimum_variance, delta_band to its edge": [
        MinimumVariance(DeltaBand(width, to_edge=True), _STICKINESS) for width in _WIDTHS
    ],
}
REFERENCE: Final = "delta_band"


@dataclass(frozen=True)
class Hedged:
    """A position along paths: what a rule is shown at each step but the last (steps, n), spots (steps + 1, n)."""

    spot: Array
    position: HedgedPosition
    premium: float  # $ received
    payoff: Array  # $ that the options are worth at the end, (n,)

    def costing(self, half_spread: float) -> HedgedPosition:
        """The same where half the spread is this share of the spot."""
        p = self.position
        return HedgedPosition(
            p.delta, p.gamma, p.vega, p.theta, p.vega_skew, p.contracts, p.spot, p.implied, p.forecast,
            p.time_to_expiry, p.rate, half_spread * np.asarray(p.spot), FEE,
        )  # fmt: skip


def hedged(legs: tuple[Leg, ...], market: Market, smile: Smile, paths: int, seed: int) -> Hedged:
    """``CONTRACTS`` structures on fresh paths, with the greeks at each leg's implied volatility."""
    start = float(market.states[len(market.states) // 2])
    spots, variances = market.paths(paths, DAYS, start, np.random.default_rng(seed))
    spots = SPOT * spots
    steps = DAYS * STEPS_A_DAY
    totals = {name: np.zeros((steps, paths)) for name in ("value", "delta", "gamma", "vega", "theta", "vega_skew")}
    implied, years_left = np.empty((steps, paths)), np.empty((steps, 1))
    strikes = [SPOT * math.exp(leg.deviations * math.sqrt(start * DAYS / TRADING_DAYS)) for leg in legs]
    for step in range(steps):
        left = steps - step
        years = years_left[step, 0] = left / (STEPS_A_DAY * TRADING_DAYS)
        root = np.sqrt(np.maximum(variances[step], smile.states[0]))
        a, b, c = smile.at(left, variances[step])
        implied[step] = root * a
        slope = b / math.sqrt(years)
        for leg, strike in zip(legs, strikes, strict=True):
            z = np.clip(np.log(strike / spots[step]) / (root * math.sqrt(years)), -2.5, 2.5)
            volatility = root * (a + (b + c * z) * z)
            units = float(leg.quantity * CONTRACTS * OPTION_MULTIPLIER)
            greeks = _european(spots[step], strike, volatility, years, leg.right)
            for name, value in greeks.items():
                totals[name][step] += units * value
            totals["vega_skew"][step] += units * greeks["vega"] * slope
    ends = [leg.quantity * np.maximum(leg.right * (spots[-1] - k), 0.0) for leg, k in zip(legs, strikes, strict=True)]
    contracts = float(sum(abs(leg.quantity) for leg in legs) * CONTRACTS)
    value = totals.pop("value")
    position = HedgedPosition(
        **totals, contracts=contracts, spot=spots[:-1], implied=implied, forecast=implied, time_to_expiry=years_left,
        rate=0.0, half_spread=0.0, fee=0.0,
    )  # fmt: skip
    return Hedged(spots, position, -float(np.mean(value[0])), np.sum(ends, axis=0) * CONTRACTS * OPTION_MULTIPLIER)


def net_losses(book: Hedged, rule: HedgingRule, half_spread: float, fee: float = FEE) -> Array:
    """What each path lost, costs included, $ for a share's worth of one structure (n,)."""
    position = book.costing(half_spread)
    centre, half_width = np.broadcast_arrays(*rule.band(position))
    shares = np.zeros(book.spot.shape[1])
    cash = np.full(shares.shape, book.premium)
    costs = half_spread * book.spot + fee
    for step in range(len(centre)):
        wanted = toward_band(shares, Band(centre[step], half_width[step]), to_edge=rule.to_edge)
        traded = wanted - shares
        cash -= traded * book.spot[step] + np.abs(traded) * costs[step]
        shares = wanted
    cash += shares * book.spot[-1] - np.abs(shares) * costs[-1] + book.payoff
    return np.asarray(-cash / (CONTRACTS * OPTION_MULTIPLIER))


def tail_values(losses: Array) -> Array:
    """Numbers (n,) whose mean is the CVaR of losses (n,) at 95 % and whose deviation tells its standard error.

    q + max(loss - q, 0) / 5 %, q being the 95 % quantile: Rockafellar and Uryasev (2000).
    """
    quantile = float(np.quantile(losses, 1.0 - TAIL))
    return quantile + np.maximum(losses - quantile, 0.0) / TAIL


def _european(spot: Array, strike: float, volatility: Array, years: float, right: int) -> dict[str, Array]:
    """Black's value and greeks without rates."""
    deviation = volatility * math.sqrt(years)
    d1 = np.log(spot / strike) / deviation + 0.5 * deviation
    density = np.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
    gamma = density / (spot * deviation)
    return {
        "value": right * (spot * ndtr(right * d1) - strike * ndtr(right * (d1 - deviation))),
        "delta": ndtr(d1) - (0.0 if right > 0 else 1.0),
        "gamma": gamma,
        "vega": spot * density * math.sqrt(years),
        "theta": -0.5 * np.square(volatility * spot) * gamma,
    }


def _formula_rows(paths: int) -> Iterator[Row]:
    """Hedging a short call at every moment without a band, beside what theory says of its error and of its cost."""
    market = BlackScholes()
    book = hedged((Leg(-1, 0.0, 1),), market, smile_of(market, 0), paths, seed=11)
    always = DeltaBand(1e-9)
    free = net_losses(book, always, 0.0, 0.0)
    cost = 0.0005
    error, trading = _theory(market.volatility, cost)
    seen = float(np.std(free))
    what = "Black-Scholes, hedged at each moment: deviation of the error"
    yield Row(what, seen, "$", error, "within 3 %", abs(seen / error - 1.0) <= 0.03)
    paid = float(np.mean(net_losses(book, always, cost, 0.0) - free))
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
        cash_gamma = np.square(spot) * _european(spot, SPOT, np.full(spot.shape, volatility), left, 1)["gamma"]
        variance += 0.5 * float(weights @ np.square(cash_gamma * volatility**2 * dt))
        if step:
            traded += float(weights @ cash_gamma) * volatility * math.sqrt(2.0 * dt / math.pi)
    delta = float(ndtr(0.5 * volatility * math.sqrt(steps * dt)))
    return math.sqrt(variance), cost * (traded + 2.0 * SPOT * delta)


def _tails(book: Hedged, rules: list[HedgingRule], half_spread: float) -> Array:
    """The CVaR by each rule (k,)."""
    return np.array([np.mean(tail_values(net_losses(book, rule, half_spread))) for rule in rules])


def _number(rule: HedgingRule) -> float:
    """What was tuned of a rule."""
    match rule:
        case DeltaBand(width=width):
            return width
        case WhalleyWilmott(risk_aversion=aversion):
            return aversion
        case MinimumVariance(base=base):
            return _number(base)
    raise TypeError(f"{rule} is none of the rules compared")


Trained = dict[str, list[Array]]
"""By rule the CVaR of each number of its grid on training paths, market by market, position by position, by cost."""


def _judged(market: Market, smile: Smile, position: str, paths: int, training: int, trained: Trained) -> Iterator[Row]:
    """Rows of one position on one market: each tuned rule, and how much less of a tail it leaves than today's."""
    legs = POSITIONS[position]
    learned_on, fresh = (hedged(legs, market, smile, *each) for each in ((training, 101), (paths, 202)))
    for half_spread in COSTS:
        tails: dict[str, Array] = {}
        for name, grid in RULES.items():
            trained[name].append(_tails(learned_on, grid, half_spread))
            rule = grid[int(np.argmin(trained[name][-1]))]
            losses = net_losses(fresh, rule, half_spread)
            tails[name] = tail_values(losses)
            what = f"{market.name}, {position}, {half_spread * 1e4:.0f} bp, {name}"
            yield Row(f"{what}: CVaR 95 %", float(np.mean(tails[name])), "$")
            yield Row(f"{what}: mean loss", float(np.mean(losses)), "$")
            yield Row(f"{what}: deviation", float(np.std(losses)), "$")
            yield Row(f"{what}: number", _number(rule), "")
            if name == REFERENCE:
                continue
            less = tails[REFERENCE] - tails[name]
            gain, error = float(np.mean(less)), float(np.std(less)) / math.sqrt(len(less))
            yield Row(f"{what}: less CVaR than {REFERENCE}", gain, "$")
            yield Row(f"{what}: from", gain - _Z * error, "$")
            yield Row(f"{what}: to", gain + _Z * error, "$")


def _verdict(rows: list[Row]) -> Iterator[Row]:
    """For each rule on how many of the markets its interval lies above zero at both costs, in every position."""
    lower = {row.what: row.value for row in rows if row.what.endswith(": from")}
    for name in RULES:
        if name == REFERENCE:
            continue
        won = 0
        for market in MARKETS:
            own = [v for what, v in lower.items() if what.startswith(f"{market.name}, ") and f" bp, {name}: " in what]
            won += bool(own) and min(own) > 0.0
        goal, met = ("at least 2", won >= 2) if name == "minimum_variance" else ("", None)
        what = f"{name}: markets on which it beats {REFERENCE} at both costs, in both positions"
        yield Row(what, won, f"of {len(MARKETS)}", None, goal, met)


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
    options = options_of(__doc__).parse_args()
    paths, training, smiles = (2_000, 2_000, 4_000) if options.quick else (40_000, 10_000, 40_000)
    rows = list(_formula_rows(5 * paths if options.quick else paths))
    trained: Trained = {name: [] for name in RULES}
    for market in MARKETS:
        smile = smile_of(market, smiles)
        for position in POSITIONS:
            rows += _judged(market, smile, position, paths, training, trained)
    rows += _verdict(rows)
    rows += _one_number(trained)
    return report(rows, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
