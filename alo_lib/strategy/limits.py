"""Limits that no trade may exceed: the one table of them, how much of each is used, and trades cut to their size."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

import numpy as np

from alo_lib.records import BOOK_LIMITS, WHOLE_BOOK, Kind, Records, records
from alo_lib.records.spelling import spelled
from alo_lib.settings import Settings
from alo_lib.strategy.baskets import by_basket, least_size, quantities_at
from alo_lib.strategy.book_risk import EXPIRY_BUCKETS, BookRisk, Holdings, PartRisk, holdings_with, once_closed
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.funnel import count_stops
from alo_lib.strategy.halts import losses, stopped_by_halt
from alo_lib.strategy.state import LimitsTold, StrategyState
from alo_lib.strategy.trade import Trade

__all__ = [
    "LIMITS",
    "Limit",
    "Limits",
    "Review",
    "Use",
    "largest_kept",
    "limits_of",
    "new_uses",
    "review",
    "tell_limit",
]

_SPOT_MOVED: Final = 0.01
"""Share of a spot after whose move what is used is told again, though nothing was traded."""


class Limit(NamedTuple):
    """One limit: its setting, what it is about in a sentence, and what of a book's part it is held against."""

    name: str
    noun: str
    measure: Callable[[PartRisk], float]
    by_underlying: bool = True  # one underlying may use max-underlying-share of it
    by_expiry: bool = False  # expiries of a bucket may use max-expiry-share of it
    counts: bool = False  # a number, not a share of equity
    of_shares: bool = False  # the shares of a hedge may use more of it than the options alone do


LIMITS: Final = (
    Limit("max_vega", "vega a volatility point", lambda risk: abs(risk.vega), by_expiry=True),
    Limit("max_margin", "margin", lambda risk: risk.margin, of_shares=True),
    Limit("max_delta", "dollar delta", lambda risk: abs(risk.delta)),
    Limit("max_gamma", "dollar gamma for 1 %", lambda risk: abs(risk.gamma)),
    Limit("max_theta", "theta a day", lambda risk: abs(risk.theta)),
    Limit("max_notional", "notional", lambda risk: risk.notional),
    Limit("max_stress_loss", "stress loss", lambda risk: risk.stress_loss, of_shares=True),
    Limit("max_gap_loss", "loss by a gap", lambda risk: risk.gap_loss, of_shares=True),
    Limit("max_book_structures", "number of structures", lambda risk: risk.structures, False, counts=True),
)
"""In the order in which they are asked, which is that of BOOK_LIMITS."""
assert tuple(limit.name for limit in LIMITS) == BOOK_LIMITS


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a limit a book, or a part of it, uses; money, or a number."""

    limit: Limit
    used: float  # NaN where it cannot be told, which keeps no limit
    allowed: float
    underlying: int = WHOLE_BOOK
    days: int = WHOLE_BOOK  # at which the bucket of expiries begins

    @property
    def is_kept(self) -> bool:
        """Whether the limit is kept."""
        return self.used <= self.allowed


@dataclass(frozen=True)
class Limits:
    """The limits of a book, and the risk that holdings in it would have."""

    state: StrategyState
    settings: Settings
    risk: BookRisk
    equity: float

    def allowed(self, limit: Limit) -> float:
        """What the whole book may use of a limit."""
        return float(getattr(self.settings, limit.name) * (1.0 if limit.counts else self.equity))

    def uses(self, holdings: Holdings) -> Iterator[Use]:
        """How much of each limit holdings would use: of the book, of each underlying, of each bucket of expiries."""
        whole, by_underlying = self.risk.of_all(holdings)
        by_expiry = {days: self.risk.of_expiry(place, holdings) for place, days in enumerate(EXPIRY_BUCKETS)}
        for limit in LIMITS:
            allowed = self.allowed(limit)
            yield Use(limit, limit.measure(whole), allowed)
            if limit.by_underlying:
                share = self.settings.max_underlying_share * allowed
                yield from (Use(limit, limit.measure(part), share, number) for number, part in by_underlying.items())
            if limit.by_expiry:
                share = self.settings.max_expiry_share * allowed
                yield from (Use(limit, limit.measure(part), share, days=days) for days, part in by_expiry.items())

    def exceeded(self, holdings: Holdings) -> Use | None:
        """The first limit that holdings would not keep."""
        return next((use for use in self.uses(holdings) if not use.is_kept), None)

    def exceeded_by_trades(self, holdings: Holdings) -> Use | None:
        """The first limit that holdings would not keep as they are, else once hedged, else once what ends is closed.

        Hedges and exits are traded whatever limits say, so that these are asked when what they leave is opened: what is
        to be closed offsets nothing for long.
        """
        return self.exceeded(holdings) or self.exceeded(self.risk.hedged(holdings)) or self._exceeded_later(holdings)

    def _exceeded_later(self, holdings: Holdings) -> Use | None:
        later = once_closed(self.state, holdings)
        return None if later is None else self.exceeded(self.risk.hedged(later))

    def sentence(self, use: Use) -> str:
        """A limit that would be exceeded, in words."""
        where = ""
        if use.underlying != WHOLE_BOOK:
            where = f" in {self.state.underlyings[use.underlying].book.ticker}"
        elif use.days != WHOLE_BOOK:
            where = f" from {use.days} days to expiry"
        if np.isnan(use.used):
            return f"{use.limit.noun}{where} cannot be told, as {spelled(use.limit.name)} asks"
        allowed = f"{spelled(use.limit.name)} {self._figure(use, use.allowed)}"
        return f"{use.limit.noun}{where} of {self._figure(use, use.used)} would exceed {allowed}"

    def _figure(self, use: Use, value: float) -> str:
        return f"{value:g}" if use.limit.counts else f"{value / self.equity:.4%} of equity"


class Review(NamedTuple):
    """What becomes of proposals; ``cut`` are those of the accepted ones whose quantity is less than it was."""

    accepted: list[Trade]
    refused: list[Trade]
    cut: list[Trade]


def limits_of(state: StrategyState, settings: Settings, instruments: Iterable[int], time: int) -> Limits:
    """The limits for books of what is held, of the trades' legs, and of ``instruments``."""
    known = {*state.portfolio.held(), *(leg for trade in state.trades for leg in trade.legs), *instruments}
    return Limits(state, settings, BookRisk(state, settings, known, time), equity(state))


def largest_kept(most: int, exceeded: Callable[[int], Use | None]) -> tuple[int, Use | None]:
    """The largest number from 0 to ``most`` that keeps all limits, and which one more of it would not keep.

    Each limit holds for an interval of numbers. Where 0 keeps none the book is beyond a limit already, and a number is
    found only if ``most`` or 1 keeps them all.
    """
    stopped_by = exceeded(most) if most > 0 else None
    if stopped_by is None:
        return most, None
    if most == 1 or (first := exceeded(1)) is not None:
        return 0, stopped_by if most == 1 else first
    low, high = 1, most - 1
    while low < high:
        middle = (low + high + 1) // 2
        use = exceeded(middle)
        if use is None:
            low = middle
        else:
            high, stopped_by = middle - 1, use
    return low, stopped_by


def review(state: StrategyState, settings: Settings, proposals: Sequence[Trade], time: int) -> Review:
    """Let proposals in as far as they keep every limit with those before them; why they do not is told once a session.

    Each is cut to the largest quantity that does, a basket as one; of one that is refused it is counted, each time,
    which limit it was.
    """
    accepted: list[Trade] = []
    refused: list[Trade] = []
    cut: list[Trade] = []
    stops: list[tuple[int, str]] = []
    if not proposals:
        return Review(accepted, refused, cut)
    limits = limits_of(state, settings, {leg for trade in proposals for leg in trade.legs}, time)
    for proposed in by_basket(proposals):
        wanted, first = [trade.quantity for trade in proposed], proposed[0]
        name, problem = _stopped(limits, accepted, proposed)
        if name is not None:
            _take(proposed, wanted)
            refused += proposed
            stops.append((first.underlying, name))
            tell_limit(state, first.underlying, f"not opened, {problem}")
            continue
        accepted += proposed
        less = [trade for trade, before in zip(proposed, wanted, strict=True) if trade.quantity < before]
        if less:
            cut += less
            was, now = ("/".join(map(str, each)) for each in (wanted, [trade.quantity for trade in proposed]))
            tell_limit(state, first.underlying, f"cut from {was} to {now}, {problem}")
    count_stops(state, stops)
    return Review(accepted, refused, cut)


def _stopped(limits: Limits, before: list[Trade], proposed: list[Trade]) -> tuple[str | None, str]:
    """Cut what is proposed as one to the limits. What stops all of it, or None; what stops all or the rest, in words.

    Sizes count from the smallest that has a structure of each trade.
    """
    state, wanted = limits.state, [trade.quantity for trade in proposed]
    if (halted := stopped_by_halt(state)) is not None:
        return halted
    below = least_size(wanted) - 1

    def exceeded(size: int) -> Use | None:
        _take(proposed, quantities_at(below + size, wanted))
        return limits.exceeded_by_trades(holdings_with(state, [*before, *proposed]))

    size, use = largest_kept(max(wanted) - below, exceeded)
    _take(proposed, quantities_at(below + size, wanted))
    if use is None:
        return None, ""
    return None if size else use.limit.name, limits.sentence(use)


def _take(trades: Sequence[Trade], quantities: Sequence[int]) -> None:
    for trade, quantity in zip(trades, quantities, strict=True):
        trade.quantity = quantity


# What is told -------------------------------------------------------------------------------------------------------


def new_uses(state: StrategyState, settings: Settings, time: int) -> Annotated[Records, Kind.LIMIT]:
    """What the book uses of its limits, where it is another than when it was last told.

    That is when contracts or shares were traded, a spot has moved by 1 % beside contracts, a halt came or went, or a
    person set a limit; of a book without contracts it is told once.
    """
    held = dict(state.holdings)
    spots = {number: each.book.known_spot for number, each in state.underlyings.items()}
    told, halts = state.limits_told, set(state.halts)
    far = any(abs(spot - told.spots.get(n, 0.0)) > _SPOT_MOVED * spot for n, spot in spots.items())
    moved = far and bool(held.keys() - state.underlyings)
    limits_set = dict(state.steering.limits)
    if held == told.held and halts == told.halts and limits_set == told.limits and not moved:
        return records(Kind.LIMIT, 0)
    state.limits_told = LimitsTold(held, spots, halts, limits_set)
    limits = limits_of(state, settings, (), time)
    uses = limits.uses(Holdings(state.holdings, holdings_with(state, ()).structures))
    rows = [(use.limit.name.encode(), use.underlying, use.days, use.used, use.allowed) for use in uses]
    rows += [(name.encode(), WHOLE_BOOK, WHOLE_BOOK, *lost) for name, lost in losses(state, settings).items()]
    return np.array(rows, records(Kind.LIMIT, 0).dtype)


def tell_limit(state: StrategyState, number: int, problem: str) -> None:
    """Tell why nothing more, or less, is opened in an underlying, once a session."""
    underlying = state.underlyings[number]
    if state.session is not None and underlying.limit_told_on != state.session.day:
        underlying.limit_told_on = state.session.day
        state.notice(number, f"{underlying.book.ticker}: {problem}")
