"""Derivatives by volatility as central differences, less what such differences leave out.

The differences are wide, since values on a grid waver where exercise begins between two nodes. What their width leaves
out is nearly that of the closed form's option, a European one on what the dividends leave of the spot, of which it is
known. It counts by how much of that option's vega is there, none for one that is about to be exercised.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.batch import GREEKS, value_batch
from alo_lib.pricing.european import WITH_ALL
from alo_lib.pricing.scheme import FAST, tables
from alo_lib.pricing.terms import Options

__all__ = ["ByVolatility", "central_differences", "without_width"]

Array = npt.NDArray[np.float64]

_VEGA, _VANNA, _VOLGA = (GREEKS.index(name) for name in ("vega", "vanna", "volga"))


class ByVolatility(NamedTuple):
    """Derivatives of price by volatility, of delta by it, and the second one of price, (n,) each."""

    vega: Array
    vanna: Array
    volga: Array


def central_differences(still: Array, up: Array, down: Array, step: Array) -> ByVolatility:
    """Of prices and deltas, rows 0 and 1 of each, at the volatility and ``step`` (n,) above and below it."""
    return ByVolatility(
        (up[0] - down[0]) / (2.0 * step),
        (up[1] - down[1]) / (2.0 * step),
        (up[0] + down[0] - 2.0 * still[0]) / step**2,
    )


def without_width(found: ByVolatility, left: Options, share: Array, volatility: Array, step: Array) -> ByVolatility:
    """Differences less what their width leaves out.

    left: n options on what dividends leave of their spots; share: of the spot that is there, (n,).
    """
    count = volatility.size
    every = Options(*(np.tile(column, 3) for column in left))
    values = np.empty((len(GREEKS), 3 * count))
    moved = np.concatenate([volatility, volatility + step, volatility - step])
    value_batch(every, moved, 0, WITH_ALL, tables(FAST), values)
    still, up, down = np.split(values, 3, axis=1)
    wide = central_differences(still, up, down, step)
    there = np.where(wide.vega > 0.0, np.minimum(np.maximum(found.vega / wide.vega, 0.0), 1.0), 0.0)
    return ByVolatility(
        found.vega - there * (wide.vega - still[_VEGA]),
        found.vanna - there * share * (wide.vanna - still[_VANNA]),
        found.volga - there * (wide.volga - still[_VOLGA]),
    )
