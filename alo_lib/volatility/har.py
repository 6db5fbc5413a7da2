"""The heterogeneous autoregression of log variance with leverage: memory over a day, a week and a month.

ln mean(x_{t+1} ... x_{t+h}) = c + b1 l_t + b5 mean5(l) + b22 mean22(l) + g1 d_t + g5 mean5(d) + g22 mean22(d) + e

with l = ln x of the range measure and d the losses min(r, 0) in units of the month's deviation (Corsi 2009; leverage as
in Corsi and Reno 2012). Means of logarithms, not logarithms of means, keep one wild day from ruling a month. Least
squares, one regression a horizon; the variance forecast adds half the residual variance and the ratio of squared
returns to x.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.elementwise import exp, log
from alo_lib.numerics.linear import least_squares
from alo_lib.volatility.errors import CalibrationError, DataError, ParameterError
from alo_lib.volatility.returns import MIN_OBSERVATIONS, finite_returns

__all__ = ["LAGS", "HarModel", "dot_rows", "future_means", "har_features"]

Array = NDArray[np.float64]

LAGS = (1, 5, 22)
"""Days that a predictor averages over."""

_FEATURES = 1 + 2 * len(LAGS)

_COLLINEAR = 1e-10
"""Share of a predictor's length that those before it must leave unexplained."""


def har_features(measures: ArrayLike, returns: ArrayLike) -> Array:
    """Predictors of each day from the 22nd on, shape (n,) and (n,) to (n - 21, 7); a row knows nothing after its day.

    :raises DataError: for lengths that differ or are below 22, values that are not finite, or measures not positive.
    """
    x, r = finite_returns(measures), finite_returns(returns)
    if x.size != r.size or x.size < LAGS[-1]:
        raise DataError(f"measures and returns must be {LAGS[-1]} or more and as many, but are {x.size} and {r.size}")
    if not np.all(x > 0.0):
        raise DataError(f"measures must be positive, but the least is {float(np.min(x))!r}")
    log_x, losses = log(x), np.minimum(r, 0.0)
    deviation = np.sqrt(_trailing(x, LAGS[-1]))
    columns = [np.ones_like(deviation)]
    columns += [_trailing(log_x, lag)[LAGS[-1] - lag :] for lag in LAGS]
    columns += [_trailing(losses, lag)[LAGS[-1] - lag :] / deviation for lag in LAGS]
    return np.stack(columns, axis=1)


def _trailing(values: Array, lag: int) -> Array:
    """Means over the ``lag`` days up to each, shape (n,) to (n - lag + 1,), each window summed by itself."""
    result: Array = np.lib.stride_tricks.sliding_window_view(values, lag).mean(axis=-1)
    return result


def future_means(values: Array, horizon: int) -> Array:
    """Mean over the ``horizon`` days after each day that has so many, shape (n,) to (n - horizon,)."""
    return _trailing(values[1:], horizon)


@dataclass(frozen=True)
class HarModel:
    """Fitted regressions, one for each of the ``horizons`` (trading days)."""

    horizons: tuple[int, ...]
    coefficients: tuple[tuple[float, ...], ...]
    residual_variances: tuple[float, ...]
    scale: float
    """Mean squared return over mean measure: the factor from the measure's level to that of returns."""

    @classmethod
    def fit(
        cls,
        measures: ArrayLike,
        returns: ArrayLike,
        *,
        horizons: tuple[int, ...] = (1, 5, 21),
        min_observations: int = MIN_OBSERVATIONS,
    ) -> "HarModel":
        """Fit on daily ``measures`` and ``returns``, both (n,); a target enters when all its days are in the data.

        :raises DataError: for unusable arrays, see :func:`har_features`.
        :raises ParameterError: for horizons that are not ascending and positive.
        :raises CalibrationError: when too few days remain, or their predictors do not vary.
        """
        if not horizons or list(horizons) != sorted(set(horizons)) or horizons[0] < 1:
            raise ParameterError(f"horizons must be ascending and 1 or more, but they are {horizons}")
        features = har_features(measures, returns)
        x, r = finite_returns(measures), finite_returns(returns)
        if features.shape[0] - horizons[-1] < min_observations:
            raise CalibrationError(
                f"HAR at {horizons[-1]} days needs {min_observations + LAGS[-1] - 1 + horizons[-1]} days or more, "
                f"but there are {x.size}"
            )
        coefficients, variances = [], []
        for horizon in horizons:
            target = log(future_means(x, horizon)[LAGS[-1] - 1 :])
            known = features[: target.size]
            solution = np.empty(_FEATURES)
            rank = least_squares(known.copy(), target.copy(), solution, _COLLINEAR)
            if rank < _FEATURES:
                raise CalibrationError(f"HAR needs predictors that vary, but their rank is {rank} of {_FEATURES}")
            coefficients.append(tuple(float(value) for value in solution))
            variances.append(float(np.mean(np.square(target - dot_rows(known, solution)))))
        scale = float(np.mean(np.square(r)) / np.mean(x))
        return cls(tuple(horizons), tuple(coefficients), tuple(variances), scale)

    def forecast(self, features: Array) -> Array:
        """Expected mean daily variance over each horizon, from rows of :func:`har_features`: (m, 7) to (m, k)."""
        log_means = [dot_rows(features, np.array(row)) for row in self.coefficients]
        return self.scale * exp(np.stack(log_means, axis=-1) + 0.5 * np.array(self.residual_variances))


def dot_rows(rows: Array, weights: Array) -> Array:
    """Sum of each row (m, k) times ``weights`` (k,), column after column: the order that every machine keeps."""
    total = np.zeros(rows.shape[0])
    for column, weight in zip(rows.T, weights, strict=True):
        total += weight * column
    return total
