"""A trade: the legs of a structure, bought or sold together, from its first order to its last fill."""

import math
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Annotated, Final

from alo_lib.records import OPTION_MULTIPLIER, Kind, OrderReason, Records, records
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.progress import Progress

__all__ = ["PATIENT_EXITS", "Trade", "TradeView"]

PATIENT_EXITS: Final = (OrderReason.EXIT_EDGE, OrderReason.EXIT_TIME)
"""Reasons to end a trade that leave time to wait for a better price; all others are graver."""


@dataclass(frozen=True, slots=True)
class TradeView:
    """What the market says of an open trade; NaN where it cannot tell. Volatilities are annualized decimals."""

    result: float  # money, hedge included
    remaining_edge: float  # at mid, before costs, over gross vega, as volatility: what is still to be gained
    remaining_gain: float  # the same as money per structure
    implied_volatility: float  # mean of those at which its legs are held
    forecast_volatility: float  # until the nearest expiry
    short_call_strike: float  # lowest of the calls it is short; infinite without one
    exercise_gain: float = -math.inf  # of a call it holds, over keeping it past the next ex-date; the most
    vega: float = math.nan  # gross, of one structure at the forecast, money per 1.00 of volatility


@dataclass
class Trade:
    """A command on the portfolio: :meth:`wanted` while executed, flat once undone, :meth:`result` at any time.

    How it is carried out, and what becomes of it half executed, is in :mod:`alo_lib.strategy.commands`.

    No two trades share a leg, so what the portfolio holds in a leg belongs to the trade.
    """

    underlying: int
    structure: str  # its name
    legs: tuple[int, ...]  # option contracts
    ratios: tuple[int, ...]  # signed contracts of each leg in one structure bought
    expiries: tuple[int, ...]  # of each leg
    direction: int  # +1 bought, -1 sold
    quantity: int  # structures wanted, fewer once it was cut
    opened_at: int
    undone_by: OrderReason | None = None
    settled_by: OrderReason | None = None
    seen: TradeView | None = None  # the last view of it until it was undone, so that on which it was
    number: int = 0  # from 1 once it is opened
    basket: int = 0  # of those opened and closed as one (alo_lib.strategy.baskets), from 1; 0 for a trade by itself
    signal: Annotated[Records, Kind.SIGNAL] = field(
        default_factory=lambda: records(Kind.SIGNAL), repr=False, compare=False
    )
    """What it was opened on, one record."""
    premium: float = field(default=0.0, init=False)  # money that entry paid (+) or received (-)
    gross_premium: float = field(default=0.0, init=False)  # the same, what was received counted as what was paid
    proceeds: float = field(default=0.0, init=False)  # money that exit received (+) or paid (-)
    hedge_result: float = field(default=0.0, init=False)  # what a continuous hedge at the held deltas would have made
    progress: Progress = field(init=False)
    _hedged_delta: float = field(default=0.0, init=False)
    _hedged_spot: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.progress = Progress(self.opened_at)

    @property
    def expiry(self) -> int:
        """The nearest of its legs, by which it is closed."""
        return min(self.expiries)

    @property
    def signed_ratios(self) -> tuple[int, ...]:
        """Signed contracts of each leg in one structure on the trade's side: above zero for those it is long."""
        return tuple(self.direction * ratio for ratio in self.ratios)

    @property
    def unit(self) -> dict[int, int]:
        """The same by leg: what one structure is made of as it is opened, bought positive, sold negative."""
        return dict(zip(self.legs, self.signed_ratios, strict=True))

    def wanted(self, leg: int) -> int:
        """Signed quantity wanted of one of its legs."""
        return 0 if self.undone_by is not None else self.quantity * self._signed_ratio(leg)

    def expiry_of(self, leg: int) -> int:
        """When one of its legs expires."""
        return self.expiries[self.legs.index(leg)]

    @property
    def reason(self) -> OrderReason:
        """Why its orders are sent now."""
        if self.undone_by is not None:
            return self.undone_by
        return OrderReason.REBALANCE if self.progress.shrinking else OrderReason.ENTRY

    @property
    def ended_by(self) -> OrderReason:
        """Why it ended: a settlement is why, whatever the trade was to be closed for."""
        return self.reason if self.settled_by is None else self.settled_by

    def settle(self, reason: OrderReason) -> None:
        """Take note that a leg was settled; the first settlement stays."""
        if self.settled_by is None:
            self.settled_by = reason

    @property
    def may_get_graver(self) -> bool:
        """Whether a reason to undo it may still count: it is not undone, or for one that leaves time."""
        return self.undone_by is None or self.undone_by in PATIENT_EXITS

    def undo(self, reason: OrderReason) -> bool:
        """Want nothing any more. Returns whether ``reason`` is why.

        The first reason stays, but one that leaves time makes way for one that does not.
        """
        if not self.may_get_graver or (self.undone_by is not None and reason in PATIENT_EXITS):
            return False
        if self.undone_by is None:
            self.progress.undo()
        self.undone_by = reason
        return True

    def shrink(self, quantity: int) -> None:
        """Want so many structures from now on, and close what is held beyond."""
        self.quantity = quantity
        self.progress.shrinking = True
        self.progress.undo()

    def opens(self, leg: int, quantity: int) -> bool:
        """Whether a fill of a signed quantity of a leg is of the trade's own side, and not back."""
        return quantity * self._signed_ratio(leg) > 0

    def fill(self, leg: int, quantity: int, price: float) -> None:
        """Account for a fill in one of its legs."""
        money = quantity * price * OPTION_MULTIPLIER
        if self.opens(leg, quantity):
            self.premium += money
            self.gross_premium += abs(money)
        else:
            self.proceeds -= money

    def follow(self, spot: float, delta: float) -> None:
        """Account for the hedge up to now, and for the delta (shares) hedged from now on."""
        if self._hedged_spot is not None:
            self.hedge_result -= self._hedged_delta * (spot - self._hedged_spot)
        self._hedged_spot, self._hedged_delta = spot, delta

    def result(self, held_value: float) -> float:
        """Profit so far, hedge included, when what is held of its legs is worth ``held_value``."""
        return held_value + self.proceeds - self.premium + self.hedge_result

    def finished(self, portfolio: Portfolio, working: Container[int] = ()) -> bool:
        """Whether it was undone and nothing of it is left, neither held nor in an order still working."""
        return self.undone_by is not None and not any(portfolio.quantity(leg) or leg in working for leg in self.legs)

    def _signed_ratio(self, leg: int) -> int:
        return self.direction * self.ratios[self.legs.index(leg)]
