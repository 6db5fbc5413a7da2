"""LEAN's data folder as the host of a session's telling, and the session's bars."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import (
    QUOTE_BAR,
    DataFindings,
    DataFolder,
    Dividend,
    FactorFile,
    FaultKind,
    Resolution,
)
from alo_lib.market.bars import session_days
from alo_lib.market.event_files import DatedEvent
from alo_lib.market.rate_curves import OF_MODEL
from alo_lib.records import CALENDAR_DAY, FIRST_DAY, LAST_DAY, Contract, Session
from alo_lib.runtime import MarketRecord
from alo_lib.settings import Settings, SettingsError
from alo_lib.simulation.bars import BarReader, SessionBars, Watched
from alo_lib.simulation.money import decimal
from alo_lib.simulation.selection import selection_for
from alo_lib.strategy.daily_bars import DailyBar

__all__ = ["Feed", "FeedState", "require_no_model"]


def require_no_model(settings: Settings) -> None:
    """Refuse rates by expiry of a model, which only an algorithm in LEAN has.

    :raises SettingsError: where the setting rate-curve asks for them.
    """
    if settings.rate_curve == OF_MODEL:
        raise SettingsError(
            f"setting rate-curve is {OF_MODEL!r}; only LEAN has a risk-free model to ask, name a file or leave it empty"
        )


class FeedState(NamedTuple):
    """What a feed remembers of the sessions up to one that was begun."""

    selected: dict[str, list[Contract]]
    last_quote: Annotated[NDArray[np.void], QUOTE_BAR]


class Feed:
    """A data folder, read as a run with these settings needs it. What is skipped is in the folder's fault log.

    It answers a :class:`alo_lib.runtime.Teller`. ``findings`` are what the folder was measured to hold.
    """

    def __init__(self, settings: Settings, folder: DataFolder, findings: DataFindings) -> None:
        self._settings = settings
        self._folder = folder
        for fault in findings.faults:
            folder.faults.add(fault)
        self.hours = folder.hours()
        self.sessions = self.hours.sessions(settings.start, settings.end)
        self._reader = BarReader(settings, folder)
        # What is kept for all sessions is read here: a run that goes on puts its counts of faults back after this.
        self._reader.read_ahead()
        self._rates = folder.interest_rates
        self._events = {ticker: folder.events(ticker) for ticker in settings.underlyings}
        self._daily = {
            ticker: folder.bars(ticker, FIRST_DAY, settings.end, Resolution.DAILY) for ticker in settings.underlyings
        }
        self._dated = {ticker: folder.dated_events(ticker) for ticker in settings.underlyings}
        require_no_model(settings)
        self._curves = folder.rate_curves(settings.rate_curve) if settings.rate_curve else None
        self._selected: dict[str, list[Contract]] = {}

    @property
    def state(self) -> FeedState:
        """What later sessions depend on, to go on from in :meth:`resume`; taken before a session's bars are read."""
        return FeedState(dict(self._selected), self._reader.last_quote)

    def resume(self, state: FeedState) -> None:
        """Go on in the session in which the state was taken."""
        self._selected, self._reader.last_quote = state

    def bars(self, session: Session, told: MarketRecord) -> SessionBars:
        """The session's bars of the underlyings, and of the contracts that were told."""
        watched = []
        for ticker, number in told.underlyings.items():
            contracts = [(each, told.contracts[each]) for each in told.today]
            mine = [(each, contract) for each, (underlying, contract) in contracts if underlying == number]
            watched.append(Watched(ticker, number, sorted(mine, key=lambda pair: pair[1])))
        return self._reader.read(session, watched)

    # What a teller asks --------------------------------------------------------------------------------------------

    def session(self, day: dt.date) -> Session:
        """The regular session of a trading day."""
        return self.hours.session(day)

    def session_from(self, day: dt.date) -> Session:
        """The first regular session on a day or after it."""
        return self.hours.session_from(day)

    def dated_events(self, ticker: str) -> tuple[DatedEvent, ...]:
        """The dated events of the file that a user keeps."""
        return self._dated[ticker]

    def interest_rate(self, day: dt.date) -> float:
        """The risk-free rate in force, decimal."""
        return self._rates.rate_at(day)

    def rates_to(self, session: Session, expiries: Mapping[int, dt.date]) -> list[float] | None:
        """The rates to some expiries by the curves of the file that a user keeps."""
        return None if self._curves is None else self._curves.rates_to(session.day, session.open, list(expiries))

    def daily_bars(self, ticker: str, day: dt.date, count: int) -> list[tuple[int, DailyBar]]:
        """The last ``count`` daily bars before a day, split-adjusted."""
        bars = self._daily[ticker]
        end = int(np.searchsorted(bars["time"], self.hours.session(day).open))
        return _split_adjusted(bars[max(0, end - count) : end], self._folder.factor_file(ticker))

    def dividends(self, ticker: str, since: dt.date, until: dt.date) -> list[Dividend]:
        """Each dividend in a span."""
        return [each for each in self._events[ticker].dividends if since <= each.ex_date <= until]

    def splits(self, ticker: str, since: dt.date, until: dt.date) -> list[tuple[dt.date, float]]:
        """Day and factor of each split in a span."""
        return [(each.day, each.factor) for each in self._events[ticker].splits if since <= each.day <= until]

    def split_ahead(self, ticker: str, day: dt.date) -> float | None:
        """The factor of a split in the session after a day's."""
        return next((each.factor for each in self._events[ticker].splits if each.warning_day == day), None)

    def trades_no_more_after(self, ticker: str, day: dt.date) -> bool:
        """By the map file, whose last row has the last day with data."""
        last = self._folder.map_file(ticker).delisting_date
        return last < LAST_DAY and self.session_from(day + CALENDAR_DAY).day > last

    def contracts(self, ticker: str, day: dt.date) -> list[Contract]:
        """As LEAN selects them for a day; without a universe file the last selection stays."""
        selection = selection_for(self._settings, self._folder, ticker, day)
        if selection is not None and selection.price > 0.0:
            self._selected[ticker] = selection.contracts
        elif selection is not None:
            place = f"{ticker} universe of {selection.day}"
            self._folder.faults.record(FaultKind.CORRUPT_FILE, place, detail="no row of the underlying with a price")
        return self._selected.get(ticker, [])


def _split_adjusted(bars: NDArray[np.void], factors: FactorFile) -> list[tuple[int, DailyBar]]:
    """Daily bars, adjusted for every split of the factor file, in decimals as LEAN adjusts them."""
    ends = [row.day for row in factors.rows]
    by_span = [*(row.split_factor for row in factors.rows), Decimal(1)]
    days = session_days(bars).tolist()
    applied = [by_span[bisect_left(ends, day)] for day in days]
    rows = bars[["time", "open", "high", "low", "close"]].tolist()
    adjusted = []
    for (time, *prices), factor in zip(rows, applied, strict=True):
        open_, high, low, close = (float(decimal(price) * factor) for price in prices)
        adjusted.append((time, (open_, high, low, close)))
    return adjusted
