"""Why a contract cannot be a leg now: the tests that it has to pass, in their order. The first it fails is the reason.

The screen of a frame and what is told of each contract are the same tests.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import DAY
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.staleness import is_fresh

__all__ = ["MEANINGS", "Rejection", "first_failed", "quote_rejections"]

Flags = NDArray[np.bool_]
Codes = NDArray[np.int8]


class Rejection(IntEnum):
    """The tests, and NONE for what passes all of them."""

    NO_QUOTE = 0
    STALE = 1
    STALE_SPOT = 2
    TERMS = 3
    MATURITY = 4
    BID = 5
    LOCKED = 6
    INTRINSIC = 7
    SPREAD = 8
    SIZE = 9
    OPEN_INTEREST = 10
    MONEYNESS = 11
    NO_FORECAST = 12
    NO_SMILE = 13
    LAGGING = 14
    NO_VOLATILITY = 15
    NONE = 16

    @property
    def words(self) -> str:
        """As people read it."""
        return self.name.lower().replace("_", " ")


MEANINGS: Final = {
    Rejection.NO_QUOTE: "no bid, or no ask",
    Rejection.STALE: "the quote is older than max-quote-age",
    Rejection.STALE_SPOT: "the underlying's price is older than max-quote-age",
    Rejection.TERMS: "listed before a corporate action that changed what it delivers",
    Rejection.MATURITY: "nearer than min-days-to-expiry, or farther than max-days-to-expiry",
    Rejection.BID: "a bid below min-bid",
    Rejection.LOCKED: "the ask is not above the bid",
    Rejection.INTRINSIC: "the ask is below what exercise gives",
    Rejection.SPREAD: "spread over mid above max-spread",
    Rejection.SIZE: "a side shows less than min-quote-size",
    Rejection.OPEN_INTEREST: "open interest below min-open-interest",
    Rejection.MONEYNESS: "strike beyond max-moneyness, which all structures that are traded ask for",
    Rejection.NO_FORECAST: "no forecast for its expiry",
    Rejection.NO_SMILE: "too few quoted strikes of its expiry tell a smile, which fair-smile=flat does without",
    Rejection.LAGGING: "the quote lags behind the underlying's price, or whether it does cannot be told",
    Rejection.NO_VOLATILITY: "no volatility explains its mid",
    Rejection.NONE: "may be a leg",
}
"""What each says of a contract."""


def first_failed(tests: Sequence[tuple[Rejection, Flags]], count: int) -> Codes:
    """The first test that each of ``count`` contracts fails, of tests with the flags of those that pass them."""
    codes = np.full(count, int(Rejection.NONE), np.int8)
    for reason, passed in reversed(tests):
        codes[~passed] = reason
    return codes


def quote_rejections(book: MarketBook, settings: Settings, time: int) -> Codes:
    """Which test by quote, maturity, liquidity and sanity each row of a chain fails first; the book's spot is known."""
    contracts, quotes = book.contracts, book.quotes
    bid, ask = quotes["bid"], quotes["ask"]
    days = (contracts["expiry"] - time) / DAY
    told_at = book.quote_time if settings.quotes_are_dated else book.quote_since
    fresh = np.asarray(is_fresh(told_at, settings, time) & (book.quote_time >= 0), np.bool_)
    spot_is_fresh = np.full(len(contracts), is_fresh(book.spot_time, settings, time))
    with np.errstate(invalid="ignore"):
        intrinsic = np.maximum(contracts["right"] * (book.spot - contracts["strike"]), 0.0)
        size = np.minimum(quotes["bid_size"], quotes["ask_size"])
        tests = (
            (Rejection.NO_QUOTE, np.isfinite(bid) & np.isfinite(ask)),
            (Rejection.STALE, fresh),
            (Rejection.STALE_SPOT, spot_is_fresh),
            (Rejection.TERMS, book.may_be_opened()),
            (Rejection.MATURITY, (days >= settings.min_days_to_expiry) & (days <= settings.max_days_to_expiry)),
            (Rejection.BID, bid >= settings.min_bid),
            (Rejection.LOCKED, ask > bid),
            (Rejection.INTRINSIC, ask >= intrinsic),
            (Rejection.SPREAD, ask - bid <= settings.max_spread * 0.5 * (ask + bid)),
            (Rejection.SIZE, size >= settings.min_quote_size),
            (Rejection.OPEN_INTEREST, contracts["open_interest"] >= settings.min_open_interest),
        )
    return first_failed(tests, len(contracts))
