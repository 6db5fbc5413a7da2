"""Forecasts and regimes as they would have been known day by day: a walk through time with models of the past alone."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.errors import CalibrationError, ObservationError, ParameterError
from alo_lib.volatility.history import DailyHistory
from alo_lib.volatility.hybrid import PARTS, HybridForecast, HybridParts, HybridState
from alo_lib.volatility.jumps import condition, judge_days
from alo_lib.volatility.jumps import refit_days as jump_refits
from alo_lib.volatility.regimes import RegimeModel, RegimeState
from alo_lib.volatility.regimes_now import RegimesNow
from alo_lib.volatility.returns import MIN_OBSERVATIONS

__all__ = ["Walk", "walk_forward"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Walk(ByContent):
    """What was said at the close of each day from ``first`` on, m days; volatilities are annualized."""

    first: int
    """Index in the history of the first day that has a forecast."""
    days: tuple[int, ...]
    """Trading days ahead, k of them."""
    volatility: Array
    """Forecasts (m, k)."""
    expected: Array
    """Mean of volatility over each, which an option at the money is priced at (m, k)."""
    low: Array
    high: Array
    """Edges of the 90 % band of close-to-close volatility (m, k)."""
    range_low: Array
    range_high: Array
    """Edges of the 90 % band of the range's volatility at ``range_scale`` (m, k)."""
    range_scale: Array
    """The factor from the range measure to squared returns, as it was known on the day (m,)."""
    regime_volatility: Array
    """Volatility of each regime by the model of the day (m, r), calmest first; NaN where there was no model."""
    probabilities: Array
    """Filtered probability of each regime (m, r); NaN where there was no model."""


def walk_forward(
    history: DailyHistory,
    *,
    days: tuple[int, ...] = (1, 5, 21, 63),
    refit_days: int = 21,
    regimes: int = 2,
    regime_refit_days: int = TRADING_DAYS,
    seed: int = 0,
    parts: HybridParts = PARTS,
) -> Walk:
    """Walk over a history, from the first day on that ends a year of returns.

    Every ``refit_days`` days the hybrid of ``parts`` is fitted to all days so far, every ``regime_refit_days`` the
    regimes, and both when a jump asks for it; in between their states follow the days. Days appended or changed later
    alter no earlier value.

    :raises ObservationError: for unusable days, or too few of them.
    :raises ParameterError: for refits that are not one day or more apart, or bad ``days``.
    :raises CalibrationError: when on the first day no part of the hybrid can be fitted; later the last fit stays.
    """
    if min(refit_days, regime_refit_days) < 1:
        raise ParameterError(f"refits must be 1 day or more apart, but are {refit_days} and {regime_refit_days}")
    if len(history) < MIN_OBSERVATIONS:
        raise ObservationError(f"returns must be {MIN_OBSERVATIONS} or more, but there are {len(history)}")
    first = MIN_OBSERVATIONS - 1
    count = len(history) - first
    said = np.empty((6, count, len(days)))
    scale = np.empty(count)
    probabilities, levels = np.full((2, count, regimes), np.nan)
    hybrid: HybridForecast | None = None
    state: HybridState | None = None
    hidden: RegimeModel | None = None
    mix: RegimeState | None = None
    jumped = jump_refits(judge_days(history.returns)[0])[first:]
    for row, observation in enumerate(history[first:].observations()):
        past = history[: first + row + 1]
        if row % refit_days == 0 or jumped[row] or hybrid is None or state is None:
            hybrid, state = _refitted(hybrid, condition(past).history, days, parts)
        else:
            state = hybrid.update(state, observation)
        if row % regime_refit_days == 0 or jumped[row]:
            level = condition(past).history
            # Regimes of an earlier level are none of this one.
            hidden = _regimes(level, regimes, seed) or (None if jumped[row] else hidden)
            mix = None if hidden is None else hidden.filter(level).state
        elif hidden is not None and mix is not None:
            mix = hidden.update(mix, observation)
        now = None
        if hidden is not None and mix is not None:
            probabilities[row], levels[row] = mix.probabilities, hidden.parameters.volatilities
            now = RegimesNow(hidden, mix)
        centre, bands = hybrid.forecast_fitted(state, regimes=now)
        shares = [math.exp(hybrid.log_share(state, float(day))) for day in days]
        said[:, row] = np.vstack([centre, centre * shares, bands["returns"], bands["range"]])
        scale[row] = hybrid.range_scale
    volatility, expected, low, high, range_low, range_high = said
    return Walk(
        first,
        tuple(days),
        volatility,
        expected,
        low,
        high,
        range_low,
        range_high,
        scale,
        levels,
        probabilities,
    )


def _refitted(
    hybrid: HybridForecast | None, past: DailyHistory, days: tuple[int, ...], parts: HybridParts
) -> tuple[HybridForecast, HybridState]:
    try:
        hybrid = HybridForecast.fit(past, horizons=days, warm_start=hybrid, parts=parts)
    except CalibrationError:
        if hybrid is None:
            raise
    return hybrid, hybrid.filter(past).state


def _regimes(past: DailyHistory, regimes: int, seed: int) -> RegimeModel | None:
    try:
        return RegimeModel.fit(past, regimes=regimes, seed=seed)
    except CalibrationError:
        return None
