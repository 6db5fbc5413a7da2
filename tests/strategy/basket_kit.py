"""A strategy's state for tests of baskets: an index of two members, each quoted about a volatility."""

import datetime as dt
from collections.abc import Mapping

import numpy as np

from alo_lib.records import Contract, InstrumentTable, Kind, Session, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.screening import screen_chain
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.valuation import value_chain
from tests.brief import BRIEF
from tests.strategy.kit import DATE, DAY, HOUR, NOW, RATE

NAMES = ("INDX", "ALFA", "BRVO")
BASKET = "INDX=ALFA:0.6,BRVO:0.4"
EXPIRIES = (45, 73)
IMPLIED = {"INDX": 0.24, "ALFA": 0.25, "BRVO": 0.35}
FORECAST = {"INDX": 0.20, "ALFA": 0.25, "BRVO": 0.35}
"""The index is implied four points above what its members and the forecast correlation say."""


def settings_of(**changes: object) -> Settings:
    """Dispersion of the basket, at an edge over gross vega of half a point."""
    given = {**BRIEF, "structures": "dispersion", "basket": BASKET, "underlyings": ",".join(NAMES), "entry_edge": 0.005}
    return Settings.of(given | {"vega_budget": 0.002} | changes)


def state_of(
    settings: Settings,
    implied: Mapping[str, float] = IMPLIED,
    forecast: Mapping[str, float] = FORECAST,
    shown: int = 50,
    spread: float = 0.04,
) -> StrategyState:
    """All at 100, strikes 90 to 110 in two expiries, quotes that are four cents wide. It has been open for an hour."""
    table = InstrumentTable()
    state = StrategyState(portfolio=Portfolio(1e6), rate=RATE)
    state.session = Session(DATE, NOW - HOUR, NOW + 5 * HOUR)
    for ticker in NAMES:
        number = int(table.add_equity(ticker)["instrument"][0])
        book = MarketBook(number, ticker)
        contracts = [
            Contract(DATE + dt.timedelta(days), strike, right, NOW + days * DAY, 100)
            for days in EXPIRIES
            for strike in (90.0, 95.0, 100.0, 105.0, 110.0)
            for right in (1, -1)
        ]
        listed = table.add_contracts(ticker, contracts)
        book.list_contracts(listed)
        state.list_instruments(listed)
        state.underlying_of[number] = number
        book.take_quotes(records(Kind.QUOTE, instrument=number, bid=99.99, ask=100.01, bid_size=500, ask_size=400), NOW)
        worth = value_chain(book, np.full(len(contracts), implied[ticker]), RATE, NOW).at_forecast.price
        quotes = records(
            Kind.QUOTE, len(worth), instrument=book.contracts["instrument"], bid_size=shown, ask_size=shown
        )
        quotes["bid"], quotes["ask"] = worth - spread / 2, worth + spread / 2
        book.take_quotes(quotes, NOW)
        underlying = Underlying(book, VolatilityForecaster(settings), market_news=True)
        underlying.forecast = {NOW + days * DAY: forecast[ticker] for days in EXPIRIES}
        every = book.contracts["instrument"].tolist()
        rows = underlying.forecast_rows()
        underlying.valuation, underlying.screen = screen_chain(book, rows, settings, RATE, NOW, every)
        state.underlyings[number] = underlying
    return state
