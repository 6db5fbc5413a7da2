"""How old a quote may be, also where bars do not say so: a bar of an hour ends with a quote of any minute of it.

A contract's quote that was the same a bar ago counts from then. A call and a put of one strike tell which price of the
underlying they were quoted at: by put-call parity their difference moves with it, share for share, whatever volatility
they are quoted at. Where quotes in step with the underlying's price could not differ so, they lag behind it.
"""

from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import SECOND
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook

__all__ = ["in_step", "is_fresh", "lags", "parity_lag", "quote_lag", "quoted_at_spot", "two_sided"]

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_CALL_AFTER_PUT: Final = 2  # rights are -1 and +1
_LAG_LIMIT: Final = 1.0
"""Quotes further from parity than half the spreads of the two cannot be in step with the underlying's price."""


@overload
def is_fresh(told_at: int, settings: Settings, time: int) -> bool: ...
@overload
def is_fresh(told_at: NDArray[np.int64], settings: Settings, time: int) -> NDArray[np.bool_]: ...
def is_fresh(told_at: int | NDArray[np.int64], settings: Settings, time: int) -> bool | NDArray[np.bool_]:
    """Whether what was told then is not older than ``max-quote-age`` now."""
    return time - told_at <= settings.max_quote_age * SECOND


def two_sided(book: MarketBook, settings: Settings, time: int) -> NDArray[np.bool_]:
    """Rows of a chain (n,) with a bid below an ask that are not too old."""
    quotes, told_at = book.quotes, book.quote_time if settings.quotes_are_dated else book.quote_since
    with np.errstate(invalid="ignore"):
        sane = (quotes["bid"] > 0.0) & (quotes["ask"] > quotes["bid"])
    return np.asarray(sane & (book.quote_time >= 0) & is_fresh(told_at, settings, time), np.bool_)


def quoted_at_spot(book: MarketBook, rows: Rows, settings: Settings) -> NDArray[np.bool_]:
    """Which of these rows have a quote that may be read beside the underlying's price.

    One that is by more than ``max-quote-age`` older than that price was made at another one. Where nothing comes any
    more, of the underlying neither, the last ones stay a market.
    """
    return is_fresh(book.quote_time[rows], settings, book.spot_time)


def quote_lag(book: MarketBook, worth: Floats, settings: Settings, time: int) -> Floats:
    """:func:`parity_lag` where bars do not date their quotes; 0 where they do, for those are dated and do not lag."""
    return np.zeros(len(book.contracts)) if settings.quotes_are_dated else parity_lag(book, worth, time)


def in_step(lag: Floats) -> NDArray[np.bool_]:
    """Quotes that are known to be in step, by :func:`quote_lag`: what is opened is opened on no others."""
    return lag <= _LAG_LIMIT


def lags(lag: Floats) -> NDArray[np.bool_]:
    """Quotes that are known to lag, by :func:`quote_lag`: they show no edge to end a trade for.

    Where a lag cannot be told (NaN), quotes are neither: what is held must be able to end, and so goes by them.
    """
    return lag > _LAG_LIMIT


def parity_lag(book: MarketBook, worth: Floats, time: int) -> Floats:
    """How far each contract's quote and that of its counterpart are from parity, in half-spreads of the two.

    ``worth`` has a value of each row of the chain at the underlying's price, call and put of a strike at the same
    volatility: the difference of the two values is what that of their quotes is compared with, early exercise and
    dividends included; the worth of early exercise hangs a little on the volatility, deep in the money by more than a
    narrow spread. Above 1 the quotes lag. NaN where that cannot be told: without a counterpart that is quoted and
    valued.
    """
    contracts, lag = book.contracts, np.full(len(book.contracts), np.nan)
    order = np.lexsort((contracts["right"], contracts["strike"], contracts["expiry"]))
    chain = contracts[order]
    paired = (
        (chain["expiry"][1:] == chain["expiry"][:-1])
        & (chain["strike"][1:] == chain["strike"][:-1])
        & (chain["right"][1:] - chain["right"][:-1] == _CALL_AFTER_PUT)
    )
    puts, calls = order[:-1][paired], order[1:][paired]
    mid, spread = book.mid(), book.quotes["ask"] - book.quotes["bid"]
    gap = (mid[calls] - mid[puts]) - (worth[calls] - worth[puts])
    half_spread = 0.5 * (spread[calls] + spread[puts])
    known = np.isfinite(gap) & (half_spread > 0.0)
    puts, calls, gap, half_spread = puts[known], calls[known], gap[known], half_spread[known]
    lag[calls] = lag[puts] = np.abs(gap) / half_spread
    return lag
