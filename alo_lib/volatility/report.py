"""All that the room knows of one underlying, from its daily bars: what ``alo volatility`` shows.

Parameters are fitted to all the bars given. With them every series is filtered: the value of a day rests on that day
and the days before it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.errors import CalibrationError
from alo_lib.volatility.garch import GjrGarch, GjrState
from alo_lib.volatility.har import HarModel
from alo_lib.volatility.history import DailyHistory
from alo_lib.volatility.hybrid import HybridForecast, HybridState
from alo_lib.volatility.innovations import Distribution
from alo_lib.volatility.jumps import condition
from alo_lib.volatility.ranges import far_ranges
from alo_lib.volatility.realized import rolling, yang_zhang
from alo_lib.volatility.regimes import RegimeModel
from alo_lib.volatility.regimes_now import RegimesNow
from alo_lib.volatility.summary import FitSummary
from alo_lib.volatility.variance_distribution import PROXIES

__all__ = ["CONE_DAYS", "REALIZED_DAYS", "ConePoint", "VolatilityReport", "report_volatility"]

Array = NDArray[np.float64]

REALIZED_DAYS: Final = 21
"""Bars of the realized volatility that is shown beside the conditional one: a month."""

CONE_DAYS: Final = (1, 2, 3, 5, 10, 15, 21, 31, 42, 63, 84, 126, 189, 252)
"""Trading days ahead of the cone's points."""

CONE_LEVEL: Final = 0.9


@dataclass(frozen=True)
class ConePoint:
    """Annualized volatility expected over the next ``days`` trading days.

    Close-to-close volatility falls between ``low`` and ``high`` with probability 0.9; ``usual`` is its median over the
    past windows of as many days, None where there are fewer than two of them end to end. The range's volatility, at the
    level of squared returns, falls between ``range_low`` and ``range_high``. ``expected`` is the mean of volatility,
    which an option at the money is priced at, ``volatility`` the root of mean variance.
    """

    days: int
    volatility: float
    expected: float
    low: float
    high: float
    range_low: float
    range_high: float
    usual: float | None


@dataclass(frozen=True, eq=False)
class VolatilityReport(ByContent):
    """Models of n bars and what they say; series have one value a return, shape (n - 1,)."""

    garch: GjrGarch
    summary: FitSummary
    """Parameters with their errors, criteria, and tests of the residuals."""
    garch_state: GjrState
    """After the last day."""
    conditional: Array
    """Conditional volatility of each day given the days before it, annualized."""
    realized: Array
    """Yang-Zhang volatility of the :data:`REALIZED_DAYS` bars that end on each day, annualized; NaN before."""
    changes: NDArray[np.int8]
    """+1 where the scale of the residuals was found wider than the model's, -1 narrower, 0 elsewhere."""
    far: Array
    """How far a day's high or low lies beyond what the forecast takes of it, in logarithms; ``realized`` takes all."""
    regimes: RegimeModel | None
    probabilities: Array
    """Filtered probability of each regime, (n - 1, k), calmest first; k = 0 without regimes."""
    hybrid: HybridForecast
    state: HybridState
    cone: tuple[ConePoint, ...]
    notes: tuple[str, ...]
    """What could not be fitted and why, and what stands in; empty when all is as asked."""

    @property
    def next_day_volatility(self) -> float:
        """What GJR-GARCH alone expects of the day after the last, annualized."""
        return self.garch_state.volatility


def report_volatility(
    open_: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    *,
    regimes: int = 2,
    distribution: Distribution = "skewt",
    seed: int = 0,
    dates: ArrayLike | None = None,
) -> VolatilityReport:
    """Fit every model to n split-adjusted daily bars, each (n,), of ``dates`` (n,); the same bars give the same bits.

    Regimes, standard errors and parts of the hybrid that cannot be had are left out and noted. Models are fitted to the
    last level, see :mod:`~alo_lib.volatility.jumps`, and each day is shown at its own.

    :raises ObservationError: for bad bars, or returns that no model may be calibrated on.
    :raises ParameterError: for fewer than two regimes.
    :raises CalibrationError: when GJR-GARCH does not converge.
    """
    bars = tuple(np.asarray(prices, dtype=np.float64) for prices in (open_, high, low, close))
    conditioned = condition(DailyHistory.from_bars(*bars, dates=dates))
    history = conditioned.history
    notes = [f"return {jump.day} of {len(history)}: {jump}" for jump in conditioned.jumps]
    garch = GjrGarch.fit(history, distribution=distribution)
    if garch.calibration is not None and garch.calibration.note:
        held = ", its long-run variance held at the sample's" if garch.calibration.variance_targeted else ""
        notes.append(f"GJR-GARCH{held}: {garch.calibration.note}")
    summary = garch.summary(history)
    if summary.note:
        notes.append(summary.note)
    hidden: RegimeModel | None = None
    probabilities, now = np.empty((len(history), 0)), None
    try:
        hidden = RegimeModel.fit(history, regimes=regimes, seed=seed)
        seen = hidden.filter(history)
        probabilities, now = seen.probabilities, RegimesNow(hidden, seen.state)
    except CalibrationError as error:
        notes.append(f"without regimes: {error}")
    path = garch.filter(history)
    hybrid = HybridForecast.fit(history, parts={GjrGarch.name: {"distribution": distribution}, HarModel.name: {}})
    notes += hybrid.notes
    state = hybrid.filter(history).state
    realized = np.full(len(history), np.nan)
    realized[REALIZED_DAYS - 1 :] = rolling(yang_zhang, REALIZED_DAYS + 1, *bars)
    return VolatilityReport(
        garch=garch,
        summary=summary,
        garch_state=path.state,
        conditional=np.sqrt(TRADING_DAYS * path.conditional_variance) / conditioned.factors,
        realized=realized,
        changes=garch.detect_regime_change(history, seed=seed),
        far=far_ranges(*bars),
        regimes=hidden,
        probabilities=probabilities,
        hybrid=hybrid,
        state=state,
        cone=tuple(_cone_point(hybrid, state, now, history.returns, days) for days in CONE_DAYS),
        notes=tuple(dict.fromkeys(notes)),
    )


def _cone_point(
    hybrid: HybridForecast, state: HybridState, regimes: RegimesNow | None, returns: Array, days: int
) -> ConePoint:
    close, range_ = (
        hybrid.forecast_band(state, float(days), CONE_LEVEL, proxy=proxy, regimes=regimes) for proxy in PROXIES
    )
    usual: float | None = None
    if returns.size >= 2 * days:
        totals = np.lib.stride_tricks.sliding_window_view(np.square(returns), days).mean(axis=-1)
        usual = float(np.sqrt(TRADING_DAYS * np.median(totals)))
    volatility, expected = (
        hybrid.forecast_volatility(state, float(days)),
        hybrid.expected_volatility(state, float(days)),
    )
    return ConePoint(days, volatility, expected, *close, *range_, usual)
