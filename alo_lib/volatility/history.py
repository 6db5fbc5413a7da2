"""What models are told: one daily observation after another, or a history of them, both made from bars.

A day's range is judged by the days before it, so that a stream of bars carries a :class:`BarState`; the observations
that it makes have the same bits as those of :meth:`DailyHistory.from_bars`.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.dates import Dates, check_dates, dated, dates_of, plain_values, trading_days_until
from alo_lib.volatility.errors import ObservationError
from alo_lib.volatility.intraday import joined_measure, joined_measures
from alo_lib.volatility.ranges import MEMORY, measure_day, range_variance
from alo_lib.volatility.realized import check_bars
from alo_lib.volatility.returns import finite_returns, log_returns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BarState", "DailyHistory", "DailyObservation", "IntradayState", "observe", "observe_intraday"]

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
    """Consecutive days, oldest first: arrays of shape (n,), with the meaning of :class:`DailyObservation`'s fields.

    Dates are those of a pandas index, or as they are given; None where they are not known.
    """

    returns: Array
    measures: Array
    implied: Array
    dates: Dates | None = None
    """datetime64[D]."""

    @classmethod
    def from_returns(cls, returns: ArrayLike, *, dates: ArrayLike | None = None) -> "DailyHistory":
        """Days of which only the logarithmic ``returns`` (n,) are known: an array, a Series or a DataFrame's column.

        What is NaN before the first return, as pandas' ``diff`` and ``pct_change`` leave it, is no day; ``dates`` (n,)
        have one for it all the same.

        :raises ObservationError: for another shape, a return that is not finite, or dates that are none or descend.
        """
        values, known = plain_values(returns), _dates(dates, returns)
        before = _unknown_before(values)
        data = finite_returns(values[before:] if before else values)
        unknown = np.full(data.size, math.nan)
        if known is not None:
            known = check_dates(known, before + data.size)[before:]
        return cls(data, unknown, unknown, known)

    @classmethod
    def from_bars(
        cls,
        open_: ArrayLike,
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        *,
        implied: ArrayLike | None = None,
        intraday: ArrayLike | None = None,
        dates: ArrayLike | None = None,
    ) -> "DailyHistory":
        """The n - 1 days of n split-adjusted bars, each (n,), Series too: the first bar gives only its close.

        ``implied`` (n,) is each bar's annualized implied volatility at its close, NaN where there is none; ``intraday``
        (n,) its measure from bars within it, see :func:`~alo_lib.volatility.intraday.intraday_variance`, NaN where the
        range is to stand for it; ``dates`` (n,) are the bars'.

        :raises ObservationError: for bad bars, measures or implied volatilities, fewer than two bars, or dates that are
            none, descend, or differ between the prices.
        """
        known = _dates(dates, open_, high, low, close)
        open_, high, low, close = (plain_values(prices) for prices in (open_, high, low, close))
        implied = None if implied is None else plain_values(implied)
        measures, returns = range_variance(open_, high, low, close), log_returns(close)
        if intraday is not None:
            within = np.asarray(plain_values(intraday), dtype=np.float64)
            if within.shape != (returns.size + 1,):
                raise ObservationError(
                    f"intraday must have one value a bar, {returns.size + 1}, but the shape is {within.shape}"
                )
            measures = joined_measures(measures, within[1:])
        quoted = np.full(returns.size + 1, math.nan) if implied is None else np.asarray(implied, dtype=np.float64)
        if quoted.shape != (returns.size + 1,):
            raise ObservationError(
                f"implied must have one value a bar, {returns.size + 1}, but the shape is {quoted.shape}"
            )
        if np.any(quoted <= 0.0) or np.any(np.isinf(quoted)):
            raise ObservationError("implied must be finite and positive, or NaN where there is none")
        return cls(returns, measures, quoted[1:], None if known is None else check_dates(known, returns.size + 1)[1:])

    def __len__(self) -> int:
        return self.returns.size

    def __getitem__(self, days: slice) -> "DailyHistory":
        dates = None if self.dates is None else self.dates[days]
        return DailyHistory(self.returns[days], self.measures[days], self.implied[days], dates)

    def dated(self, values: ArrayLike, name: str | None = None) -> "pd.Series | pd.DataFrame":
        """Values of each day (n,) as a pandas Series, (n, k) as a DataFrame, indexed by the dates.

        :raises ObservationError: without dates, or for another number of values.
        """
        return dated(values, self._known_dates, name)

    def trading_days_until(self, expiry: Any, *, closed: ArrayLike | None = None) -> int:
        """Sessions from the last day to ``expiry``, see :func:`~alo_lib.volatility.dates.trading_days_until`.

        :raises ObservationError: without dates.
        :raises ParameterError: for what is no date, or an expiry without a session before it.
        """
        return trading_days_until(expiry, self._known_dates[-1], closed=closed)

    @property
    def _known_dates(self) -> Dates:
        if self.dates is None:
            raise ObservationError("the history has no dates; give a Series with a date index, or dates=")
        return self.dates

    def observations(self) -> list[DailyObservation]:
        """The days one by one."""
        return [
            DailyObservation(*day)
            for day in zip(self.returns.tolist(), self.measures.tolist(), self.implied.tolist(), strict=True)
        ]


def _unknown_before(values: Any) -> int:
    """How many values are NaN before the first that is not; 0 where all are."""
    array = np.asarray(values)
    return int(np.argmin(np.isnan(array))) if array.ndim == 1 and array.dtype.kind == "f" and array.size else 0


def _dates(dates: ArrayLike | None, *columns: Any) -> ArrayLike | None:
    """The dates that are given, else those that the columns have alike."""
    if dates is not None:
        return dates
    found = [one for one in map(dates_of, columns) if one is not None]
    if any(not np.array_equal(one, found[0]) for one in found):
        raise ObservationError("open, high, low and close must have the same dates, but their indexes differ")
    return found[0] if found else None


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


@dataclass(frozen=True, slots=True)
class IntradayState:
    """What the next day is compared with where days have measures from bars within them, up to 63, oldest first."""

    bar: BarState
    intraday: tuple[float, ...] = ()
    """NaN where unknown; as many as the bar's state has measures."""


def observe_intraday(
    state: IntradayState, open_: float, high: float, low: float, close: float, *, intraday: float = math.nan
) -> tuple[IntradayState, DailyObservation]:
    """:func:`observe` a day with its ``intraday`` measure, NaN where unknown: bits of :meth:`DailyHistory.from_bars`.

    :raises ObservationError: as :func:`observe`, and for a measure that is not finite and positive.
    """
    if not (math.isnan(intraday) or 0.0 < intraday < math.inf):
        raise ObservationError(f"intraday must be finite and positive, or NaN where unknown, but it is {intraday!r}")
    bar, day = observe(state.bar, open_, high, low, close)
    measure = joined_measure(day.measure, intraday, np.array(state.bar.measures), np.array(state.intraday))
    return IntradayState(bar, (*state.intraday, intraday)[-MEMORY:]), day._replace(measure=float(measure))
