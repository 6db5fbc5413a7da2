"""Short options along paths of a market: what a hedging rule is shown of them, and what is lost by it, net of costs."""

import math
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.markets import DAYS, STEPS_A_DAY, Market
from alo_lib.learning.smile import Smile
from alo_lib.pricing import greeks, price
from alo_lib.records import OPTION_MULTIPLIER, TRADING_DAYS
from alo_lib.strategy.hedging import Band, HedgedPosition, HedgingRule, toward_band

__all__ = [
    "CONTRACTS",
    "FEE",
    "POSITIONS",
    "SPOT",
    "Costs",
    "Hedged",
    "Leg",
    "along",
    "hedged",
    "hedges_of",
    "net_losses",
    "paid_for",
]

Array = NDArray[np.float64]

SPOT: Final = 100.0
CONTRACTS: Final = 10
"""Structures: enough that whole shares are a thousandth of a delta."""
FEE: Final = 0.005
_GREEKS: Final = {"value": "price", "delta": "delta", "gamma": "gamma", "vega": "vega", "theta": "theta"}
"""What a position is shown, and the pricing room's name of it."""


class Leg(NamedTuple):
    """Contracts a structure, of a strike in standard deviations from the spot."""

    quantity: int
    deviations: float
    right: int


POSITIONS: Final = {
    "short straddle": (Leg(-1, 0.0, 1), Leg(-1, 0.0, -1)),
    "short iron condor": (Leg(1, -1.5, -1), Leg(-1, -0.7, -1), Leg(-1, 0.7, 1), Leg(1, 1.5, 1)),
    "short call": (Leg(-1, 0.0, 1),),
    "short put": (Leg(-1, 0.0, -1),),
    "short strangle": (Leg(-1, -0.8, -1), Leg(-1, 0.8, 1)),
    "long straddle": (Leg(1, 0.0, 1), Leg(1, 0.0, -1)),
}


@dataclass(frozen=True)
class Costs:
    """What a trade in shares costs, a share: half of the spread, and a fee.

    A widening spread grows with the root of the variance over that of the start, and is twice as wide at the day's
    first step, at the open.
    """

    half_spread: float  # share of the spot
    fee: float = FEE  # $
    widening: bool = False

    def half_spreads(self, spots: Array, variances: Array) -> Array:
        """$ at each step, (steps, n) as spots and variances."""
        plain = self.half_spread * spots
        if not self.widening:
            return plain
        opening = np.where(np.arange(len(spots)) % STEPS_A_DAY == 0, 2.0, 1.0)[:, None]
        return np.asarray(plain * opening * np.sqrt(variances / variances[0]))


@dataclass(frozen=True)
class Hedged:
    """A position along paths: what a rule is shown at each step but the last (steps, n), spots (steps + 1, n)."""

    spot: Array
    variance: Array  # annual, as spots
    position: HedgedPosition
    premium: float  # $ received
    payoff: Array  # $ that the options are worth at the end, (n,)

    def costing(self, costs: Costs) -> HedgedPosition:
        """The same where trading shares costs this."""
        return replace(self.position, half_spread=costs.half_spreads(self.spot[:-1], self.variance[:-1]), fee=costs.fee)

    def unit_costs(self, costs: Costs) -> Array:
        """$ that trading a share costs, at each step and at the end (steps + 1, n)."""
        return costs.half_spreads(self.spot, self.variance) + costs.fee


def hedged(legs: tuple[Leg, ...], market: Market, smile: Smile, paths: int, seed: int) -> Hedged:
    """``CONTRACTS`` structures on fresh paths, with the greeks at each leg's implied volatility."""
    start = float(market.states[len(market.states) // 2])
    spots, variances = market.paths(paths, DAYS, start, np.random.default_rng(seed))
    return along(legs, smile, SPOT * spots, variances)


def along(legs: tuple[Leg, ...], smile: Smile, spots: Array, variances: Array, times: Array | None = None) -> Hedged:
    """``CONTRACTS`` structures on given paths (steps + 1, n); quoted on ``smile``.

    ``times`` (steps + 1,) are years to expiry; by default steps are a part of a trading day, and the last is at expiry.
    Options whose expiry is later are worth at the end what they are quoted at.
    """
    steps, paths = spots.shape[0] - 1, spots.shape[1]
    if times is None:
        times = np.arange(steps, -1.0, -1.0) / (STEPS_A_DAY * TRADING_DAYS)
    start = float(variances[0, 0])
    totals = {name: np.zeros((steps, paths)) for name in (*_GREEKS, "vega_skew")}
    implied, years_left = np.empty((steps, paths)), np.empty((steps, 1))
    strikes = [SPOT * math.exp(leg.deviations * math.sqrt(start * float(times[0]))) for leg in legs]
    for step in range(steps):
        years = years_left[step, 0] = float(times[step])
        root = np.sqrt(np.maximum(variances[step], smile.states[0]))
        a, b, c = smile.at(years * STEPS_A_DAY * TRADING_DAYS, variances[step])
        implied[step] = root * a
        slope = b / math.sqrt(years)
        for leg, strike in zip(legs, strikes, strict=True):
            z = np.clip(np.log(strike / spots[step]) / (root * math.sqrt(years)), -2.5, 2.5)
            volatility = root * (a + (b + c * z) * z)
            units = float(leg.quantity * CONTRACTS * OPTION_MULTIPLIER)
            found = greeks(spots[step], strike, 0.0, 0.0, volatility, years, leg.right, style="european")
            for name, greek in _GREEKS.items():
                totals[name][step] += units * getattr(found, greek)
            totals["vega_skew"][step] += units * found.vega * slope
    contracts = float(sum(abs(leg.quantity) for leg in legs) * CONTRACTS)
    value = totals.pop("value")
    position = HedgedPosition(
        **totals, contracts=contracts, spot=spots[:-1], implied=implied, forecast=implied, time_to_expiry=years_left,
        rate=0.0, half_spread=0.0, fee=0.0,
    )  # fmt: skip
    payoff = np.zeros(paths)
    for leg, strike in zip(legs, strikes, strict=True):
        worth = np.maximum(leg.right * (spots[-1] - strike), 0.0)
        if times[-1] > 0.0:
            market = (spots[-1], strike, 0.0, 0.0, np.sqrt(variances[-1]), float(times[-1]), leg.right)
            worth = price(*market, style="european")
        payoff += leg.quantity * CONTRACTS * OPTION_MULTIPLIER * worth
    return Hedged(spots, variances, position, -float(np.mean(value[0])), payoff)


def hedges_of(book: Hedged, rule: HedgingRule, costs: Costs) -> Array:
    """Whole shares that a rule holds after each step (steps, n), starting from none."""
    centre, half_width = np.broadcast_arrays(*rule.band(book.costing(costs)))
    hedges, shares = np.empty(book.spot[:-1].shape), np.zeros(book.spot.shape[1])
    for step in range(len(hedges)):
        shares = hedges[step] = toward_band(shares, Band(centre[step], half_width[step]), to_edge=rule.to_edge)
    return hedges


def net_losses(book: Hedged, rule: HedgingRule, costs: Costs) -> Array:
    """What each path lost, costs included, $ for a share's worth of one structure (n,)."""
    hedges, unit_costs = hedges_of(book, rule, costs), book.unit_costs(costs)
    paid = paid_for(hedges, book.spot, unit_costs)
    return np.asarray((paid - book.premium - book.payoff) / (CONTRACTS * OPTION_MULTIPLIER))


def paid_for(hedges: Array, spots: Array, unit_costs: Array) -> Array:
    """What is paid (n,) for holding ``hedges`` (steps, n) and selling the last ones, costs included.

    Spots, and what trading a share costs, are those of each step and of the end, (steps + 1, n).
    """
    traded = np.diff(hedges, axis=0, prepend=0.0)
    bought = np.sum(traded * spots[:-1] + np.abs(traded) * unit_costs[:-1], axis=0)
    return np.asarray(bought - hedges[-1] * spots[-1] + np.abs(hedges[-1]) * unit_costs[-1])
