"""The straddle: a call and a put of one strike. For an edge in the level of volatility."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures.chain_rows import pairs_by_strike
from alo_lib.strategy.structures.leg_shapes import are_a_straddle
from alo_lib.strategy.structures.structure import Structure

__all__ = ["STRADDLE"]


def _straddles(
    book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64], settings: Settings
) -> NDArray[np.intp]:
    """Each call with the put of its expiry and strike."""
    return pairs_by_strike(book, usable)


STRADDLE: Final = Structure("straddle", (+1, +1), _straddles, are_a_straddle, near_the_money=True)
