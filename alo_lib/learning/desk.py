"""The strategy's day, on one underlying: mark, let go, rank, open what the multiplier leaves of a signal, hedge."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.errors import LearningError
from alo_lib.learning.features import observe
from alo_lib.learning.market import RATE, TRADING_DAY, UNDERLYING, LearningMarket
from alo_lib.pricing import Greeks
from alo_lib.records import DAY, DAYS_A_YEAR, EQUITY_MULTIPLIER, OPTION_MULTIPLIER, YEAR, Kind, Records, records
from alo_lib.strategy import StrategySettings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.exits import TradeView, exit_reason
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.strategy.hedging import shares_wanted
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.risk import BookRisk, drawdown_exceeded, exceeded_limit, short_margin
from alo_lib.strategy.scanner import rank
from alo_lib.strategy.sizing import structures_for
from alo_lib.strategy.trade import Trade
from alo_lib.strategy.valuation import Valuation, leg_greeks, quote_volatility, value_chain

__all__ = ["CASH", "Desk"]

Array = NDArray[np.float64]

CASH: Final = 1_000_000.0
"""Money at the start; budgets are shares of it, so that only rounding to whole contracts depends on it."""
_SHARE_HALF_SPREAD: Final = 0.01
_FEE_PER_SHARE: Final = 0.005
_LEAST_SHARE_FEE: Final = 1.0


class Desk:
    """The strategy's own parts, driven a day at a time.

    A day begins with :meth:`open_day`; then :attr:`observation` and :attr:`signal` tell what there is to decide, and
    :meth:`trade` decides it. Cash earns nothing and what is invested pays the riskless rate, so that profit counts in
    excess of that rate. The signal is the best of those that the strategy may trade; whether its edge suffices is left
    to the multiplier, so ``entry_edge`` does not apply.

    Raises LearningError for settings that trade anything but straddles.
    """

    def __init__(self, market: LearningMarket, settings: StrategySettings) -> None:
        if settings.structure != "straddle":
            raise LearningError(f"structure is {settings.structure!r}; the learning market lists straddles alone")
        self._market = market
        self._settings = settings
        self._book = MarketBook(UNDERLYING, "LEARN")
        self._portfolio = Portfolio(CASH)
        self._trades: list[Trade] = []
        self._forecaster = VolatilityForecaster(settings)
        self._peak = CASH
        self._time = 0
        self.fees = 0.0
        self.opened = 0
        self.exposure: Records = records(Kind.EXPOSURE, underlying=UNDERLYING)
        self.equity_before_trading = CASH
        self.signal: Records | None = None
        self._valuation: Valuation
        self._greeks: Greeks
        self.open_day(0)

    @property
    def equity(self) -> float:
        """Cash and everything held at mid."""
        return float(self.exposure["equity"][0])

    @property
    def ruined(self) -> bool:
        """Whether equity has fallen from its highest by more than the settings allow."""
        return drawdown_exceeded(self.equity, self._peak, self._settings)

    def open_day(self, day: int) -> None:
        """Take a day's closes and quotes, pay for the night, end what should end, and rank what could be opened."""
        financed = float(self.exposure["value"][0])
        self._portfolio.cash -= financed * math.expm1(RATE * TRADING_DAY / YEAR) if day else 0.0
        self._time = self._market.time(day)
        problem = self._forecaster.update(self._market.closes_before(day))
        if problem is not None and not self._forecaster.ready:
            raise LearningError(f"there is no forecast on day {day}: {problem}")
        self._quote(day)
        self._valuation = self._value()
        self._greeks = self._imply()
        for trade in self._trades:
            self._follow(trade)
        self._end_trades()
        self._measure()
        self.equity_before_trading = self.equity
        self._peak = max(self._peak, self.equity)
        self.signal = self._best()

    def observation(self) -> Array:
        """The features (k,) of the signal; with none, of a signal without edge or direction."""
        if self.signal is not None:
            expiry = int(self._book.contracts["expiry"][self._book.row(int(self.signal["call"][0]))])
            days = (expiry - self._time) / DAY
            return observe(self.signal, self.exposure, [days], self._settings).reshape(-1)
        level = self._forecaster.volatility(self._settings.min_days_to_expiry / DAYS_A_YEAR)
        nothing = records(
            Kind.SIGNAL, underlying=UNDERLYING, implied_volatility=level, forecast_volatility=level, edge_volatility=0.0
        )
        return observe(nothing, self.exposure, [0.0], self._settings).reshape(-1)

    def trade(self, multiplier: float) -> None:
        """Open the share of the signal that ``multiplier`` in [0, 1] leaves of its size, and hedge the book."""
        if self.signal is not None:
            quantity = int(structures_for(self.signal[0], self._book, self._settings, self.equity) * multiplier)
            if quantity > 0 and self._allowed(quantity):
                self._open(self.signal[0], quantity)
                self._measure()
        self._hedge()
        self._measure()

    def _quote(self, day: int) -> None:
        book, settings = self._book, self._settings
        listed = self._market.listed(day, settings.min_days_to_expiry, settings.max_days_to_expiry)
        held = book.contracts[np.isin(book.contracts["instrument"], list(self._held()))]
        kept = held[~np.isin(held["instrument"], listed["instrument"])]
        book.list_contracts(np.concatenate([listed, kept]))
        book.quotes = self._market.quotes(day, book.contracts)
        book.quote_time[:] = self._time
        book.trade_price, book.trade_time = self._market.spot(day), self._time

    def _value(self) -> Valuation:
        years = self._book.years_to_expiry(self._time)
        forecast = {left: self._forecaster.volatility(left) for left in np.unique(years).tolist()}
        return value_chain(self._book, np.array([forecast[left] for left in years.tolist()]), RATE, self._time)

    def _held(self) -> list[int]:
        return [instrument for instrument in self._portfolio.held() if instrument != UNDERLYING]

    def _imply(self) -> Greeks:
        """Greeks of the chain at the volatility its quotes imply; where they imply none, at the forecast."""
        rows = np.arange(len(self._book.contracts), dtype=np.intp)
        if not len(rows):
            return self._valuation.at_forecast
        implied = quote_volatility(self._book, rows, RATE, self._time)
        volatility = np.where(np.isfinite(implied), implied, self._valuation.volatility)
        return leg_greeks(self._book, rows, volatility, RATE, self._time)

    def _measure(self) -> None:
        """What the book is exposed to, as an EXPOSURE record."""
        spot, shares = self._book.spot, self._portfolio.quantity(UNDERLYING)
        exposure = records(
            Kind.EXPOSURE, underlying=UNDERLYING, spot=spot, shares=shares, delta=shares, value=shares * spot
        )
        exposure["structures"] = len(self._trades)
        contracts = self._book.contracts["instrument"].tolist()
        units = np.array([self._portfolio.quantity(number) for number in contracts], np.float64) * OPTION_MULTIPLIER
        for name in ("delta", "gamma", "vega", "theta"):
            exposure[name] += float(np.dot(units, getattr(self._greeks, name)))
        mid = self._book.mid()
        exposure["value"] += float(np.dot(units, np.where(np.isfinite(mid), mid, self._greeks.price)))
        exposure["equity"] = self._portfolio.cash + exposure["value"]
        self.exposure = exposure

    def _follow(self, trade: Trade) -> None:
        """Let a trade account for its hedge."""
        units = trade.direction * trade.quantity * OPTION_MULTIPLIER
        delta = sum(float(self._greeks.delta[self._book.row(leg)]) for leg in trade.legs)
        trade.follow(self._book.spot, units * delta)

    def _end_trades(self) -> None:
        kept = []
        for trade in self._trades:
            if exit_reason(trade, self._view(trade), self._book, self._settings, self._time) is None:
                kept.append(trade)
                continue
            for leg in trade.legs:
                self._fill_option(leg, -trade.direction * trade.quantity)
        self._trades = kept

    def _view(self, trade: Trade) -> TradeView:
        rows = [self._book.row(leg) for leg in trade.legs]
        forecast = self._valuation.at_forecast
        mid, worth = self._book.mid()[rows], forecast.price[rows]
        vega = float(np.sum(forecast.vega[rows]))
        edge = trade.direction * float(np.sum(worth - mid)) / vega if vega > 0.0 else math.nan
        units = trade.direction * trade.quantity * OPTION_MULTIPLIER
        value = units * float(np.sum(np.where(np.isfinite(mid), mid, worth)))
        return TradeView(trade.result(value), edge, float(self._book.contracts["strike"][rows[0]]))

    def _best(self) -> Records | None:
        """The first ranked signal that the strategy has room for and no leg of; None without one."""
        if len(self._trades) >= self._settings.max_structures:
            return None
        taken = {leg for trade in self._trades for leg in trade.legs}
        signals = rank(self._book, self._valuation, self._settings, RATE, self._time)
        for number, row in enumerate(signals):
            if not {int(row["call"]), int(row["put"])} & taken and np.isfinite(row["implied_volatility"]):
                return signals[number : number + 1]
        return None

    def _allowed(self, quantity: int) -> bool:
        assert self.signal is not None
        direction = int(self.signal["direction"][0])
        short = quantity * (direction < 0) + sum(trade.quantity for trade in self._trades if trade.direction < 0)
        vega = float(self.exposure["vega"][0]) + direction * quantity * float(self.signal["vega"][0])
        margin = short_margin(self._book.spot, short, self._settings)
        margin += 0.5 * abs(self._portfolio.quantity(UNDERLYING)) * self._book.spot
        return exceeded_limit(BookRisk(vega, margin, self.equity), self._settings) is None

    def _open(self, signal: np.void, quantity: int) -> None:
        call, put, direction = int(signal["call"]), int(signal["put"]), int(signal["direction"])
        expiry = int(self._book.contracts["expiry"][self._book.row(call)])
        trade = Trade(UNDERLYING, call, put, direction, quantity, self._time, expiry)
        for leg in trade.legs:
            trade.fill(direction * quantity, self._fill_option(leg, direction * quantity))
        self._trades.append(trade)
        self.opened += 1
        self._follow(trade)

    def _fill_option(self, instrument: int, quantity: int) -> float:
        """Trade at the touch and return the price; what nobody bids for is given away."""
        quote = self._book.quotes[self._book.row(instrument)]
        touch = float(quote["ask" if quantity > 0 else "bid"])
        price = touch if math.isfinite(touch) else 0.0
        fee = self._settings.fee_per_contract * abs(quantity)
        self._portfolio.fill(instrument, quantity, price, OPTION_MULTIPLIER, fee)
        self.fees += fee
        return price

    def _hedge(self) -> None:
        shares = self._portfolio.quantity(UNDERLYING)
        contracts = sum(abs(self._portfolio.quantity(instrument)) for instrument in self._held())
        option_delta = float(self.exposure["delta"][0]) - shares
        distance = shares_wanted(shares, option_delta, contracts, self._settings) - shares
        if distance:
            price = self._book.spot + math.copysign(_SHARE_HALF_SPREAD, distance)
            fee = max(_FEE_PER_SHARE * abs(distance), _LEAST_SHARE_FEE)
            self._portfolio.fill(UNDERLYING, distance, price, EQUITY_MULTIPLIER, fee)
            self.fees += fee
