"""What LEAN's live results show of the book: charts once a minute, and runtime statistics."""

import math
from typing import Final

from AlgorithmImports import QCAlgorithm

from alo_lib.records import DAYS_A_YEAR, MINUTE, VOLATILITY_POINT
from alo_lib.records.market_state import MATURITIES
from alo_lib.records.spelling import spelled
from alo_lib.runtime import HostedCore

__all__ = ["LiveResults"]

_GREEKS: Final = {
    "delta": ("delta, shares", 1.0),
    "gamma": ("gamma, shares a dollar", 1.0),
    "vega": ("vega, $ a point", VOLATILITY_POINT),
    "theta": ("theta, $ a day", 1.0 / DAYS_A_YEAR),
}
"""What people call each, and their unit of the raw derivative."""
_DAYS: Final = MATURITIES[0]


class LiveResults:
    """Shows what a core has told last; what it has not told yet, or cannot tell, has no point."""

    def __init__(self, algorithm: QCAlgorithm, hosted: HostedCore) -> None:
        self._algorithm, self._hosted = algorithm, hosted
        self._next = 0

    def show(self, time: int) -> None:
        """Show the book at ``time``, ns UTC, where a minute has passed since it was shown last."""
        if time < self._next:
            return
        self._next = time - time % MINUTE + MINUTE
        self._plot()
        self._state()

    def _plot(self) -> None:
        book = self._hosted.book
        self._point("Book", "equity, $", book.equity)
        if "max_stress_loss" in book.uses:
            self._point("Book limits", "stress loss, %", _percent(*book.uses["max_stress_loss"]))
        for number, row in book.exposures.items():
            ticker = self._hosted.core.instruments.symbol(number)
            for name, (title, unit) in _GREEKS.items():
                self._point(f"{ticker} exposure", title, float(row[name]) * unit)
        for number, row in book.markets.items():
            ticker = self._hosted.core.instruments.symbol(number)
            for what in ("forecast", "implied"):
                self._point(f"{ticker} volatility", f"{what}, {_DAYS} days, %", 100.0 * float(row[f"{what}_{_DAYS}"]))

    def _state(self) -> None:
        show, book = self._algorithm.set_runtime_statistic, self._hosted.book
        standing, (journaled, durable) = self._hosted.standing(), self._hosted.journaled
        show("Book mode", "not known" if standing is None else standing.words)
        show("Book journal", f"{durable:,} of {journaled:,} messages durable")
        for name, (title, unit) in _GREEKS.items():
            worth = math.fsum(float(row[name]) * unit for row in book.exposures.values())
            if book.exposures and math.isfinite(worth):
                show(f"Book {title}", f"{worth:z,.2f}")
        used = sorted(((_percent(*use), spelled(name)) for name, use in book.uses.items()), reverse=True)
        told = [f"{name} {percent:z.0f} %" for percent, name in used if math.isfinite(percent)]
        if told:
            show("Book limits used", ", ".join(told[:3]))

    def _point(self, chart: str, series: str, value: float) -> None:
        if math.isfinite(value):
            self._algorithm.plot(chart, series, value)


def _percent(used: float, allowed: float) -> float:
    """How much of what is allowed is used; NaN where that cannot be told."""
    return 100.0 * max(used, 0.0) / allowed if allowed > 0.0 else math.nan
