"""The calendar: an option against a nearer one of its strike. For an edge in the term structure of volatility."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures.chain_rows import same_strike_later
from alo_lib.strategy.structures.leaving_the_strike import has_left_the_strike
from alo_lib.strategy.structures.structure import HeldContract, Structure

__all__ = ["CALENDAR"]


def _calendars(
    book: MarketBook, usable: NDArray[np.bool_], delta: NDArray[np.float64], settings: Settings
) -> NDArray[np.intp]:
    """Each contract with the next of its strike that expires at least ``calendar_days`` later."""
    return same_strike_later(book, usable, settings.calendar_days)


def _is_one(legs: Sequence[HeldContract]) -> bool:
    """Whether they are of one right and strike, the second expiring later."""
    near, far = legs
    return (near.right, near.strike) == (far.right, far.strike) and near.expiry < far.expiry


CALENDAR: Final = Structure("calendar", (-1, +1), _calendars, _is_one, near_the_money=True, closes=has_left_the_strike)
