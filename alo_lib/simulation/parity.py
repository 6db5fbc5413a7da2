"""Whether the quotes of a chain fit any price of its underlying at all.

A call less a put of one strike is worth the underlying less the strike, whatever the volatility (put-call parity), so
from strike to strike it falls by what a point of strike is worth today: one, or a little less. It is a box that is
priced. Quotes that were doubled, of which calls and puts were exchanged or whose decimals are elsewhere price it far
from one. The same difference, with the strike added, is the level of the underlying that the quotes tell of, which its
bar must have.
"""

import datetime as dt
import math
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import DataError, Dividend
from alo_lib.simulation.moves import clock

__all__ = ["Box", "Levels", "boxes", "check_levels", "levels"]

_FEWEST: Final = 6
"""Prices of boxes below which nothing is said: those of four strikes at one time."""
_TOLERANCE: Final = 0.25
"""By which a box may be off: hour bars have quotes of other minutes beside each other."""
_DOUBT: Final = 0.25
"""And this share of half its spread. LEAN's sample chains are off by 0.07 at most, at half spreads up to 1.1."""
_FEWEST_PAIRS: Final = 3
"""Pairs of calls and puts at a time below which nothing is said of the level."""
_SESSION: Final = 0.1
"""Share of the price by which the level may be off in most of a session: what costs much to borrow has a low one."""
_BAR: Final = 0.05
"""And in which a bar may differ from that. In LEAN's sample data no level is off by more than 0.013."""

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


class Levels(NamedTuple):
    """Bars of an underlying, and what its calls and puts of the same expiry and strike are quoted at as each ends."""

    time: NDArray[np.int64]  # (m,) when bars end
    price: Floats  # (m,) what they close at
    expiry: NDArray[np.datetime64]  # (p,) of pairs
    strike: Floats  # (p,)
    difference: Floats  # (m, p) calls less puts, money a share, NaN where one of them has no quote with two sides
    half_spread: Floats  # (m, p) of both together

    def implied(self, rate: float, day: dt.date, dividends: Iterable[Dividend]) -> Floats:
        """The prices nearest to those of the bars that the quotes allow for: (m,), NaN where there are too few pairs.

        A call less a put of an American style is worth, with the strike added, between the price less the dividends
        until expiry and the price and what the strike earns until then (rate: a year, continuous). What lies outside,
        by more than half the spread, is the median over pairs.
        """
        years = (self.expiry - np.datetime64(day)).astype(np.int64) / 365.0
        paid = np.zeros(len(self.expiry))
        for each in dividends:
            if day < each.ex_date:
                paid[self.expiry >= np.datetime64(each.ex_date)] += each.amount
        earned = self.strike * -np.expm1(-rate * years)
        beyond = self.difference + self.strike - self.price[:, None]
        above = np.maximum(beyond - np.maximum(earned, 0.0) - self.half_spread, 0.0)
        below = np.minimum(beyond - np.minimum(earned, 0.0) + paid + self.half_spread, 0.0)
        off, known = above + below, np.isfinite(beyond)
        found = np.full(len(self.price), np.nan)
        for at in np.flatnonzero(np.count_nonzero(known, axis=1) >= _FEWEST_PAIRS).tolist():
            found[at] = self.price[at] + float(np.median(off[at, known[at]]))
        return found


def check_levels(ticker: str, found: Levels, implied: Floats, source: str) -> list[str]:
    """Which bars close away from the prices that options allow for, in words; a DataError where most of a session does.

    implied: (m,) of :meth:`Levels.implied`. A bar is away by more than a share of 0.05 from where most others are.
    """
    off = implied / found.price - 1.0
    known = np.isfinite(off)
    if not known.any():
        return []
    told = [
        f"{price:g} at {clock(time)}, where options are priced for about {level:.2f}"
        for time, price, level in zip(found.time.tolist(), found.price.tolist(), implied.tolist(), strict=True)
    ]
    typical = float(np.median(off[known]))
    if abs(typical) > _SESSION:
        at = int(np.flatnonzero(known)[np.argmin(np.abs(off[known] - typical))])
        raise DataError(
            f"{ticker} closes at {told[at]}, and so in most of the session in {source}: the bars or the option quotes "
            "are wrong; put the file right or leave the day out"
        )
    return [told[at] for at in np.flatnonzero(known & (np.abs(off - typical) > _BAR)).tolist()]


def levels(
    contracts: NDArray[np.void], times: NDArray[np.int64], price: Floats, middle: Floats, spread: Floats
) -> Levels:
    """Pair the quotes of a chain at the times at which bars of the underlying end.

    contracts: (n,) of dtype CONTRACT. times, price: (m,). middle, spread: (m, n), NaN where a contract has no quote.
    """
    pairs = list(_pairs(contracts))
    call, put = (
        np.concatenate([np.zeros(0, np.int64), *each])
        for each in ([one.call for one in pairs], [one.put for one in pairs])
    )
    return Levels(
        times,
        price,
        contracts["expiry"][call],
        contracts["strike"][call],
        middle[:, call] - middle[:, put],
        (spread[:, call] + spread[:, put]) / 2.0,
    )


class _Pairs(NamedTuple):
    """The strikes of an expiry that have a call and a put, and where those are."""

    expiry: dt.date
    strikes: Floats
    call: NDArray[np.int64]
    put: NDArray[np.int64]


def _pairs(contracts: NDArray[np.void]) -> Iterator[_Pairs]:
    for expiry in np.unique(contracts["expiry"]):
        calls, puts = (
            np.flatnonzero((contracts["expiry"] == expiry) & (contracts["right"] == right)) for right in (1, -1)
        )
        strikes, call, put = np.intersect1d(
            contracts["strike"][calls], contracts["strike"][puts], assume_unique=True, return_indices=True
        )
        yield _Pairs(expiry.item(), strikes, calls[call], puts[put])


def boxes(contracts: NDArray[np.void], middle: Floats, spread: Floats) -> list[Box]:
    """The boxes of each expiry that has enough of them, in the order of expiries.

    contracts: (n,) of dtype CONTRACT. middle, spread: (times, n), money a share, NaN where a contract has no quote with
    two sides. A box's worth is the median over pairs of strikes and times: of the slopes of Theil and Sen's estimator.
    """
    found = []
    for expiry, strikes, call, put in _pairs(contracts):
        if len(strikes) < 2:
            continue
        low, high = np.triu_indices(len(strikes), 1)
        apart = strikes[high] - strikes[low]
        difference = middle[:, call] - middle[:, put]
        doubt = (spread[:, call] + spread[:, put]) / 2.0
        worth = (difference[:, low] - difference[:, high]) / apart
        half_spread = (doubt[:, low] + doubt[:, high]) / apart
        known = np.isfinite(worth)
        if np.count_nonzero(known) >= _FEWEST:
            widths = np.broadcast_to(apart, worth.shape)
            medians = [float(np.median(each[known])) for each in (worth, half_spread, widths)]
            found.append(Box(expiry, *medians))
    return found
