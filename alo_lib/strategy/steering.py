"""What a person asks of the book, and asked before each command, so that the last one can be undone."""

from dataclasses import dataclass, field
from typing import Annotated, Final

from alo_lib.records import HaltCause, Kind, Records

__all__ = ["MOST_COMMANDS", "OF_PERSONS", "Before", "Steering"]

OF_PERSONS: Final = (HaltCause.OPERATOR_REDUCE_ONLY, HaltCause.OPERATOR_FLATTEN, HaltCause.OPERATOR)
"""Causes that stand by a person's word alone."""

MOST_COMMANDS: Final = 100
"""How many commands back a person can go; what came before them is kept in the journal alone."""


@dataclass
class Before:
    """What a command found."""

    asked: set[HaltCause]
    reset: dict[HaltCause, float] = field(default_factory=dict)
    """Halts by losses that the command withdrew, with the equity that each loss was counted from; money."""


@dataclass
class Steering:
    """Follows HALT messages as far as they are a person's. All records of one message are one command."""

    asked: set[HaltCause] = field(default_factory=set)
    """Of OF_PERSONS."""
    before: list[Before] = field(default_factory=list)
    """What each command that stands found, the last one last."""

    def follow(self, rows: Annotated[Records, Kind.HALT]) -> Before | None:
        """Know what a person asks from now on. Returns what the command found that this undoes, if it undoes one."""
        if rows["undo"].any():
            undone = self.before.pop()
            self.asked = set(undone.asked)
            return undone
        told = rows[rows["cause"] != HaltCause.RECONCILIATION]
        if len(told):
            self.before = [*self.before, Before(set(self.asked))][-MOST_COMMANDS:]
            for cause, halted in zip(told["cause"].tolist(), told["halted"].tolist(), strict=True):
                if cause in OF_PERSONS:
                    (self.asked.add if halted else self.asked.discard)(HaltCause(cause))
        return None
