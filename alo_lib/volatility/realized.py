"""Realized volatility from daily bars and from intraday prices.

Bar estimators take arrays of shape (..., n), n consecutive bars along the last axis, and return annualized volatility
of shape (...). A rolling window is a view: :func:`rolling` applies one to the last ``window`` bars at every bar.
Parkinson, Garman-Klass and Rogers-Satchell see the session only; close-to-close and Yang-Zhang include the night.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.elementwise import log
from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.errors import ObservationError, ParameterError
from alo_lib.volatility.returns import check_prices, log_returns

__all__ = [
    "check_bars",
    "close_to_close",
    "garman_klass",
    "parkinson",
    "realized_variance",
    "realized_volatility",
    "rogers_satchell",
    "rolling",
    "yang_zhang",
]

Array = NDArray[np.float64]

_ALPHA = 1.34
"""Yang and Zhang's constant: (1 + 1/n) times the worst ratio of fourth moment to squared variance of the open-to-close
range; the value that their paper recommends."""


def close_to_close(closes: ArrayLike, *, centred: bool = True) -> Array:
    """Annualized standard deviation of log returns between the n closes.

    ``centred`` subtracts the sample mean and divides by one observation less; otherwise the mean is taken as zero.

    :raises ObservationError: for bad prices, or fewer than three closes (two when not centred).
    """
    returns = log_returns(closes)
    if centred and returns.shape[-1] < 2:
        raise ObservationError(
            f"closes must hold at least 3 prices for a centred estimate, but there are {np.shape(closes)[-1]}"
        )
    variance = np.var(returns, axis=-1, ddof=1) if centred else np.mean(np.square(returns), axis=-1)
    return _annualized(variance)


def parkinson(high: ArrayLike, low: ArrayLike) -> Array:
    """Annualized volatility from the session's range (Parkinson 1980): mean of ln(H/L)^2 / (4 ln 2).

    :raises ObservationError: for bad prices, or a low above its high.
    """
    h, lo = check_bars(high=high, low=low)
    return _annualized(np.mean(np.square(log(h / lo)), axis=-1) / (4.0 * math.log(2.0)))


def garman_klass(open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike) -> Array:
    """Annualized volatility (Garman and Klass 1980, practical form): mean of ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2.

    :raises ObservationError: for bad prices, or a bar whose open or close lies outside its range.
    """
    o, h, lo, c = check_bars(open=open_, high=high, low=low, close=close)
    daily = 0.5 * np.square(log(h / lo)) - (2.0 * math.log(2.0) - 1.0) * np.square(log(c / o))
    return _annualized(np.mean(daily, axis=-1))


def rogers_satchell(open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike) -> Array:
    """Annualized volatility free of drift (Rogers and Satchell 1991): mean of ln(H/C) ln(H/O) + ln(L/C) ln(L/O).

    :raises ObservationError: for bad prices, or a bar whose open or close lies outside its range.
    """
    return _annualized(
        np.mean(_rogers_satchell_daily(*check_bars(open=open_, high=high, low=low, close=close)), axis=-1)
    )


def yang_zhang(open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike) -> Array:
    """Annualized volatility of night and session, free of drift (Yang and Zhang 2000, equation 7).

    The first bar gives only its close, so n bars make n - 1 observations.

    :raises ObservationError: for bad prices, a bar whose open or close lies outside its range, or fewer than three.
    """
    o, h, lo, c = check_bars(open=open_, high=high, low=low, close=close)
    observations = c.shape[-1] - 1
    if observations < 2:
        raise ObservationError(f"yang_zhang needs at least 3 bars, but there are {c.shape[-1]}")
    night = np.var(log(o[..., 1:] / c[..., :-1]), axis=-1, ddof=1)
    o, h, lo, c = o[..., 1:], h[..., 1:], lo[..., 1:], c[..., 1:]
    session = np.var(log(c / o), axis=-1, ddof=1)
    k = (_ALPHA - 1.0) / (_ALPHA + (observations + 1.0) / (observations - 1.0))
    return _annualized(night + k * session + (1.0 - k) * np.mean(_rogers_satchell_daily(o, h, lo, c), axis=-1))


def realized_variance(prices: ArrayLike, *, step: int = 1, previous_close: ArrayLike | None = None) -> Array:
    """Variance of one day from its intraday prices on an even grid, shape (..., m) to (...): a plain daily variance.

    ``step`` > 1 subsamples: squared returns over ``step`` intervals are averaged over all offsets of the grid and
    scaled from the intervals that they cover to the whole session (Zhang, Mykland and Ait-Sahalia 2005).
    ``previous_close`` (...) adds the squared overnight return.

    :raises ObservationError: for bad prices, or not more prices than ``step``.
    :raises ParameterError: for a step below one.
    """
    if step < 1:
        raise ParameterError(f"step must be at least 1 interval, but it is {step}")
    p = check_prices("prices", prices)
    intervals = (p.shape[-1] if p.ndim else 0) - 1
    if intervals < step:
        raise ObservationError(f"prices must hold more than step = {step} values, but the shape is {p.shape}")
    x = log(p)
    overlapping = np.square(x[..., step:] - x[..., :-step])
    # Overlapping windows: each interval counts up to ``step`` times, less at the two ends of the session.
    variance = np.sum(overlapping, axis=-1) * (intervals / (step * (intervals - step + 1.0)))
    if previous_close is not None:
        variance = variance + np.square(x[..., 0] - log(check_prices("previous_close", previous_close)))
    return np.asarray(variance, dtype=np.float64)


def realized_volatility(prices: ArrayLike, *, step: int = 1, previous_close: ArrayLike | None = None) -> Array:
    """Annualized volatility of one day, from :func:`realized_variance` with the same arguments and errors."""
    return _annualized(realized_variance(prices, step=step, previous_close=previous_close))


def rolling(estimator: Callable[..., Array], window: int, *bars: ArrayLike) -> Array:
    """Apply a bar ``estimator`` to the ``window`` bars that end at each bar: shape (n,) to (n - window + 1,).

    The first value belongs to bar ``window - 1``; none looks ahead.

    :raises ObservationError: for fewer bars than ``window``, and what the estimator raises.
    :raises ParameterError: for a window below one.
    """
    if window < 1:
        raise ParameterError(f"window must be at least 1 bar, but it is {window}")
    arrays = [np.asarray(b, dtype=np.float64) for b in bars]
    for array in arrays:
        if array.ndim != 1 or array.shape[0] < window:
            raise ObservationError(
                f"rolling needs one-dimensional bars, {window} or more, but the shape is {array.shape}"
            )
    return estimator(*(sliding_window_view(array, window) for array in arrays))


def _annualized(variance: ArrayLike) -> Array:
    return np.asarray(np.sqrt(TRADING_DAYS * np.asarray(variance)), dtype=np.float64)


def _rogers_satchell_daily(o: Array, h: Array, lo: Array, c: Array) -> Array:
    result: Array = log(h / c) * log(h / o) + log(lo / c) * log(lo / o)
    return result


def check_bars(**prices: ArrayLike) -> tuple[Array, ...]:
    """Checked arrays of one shape in which no open or close leaves its bar's range."""
    arrays = {name: check_prices(name, value) for name, value in prices.items()}
    shapes = sorted({array.shape for array in arrays.values()})
    if len(shapes) > 1 or not shapes[0] or shapes[0][-1] < 1:
        raise ObservationError(f"bars must have one shape with at least one bar, but the shapes are {shapes}")
    high, low = arrays["high"], arrays["low"]
    for name, array in arrays.items():
        outside = (array > high) | (array < low)
        if outside.any():
            where = tuple(int(i) for i in np.argwhere(outside)[0])
            raise ObservationError(
                f"{name} must lie between low and high, but at {where} it is {array[where]!r} "
                f"with low {low[where]!r} and high {high[where]!r}"
            )
    return tuple(arrays.values())
