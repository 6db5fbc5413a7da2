"""Modes of the book: what puts it into one, and what brings it back.

Too deep a fall from the highest equity closes the book until a HALT record resets it; the highest then counts from
there. A session that loses too much opens nothing more, and the next one does again: what is held is hedged and ends as
it would, because a loss of a day is often one of quotes, and closing pays their spread. Commands of a person's may do
the same at any time, or stop all orders, and can be undone.
"""

import math
from typing import Annotated, Final

import numpy as np

from alo_lib.records import BookMode, HaltCause, Kind, OrderReason, Records, Stage
from alo_lib.records.spelling import spelled
from alo_lib.settings import Settings
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.steering import OF_PERSONS, Before
from alo_lib.strategy.trade import Trade

__all__ = [
    "MEANINGS",
    "begin_day",
    "flatten",
    "follow_losses",
    "halt",
    "halt_on_losses",
    "halts_by_losses",
    "losses",
    "losses_of",
    "losses_told",
    "restore",
    "stopped_by_halt",
    "take_halts",
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
    return losses_of(equity(state), state.peak_equity, state.day_equity, settings)


def losses_of(total: float, peak: float, day: float, settings: Settings) -> dict[str, tuple[float, float]]:
    """As :func:`losses`, of an equity of ``total`` after its ``peak`` and that of the ``day`` before; money."""
    return {
        "max_drawdown": (peak - total, settings.max_drawdown * peak),
        "max_daily_loss": (day - total, settings.max_daily_loss * day),
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
    state.halts.update(_BY_LOSS[name] for name, (lost, allowed) in losses_told(uses).items() if lost > allowed)


def losses_told(uses: Annotated[Records, Kind.LIMIT]) -> dict[str, tuple[float, float]]:
    """As :func:`losses`, of what a core has told."""
    told = ((use["limit"].decode(), (float(use["used"]), float(use["allowed"]))) for use in uses)
    return {name: use for name, use in told if name in _BY_LOSS}


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
    for each in state.steering.before:
        each.reset.pop(HaltCause.DAILY_LOSS, None)


def take_halts(state: StrategyState, rows: Annotated[Records, Kind.HALT]) -> None:
    """Let causes stand, or stand no longer, as a HALT message says; what a person's found is kept for its undoing."""
    stood = halts_by_losses(state)
    if (undone := state.steering.follow(rows)) is not None:
        restore(state, undone)
        return
    for row in rows[np.argsort(rows["halted"] == 0, kind="stable")]:  # what stands is told first
        halt(state, HaltCause(row["cause"]), halted=bool(row["halted"]))
    if reset := {cause: equity for cause, equity in stood.items() if cause not in state.halts}:
        state.steering.before[-1].reset = reset


def halts_by_losses(state: StrategyState) -> dict[HaltCause, float]:
    """The halts by losses that stand, with the equity that each loss is counted from; money."""
    counted_from = {HaltCause.DRAWDOWN: state.peak_equity, HaltCause.DAILY_LOSS: state.day_equity}
    return {cause: equity for cause, equity in counted_from.items() if cause in state.halts}


def restore(state: StrategyState, found: Before) -> None:
    """Let stand what stood before a command, and count losses from where they were; what is closed stays closed."""
    for cause in sorted(OF_PERSONS, key=lambda each: each not in found.asked):
        halt(state, cause, halted=cause in found.asked)
    for cause in found.reset:
        halt(state, cause, halted=True)
    state.peak_equity = max(state.peak_equity, found.reset.get(HaltCause.DRAWDOWN, -math.inf))
    state.day_equity = found.reset.get(HaltCause.DAILY_LOSS, state.day_equity)


def halt(state: StrategyState, cause: HaltCause, *, halted: bool) -> None:
    """Let a cause stand, or stand no longer; told once. What was lost before a reset counts no more."""
    if halted is (cause in state.halts):
        return
    (state.halts.add if halted else state.halts.discard)(cause)
    if not halted and cause is HaltCause.DRAWDOWN:
        state.peak_equity = -math.inf  # until the next measure
    if not halted and cause is HaltCause.DAILY_LOSS:
        state.day_equity = state.last_equity
    done = f"{cause.words}: done" + ("" if state.halts else ", risk may be added again")
    state.notice(_lowest(state), MEANINGS[cause] if halted else done)


def _lowest(state: StrategyState) -> int:
    return next(iter(state.underlyings), 0)
