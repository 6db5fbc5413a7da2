"""What a made-up stock pays: ex-dates, and what is still to come of them at a time.

Of the dividends that are known the stock holds the present value, and only the rest of its price moves (Musiela and
Rutkowski's escrowed model): so an option is worth exactly what it is on the rest. Dividends go ex at the open.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.calendar import MarketHours
from alo_lib.pricing import Dividends
from alo_lib.records import years_between

__all__ = ["PaidOut"]

Array = NDArray[np.float64]


class PaidOut:
    """The dividends of one stock, ``amount`` each, in shares as they were before any split."""

    def __init__(self, days: Sequence[date], amount: float, rate: float, hours: MarketHours) -> None:
        self.days = frozenset(days)
        self.amount = amount
        self._rate = rate
        self._times = np.array([hours.session(day).open for day in days], dtype=np.int64)

    def present(self, times: NDArray[np.int64], after: NDArray[np.int64]) -> Array:
        """The value at ``times`` (n,) of what goes ex later than that, and than ``after`` (m,): (n, m)."""
        value = np.zeros((len(times), len(after)))
        for ex in self._times.tolist():
            wait = years_between(times, ex)[:, None]
            value += np.where((wait > 0.0) & (ex > after), self.amount * np.exp(-self._rate * wait), 0.0)
        return value

    def before(self, time: int, expiries: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which ``expiries`` (m,) come after a dividend that goes ex later than ``time``."""
        ahead = self._times[self._times > time]
        return np.asarray(expiries >= (ahead[0] if len(ahead) else np.iinfo(np.int64).max))

    def schedules(self, times: NDArray[np.int64], unit: float) -> NDArray[np.object_]:
        """What is paid after each of ``times`` (n,), in shares of which ``unit`` were one, for pricing: (n, 1)."""
        told = np.empty((len(times), 1), dtype=object)
        for row, time in enumerate(times.tolist()):
            ahead = self._times[self._times > time]
            amounts = np.full(len(ahead), self.amount / unit)
            told[row, 0] = Dividends(years_between(time, ahead), amounts, model="escrowed")
        return told
