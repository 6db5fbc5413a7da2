"""Forecast against implied volatility over time."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import Kind
from alo_lib.views.run import Run

__all__ = ["VolatilityView", "volatility_views"]


class VolatilityView(NamedTuple):
    """One underlying's volatilities, as decimals: forecasts over all expiries, and the best-ranked pair's.

    A forecast holds until the next one; the last one's line ends with the run.
    """

    forecast_time: NDArray[np.int64]
    forecast_low: NDArray[np.float64]
    forecast_high: NDArray[np.float64]
    signal_time: NDArray[np.int64]
    signal_implied: NDArray[np.float64]
    signal_forecast: NDArray[np.float64]
    signal_direction: NDArray[np.int64]


def volatility_views(run: Run) -> dict[str, VolatilityView]:
    """The volatilities of each underlying over time."""
    forecasts, signals, frames = run.table(Kind.FORECAST), run.table(Kind.SIGNAL), run.table(Kind.FRAME).time
    views = {}
    for underlying in run.underlyings:
        known = (forecasts.records["underlying"] == underlying.number) & np.isfinite(forecasts.records["volatility"])
        time, rows = forecasts.where(known)
        moments, first = np.unique(time, return_index=True)
        lows = np.minimum.reduceat(rows["volatility"], first) if len(first) else np.zeros(0)
        highs = np.maximum.reduceat(rows["volatility"], first) if len(first) else np.zeros(0)
        of_one = signals.where(signals.records["underlying"] == underlying.number)
        _, best = np.unique(of_one.time, return_index=True)  # the first row of a frame is its best
        top = of_one.where(best[np.isfinite(of_one.records["implied_volatility"][best])])
        views[underlying.symbol] = VolatilityView(
            forecast_time=np.append(moments, frames[-1:]) if len(moments) else moments,
            forecast_low=np.append(lows, lows[-1:]),
            forecast_high=np.append(highs, highs[-1:]),
            signal_time=top.time,
            signal_implied=top.records["implied_volatility"],
            signal_forecast=top.records["forecast_volatility"],
            signal_direction=top.records["direction"].astype(np.int64),
        )
    return views
