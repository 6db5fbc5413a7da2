"""The vertical: an option against one further out of the money. For an edge in one side's skew at a bounded loss."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures.chain_rows import Expiries, columns
from alo_lib.strategy.structures.leg_shapes import expire_together
from alo_lib.strategy.structures.out_of_the_money import wings_by_delta
from alo_lib.strategy.structures.structure import HeldContract, Structure

__all__ = ["VERTICAL"]


def _verticals(
    book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64], settings: Settings
) -> NDArray[np.intp]:
    """For each expiry the calls at ``strangle_delta`` and, beyond it, at ``wing_delta``; then the puts."""
    wanted = settings.strangle_delta, settings.wing_delta
    wings = wings_by_delta(book, usable, delta, wanted, Expiries.of(book))
    legs = zip(wings.inner, wings.outer, strict=True)
    return np.concatenate([columns(near, far) for near, far in legs])


def _is_one(legs: Sequence[HeldContract]) -> bool:
    """Whether they are of one right and expiry, the second further out of the money."""
    inner, outer = legs
    further_out = inner.right * (outer.strike - inner.strike) > 0.0
    return inner.right == outer.right and expire_together(legs) and further_out


VERTICAL: Final = Structure("vertical", (+1, -1), _verticals, _is_one, near_the_money=False)
