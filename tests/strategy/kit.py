"""A strategy's state for tests: one underlying at 100, calls and puts at five strikes, quoted about a volatility."""

import datetime as dt

import numpy as np

from alo_lib.records import Contract, InstrumentTable, Kind, Records, Session, leg_columns, records
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.edge_costs import Moment
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.strategy.hedging import HedgedPosition
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.screening import screen_chain
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.trade import Trade
from alo_lib.strategy.valuation import value_chain
from tests.brief import BRIEF

DAY = 86_400 * 10**9
HOUR = 3600 * 10**9
DATE = dt.date(2024, 3, 4)
NOW = int(dt.datetime(2024, 3, 4, 16, tzinfo=dt.UTC).timestamp()) * 10**9
SETTINGS = Settings.of(BRIEF)
RATE = 0.02
CALLS, PUTS = (2, 4, 6, 8, 10), (1, 3, 5, 7, 9)
"""Numbers of the contracts by strike, 90 to 110; 0 is the underlying."""

POSITION = HedgedPosition(
    delta=321.4,
    gamma=-70.0,
    vega=-9_000.0,
    theta=8_000.0,
    vega_skew=3_500.0,
    contracts=20.0,
    spot=100.0,
    implied=0.25,
    forecast=0.2,
    time_to_expiry=0.1,
    rate=0.03,
    half_spread=0.02,
    fee=0.005,
    order_fee=0.0,
)
"""Twenty contracts, net short gamma and vega."""


def moment_of(rate: float = 0.02, equity: float = 1e6) -> Moment:
    """Now, without a band of the forecast or a policy."""
    return Moment(NOW, rate, {}, None, equity)


def state_of(volatility: float = 0.3, forecast: float = 0.2, cash: float = 1e6, shown: int = 50) -> StrategyState:
    """Quotes that are four cents wide about the price at ``volatility``; values at ``forecast``. It has just opened."""
    table = InstrumentTable()
    table.add_equity("TEST")
    book = MarketBook(0, "TEST")
    contracts = [
        Contract(DATE + dt.timedelta(45), strike, right, NOW + 45 * DAY, 100)
        for strike in (90.0, 95.0, 100.0, 105.0, 110.0)
        for right in (1, -1)
    ]
    book.list_contracts(table.add_contracts("TEST", contracts))
    book.take_quotes(records(Kind.QUOTE, instrument=0, bid=99.99, ask=100.01, bid_size=500, ask_size=400), NOW)
    mid = value_chain(book, np.full(len(contracts), volatility), RATE, NOW).at_forecast.price
    quotes = records(Kind.QUOTE, len(mid), instrument=book.contracts["instrument"], bid_size=shown, ask_size=shown)
    quotes["bid"], quotes["ask"] = mid - 0.02, mid + 0.02
    book.take_quotes(quotes, NOW)
    underlying = Underlying(book, VolatilityForecaster(SETTINGS), market_news=True)
    underlying.forecast = {NOW + 45 * DAY: forecast}
    every = book.contracts["instrument"].tolist()
    underlying.valuation, underlying.screen = screen_chain(book, underlying.forecast_rows(), SETTINGS, RATE, NOW, every)
    state = StrategyState(portfolio=Portfolio(cash), rate=RATE, underlyings={0: underlying})
    state.session = Session(DATE, NOW - HOUR, NOW + 5 * HOUR)
    state.underlying_of = dict.fromkeys(range(11), 0)
    return state


def hold(state: StrategyState, direction: int = -1, quantity: int = 5, strike: int = 2) -> Trade:
    """A trade that is held, bought or sold at mid a day ago."""
    legs, expiry = (CALLS[strike], PUTS[strike]), NOW + 45 * DAY
    trade = Trade(0, "straddle", legs, (1, 1), (expiry, expiry), direction, quantity, NOW - DAY)
    book = state.underlyings[0].book
    for leg in trade.legs:
        price = float(book.mid()[book.row(leg)])
        state.portfolio.fill(leg, direction * quantity, price, 100, 0.0)
        trade.fill(leg, direction * quantity, price)
    state.trades.append(trade)
    return trade


def signal_of(strike: int = 2, direction: int = -1, edge: float = 0.05, vega: float = 3000.0) -> Records:
    """One SIGNAL record."""
    return records(
        Kind.SIGNAL,
        underlying=0,
        structure="straddle",
        **leg_columns((CALLS[strike], PUTS[strike]), (1, 1)),
        direction=direction,
        edge_volatility=edge,
        vega=vega,
        implied_volatility=0.3,
        forecast_volatility=0.2,
    )
