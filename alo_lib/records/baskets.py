"""Trades that are opened as one: how records tell of them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["DISPERSION", "basket_numbers", "of_baskets"]

DISPERSION: Final = "dispersion"
"""The structure of SIGNAL and ENTRY records of a basket's trades, each a straddle of one underlying, the index first.

A message has the SIGNAL, or the ENTRY, records of one basket at most.
"""


def of_baskets(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which SIGNAL or ENTRY records (n,) are of a basket."""
    return np.asarray(rows["structure"] == DISPERSION.encode(), np.bool_)


def basket_numbers(times: NDArray[np.int64], entries: NDArray[np.void]) -> NDArray[np.int64]:
    """Numbers of the baskets, from 1 as they are opened, that ENTRY records (n,) of some ``times`` (n,) are of; else 0.

    The times are ascending, and those of messages.
    """
    numbers, mine = np.zeros(len(entries), np.int64), of_baskets(entries)
    numbers[mine] = np.unique(times[mine], return_inverse=True)[1] + 1
    return numbers
