"""The made-up option market of one underlying: one day's surface, its quotes, and its universe file's rows."""

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.bars import CONTRACT, OPEN_INTEREST, Bars, OptionBars
from alo_lib.market.calendar import MarketHours
from alo_lib.market.generator.surface import (
    Mispricing,
    Smile,
    expected_volatility,
    fair_values,
    option_quotes,
    smile_volatility,
)
from alo_lib.market.generator.underlyings import ListedStrikes, MarketUnderlying
from alo_lib.market.universe import UNIVERSE_ROW
from alo_lib.pricing import greeks
from alo_lib.records import DAYS_A_YEAR, MINUTE, Session, years_between
from alo_lib.volatility import GjrGarch

__all__ = ["OptionMarket"]

Array = NDArray[np.float64]

_OPEN_INTEREST_MINUTES: Final = 390  # after midnight: when the clearing house's count of the day before is known
_INTEREST_NEAR_THE_MONEY: Final = 900.0


class OptionMarket:
    """The options of one underlying, day after day: call :meth:`trade` for a session, then :meth:`close` at its end."""

    def __init__(
        self,
        underlying: MarketUnderlying,
        dividends: list[date],
        rate: float,
        hours: MarketHours,
        generator: np.random.Generator,
    ) -> None:
        self._model = GjrGarch(underlying.volatility)
        self._amount = underlying.dividend
        self._ex_times = np.array([hours.session(day).open for day in dividends], dtype=np.int64)
        self._rate = rate
        self._hours = hours
        self._generator = generator
        self._mispricing = Mispricing(generator)
        self._listing = ListedStrikes(underlying.volatility.long_run_volatility, hours)
        self._popularity: dict[tuple[date, float, int], float] = {}
        self._smile: Smile | None = None
        self._smile_expiries: list[date] = []

    def _contracts(self) -> NDArray[np.void]:
        pairs = self._listing.contracts()
        array = np.zeros(2 * len(pairs), CONTRACT)
        array["expiry"] = np.repeat(np.array([expiry for expiry, _ in pairs], dtype="datetime64[D]"), 2)
        array["strike"] = np.repeat([strike for _, strike in pairs], 2)
        array["right"] = np.tile([-1, 1], len(pairs))
        return array

    def _present_dividends(self, times: NDArray[np.int64], expiries: NDArray[np.int64]) -> Array:
        """What is paid between ``times`` and ``expiries``, discounted; shape (times, expiries)."""
        value = np.zeros((len(times), len(expiries)))
        for ex_time in self._ex_times.tolist():
            wait = years_between(times, ex_time)[:, None]
            value += np.where((wait > 0.0) & (ex_time <= expiries), self._amount * np.exp(-self._rate * wait), 0.0)
        return value

    def _surface(
        self,
        contracts: NDArray[np.void],
        times: NDArray[np.int64],
        spot: Array,
        truth: Array,
        smile: Smile,
    ) -> tuple[Array, Array, Array]:
        """Volatility, years to expiry and dividends set aside, each (times, contracts)."""
        expiries, which = np.unique(contracts["expiry"], return_inverse=True)
        ends = np.array([self._hours.expiry_time(day) for day in expiries.tolist()], dtype=np.int64)
        years = np.maximum(years_between(times[:, None], ends), 0.0)
        dividends = self._present_dividends(times, ends)
        forward = (spot[:, None] - dividends) * np.exp(self._rate * years)
        moneyness = np.log(contracts["strike"] / forward[:, which])
        level = truth * np.exp(smile.level)
        volatility = smile_volatility(level[:, which], smile.skew[:, None], moneyness, years[:, which])
        return volatility, years[:, which], dividends[:, which]

    def trade(
        self, session: Session, times: NDArray[np.int64], spot: Array, returns: Array, variance: float
    ) -> OptionBars:
        """The session's quotes at ``times`` (n,), in a market at ``spot`` (n,) after the day's ``returns`` (n,) so far.

        ``variance`` is the day's true one. Rows are in time order.
        """
        contracts = self._contracts()
        expiries = np.unique(contracts["expiry"]).tolist()
        truth = self._truth(session, times, returns, variance, expiries)
        closes = np.array([self._hours.expiry_time(day) for day in expiries], dtype=np.int64)
        smile = self._mispricing.walk(expiries, np.maximum(years_between(session.close, closes), 0.0), len(times))
        volatility, years, dividends = self._surface(contracts, times, spot, truth, smile)
        strike, right = contracts["strike"], contracts["right"].astype(np.float64)
        fair = fair_values(spot[:, None], dividends, strike, self._rate, volatility, years, right)
        vega = greeks(
            spot[:, None] - dividends, strike, self._rate, 0.0, volatility, years, right, style="european"
        ).vega
        quotes = option_quotes(fair, vega, times, self._generator)
        count = len(contracts)
        owner = np.tile(np.arange(count, dtype=np.int32), len(times))
        self._smile = Smile(smile.level[-1:], smile.skew[-1:])
        self._smile_expiries = expiries
        return OptionBars(contracts, owner, quotes.reshape(-1))

    def _truth(
        self, session: Session, times: NDArray[np.int64], returns: Array, variance: float, expiries: list[date]
    ) -> Array:
        after = [
            float(len(self._hours.trading_days(session.day, expiry)) - 1 if expiry > session.day else 0)
            for expiry in expiries
        ]
        elapsed = (times - session.open) / (session.close - session.open)
        return expected_volatility(self._model, variance, returns, elapsed, np.array(after))

    def close(self, session: Session, spot: float, returned: float, variance: float) -> NDArray[np.void]:
        """List what the next session trades, and return its universe rows as they stand at this session's close."""
        self._listing.update(session.day, spot)
        contracts = self._contracts()
        expiries = np.unique(contracts["expiry"]).tolist()
        times = np.array([session.close], dtype=np.int64)
        truth = self._truth(session, times, np.array([returned]), variance, expiries)
        smile = self._closing_smile(session, expiries)
        volatility, years, dividends = self._surface(contracts, times, np.array([spot]), truth, smile)
        strike, right = contracts["strike"], contracts["right"].astype(np.float64)
        fair = fair_values(np.array([[spot]]), dividends, strike, self._rate, volatility, years, right)[0]
        values = greeks(spot - dividends[0], strike, self._rate, 0.0, volatility[0], years[0], right, scheme="fast")

        rows = np.zeros(len(contracts), UNIVERSE_ROW)
        for name in CONTRACT.names or ():
            rows[name] = contracts[name]
        for name in ("open", "high", "low", "close"):
            rows[name] = np.round(fair, 4)
        rows["open_interest"] = self._interest(contracts, spot)
        rows["volume"] = rows["open_interest"] * self._generator.uniform(0.0, 0.2, len(rows))
        rows["implied_volatility"] = volatility[0]
        rows["delta"], rows["gamma"] = values.delta, values.gamma
        # LEAN files vega and rho per percent, theta per day.
        rows["vega"], rows["rho"], rows["theta"] = (
            values.vega / 100.0,
            values.rho / 100.0,
            values.theta / DAYS_A_YEAR,
        )
        return rows

    def _closing_smile(self, session: Session, expiries: list[date]) -> Smile:
        """The surface's state at the close, with newly listed expiries at the nearest older one's level."""
        if self._smile is None:
            closes = np.array([self._hours.expiry_time(day) for day in expiries], dtype=np.int64)
            self._smile = self._mispricing.walk(expiries, years_between(session.close, closes), 1)
            self._smile_expiries = expiries
        known = self._smile_expiries
        nearest = [min(range(len(known)), key=lambda i: (abs((known[i] - day).days), known[i])) for day in expiries]
        return Smile(self._smile.level[:, nearest], self._smile.skew)

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

    def open_interest(self, session: Session, rows: NDArray[np.void]) -> OptionBars:
        """The open interest of ``rows`` (a universe's) as it is known before ``session``."""
        bars: Bars = np.zeros(len(rows), OPEN_INTEREST)
        bars["time"] = session.open - (570 - _OPEN_INTEREST_MINUTES) * MINUTE
        bars["open_interest"] = rows["open_interest"]
        contracts = np.zeros(len(rows), CONTRACT)
        for name in CONTRACT.names or ():
            contracts[name] = rows[name]
        return OptionBars(contracts, np.arange(len(rows), dtype=np.int32), bars)
