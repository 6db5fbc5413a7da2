"""What is known of where profit came from, and the arithmetic that splits it; docs/attribution.md has the formulas."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import Greeks
from alo_lib.records import OPTION_MULTIPLIER, PROFIT_PARTS, YEAR
from alo_lib.strategy.book import Ahead
from alo_lib.strategy.valuation import LegMarket

__all__ = [
    "Causes",
    "Delivery",
    "HeldLeg",
    "LegFill",
    "LegMark",
    "Parts",
    "Revalue",
    "ShareFill",
    "TradeProfit",
    "UnderlyingProfit",
    "along_line",
    "explain_leg",
    "explain_shares",
    "gone_ex",
    "leg_marks",
]

_REST_SHARE: Final = 0.01
_REST: Final = 1e-4
"""What the greeks of a step's ends may leave: a share of what they tell; money a share, a cent a contract."""


@dataclass(slots=True)
class Parts:
    """Profit by where it came from, money; the sum is the profit. Fields as :data:`~alo_lib.records.PROFIT_PARTS`."""

    spread: float = 0.0
    delta: float = 0.0
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0
    rho: float = 0.0
    epsilon: float = 0.0
    dividends: float = 0.0
    slippage: float = 0.0
    fees: float = 0.0
    interest: float = 0.0
    borrow: float = 0.0
    settlement: float = 0.0
    actions: float = 0.0
    unexplained: float = 0.0

    @property
    def values(self) -> tuple[float, ...]:
        """All parts, in the order of :data:`~alo_lib.records.PROFIT_PARTS`."""
        return tuple(getattr(self, name) for name in PROFIT_PARTS)


class LegMark(NamedTuple):
    """A contract and its market as they were measured; mark and greeks a share, greeks in the order of Greeks."""

    time: int
    spot: float
    mark: float
    implied: float  # at which the greeks are taken
    rate: float
    dividend_yield: float  # beside the dividends ahead
    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float
    epsilon: float
    vanna: float
    volga: float
    charm: float
    ahead: Ahead = ()


class HeldLeg(NamedTuple):
    """A contract that was held when last measured."""

    trade: int
    quantity: int
    mark: LegMark | None  # None where it could not be measured: equity then counts nothing for it


class LegFill(NamedTuple):
    """A fill of a contract since the last measure."""

    trade: int
    instrument: int
    quantity: int
    price: float
    settles: bool  # by exercise, assignment or expiry
    time: int
    market: LegMarket  # that was known when it was booked
    taken_over: bool = False  # at a price of before anybody followed it: what it made since then has no known cause


class ShareFill(NamedTuple):
    """A fill of shares since the last measure, by the trades that it was for, and the spot that was known then."""

    shares: dict[int, float]
    price: float
    settles: bool  # delivered by an option
    time: int | None  # None where the spot of the fill counts whatever has been told since
    spot: float


class Delivery(NamedTuple):
    """Shares that an exercised option is about to deliver at its strike."""

    trade: int
    shares: int
    strike: float


@dataclass
class TradeProfit:
    """The profit of one trade, and the part of its underlying's shares that hedges it."""

    number: int
    parts: Parts = field(default_factory=Parts)
    shares: float = 0.0
    hedges: int = 0  # fills of shares that it had part in
    share_fees: float = 0.0  # of its part ``fees``, those of shares
    delta: float = 0.0  # of its options as last measured, in shares
    contracts: int = 0  # held when last measured, long and short alike
    changed: bool = False  # since it was last told


@dataclass
class UnderlyingProfit:
    """The profit of one underlying by trade; trade 0 is what is outside of all trades."""

    trades: dict[int, TradeProfit] = field(default_factory=lambda: {0: TradeProfit(0)})  # open ones, by number
    ended: list[TradeProfit] = field(default_factory=list)  # to be told for the last time
    spot: float = 0.0  # at the last measure; 0 where none was known
    legs: dict[int, HeldLeg] = field(default_factory=dict)
    leg_fills: list[LegFill] = field(default_factory=list)
    share_fills: list[ShareFill] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    unhedged: bool = False  # trades came or went, and no fill of shares has followed
    untold: bool = False  # what is held has changed since its positions were told

    def trade(self, number: int) -> TradeProfit:
        """The profit of a trade, which is begun where there is none yet."""
        return self.trades.setdefault(number, TradeProfit(number))

    def hedge_shares(self, total: float) -> dict[int, float]:
        """Whose the ``total`` shares are: those against each trade's delta, and of the rest a part by its contracts.

        Deltas are those of the last measure, by which the hedge was sized. Without options all belong to trade 0.
        """
        holding = [trade for trade in self.trades.values() if trade.contracts]
        contracts = sum(trade.contracts for trade in holding)
        rest = total + math.fsum(trade.delta for trade in holding)
        shares = dict.fromkeys(self.trades, 0.0)
        shares |= {trade.number: rest * trade.contracts / contracts - trade.delta for trade in holding}
        if not holding:
            shares[0] = total
        return shares

    def cross(self, total: float) -> None:
        """Divide the shares anew; what trades hand each other goes at the spot and makes no profit."""
        for number, shares in self.hedge_shares(total).items():
            if shares != self.trades[number].shares:
                self.trades[number].shares, self.trades[number].changed = shares, True


def leg_marks(
    time: int,
    market: LegMarket,
    marks: NDArray[np.float64],
    implied: NDArray[np.float64],
    greeks: Greeks,
    dividend_yields: NDArray[np.float64] | None = None,
    rates: float | NDArray[np.float64] | None = None,
) -> list[LegMark]:
    """What n contracts are, measured: arrays (n,), in a market; ``dividend_yields`` and ``rates`` may be each one's.

    A greek that is not finite, as at expiry, counts as 0; a mark that is missing is what the contract is worth.
    """
    marks = np.where(np.isfinite(marks), marks, greeks.price)
    table = np.array(greeks[1:])
    rows = np.where(np.isfinite(table), table, 0.0).T.tolist()
    yields = np.broadcast_to(market.dividend_yield if dividend_yields is None else dividend_yields, marks.shape)
    own = np.broadcast_to(market.rate if rates is None else rates, marks.shape)
    return [
        LegMark(time, market.spot, mark, volatility, rate, dividend_yield, *row)._replace(ahead=market.ahead)
        for mark, volatility, rate, dividend_yield, row in zip(
            marks.tolist(), implied.tolist(), own.tolist(), yields.tolist(), rows, strict=True
        )
    ]


class Causes(NamedTuple):
    """What a share's worth of an option gained between two measures, by cause."""

    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float
    epsilon: float  # moves of what dividends are expected
    dividends: float  # of the spot's fall, what was one that went ex
    rest: float

    @property
    def is_explained(self) -> bool:
        """Whether the rest is no more than a hundredth of what the causes made together, or of a cent."""
        return abs(self.rest) <= max(_REST_SHARE * math.fsum(map(abs, self[:-1])), _REST)


Revalue = Callable[[LegMark, LegMark], Causes | None]
"""Splits a step by pricing the contract anew along it; None where it has no price there."""


def explain_leg(
    parts: Parts,
    quantity: int,
    start: LegMark | None,
    end: LegMark | None,
    revalue: Revalue | None = None,
    passing: float = 0.0,
) -> None:
    """Add what ``quantity`` contracts gained between two measures, in money, by its causes.

    They are told by the greeks of both ends (:func:`along_line`); where that leaves more than it may, by ``revalue``.
    Where either measure is missing all is unexplained. ``passing`` is how far implied volatility moves from the one to
    the other by the passing of variance time alone: what that makes is theta's, not vega's.
    """
    units = float(quantity * OPTION_MULTIPLIER)
    if start is None or end is None:
        parts.unexplained += units * ((0.0 if end is None else end.mark) - (0.0 if start is None else start.mark))
        return
    causes = along_line(start, end)
    if revalue is not None and not causes.is_explained:
        causes = revalue(start, end) or causes
    by_clock = 0.5 * (start.vega + end.vega) * passing
    parts.delta += units * causes.delta
    parts.gamma += units * causes.gamma
    parts.vega += units * (causes.vega - by_clock)
    parts.theta += units * (causes.theta + by_clock)
    parts.rho += units * causes.rho
    parts.epsilon += units * causes.epsilon
    parts.dividends += units * causes.dividends
    parts.unexplained += units * causes.rest


def along_line(start: LegMark, end: LegMark) -> Causes:
    """The causes of a step by the greeks of its ends.

    The gradient is integrated along a line by the trapezoid rule with the end correction of Euler and Maclaurin, so
    what is left is of fifth order in the moves of spot and volatility. The delta part is the start's delta times the
    move, the gamma part what delta gained on the way; what vega and theta gain with the spot, which vanna and charm
    tell, is theirs. What was expected to go ex on the way takes from the spot what the option has no share in: the spot
    moves as far as it would have with it, and delta times what it fell by is the dividends'.
    """
    gone = gone_ex(start, end)
    move, turn = end.spot + gone - start.spot, end.implied - start.implied
    if math.isnan(turn):  # no volatility was known at one of them
        turn = 0.0
    years = (end.time - start.time) / YEAR
    with_volatility = 0.25 * (start.vanna + end.vanna) * move * turn
    with_time = 0.25 * (start.charm + end.charm) * move * years
    vanna, charm = end.vanna - start.vanna, end.charm - start.charm
    delta, dividends = start.delta * (end.spot - start.spot), start.delta * gone
    gamma = 0.5 * (end.delta - start.delta) * move - with_volatility - with_time
    gamma -= (end.gamma - start.gamma) * move * move / 12.0
    vega = 0.5 * (start.vega + end.vega) * turn + with_volatility
    vega -= (2.0 * vanna * move + (end.volga - start.volga) * turn) * turn / 12.0
    theta = 0.5 * (start.theta + end.theta) * years + with_time - charm * move * years / 6.0
    rho = 0.5 * (start.rho + end.rho) * (end.rate - start.rate)
    epsilon = 0.5 * (start.epsilon + end.epsilon) * (end.dividend_yield - start.dividend_yield)
    rest = end.mark - start.mark - delta - gamma - vega - theta - rho - epsilon - dividends
    return Causes(delta, gamma, vega, theta, rho, epsilon, dividends, rest)


def gone_ex(start: LegMark, end: LegMark) -> float:
    """What went ex between two measures of what was expected at the first, a share."""
    return math.fsum(amount for ex_time, amount in start.ahead if start.time < ex_time <= end.time)


def explain_shares(parts: Parts, shares: float, start: float, end: float) -> None:
    """Add what shares gained between two spots; a spot of 0 is an unknown one, at which equity counts nothing."""
    if start > 0.0 and end > 0.0:
        parts.delta += shares * (end - start)
    else:
        parts.unexplained += shares * (end - start)
