"""What a structure is: one to four option legs in whole ratios, and how they are found and let go."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import MAX_LEGS, MAX_RATIO, STRUCTURE_NAME
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook

__all__ = ["Closing", "Finding", "Forming", "HeldContract", "Structure"]

Rows = NDArray[np.intp]

Finding = Callable[[MarketBook, NDArray[np.bool_], NDArray[np.float64], Settings], Rows]
"""From a book, the rows of its chain that may be a leg and the delta of each row, to the candidates: their rows (n, k),
one column a leg. It has an answer for any chain, an empty one too."""


class HeldContract(NamedTuple):
    """A contract that is held."""

    number: int
    right: int  # +1 call, -1 put
    strike: float
    expiry: int  # ns UTC
    quantity: int  # signed, not 0


Forming = Callable[[Sequence[HeldContract]], bool]
"""From contracts in the order of the ratios, each held to the side and as often as these say, to whether their rights,
strikes and expiries are the structure's: by it one that is held already is known, whatever found it."""

Closing = Callable[[MarketBook, Sequence[int], float, Settings, int], bool]
"""From a book, the legs held (each listed), the forecast volatility to the nearest expiry (NaN where there is none),
the settings and the time, to whether the structure is to be closed now."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure that can be traded, bought or sold.

    :raises ValueError: for a name or ratios that no record has a place for.
    """

    name: str  # ASCII
    ratios: tuple[int, ...]
    """Signed contracts of each leg when it is bought, which is the side that is long volatility where there is one."""
    candidates: Finding
    forms: Forming
    near_the_money: bool
    """Whether the setting ``max_moneyness`` says which contracts may be a leg."""
    closes: Closing | None = None
    """What ends a trade beyond what ends any (:mod:`alo_lib.strategy.exits`)."""

    def __post_init__(self) -> None:
        if not (self.name.isascii() and self.name.strip() and len(self.name) <= STRUCTURE_NAME):
            raise ValueError(f"a structure is named {self.name!r}; allowed: up to {STRUCTURE_NAME} ASCII characters")
        if not 1 <= len(self.ratios) <= MAX_LEGS or not all(1 <= abs(ratio) <= MAX_RATIO for ratio in self.ratios):
            raise ValueError(
                f"{self.name} has ratios {self.ratios}; allowed: 1 to {MAX_LEGS}, each 1 to {MAX_RATIO} or below zero"
            )
        if math.gcd(*self.ratios) != 1:
            raise ValueError(f"{self.name} has ratios {self.ratios}, which have a common divisor")
