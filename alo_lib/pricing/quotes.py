"""From quotes to one price a contract: which side counts, and which quotes count for nothing."""

from enum import IntEnum
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import check_choice

__all__ = ["PRICE_SOURCES", "PriceSource", "Reason", "market_price"]

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
PriceSource = Literal["mid", "bid", "ask", "last"]
PRICE_SOURCES: Final[tuple[str, ...]] = get_args(PriceSource)


class Reason(IntEnum):
    """Why a contract has no implied volatility and greeks; ``PRICED`` when it has."""

    PRICED = 0
    NO_QUOTE = 1
    """Neither side of the quote, or not the one asked for, and no trade that could stand in."""
    ONE_SIDED = 2
    """One side is missing and the last trade, if there was one, lies outside the other."""
    CROSSED = 3
    """The bid is above the ask: a fault in the data."""
    STALE = 4
    """The quote is older than the user allows."""
    EXPIRED = 5
    """At or past settlement."""
    NO_SPOT = 6
    """The underlying has no price."""
    BELOW_FLOOR = 7
    """The price is at or below what the option is worth without volatility."""
    UNEXPLAINED = 8
    """No volatility up to the pricer's limit gives the price, or its computation failed."""


def market_price(
    bid: npt.ArrayLike, ask: npt.ArrayLike, last: npt.ArrayLike, source: PriceSource = "mid"
) -> tuple[Array, Codes]:
    """One price a contract, and the :class:`Reason` where there is none (its price is then NaN).

    bid, ask, last: prices that broadcast to (n,); zero, negative and NaN mean missing. A quote needs both sides for
    its mid. Where one is missing the last trade stands in if the side that is there does not contradict it: at or
    above the bid, at or below the ask. A locked quote is one; a crossed one is a fault and gives no price, nor do its
    sides. ``source="last"`` takes the last trade whatever the quote.

    Raises ValueError (PricingError) when source is none of :data:`PRICE_SOURCES`.
    """
    check_choice("source", source, PRICE_SOURCES)
    sides = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (bid, ask, last)))
    bids, asks, lasts = (np.where(side > 0.0, side, np.nan) for side in sides)
    reason = np.full(bids.shape, Reason.PRICED, np.int8)
    if source == "last":
        price = lasts
        reason[np.isnan(price)] = Reason.NO_QUOTE
        return price, reason
    crossed = bids > asks
    if source == "mid":
        price = 0.5 * (bids + asks)
        lone = np.isnan(bids) != np.isnan(asks)
        neither = np.isnan(bids) & np.isnan(asks)
        fits = ~(lasts < bids) & ~(lasts > asks) & ~np.isnan(lasts)
        price = np.where((lone | neither) & fits, lasts, price)
        reason[neither & ~fits] = Reason.NO_QUOTE
        reason[lone & ~fits] = Reason.ONE_SIDED
    else:
        price = bids if source == "bid" else asks
        reason[np.isnan(price)] = Reason.NO_QUOTE
    reason[crossed] = Reason.CROSSED
    return np.where(crossed, np.nan, price), reason
