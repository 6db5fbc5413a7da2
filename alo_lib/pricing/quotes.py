"""From quotes to one price a contract: which side counts, and which quotes count for nothing."""

import math
from enum import IntEnum
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.arguments import PricingError, check_choice, real_numbers, spread

__all__ = ["PRICE_SOURCES", "ContractStatus", "PriceSource", "market_price", "market_price_of", "quote_mid"]

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]
PriceSource = Literal["mid", "bid", "ask", "last"]
PRICE_SOURCES: Final[tuple[str, ...]] = get_args(PriceSource)


class ContractStatus(IntEnum):
    """Whether a quoted contract has an implied volatility, and why it has none; ``words`` says so in plain words."""

    PRICED = 0
    NO_QUOTE = 1
    """Neither side of the quote, or not the one asked for, and no trade that could stand in."""
    ONE_SIDED = 2
    """One side is missing and the last trade, if there was one, lies outside the other."""
    CROSSED = 3
    """The bid is above the ask: a fault in the data."""
    STALE = 4
    """The quote is older than the user allows, or may be from before a split that the spot is from after."""
    EXPIRED = 5
    """At or past settlement."""
    NO_SPOT = 6
    """The underlying has no price."""
    OUT_OF_DOMAIN = 7
    """Spot, strike, rate, dividend yield or time to expiry is beyond what the pricer takes (``pricing.DOMAINS``)."""
    EXERCISED = 8
    """American, at its worth if exercised at once, which it is to be: delta +1 or -1, and no volatility of its own."""
    BELOW_FLOOR = 9
    """The price is at or below what the option is worth without volatility, and the ask below it or not known."""
    ABOVE_BOUND = 10
    """The price is at or above what the option is worth at the highest volatility that the pricer takes."""
    FAILED = 11
    """The price lies between the two and a computation failed all the same."""
    MIRRORED = 12
    """The price is at or below the floor, which the ask reaches, or there is no bid: valued at the volatility of its
    mirror, the contract of the same strike and expiry with the other right."""
    AT_FLOOR = 13
    """The same, and the mirror has no volatility either: valued in the limit of none."""
    NO_BID = 14
    """There is an ask and no bid, and no trade that could stand in: valued at the volatility of half the ask, the mid
    of nothing and the ask, or where none gives that in the limit of none; at its mirror's, and MIRRORED, where that is
    known and the ask is not below what the contract is worth at it."""

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]

    @property
    def has_greeks(self) -> bool:
        """Whether the contract has greeks."""
        return self in _WITH_GREEKS


_WORDS: Final = {
    ContractStatus.PRICED: "priced",
    ContractStatus.NO_QUOTE: "no quote",
    ContractStatus.ONE_SIDED: "one-sided",
    ContractStatus.CROSSED: "crossed",
    ContractStatus.STALE: "stale",
    ContractStatus.EXPIRED: "expired",
    ContractStatus.NO_SPOT: "no spot",
    ContractStatus.OUT_OF_DOMAIN: "beyond the pricer's range",
    ContractStatus.EXERCISED: "to be exercised",
    ContractStatus.BELOW_FLOOR: "at or below its worth at once",
    ContractStatus.ABOVE_BOUND: "above its bound",
    ContractStatus.FAILED: "computation failed",
    ContractStatus.MIRRORED: "at its mirror's volatility",
    ContractStatus.AT_FLOOR: "at its limit without volatility",
    ContractStatus.NO_BID: "no bid, at half its ask",
}
_WITH_GREEKS: Final = frozenset(
    (
        ContractStatus.PRICED,
        ContractStatus.EXERCISED,
        ContractStatus.MIRRORED,
        ContractStatus.AT_FLOOR,
        ContractStatus.NO_BID,
    )
)


_PRICED, _NO_QUOTE, _ONE_SIDED, _CROSSED = (
    int(ContractStatus[name]) for name in ("PRICED", "NO_QUOTE", "ONE_SIDED", "CROSSED")
)
_BID, _ASK, _LAST = (PRICE_SOURCES.index(name) for name in ("bid", "ask", "last"))


def quote_mid(bid: float, ask: float) -> float:
    """The mid of one quote by the rule of :func:`market_price`, NaN where that gives no mid.

    For who asks for one quote many times a frame: an array of one takes a hundred times as long.
    """
    return 0.5 * (bid + ask) if 0.0 < bid <= ask else math.nan


def market_price(
    bid: npt.ArrayLike, ask: npt.ArrayLike, last: npt.ArrayLike, source: PriceSource = "mid"
) -> tuple[Array, Codes]:
    """One price a contract, and its :class:`ContractStatus`; the price is NaN where it is not PRICED.

    bid, ask, last: prices that broadcast to (n,); zero, negative and NaN mean missing. A quote needs both sides for its
    mid. Where one is missing the last trade stands in if the side that is there does not contradict it: at or above the
    bid, at or below the ask. A locked quote is one; a crossed one is a fault and gives no price, nor do its sides.
    ``source="last"`` takes the last trade whatever the quote.

    :raises PricingError: when source is none of :data:`PRICE_SOURCES`, or prices are no numbers or do not broadcast.
    """
    check_choice("source", source, PRICE_SOURCES)
    given = [real_numbers(*each) for each in (("bid", bid), ("ask", ask), ("last", last))]
    shapes = [each.shape for each in given]
    try:
        shape = np.broadcast_shapes((1,), *shapes) if shapes[0] == () or len(set(shapes)) > 1 else shapes[0]
    except ValueError as error:
        told = ", ".join(map(str, shapes))
        raise PricingError(f"bid, ask and last have shapes {told}; allowed: those that broadcast") from error
    bids, asks, lasts = (spread(each, shape) for each in given)
    price, status = np.empty(bids.size), np.empty(bids.size, np.int8)
    _market_prices(bids, asks, lasts, PRICE_SOURCES.index(source), price, status)
    return price.reshape(shape), status.reshape(shape)


@kernel
def market_price_of(bid: float, ask: float, last: float, source: int) -> tuple[float, int]:
    """One contract's price and status, as :func:`market_price` has them; source: its place in PRICE_SOURCES."""
    bid = bid if bid > 0.0 else math.nan
    ask = ask if ask > 0.0 else math.nan
    last = last if last > 0.0 else math.nan
    found, missing = math.nan, _NO_QUOTE
    if source == _LAST:
        found = last
    elif bid > ask:
        missing = _CROSSED
    elif source == _BID:
        found = bid
    elif source == _ASK:
        found = ask
    elif bid <= ask:
        found = 0.5 * (bid + ask)
    else:
        if bid > 0.0 or ask > 0.0:
            missing = _ONE_SIDED
        found = last if not (last < bid or last > ask) else math.nan
    return found, missing if math.isnan(found) else _PRICED


@kernel
def _market_prices(bids: Array, asks: Array, lasts: Array, source: int, price: Array, status: Codes) -> None:
    """Prices and statuses (n,) of quotes."""
    for i in range(price.size):
        price[i], status[i] = market_price_of(bids[i], asks[i], lasts[i], source)
