"""Research trades what the core trades: a core that is told of the learning market holds the same, to the cent."""

import datetime as dt
import math
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from alo_lib.core import TradingCore
from alo_lib.journal import JournalWriter
from alo_lib.learning.desk import CASH, Desk
from alo_lib.learning.market import EVEN_NIGHTS, RATE, TICKER, TRADING_DAY, LearningMarket
from alo_lib.market import MapFile
from alo_lib.records import HOUR, MINUTE, NEW_YORK, SECOND, YEAR, Kind, Message, Records, records
from alo_lib.settings import Settings
from alo_lib.simulation import Account, Broker, Listing, OrderEvent, Prices, Settlement
from alo_lib.simulation.money import decimal

SETTINGS = Settings(garch_history=400, max_structures=1, entry_edge=0.005, cash=CASH, carry="rate")
DAYS = 60


class Told:
    """A core with a broker of the embedded engine, told of one learning market by messages alone."""

    def __init__(self, market: LearningMarket) -> None:
        self.market = market
        self.core = TradingCore(SETTINGS, JournalWriter())
        self.listing, self.prices = Listing(), Prices()
        self.account = Account(CASH, self.listing)
        self.broker = Broker(self.listing, self.prices, self.account, bar=MINUTE)
        self.settlement = Settlement(
            self.listing,
            self.prices,
            self.account,
            self.broker,
            histories={TICKER: MapFile(TICKER)},
            zone=ZoneInfo("UTC"),
            bar=MINUTE,
        )
        self.contracts = records(Kind.INSTRUMENT, 0)

    def day(self, day: int) -> None:
        """Tell of a session, then of its quotes, and run the two frames that follow them."""
        session, time = self.market.session(day), self.market.time(day)
        start = session.open - HOUR
        self.broker.begin_session(session.open, session.close)
        if day == 0:
            self.tell(start, Kind.INSTRUMENT, self.market.underlying)
        date = int(f"{dt.datetime.fromtimestamp(session.open / SECOND, NEW_YORK):%Y%m%d}")
        self.tell(start, Kind.SESSION, records(Kind.SESSION, open=session.open, close=session.close, date=date))
        self.tell(start, Kind.RATE, records(Kind.RATE, rate=RATE))
        closes = self.market.closes_before(day)
        times = start - np.arange(len(closes), 0, -1) * HOUR  # a day apart some would be before 1970
        self.tell(start, Kind.CLOSE, records(Kind.CLOSE, len(closes), time=times, close=closes))
        shares = self.market.share_quote(day)
        self.quote(time, shares)
        self.hear(self.settlement.expire(time))
        listed = self.market.listed(day, SETTINGS.min_days_to_expiry, SETTINGS.max_days_to_expiry)
        kept = self.contracts[np.isin(self.contracts["instrument"], self.core.contracts_open(0))]
        kept = kept[~np.isin(kept["instrument"], listed["instrument"])]
        self.contracts = np.concatenate([listed, kept])
        self.tell(start, Kind.INSTRUMENT, self.contracts)
        self.tell(start, Kind.CALENDAR, np.array(self.market.calendar(day + 1), records(Kind.CALENDAR, 0).dtype))
        self.core.open_frame(start)
        assert len(self.core.run()) == 0
        self.core.snapshot().state.strategy.underlyings[0].variance_time.nights = EVEN_NIGHTS
        quotes = self.market.quotes(day, self.contracts)
        self.quote(time, quotes)
        self.tell(time, Kind.QUOTE, np.concatenate([shares, quotes]))
        self.hear(self.settlement.assign(time))
        self.hear(self.broker.scan(time))
        for number in range(2):
            if self.core.open_frame(time + number * SETTINGS.frame_nanoseconds):
                for intent in self.core.run():
                    instrument, quantity = int(intent["instrument"]), int(intent["quantity"])
                    self.hear(self.broker.submit(instrument, quantity, time, intent=int(intent["order"])))
        if self.core.open_frame(time + MINUTE):  # takes in what was filled last
            assert len(self.core.run()) == 0

    def pay_for_the_night(self) -> None:
        """The environment's own rule, which no engine has."""
        strategy = self.core.snapshot().state.strategy
        invested = float(strategy.underlyings[0].exposure["value"][0])
        cost = decimal(invested * math.expm1(RATE * TRADING_DAY / YEAR))
        strategy.portfolio.cash -= float(cost)
        self.account.cash -= cost

    def quote(self, time: int, rows: Records) -> None:
        self.prices.quote(time, rows)

    def hear(self, events: Iterable[OrderEvent]) -> None:
        for event in events:
            self.core.accept(event.told())

    def tell(self, time: int, kind: Kind, rows: Records) -> None:
        if kind is Kind.INSTRUMENT:
            self.listing.add(rows)
            self.prices.grow(1 + int(rows["instrument"].max()))
        self.core.accept(Message(kind, time, rows))


@pytest.mark.parametrize("seed", [3, pytest.param(8, marks=pytest.mark.slow)])
def test_the_desk_holds_what_a_core_holds_that_is_told_the_same(seed: int) -> None:
    desk = Desk(LearningMarket(seed, DAYS, SETTINGS.garch_history + 1), SETTINGS)
    told = Told(LearningMarket(seed, DAYS, SETTINGS.garch_history + 1))
    traded = []
    for day in range(DAYS + 1):
        if day:
            told.pay_for_the_night()
            desk.open_day(day)
        signal = desk.signal
        desk.trade(float(signal is not None and signal["edge_volatility"][0] >= SETTINGS.entry_edge))
        told.day(day)
        portfolio = desk.state.portfolio
        held = {instrument: portfolio.quantity(instrument) for instrument in portfolio.held()}
        assert told.core.holdings == held, day
        assert float(told.account.cash) == pytest.approx(portfolio.cash, abs=1e-6), day
        assert told.account.fees == desk.account.fees, day
        exposure = told.core.snapshot().state.strategy.underlyings[0].exposure
        assert exposure["equity"] == pytest.approx(desk.exposure["equity"], abs=1e-4), day
        for name in ("delta", "vega"):  # a minute later than the desk's
            assert exposure[name] == pytest.approx(desk.exposure[name], rel=1e-4, abs=0.05), (day, name)
        traded.append(held)
    assert desk.opened > 1
    assert len({tuple(sorted(held.items())) for held in traded}) > 5
