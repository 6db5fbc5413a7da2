"""Which contracts of a chain could be traded now, and what they are worth: once a frame, for all that ask."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.rejections import Rejection, quote_rejections
from alo_lib.strategy.staleness import quote_lag
from alo_lib.strategy.structures import traded_structures
from alo_lib.strategy.valuation import Valuation, value_chain

__all__ = ["Screen", "screen_chain"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Screen:
    """Arrays over the rows of a book's chain; each of the first five flags some of the rows of the one before."""

    quoted: Flags
    """Has a bid and an ask, these and the underlying's price not too old, and the terms that it is listed with."""
    in_range: Flags
    """Expires neither too soon nor too late."""
    liquid: Flags
    """Its quote is sane, and enough can be traded at it."""
    tradable: Flags
    """May be a leg at its forecast volatility, whatever it is worth: near the money, if all structures ask for it."""
    near: Flags
    """Near the money."""
    lag: NDArray[np.float64]
    """By how much its quote lags (:func:`alo_lib.strategy.staleness.quote_lag`)."""


def screen_chain(
    book: MarketBook, forecast: NDArray[np.float64], settings: Settings, rate: float, time: int, legs: list[int]
) -> tuple[Valuation, Screen]:
    """Screen a chain, and value what is tradable, and ``legs``, at the ``forecast`` volatility of each row."""
    quoted, in_range, liquid = _passed(book, settings, time)
    near = liquid & _near_the_money(book, forecast, settings, time)
    tradable = near if all(each.near_the_money for each in traded_structures(settings)) else liquid
    valued = tradable.copy()
    valued[[book.row(leg) for leg in legs if book.lists(leg)]] = True
    valuation = value_chain(book, forecast, rate, time, valued)
    lag = quote_lag(book, valuation.at_forecast.price, settings, time)
    return valuation, Screen(quoted, in_range, liquid, tradable, near, lag)


def _passed(book: MarketBook, settings: Settings, time: int) -> tuple[Flags, Flags, Flags]:
    """Rows by quote, by maturity, and by liquidity and sanity of the quote."""
    failed = quote_rejections(book, settings, time)
    return failed >= Rejection.MATURITY, failed > Rejection.MATURITY, failed == Rejection.NONE


def _near_the_money(book: MarketBook, volatility: NDArray[np.float64], settings: Settings, time: int) -> Flags:
    """Rows whose strike lies within the moneyness limit, in standard deviations to expiry."""
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = volatility * np.sqrt(book.years_to_expiry(time))
        distance = np.abs(np.log(book.contracts["strike"] / book.spot))
        return np.asarray(distance <= settings.max_moneyness * deviation, np.bool_)
