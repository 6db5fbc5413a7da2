"""The simulated broker against LEAN itself: the same orders over LEAN's sample data, through a split.

What LEAN did was taken down from a run of its engine: three market orders at 10:00 on 2014-06-06, two at noon, and
its own liquidation of the options on the close before AAPL's split, hour bars, raw prices.
"""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from alo_lib.market import DataFolder
from alo_lib.records import InstrumentTable, Kind, OrderType
from alo_lib.runtime import Teller, Timetable
from alo_lib.settings import Settings
from alo_lib.simulation import (
    Account,
    Broker,
    Feed,
    Listing,
    OrderEvent,
    Prices,
    Settlement,
    TradeBuilder,
    require_data,
)

CALL, PUT = "AAPL  140621C00640000", "AAPL  140725P00660000"
ORDERS = {0: [(CALL, 10), (PUT, -10), ("AAPL", 155)], 2: [(CALL, -5), ("AAPL", -55)]}  # by bar
FILLS = [
    (CALL, 10, "17.35", "6.50", 14),
    (PUT, -10, "31.6", "6.50", 14),
    ("AAPL", 155, "647.86", "1", 14),
    (CALL, -5, "17.65", "3.25", 16),
    ("AAPL", -55, "649.69", "1", 16),
    (CALL, -5, "14.85", "3.25", 20),
    (PUT, 10, "33.55", "6.50", 20),
]
EQUITY = {
    "2014-06-06T14": "999561", "2014-06-06T15": "998908.3", "2014-06-06T16": "1001352.9", "2014-06-06T17": "1001820.4",
    "2014-06-06T18": "997820.4", "2014-06-06T19": "1000339.4", "2014-06-06T20": "996793.65",
    "2014-06-09T14": "996853.5385", "2014-06-09T15": "997070.2285", "2014-06-09T20": "997825.1485",
    "2014-06-10T20": "998209.5985",
}  # fmt: skip


class Desk:
    """The engine's loop with orders that the test sends instead of the core's."""

    def __init__(self, root: Path) -> None:
        settings = Settings.of(
            {
                "underlyings": "AAPL",
                "start": "2014-06-06",
                "end": "2014-06-10",
                "resolution": "hour",
                "min_coverage": 0,
            },
            {"min_days_to_expiry": 10, "exit_days_to_expiry": 6, "max_days_to_expiry": 60},
        )
        self.feed = Feed(settings, DataFolder(root), require_data(settings, root))
        self.instruments, self.listing, self.prices = InstrumentTable(), Listing(), Prices()
        self.teller, self.timetable = Teller(settings, self, self.feed), Timetable(settings)
        self.account = Account(settings.cash, self.listing)
        bar = settings.bar_nanoseconds
        self.broker = Broker(self.listing, self.prices, self.account, bar=bar)
        zone = self.feed.hours.exchange_zone
        histories = {"AAPL": DataFolder(root).map_file("AAPL")}
        self.settlement = Settlement(
            self.listing, self.prices, self.account, self.broker, histories=histories, zone=zone, bar=bar
        )
        self.trades = TradeBuilder(self.listing)
        self.events: list[OrderEvent] = []
        self.equity: dict[int, Decimal] = {}

    def contracts_open(self, underlying: int) -> list[int]:
        return [number for number, _ in self.account.held() if number != underlying]

    def run(self) -> None:
        for session in self.feed.sessions:
            self.broker.begin_session(session.open, session.close)
            for message in self.teller.begin(session, self.timetable.begin(session)):
                if message.kind is Kind.INSTRUMENT:
                    self.listing.add(message.records)
                    self.prices.grow(len(self.instruments))
                elif message.kind is Kind.SPLIT and message.records["warning"][0]:
                    self.settlement.warn_of_split(0)
                elif message.kind is Kind.SPLIT:
                    self.settlement.split(0, float(message.records["factor"][0]))
            self.settlement.begin_session(self.teller.told.today)
            for step in self.feed.bars(session, self.teller.told).steps():
                self.prices.trade(step.time, step.trades, step.trade_bars)
                self.prices.option_trade(step.time, step.option_trades)
                self.prices.quote(step.time, step.quotes, step.quote_bars)
                self.tell(self.settlement.assign(step.time))
                self.tell(self.settlement.liquidate_before_split(step.time, session.close))
                self.tell(self.broker.scan(step.time))
                self.trades.follow(self.prices)
                for symbol, quantity in ORDERS.get(len(self.equity), []):
                    self.tell(self.broker.submit(self.instruments.number(symbol), quantity, step.time))
                self.equity[step.time] = self.account.equity(self.prices)

    def tell(self, events: list[OrderEvent]) -> None:
        self.events += events
        for event in events:
            if event.quantity:
                self.trades.fill(event)


@pytest.fixture(scope="module")
def desk(lean_data: Path) -> Desk:
    desk = Desk(lean_data)
    desk.run()
    return desk


def test_every_fill_is_leans(desk: Desk) -> None:
    hours = [event for event in desk.events if event.quantity]
    found = [
        (desk.listing[e.instrument].symbol, e.quantity, str(e.price), f"{e.fee}", e.time // 3_600_000_000_000 % 24)
        for e in hours
    ]
    assert [(s, q, Decimal(p), Decimal(f), h) for s, q, p, f, h in found] == [
        (s, q, Decimal(p), Decimal(f), h) for s, q, p, f, h in FILLS
    ]
    assert [event.type for event in hours[-2:]] == [OrderType.MARKET_ON_CLOSE] * 2


def test_equity_is_leans_at_every_hour_that_it_sampled(desk: Desk) -> None:
    for hour, value in EQUITY.items():
        time = int(dt.datetime.fromisoformat(f"{hour}:00+00:00").timestamp()) * 1_000_000_000
        assert round(desk.equity[time], 4) == Decimal(value), hour


def test_closed_trades_and_profits_are_leans(desk: Desk) -> None:
    found = [(str(t.profit), str(t.fees), str(t.worst), str(t.best), str(t.drawdown)) for t in desk.trades.closed]
    assert found == [
        ("150.00", "9.75", "-262.50", "212.50", "262.50"),
        ("100.65", "2", "-18.70", "100.65", "18.70"),
        ("-1250.00", "3.25", "-1250.00", "250.00", "1500.00"),
        ("-1950.00", "13.0", "-1950.00", "1150.00", "3100.00"),
    ]
    assert [record.profit for record in desk.account.profits] == [
        Decimal("143.5"),
        Decimal("98.65"),
        Decimal("-1256.5"),
        Decimal(-1963),
    ]
    assert desk.account.fees == 28
    assert desk.account.realized - desk.account.fees == Decimal("-2977.35")
    assert desk.account.volume == Decimal("234901.25")
    assert round(desk.account.unrealized(desk.prices), 2) == Decimal("1183.78")
