"""What the strategy knows and holds between two decisions: its underlyings, its trades, its orders, its money."""

import datetime as dt
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import DOMAINS
from alo_lib.records import TRANSIENT, BookMode, HaltCause, Kind, OrderType, Records, Session, records
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.daily_bars import PriceLevel
from alo_lib.strategy.external import External
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.strategy.hedging import HedgedPosition, HedgingRule
from alo_lib.strategy.hedging_policy import HedgingPolicy
from alo_lib.strategy.ledger import Ledger
from alo_lib.strategy.market_state import MarketHistory
from alo_lib.strategy.policy_records import policy_of_records
from alo_lib.strategy.profit import TradeProfit, UnderlyingProfit
from alo_lib.strategy.quoted_smiles import SmileShape
from alo_lib.strategy.screening import Screen
from alo_lib.strategy.smile_slope import SlopeLooks
from alo_lib.strategy.steering import Steering
from alo_lib.strategy.trade import Trade
from alo_lib.strategy.valuation import Valuation
from alo_lib.strategy.variance_time import VarianceTime

__all__ = ["DueDividend", "LimitsTold", "StrategyState", "Underlying"]

_MOST_VOLATILITY: Final = DOMAINS["volatility"][1]
"""What options can be priced at."""


@dataclass(frozen=True, slots=True)
class DueDividend:
    """A dividend that is booked in cash, as hosts pay it, and goes ex later: until then prices are not without it."""

    time: int  # when it goes ex
    amount: float  # a share
    money: float  # below zero for a short position
    by_trade: dict[int, float]  # whose money it is


@dataclass
class Underlying:
    """One underlying: its market, its forecast, and what was made of them in the last frame that saw news."""

    book: MarketBook
    forecaster: VolatilityForecaster
    variance_time: VarianceTime = field(default_factory=VarianceTime)
    new_closes: list[tuple[int, float]] = field(default_factory=list)  # with the time of each
    price_level: PriceLevel = field(default_factory=PriceLevel)
    new_ranges: dict[int, tuple[float, float, float]] = field(default_factory=dict)  # open, high, low, by that time
    forecast_note: str = ""  # what was last told of the forecast's parts
    garch_note: str = ""  # how GJR-GARCH had to be fitted, as it was last told
    regime_note: str = ""  # why there were no regimes, as it was last told
    ordinary: dict[int, tuple[float, float, float]] = field(default_factory=dict)  # forecast and band of trading days
    forecast: dict[int, float] = field(default_factory=dict)  # by expiry, on calendar time, as of the last frame
    band: dict[int, tuple[float, float]] = field(default_factory=dict)  # of each forecast, 90 %
    close_before: float = 0.0  # the last price before the session, in its shares; 0 where it is not known
    session_begun: bool = False  # a session began and its new closes have not been followed
    session_news: bool = False  # its forecast has not been made
    refit_asked: bool = False  # of its models, by a person, and not asked for yet
    market_news: bool = False  # quotes or trades arrived in this frame
    smiles: dict[int, SmileShape] = field(default_factory=dict)  # by expiry, as last told
    market_history: MarketHistory = field(default_factory=MarketHistory)
    looked_at: int = -1  # when its market was last told of
    valuation: Valuation | None = None
    screen: Annotated[Screen | None, TRANSIENT] = field(default=None, compare=False)  # in a frame with news
    implied: dict[int, float] = field(default_factory=dict)  # last implied volatility of legs held now, by instrument
    slopes: dict[int, SlopeLooks] = field(default_factory=dict)  # of the smile, by expiry of legs held
    slope_told_on: dt.date | None = None  # the day of the session in which one that is unknown was told
    policy_left_on: dt.date | None = None  # the same, of a position that the policy was not trained on
    hedged: Annotated[HedgedPosition | None, TRANSIENT] = field(default=None, compare=False)  # as last measured
    limit_told_on: dt.date | None = None  # the day of the session in which a limit was told
    funnel: Annotated[Records, Kind.FUNNEL] = field(default_factory=lambda: records(Kind.FUNNEL))  # of this session
    told_funnel: Annotated[Records, Kind.FUNNEL] = field(default_factory=lambda: records(Kind.FUNNEL))
    exposure: Annotated[Records, Kind.EXPOSURE] = field(default_factory=lambda: records(Kind.EXPOSURE))
    profit: UnderlyingProfit = field(default_factory=UnderlyingProfit)
    due: list[DueDividend] = field(default_factory=list)

    def follow_bars(self) -> str | None:
        """Follow the daily bars told since the last session, each with its range where that was told, too.

        They go on from those before as if nothing had been spun off: that a price falls by it is no move.
        Returns what is to be told of them, a sentence a line, or None.
        """
        unknown = (math.nan, math.nan, math.nan)
        times = [time for time, _ in self.new_closes]
        bars = [
            self.price_level.follow(time, (*self.new_ranges.get(time, unknown), close))
            for time, close in self.new_closes
        ]
        self.new_closes, self.new_ranges = [], {}
        held_event = self.variance_time.follow(times, [bar[0] for bar in bars], [bar[3] for bar in bars])
        return self.forecaster.follow(bars, held_event)

    def forecast_expiries(self, time: int) -> None:
        """Forecast the volatility until each expiry of the chain that is to come, and its band, for the session."""
        self.ordinary, self.forecast, self.band = {}, {}, {}
        for expiry in self.book.expiries.time.tolist():
            if expiry > time:
                days = self.variance_time.life(time, expiry).trading_days
                self.ordinary[expiry] = self.forecaster.volatility_over(days), *self.forecaster.band_over(days)
        self.count_down(time)

    def forecast_again(self, time: int) -> None:
        """Forecast within a session by its move so far.

        The bands keep their ratios to the session's first forecast. That stands where today's move is no usual one, on
        the day of an event, and where the price before the session is not known, as on the first day.
        """
        clock, last = self.variance_time.clock, self.variance_time.last
        if clock is None or last is None or not (self.close_before > 0.0 and self.book.known_spot > 0.0):
            return
        if any(last[0] < event.time <= time for event in self.variance_time.events):
            return
        outlook = self.forecaster.outlook(math.log(self.book.known_spot / self.close_before), clock.gone(time))
        if outlook is None:
            return
        for expiry, (before, low, high) in self.ordinary.items():
            now = outlook.volatility_over(self.variance_time.life(time, expiry).trading_days)
            self.ordinary[expiry] = now, low / before * now, high / before * now
        self.count_down(time)

    def count_down(self, time: int) -> None:
        """State each forecast for what is left at ``time`` of its life, on calendar time, as options are quoted.

        A forecast that no option can be priced at is none.
        """
        for expiry, ordinary in self.ordinary.items():
            if expiry > time:
                life = self.variance_time.life(time, expiry)
                centre, low, high = map(life.calendar_volatility, ordinary)
                self.forecast[expiry] = centre if centre <= _MOST_VOLATILITY else math.nan
                self.band[expiry] = low, high

    def forecast_rows(self) -> NDArray[np.float64]:
        """The forecast of each row of the chain; NaN where there is none."""
        return self.book.expiries.spread(self.forecast)


@dataclass
class LimitsTold:
    """The book as it was when what it uses of its limits was last told."""

    held: dict[int, int] = field(default_factory=dict)  # contracts and shares
    spots: dict[int, float] = field(default_factory=dict)
    halts: set[HaltCause] = field(default_factory=set)
    limits: dict[str, float] = field(default_factory=dict)  # that a person has set


@dataclass(kw_only=True)
class StrategyState(Ledger):
    """Everything the strategy decides by, besides its settings. Underlyings are kept in the settings' order.

    The functions of this room take it, and what they say they change of it, they change in place.
    """

    session: Session | None = None
    calendar: list[tuple[int, int]] = field(default_factory=list)  # sessions: the one before, today's, those ahead
    rate: float = 0.0
    policy_told: Annotated[Records, Kind.POLICY] = field(default_factory=lambda: records(Kind.POLICY, 0))
    underlyings: dict[int, Underlying] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    last_trade: int = 0
    last_basket: int = 0
    opened: list[Trade] = field(default_factory=list)  # since it was last told
    ended: list[Trade] = field(default_factory=list)
    account_profit: TradeProfit = field(default_factory=lambda: TradeProfit(0))  # of the account as a whole: interest
    last_order: int = 0
    impatient: dict[int, int] = field(default_factory=dict)  # instruments that waited long enough, +1 to buy, -1 sell
    peak_equity: float = 0.0  # since the start, or since a drawdown was reset
    day_equity: float = 0.0  # as last measured before the session
    last_equity: float = 0.0  # as last measured
    halts: set[HaltCause] = field(default_factory=set)  # those that stand
    steering: Steering = field(default_factory=Steering)
    cancel_asked: bool = False  # of all orders that work, by a person, and not done yet
    limits_told: LimitsTold = field(default_factory=LimitsTold)
    external: External = field(default_factory=External)
    target_quantities: dict[int, int] = field(default_factory=dict)  # as the last frame came to it, by instrument
    notices: list[tuple[int, str]] = field(default_factory=list)
    _owners: Annotated[NDArray[np.int64] | None, TRANSIENT] = field(default=None, init=False, repr=False, compare=False)
    _policy: Annotated[HedgingPolicy | None, TRANSIENT] = field(default=None, init=False, repr=False, compare=False)
    _owned: Annotated[int | None, TRANSIENT] = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.peak_equity = self.day_equity = self.last_equity = self.portfolio.cash

    @property
    def mode(self) -> BookMode:
        """What may be done with the book: the gravest of what its halts say."""
        return max((cause.mode for cause in self.halts), default=BookMode.NORMAL)

    @property
    def policy(self) -> HedgingPolicy | None:
        """The learned policy that was told; None without one."""
        if self._policy is None and len(self.policy_told):
            self._policy = policy_of_records(self.policy_told)
        return self._policy

    def forget_policy(self) -> None:
        """Have been told of no policy, until one is told."""
        self.policy_told, self._policy = records(Kind.POLICY, 0), None
        for underlying in self.underlyings.values():
            underlying.policy_left_on = None

    @property
    def learned(self) -> HedgingRule | None:
        """The rule of that policy, as :func:`~alo_lib.strategy.hedging.hedging_rule` takes it."""
        policy = self.policy
        return None if policy is None else policy.rule

    def trade_with(self, instrument: int) -> Trade | None:
        """The trade that has the instrument as a leg."""
        return next((trade for trade in self.trades if instrument in trade.legs), None)

    def trades_in(self, underlying: int) -> list[Trade]:
        """Trades in one underlying, oldest first."""
        return [trade for trade in self.trades if trade.underlying == underlying]

    def together(self, trade: Trade) -> list[Trade]:
        """A trade and those that are opened and closed with it, oldest first; by itself where there are none."""
        return [each for each in self.trades if each.basket == trade.basket] if trade.basket else [trade]

    def legs(self, underlying: int) -> list[int]:
        """Option contracts of one underlying that are held, or belong to a trade or an insight, ascending."""
        traded = {leg for trade in self.trades_in(underlying) for leg in trade.legs}
        traded.update(leg for each in self.external.insights if each.underlying == underlying for leg in each.legs)
        return sorted(traded.union(self.contracts_held(underlying)))

    def open_trades(self, trades: Iterable[Trade]) -> None:
        """Take trades on; they are numbered from 1, in their order."""
        for trade in trades:
            self.last_trade += 1
            trade.number = self.last_trade
            self.last_basket = max(self.last_basket, trade.basket)
            self.trades.append(trade)
            self.opened.append(trade)

    def drop_trades(self, over: Iterable[Trade]) -> None:
        """Let go of trades; what each :attr:`Trade.ended_by` is told at the end of the frame."""
        gone = list(over)
        self.ended += gone
        self.trades = [trade for trade in self.trades if not any(trade is each for each in gone)]
        for leg in (leg for trade in gone for leg in trade.legs):
            self.impatient.pop(leg, None)

    def block_entries(self, underlying: int) -> None:
        """Open nothing in an underlying for the rest of the session."""
        if self.session is not None:
            self.underlyings[underlying].book.blocked_until = self.session.close

    def new_order(
        self,
        instrument: int,
        quantity: int,
        *,
        type: OrderType = OrderType.MARKET,
        limit: float | None = None,
        group: int = 0,
        time: int = -1,
    ) -> int:
        """Number an order for a signed quantity, from 1, and keep it as sent. Returns the number."""
        self.last_order += 1
        self.send(self.last_order, instrument, quantity, type=type, limit=limit, group=group, time=time)
        return self.last_order

    def by_underlying(self, rows: Records) -> Iterator[tuple[Underlying, Records]]:
        """Each underlying that some rows of instruments are about, with these in their order."""
        if len(self.underlyings) == 1:
            yield from ((only, rows) for only in self.underlyings.values())
            return
        owners = np.take(self._owner_by_number(), rows["instrument"], mode="clip")
        order = np.argsort(owners, kind="stable")
        bounds = np.searchsorted(owners[order], [[number, number + 1] for number in self.underlyings])
        for underlying, (first, end) in zip(self.underlyings.values(), bounds.tolist(), strict=True):
            if first < end:
                yield underlying, rows.take(order[first:end])

    def _owner_by_number(self) -> NDArray[np.int64]:
        """The underlying of each instrument that was ever told of, by number; -1 where none was, and last of all."""
        if self._owners is None or self._owned != len(self.underlying_of):
            self._owned = len(self.underlying_of)
            self._owners = np.full(max(self.underlying_of) + 2, -1)
            self._owners[list(self.underlying_of)] = list(self.underlying_of.values())
        return self._owners

    def notice(self, underlying: int, text: str) -> None:
        """Tell people something, once this frame is published."""
        self.notices.append((underlying, text))
