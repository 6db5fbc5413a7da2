"""The state that the tasks of a frame work on."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alo_lib.core.calibrator import PendingCalibration
from alo_lib.core.settings import Settings
from alo_lib.records import EQUITY_MULTIPLIER, OPTION_MULTIPLIER, Kind, Records, Stage, records
from alo_lib.strategy.book import MarketBook, TradingSession
from alo_lib.strategy.forecast import DailyBar, VolatilityForecaster
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.trade import Trade
from alo_lib.strategy.valuation import Valuation

__all__ = ["External", "ExternalInsight", "ExternalTarget", "State", "Underlying", "WorkingOrder"]


@dataclass
class WorkingOrder:
    """An order that was sent and is not done."""

    instrument: int
    remaining: int  # signed


@dataclass
class ExternalInsight:
    """A pair that an alpha model of the host would trade."""

    underlying: int
    call: int
    put: int
    direction: int  # +1 bought, -1 sold
    magnitude: float  # volatility expected above costs
    until: int


@dataclass
class ExternalTarget:
    """The position that a model of the host wants in an instrument."""

    quantity: int
    past_risk: bool  # whether limits do not apply to it any more
    fresh: bool = True  # it came in this frame, and so counts before the core's own


@dataclass
class External:
    """What models of the host, in LEAN those of its framework, decide in the place of the core's own."""

    stages: dict[int, bool] = field(default_factory=dict)  # by Stage; of the core's own where it does not stand
    insights: list[ExternalInsight] = field(default_factory=list)
    targets: dict[int, ExternalTarget] = field(default_factory=dict)  # by instrument

    def decides(self, stage: Stage) -> bool:
        """Whether models of the host alone decide a stage."""
        return self.stages.get(stage, False)


@dataclass
class Underlying:
    """One underlying: its market, its forecast, and what was made of them in the last frame that saw news."""

    book: MarketBook
    forecaster: VolatilityForecaster
    new_closes: list[tuple[int, float]] = field(default_factory=list)  # with the time of each
    new_ranges: dict[int, tuple[float, float, float]] = field(default_factory=dict)  # open, high, low, by that time
    calibration: PendingCalibration | None = None  # what was asked for and is not in force
    forecast_note: str = ""  # what was last told of the forecast's parts
    forecast: dict[int, float] = field(default_factory=dict)  # by expiry, for this session
    session_begun: bool = False  # a session began and its new closes have not been followed
    session_news: bool = False  # its forecast has not been made
    market_news: bool = False  # quotes or trades arrived in this frame
    valuation: Valuation | None = None
    implied: dict[int, float] = field(default_factory=dict)  # last implied volatility of held legs, by instrument
    limit_told_on: int = 0  # session, yyyymmdd
    exposure: Records = field(default_factory=lambda: records(Kind.EXPOSURE))

    def take_bars(self) -> list[DailyBar]:
        """The daily bars told since the last session, each with its range where that was told, too."""
        unknown = (math.nan, math.nan, math.nan)
        bars: list[DailyBar] = [(*self.new_ranges.get(time, unknown), close) for time, close in self.new_closes]
        self.new_closes, self.new_ranges = [], {}
        return bars

    def forecast_rows(self) -> NDArray[np.float64]:
        """The forecast of each row of the chain; NaN where there is none."""
        expiries = self.book.contracts["expiry"].tolist()
        return np.array([self.forecast.get(expiry, np.nan) for expiry in expiries], np.float64)


@dataclass
class State:
    """Everything the core knows. Underlyings are kept in the settings' order."""

    settings: Settings
    portfolio: Portfolio
    session: TradingSession | None = None
    rate: float = 0.0
    underlyings: dict[int, Underlying] = field(default_factory=dict)
    underlying_of: dict[int, int] = field(default_factory=dict)  # of every instrument ever told
    trades: list[Trade] = field(default_factory=list)
    proposals: list[Trade] = field(default_factory=list)  # wanted in this frame, subject to risk
    working: dict[int, WorkingOrder] = field(default_factory=dict)  # by order number
    last_order: int = 0
    last_calibration: int = 0
    peak_equity: float = 0.0
    halted: bool = False
    external: External = field(default_factory=External)
    wanted: dict[int, int] = field(default_factory=dict)  # quantities that the last frame came to, by instrument
    news: bool = False  # something arrived in this frame; without it no task does anything
    # What the frame publishes
    signals: Records = field(default_factory=lambda: records(Kind.SIGNAL, 0))
    targets: Records = field(default_factory=lambda: records(Kind.TARGET, 0))
    limited: Records = field(default_factory=lambda: records(Kind.TARGET, 0))
    intents: Records = field(default_factory=lambda: records(Kind.INTENT, 0))
    notices: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.peak_equity = self.portfolio.cash

    def multiplier(self, instrument: int) -> int:
        """Shares that one unit of the instrument stands for."""
        return EQUITY_MULTIPLIER if instrument in self.underlyings else OPTION_MULTIPLIER

    def trade_with(self, instrument: int) -> Trade | None:
        """The trade that has the instrument as a leg."""
        return next((trade for trade in self.trades if instrument in trade.legs), None)

    def trades_in(self, underlying: int) -> list[Trade]:
        """Trades in one underlying, oldest first."""
        return [trade for trade in self.trades if trade.underlying == underlying]

    def contracts_held(self, underlying: int) -> list[int]:
        """Option contracts held in one underlying, ascending."""
        return [i for i in self.portfolio.held() if i != underlying and self.underlying_of[i] == underlying]

    def legs(self, underlying: int) -> list[int]:
        """Option contracts of one underlying that are held, or belong to a trade or an insight, ascending."""
        wanted = {leg for trade in self.trades_in(underlying) for leg in trade.legs}
        wanted.update(
            leg for each in self.external.insights if each.underlying == underlying for leg in (each.call, each.put)
        )
        return sorted(wanted.union(self.contracts_held(underlying)))

    def instruments_working(self) -> set[int]:
        """Instruments with an order that is not done."""
        return {order.instrument for order in self.working.values()}

    def contracts_open(self, underlying: int) -> list[int]:
        """Option contracts of one underlying that are held or have an order working, ascending."""
        working = {i for i in self.instruments_working() if i != underlying and self.underlying_of[i] == underlying}
        return sorted(working.union(self.contracts_held(underlying)))

    def notice(self, underlying: int, text: str) -> None:
        """Tell people something, once this frame is published."""
        self.notices.append((underlying, text))
