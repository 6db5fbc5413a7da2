"""What LEAN's data folder tells the core, session by session, in the order in which every engine tells it."""

import datetime as dt
import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.core import Settings
from alo_lib.market import (
    QUOTE_BAR,
    CorporateEvents,
    DataError,
    DataFolder,
    FactorFile,
    FaultKind,
    FaultLog,
    Resolution,
    SecurityType,
)
from alo_lib.market.calendar import utc_time
from alo_lib.records import DAY, Contract, InstrumentTable, Kind, Message, Records, Session, records
from alo_lib.simulation.bars import BarReader, SessionBars, Watched
from alo_lib.simulation.money import decimal
from alo_lib.strategy import select_contracts

__all__ = ["Feed", "FeedState"]

_SESSION_START: Final = dt.timedelta(hours=9)
_DIVIDENDS_LOOKED_BACK: Final = dt.timedelta(days=400)
_ONE_DAY: Final = dt.timedelta(days=1)
_FIRST_DAY: Final = dt.date(1970, 1, 2)
_CLOSE_DECIMALS: Final = 6
_RATE_DECIMALS: Final = 10


class FeedState(NamedTuple):
    """What a feed has told of the sessions up to one that it has begun."""

    told_close: dict[str, int]
    selected: dict[str, list[Contract]]
    known: dict[int, Contract]
    watched: list[Watched]
    last_quote: Annotated[NDArray[np.void], QUOTE_BAR]


class Feed:
    """A data folder, read as a run with these settings needs it. What is skipped is in the folder's fault log.

    Raises DataError when the market is closed on all days of the range, or when an underlying has no bars or no
    option universe for any of its sessions.
    """

    def __init__(self, settings: Settings, folder: DataFolder) -> None:
        self._settings = settings
        self._folder = folder
        self.hours = folder.hours()
        self.sessions = self.hours.sessions(settings.start, settings.end)
        if not self.sessions:
            raise DataError(f"the market is closed on every day from {settings.start} to {settings.end}")
        for ticker in settings.underlyings:
            _check(settings, folder, self.sessions, ticker)
        self._reader = BarReader(settings, folder)
        self._events = {ticker: folder.events(ticker) for ticker in settings.underlyings}
        self._daily = {
            ticker: folder.bars(ticker, _FIRST_DAY, settings.end, Resolution.DAILY) for ticker in settings.underlyings
        }
        self._told_close: dict[str, int] = {}  # time of the last one
        self._selected: dict[str, list[Contract]] = {}
        self._known: dict[int, Contract] = {}  # every contract ever told, by number
        self._watched: list[Watched] = []

    @property
    def state(self) -> FeedState:
        """What was told so far, to go on from in :meth:`resume`; taken between :meth:`begin` and :meth:`bars`."""
        return FeedState(
            dict(self._told_close),
            dict(self._selected),
            dict(self._known),
            list(self._watched),
            self._reader.last_quote,
        )

    def resume(self, state: FeedState) -> None:
        """Go on in the session in which the state was taken."""
        self._told_close, self._selected, self._known, self._watched, self._reader.last_quote = state

    def start_of(self, session: Session) -> int:
        """When the core is told of a session, before it opens."""
        return utc_time(session.day, _SESSION_START, self.hours.exchange_zone)

    def begin(self, session: Session, table: InstrumentTable, held: Mapping[str, list[int]]) -> Iterator[Message]:
        """What is told before a session opens. ``held`` are the numbers of contracts held, by underlying."""
        time, first = self.start_of(session), session == self.sessions[0]
        if first:
            equities = [table.add_equity(ticker) for ticker in self._settings.underlyings]
            yield Message(Kind.INSTRUMENT, time, np.concatenate(equities))
        date = session.day.year * 10_000 + session.day.month * 100 + session.day.day
        yield Message(Kind.SESSION, time, records(Kind.SESSION, open=session.open, close=session.close, date=date))
        rate = round(self._folder.interest_rates.rate_at(session.day), _RATE_DECIMALS)
        yield Message(Kind.RATE, time, records(Kind.RATE, rate=rate))
        for ticker in self._settings.underlyings:
            number, events = table.number(ticker), self._events[ticker]
            told = [
                *self._new_bars(ticker, number, session),
                (Kind.DIVIDEND, self._dividends(events, number, session, first=first)),
                *((Kind.SPLIT, row) for row in _splits(events, number, session)),
            ]
            yield from (Message(kind, time, rows) for kind, rows in told if len(rows))
        self._watched = []
        for ticker in self._settings.underlyings:
            rows = self._contracts(ticker, session, table, held.get(ticker, []))
            if len(rows):
                yield Message(Kind.INSTRUMENT, time, rows)

    def bars(self, session: Session) -> SessionBars:
        """The session's bars of the underlyings, and of the contracts that :meth:`begin` told."""
        return self._reader.read(session, self._watched)

    def _new_bars(self, ticker: str, number: int, session: Session) -> list[tuple[Kind, Records]]:
        """Split-adjusted daily bars that were not told yet, up to the session before: ranges, then closes."""
        bars = self._daily[ticker]
        end = int(np.searchsorted(bars["time"], session.open))
        start = max(0, end - self._settings.garch_history - 1)
        if ticker in self._told_close:
            start = int(np.searchsorted(bars["time"], self._told_close[ticker], side="right"))
        fresh = bars[start:end]
        prices = _split_adjusted(fresh, self._folder.factor_file(ticker))
        close = prices.pop("close")
        common = {"instrument": number, "time": fresh["time"]}
        if len(fresh):
            self._told_close[ticker] = int(fresh["time"][-1])
        return [
            (Kind.RANGE, records(Kind.RANGE, len(fresh), **common, **prices)),
            (Kind.CLOSE, records(Kind.CLOSE, len(fresh), **common, close=close)),
        ]

    def _dividends(self, events: CorporateEvents, number: int, session: Session, *, first: bool) -> Records:
        """Those that go ex today, in the first session also those of the past year and a bit."""
        since = session.day - _DIVIDENDS_LOOKED_BACK if first else session.day
        due = [dividend for dividend in events.dividends if since <= dividend.ex_date <= session.day]
        times = [self.hours.session(dividend.ex_date).open for dividend in due]
        # Past ones per share as shares are now; a split of today is told, and the core accounts for it.
        splits = [split for split in events.splits if split.day < session.day]
        amounts = [
            math.prod((split.factor for split in splits if split.day > dividend.ex_date), start=dividend.amount)
            for dividend in due
        ]
        return records(Kind.DIVIDEND, len(due), instrument=number, time=times, amount=amounts)

    def _contracts(self, ticker: str, session: Session, table: InstrumentTable, held: list[int]) -> Records:
        """The contracts of one underlying for today: those selected, and those held though not selected."""
        today = self._select(ticker, session)
        for number in held:
            contract = self._known[number]
            if not any(contract.same_as(other) for other in today):
                today.append(contract)
        rows = table.add_contracts(ticker, today)
        contracts = list(zip(rows["instrument"].tolist(), sorted(today), strict=True))
        self._known.update(contracts)
        self._watched.append(Watched(ticker, table.number(ticker), contracts))
        return rows

    def _select(self, ticker: str, session: Session) -> list[Contract]:
        """LEAN selects from the file of the session before, at the midnight after that day.

        Without the file the last selection stays.
        """
        universe = self._folder.universe(ticker, session.day, lookback=1)
        if universe is not None and universe.underlying is not None and universe.underlying.close > 0.0:
            listed = universe.contracts(self._folder.hours(SecurityType.OPTION, ticker))
            chosen = select_contracts(self._settings, universe.day + _ONE_DAY, universe.underlying.close, listed)
            self._selected[ticker] = chosen
        elif universe is not None:
            place = f"{ticker} universe of {universe.day}"
            self._folder.faults.record(FaultKind.CORRUPT_FILE, place, detail="no row of the underlying with a price")
        return [contract for contract in self._selected.get(ticker, []) if contract.expiry_time > session.open]


def _check(settings: Settings, folder: DataFolder, sessions: list[Session], ticker: str) -> None:
    """Raise DataError when nothing can be traded. Faults met here are met again, and logged, by the run."""
    probe = DataFolder(folder.root, market=folder.market, faults=FaultLog())
    reader = BarReader(settings, probe)
    span = f"from {settings.start} to {settings.end} in {folder.root}"
    if not any(len(reader.trades(ticker, session.day)) for session in sessions):
        raise DataError(f"{ticker} has no {settings.resolution} bars {span}")
    if all(probe.universe(ticker, session.day, lookback=1) is None for session in sessions):
        raise DataError(f"{ticker} has no option universe file for any session {span}")


def _split_adjusted(bars: NDArray[np.void], factors: FactorFile) -> dict[str, list[float]]:
    """Prices of daily bars, adjusted for every split of the factor file, in decimals as LEAN adjusts them."""
    ends = [row.day for row in factors.rows]
    by_span = [*(row.split_factor for row in factors.rows), Decimal(1)]
    # A regular session ends on its own date in UTC, too.
    days = (bars["time"] // DAY).astype("datetime64[D]").tolist()
    applied = [by_span[bisect_left(ends, day)] for day in days]
    return {
        name: [
            round(float(decimal(price) * factor), _CLOSE_DECIMALS)
            for price, factor in zip(bars[name].tolist(), applied, strict=True)
        ]
        for name in ("open", "high", "low", "close")
    }


def _splits(events: CorporateEvents, number: int, session: Session) -> Iterator[Records]:
    """A warning in the session before a split, and the split itself on its day."""
    for split in events.splits:
        if session.day in (split.day, split.warning_day):
            warning = session.day == split.warning_day
            yield records(Kind.SPLIT, time=session.open, instrument=number, warning=warning, factor=split.factor)
