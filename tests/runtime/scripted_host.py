"""A host whose answers are written down, and what a teller tells a core of them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from alo_lib.market import Dividend
from alo_lib.market.event_files import DatedEvent
from alo_lib.records import HOUR, Contract, InstrumentTable, Message, Session
from alo_lib.runtime import MarketRecord, Teller, Timetable
from alo_lib.settings import Settings
from alo_lib.strategy.daily_bars import DailyBar

TUESDAY, WEDNESDAY, THURSDAY = dt.date(2015, 12, 22), dt.date(2015, 12, 23), dt.date(2015, 12, 24)
CHRISTMAS, NEW_YEAR = dt.date(2015, 12, 25), dt.date(2016, 1, 1)
MONDAY = dt.date(2015, 12, 28)  # Friday is Christmas
EXPIRY, LATER = dt.date(2015, 12, 31), dt.date(2016, 1, 15)
SETTINGS = Settings.of({"underlyings": "ONE,TWO", "start": WEDNESDAY, "end": MONDAY, "garch_history": 260})
FIRST_BAR = dt.date(2015, 2, 1)


def utc(day: dt.date, hour: float) -> int:
    """An hour of a day, UTC, in nanoseconds."""
    return round((day - dt.date(1970, 1, 1)).days * 24 * HOUR + hour * HOUR)


def session_of(day: dt.date) -> Session:
    """New York's winter hours; the day before Christmas closes at one."""
    return Session(day, utc(day, 14.5), utc(day, 18 if day == THURSDAY else 21))


def contract(strike: float, right: int, expiry: dt.date = EXPIRY, interest: int = 10) -> Contract:
    return Contract(expiry, strike, right, utc(expiry, 21), interest)


@dataclass
class ScriptedHost:
    """Answers what its lists hold, by ticker; remembers how many bars it was asked for."""

    closes: dict[str, list[tuple[dt.date, float]]]
    listed: dict[str, list[Contract]]
    paid: dict[str, list[tuple[dt.date, float]]] = field(default_factory=dict)
    close: float = 400.0  # before each dividend
    divided: dict[str, list[tuple[dt.date, float]]] = field(default_factory=dict)
    warned: dict[tuple[str, dt.date], float] = field(default_factory=dict)
    last_days: dict[str, dt.date] = field(default_factory=dict)
    dated: dict[str, list[DatedEvent]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    rates: list[float] | None = None  # to each expiry

    def session(self, day: dt.date) -> Session:
        return session_of(day)

    def session_from(self, day: dt.date) -> Session:
        while day.weekday() > 4 or day in (CHRISTMAS, NEW_YEAR):
            day += dt.timedelta(days=1)
        return session_of(day)

    def dated_events(self, ticker: str) -> list[DatedEvent]:
        return self.dated.get(ticker, [])

    def interest_rate(self, day: dt.date) -> float:
        return 0.01 + 1e-13

    def rates_to(self, session: Session, expiries: Mapping[int, dt.date]) -> list[float] | None:
        assert list(expiries) == sorted(expiries)
        assert list(expiries.values()) == sorted(expiries.values())
        return None if self.rates is None else self.rates[: len(expiries)]

    def daily_bars(self, ticker: str, day: dt.date, count: int) -> list[tuple[int, DailyBar]]:
        self.asked.append(count)
        past = [(session_of(on).close, (c - 1.0, c + 2.0, c - 2.0, c)) for on, c in self.closes[ticker] if on < day]
        return past[-count:]

    def dividends(self, ticker: str, since: dt.date, until: dt.date) -> list[Dividend]:
        return [Dividend(*each, self.close) for each in self.paid.get(ticker, []) if since <= each[0] <= until]

    def splits(self, ticker: str, since: dt.date, until: dt.date) -> list[tuple[dt.date, float]]:
        return [each for each in self.divided.get(ticker, []) if since <= each[0] <= until]

    def trades_no_more_after(self, ticker: str, day: dt.date) -> bool:
        return day >= self.last_days.get(ticker, dt.date.max)

    def split_ahead(self, ticker: str, day: dt.date) -> float | None:
        return self.warned.get((ticker, day))

    def contracts(self, ticker: str, day: dt.date) -> list[Contract]:
        return self.listed[ticker]


class Listener:
    """The core's part: it numbers, and it holds what a test says."""

    def __init__(self) -> None:
        self.instruments = InstrumentTable()
        self.held: dict[int, list[int]] = {}

    def contracts_open(self, underlying: int) -> list[int]:
        return self.held.get(underlying, [])


@dataclass
class Run:
    """A host, a core and the teller between them."""

    host: ScriptedHost
    core: Listener = field(default_factory=Listener)
    told: MarketRecord | None = None

    def __post_init__(self) -> None:
        self.teller = Teller(SETTINGS, self.core, self.host, self.told)

    def begin(self, day: dt.date) -> list[Message]:
        session = session_of(day)
        return list(self.teller.begin(session, Timetable(SETTINGS).begin(session)))
