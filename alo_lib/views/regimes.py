"""The regimes of an underlying's daily returns over a run, as they were known on each day."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import Kind
from alo_lib.views.run import InstrumentRecord, Run, once_a_run

__all__ = ["RegimeView", "regimes_over_time"]

Floats = NDArray[np.float64]


class RegimeView(NamedTuple):
    """What was told at each of m moments of k regimes, the calmest first; NaN where fewer were fitted than k.

    ``volatility`` (m, k) is annualized; ``probability`` (m, k) is given the closes until then. It holds until the next.
    """

    time: NDArray[np.int64]
    volatility: Floats
    probability: Floats

    @property
    def likeliest(self) -> NDArray[np.intp]:
        """The likeliest regime at each moment, (m,)."""
        likeliest: NDArray[np.intp] = np.argmax(np.nan_to_num(self.probability, nan=-1.0), axis=1)
        return likeliest


@once_a_run
def regimes_over_time(run: Run, underlying: InstrumentRecord) -> RegimeView:
    """The regimes that were told with an underlying's forecasts."""
    told = run.table(Kind.REGIME)
    time, rows = told.where(told.records["underlying"] == underlying.number)
    moments, place = np.unique(time, return_inverse=True)
    count = int(rows["regime"].max()) + 1 if len(rows) else 0
    volatility, probability = (np.full((len(moments), count), np.nan) for _ in range(2))
    volatility[place, rows["regime"]] = rows["volatility"]
    probability[place, rows["regime"]] = rows["probability"]
    return RegimeView(moments, volatility, probability)
