"""Implied-volatility surfaces from a data folder: what each day's last option quotes say."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from alo_lib.market.distributions import ordinary_dividends
from alo_lib.market.folder import DataFolder
from alo_lib.market.layout import DataKind, Resolution, SecurityType
from alo_lib.market.volatility_files import SurfaceLine, SurfacePoint
from alo_lib.pricing import Contracts, ContractStatus, MarketTerms, QuotedChain, market_price
from alo_lib.pricing.forwards import trailing_yield
from alo_lib.records import DAY, DAYS_A_YEAR, SECOND, YEAR, years_between

__all__ = ["daily_surfaces", "exchange_datetime"]

_YEAR: Final = timedelta(days=DAYS_A_YEAR)
_LEAST_LIFE: Final = DAY / YEAR
"""Years; a day before the end an option has no volatility of its own any more."""


def daily_surfaces(folder: DataFolder, ticker: str, start: date, end: date) -> list[SurfaceLine]:
    """The surface at each close that has option quotes, by the American price at the mid of each contract.

    The dividend yield is the past year's regular dividends over spot, the rate is the folder's. Quotes that are
    one-sided or crossed, or whose mid no volatility explains, have no point.
    """
    # A contract's file of a year may hold days that the underlying's does not; those have no spot and are left out.
    closes = folder.bars(ticker, start, end, Resolution.DAILY)
    spots = dict(zip(closes["time"].tolist(), closes["close"].tolist(), strict=True))
    hours = folder.hours(SecurityType.OPTION, ticker)
    quotes = folder.option_bars(ticker, start, end, Resolution.DAILY, DataKind.QUOTE)
    lines = []
    for time, chain in quotes.by_time():
        if time not in spots:
            continue
        contracts, spot = chain.contracts[chain.contract], spots[time]
        ends = np.array([hours.expiry_time(day) for day in contracts["expiry"].tolist()], np.int64)
        years = years_between(time, ends)
        now = exchange_datetime(time, folder)
        market, status = market_price(chain.bars["bid_close"], chain.bars["ask_close"], np.nan)
        use = (status == ContractStatus.PRICED) & (years > _LEAST_LIFE)
        listed = Contracts(contracts["strike"][use], years[use], contracts["right"][use].astype(np.float64))
        terms = _terms(folder, ticker, now.date(), spot)
        volatility = QuotedChain(listed, terms, market[use], status[use]).implied_volatility
        points = [
            SurfacePoint(expiry, strike, right, value)
            for (expiry, strike, right), value in zip(contracts[use].tolist(), volatility.tolist(), strict=True)
            if value > 0.0  # NaN is not
        ]
        if points:
            lines.append(SurfaceLine(now, spot, tuple(sorted(points))))
    return lines


def exchange_datetime(time: int, folder: DataFolder) -> datetime:
    """A time (ns UTC) on the exchange's clock, without a zone."""
    zone = folder.hours().exchange_zone
    return datetime.fromtimestamp(time / SECOND, UTC).astimezone(zone).replace(tzinfo=None)


def _terms(folder: DataFolder, ticker: str, day: date, spot: float) -> MarketTerms:
    regular = ordinary_dividends(folder.distributions(ticker))
    paid = sum(one.amount for one in regular if day - _YEAR < one.ex_date <= day)
    return MarketTerms(spot, folder.interest_rates.rate_at(day), trailing_yield(paid, spot))
