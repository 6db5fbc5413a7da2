"""Daily bars as a forecaster is told them, and what of them is fit for the range."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["DailyBar", "filled_bars", "without_range"]

DailyBar = tuple[float, float, float, float]
"""Open, high, low and close, split-adjusted; all but the close are NaN where only that is known."""


def without_range(bars: NDArray[np.float64]) -> int:
    """Bars (n, 4) of which the close alone is known."""
    return int(np.count_nonzero(~np.isfinite(bars).all(axis=1)))


def filled_bars(bars: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bars (n, 4) fit for the range: a day without one has its close alone, and no price lies outside a range."""
    filled = np.where(np.isfinite(bars) & (bars > 0.0), bars, bars[:, 3:])
    filled[:, 1], filled[:, 2] = filled.max(axis=1), filled.min(axis=1)
    return filled
