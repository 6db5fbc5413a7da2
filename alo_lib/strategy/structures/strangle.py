"""The strangle: a call and a put out of the money. For an edge in the level of volatility, wings included."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures.chain_rows import Expiries, columns
from alo_lib.strategy.structures.leg_shapes import are_a_strangle
from alo_lib.strategy.structures.out_of_the_money import pair_by_delta
from alo_lib.strategy.structures.structure import Structure

__all__ = ["STRANGLE"]


def _strangles(
    book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64], settings: Settings
) -> NDArray[np.intp]:
    """For each expiry the call and the put nearest to ``strangle_delta``."""
    return columns(*pair_by_delta(book, usable, delta, settings.strangle_delta, Expiries.of(book)))


STRANGLE: Final = Structure("strangle", (+1, +1), _strangles, are_a_strangle, near_the_money=False)
