"""Calibrations: the models of one underlying, fitted to its daily bars.

A calibration is a function of what it was asked with, so that it can be made anywhere and at any time.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import Linked
from alo_lib.settings import Settings
from alo_lib.strategy.daily_bars import DailyBar, filled_bars, without_range
from alo_lib.volatility import (
    BarState,
    CalibrationError,
    ChangeDetector,
    DailyHistory,
    GjrGarch,
    GjrState,
    HybridForecast,
    HybridState,
    ObservationError,
    RegimeModel,
    RegimeState,
    VolatilityError,
    log_returns,
)
from alo_lib.volatility.jumps import condition
from alo_lib.volatility.ranges import FLOOR

__all__ = ["Calibrated", "CalibrationRequest", "Due", "calibrate"]

_MOST_WITHOUT_RANGE: Final = 0.05
"""Share of a history's days that may be known by their close alone before the range is no measure of it."""

_DETECTOR_YEARS: Final = 500
_FALSE_ALARMS_A_YEAR: Final = 0.5


class Due(StrEnum):
    """Why a calibration is due."""

    FIRST = "there is no model"
    SCHEDULE = "the schedule"
    CHANGE = "a change of regime"
    JUMP = "a jump"
    OPERATOR = "a person"


@dataclass(frozen=True)
class CalibrationRequest:
    """All that a calibration depends on."""

    bars: tuple[DailyBar, ...]
    held_event: tuple[bool, ...]
    """Of each bar, whether a dated event moved the price from the bar before."""
    settings: Annotated[Settings, Linked("settings")]
    earlier: "Calibrated | None"
    """What to start from; it changes the way to the result, and the result by less than the search's tolerance."""
    why: Due


@dataclass(frozen=True)
class Calibrated:
    """Models fitted to a history, and their states at its end, so that little is left to do when they are installed."""

    garch: GjrGarch
    garch_state: GjrState
    hybrid: HybridForecast | None
    hybrid_state: HybridState | None
    bar_state: BarState | None
    """What the hybrid's next bar is compared with; None without the hybrid."""
    last: DailyBar
    """The history's last bar."""
    detector: ChangeDetector
    note: str
    """Why there is no hybrid, or what it lacks; empty when it is whole."""
    garch_note: str
    """How GJR-GARCH had to be fitted; empty when freely, to every day."""
    alone: HybridForecast | None
    """GJR-GARCH as the only part of a hybrid, which knows its past errors; None beside the hybrid."""
    regimes: RegimeModel | None
    regime_state: RegimeState | None
    regime_note: str
    """Why there are no regimes; empty when there are."""


def calibrate(request: CalibrationRequest) -> Calibrated:
    """Fit the models of a request; the same request gives the same bits.

    The hybrid needs ``hybrid_minimum`` returns and the range of nearly every day; without it GJR-GARCH stands in, and
    the note says why. Regimes are fitted for people to see: no forecast rests on them. All are fitted to the history's
    last level, with the days of dated events as usual days, see :mod:`~alo_lib.volatility.jumps`.

    :raises VolatilityError: when GJR-GARCH cannot be fitted.
    """
    settings, earlier = request.settings, request.earlier
    bars = np.array(request.bars, dtype=np.float64).reshape(-1, 4)
    held_event = np.array(request.held_event[1:], dtype=np.bool_)
    returns = condition(DailyHistory.from_returns(log_returns(bars[:, 3])), held_event).history
    garch = GjrGarch.fit(
        returns, warm_start=None if earlier is None else earlier.garch, min_observations=settings.garch_minimum
    )
    # Nearby densities share one test: its threshold moves little, and designing it takes longer than the fit.
    p = garch.parameters
    detector = _detector(round(1.0 / p.nu, 2), round(p.skew, 1))
    hybrid, hybrid_state, bar_state, alone, note = None, None, None, None, _unfit_for_hybrid(bars, settings)
    if not note:
        history = condition(DailyHistory.from_bars(*filled_bars(bars).T), held_event).history
        try:
            hybrid = HybridForecast.fit(history, warm_start=None if earlier is None else earlier.hybrid)
        except (CalibrationError, ObservationError) as error:
            note = str(error)
        else:
            note = "; ".join(hybrid.notes)
            hybrid_state, bar_state = hybrid.filter(history).state, BarState.after(history, bars[-1, 3])
    if hybrid is None:
        try:
            alone = _judged_garch(bars, held_event, settings)
        except VolatilityError as error:
            note += f"; without a band, {error}"
    # What a model says of the variance to come is tabulated at the first question: here, and not in a frame.
    garch_state = garch.filter(returns).state
    if hybrid is not None and hybrid_state is not None:
        hybrid.band_ratios(hybrid_state, 1.0)
    else:
        garch.log_share(garch_state, 1.0)
        if alone is not None:
            alone.band_ratios(HybridState((garch_state,)), 1.0)
    regimes, regime_state, regime_note = None, None, ""
    try:
        regimes = RegimeModel.fit(returns, min_observations=settings.garch_minimum)
    except CalibrationError as error:
        regime_note = str(error)
    else:
        regime_state = regimes.filter(returns).state
    return Calibrated(
        garch,
        garch_state,
        hybrid,
        hybrid_state,
        bar_state,
        request.bars[-1],
        detector,
        note,
        "" if garch.calibration is None else garch.calibration.note,
        alone,
        regimes,
        regime_state,
        regime_note,
    )


def _unfit_for_hybrid(bars: NDArray[np.float64], settings: Settings) -> str:
    returns = len(bars) - 1
    if returns < settings.hybrid_minimum:
        return f"{returns} returns are known, the hybrid needs {settings.hybrid_minimum}"
    without = without_range(bars)
    if without > _MOST_WITHOUT_RANGE * len(bars):
        return f"{without} of {len(bars)} days have no range, which the hybrid needs"
    return ""


def _judged_garch(bars: NDArray[np.float64], held_event: NDArray[np.bool_], settings: Settings) -> HybridForecast:
    """GJR-GARCH as the only part of a hybrid, to know how far from its forecasts volatility went in bars (n, 4).

    ``held_event`` (n - 1,) marks the returns that dated events moved. Volatility is that of the range where nearly
    every day has one, as it is for the hybrid, else of squared returns.

    :raises VolatilityError: for bars that do not tell.
    """
    if without_range(bars) > _MOST_WITHOUT_RANGE * len(bars):
        returns = log_returns(bars[:, 3])
        history = DailyHistory(returns, np.maximum(np.square(returns), FLOOR), np.full(returns.size, np.nan))
    else:
        history = DailyHistory.from_bars(*filled_bars(bars).T)
    history = condition(history, held_event).history
    return HybridForecast.fit(history, parts={GjrGarch.name: {}}, min_observations=settings.garch_minimum)


@lru_cache(maxsize=256)
def _detector(inverse_nu: float, skew: float) -> ChangeDetector:
    nu = 1.0 / inverse_nu if inverse_nu > 0.0 else float(np.inf)
    return ChangeDetector.for_density(
        nu, skew if np.isfinite(nu) else 0.0, false_alarms_per_year=_FALSE_ALARMS_A_YEAR, years=_DETECTOR_YEARS
    )
