"""What only the truth of a made-up market tells of a profit: the edge that was taken, costs, and luck.

Where nothing is planted, what an option or a share is worth, discounted, is a martingale: the generator's fair value is
an expectation. So what any holder gains at fair values, discounted, has the mean zero, however and whenever it was
decided what to hold, as long as nobody knew what comes (a stochastic integral of a martingale). That gain is the
**luck** of a run. What is left has the mean of the profit, and a fraction of its variance: luck is a control variate
(Glasserman 2003, section 4.1) whose coefficient is 1 and whose mean is not estimated but known.

With a fill of q contracts at the price p, the market's value M and the fair value F of that moment, the discount D from
the beginning, and what is held at the end filled at its last mark, profit is the sum over fills of

    -q p - fee = -q F D  - q (M - F)  - q (p - M) - fee  - q F (1 - D)
                 luck      edge         costs              carry

Carry is what fair values earn as time passes: an account without interest does not pay for what it holds. Profit less
carry is that of one that finances it at the rate.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.generator.market import DISCOUNT_RATE
from alo_lib.market.generator.quotes import Worth
from alo_lib.records import MINUTE, years_between
from alo_lib.views.blotter import fills, positions
from alo_lib.views.run import InstrumentRecord, Run

__all__ = ["Split", "Values", "Worths", "split_by_truth"]

Array = NDArray[np.float64]

_WITHIN: Final = MINUTE
"""Of new quotes their frames follow."""


class Split(NamedTuple):
    """The parts of a profit, money; they sum to it."""

    luck: float
    edge: float
    costs: float
    carry: float


class Values(NamedTuple):
    """What one thing is worth a share, and when that was so (ns UTC)."""

    time: int
    market: float
    fair: float


class Worths:
    """What the options of one stock are worth at the times of their quotes, session by session: a generator's watch."""

    def __init__(self) -> None:
        self._sessions: list[Worth] = []
        self._columns: list[dict[tuple[str, float, int], int]] = []
        self._ends: list[int] = []

    def __call__(self, worth: Worth) -> None:
        """Take in the next session."""
        expiry, strike, right = (worth.contracts[name] for name in ("expiry", "strike", "right"))
        keys = zip(expiry.astype(str).tolist(), strike.tolist(), right.tolist(), strict=True)
        self._sessions.append(worth)
        self._columns.append({key: column for column, key in enumerate(keys)})
        self._ends.append(int(worth.times[-1]))

    @property
    def first(self) -> int:
        """The first time, from which on is discounted."""
        return int(self._sessions[0].times[0])

    def at(self, instrument: InstrumentRecord, time: int) -> Values:
        """At a time of quotes or in a frame that follows it; between sessions, or once it has expired, the last.

        :raises ValueError: for a time within a session at which nothing was quoted.
        """
        if instrument.is_option:
            time = min(time, instrument.expiry)
        number = min(int(np.searchsorted(self._ends, time)), len(self._ends) - 1)
        if time < self._sessions[number].times[0]:
            number -= 1
        worth = self._sessions[max(number, 0)]
        row = int(np.searchsorted(worth.times, time, side="right")) - 1
        if number < 0 or (time - worth.times[row] > _WITHIN and time < worth.times[-1]):
            raise ValueError(f"nothing is quoted at {np.datetime64(time, 'ns')}, when {instrument.label} was filled")
        if not instrument.is_option:
            return Values(int(worth.times[row]), float(worth.spot[row]), float(worth.spot[row]))
        key = (instrument.expiry_date, instrument.strike, instrument.right)
        column = self._columns[number][key]
        return Values(int(worth.times[row]), float(worth.market[row, column]), float(worth.fair[row, column]))


def split_by_truth(run: Run, worths: Worths) -> Split:
    """Divide what a run without interest and dividends made. What it still holds counts at the journal's last marks."""
    end = int(run.journal.messages[-1].time)
    done = [(each.instrument, each.time, each.quantity, each.price, each.fee) for each in fills(run)]
    held = [(each.instrument, end, -each.quantity, each.mark, 0.0) for each in positions(run) if each.quantity]
    return _sum(_parts(worths, *fill) for fill in [*done, *held])


def _parts(worths: Worths, instrument: InstrumentRecord, time: int, quantity: int, price: float, fee: float) -> Split:
    """Of one fill."""
    known, market, fair = worths.at(instrument, time)
    discount = float(np.exp(-DISCOUNT_RATE * years_between(worths.first, known)))
    shares = -quantity * instrument.multiplier
    return Split(
        luck=shares * fair * discount,
        edge=shares * (market - fair),
        costs=shares * (price - market) - fee,
        carry=shares * fair * (1.0 - discount),
    )


def _sum(parts: Iterable[Split]) -> Split:
    return Split(*np.array([Split(0.0, 0.0, 0.0, 0.0), *parts]).sum(axis=0).tolist())
