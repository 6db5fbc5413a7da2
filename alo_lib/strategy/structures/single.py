"""One option, delta hedged. For an edge in the volatility of a strike by itself."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures.structure import HeldContract, Structure

__all__ = ["SINGLE"]


def _singles(
    book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64], settings: Settings
) -> NDArray[np.intp]:
    """Each contract."""
    return np.flatnonzero(usable)[:, None]


def _is_one(legs: Sequence[HeldContract]) -> bool:
    """Any contract is."""
    return True


SINGLE: Final = Structure("single", (+1,), _singles, _is_one, near_the_money=True)
