"""Short options along paths of a market: what a hedging rule is shown of them, and what is lost by it, net of costs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.markets import DAYS, STEPS_A_DAY, Market
from alo_lib.learning.smile import Smile
from alo_lib.learning.stepping import hedges_within
from alo_lib.pricing import greeks, price
from alo_lib.records import OPTION_MULTIPLIER, TRADING_DAYS
from alo_lib.simulation.fees import FEE_PER_SHARE, LEAST_FEE, equity_fees
from alo_lib.strategy.hedging import HedgedPosition, HedgingRule

__all__ = [
    "CONTRACTS",
    "FEE",
    "POSITIONS",
    "SPOT",
    "BrokerCosts",
    "Costs",
    "Hedged",
    "Leg",
    "along",
    "hedged",
    "hedges_of",
    "losses_of",
    "net_losses",
    "paid_for",
    "trading_costs",
]

Array = NDArray[np.float64]

SPOT: Final = 100.0
CONTRACTS: Final = 10
"""Structures: enough that whole shares are a thousandth of a delta."""
FEE: Final = float(FEE_PER_SHARE)
_AT_ONCE: Final = 250
_GREEKS: Final = {"value": "price", "delta": "delta", "gamma": "gamma", "vega": "vega", "theta": "theta"}
"""What a position is shown, and the pricing room's name of it."""
_EXTENSIVE: Final = ("delta", "gamma", "vega", "theta", "vega_skew", "contracts")
"""What of a position goes with its size."""


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

    @property
    def order_fee(self) -> float:
        """$ that an order costs at least."""
        return 0.0

    def fees(self, traded: Array, spots: Array) -> Array:
        """$ for orders of signed whole shares, of any shape."""
        return np.asarray(self.fee * np.abs(traded))


@dataclass(frozen=True)
class BrokerCosts(Costs):
    """The same with an order's fee as LEAN's model of Interactive Brokers computes it, which has a least one."""

    @property
    def order_fee(self) -> float:
        """$ that an order costs at least."""
        return float(LEAST_FEE)

    def fees(self, traded: Array, spots: Array) -> Array:
        """$ for orders of signed whole shares, of any shape."""
        return equity_fees(traded, spots)


@dataclass(frozen=True)
class Hedged:
    """A position along paths: what a rule is shown at each step but the last (steps, n), spots (steps + 1, n)."""

    spot: Array
    variance: Array  # annual, as spots
    position: HedgedPosition
    premium: float  # $ received
    payoff: Array  # $ that the options are worth at the end, (n,)
    structures: int = CONTRACTS

    def sized(self, structures: int) -> "Hedged":
        """As many structures on the same paths."""
        ratio = structures / self.structures
        position = replace(self.position, **{name: ratio * getattr(self.position, name) for name in _EXTENSIVE})
        premium, payoff = ratio * self.premium, ratio * self.payoff
        return replace(self, position=position, premium=premium, payoff=payoff, structures=structures)

    def parts(self) -> "Iterator[Hedged]":
        """Some of the paths at a time, as many as rules are asked about together in a processor's cache."""
        count = self.payoff.size
        for first in range(0, count, _AT_ONCE):

            def part(of: Any, paths: slice = slice(first, first + _AT_ONCE)) -> Any:
                return of[..., paths] if isinstance(of, np.ndarray) and of.shape[-1] == count else of

            shown = {each.name: part(getattr(self.position, each.name)) for each in fields(self.position)}
            position, payoff = HedgedPosition(**shown), part(self.payoff)
            yield replace(self, spot=part(self.spot), variance=part(self.variance), position=position, payoff=payoff)

    def costing(self, costs: Costs) -> HedgedPosition:
        """The same where trading shares costs this."""
        half_spread = costs.half_spreads(self.spot[:-1], self.variance[:-1])
        return replace(self.position, half_spread=half_spread, fee=costs.fee, order_fee=costs.order_fee)

    def unit_costs(self, costs: Costs) -> Array:
        """$ that trading a share costs where no order is too small, at each step and at the end (steps + 1, n)."""
        return costs.half_spreads(self.spot, self.variance) + costs.fee


def hedged(legs: tuple[Leg, ...], market: Market, smile: Smile, paths: int, seed: int, days: int = DAYS) -> Hedged:
    """``CONTRACTS`` structures on fresh paths, with the greeks at each leg's implied volatility.

    They expire in so many trading ``days``, and are held for the first ``DAYS`` of them.
    """
    start = float(market.states[len(market.states) // 2])
    spots, variances = market.paths(paths, DAYS, start, np.random.default_rng(seed))
    times = np.arange(days * STEPS_A_DAY, (days - DAYS) * STEPS_A_DAY - 1, -1.0) / (STEPS_A_DAY * TRADING_DAYS)
    return along(legs, smile, SPOT * spots, variances, times)


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
        quotes = smile.quotes(years, spots[step], variances[step])
        implied[step] = quotes.at_the_money
        for leg, strike in zip(legs, strikes, strict=True):
            units = float(leg.quantity * CONTRACTS * OPTION_MULTIPLIER)
            found = greeks(spots[step], strike, 0.0, 0.0, quotes.at(strike), years, leg.right, style="european")
            for name, greek in _GREEKS.items():
                totals[name][step] += units * getattr(found, greek)
            totals["vega_skew"][step] += units * found.vega * quotes.slope
    contracts = float(sum(abs(leg.quantity) for leg in legs) * CONTRACTS)
    value = totals.pop("value")
    position = HedgedPosition(
        **totals, contracts=contracts, spot=spots[:-1], implied=implied, forecast=implied, time_to_expiry=years_left,
        rate=0.0, half_spread=0.0, fee=0.0, order_fee=0.0,
    )  # fmt: skip
    payoff = np.zeros(paths)
    for leg, strike in zip(legs, strikes, strict=True):
        worth = np.maximum(leg.right * (spots[-1] - strike), 0.0)
        if times[-1] > 0.0:
            volatility = smile.quotes(float(times[-1]), spots[-1], variances[-1]).at(strike)
            worth = price(spots[-1], strike, 0.0, 0.0, volatility, float(times[-1]), leg.right, style="european")
        payoff += leg.quantity * CONTRACTS * OPTION_MULTIPLIER * worth
    return Hedged(spots, variances, position, -float(np.mean(value[0])), payoff)


def hedges_of(book: Hedged, rule: HedgingRule, costs: Costs) -> Array:
    """Whole shares that a rule holds after each step (steps, n), starting from none."""
    return hedges_within(rule.band(book.costing(costs)), book.spot[:-1].shape)


def net_losses(book: Hedged, rule: HedgingRule, costs: Costs) -> Array:
    """What each path lost, costs included, $ for a share's worth of one structure (n,)."""
    return losses_of(book, hedges_of(book, rule, costs), costs)


def losses_of(book: Hedged, hedges: Array, costs: Costs) -> Array:
    """The same where ``hedges`` (steps, n) are held, whole shares."""
    orders = np.diff(hedges, axis=0, prepend=0.0, append=0.0)
    paid = paid_for(hedges, book.spot, costs.half_spreads(book.spot, book.variance))
    paid += np.sum(costs.fees(orders, book.spot), axis=0)
    return np.asarray((paid - book.premium - book.payoff) / (book.structures * OPTION_MULTIPLIER))


def trading_costs(book: Hedged, hedges: Array, costs: Costs) -> Array:
    """What of these losses is spreads and fees (n,)."""
    orders = np.diff(hedges, axis=0, prepend=0.0, append=0.0)
    spreads = np.sum(np.abs(orders) * costs.half_spreads(book.spot, book.variance), axis=0)
    return np.asarray((spreads + np.sum(costs.fees(orders, book.spot), axis=0)) / (book.structures * OPTION_MULTIPLIER))


def paid_for(hedges: Array, spots: Array, unit_costs: Array) -> Array:
    """What is paid (n,) for holding ``hedges`` (steps, n) and selling the last ones, costs included.

    Spots, and what trading a share costs, are those of each step and of the end, (steps + 1, n).
    """
    traded = np.diff(hedges, axis=0, prepend=0.0)
    bought = np.sum(traded * spots[:-1] + np.abs(traded) * unit_costs[:-1], axis=0)
    return np.asarray(bought - hedges[-1] * spots[-1] + np.abs(hedges[-1]) * unit_costs[-1])
