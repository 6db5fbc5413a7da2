"""What models are told: one daily observation after another, or a history of them, both made from bars.

A day's range is judged by the days before it, so that a stream of bars carries a :class:`BarState`; the observations
that it makes have the same bits as those of :meth:`DailyHistory.from_bars`.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.errors import ObservationError
from alo_lib.volatility.ranges import MEMORY, measure_day, range_variance
from alo_lib.volatility.realized import check_bars
from alo_lib.volatility.returns import finite_returns, log_returns

__all__ = ["BarState", "DailyHistory", "DailyObservation", "observe"]

Array = NDArray[np.float64]


class DailyObservation(NamedTuple):
    """One day at its close; a model reads what it needs and refuses a day that lacks it."""

    return_: float
    """Logarithmic, in decimals, since the close before."""
    measure: float = math.nan
    """Variance measure of the day's range, see :func:`~alo_lib.volatility.ranges.range_variance`; NaN where unknown."""
    implied: float = math.nan
    """Annualized implied volatility; NaN where there is none."""


@dataclass(frozen=True, eq=False)
class DailyHistory(ByContent):
    """Consecutive days, oldest first: arrays of shape (n,), with the meaning of :class:`DailyObservation`'s fields."""

    returns: Array
    measures: Array
    implied: Array

    @classmethod
    def from_returns(cls, returns: ArrayLike) -> "DailyHistory":
        """Days of which only the logarithmic ``returns`` (n,) are known.

        :raises ObservationError: for another shape, or a return that is not finite.
        """
        data = finite_returns(returns)
        unknown = np.full(data.size, math.nan)
        return cls(data, unknown, unknown)

    @classmethod
    def from_bars(
        cls, open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, *, implied: ArrayLike | None = None
    ) -> "DailyHistory":
        """The n - 1 days of n split-adjusted bars, each (n,): the first bar gives only its close.

        ``implied`` (n,) is each bar's annualized implied volatility at its close, NaN where there is none.

        :raises ObservationError: for bad bars or implied volatilities, or fewer than two bars.
        """
        measures, returns = range_variance(open_, high, low, close), log_returns(close)
        quoted = np.full(returns.size + 1, math.nan) if implied is None else np.asarray(implied, dtype=np.float64)
        if quoted.shape != (returns.size + 1,):
            raise ObservationError(
                f"implied must have one value a bar, {returns.size + 1}, but the shape is {quoted.shape}"
            )
        if np.any(quoted <= 0.0) or np.any(np.isinf(quoted)):
            raise ObservationError("implied must be finite and positive, or NaN where there is none")
        return cls(returns, measures, quoted[1:])

    def __len__(self) -> int:
        return self.returns.size

    def __getitem__(self, days: slice) -> "DailyHistory":
        return DailyHistory(self.returns[days], self.measures[days], self.implied[days])

    def observations(self) -> list[DailyObservation]:
        """The days one by one."""
        return [
            DailyObservation(*day)
            for day in zip(self.returns.tolist(), self.measures.tolist(), self.implied.tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class BarState:
    """What the next bar is compared with: the last close, and up to 63 measures, oldest first."""

    close: float
    measures: tuple[float, ...] = ()

    @classmethod
    def after(cls, history: DailyHistory, close: float) -> "BarState":
        """The state after the bars of a ``history``, the last of which closed at ``close``."""
        return cls(float(close), tuple(history.measures[-MEMORY:].tolist()))


def observe(
    state: BarState, open_: float, high: float, low: float, close: float, *, implied: float = math.nan
) -> tuple[BarState, DailyObservation]:
    """One more split-adjusted bar, and what models are told of it, at a cost that does not grow.

    :raises ObservationError: for a bad bar, or an implied volatility that is not finite and positive.
    """
    o, h, lo, c = (float(a[0]) for a in check_bars(open=[open_], high=[high], low=[low], close=[close]))
    if not (math.isnan(implied) or 0.0 < implied < math.inf):
        raise ObservationError(
            f"implied must be finite and positive, or NaN where there is none, but it is {implied!r}"
        )
    measure = float(measure_day(np.array(state.measures), state.close, o, h, lo, c))
    return_ = float(log_returns([state.close, c])[0])
    return BarState(c, (*state.measures, measure)[-MEMORY:]), DailyObservation(return_, measure, implied)
