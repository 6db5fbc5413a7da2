"""The state that the tasks of a frame work on."""

import math
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from alo_lib.core.calibrator import PendingCalibration
from alo_lib.core.settings import Settings
from alo_lib.records import Kind, Linked, Records, records
from alo_lib.strategy.book import MarketBook, TradingSession
from alo_lib.strategy.forecast import DailyBar, VolatilityForecaster
from alo_lib.strategy.ledger import Ledger
from alo_lib.strategy.trade import Trade
from alo_lib.strategy.valuation import Valuation

__all__ = ["State", "Underlying"]


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
    exposure: Annotated[Records, Kind.EXPOSURE] = field(default_factory=lambda: records(Kind.EXPOSURE))

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


@dataclass(kw_only=True)
class State(Ledger):
    """Everything the core knows. Underlyings are kept in the settings' order."""

    settings: Annotated[Settings, Linked("settings")]
    session: TradingSession | None = None
    rate: float = 0.0
    underlyings: dict[int, Underlying] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    proposals: list[Trade] = field(default_factory=list)  # wanted in this frame, subject to risk
    last_order: int = 0
    last_calibration: int = 0
    peak_equity: float = 0.0
    halted: bool = False
    news: bool = False  # something arrived in this frame; without it no task does anything
    # What the frame publishes
    signals: Annotated[Records, Kind.SIGNAL] = field(default_factory=lambda: records(Kind.SIGNAL, 0))
    targets: Annotated[Records, Kind.TARGET] = field(default_factory=lambda: records(Kind.TARGET, 0))
    limited: Annotated[Records, Kind.TARGET] = field(default_factory=lambda: records(Kind.TARGET, 0))
    intents: Annotated[Records, Kind.INTENT] = field(default_factory=lambda: records(Kind.INTENT, 0))
    notices: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.peak_equity = self.portfolio.cash

    def trade_with(self, instrument: int) -> Trade | None:
        """The trade that has the instrument as a leg."""
        return next((trade for trade in self.trades if instrument in trade.legs), None)

    def trades_in(self, underlying: int) -> list[Trade]:
        """Trades in one underlying, oldest first."""
        return [trade for trade in self.trades if trade.underlying == underlying]

    def legs(self, underlying: int) -> list[int]:
        """Option contracts of one underlying that are held or belong to a trade, ascending."""
        wanted = {leg for trade in self.trades_in(underlying) for leg in trade.legs}
        return sorted(wanted.union(self.contracts_held(underlying)))

    def notice(self, underlying: int, text: str) -> None:
        """Tell people something, once this frame is published."""
        self.notices.append((underlying, text))
