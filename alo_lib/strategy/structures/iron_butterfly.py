"""The iron butterfly: a straddle against wings as far on both sides. For the level of volatility at a bounded loss."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures.chain_rows import NONE, Expiries, columns, pairs_by_strike
from alo_lib.strategy.structures.leg_shapes import are_a_straddle, are_wings_around
from alo_lib.strategy.structures.structure import HeldContract, Structure

__all__ = ["IRON_BUTTERFLY"]

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_AT_THE_MONEY: Final = 0.5
"""Delta of the body's call."""

_STRIKES_A_DOLLAR: Final = 1000.0
_WIDEST: Final = 10**11
"""In units of a strike, which OSI symbols have a thousand of a dollar; wider than any."""


def _iron_butterflies(book: MarketBook, usable: Flags, delta: Floats, settings: Settings) -> Rows:
    """For each expiry the straddle nearest the money by delta, and wings equally wide nearest to ``wing_delta``."""
    expiries, pairs = Expiries.of(book), pairs_by_strike(book, usable)
    put_of = np.full(len(usable), NONE, np.intp)
    put_of[pairs[:, 0]] = pairs[:, 1]
    call = expiries.nearest(put_of != NONE, np.abs(delta - _AT_THE_MONEY))
    put = _partners(put_of, call)
    upper, lower = _equally_wide(book, usable, call, expiries)
    lower_of, distance = np.full(len(usable), NONE, np.intp), np.full(len(usable), np.nan)
    lower_of[upper] = lower
    distance[upper] = np.abs(delta[upper] - settings.wing_delta) + np.abs(delta[lower] + settings.wing_delta)
    wing = expiries.nearest(lower_of != NONE, distance)
    return columns(call, put, wing, _partners(lower_of, wing))


def _partners(partner: Rows, chosen: Rows) -> Rows:
    """The partner of each row chosen; NONE for none."""
    return np.where(chosen == NONE, NONE, partner[chosen])


def _equally_wide(book: MarketBook, usable: Flags, body: Rows, expiries: Expiries) -> tuple[Rows, Rows]:
    """Calls above and puts below the body's strike of their expiry, as far from it as each other."""
    right, strike = book.contracts["right"], book.contracts["strike"]
    sides, keys = [], []
    for side in (+1, -1):
        rows = np.flatnonzero(usable & (right == side) & expiries.beyond(book, body, side))
        place = expiries.of_row[rows]
        width = np.abs(strike[rows] - strike[body[place]])
        sides.append(rows)
        keys.append(place * _WIDEST + np.rint(width * _STRIKES_A_DOLLAR).astype(np.int64))
    _, upper, lower = np.intersect1d(keys[0], keys[1], return_indices=True)
    return sides[0][upper], sides[1][lower]


def _is_one(legs: Sequence[HeldContract]) -> bool:
    """Whether they are a straddle and a strangle around it, equally wide on both sides."""
    call, _, upper, lower = legs
    equally_wide = round(upper.strike - call.strike, 3) == round(call.strike - lower.strike, 3)
    return are_a_straddle(legs[:2]) and are_wings_around(legs) and equally_wide


IRON_BUTTERFLY: Final = Structure("iron-butterfly", (+1, +1, -1, -1), _iron_butterflies, _is_one, near_the_money=False)
