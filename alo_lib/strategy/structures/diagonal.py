"""The diagonal: a calendar out of the money, whose legs have one delta. For an edge in the term structure of a wing."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures.chain_rows import NONE, Expiries, columns
from alo_lib.strategy.structures.leaving_the_strike import has_left_the_strike
from alo_lib.strategy.structures.out_of_the_money import pair_by_delta
from alo_lib.strategy.structures.structure import HeldContract, Structure

__all__ = ["DIAGONAL"]


def _diagonals(
    book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64], settings: Settings
) -> NDArray[np.intp]:
    """For each expiry the call, then the put, nearest to ``strangle_delta``, with that of the next expiry.

    That expires at least ``calendar_days`` later and has another strike: with the same they are a calendar.
    """
    expiries, strike = Expiries.of(book), book.contracts["strike"]
    later = expiries.later(settings.calendar_days)
    found = []
    for near in pair_by_delta(book, usable, delta, settings.strangle_delta, expiries):
        far = np.append(near, NONE)[later]
        pairs = columns(near, far)
        found.append(pairs[strike[pairs[:, 0]] != strike[pairs[:, 1]]])
    return np.concatenate(found)


def _is_one(legs: Sequence[HeldContract]) -> bool:
    """Whether they are of one right, the second of another strike and expiring later."""
    near, far = legs
    return near.right == far.right and near.strike != far.strike and near.expiry < far.expiry


DIAGONAL: Final = Structure("diagonal", (-1, +1), _diagonals, _is_one, near_the_money=False, closes=has_left_the_strike)
