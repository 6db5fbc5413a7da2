"""The trading core at one moment of a data folder: what a run that begins on that day would see and rank then."""

import datetime as dt
from dataclasses import dataclass
from typing import Final, NamedTuple

from alo_lib.core import TradingCore
from alo_lib.market import DataError, DataFolder, Resolution
from alo_lib.market.calendar import utc_time
from alo_lib.records import NEW_YORK, Kind, Message, Records, Session, records
from alo_lib.runtime import Teller, Timetable
from alo_lib.runtime.policy_file import policy_of_settings
from alo_lib.settings import Settings
from alo_lib.simulation.data_check import require_data
from alo_lib.simulation.feed import Feed
from alo_lib.simulation.past_markets import past_markets
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.carry import follow_carry
from alo_lib.strategy.market_watch import look_at_market
from alo_lib.strategy.state import StrategyState, Underlying

__all__ = ["MarketMoment", "finest_resolution", "market_at"]


@dataclass
class _Decisions:
    """Keeps the decisions of the last frame, in a journal's place."""

    kept: list[Message]

    def append(self, message: Message) -> int:
        """Take a message."""
        if message.kind is Kind.FRAME:
            self.kept = []
        if message.kind.is_decision:
            self.kept.append(message)
        return 0

    def flush(self) -> None:
        """Nothing is written."""

    def of(self, kind: Kind) -> Records:
        """The records of a kind; none where nothing of it was decided."""
        found = [message.records for message in self.kept if message.kind is kind]
        return found[0] if found else records(kind, 0)


class MarketMoment(NamedTuple):
    """One underlying at one moment."""

    settings: Settings
    time: int
    """Of the last bar that was known."""
    frame: int
    """When the core decided on it."""
    state: StrategyState
    underlying: Underlying
    signals: Records
    """SIGNAL records, best first."""
    funnel: Records
    """The FUNNEL record; empty where nothing was ranked."""
    market: Records
    """The MARKET_STATE record; empty where no expiry has a smile."""


class _Carries:
    """The looks at carries (:mod:`alo_lib.strategy.carry`) that a run's frames take until a moment, without the frames.

    ``book`` is the underlying's as its session begins.
    """

    def __init__(self, book: MarketBook, settings: Settings, rate: float) -> None:
        self._settings, self._rate = settings, rate
        self.book = MarketBook(book.instrument, book.ticker, dividends=book.dividends, announced=book.announced)
        self.book.list_contracts(book.contracts)

    def look(self, messages: list[Message], frame: int) -> None:
        """Take the bars of a frame, and look."""
        for message in messages:
            if message.kind is Kind.QUOTE:
                self.book.take_quotes(message.records, message.time)
            elif message.kind is Kind.TRADE:
                self.book.take_trade(float(message.records["close"][-1]), message.time)
        follow_carry(self.book, self._settings, self._rate, frame)


_BAR: Final = {Resolution.MINUTE: dt.timedelta(minutes=1), Resolution.HOUR: dt.timedelta(hours=1)}


def finest_resolution(folder: DataFolder, ticker: str, day: dt.date) -> Resolution:
    """The finest bars, of those that are traded on, that have option quotes on a day.

    :raises DataError: where the market is closed, or none has.
    """
    hours = folder.hours()
    if not hours.is_trading_day(day):
        raise DataError(f"the market was closed on {day}; name a trading day")
    for resolution in _BAR:
        if folder.quote_archive(ticker, day, resolution).path.is_file():
            bars = folder.aside().option_bars(ticker, day, day, resolution)
            if len(bars):
                return resolution
    raise DataError(f"{ticker} has no minute or hour option quotes on {day} in {folder.root}")


def market_at(settings: Settings, folder: DataFolder, at: dt.timedelta | None = None) -> MarketMoment:
    """The one underlying of ``settings`` on their first day as it was at that time in New York.

    Without a time it is the last at which anything can still be opened: the last bar that ends before the close. The
    core is told the session and its bars as in a backtest, forecasts with the first of them, and ranks at that time. Of
    the orders that it may have sent with the first bar none is filled. Where today stands is by the last quotes of each
    day of the year before.

    :raises DataError: where the day does not carry a run, or the time is outside of its session.
    :raises PolicyError: where the settings hedge by a policy that there is not.
    """
    (ticker,), day = settings.underlyings, settings.start
    findings = require_data(settings, folder.root)
    feed, timetable, kept = Feed(settings, folder, findings), Timetable(settings), _Decisions([])
    core = TradingCore(settings, kept)
    session, teller = feed.session(day), Teller(settings, core, feed, policy=policy_of_settings(settings))
    until = _moment(session, at, _BAR[Resolution(settings.resolution)])
    begin = timetable.begin(session)
    for message in teller.begin(session, begin):
        core.accept(message)
    if core.open_frame(timetable.preparation(begin)):
        core.run()
    number, last, earlier = teller.number(ticker), 0, list[Message]()
    state = core.snapshot().state.strategy
    carries = _Carries(state.underlyings[number].book, settings, state.rate)
    for step in feed.bars(session, teller.told).steps():
        if step.time > until:
            break
        messages = list(step.messages())
        if messages and last:
            carries.look(earlier, timetable.frames_after(last)[0])
        if messages and last and core.last_frame < session.open and core.open_frame(timetable.frames_after(last)[0]):
            core.run()  # the forecasts of a session are made with its first bar, and counted down from then on
        for message in messages:
            core.accept(message)
            earlier, last = messages, step.time
    underlying = state.underlyings[number]
    underlying.book.carry = carries.book.carry
    underlying.market_history.days, underlying.looked_at = past_markets(folder, ticker, settings, day), -1
    frame = timetable.frames_after(last)[0]
    if not last or not core.open_frame(frame):
        raise DataError(f"{ticker} has no bar on {day} by that time in {folder.root}")
    core.run()
    market = kept.of(Kind.MARKET_STATE)
    if not len(market) and underlying.book.spot > 0.0 and underlying.looked_at < session.open:
        market = look_at_market(underlying, settings, state.rate, frame)  # before entry-delay nothing is told of it
    return MarketMoment(settings, last, frame, state, underlying, core.signals, kept.of(Kind.FUNNEL), market)


def _moment(session: Session, at: dt.timedelta | None, bar: dt.timedelta) -> int:
    """A time of day in New York of a session, or of its last bar that ends before the close."""
    if at is None:
        length = bar // dt.timedelta(microseconds=1) * 1000
        return (session.close - 1) // length * length
    moment = utc_time(session.day, at, NEW_YORK)
    if not session.open < moment < session.close:
        opened, closed = (dt.datetime.fromtimestamp(each // 10**9, NEW_YORK) for each in (session.open, session.close))
        raise DataError(
            f"the session of {session.day} was from {opened:%H:%M} to {closed:%H:%M} in New York; name a time in it"
        )
    return moment
