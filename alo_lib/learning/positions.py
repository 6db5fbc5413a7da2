"""Short options along paths of a market: what a hedging rule is shown of them, and what is lost by it, net of costs."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.carry import NO_CARRY, Account, Carry, CarrySteps, Holding
from alo_lib.learning.errors import LearningError
from alo_lib.learning.markets import DAYS, STEPS_A_DAY, Market
from alo_lib.learning.quoted_paths import QuotedPaths
from alo_lib.learning.smile import Smile
from alo_lib.learning.stepping import hedges_within
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
    premium: float  # $ received, with interest until the end
    payoff: Array  # $ that the options are worth at the end, or were when exercised, with interest, (n,)
    structures: int = CONTRACTS
    account: Account | None = None  # None where neither shares nor money bring anything

    def sized(self, structures: int) -> "Hedged":
        """As many structures on the same paths."""
        ratio = structures / self.structures
        position = replace(self.position, **{name: ratio * getattr(self.position, name) for name in _EXTENSIVE})
        premium, payoff, account = ratio * self.premium, ratio * self.payoff, self.account
        if account is not None:
            holding = account.holding._replace(brought=ratio * account.holding.brought)
            account = account._replace(holding=holding)
        sized = replace(self, position=position, premium=premium, payoff=payoff, structures=structures)
        return replace(sized, account=account)

    def parts(self) -> "Iterator[Hedged]":
        """Some of the paths at a time, as many as rules are asked about together in a processor's cache."""
        count = self.payoff.size
        for first in range(0, count, _AT_ONCE):

            def part(of: Any, paths: slice = slice(first, first + _AT_ONCE)) -> Any:
                return of[..., paths] if isinstance(of, np.ndarray) and of.shape[-1] == count else of

            shown = {each.name: part(getattr(self.position, each.name)) for each in fields(self.position)}
            position, payoff = HedgedPosition(**shown), part(self.payoff)
            account = self.account
            if account is not None:
                account = Account(part(account.value), account.growth, Holding(*map(part, account.holding)))
            some = replace(self, spot=part(self.spot), variance=part(self.variance), position=position, payoff=payoff)
            yield replace(some, account=account)

    def costing(self, costs: Costs) -> HedgedPosition:
        """The same where trading shares costs this."""
        half_spread = costs.half_spreads(self.spot[:-1], self.variance[:-1])
        return replace(self.position, half_spread=half_spread, fee=costs.fee, order_fee=costs.order_fee)

    def unit_costs(self, costs: Costs) -> Array:
        """$ that trading a share costs where no order is too small, at each step and at the end (steps + 1, n)."""
        return costs.half_spreads(self.spot, self.variance) + costs.fee

    def orders(self, hedges: Array) -> Array:
        """Signed shares that are traded for ``hedges`` (steps, n), and at the end for none (steps + 1, n)."""
        orders = np.diff(hedges, axis=0, prepend=0.0, append=0.0)
        if self.account is not None:
            orders[:-1] -= self.account.holding.brought
        return orders


def hedged(
    legs: tuple[Leg, ...],
    market: Market,
    smile: Smile,
    paths: int,
    seed: int,
    days: int = DAYS,
    carry: Carry = NO_CARRY,
) -> Hedged:
    """``CONTRACTS`` structures on fresh paths, with the greeks at each leg's implied volatility.

    They expire in so many trading ``days``, and are held for the first ``DAYS`` of them. Without ``carry`` no option is
    ever exercised early, so that they are European.

    :raises LearningError: for a dividend after the days that are held, and before expiry.
    """
    for day, _ in carry.dividends:
        if DAYS <= day < days:
            raise LearningError(f"a dividend goes ex before day {day} of {days}; allowed: up to day {DAYS - 1}")
    start = float(market.states[len(market.states) // 2])
    spots, variances = market.paths(paths, DAYS, start, np.random.default_rng(seed))
    times = np.arange(days * STEPS_A_DAY, (days - DAYS) * STEPS_A_DAY - 1, -1.0) / (STEPS_A_DAY * TRADING_DAYS)
    if carry == NO_CARRY:
        return along(legs, smile, SPOT * spots, variances, times)
    steps = carry.steps(len(times) - 1)
    return along(legs, smile, steps.spots(SPOT, spots, times), variances, times, steps)


def along(
    legs: tuple[Leg, ...],
    smile: Smile,
    spots: Array,
    variances: Array,
    times: Array | None = None,
    carry: CarrySteps | None = None,
) -> Hedged:
    """``CONTRACTS`` structures on given paths (steps + 1, n); quoted on ``smile``.

    ``times`` (steps + 1,) are years to expiry; by default steps are a part of a trading day, and the last is at expiry.
    Options whose expiry is later are worth at the end what they are quoted at. With ``carry`` they are American: where
    a short leg is exercised by its holder the structure ends, its other legs at what they are quoted at, and its hedge.
    Long legs are kept.
    """
    steps, paths = spots.shape[0] - 1, spots.shape[1]
    if times is None:
        times = np.arange(steps, -1.0, -1.0) / (STEPS_A_DAY * TRADING_DAYS)
    quoted = QuotedPaths(smile, spots, variances, times, carry)
    totals = {name: np.zeros((steps, paths)) for name in (*_GREEKS, "vega_skew")}
    implied, alive, brought = np.empty((steps, paths)), np.ones((steps + 1, paths), bool), np.zeros((steps, paths))
    growth = np.ones(steps + 1) if carry is None else carry.growth()
    payoff = np.zeros(paths)
    deviation = math.sqrt(float(variances[0, 0]) * float(times[0]))
    told = [(leg, SPOT * math.exp(leg.deviations * deviation)) for leg in legs]
    for step in range(steps):
        quotes = quoted.quotes(step)
        implied[step] = quotes.at_the_money
        worth, held = np.zeros(paths), alive[step].copy()
        for leg, strike in told:
            units = float(leg.quantity * CONTRACTS * OPTION_MULTIPLIER)
            found = quoted.greeks(step, strike, leg.right, quotes)
            for name, greek in _GREEKS.items():
                totals[name][step] += units * getattr(found, greek)
            totals["vega_skew"][step] += units * found.vega * quotes.slope
            if carry is not None:
                taken = quoted.exercised(step, strike, leg.right, quotes, found.price) & (units < 0.0) & held
                worth += units * np.where(taken, leg.right * (spots[step] - strike), found.price)
                brought[step, taken] += units * leg.right
                alive[step + 1 :, taken] = False
        if carry is not None:
            ends = held & ~alive[step + 1]
            alive[step] &= ~ends
            payoff[ends] = growth[step] * worth[ends]
    last = alive[-1]
    for leg, strike in told:
        payoff[last] += leg.quantity * CONTRACTS * OPTION_MULTIPLIER * quoted.at_the_end(strike, leg.right)[last]
    value = totals.pop("value")
    contracts: float | Array = float(sum(abs(leg.quantity) for leg in legs) * CONTRACTS)
    if carry is not None:
        totals = {name: np.where(alive[:-1], each, 0.0) for name, each in totals.items()}
        contracts = np.where(alive[:-1], contracts, 0.0)
    position = HedgedPosition(
        **totals, contracts=contracts, spot=spots[:-1], implied=implied, forecast=implied,
        time_to_expiry=times[:-1, None].copy(), rate=0.0 if carry is None else carry.rate,
        half_spread=0.0, fee=0.0, order_fee=0.0,
    )  # fmt: skip
    premium = -float(np.mean(value[0])) * float(growth[0])
    account = None if carry is None else carry.account(spots, brought)
    return Hedged(spots, variances, position, premium, payoff, account=account)


def hedges_of(book: Hedged, rule: HedgingRule, costs: Costs) -> Array:
    """Whole shares that a rule holds after each step (steps, n), starting from none."""
    return hedges_within(rule.band(book.costing(costs)), book.spot[:-1].shape)


def net_losses(book: Hedged, rule: HedgingRule, costs: Costs) -> Array:
    """What each path lost, costs included, $ for a share's worth of one structure (n,)."""
    return losses_of(book, hedges_of(book, rule, costs), costs)


def losses_of(book: Hedged, hedges: Array, costs: Costs) -> Array:
    """The same where ``hedges`` (steps, n) are held, whole shares."""
    half_spreads, fees = costs.half_spreads(book.spot, book.variance), costs.fees(book.orders(hedges), book.spot)
    value, holding = book.spot, None
    if book.account is not None:
        value, growth, holding = book.account
        half_spreads, fees = growth * half_spreads, growth * fees
    paid = paid_for(hedges, value, half_spreads, holding)
    paid += np.sum(fees, axis=0)
    return np.asarray((paid - book.premium - book.payoff) / (book.structures * OPTION_MULTIPLIER))


def trading_costs(book: Hedged, hedges: Array, costs: Costs) -> Array:
    """What of these losses is spreads and fees (n,), without interest on them."""
    orders = book.orders(hedges)
    spreads = np.sum(np.abs(orders) * costs.half_spreads(book.spot, book.variance), axis=0)
    return np.asarray((spreads + np.sum(costs.fees(orders, book.spot), axis=0)) / (book.structures * OPTION_MULTIPLIER))


def paid_for(hedges: Array, value: Array, unit_costs: Array, holding: Holding | None = None) -> Array:
    """What is paid (n,) for holding ``hedges`` (steps, n) and selling the last ones, costs included.

    What a share is worth, and what trading one costs, are those of each step and of the end, (steps + 1, n).
    """
    traded = np.diff(hedges, axis=0, prepend=0.0)
    ordered = traded if holding is None else traded - holding.brought
    bought = np.sum(traded * value[:-1] + np.abs(ordered) * unit_costs[:-1], axis=0)
    if holding is not None:
        bought += np.sum(np.maximum(-hedges, 0.0) * holding.lending, axis=0)
    return np.asarray(bought - hedges[-1] * value[-1] + np.abs(hedges[-1]) * unit_costs[-1])
