"""Modes of the book: what puts it into one, and what brings it back.

Too deep a fall from the highest equity closes the book until a HALT record resets it; the highest then counts from
there. A session that loses too much opens nothing more, and the next one does again: what is held is hedged and ends as
it would, because a loss of a day is often one of quotes, and closing pays their spread. Records of a person's may do
the same at any time, or stop all orders.
"""

import math
from typing import Annotated, Final

from alo_lib.records import BookMode, HaltCause, Kind, OrderReason, Records, Stage
from alo_lib.records.spelling import spelled
from alo_lib.settings import Settings
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = [
    "MEANINGS",
    "begin_day",
    "flatten",
    "follow_losses",
    "halt",
    "halt_on_losses",
    "losses",
    "stopped_by_halt",
]

MEANINGS: Final = {
    HaltCause.RECONCILIATION: "the broker's word does not fit what was sent: no risk is added until it is reconciled",
    HaltCause.DRAWDOWN: "the fall from the highest equity is too deep: everything is closed, nothing opened",
    HaltCause.DAILY_LOSS: "the session has lost too much: nothing is opened until the next one",
    HaltCause.OPERATOR: "halted by a person: nothing is ordered",
    HaltCause.OPERATOR_REDUCE_ONLY: "told by a person: nothing is opened",
    HaltCause.OPERATOR_FLATTEN: "told by a person: everything is closed, nothing opened",
}
"""What people are told of a halt, by its cause."""

_BY_LOSS: Final = {"max_drawdown": HaltCause.DRAWDOWN, "max_daily_loss": HaltCause.DAILY_LOSS}
"""By the setting that limits what may be lost."""


def stopped_by_halt(state: StrategyState) -> tuple[str, str] | None:
    """Which of ENTRY_LIMITS a book's gravest halt is, and what it means; None in its normal mode."""
    if not state.halts:
        return None
    cause = max(state.halts, key=lambda each: (each.mode, -each))
    return next((name for name, of in _BY_LOSS.items() if of is cause), "halt"), MEANINGS[cause]


def losses(state: StrategyState, settings: Settings) -> dict[str, tuple[float, float]]:
    """By the setting, what was lost and what may be: from the highest equity, and since the session before; money."""
    total = equity(state)
    return {
        "max_drawdown": (state.peak_equity - total, settings.max_drawdown * state.peak_equity),
        "max_daily_loss": (state.day_equity - total, settings.max_daily_loss * state.day_equity),
    }


def halt_on_losses(state: StrategyState, settings: Settings) -> None:
    """Halt the book where it has lost more than it may."""
    for name, (lost, allowed) in losses(state, settings).items():
        if lost > allowed and _BY_LOSS[name] not in state.halts:
            state.halts.add(_BY_LOSS[name])
            allows = f"more than the {allowed:.2f} of {spelled(name)}"
            state.notice(_lowest(state), f"{MEANINGS[_BY_LOSS[name]]}; lost are {lost:.2f}, {allows}")


def follow_losses(state: StrategyState, uses: Annotated[Records, Kind.LIMIT]) -> None:
    """Halt a book as its core did, by the losses that this told of it, for who reads a journal and decides nothing."""
    if state.external.decides(Stage.RISK):
        return
    for use in uses[uses["used"] > uses["allowed"]]:
        name = use["limit"].decode()
        if name in _BY_LOSS:
            state.halts.add(_BY_LOSS[name])


def flatten(state: StrategyState) -> list[Trade]:
    """Undo the trades of a book that is to be closed. Returns those that this undid, or hastens."""
    if state.mode is not BookMode.FLATTEN:
        return []
    return [trade for trade in state.trades if trade.undo(OrderReason.EXIT_RISK)]


def begin_day(state: StrategyState) -> None:
    """Count losses of a session from the equity as last measured before it, and forget that the one before lost."""
    state.day_equity = state.last_equity
    if HaltCause.DAILY_LOSS in state.halts:
        halt(state, HaltCause.DAILY_LOSS, halted=False)


def halt(state: StrategyState, cause: HaltCause, *, halted: bool) -> None:
    """Let a cause stand, or stand no longer; told once. What was lost before a reset counts no more."""
    if halted is (cause in state.halts):
        return
    (state.halts.add if halted else state.halts.discard)(cause)
    if not halted and cause is HaltCause.DRAWDOWN:
        state.peak_equity = -math.inf  # until the next measure
    if not halted and cause is HaltCause.DAILY_LOSS:
        state.day_equity = state.last_equity
    words = cause.name.lower().replace("_", " ")
    state.notice(_lowest(state), MEANINGS[cause] if halted else f"{words}: done, risk may be added again")


def _lowest(state: StrategyState) -> int:
    return next(iter(state.underlyings), 0)
