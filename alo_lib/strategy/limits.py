"""Limits that no trade may exceed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from alo_lib.numerics.fixed_order import dot
from alo_lib.records import OPTION_MULTIPLIER, HaltCause, OrderReason
from alo_lib.settings import Settings
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.funnel import count_stops
from alo_lib.strategy.margin import trade_margin
from alo_lib.strategy.sizing import VOLATILITY_POINT
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = [
    "BookRisk",
    "ExceededLimit",
    "drawdown_exceeded",
    "exceeded_limit",
    "halt",
    "halt_on_drawdown",
    "review",
    "risk_with",
]

HALTED: Final = {
    HaltCause.RECONCILIATION: "the broker's word does not fit what was sent: no risk is added until it is reconciled",
}
"""What people are told of a halt, by its cause."""

_SHARE_MARGIN: Final = 0.5
"""Share of their value that shares tie up, long or short: Regulation T."""


@dataclass(frozen=True, slots=True)
class BookRisk:
    """Totals over all underlyings, money."""

    vega: float  # per 1.00 of volatility
    margin: float
    equity: float


class ExceededLimit(NamedTuple):
    """A limit that is not kept."""

    limit: str  # one of ENTRY_LIMITS
    problem: str  # in one sentence


def exceeded_limit(book: BookRisk, settings: Settings) -> ExceededLimit | None:
    """Which limit the book would exceed; None when it keeps them all."""
    points = abs(book.vega) * VOLATILITY_POINT / book.equity
    if points > settings.max_vega:
        problem = f"vega of {points:.4%} of equity a volatility point would exceed max-vega {settings.max_vega:.4%}"
        return ExceededLimit("max_vega", problem)
    if book.margin > settings.max_margin * book.equity:
        share = book.margin / book.equity
        problem = f"margin of {share:.1%} of equity would exceed max-margin {settings.max_margin:.1%}"
        return ExceededLimit("max_margin", problem)
    return None


def drawdown_exceeded(equity: float, peak: float, settings: Settings) -> bool:
    """Whether equity has fallen from its peak by more than is allowed."""
    return equity < peak * (1.0 - settings.max_drawdown)


def halt_on_drawdown(state: StrategyState, settings: Settings) -> list[Trade]:
    """Halt the book for good, and undo its trades, once equity has fallen too far. Returns the trades undone by it."""
    total = equity(state)
    if state.halted or not drawdown_exceeded(total, state.peak_equity, settings):
        return []
    state.halted = True
    for trade in state.trades:
        trade.undo(OrderReason.EXIT_RISK)
    lowest = next(iter(state.underlyings))
    state.notice(lowest, f"equity {total:.2f} is below the allowed drawdown: everything is closed, nothing opened")
    return list(state.trades)


def halt(state: StrategyState, cause: HaltCause, *, halted: bool) -> None:
    """Order nothing that adds risk from now on while a cause stands, or let it stand no longer; told once."""
    if halted is (cause in state.halts):
        return
    (state.halts.add if halted else state.halts.discard)(cause)
    lowest = next(iter(state.underlyings), 0)
    state.notice(lowest, HALTED[cause] if halted else f"{cause.name.lower()}: done, risk may be added again")


def review(state: StrategyState, settings: Settings, proposals: Iterable[Trade]) -> tuple[list[Trade], list[Trade]]:
    """Proposals that keep every limit with those before them, and those that do not; why is told once a session.

    Which limit it was is counted, each time.
    """
    accepted: list[Trade] = []
    refused: list[Trade] = []
    stops: list[tuple[int, str]] = []
    for proposal in proposals:
        if state.halted:
            exceeded: ExceededLimit | None = ExceededLimit("max_drawdown", "the book is halted")
        else:
            exceeded = exceeded_limit(risk_with(state, settings, [*accepted, proposal]), settings)
        if exceeded is None and state.halts:
            exceeded = ExceededLimit("halt", HALTED[min(state.halts)])
        if exceeded is None:
            accepted.append(proposal)
            continue
        refused.append(proposal)
        stops.append((proposal.underlying, exceeded.limit))
        _tell_limit(state, proposal.underlying, exceeded.problem)
    count_stops(state, stops)
    return accepted, refused


def risk_with(state: StrategyState, settings: Settings, proposals: list[Trade]) -> BookRisk:
    """Risk of the book once all that is wanted, and ``proposals``, are held."""
    vega = float(sum(underlying.exposure["vega"][0] for underlying in state.underlyings.values()))
    vega += sum(_vega_to_come(state, trade) for trade in state.trades + proposals)
    margin = 0.0
    for number, underlying in state.underlyings.items():
        spot = max(underlying.exposure["spot"][0], 0.0)
        margin += _SHARE_MARGIN * abs(state.portfolio.quantity(number)) * spot
        for trade in state.trades_in(number) + [p for p in proposals if p.underlying == number]:
            margin += trade_margin(trade, underlying.book, settings)
    return BookRisk(vega, margin, equity(state))


def _vega_to_come(state: StrategyState, trade: Trade) -> float:
    """Vega of what a trade wants and does not hold yet."""
    underlying = state.underlyings[trade.underlying]
    if underlying.valuation is None or trade.undone_by is not None:
        return 0.0
    legs = [leg for leg in trade.legs if underlying.book.lists(leg)]
    missing = np.array([trade.wanted(leg) - state.portfolio.quantity(leg) for leg in legs], np.float64)
    rows = [underlying.book.row(leg) for leg in legs]
    return dot(missing, underlying.valuation.at_forecast.vega[rows]) * OPTION_MULTIPLIER


def _tell_limit(state: StrategyState, number: int, problem: str) -> None:
    """Tell why nothing more is opened in an underlying, once a session."""
    underlying = state.underlyings[number]
    if state.session is not None and underlying.limit_told_on != state.session.day:
        underlying.limit_told_on = state.session.day
        state.notice(number, f"{underlying.book.ticker}: not opened, {problem}")
