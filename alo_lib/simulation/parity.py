"""Whether the quotes of a chain fit any price of its underlying at all.

A call less a put of one strike is worth the underlying less the strike, whatever the volatility (put-call parity), so
from strike to strike it falls by what a point of strike is worth today: one, or a little less. It is a box that is
priced. Quotes that were doubled, of which calls and puts were exchanged or whose decimals are elsewhere price it far
from one.
"""

import datetime as dt
import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "boxes"]

_FEWEST: Final = 6
"""Prices of boxes below which nothing is said: those of four strikes at one time."""
_TOLERANCE: Final = 0.25
"""By which a box may be off: hour bars have quotes of other minutes beside each other."""
_DOUBT: Final = 0.25
"""And this share of half its spread. LEAN's sample chains are off by 0.07 at most, at half spreads up to 1.1."""

Floats = NDArray[np.float64]


class Box(NamedTuple):
    """What a point of strike is worth in one expiry, half the spread of that, and how far apart its strikes are."""

    expiry: dt.date
    worth: float
    half_spread: float
    apart: float

    def fits(self, rate: float, day: dt.date, paid: float) -> bool:
        """Whether it is worth what it can be on ``day``: between its value then and its value at expiry.

        ``paid`` are the dividends until expiry. Calls in the money are exercised before them and puts after, so
        between such strikes calls less puts fall by as much besides.
        """
        discounted = math.exp(-rate * (self.expiry - day).days / 365.0)
        low, high = min(discounted, 1.0), max(discounted, 1.0) + paid / self.apart
        slack = _TOLERANCE + _DOUBT * self.half_spread
        return low - slack <= self.worth <= high + slack


def boxes(contracts: NDArray[np.void], middle: Floats, spread: Floats) -> list[Box]:
    """The boxes of each expiry that has enough of them, in the order of expiries.

    contracts: (n,) of dtype CONTRACT. middle, spread: (times, n), money a share, NaN where a contract has no quote with
    two sides. A box's worth is the median over pairs of strikes and times: of the slopes of Theil and Sen's estimator.
    """
    found = []
    for expiry in np.unique(contracts["expiry"]):
        calls, puts = (
            np.flatnonzero((contracts["expiry"] == expiry) & (contracts["right"] == right)) for right in (1, -1)
        )
        strikes, call, put = np.intersect1d(
            contracts["strike"][calls], contracts["strike"][puts], assume_unique=True, return_indices=True
        )
        if len(strikes) < 2:
            continue
        low, high = np.triu_indices(len(strikes), 1)
        apart = strikes[high] - strikes[low]
        difference = middle[:, calls[call]] - middle[:, puts[put]]
        doubt = (spread[:, calls[call]] + spread[:, puts[put]]) / 2.0
        worth = (difference[:, low] - difference[:, high]) / apart
        half_spread = (doubt[:, low] + doubt[:, high]) / apart
        known = np.isfinite(worth)
        if np.count_nonzero(known) >= _FEWEST:
            widths = np.broadcast_to(apart, worth.shape)
            medians = [float(np.median(each[known])) for each in (worth, half_spread, widths)]
            found.append(Box(expiry.item(), *medians))
    return found
