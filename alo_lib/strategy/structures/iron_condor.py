"""The iron condor: a strangle against one further out. For an edge in the level of volatility at a bounded loss."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures.chain_rows import Expiries, columns
from alo_lib.strategy.structures.leg_shapes import are_a_strangle, are_wings_around
from alo_lib.strategy.structures.out_of_the_money import wings_by_delta
from alo_lib.strategy.structures.structure import HeldContract, Structure

__all__ = ["IRON_CONDOR"]


def _iron_condors(
    book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64], settings: Settings
) -> NDArray[np.intp]:
    """For each expiry the strangle at ``strangle_delta`` and, beyond it, that at ``wing_delta``."""
    wanted = settings.strangle_delta, settings.wing_delta
    wings = wings_by_delta(book, usable, delta, wanted, Expiries.of(book))
    return columns(*wings.inner, *wings.outer)


def _is_one(legs: Sequence[HeldContract]) -> bool:
    """Whether they are a strangle and one around it."""
    return are_a_strangle(legs[:2]) and are_wings_around(legs)


IRON_CONDOR: Final = Structure("iron-condor", (+1, +1, -1, -1), _iron_condors, _is_one, near_the_money=False)
