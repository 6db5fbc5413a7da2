"""LEAN's dividends as the library takes them, told apart from spin-offs and special ones."""

import datetime as dt

from AlgorithmImports import Dividend, QCAlgorithm, Resolution, Symbol

from alo_lib.market.distributions import HISTORY, Distribution, told_apart
from alo_lib.market.distributions import Dividend as PaidDividend

__all__ = ["distributions", "dividend_of"]


def dividend_of(event: Dividend) -> PaidDividend:
    """The dividend of one of LEAN's events, whose time is the midnight of its ex-date."""
    return PaidDividend(event.time.date(), float(event.distribution), float(event.reference_price))


def distributions(
    algorithm: QCAlgorithm, symbol: Symbol, start: dt.datetime, end: dt.datetime
) -> tuple[Distribution, ...]:
    """What a stock paid between two times, oldest first, each told apart by those of the years before it."""
    found = algorithm.history[Dividend](symbol, start - HISTORY, end, Resolution.DAILY)
    told = told_apart(dividend_of(each) for each in found)
    return tuple(each for each in told if each.ex_date >= start.date())
