"""Daily bars as a forecaster is told them, and what of them is fit for the range."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["DailyBar", "PriceLevel", "filled_bars", "without_range"]

DailyBar = tuple[float, float, float, float]
"""Open, high, low and close, split-adjusted; all but the close are NaN where only that is known."""


@dataclass
class PriceLevel:
    """Daily bars that go on as if nothing had been distributed beside regular dividends: such a drop is no move.

    Bars that were followed stay as they are; those after a spin-off are raised by what it took of the price. Times are
    whatever counts upwards.
    """

    ahead: list[tuple[int, float]] = field(default_factory=list)  # time of each, and what it left of the price
    kept: float = 1.0  # of the price, by all that bars have passed

    def distribute(self, time: int, kept: float) -> None:
        """Hear that at ``time``, after the bars followed so far, something was distributed that left ``kept``."""
        self.ahead.append((time, kept))

    def follow(self, time: int, bar: DailyBar) -> DailyBar:
        """The next bar, oldest first, at the level of those before."""
        while self.ahead and self.ahead[0][0] <= time:
            self.kept *= self.ahead.pop(0)[1]
        open_, high, low, close = (price / self.kept for price in bar)
        return open_, high, low, close


def without_range(bars: NDArray[np.float64]) -> int:
    """Bars (n, 4) of which the close alone is known."""
    return int(np.count_nonzero(~np.isfinite(bars).all(axis=1)))


def filled_bars(bars: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bars (n, 4) fit for the range: a day without one has its close alone, and no price lies outside a range."""
    filled = np.where(np.isfinite(bars) & (bars > 0.0), bars, bars[:, 3:])
    filled[:, 1], filled[:, 2] = filled.max(axis=1), filled.min(axis=1)
    return filled
