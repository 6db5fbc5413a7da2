"""What tests of learning share: a small market with its smile, and a book in it."""

from functools import cache

from alo_lib.learning.markets import Heston
from alo_lib.learning.positions import POSITIONS, Costs, Hedged, hedged
from alo_lib.learning.smile import Smile, smile_of

COSTS = Costs(0.0010)


@cache
def smile() -> Smile:
    return smile_of(Heston(), 2_000)


@cache
def book(position: str = "short straddle", paths: int = 200, seed: int = 5) -> Hedged:
    return hedged(POSITIONS[position], Heston(), smile(), paths, seed)
