"""What a person's command does to the book: modes, limits, orders, models. What each came to is told in a notice."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Final

import numpy as np

from alo_lib.records import HaltCause, Kind, Message, OperatorCommand, Session
from alo_lib.records.spelling import spelled
from alo_lib.settings import LIMITS, Settings
from alo_lib.strategy.exposure import equity
from alo_lib.strategy.halts import begin_day, halt, halts_by_losses, losses_of, restore, take_halts
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.steering import ASKED, NO_WAY_BACK, OF_PERSONS

__all__ = ["halts_ahead", "losses_ahead", "take_command"]


_TELLING: Final = (Kind.HALT, Kind.OPERATOR, Kind.SESSION)
"""Kinds of messages by which halts come and go."""


def take_command(state: StrategyState, row: np.void, settings: Settings) -> None:
    """Do what an OPERATOR record asks, in a run of some settings. What it found is kept for its undoing."""
    command, told = OperatorCommand(row["command"]), len(state.notices)
    stood = halts_by_losses(state)
    limits = state.steering.in_force(settings)
    undone = state.steering.take(row)
    if undone is not None:
        restore(state, undone)
        _tell(state, _undoing(undone.command))
    elif command in ASKED:
        for cause in sorted(OF_PERSONS, key=lambda each: each not in ASKED[command]):  # what stands is told first
            halt(state, cause, halted=cause in ASKED[command])
    elif command is OperatorCommand.RESET_HALT:
        for cause in stood:
            halt(state, cause, halted=False)
        state.steering.before[-1].reset = stood
    elif command is OperatorCommand.CANCEL_ORDERS:
        state.cancel_asked = True
        count = sum(map(state.leads, state.working))
        _tell(state, f"{count} order{' that works is' if count == 1 else 's that work are'} to be canceled")
    elif command is OperatorCommand.REFIT:
        for underlying in state.underlyings.values():
            underlying.refit_asked = True
        _tell(state, "models are fitted again")
    elif command is OperatorCommand.SNAPSHOT:
        _tell(state, "the state is kept")
    _tell_limits(state, limits, state.steering.in_force(settings))
    if len(state.notices) == told:
        _tell(state, "it was so already")
    for place in range(told, len(state.notices)):
        number, text = state.notices[place]
        state.notices[place] = number, f"{command.word}: {text}"


def halts_ahead(state: StrategyState, settings: Settings, waiting: Iterable[Message]) -> set[HaltCause]:
    """Halts that stand once messages that no frame has taken in are, as far as these tell of them."""
    telling = [message for message in waiting if message.kind in _TELLING]
    return _ahead(state, settings, telling).halts if telling else set(state.halts)


def losses_ahead(
    state: StrategyState, settings: Settings, waiting: Iterable[Message]
) -> dict[str, tuple[float, float]]:
    """As :func:`~alo_lib.strategy.halts.losses`, once such messages are taken in; nothing is lost before a reset."""
    after, total = _ahead(state, settings, waiting), equity(state)
    return losses_of(total, max(after.peak_equity, total), after.day_equity, after.steering.in_force(settings))


def _ahead(state: StrategyState, settings: Settings, waiting: Iterable[Message]) -> StrategyState:
    """Another state, which knows of halts alone and has taken messages in."""
    after = StrategyState(portfolio=Portfolio(0.0), session=state.session, halts=set(state.halts))
    after.steering = deepcopy(state.steering)
    after.peak_equity, after.day_equity, after.last_equity = state.peak_equity, state.day_equity, state.last_equity
    for message in waiting:
        if message.kind is Kind.HALT:
            take_halts(after, message.records)
        elif message.kind is Kind.OPERATOR:
            take_command(after, message.records[0], settings)
        elif message.kind is Kind.SESSION:
            before, after.session = after.session, Session.of_record(message.records[0])
            if before is None or before.day != after.session.day:
                begin_day(after)
    return after


def _undoing(command: OperatorCommand | None) -> str:
    if command in NO_WAY_BACK:
        return f"{command.word} cannot be undone: {NO_WAY_BACK[command]}"
    return f"{'the last command' if command is None else command.word} is undone"


def _tell_limits(state: StrategyState, before: Settings, after: Settings) -> None:
    for name in LIMITS:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            _tell(state, f"{spelled(name)} is {now:g} from now on; it was {was:g}")


def _tell(state: StrategyState, text: str) -> None:
    state.notice(next(iter(state.underlyings), 0), text)
