"""The daily bars that forecasts look back on, held against the days on which the market was open."""

import datetime as dt
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from alo_lib.market import MarketHours

__all__ = ["Gap", "Lookback", "measure_lookback"]

_MOST_DAYS_A_TRADING_DAY: Final = 1.5
"""Calendar days that pass for one of trading over years; 365 / 252 is 1.45."""
_SOME_DAYS: Final = 20


class Gap(NamedTuple):
    """Trading days in a row without a bar."""

    first: dt.date
    last: dt.date
    days: int

    def __str__(self) -> str:
        return f"{self.first}" if self.days == 1 else f"{self.first} to {self.last}"


class Lookback(NamedTuple):
    """What a run's forecasts look back on; ``bars`` of ``days`` is that of the session with the smallest share."""

    bars: int
    days: int
    gaps: list[Gap]

    @property
    def missing(self) -> int:
        """Trading days without a bar that any forecast looks back on."""
        return sum(gap.days for gap in self.gaps)


def measure_lookback(hours: MarketHours, sessions: Sequence[dt.date], days: Sequence[dt.date], length: int) -> Lookback:
    """Of the ``length`` trading days before each session, from the first bar on, those that have a bar.

    sessions: trading days, ascending. days: those of daily bars, ascending, at least one before a session.
    """
    span = dt.timedelta(days=round(length * _MOST_DAYS_A_TRADING_DAY) + _SOME_DAYS)
    trading = hours.trading_days(max(days[0], sessions[0] - span), sessions[-1])
    dates = np.array(trading, "datetime64[D]")
    has = np.isin(dates, np.array(days, "datetime64[D]"))
    known = np.concatenate([[0], np.cumsum(has)])
    ends = np.searchsorted(dates, np.array(sessions, "datetime64[D]"))
    ends = ends[ends > 0]
    starts = np.maximum(ends - length, 0)
    bars, counts = known[ends] - known[starts], ends - starts
    worst = int(np.argmin(bars / counts))
    absent = np.flatnonzero(~has[starts[0] : ends[-1]]) + starts[0]
    groups = np.split(absent, np.flatnonzero(np.diff(absent) > 1) + 1) if len(absent) else []
    gaps = [Gap(trading[group[0]], trading[group[-1]], len(group)) for group in groups]
    return Lookback(int(bars[worst]), int(counts[worst]), gaps)
