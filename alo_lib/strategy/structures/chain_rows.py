"""Ways to choose rows of a chain, each over the whole chain at once: what structures are found with."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import DAY
from alo_lib.strategy.book import MarketBook

__all__ = ["Expiries", "columns", "pairs_by_strike", "same_strike_later"]

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

NONE = -1
"""In the place of a row: there is none."""


class Expiries(NamedTuple):
    """The expiries of a chain, and choices of one row for each of them; :data:`NONE` where none qualifies."""

    time: NDArray[np.int64]  # (m,), ascending
    of_row: Rows  # place of each row's expiry among them

    @classmethod
    def of(cls, book: MarketBook) -> "Expiries":
        """Those of a book."""
        return cls(book.expiries.time, book.expiries.of_row)

    def nearest(self, among: Flags, distance: Floats) -> Rows:
        """For each expiry the row among those flagged that has the least distance, the first of equal ones; (m,)."""
        rows = np.flatnonzero(among)
        order = rows[np.lexsort((distance[rows], self.of_row[rows]))]  # it is stable
        found = np.full(len(self.time), NONE, np.intp)
        found[self.of_row[order][::-1]] = order[::-1]  # of one expiry the first stays
        return found

    def beyond(self, book: MarketBook, inner: Rows, right: int) -> Flags:
        """Rows beyond the strike of the row that each expiry has among ``inner`` (m,): above it for +1, else below."""
        strike = book.contracts["strike"]
        limit = np.where(inner == NONE, np.nan, strike[inner])
        with np.errstate(invalid="ignore"):
            return np.asarray(right * (strike - limit[self.of_row]) > 0.0, np.bool_)

    def later(self, days: float) -> Rows:
        """For each expiry the place of the first that is at least ``days`` calendar days later; m for none."""
        places: Rows = np.searchsorted(self.time, self.time + int(days * DAY))
        return places


def columns(*legs: Rows) -> Rows:
    """Candidates (n, k) of legs (m,) each, without those that lack a leg."""
    table = np.stack(legs, axis=1)
    found: Rows = table[(table != NONE).all(axis=1)]
    return found


def pairs_by_strike(book: MarketBook, usable: Flags) -> Rows:
    """Calls and puts (n, 2) of one expiry and one strike, in the order of both."""
    contracts, rows = book.contracts, np.flatnonzero(usable)
    expiry, strike, right = (contracts[name][rows] for name in ("expiry", "strike", "right"))
    order = np.lexsort((right, strike, expiry))
    rows, expiry, strike, right = rows[order], expiry[order], strike[order], right[order]
    paired = (expiry[1:] == expiry[:-1]) & (strike[1:] == strike[:-1]) & (right[1:] > right[:-1])
    return np.stack([rows[1:][paired], rows[:-1][paired]], axis=1)


def same_strike_later(book: MarketBook, usable: Flags, days: float) -> Rows:
    """Rows (n, 2) of one right and one strike: each and the next that lives at least ``days`` calendar days longer."""
    contracts, rows, expiries = book.contracts, np.flatnonzero(usable), Expiries.of(book)
    right, strike, place = contracts["right"][rows], contracts["strike"][rows], expiries.of_row[rows]
    order = np.lexsort((place, strike, right))
    rows, right, strike, place = rows[order], right[order], strike[order], place[order]
    if not len(rows):
        return np.zeros((0, 2), np.intp)
    another = np.concatenate([[False], (right[1:] != right[:-1]) | (strike[1:] != strike[:-1])])
    line, width = np.cumsum(another), len(expiries.time) + 1
    at = line * width + place  # ascending
    next_ = np.searchsorted(at, line * width + expiries.later(days)[place])
    found = np.minimum(next_, len(rows) - 1)
    matched = (next_ < len(rows)) & (line[found] == line)
    return np.stack([rows[matched], rows[found[matched]]], axis=1)
