"""What a run is compared with: the S&P 500 fund SPY, which is LEAN's benchmark unless an algorithm names another."""

import datetime as dt
from decimal import Decimal
from typing import Final

import numpy as np

from alo_lib.market import DataFolder, FaultLog, Resolution
from alo_lib.simulation.money import ZERO, decimal

__all__ = ["BENCHMARK", "Benchmark"]

BENCHMARK: Final = "SPY"
_LOOKED_BACK: Final = dt.timedelta(days=14)
_DAY: Final = 86_400 * 1_000_000_000
_DECIMALS: Final = 4


class Benchmark:
    """SPY's closes from hour bars, else from daily ones, adjusted for splits and dividends.

    In a folder without SPY the value is 0 throughout, as in LEAN, and statistics against it are 0.
    """

    def __init__(self, folder: DataFolder, start: dt.date, end: dt.date) -> None:
        # A data folder need not hold the benchmark, so its absence is no fault of the run's data.
        quiet = DataFolder(folder.root, market=folder.market, faults=FaultLog())
        first = start - _LOOKED_BACK
        bars = quiet.bars(BENCHMARK, first, end, Resolution.HOUR)
        if not len(bars):
            bars = quiet.bars(BENCHMARK, first, end, Resolution.DAILY)
        days = (bars["time"] // _DAY).astype("datetime64[D]")
        self._times = bars["time"]
        self._values = np.round(bars["close"] * quiet.factor_file(BENCHMARK).price_factors(days), _DECIMALS)

    def value_at(self, time: int) -> Decimal:
        """The last close at or before ``time``, ns UTC; 0 before the first."""
        at = int(np.searchsorted(self._times, time, side="right")) - 1
        return decimal(self._values[at]) if at >= 0 else ZERO
