"""The made-up option market of one stock: one day's surface, its quotes, and its universe file's rows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import CONTRACT, OPEN_INTEREST, Bars, OptionBars
from alo_lib.market.calendar import MarketHours, utc_time
from alo_lib.market.generator.arbitrage import count_arbitrage
from alo_lib.market.generator.dividends import PaidOut
from alo_lib.market.generator.fair import Fair
from alo_lib.market.generator.index import IndexFair
from alo_lib.market.generator.listing import ListedStrikes
from alo_lib.market.generator.planted import Planted, Points
from alo_lib.market.generator.stock import Day
from alo_lib.market.generator.surface import american_values, european_vega, option_quotes
from alo_lib.market.generator.truth import MarketTruth, NameTruth
from alo_lib.market.universe import UNIVERSE_ROW
from alo_lib.pricing import greeks
from alo_lib.records import DAYS_A_YEAR, MINUTE, years_between

__all__ = ["OptionMarket", "Watch", "Worth"]

Array = NDArray[np.float64]
Times = NDArray[np.int64]

_OPEN_INTEREST_MINUTES: Final = 390  # after midnight: when the clearing house's count of the day before is known
_INTEREST_NEAR_THE_MONEY: Final = 900.0
_SMALLEST_TIME: Final = 1.0 / (365.0 * 24.0 * 60.0)  # a minute, in years
_LEAST_VOLATILITY: Final = 0.005
_MOST_VOLATILITY: Final = 9.0


class _Priced(NamedTuple):
    """Contracts at some times: each (times, contracts)."""

    value: Array
    volatility: Array
    years: Array
    vega: Array
    rest: Array
    deviations: Array


class Worth(NamedTuple):
    """What a session's options are worth a share when they are quoted: truth that no file tells."""

    contracts: NDArray[np.void]
    """dtype CONTRACT (contracts,)."""
    times: Times
    """Ends of minutes, ns UTC: (times,)."""
    spot: Array
    market: Array
    """What quotes are about: (times, contracts)."""
    fair: Array
    """The same where nothing is planted; the expectation of what is paid, but for early exercise."""


Watch = Callable[[Worth], object]
"""Told what each session's options are worth."""


class OptionMarket:
    """The options of one stock, day after day: call :meth:`trade` for a session, then :meth:`close` at its end."""

    def __init__(
        self,
        truth: MarketTruth,
        name: NameTruth,
        fair: Fair | IndexFair,
        paid: PaidOut,
        rate: float,
        hours: MarketHours,
        streams: list[np.random.SeedSequence],
        watch: Watch | None = None,
    ) -> None:
        self._watch = watch
        self._truth = truth
        self._name = name
        self._fair = fair
        self._paid = paid
        self._terms = rate, name.borrow
        self._hours = hours
        self._generator = np.random.default_rng(streams[0])
        self._planted = Planted(name, streams[1:])
        self._listing = ListedStrikes(name.dynamics.volatility, hours, truth.listing)
        self._popularity: dict[tuple[date, float, int], float] = {}
        self.quotes = 0
        """How many have been made."""
        self.arbitrage = 0
        """How often they can be traded against each other for a sure gain."""

    def trade(self, day: Day) -> OptionBars:
        """The session's quotes: after its first minute, then every few minutes. Rows are in time order."""
        truth, bars = self._truth, day.bars
        step, minutes = truth.quote_minutes, len(bars)
        at = np.unique([1, *range(step, minutes + 1, step), minutes]) - 1
        seen = np.maximum(at - truth.quote_lag, 0)
        contracts = self._contracts()
        spot, times = bars["close"][seen], bars["time"][at]
        points = self._planted.walk(len(at))
        found = self._priced(contracts, day, seen, bars["time"][seen], spot, points)
        if self._watch is not None:
            fair = found
            if self._planted.any:
                fair = self._priced(contracts, day, seen, bars["time"][seen], spot, None)
            self._watch(Worth(contracts, bars["time"][seen], spot, found.value, fair.value))
        quotes = option_quotes(found.value, found.vega, times, self._generator, truth.spread, found.deviations)
        open_ = ~self.halted(day, times)
        self.quotes += int(open_.sum()) * len(contracts)
        self.arbitrage += count_arbitrage(
            contracts, spot[open_], quotes["bid_close"][open_], quotes["ask_close"][open_]
        )
        owner = np.tile(np.arange(len(contracts), dtype=np.int32), int(open_.sum()))
        return OptionBars(contracts, owner, quotes[open_].reshape(-1))

    def close(self, day: Day, ratio: float) -> NDArray[np.void]:
        """List what the next session trades, and return its universe rows as they stand at this session's close.

        The next session's shares are ``ratio`` to one of this session's.
        """
        if ratio != 1.0:
            self._listing.split(ratio)
        after = replace(day, prices=day.prices / ratio, unit=day.unit * ratio)
        self._listing.update(day.session.day, after.spot)
        contracts = self._contracts()
        last = np.array([len(day.left) - 1])
        spot, times = np.array([after.spot]), np.array([day.session.close], dtype=np.int64)
        found = self._priced(contracts, after, last, times, spot, self._planted.now())
        volatility, years, right = found.volatility[0], found.years[0], contracts["right"].astype(np.float64)
        values = greeks(found.rest[0], contracts["strike"], *self._terms, volatility, years, right, scheme="fast")
        rows = np.zeros(len(contracts), UNIVERSE_ROW)
        for name in CONTRACT.names or ():
            rows[name] = contracts[name]
        for name in ("open", "high", "low", "close"):
            rows[name] = np.round(found.value[0], 4)
        rows["open_interest"] = self._interest(contracts, after.spot)
        rows["volume"] = rows["open_interest"] * self._generator.uniform(0.0, 0.2, len(rows))
        rows["implied_volatility"] = volatility
        rows["delta"], rows["gamma"] = values.delta, values.gamma
        # LEAN files vega and rho per percent, theta per day.
        rows["vega"], rows["rho"] = values.vega / 100.0, values.rho / 100.0
        rows["theta"] = values.theta / DAYS_A_YEAR
        return rows

    def halted(self, day: Day, times: Times) -> NDArray[np.bool_]:
        """Which bars that end at ``times`` (n,) of a session lie in a halt."""
        found = np.zeros(len(times), np.bool_)
        for halt in self._name.halts:
            if halt.day == day.session.day:
                start, end = (_instant(halt.day, each, self._hours) for each in (halt.start, halt.end))
                found |= (times > start) & (times <= end)
        return found

    def open_interest(self, day: Day, rows: NDArray[np.void]) -> OptionBars:
        """The open interest of ``rows`` (a universe's) as it is known before the session of ``day``."""
        bars: Bars = np.zeros(len(rows), OPEN_INTEREST)
        bars["time"] = day.session.open - (570 - _OPEN_INTEREST_MINUTES) * MINUTE
        bars["open_interest"] = rows["open_interest"]
        contracts = np.zeros(len(rows), CONTRACT)
        for name in CONTRACT.names or ():
            contracts[name] = rows[name]
        return OptionBars(contracts, np.arange(len(rows), dtype=np.int32), bars)

    def _contracts(self) -> NDArray[np.void]:
        pairs = self._listing.contracts()
        array = np.zeros(2 * len(pairs), CONTRACT)
        array["expiry"] = np.repeat(np.array([expiry for expiry, _ in pairs], dtype="datetime64[D]"), 2)
        array["strike"] = np.repeat([strike for _, strike in pairs], 2)
        array["right"] = np.tile([-1, 1], len(pairs))
        return array

    def _priced(
        self, contracts: NDArray[np.void], day: Day, at: Times, times: Times, spot: Array, points: Points | None
    ) -> _Priced:
        """Contracts of a day's shares, with the stock at ``spot`` (n,) at ``times`` (n,); fair ones without points.

        The times are ends of the minutes ``at`` (n,) of the day.
        """
        expiries, which = np.unique(contracts["expiry"], return_inverse=True)
        dates = expiries.tolist()
        ends = np.array([self._hours.expiry_time(each) for each in dates], dtype=np.int64)
        years = np.maximum(years_between(times[:, None], ends), 0.0)
        ahead = self._paid.present(times, np.zeros(1, np.int64)) / day.unit
        later = self._paid.present(times, ends) / day.unit  # what still belongs to the share at expiry
        rate, borrow = self._terms
        growth = np.exp((rate - borrow) * years)
        forward = ((spot[:, None] - ahead) * growth)[:, which]
        strike = contracts["strike"] - (later * growth)[:, which]
        log_strike = np.log(strike / forward)
        smile = self._fair.smile_of(day, at, self._days_after(day, dates), self._event_variance(day, dates))
        total = smile.total_variance(which, log_strike)
        lives = np.maximum(years, _SMALLEST_TIME)[:, which]
        fair = np.clip(np.sqrt(total / lives), _LEAST_VOLATILITY, _MOST_VOLATILITY)
        deviation = np.sqrt(smile.variance)[:, which]
        volatility = fair
        if self._planted.any and points is not None:
            volatility = points.planted_in(fair, log_strike, deviation, lives)
        right = contracts["right"].astype(np.float64)
        over = self._paid.before(int(times[0]), ends)[which]
        held, lived = spot[:, None] - later[:, which], years[:, which]
        value = np.empty(volatility.shape)
        for columns, schedules in ((~over, None), (over, self._paid.schedules(times, day.unit))):
            if columns.any():
                value[:, columns] = american_values(
                    held[:, columns],
                    strike[:, columns],
                    volatility[:, columns],
                    lived[:, columns],
                    right[columns],
                    self._terms,
                    schedules,
                )
        value = np.maximum(value, right * (spot[:, None] - contracts["strike"]))
        discount = np.exp(-borrow * lived) / growth[:, which]
        vega = european_vega(forward, strike, discount, volatility * np.sqrt(years[:, which]), years[:, which])
        deviations = log_strike / np.maximum(deviation, 1e-9)
        return _Priced(value, volatility, years[:, which], vega, spot[:, None] - (ahead - later)[:, which], deviations)

    def _days_after(self, day: Day, expiries: list[date]) -> NDArray[np.int64]:
        """Trading days after the session until each expiry."""
        today = day.session.day
        return np.array(
            [len(self._hours.trading_days(today, expiry)) - 1 if expiry > today else 0 for expiry in expiries]
        )

    def _event_variance(self, day: Day, expiries: list[date]) -> Array:
        """Of dated events between the session and each expiry."""
        today, events = day.session.day, self._name.events
        return np.array(
            [sum(event.move**2 for event in events if today < event.day <= expiry) for expiry in expiries], np.float64
        )

    def _interest(self, contracts: NDArray[np.void], spot: float) -> NDArray[np.int64]:
        """Contracts held open: most near the money and for round strikes, changing a little every day."""
        interest = np.zeros(len(contracts), np.int64)
        for row, (expiry, strike, right) in enumerate(contracts.tolist()):
            key = (expiry, strike, right)
            if key not in self._popularity:
                round_strike = 2.0 if strike % 5.0 == 0.0 else 1.0
                self._popularity[key] = round_strike * float(self._generator.lognormal(0.0, 0.7))
            self._popularity[key] *= float(np.exp(0.05 * self._generator.standard_normal()))
            distance = np.log(strike / spot) / 0.1
            interest[row] = int(_INTEREST_NEAR_THE_MONEY * self._popularity[key] * np.exp(-0.5 * distance * distance))
        return interest


def _instant(day: date, clock: time, hours: MarketHours) -> int:
    """When the exchange's clock shows a time on a day, ns UTC."""
    return utc_time(day, timedelta(hours=clock.hour, minutes=clock.minute), hours.exchange_zone)
