"""Forecasts and regimes as they would have been known day by day: a walk through time with models of the past alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.volatility.errors import CalibrationError, DataError, ParameterError
from alo_lib.volatility.hybrid import HybridForecast, HybridState
from alo_lib.volatility.regimes import RegimeModel, RegimeState
from alo_lib.volatility.returns import MIN_OBSERVATIONS, log_returns

__all__ = ["Walk", "walk_forward"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Walk:
    """What was said at the close of each bar from ``first`` on, m bars; volatilities are annualized."""

    first: int
    """Index of the first bar that has a forecast."""
    days: tuple[int, ...]
    """Trading days ahead, k of them."""
    volatility: Array
    """Forecasts (m, k)."""
    low: Array
    high: Array
    """Edges of their 90 % bands (m, k)."""
    regime_volatility: Array
    """Volatility of each regime by the model of the day (m, r), calmest first; NaN where there was no model."""
    probabilities: Array
    """Filtered probability of each regime (m, r); NaN where there was no model."""


def walk_forward(
    open_: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    *,
    days: tuple[int, ...] = (1, 5, 21, 63),
    refit_days: int = 21,
    regimes: int = 2,
    regime_refit_days: int = 252,
    seed: int = 0,
) -> Walk:
    """Walk over n split-adjusted daily bars, each (n,), from the first on that has a year of returns before it.

    Every ``refit_days`` bars the hybrid is fitted to all bars so far, every ``regime_refit_days`` the regimes; in
    between their states follow the bars. Bars appended or changed later alter no earlier value.

    :raises DataError: for bad bars, or too few of them.
    :raises ParameterError: for refits that are not one day or more apart, or bad ``days``.
    :raises CalibrationError: when at the first bar no part of the hybrid can be fitted; later the last fit stays.
    """
    if min(refit_days, regime_refit_days) < 1:
        raise ParameterError(f"refits must be 1 day or more apart, but are {refit_days} and {regime_refit_days}")
    bars = np.stack([np.asarray(prices, dtype=np.float64) for prices in (open_, high, low, close)])
    returns = log_returns(bars[3])
    count = bars.shape[1]
    if returns.size < MIN_OBSERVATIONS:
        raise DataError(f"bars must be {MIN_OBSERVATIONS + 1} or more, but there are {count}")
    first = MIN_OBSERVATIONS
    said = np.empty((3, count - first, len(days)))
    probabilities, levels = np.full((2, count - first, regimes), np.nan)
    hybrid: HybridForecast | None = None
    state: HybridState | None = None
    hidden: RegimeModel | None = None
    mix: RegimeState | None = None
    for row, last in enumerate(range(first, count)):
        if row % refit_days == 0 or hybrid is None or state is None:
            hybrid, state = _refitted(hybrid, bars[:, : last + 1], days)
        else:
            state = hybrid.update(state, *bars[:, last].tolist())
        said[:, row] = hybrid.forecast_fitted(state)
        if row % regime_refit_days == 0:
            hidden = _regimes(returns[:last], regimes, seed) or hidden
            mix = None if hidden is None else hidden.filter(returns[:last])
        elif hidden is not None and mix is not None:
            mix = hidden.update(mix, float(returns[last - 1]))
        if hidden is not None and mix is not None:
            probabilities[row], levels[row] = mix.probabilities, hidden.parameters.volatilities
    return Walk(first, tuple(days), said[0], said[1], said[2], levels, probabilities)


def _refitted(hybrid: HybridForecast | None, bars: Array, days: tuple[int, ...]) -> tuple[HybridForecast, HybridState]:
    try:
        hybrid = HybridForecast.fit(*bars, horizons=days, warm_start=hybrid)
    except CalibrationError:
        if hybrid is None:
            raise
    return hybrid, hybrid.filter(*bars)


def _regimes(returns: Array, regimes: int, seed: int) -> RegimeModel | None:
    try:
        return RegimeModel.fit(returns, regimes=regimes, seed=seed)
    except CalibrationError:
        return None
