"""A market that tests write themselves: sessions, quotes at a chosen volatility, and fills at the touch."""

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from alo_lib.core import TradingCore
from alo_lib.journal import Journal, JournalWriter, MemoryStore, Order, orders_of, read_journal
from alo_lib.pricing import Chain
from alo_lib.records import (
    SECOND,
    YEAR,
    Contract,
    Kind,
    Message,
    OrderReason,
    OrderStatus,
    OrderType,
    Records,
    records,
)
from alo_lib.settings import Settings
from tests.brief import BRIEF

FIRST = dt.date(2024, 3, 4)
NEXT = FIRST + dt.timedelta(days=1)
DAY = 86_400 * SECOND
RATE = 0.03


def at(date: dt.date, hour: float) -> int:
    """Nanoseconds of an hour of a day, New York winter time."""
    midnight = dt.datetime.combine(date, dt.time(5), dt.UTC)
    return int(midnight.timestamp() + hour * 3600) * SECOND


def closes(count: int = 400, volatility: float = 0.20, last: float = 100.0) -> list[float]:
    """A seeded path of daily closes."""
    shocks = np.random.default_rng(5).standard_normal(count) * volatility / np.sqrt(252)
    path = np.exp(np.cumsum(shocks))
    return [float(x) for x in path / path[-1] * last]


def calendar_ahead(date: dt.date, days: int) -> Records:
    """CALENDAR records of the weekdays after a date, from half past nine to four, ``days`` days on."""
    ahead = [date + dt.timedelta(days=n) for n in range(1, days)]
    hours = [(at(day, 9.5), at(day, 16)) for day in ahead if day.weekday() < 5]
    return np.array(hours, records(Kind.CALENDAR, 0).dtype)


def of_test(**settings: object) -> Settings:
    """Settings of trades in TEST that are brief unless told otherwise."""
    return Settings.of({"underlyings": "TEST", **BRIEF, **settings})


@dataclass
class Script:
    """Drives a core with one underlying, TEST, and a chain of 7 strikes in one expiry 45 days out."""

    settings: Settings = field(default_factory=of_test)
    strikes: tuple[float, ...] = (85.0, 90.0, 95.0, 100.0, 105.0, 110.0, 115.0)
    days: int = 45
    spread: float = 0.04
    size: int = 50
    shares_shown: int = 10_000
    refuse: set[str] = field(default_factory=set)  # symbols whose orders are refused

    def __post_init__(self) -> None:
        self.store = MemoryStore()
        self.writer = JournalWriter(
            self.store, segment_bytes=1 << 22, settings=self.settings.model_dump_json().encode()
        )
        self.core = TradingCore(self.settings, self.writer)
        self.date = FIRST
        self.underlying = self.core.instruments.add_equity("TEST")
        self.quotes: Records = records(Kind.QUOTE, 0)
        self.told = False

    def session(self, date: dt.date = FIRST, new_closes: list[float] | None = None) -> None:
        """Begin a session."""
        self.date, start = date, at(date, 9)
        if not self.told:
            self.tell(start, Kind.INSTRUMENT, self.underlying)
            new_closes = closes() if new_closes is None else new_closes
            self.told = True
        day = int(f"{date:%Y%m%d}")
        self.tell(start, Kind.SESSION, records(Kind.SESSION, open=at(date, 9.5), close=at(date, 16), date=day))
        self.tell(start, Kind.RATE, records(Kind.RATE, rate=RATE))
        told = new_closes or []
        first = start - len(told) * DAY
        rows = [(first + i * DAY, 0, 0, close) for i, close in enumerate(told)]
        self.tell(start, Kind.CLOSE, np.array(rows, records(Kind.CLOSE, 0).dtype))
        self.tell(start, Kind.INSTRUMENT, self.core.instruments.add_contracts("TEST", self.chain()))
        self.tell(start, Kind.CALENDAR, calendar_ahead(date, self.days + 5))
        if self.core.open_frame(start + self.settings.frame_nanoseconds):
            assert not len(self.core.run())

    def chain(self) -> list[Contract]:
        expiry = FIRST + dt.timedelta(days=self.days)
        return [Contract(expiry, strike, right, at(expiry, 16), 500) for strike in self.strikes for right in (-1, 1)]

    def bar(self, hour: float, spot: float = 100.0, volatility: float = 0.20) -> list[Records]:
        """Quote the market at a volatility, run the frames that follow, fill; returns the intents of each frame."""
        time = at(self.date, hour)
        contracts = sorted(self.chain())
        strike = np.array([c.strike for c in contracts])
        right = np.array([c.right for c in contracts], float)
        years = (contracts[0].expiry_time - time) / YEAR
        mid = Chain(strike, years, right).price(spot, RATE, 0.0, volatility)
        self.quotes = records(Kind.QUOTE, len(mid) + 1, instrument=np.arange(len(mid) + 1))
        self.quotes["bid"] = np.append(spot - 0.01, np.round(mid - self.spread / 2, 2))
        self.quotes["ask"] = np.append(spot + 0.01, np.round(mid + self.spread / 2, 2))
        self.quotes["bid_size"] = self.quotes["ask_size"] = np.append(self.shares_shown, np.full(len(mid), self.size))
        self.tell(time, Kind.TRADE, records(Kind.TRADE, close=spot, volume=100))
        self.tell(time, Kind.QUOTE, self.quotes)
        return self.frames(time)

    def frames(self, time: int) -> list[Records]:
        sent = []
        for number in range(1, self.settings.frames_per_bar + 1):
            frame = time + number * self.settings.frame_nanoseconds
            if self.core.open_frame(frame):
                intents = self.core.run()
                sent.append(intents)
                for intent in intents:
                    self.answer(intent, frame)
        return sent

    def answer(self, intent: np.void, time: int) -> None:
        """Submit, then fill at the touch or refuse."""
        event = records(Kind.ORDER_EVENT, order=intent["order"], instrument=intent["instrument"])
        event["type"], event["status"] = OrderType.MARKET, OrderStatus.SUBMITTED
        self.tell(time, Kind.ORDER_EVENT, event.copy())
        if self.core.instruments.symbol(int(intent["instrument"])) in self.refuse:
            event["status"] = OrderStatus.INVALID
        else:
            quote = self.quotes[self.quotes["instrument"] == intent["instrument"]][0]
            event["status"], event["quantity"] = OrderStatus.FILLED, intent["quantity"]
            event["price"], event["fee"] = quote["ask" if intent["quantity"] > 0 else "bid"], 1.0
        self.tell(time, Kind.ORDER_EVENT, event)

    def tell(self, time: int, kind: Kind, rows: Records) -> None:
        if len(rows):
            self.core.accept(Message(kind, time, rows))

    @property
    def journal(self) -> Journal:
        return read_journal(self.store.images(), unfinished=True)

    @property
    def orders(self) -> list[Order]:
        return orders_of(self.journal.messages)

    def decisions(self, kind: Kind) -> list[Records]:
        return [message.records for message in self.journal.messages if message.kind == kind]

    def notices(self) -> list[str]:
        """What people are told, but for what the forecast is made of, which comes with every calibration."""
        told = [row["text"].decode() for table in self.decisions(Kind.NOTICE) for row in table]
        return [text for text in told if "without the hybrid" not in text]

    @property
    def held(self) -> dict[str, int]:
        """Holdings by symbol, as the orders' fills add up."""
        total: dict[str, int] = {}
        for order in self.orders:
            total[order.symbol] = total.get(order.symbol, 0) + order.filled
        return {symbol: quantity for symbol, quantity in total.items() if quantity}


def script(**settings: object) -> Script:
    """A market whose first session has begun."""
    made = Script(of_test(**settings))
    made.session()
    return made


def reasons(sent: list[Records]) -> list[str]:
    """Why each order of some frames was sent."""
    return [OrderReason(row["reason"]).name for intents in sent for row in intents]


def tell_order_event(market: Script, hour: float, **columns: object) -> None:
    """Tell the core of an ORDER_EVENT record."""
    market.tell(at(market.date, hour), Kind.ORDER_EVENT, records(Kind.ORDER_EVENT, **columns))
