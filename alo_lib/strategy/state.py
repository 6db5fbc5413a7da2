"""What the strategy knows and holds between two decisions: its underlyings, its trades, its orders, its money."""

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import Kind, Records, Session, records, years_between
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.external import External
from alo_lib.strategy.forecast import DailyBar, VolatilityForecaster
from alo_lib.strategy.ledger import Ledger
from alo_lib.strategy.trade import Trade
from alo_lib.strategy.valuation import Valuation

__all__ = ["StrategyState", "Underlying"]


@dataclass
class Underlying:
    """One underlying: its market, its forecast, and what was made of them in the last frame that saw news."""

    book: MarketBook
    forecaster: VolatilityForecaster
    new_closes: list[tuple[int, float]] = field(default_factory=list)  # with the time of each
    new_ranges: dict[int, tuple[float, float, float]] = field(default_factory=dict)  # open, high, low, by that time
    forecast_note: str = ""  # what was last told of the forecast's parts
    forecast: dict[int, float] = field(default_factory=dict)  # by expiry, for this session
    session_begun: bool = False  # a session began and its new closes have not been followed
    session_news: bool = False  # its forecast has not been made
    market_news: bool = False  # quotes or trades arrived in this frame
    valuation: Valuation | None = None
    implied: dict[int, float] = field(default_factory=dict)  # last implied volatility of held legs, by instrument
    limit_told_on: dt.date | None = None  # the day of the session in which a limit was told
    funnel: Annotated[Records, Kind.FUNNEL] = field(default_factory=lambda: records(Kind.FUNNEL))  # of this session
    told_funnel: Annotated[Records, Kind.FUNNEL] = field(default_factory=lambda: records(Kind.FUNNEL))
    exposure: Annotated[Records, Kind.EXPOSURE] = field(default_factory=lambda: records(Kind.EXPOSURE))

    def take_bars(self) -> list[DailyBar]:
        """The daily bars told since the last session, each with its range where that was told, too."""
        unknown = (math.nan, math.nan, math.nan)
        bars: list[DailyBar] = [(*self.new_ranges.get(time, unknown), close) for time, close in self.new_closes]
        self.new_closes, self.new_ranges = [], {}
        return bars

    def forecast_expiries(self, time: int) -> None:
        """Forecast the volatility until each expiry of the chain that is to come."""
        self.forecast = {
            expiry: self.forecaster.volatility(float(years_between(time, expiry)))
            for expiry in np.unique(self.book.contracts["expiry"]).tolist()
            if expiry > time
        }

    def forecast_rows(self) -> NDArray[np.float64]:
        """The forecast of each row of the chain; NaN where there is none."""
        expiries = self.book.contracts["expiry"].tolist()
        return np.array([self.forecast.get(expiry, np.nan) for expiry in expiries], np.float64)


@dataclass(kw_only=True)
class StrategyState(Ledger):
    """Everything the strategy decides by, besides its settings. Underlyings are kept in the settings' order.

    The functions of this room take it, and what they say they change of it, they change in place.
    """

    session: Session | None = None
    rate: float = 0.0
    underlyings: dict[int, Underlying] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    last_order: int = 0
    peak_equity: float = 0.0
    halted: bool = False
    external: External = field(default_factory=External)
    wanted: dict[int, int] = field(default_factory=dict)  # as the last frame came to it, by instrument
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
        """Option contracts of one underlying that are held, or belong to a trade or an insight, ascending."""
        wanted = {leg for trade in self.trades_in(underlying) for leg in trade.legs}
        wanted.update(leg for each in self.external.insights if each.underlying == underlying for leg in each.legs)
        return sorted(wanted.union(self.contracts_held(underlying)))

    def new_order(self, instrument: int, quantity: int) -> int:
        """Number an order for a signed quantity, from 1, and keep it as sent. Returns the number."""
        self.last_order += 1
        self.send(self.last_order, instrument, quantity)
        return self.last_order

    def notice(self, underlying: int, text: str) -> None:
        """Tell people something, once this frame is published."""
        self.notices.append((underlying, text))
