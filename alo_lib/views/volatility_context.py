"""What a data folder says beside an underlying's models: gaps, events, what options price and hours measure."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import DataFolder
from alo_lib.market.bars import Bars, session_days
from alo_lib.views.implied_beside import ImpliedBeside, implied_beside
from alo_lib.views.kept_events import CorporateEvent, KeptEvent, corporate_events, kept_events, variance_time_of
from alo_lib.views.realized_beside import RealizedBeside, realized_beside
from alo_lib.volatility import DailyHistory, DatedReturns, VolatilityReport, dated_returns

__all__ = ["VolatilityContext", "volatility_context"]


@dataclass(frozen=True)
class VolatilityContext:
    """All of it."""

    last: dt.date
    """The last day of the bars."""
    sessions: int
    """Those that the exchange had between the first bar and the last."""
    gaps: DatedReturns
    """Days of bars against these sessions."""
    corporate: tuple[CorporateEvent, ...]
    kept: tuple[KeptEvent, ...]
    beside: ImpliedBeside
    realized: RealizedBeside

    def to_dict(self) -> dict[str, Any]:
        """For JSON; volatilities are annualized decimals."""
        odd: Mapping[str, NDArray[np.datetime64]] = {
            name: getattr(self.gaps, name) for name in ("missing", "closed", "repeated")
        }
        return {
            "calendar": {"sessions": self.sessions} | {name: list(map(str, days)) for name, days in odd.items()},
            "events": [one.to_dict() for one in self.corporate],
            "kept_events": [one.to_dict() for one in self.kept],
            **self.beside.to_dict(),
            **self.realized.to_dict(),
        }


def volatility_context(folder: DataFolder, ticker: str, bars: Bars, report: VolatilityReport) -> VolatilityContext:
    """What ``folder`` says of the split-adjusted ``bars`` of a report, and of the options of their last day.

    :raises DataError: for a file of events that cannot be read.
    """
    days = session_days(bars)
    first, last = (day.astype(dt.date) for day in (days[0], days[-1]))
    sessions = np.array(folder.hours().trading_days(first, last), "datetime64[D]")
    variance_time = variance_time_of(folder, ticker, bars, last)
    # Options may tell the size of an event, so that they come first.
    beside = implied_beside(folder, ticker, last, report, variance_time)
    history = DailyHistory.from_bars(*(bars[name] for name in ("open", "high", "low", "close")))
    return VolatilityContext(
        last,
        len(sessions),
        dated_returns(days, bars["close"], calendar=sessions),
        corporate_events(folder, ticker, first, last),
        kept_events(variance_time, bars),
        beside,
        realized_beside(folder, ticker, bars, history, report.hybrid.range_scale),
    )
