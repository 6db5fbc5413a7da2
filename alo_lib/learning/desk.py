"""A day of the strategy in the learning market: the strategy's own functions and the embedded engine's broker, stepped.

Nothing is decided, filled or charged here. What a frame of the core does, two calls a day do, with one addition: how
much of a signal is opened is for a policy to say.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.errors import LearningError
from alo_lib.learning.features import observe
from alo_lib.learning.market import EVEN_NIGHTS, RATE, TICKER, TRADING_DAY, UNDERLYING, LearningMarket
from alo_lib.market import MapFile
from alo_lib.records import DAY, DAYS_A_YEAR, MINUTE, YEAR, HaltCause, Kind, Records, legs_of, records, sent_together
from alo_lib.settings import Settings
from alo_lib.simulation import Account, Broker, Listing, OrderEvent, Prices, Settlement
from alo_lib.simulation.broker import send
from alo_lib.simulation.money import decimal
from alo_lib.strategy import sending
from alo_lib.strategy.accounting import book_order_event
from alo_lib.strategy.attribution import attribute_interest
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.entries import new_trade, stopped_by
from alo_lib.strategy.execution import orders_toward
from alo_lib.strategy.exits import end_trades
from alo_lib.strategy.exposure import equity, measure, value_chains
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.strategy.halts import begin_day, flatten, halt_on_losses
from alo_lib.strategy.limits import review
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.reports import reports
from alo_lib.strategy.scanner import scan
from alo_lib.strategy.sizing import structures_for
from alo_lib.strategy.state import StrategyState, Underlying
from alo_lib.strategy.targets import wanted_targets
from alo_lib.strategy.trade import Trade

__all__ = ["CASH", "Desk"]

Array = NDArray[np.float64]

CASH: Final = 1_000_000.0
"""Money at the start; budgets are shares of it, so that only rounding to whole contracts depends on it."""


class Desk:
    """The strategy, driven a day at a time over one market, with an account at the simulated broker.

    A day begins with :meth:`open_day`; then :attr:`observation` and :attr:`signal` tell what there is to decide, and
    :meth:`trade` decides it. Cash earns nothing and what is invested pays the riskless rate, so that profit counts in
    excess of that rate: the same as if all cash earned it and all equity owed it. A run's rule of interest counts whole
    calendar days; nights here are a 252nd of a year. The signal is the best of those that the strategy may trade;
    whether its edge suffices is left to the multiplier, so ``entry_edge`` does not apply.

    :raises LearningError: for settings that trade anything but straddles.
    """

    def __init__(self, market: LearningMarket, settings: Settings) -> None:
        if settings.structures != ("straddle",):
            traded = ",".join(settings.structures)
            raise LearningError(f"structures is {traded!r}; the learning market is for straddles alone")
        self._market = market
        self._settings = settings
        self._book = MarketBook(UNDERLYING, TICKER)
        self._underlying = Underlying(self._book, VolatilityForecaster(settings))
        self._underlying.variance_time.nights = EVEN_NIGHTS
        self._underlying.variance_time.set_clock(market.calendar(0))
        self._state = StrategyState(portfolio=Portfolio(CASH), rate=RATE, underlyings={UNDERLYING: self._underlying})
        self._listing, self._prices = Listing(), Prices()
        self.account = Account(CASH, self._listing)
        self._broker = Broker(self._listing, self._prices, self.account, bar=MINUTE)
        self._settlement = Settlement(
            self._listing,
            self._prices,
            self.account,
            self._broker,
            histories={TICKER: MapFile(TICKER)},
            zone=ZoneInfo("UTC"),
            bar=MINUTE,
        )
        self._time = 0
        self.opened = 0
        self.equity_before_trading = CASH
        self.signal: Records | None = None
        self._know(market.underlying)
        self.open_day(0)

    @property
    def state(self) -> StrategyState:
        """What the strategy knows and holds."""
        return self._state

    @property
    def exposure(self) -> Records:
        """The EXPOSURE record, as last measured."""
        return self._underlying.exposure

    @property
    def equity(self) -> float:
        """Cash and everything held at mid."""
        return equity(self._state)

    @property
    def fees(self) -> float:
        """Paid so far."""
        return float(self.account.fees)

    @property
    def ruined(self) -> bool:
        """Whether equity has fallen from its highest by more than the settings allow."""
        return HaltCause.DRAWDOWN in self._state.halts

    def open_day(self, day: int) -> None:
        """Take a day's closes and quotes, pay for the night, see what should end, and rank what could be opened."""
        state, settings = self._state, self._settings
        if day:
            self._pay_for_the_night()
        self._time = self._market.time(day)
        state.session = self._market.session(day)
        begin_day(state)
        state.notices.clear()
        reports(state)  # which nobody reads here
        self._broker.begin_session(state.session.open, state.session.close)
        problem = self._underlying.forecaster.update(self._market.closes_before(day))
        if problem is not None and not self._underlying.forecaster.ready:
            raise LearningError(f"there is no forecast on day {day}: {problem}")
        self._quote(day)
        self._underlying.forecast_expiries(self._time)
        value_chains(state, settings, self._time)
        measure(state, self._settings, self._time)
        self.equity_before_trading = self.equity
        end_trades(state, settings, self._time)
        self._halt_on_losses()
        self.signal = self._best()

    def observation(self) -> Array:
        """The features (k,) of the signal; with none, of a signal without edge or direction."""
        if self.signal is not None:
            rows = [self._book.row(leg) for leg in legs_of(self.signal)]
            days = (int(self._book.contracts["expiry"][rows].min()) - self._time) / DAY
            return observe(self.signal, self.exposure, [days], self._settings).reshape(-1)
        level = self._underlying.forecaster.volatility(self._settings.min_days_to_expiry / DAYS_A_YEAR)
        nothing = records(
            Kind.SIGNAL, underlying=UNDERLYING, implied_volatility=level, forecast_volatility=level, edge_volatility=0.0
        )
        return observe(nothing, self.exposure, [0.0], self._settings).reshape(-1)

    def trade(self, multiplier: float) -> None:
        """Close what should end, open the share of the signal that ``multiplier`` in [0, 1] leaves of its size, hedge.

        Options are traded at once, their hedge after them, as in two frames of the core.
        """
        proposals = []
        if self.signal is not None:
            signal = self.signal[0]
            quantity = int(structures_for(signal, self._book, self._settings, self.equity) * multiplier)
            if quantity > 0:
                proposals.append(new_trade(self._state, signal, quantity, self._time))
        self._underlying.market_news = False  # until the next day
        self._frame(proposals)
        self._frame(())

    def _frame(self, proposals: Sequence[Trade]) -> None:
        """Let go, take on what the limits allow, and order what is wanted then; every order ends where it began."""
        state, settings = self._state, self._settings
        end_trades(state, settings, self._time)
        self._halt_on_losses()
        accepted = review(state, settings, proposals, self._time).accepted
        state.open_trades(accepted)
        self.opened += len(accepted)
        orders = orders_toward(state, settings, wanted_targets(state, settings, ()), self._time)
        for sent in sent_together(sending.send(state, orders, self._time)):
            self._take(send(self._broker, sent, self._time))
        measure(state, self._settings, self._time)

    def _halt_on_losses(self) -> None:
        halt_on_losses(self._state, self._settings)
        flatten(self._state)

    def _pay_for_the_night(self) -> None:
        """The riskless rate on what is invested."""
        cost = decimal(float(self.exposure["value"][0]) * math.expm1(RATE * TRADING_DAY / YEAR))
        self._state.portfolio.cash -= float(cost)
        attribute_interest(self._state, -float(cost))
        self.account.cash -= cost

    def _quote(self, day: int) -> None:
        """Tell book and broker of a day's quotes, and the strategy of what they do to positions and waiting orders."""
        self._hear(self._market.share_quote(day))
        self._take(self._settlement.expire(self._time))
        settings, contracts = self._settings, self._book.contracts
        listed = self._market.listed(day, settings.min_days_to_expiry, settings.max_days_to_expiry)
        needed = [*self._state.legs(UNDERLYING), *self._state.contracts_open(UNDERLYING)]
        kept = contracts[np.isin(contracts["instrument"], needed) & (contracts["expiry"] > self._time)]
        kept = kept[~np.isin(kept["instrument"], listed["instrument"])]
        self._know(listed)
        self._book.list_contracts(np.concatenate([listed, kept]))
        self._settlement.begin_session(self._book.contracts["instrument"].tolist())
        self._hear(self._market.quotes(day, self._book.contracts))
        self._take(self._settlement.assign(self._time))
        self._take(self._broker.scan(self._time))

    def _know(self, instruments: Records) -> None:
        numbers = instruments["instrument"].tolist()
        self._listing.add(instruments)
        self._prices.grow(1 + max(numbers, default=-1))
        self._state.list_instruments(instruments)

    def _hear(self, quotes: Records) -> None:
        self._prices.quote(self._time, quotes)
        self._underlying.market_news = self._book.take_quotes(quotes, self._time)

    def _take(self, events: Iterable[OrderEvent]) -> None:
        for event in events:
            told = event.told()
            book_order_event(self._state, told.records[0], told.time)

    def _best(self) -> Records | None:
        """The first ranked signal that the strategy may open; None without one."""
        valuation, screen = self._underlying.valuation, self._underlying.screen
        assert valuation is not None
        assert screen is not None
        signals = scan(self._book, valuation, screen, self._settings, RATE, self._time).signals
        for number, row in enumerate(signals):
            if stopped_by(self._state, self._settings, row, self._time) is None:
                return signals[number : number + 1]
        return None
