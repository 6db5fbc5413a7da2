"""How far a trade has come since it was opened or undone, and what its fills cost beyond mid at the decision."""

from dataclasses import dataclass, field

import numpy as np

from alo_lib.records import OPTION_MULTIPLIER

__all__ = ["Progress"]


@dataclass
class Progress:
    """Of one trade. A decision to undo, or to shrink, begins frames and mids of the exit anew; costs go on."""

    incomplete_since: int | None  # opened, or a first part of it was seen filled; None once every leg is
    begun: bool = False  # something of it is held
    gave_up: bool = False  # what is not filled is not waited for any more
    shrinking: bool = False  # what is held beyond its structures is being closed
    undoing_since: int | None = None  # the first frame after it was decided
    unclosed_told: bool = False
    frames: int = 0  # that it has been at it: from its opening until it is complete, then from its undoing
    entry_mids: dict[int, float] = field(default_factory=dict)  # by leg, as the decision saw them
    exit_mids: dict[int, float] = field(default_factory=dict)
    cost: float = 0.0  # money: what opening fills cost beyond mid at the decision, with fees
    undo_cost: float = 0.0  # the same of closing fills
    told: tuple[int, int, int] | None = None  # state, structures held, structures wanted

    @property
    def may_enter(self) -> bool:
        """Whether more of it may be opened."""
        return not (self.gave_up or self.shrinking)

    def complete(self) -> None:
        """All that is wanted is held."""
        self.incomplete_since, self.begun, self.gave_up, self.shrinking = None, True, False, False
        self.undoing_since = None

    def undo(self) -> None:
        """It is to be closed, or what is too much of it."""
        self.frames, self.exit_mids, self.undoing_since, self.unclosed_told = 0, {}, None, False

    def pay(self, leg: int, quantity: int, price: float, fee: float, *, opens: bool) -> None:
        """Account for a fill: what it cost beyond mid; NaN from then on where the decision saw none."""
        mid = (self.entry_mids if opens else self.exit_mids).get(leg, np.nan)
        money = quantity * (price - mid) * OPTION_MULTIPLIER + fee
        if opens:
            self.cost += money
        else:
            self.undo_cost += money
