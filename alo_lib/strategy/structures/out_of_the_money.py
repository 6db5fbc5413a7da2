"""Options out of the money by their delta, one call and one put an expiry: what most structures are made of."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.structures.chain_rows import Expiries

__all__ = ["Pair", "Wings", "pair_by_delta", "wings_by_delta"]

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


class Pair(NamedTuple):
    """Rows of a call and a put for each expiry (m,); NONE where there is none."""

    call: Rows
    put: Rows


class Wings(NamedTuple):
    """Two pairs: the outer legs lie further out of the money than the inner ones."""

    inner: Pair
    outer: Pair


def pair_by_delta(book: MarketBook, usable: Flags, delta: Floats, wanted: float, expiries: Expiries) -> Pair:
    """For each expiry the out-of-the-money call and put whose deltas are nearest to the wanted one."""
    right, strike = book.contracts["right"], book.contracts["strike"]
    out = usable & (right * (strike - book.spot) > 0.0)
    distance = np.abs(delta - right * wanted)
    return Pair(*(expiries.nearest(out & (right == side), distance) for side in (+1, -1)))


def wings_by_delta(
    book: MarketBook, usable: Flags, delta: Floats, wanted: tuple[float, float], expiries: Expiries
) -> Wings:
    """Legs nearest to the first delta, and of those further out than these the ones nearest to the second."""
    inner = pair_by_delta(book, usable, delta, wanted[0], expiries)
    right = book.contracts["right"]
    distance = np.abs(delta - right * wanted[1])
    outer = (
        expiries.nearest(usable & (right == side) & expiries.beyond(book, rows, side), distance)
        for side, rows in ((+1, inner.call), (-1, inner.put))
    )
    return Wings(inner, Pair(*outer))
