"""What a core is told of a session before it opens, and in which order: one statement for every engine."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

import numpy as np

from alo_lib.market.announced_dividends import announced_dividends
from alo_lib.market.corporate_actions import action_days, is_of_distribution, named_kinds
from alo_lib.market.distributions import HISTORY, Distribution, Dividend, told_apart
from alo_lib.market.event_files import DatedEvent, scheduled_moves
from alo_lib.records import (
    CALENDAR_DAY,
    DAY,
    ActionKind,
    Contract,
    DividendKind,
    InstrumentTable,
    Kind,
    Message,
    Records,
    Session,
    records,
)
from alo_lib.runtime.market_record import MarketRecord
from alo_lib.runtime.policy_file import require_policy_told
from alo_lib.settings import Settings
from alo_lib.strategy.daily_bars import DailyBar
from alo_lib.strategy.hedging_policy import HedgingPolicy, PolicyError
from alo_lib.strategy.policy_records import policy_records

__all__ = ["DIVIDENDS_LOOKED_BACK", "SessionHost", "Teller", "ToldCore"]

DIVIDENDS_LOOKED_BACK: Final = dt.timedelta(days=400)
"""How long before its first session a run is told of dividends."""
_PRICE_DECIMALS: Final = 6
_RATE_DECIMALS: Final = 10


class SessionHost(Protocol):
    """What a teller asks of its engine. Days are the exchange's, prices and cash a share, spans include both ends.

    Nothing that was not known at the day's open is asked for.
    """

    def session(self, day: dt.date) -> Session:
        """The regular session of a trading day."""

    def session_from(self, day: dt.date) -> Session:
        """The first regular session on a day or after it."""

    def dated_events(self, ticker: str) -> Sequence[DatedEvent]:
        """The dated events of an underlying that its user's file tells, past and to come."""

    def interest_rate(self, day: dt.date) -> float:
        """The risk-free rate in force, decimal."""

    def rates_to(self, session: Session, expiries: Mapping[int, dt.date]) -> Sequence[float] | None:
        """The risk-free rates, decimal, from a session's open to some times, ns UTC ascending, each of a day.

        None where nothing but the rate in force is known.
        """

    def daily_bars(self, ticker: str, day: dt.date, count: int) -> Sequence[tuple[int, DailyBar]]:
        """The last ``count`` daily bars before a day, oldest first: each close's time, ns UTC, and prices.

        Prices are adjusted for all splits that the engine's data know of.
        """

    def dividends(self, ticker: str, since: dt.date, until: dt.date) -> Sequence[Dividend]:
        """Each dividend that goes ex in a span, oldest first; for a share as it is on that date."""

    def splits(self, ticker: str, since: dt.date, until: dt.date) -> Sequence[tuple[dt.date, float]]:
        """Day and factor of each split that takes place in a span, oldest first: 1/7 for seven new shares per old."""

    def split_ahead(self, ticker: str, day: dt.date) -> float | None:
        """The factor of a split that takes place in the session after that of a day; None without one."""

    def trades_no_more_after(self, ticker: str, day: dt.date) -> bool:
        """Whether a day is the last on which an underlying trades, or comes after it."""

    def contracts(self, ticker: str, day: dt.date) -> Sequence[Contract]:
        """The contracts that the scanner looks at on a day (:func:`alo_lib.strategy.select_contracts`)."""


class ToldCore(Protocol):
    """What a teller asks of the core that is told."""

    @property
    def instruments(self) -> InstrumentTable:
        """Where instruments are numbered."""

    def contracts_open(self, underlying: int) -> list[int]:
        """Numbers of the contracts of one underlying that are held or have an order working."""


class Teller:
    """Tells one core, session by session, what its host answers; ``told`` is all it remembers.

    A teller that is given what an earlier one told goes on from there. It numbers the underlyings at once and in the
    settings' order, so that a host knows their numbers before the first session.
    """

    def __init__(
        self,
        settings: Settings,
        core: ToldCore,
        host: SessionHost,
        told: MarketRecord | None = None,
        policy: HedgingPolicy | None = None,
    ) -> None:
        """``policy`` is what the settings hedge by.

        :raises PolicyError: where they ask for one and there is none, or another was told.
        """
        if settings.hedge == "policy" and policy is None:
            raise PolicyError("setting hedge is policy, and no policy is given")
        if settings.hedge == "policy":  # an era that has ended may have been told of one
            require_policy_told(policy, "" if told is None else told.policy, settings.policy)
        self._policy = policy
        self.told = MarketRecord() if told is None else told
        self._settings = settings
        self._core = core
        self._host = host
        tickers = [ticker for ticker in settings.underlyings if ticker not in self.told.underlyings]
        self._new = [core.instruments.add_equity(ticker) for ticker in tickers]

    def number(self, ticker: str) -> int:
        """The number of an underlying."""
        return self._core.instruments.number(ticker)

    def begin(self, session: Session, time: int) -> Iterator[Message]:
        """All that is told of a session, at ``time``. Each message is to be taken in before the next is asked for."""
        for kind, rows in self._session(session):
            if len(rows):
                message = Message(kind, time, rows)
                self.told.record(message)
                yield message

    def _session(self, session: Session) -> Iterator[tuple[Kind, Records]]:
        tickers, day, before = self._settings.underlyings, session.day, self.told.session
        if self._new:
            yield Kind.INSTRUMENT, np.concatenate(self._new)
            self._new = []
        if self._policy is not None and not self.told.policy:
            yield Kind.POLICY, policy_records(self._policy)
        yield Kind.SESSION, session.record()
        rate = round(self._host.interest_rate(day), _RATE_DECIMALS)
        yield Kind.RATE, records(Kind.RATE, rate=rate)
        for ticker in tickers:
            # Before the bars, of which they say which moved for a reason.
            yield Kind.SCHEDULED, self._events(ticker, session)
            yield from self._corporate_actions(ticker, session, before)
            yield Kind.ANNOUNCED, self._announced(ticker, session)  # in shares as they are after a split of today
            yield from self._daily_bars(ticker, session)
        for ticker in tickers:
            yield Kind.INSTRUMENT, self._contracts(ticker, session)
        yield Kind.CURVE, self._curve(session, rate)
        ahead = self._sessions_ahead(session)
        yield Kind.CALENDAR, np.array([each[1:] for each in ahead], records(Kind.CALENDAR, 0).dtype)

    def _curve(self, session: Session, rate: float) -> Records:
        """The rates to today's expiries; none where all of them are the rate in force."""
        today = [self.told.contracts[each][1] for each in self.told.today]
        expiries = dict(sorted((contract.expiry_time, contract.expiry) for contract in today))
        rates = self._host.rates_to(session, expiries) if expiries else None
        if rates is None:
            return records(Kind.CURVE, 0)
        rows = [(time, round(each, _RATE_DECIMALS)) for time, each in zip(expiries, rates, strict=True)]
        return np.array(rows if any(each != rate for _, each in rows) else [], records(Kind.CURVE, 0).dtype)

    def _sessions_ahead(self, session: Session) -> list[Session]:
        """The sessions after today's until one is over after the last expiry of what was told, and one more."""
        told = self.told
        last = max((told.contracts[each][1].expiry_time for each in told.today), default=None)
        if last is None:
            return []
        ahead = [self._host.session_from(session.day + CALENDAR_DAY)]
        while len(ahead) < 2 or ahead[-2].close < last:
            ahead.append(self._host.session_from(ahead[-1].day + CALENDAR_DAY))
        return ahead

    def _events(self, ticker: str, session: Session) -> Records:
        """The events of one underlying that are known of, from as far back as bars are looked at, in order."""
        since = self._first_bar(session.day)
        known = [
            event
            for event in self._known_events(ticker, session.day)
            if event.day >= since and not is_of_distribution(event.name)
        ]
        rows = [
            (time, self.number(ticker), 0, round(move, _RATE_DECIMALS), name.encode())
            for time, name, move in scheduled_moves(known, self._host.session_from)
        ]
        return np.array(rows, records(Kind.SCHEDULED, 0).dtype)

    def _known_events(self, ticker: str, day: dt.date) -> list[DatedEvent]:
        return [event for event in self._host.dated_events(ticker) if event.known <= day]

    def _first_bar(self, day: dt.date) -> dt.date:
        """From when daily bars are looked at on a day."""
        return day - dt.timedelta(days=self._settings.garch_history * 7 // 5)

    def _daily_bars(self, ticker: str, session: Session) -> Iterator[tuple[Kind, Records]]:
        """Split-adjusted daily bars that were not told yet, up to the session before: ranges, then closes."""
        number, count = self.number(ticker), self._settings.garch_history + 1
        last = self.told.last_close.get(number)
        if last is not None:
            count = min(count, (session.open - last) // DAY + 1)
        bars = self._host.daily_bars(ticker, session.day, count)
        fresh = [(time, *(round(price, _PRICE_DECIMALS) for price in prices)) for time, prices in bars]
        if last is not None:
            fresh = [bar for bar in fresh if bar[0] > last]
        ranges = [(time, number, 0, open_, high, low) for time, open_, high, low, _ in fresh]
        closes = [(time, number, 0, close) for time, _, _, _, close in fresh]
        yield Kind.RANGE, np.array(ranges, records(Kind.RANGE, 0).dtype)
        yield Kind.CLOSE, np.array(closes, records(Kind.CLOSE, 0).dtype)

    def _corporate_actions(
        self, ticker: str, session: Session, before: dt.date | None
    ) -> Iterator[tuple[Kind, Records]]:
        """Dividends that have gone ex since the session ``before``; at first, see :meth:`_distributions`.

        Between them the splits since then that nobody has told, in the order of their days: what is held is split, and
        paid, as it was. Then a split of today, and a warning of one, or of another action, before the next session. At
        first, dividends are told per share as shares are before a split of today, for which the core accounts.
        """
        number, day = self.number(ticker), session.day
        since = self._first_bar(day) if before is None else before + CALENDAR_DAY
        told = self._distributions(ticker, day, before)
        splits = self._host.splits(ticker, since, day)
        past = [split for split in splits if split[0] < day]
        if before is not None:
            for split_day, factor in past:
                yield Kind.DIVIDEND, self._dividends(number, [each for each in told if each.ex_date <= split_day])
                told = [each for each in told if each.ex_date > split_day]
                time = self._host.session_from(split_day).open
                yield Kind.SPLIT, records(Kind.SPLIT, time=time, instrument=number, factor=factor)
            past = []
        yield Kind.DIVIDEND, self._dividends(number, told, past)
        row = {"time": session.open, "instrument": number}
        for split_day, factor in splits:
            if split_day == day:
                yield Kind.SPLIT, records(Kind.SPLIT, **row, factor=factor)
        ahead = self._host.split_ahead(ticker, day)
        if ahead is not None:
            yield Kind.SPLIT, records(Kind.SPLIT, **row, warning=True, factor=ahead)
        following = self._host.session_from(day + CALENDAR_DAY)
        action = action_days(self._known_events(ticker, day), self._host.session_from).get(following.day)
        if action is None and self._host.trades_no_more_after(ticker, day):
            action = ActionKind.DELISTING
        if action is not None:
            yield Kind.ACTION, records(Kind.ACTION, time=following.open, instrument=number, action=action)

    def _dividends(
        self, number: int, paid: Sequence[Distribution], splits: Sequence[tuple[dt.date, float]] = ()
    ) -> Records:
        """DIVIDEND records, each for a share as it is after those of the splits that came later."""
        shares = [math.prod(factor for split_day, factor in splits if split_day > each.ex_date) for each in paid]
        rows = [
            (
                *(self._host.session(each.ex_date).open, number, each.kind, 0, 0),
                *(each.amount * one, each.reference_price * one),
            )
            for each, one in zip(paid, shares, strict=True)
        ]
        return np.array(rows, records(Kind.DIVIDEND, 0).dtype)

    def _announced(self, ticker: str, session: Session) -> Records:
        """The dividends of one underlying that are announced, as far as they are known of."""
        found = announced_dividends(
            self._host.dated_events(ticker),
            session.day,
            self._host.session_from,
            lambda since, until: self._host.splits(ticker, since, until),
        )
        rows = [(time, self.number(ticker), 0, amount) for time, amount in found]
        return np.array(rows, records(Kind.ANNOUNCED, 0).dtype)

    def _distributions(self, ticker: str, day: dt.date, before: dt.date | None) -> list[Distribution]:
        """The dividends to be told on a day, and what each is, by those of the years before it.

        At first those of the past year and a bit, and spin-offs and special dividends as far as bars are told, which
        they moved.
        """
        since = day - DIVIDENDS_LOOKED_BACK if before is None else before + CALENDAR_DAY
        first = min(since, self._first_bar(day)) if before is None else since
        if before is not None and not self._host.dividends(ticker, since, day):
            return []
        named = named_kinds(self._known_events(ticker, day), self._host.session_from)
        found = told_apart(self._host.dividends(ticker, first - HISTORY, day), named)
        return [
            each
            for each in found
            if each.ex_date >= since or (each.ex_date >= first and each.kind is DividendKind.ADJUSTING)
        ]

    def _contracts(self, ticker: str, session: Session) -> Records:
        """The contracts of one underlying for today: those selected, and those held though not selected.

        None that has expired: of one that was held the core may not have heard yet how it was settled.
        """
        today = list(self._host.contracts(ticker, session.day))
        for number in self._core.contracts_open(self.number(ticker)):
            contract = self.told.contracts[number][1]
            if not any(contract.same_as(other) for other in today):
                today.append(contract)
        trading = [contract for contract in today if contract.expiry_time > session.open]
        return self._core.instruments.add_contracts(ticker, trading)
