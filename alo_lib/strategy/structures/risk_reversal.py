"""The risk reversal: a call bought against a put sold, both out of the money. For an edge in skew."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures.chain_rows import Expiries, columns
from alo_lib.strategy.structures.leg_shapes import are_a_strangle
from alo_lib.strategy.structures.out_of_the_money import pair_by_delta
from alo_lib.strategy.structures.structure import Structure

__all__ = ["RISK_REVERSAL"]


def _risk_reversals(
    book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64], settings: Settings
) -> NDArray[np.intp]:
    """For each expiry the call and the put nearest to ``strangle_delta``."""
    return columns(*pair_by_delta(book, usable, delta, settings.strangle_delta, Expiries.of(book)))


RISK_REVERSAL: Final = Structure("risk-reversal", (+1, -1), _risk_reversals, are_a_strangle, near_the_money=False)
