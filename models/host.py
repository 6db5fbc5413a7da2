"""LEAN as the host of a session's telling: its hours, rates, history and universe, as a teller asks for them."""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from AlgorithmImports import (
    Delisting,
    DelistingType,
    Dividend,
    Equity,
    InterestRateProvider,
    OptionFilterUniverse,
    QCAlgorithm,
    Resolution,
    SecurityExchangeHours,
    Split,
    SplitType,
    Symbol,
)

from alo_lib.market import DataError
from alo_lib.market import Dividend as PaidDividend
from alo_lib.market.event_files import DatedEvent
from alo_lib.market.rate_curves import OF_MODEL, RateCurves, is_of_file
from alo_lib.records import CALENDAR_DAY, Contract, Session
from alo_lib.settings import Settings, SettingsError
from alo_lib.strategy import select_contracts
from alo_lib.strategy.daily_bars import DailyBar
from models.distributions import dividend_of
from models.host_portfolio import held_contracts
from models.marshalling import contract_of, contract_of_symbol, expiry_time
from models.times import utc_of
from models.user_texts import dated_events, rate_curves
from models.volatility_model import split_adjusted_bars

__all__ = ["LeanHost"]

Kept = TypeVar("Kept")

_LINES: Final = 100
"""Market-data lines of an Interactive Brokers account to which none were added."""

_CLOSES_BACK: Final = 60
"""Sessions in which the close of an expiry is looked for."""

_SESSIONS_BEFORE: Final = dt.timedelta(days=10)
"""LEAN's history finds a corporate action from the session before it, which no holidays part so far from it."""


class LeanHost:
    """Answers a :class:`alo_lib.runtime.Teller` for an algorithm.

    Splits and dividends come from history and not from LEAN's callbacks: those tell only who was subscribed on the day
    before, so that a run would not hear of its own first day.
    """

    def __init__(self, algorithm: QCAlgorithm, settings: Settings) -> None:
        self._algorithm = algorithm
        self._settings = settings
        self._equities: dict[str, Equity] = {}
        self._selected: dict[str, list[Contract]] = {}
        self._dated: dict[str, tuple[DatedEvent, ...]] = {}
        self._last_days: dict[str, dt.date] = {}
        self._curves: RateCurves | None = None
        if is_of_file(settings.rate_curve):  # what cannot be read, or begins after the run, stops it at its start
            curves, live = self._rate_curves(), algorithm.live_mode
            if not live and (lacking := curves.lacking(settings.start, settings.end)):
                algorithm.log(f"alo {lacking}")

    def add(self, ticker: str, equity: Equity) -> None:
        """Know an underlying."""
        self._equities[ticker] = equity

    def select(self, ticker: str, universe: OptionFilterUniverse) -> list[Symbol]:
        """LEAN's filter, once a day: the contracts that the scanner wants to look at."""
        expiries: dict[dt.date, int] = {}
        listed: dict[Contract, Symbol] = {}
        for data in universe:
            expiry = data.symbol.id.date.date()
            if expiry not in expiries:
                expiries[expiry] = expiry_time(self._hours, expiry)
            listed[contract_of(data, expiries[expiry])] = data.symbol
        reference_price, today = float(universe.underlying.price), self._algorithm.time.date()
        self._selected[ticker] = select_contracts(self._settings, today, reference_price, listed)
        if self._algorithm.live_mode and sum(map(len, self._selected.values())) > _LINES:
            self._algorithm.log(
                f"alo subscribes to {len(self._selected[ticker]):,} contracts of {ticker}; Interactive Brokers sends "
                f"quotes of {_LINES} securities at once unless more are booked: max-contracts limits them"
            )
        return [listed[contract] for contract in self._selected[ticker]]

    # What a teller asks --------------------------------------------------------------------------------------------

    def session(self, day: dt.date) -> Session:
        """The regular session of a trading day."""
        midnight = dt.datetime.combine(day, dt.time())
        opens, closes = (
            self._hours.get_next_market_open(midnight, False),
            self._hours.get_next_market_close(midnight, False),
        )
        return Session(day, utc_of(self._hours, opens), utc_of(self._hours, closes))

    def session_from(self, day: dt.date) -> Session:
        """The first regular session on a day or after it."""
        while not self._hours.is_date_open(dt.datetime.combine(day, dt.time())):
            day += CALENDAR_DAY
        return self.session(day)

    def dated_events(self, ticker: str) -> tuple[DatedEvent, ...]:
        """The dated events of a user's file, in LEAN's data folder or its object store; live it may change.

        :raises DataError: for a file that cannot be read at first.
        """
        known = self._dated.get(ticker)
        self._dated[ticker] = self._kept(known, lambda: dated_events(self._algorithm, ticker), f"events of {ticker}")
        return self._dated[ticker]

    def note_delistings(self, delistings: Iterable[Delisting]) -> None:
        """Remember of which underlyings LEAN says, before its session, that this day is the last."""
        names = {str(equity.symbol.id): ticker for ticker, equity in self._equities.items()}
        for each in delistings:
            ticker = names.get(str(each.symbol.id))
            if ticker is not None and each.type == DelistingType.WARNING:
                self._last_days[ticker] = each.time.date()

    def trades_no_more_after(self, ticker: str, day: dt.date) -> bool:
        """Whether LEAN has warned of an underlying's delisting after this day, or one before."""
        return day >= self._last_days.get(ticker, dt.date.max)

    def interest_rate(self, day: dt.date) -> float:
        """The risk-free rate in force, decimal."""
        rates = self._algorithm.risk_free_interest_rate_model
        return float(rates.get_interest_rate(dt.datetime.combine(day, dt.time())))

    def rates_to(self, session: Session, expiries: Mapping[int, dt.date]) -> list[float] | None:
        """The rates to some expiries: by a user's file, which live may change, or by the model of the algorithm.

        LEAN's own provider is a history: asked for a later date it would tell what nobody knew.

        :raises SettingsError: where the model is that one.
        """
        if not self._settings.rate_curve:
            return None
        if is_of_file(self._settings.rate_curve):
            return self._rate_curves().rates_to(session.day, session.open, list(expiries))
        model = self._algorithm.risk_free_interest_rate_model
        if isinstance(model, InterestRateProvider):
            raise SettingsError(
                f"setting rate-curve is {OF_MODEL!r}, and the algorithm's risk-free model is LEAN's history of rates, "
                "which would tell what nobody knew; set_risk_free_interest_rate_model takes one that tells the rate to "
                "a date, or rate-curve names a file"
            )
        return [float(model.get_interest_rate(dt.datetime.combine(day, dt.time()))) for day in expiries.values()]

    def _rate_curves(self) -> RateCurves:
        name = self._settings.rate_curve
        self._curves = self._kept(self._curves, lambda: rate_curves(self._algorithm, name), "interest rates")
        return self._curves

    def _kept(self, known: Kept | None, read: Callable[[], Kept], what: str) -> Kept:
        """What a user's file says: in a backtest as it was read at first, live as it is now.

        Where one that has changed cannot be read, what it said before stays, and the log says so.

        :raises DataError: for a file that cannot be read at first.
        """
        if known is not None and not self._algorithm.live_mode:
            return known
        try:
            return read()
        except DataError as error:
            if known is None:
                raise
            self._algorithm.log(f"alo keeps the {what} that it knew: {error}")
            return known

    def daily_bars(self, ticker: str, day: dt.date, count: int) -> list[tuple[int, DailyBar]]:
        """The last ``count`` daily bars before now, split-adjusted."""
        bars = split_adjusted_bars(self._algorithm, self._equities[ticker].symbol, count)
        return [(utc_of(self._hours, time), prices) for time, prices in bars]

    def dividends(self, ticker: str, since: dt.date, until: dt.date) -> list[PaidDividend]:
        """Each dividend in a span."""
        return [dividend_of(each) for each in self._history(Dividend, ticker, since, until)]

    def splits(self, ticker: str, since: dt.date, until: dt.date) -> list[tuple[dt.date, float]]:
        """Day and factor of each split in a span."""
        found = self._history(Split, ticker, since, until)
        return [(each.time.date(), float(each.split_factor)) for each in found if each.type == SplitType.SPLIT_OCCURRED]

    def split_ahead(self, ticker: str, day: dt.date) -> float | None:
        """The factor of a split in the session after a day's, of which LEAN warns."""
        warnings = [each for each in self._history(Split, ticker, day, day) if each.type == SplitType.WARNING]
        return float(warnings[0].split_factor) if warnings else None

    def contracts(self, ticker: str, day: dt.date) -> list[Contract]:
        """What LEAN's filter selected last; where positions are taken over, what LEAN holds as well."""
        selected = self._selected.get(ticker, [])
        if not (self._settings.take_over and self._algorithm.live_mode):
            return selected
        held = [
            contract_of_symbol(symbol, expiry_time(self._hours, symbol.id.date.date()))
            for symbol in held_contracts(self._algorithm, self._equities[ticker].symbol)
        ]
        return [*selected, *(each for each in held if not any(each.same_as(other) for other in selected))]

    # What a restart asks -------------------------------------------------------------------------------------------

    def close_at(self, ticker: str, time: int) -> float:
        """The close of an underlying's session that ended at ``time``; NaN where history has none."""
        bars = self.daily_bars(ticker, self._algorithm.time.date(), _CLOSES_BACK)
        return next((prices[-1] for closed, prices in reversed(bars) if closed == time), math.nan)

    @property
    def _hours(self) -> SecurityExchangeHours:
        return self._equities[self._settings.underlyings[0]].exchange.hours

    def _history(self, kind: Any, ticker: str, since: dt.date, until: dt.date) -> list[Any]:
        """Events of a kind, oldest first; LEAN's history ends now."""
        start = dt.datetime.combine(since, dt.time()) - _SESSIONS_BEFORE
        symbol = self._equities[ticker].symbol
        found = self._algorithm.history[kind](symbol, start, self._algorithm.time, Resolution.DAILY)
        return [each for each in found if since <= each.time.date() <= until]
