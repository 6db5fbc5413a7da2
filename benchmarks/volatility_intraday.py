"""What bars within the day add to forecasts: the hybrid of summed hourly ranges against that of daily ranges.

On the series of LEAN's sample data that have hourly bars for years; proxies are squared returns, the daily range and
the intraday measure, each of the latter two at the level of squared returns by the factor known at each refit. Once
fitted to all days before; once as the strategy fits, to the last 1,250; and once so where hours are known of the days
alone that a run has lived, a year at most.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.market import DataFolder
from alo_lib.market.hourly_bars import hourly_bars
from alo_lib.settings import Settings
from alo_lib.volatility import DailyHistory, HybridForecast, intraday_variance
from alo_lib.volatility.har import future_means
from alo_lib.volatility.intraday import sessions_measured
from alo_lib.volatility.verification import level_of
from benchmarks.harness import Row
from benchmarks.volatility_levels import DAYS, REFIT_DAYS, diebold_mariano

__all__ = ["WITH_HOURS", "judge_intraday"]

Array = NDArray[np.float64]

WITH_HOURS: Final = ("AAPL", "AIG", "BAC", "IBM", "SPY")
_FIRST: Final = 1500
_RUN_DAYS: Final = 4 * REFIT_DAYS
_PRICES: Final = ("open", "high", "low", "close")


def _histories(folder: DataFolder, ticker: str) -> tuple[DailyHistory, DailyHistory]:
    """Of daily ranges, and of hourly ones."""
    begin, end = date(1998, 1, 1), date(2021, 3, 31)
    daily, hours = folder.split_adjusted_bars(ticker, begin, end), hourly_bars(folder, ticker, begin, end)
    days, of_hours = (rows["time"].astype("datetime64[ns]").astype("datetime64[D]") for rows in (daily, hours))
    intraday = sessions_measured(days, *intraday_variance(of_hours, *(hours[name] for name in _PRICES)))
    prices = [daily[name] for name in _PRICES]
    return DailyHistory.from_bars(*prices), DailyHistory.from_bars(*prices, intraday=intraday)


def _walked(history: DailyHistory, looks_back: int, before: DailyHistory | None = None) -> tuple[Array, Array]:
    """Mean daily variances that were forecast after each day from the first on (m, k), and the range's factor (m,).

    Each fit is to ``looks_back`` days, or to all there are. A run begins every year; ``before`` has the measures of the
    days that lie before it, where these are others.
    """
    whole = history
    count = len(history) - _FIRST
    said, scale = np.empty((count, len(DAYS))), np.empty(count)
    fitted = None
    for begin in range(0, count, REFIT_DAYS):
        known, end = _FIRST + begin + 1, min(begin + REFIT_DAYS, count)
        old = max(known - looks_back, 0)
        if before is not None:
            lived = np.arange(len(whole)) >= _FIRST + begin // _RUN_DAYS * _RUN_DAYS
            history = replace(whole, measures=np.where(lived, whole.measures, before.measures))
        fitted = HybridForecast.fit(history[old:known], horizons=DAYS, warm_start=fitted)
        path = fitted.filter(history[old : _FIRST + end])
        said[begin:end] = fitted.fitted_variance_path(path)[known - 1 - old :]
        scale[begin:end] = fitted.range_scale
    return said, scale


def judge_intraday(folder: DataFolder | None, ticker: str) -> Iterator[Row]:
    """Rows of one series; none where it has no hourly bars."""
    if folder is None or ticker not in WITH_HOURS:
        return
    ranges, intraday = _histories(folder, ticker)
    last = Settings().garch_history
    ways = (
        ("", len(ranges), None),
        (", as the strategy fits", last, None),
        (", of lived days alone", last, ranges),
    )
    for fitted, looks_back, before in ways:
        by_range, by_hours = _walked(ranges, looks_back), _walked(intraday, looks_back, before)
        proxies = {
            "squared returns": (np.square(ranges.returns), None),
            "range": (ranges.measures, by_range[1]),
            "intraday": (intraday.measures, by_hours[1]),
        }
        for k, days in enumerate(DAYS):
            for name, (values, scale) in proxies.items():
                came = future_means(values, days)[_FIRST:]
                came = came if scale is None else came * scale[: came.size]
                theirs, ours = (
                    came / said[: came.size, k] + np.log(said[: came.size, k]) for said in (by_range[0], by_hours[0])
                )
                what = f"{ticker}, {days} d, {name}: hybrid of hourly ranges over that of daily ones{fitted}"
                yield Row(f"{what}, QLIKE lower by", float(np.mean(theirs - ours)), "")
                yield Row(f"{what}, Diebold-Mariano", diebold_mariano(theirs - ours, days), "t")
                if name == "squared returns":
                    levels = [level_of(said[: came.size, k], came, days)[0] for said in (by_hours[0], by_range[0])]
                    yield Row(f"{what}, level, that of daily ones as peer", levels[0], "", levels[1])
