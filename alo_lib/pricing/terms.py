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
        return Options(*(column[which] for column in self))


class Cash(NamedTuple):
    """Cash dividends ahead."""

    times: Array  # (k,) ex-times in years, ascending
    amounts: Array  # (k,) by which spot drops
