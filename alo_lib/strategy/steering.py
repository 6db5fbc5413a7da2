"""What a person asks of the book and of its limits, and asked before each command, so that the last can be undone."""

from dataclasses import dataclass, field
from typing import Annotated, Final, NamedTuple

import numpy as np

from alo_lib.records import TRANSIENT, HaltCause, Kind, OperatorCommand, Records
from alo_lib.records.spelling import meant, spelled
from alo_lib.settings import LIMITS, Settings, SettingsError

__all__ = ["ASKED", "MOST_COMMANDS", "NO_WAY_BACK", "OF_PERSONS", "Before", "Problem", "Steering", "no_limit"]

OF_PERSONS: Final = (HaltCause.OPERATOR_REDUCE_ONLY, HaltCause.OPERATOR_FLATTEN, HaltCause.OPERATOR)
"""Causes that stand by a person's word alone."""

ASKED: Final = {
    OperatorCommand.PAUSE: frozenset({HaltCause.OPERATOR}),
    OperatorCommand.REDUCE_ONLY: frozenset({HaltCause.OPERATOR_REDUCE_ONLY}),
    OperatorCommand.FLATTEN: frozenset({HaltCause.OPERATOR_FLATTEN}),
    OperatorCommand.RESUME: frozenset[HaltCause](),
}
"""What is asked of the book from a command on."""

NO_WAY_BACK: Final = {
    OperatorCommand.CANCEL_ORDERS: "what was canceled is ordered again only where it is still wanted",
    OperatorCommand.REFIT: "the models before are gone",
}
"""Commands that are not undone, and why."""

MOST_COMMANDS: Final = 100
"""How many commands back a person can go; what came before them is kept in the journal alone."""


class Problem(NamedTuple):
    """Why a command is not let in."""

    field: str  # of its record
    sentence: str


@dataclass
class Before:
    """What a command found."""

    asked: set[HaltCause]
    reset: dict[HaltCause, float] = field(default_factory=dict)
    """Halts by losses that the command withdrew, with the equity that each loss was counted from; money."""
    limits: dict[str, float] = field(default_factory=dict)
    """As :attr:`Steering.limits`."""
    command: OperatorCommand | None = None
    """Which it was; None for one that was told as HALT records."""


@dataclass
class Steering:
    """Follows OPERATOR messages, each of which is one command.

    In journals of schema 9 commands are HALT messages instead.
    """

    asked: set[HaltCause] = field(default_factory=set)
    """Of OF_PERSONS."""
    limits: dict[str, float] = field(default_factory=dict)
    """Limits that a person has set, by the setting's name."""
    before: list[Before] = field(default_factory=list)
    """What each command that stands found, the last one last."""
    last_request: int = 0
    """Number of the last command."""
    _in_force: Annotated[tuple[dict[str, float], Settings, Settings] | None, TRANSIENT] = field(
        default=None, init=False, repr=False, compare=False
    )
    """Limits and settings, and what they come to."""

    def in_force(self, settings: Settings) -> Settings:
        """The settings of a run with the limits that a person has set in it."""
        if not self.limits:
            return settings
        if self._in_force is None or self._in_force[0] != self.limits or self._in_force[1] is not settings:
            self._in_force = dict(self.limits), settings, Settings.of(settings.model_dump(), self.limits)
        return self._in_force[2]

    def take(self, row: np.void) -> Before | None:
        """Know what a person asks from now on, by an OPERATOR record. Returns what the command found that this undoes.

        None for one that undoes nothing.
        """
        command, self.last_request = OperatorCommand(row["command"]), int(row["request"])
        if command is OperatorCommand.UNDO:
            return self._undo()
        if command is OperatorCommand.SNAPSHOT:
            return None
        self._note(command)
        self.asked = set(ASKED.get(command, self.asked))
        if command is OperatorCommand.SET_LIMIT:
            self.limits = {**self.limits, row["limit"].decode(): float(row["value"])}
        return None

    def follow(self, rows: Annotated[Records, Kind.HALT]) -> Before | None:
        """As :meth:`take`, by all records of a HALT message."""
        if rows["undo"].any():
            return self._undo()
        told = rows[rows["cause"] != HaltCause.RECONCILIATION]
        if len(told):
            self._note(None)
            for cause, halted in zip(told["cause"].tolist(), told["halted"].tolist(), strict=True):
                if cause in OF_PERSONS:
                    (self.asked.add if halted else self.asked.discard)(HaltCause(cause))
        return None

    def problem(self, row: np.void, settings: Settings) -> Problem | None:
        """Why an OPERATOR record cannot be a command now, in a run of some settings; None where it can."""
        command = OperatorCommand(row["command"])
        if command is OperatorCommand.STATUS:
            return Problem("command", "it asks alone, and is no input")
        if row["request"] and row["request"] == self.last_request:
            return Problem("request", "it was done already")
        if command is OperatorCommand.UNDO and not self.before:
            return Problem("command", "no command stands that could be undone")
        if command is OperatorCommand.SET_LIMIT and (wrong := _limit_problem(row)):
            return Problem("limit", wrong)
        loosened = self._loosened(row, settings)
        if loosened and not row["confirmed"]:
            return Problem("confirmed", f"it would loosen {' and '.join(loosened)}, and that takes a confirmation")
        return None

    def _loosened(self, row: np.void, settings: Settings) -> list[str]:
        """Limits of which more would be allowed after a command, in words."""
        after = dict(self.limits)
        if row["command"] == OperatorCommand.SET_LIMIT:
            after[row["limit"].decode()] = float(row["value"])
        elif row["command"] == OperatorCommand.UNDO:
            after = self.before[-1].limits
        now, usual = self.in_force(settings), settings
        told = []
        for name in sorted({*self.limits, *after}):
            was, then = getattr(now, name), after.get(name, getattr(usual, name))
            if then > was:
                told.append(f"{spelled(name)} from {was:g} to {then:g}")
        return told

    def _undo(self) -> Before:
        undone = self.before.pop()
        self.asked, self.limits = set(undone.asked), dict(undone.limits)
        return undone

    def _note(self, command: OperatorCommand | None) -> None:
        found = Before(set(self.asked), limits=dict(self.limits), command=command)
        self.before = [*self.before, found][-MOST_COMMANDS:]


def no_limit(text: str) -> str:
    """That a text names no limit, in a sentence; empty where it does."""
    if text in LIMITS:
        return ""
    allowed = [spelled(name) for name in LIMITS]
    name = meant(text, allowed)
    suggested = f"did you mean {name}? Allowed" if name else "allowed"
    return f"no limit is {spelled(text)!r:.60}; {suggested} are {', '.join(allowed)}"


def _limit_problem(row: np.void) -> str:
    name = row["limit"].decode(errors="replace")
    if wrong := no_limit(name):
        return wrong
    try:
        Settings.of({name: float(row["value"])})
    except SettingsError as error:
        return str(error)
    return ""
