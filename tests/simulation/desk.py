"""A trading desk for tests: an underlying, some contracts, prices that the test sets, an account and a broker."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import QUOTE_BAR, TRADE_BAR, MapFile
from alo_lib.records import Contract, InstrumentTable, Kind, OrderType, records
from alo_lib.simulation import Account, Broker, Listing, OrderEvent, Prices, Settlement

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
ZONE = ZoneInfo("America/New_York")
DAY = dt.date(2024, 3, 15)  # a Friday in summer time


def at(hour: int, minute: int = 0, *, day: dt.date = DAY) -> int:
    """Nanoseconds UTC of a time in New York."""
    return int(dt.datetime.combine(day, dt.time(hour, minute), ZONE).timestamp()) * SECOND


def contract(strike: float, right: int, *, expiry: dt.date = DAY, american: bool = True) -> Contract:
    return Contract(expiry, strike, right, at(16, day=expiry), 0, american)


def quote_bar(bid: Sequence[float], ask: Sequence[float]) -> NDArray[np.void]:
    """A bar whose bid and ask took these prices one after the other."""
    bar = np.zeros(1, QUOTE_BAR)
    for side, prices in (("bid", bid), ("ask", ask)):
        bar[f"{side}_open"], bar[f"{side}_close"] = prices[0], prices[-1]
        bar[f"{side}_high"], bar[f"{side}_low"] = max(prices), min(prices)
    return bar


def trade_bar(prices: Sequence[float]) -> NDArray[np.void]:
    """A bar of trades at these prices, one after the other."""
    bar = np.zeros(1, TRADE_BAR)
    bar["open"], bar["close"], bar["high"], bar["low"] = prices[0], prices[-1], max(prices), min(prices)
    return bar


class Desk:
    """Number 0 is the equity TEST; the contracts follow in sorted order."""

    def __init__(self, *contracts: Contract, cash: float = 100_000.0, bar: int = MINUTE) -> None:
        table = InstrumentTable()
        self.listing, self.prices = Listing(), Prices()
        self.listing.add(table.add_equity("TEST"))
        self.listing.add(table.add_contracts("TEST", contracts))
        self.prices.grow(len(table))
        self.account = Account(cash, self.listing)
        self.broker = Broker(self.listing, self.prices, self.account, bar=bar)
        self.settlement = Settlement(
            self.listing,
            self.prices,
            self.account,
            self.broker,
            histories={"TEST": MapFile("TEST")},
            zone=ZONE,
            bar=bar,
        )
        self.settlement.begin_session(range(1, len(table)))
        self.broker.begin_session(at(9, 30), at(16))

    def trade(self, time: int, close: float, volume: int = 1000) -> None:
        self.prices.trade(time, records(Kind.TRADE, instrument=0, close=close, volume=volume))

    def quote(
        self,
        time: int,
        instrument: int,
        bid: float,
        ask: float,
        sizes: tuple[int, int] = (10, 10),
        opens: tuple[float, float] | None = None,
    ) -> None:
        row = records(Kind.QUOTE, instrument=instrument, bid=bid, ask=ask, bid_size=sizes[0], ask_size=sizes[1])
        self.prices.quote(time, row, None if opens is None else quote_bar((opens[0], bid), (opens[1], ask)))

    def order(self, instrument: int, quantity: int, time: int, type: OrderType = OrderType.MARKET) -> list[OrderEvent]:
        return self.broker.submit(instrument, quantity, time, intent=1, type=type)

    def hold(self, instrument: int, quantity: int, price: str) -> None:
        """A position as if it had been traded at ``price`` without a fee."""
        self.account.fill(instrument, quantity, Decimal(price), Decimal(0), at(9, 30))

    def holding(self, instrument: int) -> int:
        return self.account.quantity(instrument)
