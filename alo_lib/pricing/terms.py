"""Terms as values: what one option is, what n options are, and the cash that their spot drops by."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Cash", "Option", "Options"]

Array = npt.NDArray[np.float64]


class Option(NamedTuple):
    """One option and its market but for volatility, as kernels read it; rates continuous, time in years."""

    spot: float
    strike: float
    rate: float
    dividend_yield: float
    time: float
    call: bool
    american: bool


class Options(NamedTuple):
    """n options and their markets but for volatility: contiguous arrays of shape (n,)."""

    spot: Array
    strike: Array
    rate: Array
    dividend_yield: Array
    time: Array
    right: Array  # +1 call, -1 put

    def part(self, which: slice | npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "Options":
        """Those of the options that are meant."""
        spot, strike, rate, dividend_yield, time, right = self
        return Options(spot[which], strike[which], rate[which], dividend_yield[which], time[which], right[which])


class Cash(NamedTuple):
    """Dividends ahead: schedules one after another, and which rows are an option's.

    At an ex-time spot falls to ``kept`` of itself and then by the amount, at most to nothing. In the escrowed model it
    is what the cash before expiry does not set aside that follows a geometric Brownian motion, and falls to ``kept``.
    """

    times: Array  # (k,) ex-times in years, ascending within a schedule, each once
    amounts: Array  # (k,) by which spot drops, in the spot model
    aside: Array  # (k,) paid out of what is set aside, in the escrowed model
    kept: Array  # (k,) what a proportional dividend leaves; 1 without one
    rows: npt.NDArray[np.int64]  # (n, 2) first row of each option's schedule and the one after its last; (1, 2) for all
    today: Array  # (n, 2), or (1, 2): what is kept of a spot that is still cum when it goes ex now, and the amount

    def part(self, which: slice | npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> "Cash":
        """The schedules of those of the options that are meant."""
        return self if self.rows.shape[0] == 1 else self._replace(rows=self.rows[which], today=self.today[which])

    def ahead(self) -> "Cash":
        """Without what goes ex now."""
        return self._replace(today=np.array([[1.0, 0.0]]).repeat(len(self.today), axis=0))
