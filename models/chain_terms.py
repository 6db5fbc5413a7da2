"""What LEAN knows about the contracts of one chain beside their quotes: settlement times, rates, dividends."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from AlgorithmImports import (
    Currencies,
    DividendYieldProvider,
    IDividendYieldModel,
    InterestRateProvider,
    IRiskFreeInterestRateModel,
    MarketHoursDatabase,
    OptionSymbol,
    QCAlgorithm,
    SecurityExchangeHours,
    SecurityType,
    Symbol,
    SymbolProperties,
    SymbolPropertiesDatabase,
)

from alo_lib.pricing.arguments import STYLES, Styles
from alo_lib.records import CALENDAR_DAY, SECOND, years_between
from models.times import utc_nanoseconds, utc_of

__all__ = ["Announced", "ChainTerms", "DividendYield", "FlatTerms", "Listed", "hours_of", "properties_of"]

Array = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Announced = Callable[[Symbol, dt.datetime], Iterable[tuple[dt.date, float]]]
"""(underlying, local time) -> the cash dividends announced then: ex-dates and amounts a share."""
DividendYield = IDividendYieldModel | Literal["model", "parity"]
_CHAINS_KEPT: Final = 1000
"""Sets of contracts whose terms are remembered: a chain has the same in most slices."""
_STYLES: Final = np.array(STYLES)  # american, european: in the order of LEAN's OptionStyle
_LISTED: Final = 4
"""How many of the columns :data:`models.compiled_question.READ` tell what a contract is, whatever its quote."""


class Listed(NamedTuple):
    """What n contracts are, which no slice changes; nobody writes to it."""

    strike: Array
    right: Array  # +1 call, -1 put
    style: Styles
    strange: npt.NDArray[np.bool_] | None  # (n,) whose style LEAN has no name for yet; None where none's
    days: Days  # (k,) on which they expire, ascending
    place: Rows  # (n,) each contract's among them
    plain: Array  # (2, n) strike and right
    settles: npt.NDArray[np.int64]  # (n,) nanoseconds since the epoch, UTC


class FlatTerms(NamedTuple):
    """What n contracts are valued with where one rate and one yield hold for all of them."""

    years: Array  # (n,) to settlement
    rate: float
    dividend_yield: float


def hours_of(symbol: Symbol) -> SecurityExchangeHours:
    """The exchange hours that LEAN gives a security of this symbol; none need be subscribed to."""
    database = MarketHoursDatabase.from_data_folder()
    hours: SecurityExchangeHours = database.get_exchange_hours(symbol.id.market, symbol, symbol.security_type)
    return hours


def properties_of(symbol: Symbol) -> SymbolProperties:
    """The properties that LEAN gives a security of this symbol; none need be subscribed to."""
    database = SymbolPropertiesDatabase.from_data_folder()
    properties: SymbolProperties = database.get_symbol_properties(
        symbol.id.market, symbol, symbol.security_type, Currencies.USD
    )
    return properties


def _styles(style: Array) -> Styles:
    """LEAN's styles (n,) in words: one where all have it."""
    if (style == style[0]).all():
        return "european" if style[0] else "american"
    return np.asarray(_STYLES[style.astype(np.intp)])


class ChainTerms:
    """Terms of the contracts of one canonical option; ``symbol`` is any contract's, or the canonical one.

    risk_free_rate: a model of rates, None for the algorithm's.
    on_future: whether they are options on a future.
    """

    def __init__(
        self,
        algorithm: QCAlgorithm,
        symbol: Symbol,
        dividend_yield: DividendYield,
        announced: Announced | None,
        risk_free_rate: IRiskFreeInterestRateModel | None = None,
    ) -> None:
        self._algorithm = algorithm
        self._risk_free_rate = risk_free_rate
        self._symbol = symbol
        self._hours = hours_of(symbol)
        self._zone = ZoneInfo(str(self._hours.time_zone.id))
        self._settlement: dict[int, int] = {}
        self._expiry: dict[int, dt.datetime] = {}
        self._listed: dict[bytes, Listed] = {}
        self._session = (0, 0)
        self._rate: float | None = None
        self._paid: float | None = None
        self._now = (0, dt.datetime.min)
        self._announced = announced
        self.on_future = self._symbol.security_type == SecurityType.FUTURE_OPTION
        if isinstance(dividend_yield, str):
            self._yield = DividendYieldProvider.create_for_option(self._symbol)
            self._is_history = isinstance(self._yield, DividendYieldProvider)
        else:
            self._yield, self._is_history = dividend_yield, False

    def listed(self, columns: Array, symbols: Sequence[Symbol]) -> Listed:
        """What n contracts are, at least one.

        columns: (n, 8) as :data:`models.compiled_question.READ`; symbols: the contracts', which tell a day's settlement
        when it comes first.
        """
        key = columns[:, :_LISTED].tobytes()
        if key not in self._listed:
            strike, put, expiry, style = columns[:, :_LISTED].T.copy()
            days, first, place = np.unique(expiry.astype(np.int64), return_index=True, return_inverse=True)
            for day, index in zip(days.tolist(), first.tolist(), strict=True):
                if not self.knows(day):
                    self.learn(day, symbols[index])
            strange = style >= len(STYLES)
            words = _styles(np.where(strange, 0.0, style))
            if len(self._listed) >= _CHAINS_KEPT:
                self._listed.clear()
            right, odd = 1.0 - 2.0 * put, strange if strange.any() else None
            settles = np.array([self._settlement[day] for day in days.tolist()])[place]
            plain = np.stack([strike, right])
            self._listed[key] = Listed(strike, right, words, odd, days, place, plain, settles)
        return self._listed[key]

    def flat(self, listed: Listed, quotes: Array, now: int) -> FlatTerms | None:
        """The terms of n contracts without cash; None where cash is announced or a rate is asked for at each expiry.

        quotes: (n, 4), the spot last.
        """
        if self._announced is not None or (rate := self._rate_today(now)) is None:
            return None
        years = years_between(now, listed.settles)
        return FlatTerms(years, rate, rate if self.on_future else self._yield_at(quotes, now))

    def _yield_at(self, quotes: Array, now: int) -> float:
        """The dividend yield at the spot of n contracts; 0 where there is no spot, for no contract is priced then."""
        spot = max(quotes[:, -1].tolist())
        return self._model_yield(spot, now) if spot > 0.0 else 0.0

    def learn(self, day: int, symbol: Symbol) -> None:
        """Settlement of the contracts that expire on a day (counted from 0001-01-01), told by one of them."""
        if day not in self._settlement:
            self._settlement[day] = utc_of(self._hours, OptionSymbol.get_settlement_date_time(symbol))
            self._expiry[day] = symbol.id.date

    def knows(self, day: int) -> bool:
        """Whether the settlement of a day's contracts has been learned."""
        return day in self._settlement

    def closed(self, listed: dt.datetime) -> int:
        """The close, nanoseconds UTC, whose prices a universe lists: that of the day before the universe's time."""
        return utc_of(self._hours, self._hours.get_next_market_close(listed - CALENDAR_DAY, False))

    def years(self, days: npt.NDArray[np.int64], now: int) -> Array:
        """Years of 365 days from ``now``, nanoseconds UTC, to each day's settlement, to the minute it takes place."""
        return years_between(now, np.array([self._settlement[day] for day in days.tolist()]))

    def rates(self, days: npt.NDArray[np.int64], now: int) -> Array:
        """The risk-free rate at each day's expiry, (n,).

        LEAN's own provider is a history: asked for a later date it would tell what nobody knew, so it is asked for
        today. Any other model, such as a user's curve, is asked for the expiry.
        """
        rate = self._rate_today(now)
        if rate is not None:
            return np.full(days.size, rate)
        model = self._rate_model
        return np.array([float(model.get_interest_rate(self._expiry[day])) for day in days.tolist()])

    @property
    def _rate_model(self) -> IRiskFreeInterestRateModel:
        return self._risk_free_rate or self._algorithm.risk_free_interest_rate_model

    def _rate_today(self, now: int) -> float | None:
        """The one rate that LEAN's own provider has for a day; None with another model."""
        model = self._rate_model
        if not isinstance(model, InterestRateProvider):
            return None
        self._begin_session(now)
        if self._rate is None:
            self._rate = float(model.get_interest_rate(self._local(now)))
        return self._rate

    def dividends(self, years: Array, spot: float, now: int) -> tuple[Array, tuple[Array, Array] | None]:
        """Dividend yields to each time to expiry, and the cash dividends announced: ex-times in years and amounts.

        Where some are announced, the yield holds only after the last of them.
        """
        # An option on a future has none, and LEAN would divide by a spot of zero, at which no contract is priced.
        if self.on_future or not spot > 0.0:
            return np.zeros(years.size), None
        model = self._model_yield(spot, now)
        if self._announced is None:
            return np.full(years.size, model), None
        times, amounts = self._ahead(now)
        if not times.size:
            return np.full(years.size, model), None
        with np.errstate(divide="ignore", invalid="ignore"):
            after = np.where(years > 0.0, np.maximum(years - times[-1], 0.0) / years, 0.0)
        return model * after, (times, amounts)

    def _model_yield(self, spot: float, now: int) -> float:
        """The dividend yield model's; LEAN's own is what was paid in the year before a day, a share, over the spot."""
        if not self._is_history:
            return float(self._yield.get_dividend_yield(self._local(now), spot))
        self._begin_session(now)
        if self._paid is None:
            self._paid = float(self._yield.get_dividend_yield(self._local(now), 1.0))
        return self._paid / spot

    def _begin_session(self, now: int) -> None:
        """Forget what held for another day of the exchange's."""
        first, end = self._session
        if first <= now < end:
            return
        today = dt.datetime.combine(self._local(now), dt.time(), self._zone)
        midnights = today, dt.datetime.combine(today.date() + CALENDAR_DAY, dt.time(), self._zone)
        first, end = (utc_nanoseconds(midnight.astimezone(dt.UTC)) for midnight in midnights)
        self._session, self._rate, self._paid = (first, end), None, None

    def _ahead(self, now: int) -> tuple[Array, Array]:
        """Announced dividends that go ex, at the session's open, after now: times in years, ascending, and amounts."""
        assert self._announced is not None
        ahead = []
        for day, amount in self._announced(self._symbol.underlying, self._local(now)):
            midnight = dt.datetime.combine(day, dt.time())
            opened = self._hours.get_next_market_open(midnight, False)
            time = float(years_between(now, utc_of(self._hours, opened)))
            if time > 0.0:
                ahead.append((time, float(amount)))
        times, amounts = np.array(sorted(ahead)).reshape(-1, 2).T
        return times, amounts

    def _local(self, now: int) -> dt.datetime:
        """The exchange's naive local time."""
        if self._now[0] != now:
            utc = dt.datetime.fromtimestamp(now // SECOND, dt.UTC)
            self._now = now, utc.astimezone(self._zone).replace(tzinfo=None)
        return self._now[1]
