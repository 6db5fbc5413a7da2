"""Watching for jumps: each close is judged by those before it; models that do not know of a jump are not traded on.

What a dated event does to the price is none, unless it is as far as a jump.

See :mod:`alo_lib.volatility.jumps` for what a jump is, and what is done with one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.volatility import log_returns
from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.jumps import YOUNG, Day, judge_days, jumps_of

__all__ = ["JumpWatch"]

_JUDGED: Final = 272
"""Earlier returns by which a new one is judged: a year and a month, all that tell what is usual but after halts."""


@dataclass(eq=False)
class JumpWatch(ByContent):
    """Counts of one underlying's daily closes, from 1: at which the price jumped, and up to which models know."""

    count: int = 0
    last: float = 0.0  # the last of them; 0 before the first
    returns: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))  # up to it, as many as judge the next
    held_event: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))  # whether each of them did
    jumped: bool = False  # at the last close, and no later one has confirmed it or taken it back
    level: int = 0  # the close that began the last level; 0 where none is known to have begun
    earlier_level: int = 0  # the same before that one, which counts again if the next close takes a print back
    decisive: int = 0  # the last close that the models in force at it could not know of
    asked: int = 0  # the last close of the last request
    known: int = 0  # the last close of the request that made the models in force

    @property
    def unsettled(self) -> bool:
        """Whether the models in force do not know of a jump, or nobody knows whether the last close is one."""
        return self.jumped or self.decisive > self.known

    @property
    def due(self) -> bool:
        """Whether models should be fitted for a jump's sake: it is not known to them, or the level has few days."""
        young = self.level > 0 and self.count - self.level <= YOUNG
        return self.decisive > self.known or (young and self.count > self.known)

    def follow(self, closes: Sequence[float], held_event: Sequence[bool]) -> tuple[list[Day], list[str]]:
        """What each of the next ``closes`` is, and a sentence for each jump that they make or decide."""
        count, first = len(closes), self.last == 0.0
        fresh = log_returns(closes if first else [self.last, *closes]) if count > first else np.empty(0)
        self.last = closes[-1]
        self.returns = np.concatenate([self.returns, fresh])[-(count + _JUDGED) :]
        held = np.array(held_event[count - fresh.size :], np.bool_)
        self.held_event = np.concatenate([self.held_event, held])[-(count + _JUDGED) :]
        kinds, scales = judge_days(self.returns, self.held_event)
        days = [Day(kind) for kind in kinds[kinds.size - fresh.size :].tolist()]
        if first:
            days.insert(0, Day.USUAL)
        found = [
            jump
            for jump in (jumps_of(self.returns, kinds, scales) if np.any(kinds) else ())
            if jump.day >= kinds.size - fresh.size - 1
        ]
        if self.jumped and kinds[kinds.size - fresh.size - 1] == Day.PRINT:
            self.level = self.earlier_level
        for begun in (self.count + n + 1 for n, day in enumerate(days) if day is Day.LEVEL):
            self.earlier_level, self.level = self.level, begun
        self.count += count
        self.jumped = days[-1] is Day.LEVEL
        if found:
            self.decisive = self.count
        return days, [str(jump) for jump in found]

    def refuse(self) -> None:
        """The models in force cannot bear what was followed last."""
        self.decisive = self.count

    def ask(self) -> None:
        """Models are asked for that know all that was followed."""
        self.asked = self.count

    def install(self) -> None:
        """The models that were asked for last are in force."""
        self.known = self.asked
