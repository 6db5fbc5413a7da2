"""Forecast, implied and realized volatility at constant maturity, by expiry, and whether forecasts came true."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import at_maturity
from alo_lib.pricing.quoted_chain import volatility_at_the_money
from alo_lib.records import DAYS_A_YEAR, TRADING_DAYS, DividendKind, InstrumentKind, Kind, Message, years_between
from alo_lib.runtime.same_settings import settings_of
from alo_lib.settings import SettingsError
from alo_lib.strategy.book import CashDividend, MarketBook
from alo_lib.strategy.carry import follow_carry
from alo_lib.strategy.valuation import quote_volatility
from alo_lib.views.run import InstrumentRecord, Run, RunError, expiry_dates, once_a_run, records_of
from alo_lib.volatility import log_returns
from alo_lib.volatility.realized import close_to_close, rolling

__all__ = [
    "MATURITIES",
    "ForecastOutcome",
    "MarketWalk",
    "TermStructure",
    "VolatilityView",
    "followed_market",
    "forecast_outcomes",
    "prices_of_returns",
    "refits",
    "split_adjusted",
    "term_structures",
    "volatility_of_moves",
    "volatility_view",
]

MATURITIES: Final = (30, 60)
"""Days to expiry at which volatilities are told."""

_MOMENTS: Final = 100
"""Times at which implied volatility is taken, spread over the run's sessions, once a session at least."""
_LEAST_SESSIONS: Final = 2  # of a forecast's life, below which nothing was realized

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


class VolatilityView(NamedTuple):
    """One underlying's volatilities over time, annualized decimals, NaN where there is none.

    ``implied`` (moments, maturities) is at the money, interpolated over ``implied_by_expiry`` (moments, expiries);
    ``forecast`` (forecasts + 1, maturities) over ``forecast_by_expiry`` likewise: it holds until the next one, and its
    last row repeats at the run's end. ``realized`` (closes, maturities) is that of daily closes over as many calendar
    days before.
    """

    implied_time: Times
    implied: Floats
    expiries: Times
    expiry_dates: list[str]  # the contracts' own, yyyy-mm-dd
    implied_by_expiry: Floats
    forecast_time: Times
    forecast: Floats
    forecast_by_expiry: Floats
    realized_time: Times
    realized: Floats


class ForecastOutcome(NamedTuple):
    """A forecast for an expiry, and what was realized from its session to the expiry.

    ``implied`` is the first volatility at the money that was taken of the expiry's quotes after the forecast and before
    its session's close; NaN without one. The band is the one into which nine of ten outcomes should fall, NaN where it
    is not known. ``traded`` says whether a trade was opened on it.
    """

    time: int
    expiry: int
    expiry_date: str  # the contracts' own, yyyy-mm-dd
    sessions: int
    forecast: float
    implied: float
    realized: float
    band_low: float
    band_high: float
    traded: bool

    @property
    def in_band(self) -> bool | None:
        """Whether it was realized within its band; None where that is not known."""
        if not self.band_low <= self.band_high:
            return None
        return self.band_low <= self.realized <= self.band_high


class TermStructure(NamedTuple):
    """Implied volatility at the money over the expiries at a moment, and the forecast then in force; decimals.

    ``days`` (n,) are calendar days to expiry; a volatility is NaN where the other alone is known.
    """

    time: int
    days: Floats
    implied: Floats
    forecast: Floats


class FollowedMarket(NamedTuple):
    """One underlying's quotes, walked through once.

    ``at_the_money`` has a volatility an expiry at each of ``time``; book and rate are those of the run's end.
    """

    time: Times
    at_the_money: list[dict[int, float]]
    book: MarketBook
    rate: float


@once_a_run
def volatility_view(run: Run, underlying: InstrumentRecord) -> VolatilityView:
    """The volatilities of an underlying over a run's time."""
    implied_time, implied, *_ = followed_market(run, underlying)
    forecast_time, forecast = _forecast(run, underlying)
    expiries = np.array(sorted({expiry for one in [*implied, *forecast] for expiry in one}), np.int64)
    implied_by_expiry, forecast_by_expiry = (_matrix(told, expiries) for told in (implied, forecast))
    closed, closes = _closes(run, underlying)
    return VolatilityView(
        implied_time,
        _interpolated(implied_time, expiries, implied_by_expiry),
        expiries,
        expiry_dates(run, expiries),
        implied_by_expiry,
        np.append(forecast_time, run.table(Kind.FRAME).time[-1:] if len(forecast_time) else forecast_time),
        _held(_interpolated(forecast_time, expiries, forecast_by_expiry)),
        _held(forecast_by_expiry),
        closed,
        np.stack([_trailing(closes, days) for days in MATURITIES], axis=1),
    )


def term_structures(view: VolatilityView, count: int) -> list[TermStructure]:
    """Term structures at up to ``count`` moments, spread evenly from the first with quotes to the last."""
    if not len(view.implied_time):
        return []
    found = []
    for row in np.unique(np.linspace(0, len(view.implied_time) - 1, count).round().astype(np.intp)).tolist():
        time = int(view.implied_time[row])
        made = int(np.searchsorted(view.forecast_time, time, "right")) - 1
        forecast = view.forecast_by_expiry[made] if made >= 0 else np.full(len(view.expiries), np.nan)
        known = (view.expiries > time) & (np.isfinite(view.implied_by_expiry[row]) | np.isfinite(forecast))
        days = DAYS_A_YEAR * years_between(time, view.expiries[known])
        found.append(TermStructure(time, days, view.implied_by_expiry[row][known], forecast[known]))
    return found


def refits(run: Run, underlying: InstrumentRecord) -> Times:
    """When models that were fitted anew came into force."""
    told = run.table(Kind.CALIBRATION)
    return told.where(told.records["underlying"] == underlying.number).time


def volatility_of_moves(prices: NDArray[np.float64], years: float) -> float:
    """Volatility of the moves between n > 1 prices, about zero, annualized by the years that they took."""
    return math.sqrt(float(np.sum(np.square(log_returns(prices)))) / years)


@once_a_run
def forecast_outcomes(run: Run, underlying: InstrumentRecord) -> list[ForecastOutcome]:
    """Forecasts whose whole life lies in the run, against what its trades realized from close to close.

    The life begins at the last price before the forecast. Annualized by calendar time from the forecast to the expiry,
    as the forecast itself and implied volatility are.
    """
    sessions = run.table(Kind.SESSION).records
    time, price = prices_of_returns(run, underlying)
    if not len(time) or not len(sessions):
        return []
    at_close, view = np.searchsorted(time, sessions["close"], "right") - 1, volatility_view(run, underlying)
    outcomes = []
    for moment, expiry, volatility, low, high, traded in _forecasts(run, underlying):
        life = np.flatnonzero((sessions["close"] > moment) & (sessions["close"] <= expiry))
        if expiry > sessions["close"][-1] or len(life) < _LEAST_SESSIONS or not np.isfinite(volatility):
            continue
        start = max(int(np.searchsorted(time, moment, "right")) - 1, 0)
        realized = volatility_of_moves(price[np.append(start, at_close[life])], float(years_between(moment, expiry)))
        implied = _first_implied(view, expiry, moment, int(sessions["close"][life[0]]))
        told = (len(life), volatility, implied, realized, low, high, traded)
        outcomes.append(ForecastOutcome(moment, expiry, expiry_dates(run, np.array([expiry]))[0], *told))
    return outcomes


def _first_implied(view: VolatilityView, expiry: int, since: int, until: int) -> float:
    """An expiry's first implied volatility in a span of time; NaN where there is none."""
    column = view.implied_by_expiry[:, view.expiries == expiry].ravel()
    in_span = (view.implied_time >= since) & (view.implied_time <= until) if len(column) else np.zeros(0, np.bool_)
    known = np.flatnonzero(in_span & np.isfinite(column))
    return float(column[known[0]]) if len(known) else float("nan")


def _forecasts(run: Run, underlying: InstrumentRecord) -> Iterator[tuple[int, int, float, float, float, bool]]:
    """Time, expiry, volatility and band of each forecast, in time order, and whether a trade was opened on it."""
    made, entered = run.table(Kind.FORECAST), run.table(Kind.ENTRY)
    made = made.where(made.records["underlying"] == underlying.number)
    entered = entered.where(entered.records["underlying"] == underlying.number)
    traded = np.zeros(len(made.time), np.bool_)
    for time, expiry in zip(entered.time.tolist(), entered.records["expiry"].tolist(), strict=True):
        traded[np.flatnonzero((made.time <= time) & (made.records["expiry"] == expiry))[-1:]] = True
    columns = (made.records[name].tolist() for name in ("expiry", "volatility", "band_low", "band_high"))
    return zip(made.time.tolist(), *columns, traded.tolist(), strict=True)


def split_adjusted(run: Run, underlying: InstrumentRecord) -> tuple[Times, Floats]:
    """Times and closes of the underlying's trade bars, in shares of the run's end."""
    trades = run.table(Kind.TRADE)
    time, bars = trades.where(trades.records["instrument"] == underlying.number)
    splits = run.table(Kind.SPLIT)
    occurred = splits.where((splits.records["instrument"] == underlying.number) & (splits.records["warning"] == 0))
    adjusted = bars["close"].astype(np.float64)
    for moment, factor in zip(occurred.time.tolist(), occurred.records["factor"].tolist(), strict=True):
        adjusted[time < moment] *= factor
    return time, adjusted


def prices_of_returns(run: Run, underlying: InstrumentRecord) -> tuple[Times, Floats]:
    """The same, those before a spin-off or special dividend at what it left of them: its drop is no return."""
    time, price = split_adjusted(run, underlying)
    return time, _less_distributed(run, underlying, time, price)


def _less_distributed(run: Run, underlying: InstrumentRecord, time: Times, price: Floats) -> Floats:
    """Prices at what spin-offs and special dividends after them left."""
    rows = run.table(Kind.DIVIDEND).records
    rows = rows[(rows["instrument"] == underlying.number) & (rows["kind"] == DividendKind.ADJUSTING)]
    left = price.copy()
    for row in rows[rows["amount"] < rows["reference"]]:
        left[time < row["time"]] *= 1.0 - row["amount"] / row["reference"]
    return left


@once_a_run
def followed_market(run: Run, underlying: InstrumentRecord) -> FollowedMarket:
    """Walk through a run's quotes; volatilities are by the core's own reading of them.

    :raises RunError: where the run's settings are none of this program's.
    """
    a_session = max(round(_MOMENTS / max(run.count(Kind.SESSION), 1)), 1)
    walk, rate, due, step = MarketWalk(underlying), float("nan"), 0, 0
    try:
        settings = settings_of(run.journal.settings)
    except SettingsError as error:
        raise RunError(f"the journal in {run.folder} is of settings that this program does not take: {error}") from None
    moments, told = [], []
    for message in run.journal.messages:
        if message.kind == Kind.FRAME:
            if message.time >= due and np.isfinite(rate) and walk.has_news():
                moments.append(message.time)
                told.append(_at_the_money(walk.book, rate, message.time))
                follow_carry(walk.book, settings, rate, message.time, most=None)
                due = message.time + step
        elif message.kind == Kind.SESSION:
            opened, closed = int(message.records["open"][0]), int(message.records["close"][0])
            step = (closed - opened) // a_session
            due = opened + step // 2
            walk.has_news()  # the last session's quotes are no market of this one
            walk.book.begin_session()
        elif message.kind == Kind.CURVE:
            walk.book.take_rates(message.records)
        elif message.kind == Kind.RATE:
            rate = float(message.records["rate"][-1])
        else:
            walk.take(message)
    walk.has_news()
    return FollowedMarket(np.array(moments, np.int64), told, walk.book, rate)


class MarketWalk:
    """A market's book, message by message. Quotes wait until they are asked for: few of them ever are."""

    def __init__(self, underlying: InstrumentRecord) -> None:
        self.book = MarketBook(underlying.number, underlying.symbol)
        self._own: Message | None = None  # the underlying's last quote
        self._waiting: list[Message] = []

    def has_news(self) -> bool:
        """Bring the book up to the last quotes; whether any of its chain or underlying came since it was last asked."""
        is_news = self._own is not None
        if self._own is not None:
            self.book.take_quotes(self._own.records, self._own.time)
        if self._waiting:
            rows = records_of(self._waiting, Kind.QUOTE)
            _, last = np.unique(rows["instrument"][::-1], return_index=True)
            is_news |= self.book.take_quotes(rows[::-1][last], self._waiting[-1].time)
        self._own, self._waiting = None, []
        return is_news and bool(np.isfinite(self.book.spot))

    def take(self, message: Message) -> None:
        """Take in what a message says."""
        book, kind, rows = self.book, message.kind, message.records
        if kind == Kind.QUOTE:
            is_own = rows["instrument"] == book.instrument
            own = int(np.count_nonzero(is_own))
            if own:
                self._own = message._replace(records=rows[is_own][-1:])
            if own < len(rows):
                self._waiting.append(message if not own else message._replace(records=rows[~is_own]))
        elif kind == Kind.TRADE:
            for row in rows[rows["instrument"] == book.instrument]:
                book.take_trade(float(row["close"]), message.time)
        elif kind == Kind.INSTRUMENT:
            options = rows[(rows["kind"] == InstrumentKind.OPTION) & (rows["underlying"] == book.instrument)]
            if len(options):
                self.has_news()  # of the chain until now; this one's quotes are news
                book.list_contracts(options.copy())
        elif kind == Kind.DIVIDEND:
            own = rows[(rows["instrument"] == book.instrument) & (rows["kind"] == DividendKind.ORDINARY)]
            book.dividends += [CashDividend(int(row["time"]), float(row["amount"])) for row in own]
        elif kind == Kind.ANNOUNCED:
            if (rows["instrument"] == book.instrument).any():
                book.announce(rows)
        elif kind == Kind.SPLIT:
            for row in rows[(rows["instrument"] == book.instrument) & (rows["warning"] == 0)]:
                self.has_news()  # of the shares until now
                book.split(int(row["time"]), float(row["factor"]))


def _at_the_money(book: MarketBook, rate: float, time: int) -> dict[int, float]:
    """Volatility at the spot by expiry, between the put below and the call above that are nearest to it."""
    contracts, spot = book.contracts, book.spot
    is_quoted = np.isfinite(book.mid()) & (contracts["expiry"] > time)
    found = []
    for expiry in np.unique(contracts["expiry"][is_quoted]).tolist():
        of_expiry = is_quoted & (contracts["expiry"] == expiry)
        puts = np.flatnonzero(of_expiry & (contracts["right"] < 0) & (contracts["strike"] <= spot))
        calls = np.flatnonzero(of_expiry & (contracts["right"] > 0) & (contracts["strike"] >= spot))
        if len(puts) and len(calls):
            below = puts[contracts["strike"][puts].argmax()]
            found.append((expiry, below, calls[contracts["strike"][calls].argmin()]))
    if not found:
        return {}
    rows = np.array([row for _, *both in found for row in both], np.intp)
    volatility = quote_volatility(book, rows, rate, time).reshape(-1, 2)
    strikes = contracts["strike"][rows].reshape(-1, 2)
    return {expiry: volatility_at_the_money(strikes[k], volatility[k], spot) for k, (expiry, *_) in enumerate(found)}


def _forecast(run: Run, underlying: InstrumentRecord) -> tuple[Times, list[dict[int, float]]]:
    """When forecasts were made, and each one's volatility by expiry."""
    made = run.table(Kind.FORECAST)
    time, rows = made.where((made.records["underlying"] == underlying.number) & np.isfinite(made.records["volatility"]))
    moments = np.unique(time)
    curves = [rows[time == moment] for moment in moments.tolist()]
    return moments, [dict(zip(one["expiry"].tolist(), one["volatility"].tolist(), strict=True)) for one in curves]


def _held(values: Floats) -> Floats:
    """Rows with the last of them once more, for the run's end."""
    return np.append(values, values[-1:], axis=0)


def _matrix(told: Sequence[Mapping[int, float]], expiries: Times) -> Floats:
    """Values by moment and expiry, (moments, expiries)."""
    rows = [[one.get(expiry, np.nan) for expiry in expiries.tolist()] for one in told]
    return np.array(rows, np.float64).reshape(len(told), len(expiries))


def _interpolated(moments: Times, expiries: Times, by_expiry: Floats) -> Floats:
    """Each maturity's volatility at each moment."""
    values = [
        [at_maturity(years_between(moment, expiries), row, days / DAYS_A_YEAR) for days in MATURITIES]
        for moment, row in zip(moments.tolist(), by_expiry, strict=True)
    ]
    return np.array(values, np.float64).reshape(len(moments), len(MATURITIES))


def _closes(run: Run, underlying: InstrumentRecord) -> tuple[Times, Floats]:
    """Daily closes that a run was told of, those before a spin-off at what it left of them.

    They are split-adjusted already, each time in the same shares.
    """
    closes = run.table(Kind.CLOSE)
    rows = closes.records[closes.records["instrument"] == underlying.number]
    _, last = np.unique(rows["time"][::-1], return_index=True)
    rows = rows[::-1][last]
    time = rows["time"].copy()
    return time, _less_distributed(run, underlying, time, rows["close"].astype(np.float64))


def _trailing(closes: Floats, days: int) -> Floats:
    """Volatility of the closes of as many sessions as ``days`` calendar days have; NaN while there are too few."""
    count = round(days * TRADING_DAYS / DAYS_A_YEAR)
    volatility = np.full(len(closes), np.nan)
    if len(closes) > count:
        volatility[count:] = rolling(partial(close_to_close, centred=False), count + 1, closes)
    return volatility
