"""The heterogeneous autoregression of log variance with leverage: memory over a day, a week and a month.

ln mean(x_{t+1} ... x_{t+h}) = c + b1 l_t + b5 mean5(l) + b22 mean22(l) + g1 d_t + g5 mean5(d) + g22 mean22(d) + e

with l = ln x of the range measure and d the losses min(r, 0) in units of the month's deviation (Corsi 2009; leverage as
in Corsi and Reno 2012). Means of logarithms, not logarithms of means, keep one wild day from ruling a month. Least
squares, one regression a horizon; the variance forecast is its exponential times the mean of exp(e) (Duan 1983), which
asks no normal residuals, and the ratio of squared returns to x.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.elementwise import exp, log
from alo_lib.numerics.linear import least_squares
from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.errors import CalibrationError, ObservationError, ParameterError
from alo_lib.volatility.history import DailyHistory, DailyObservation
from alo_lib.volatility.horizons import (
    HORIZONS,
    check_horizons,
    check_trading_days,
    interpolated_log_share,
    interpolated_total,
)
from alo_lib.volatility.model import VolatilityModel
from alo_lib.volatility.paths import check_paths
from alo_lib.volatility.registry import register
from alo_lib.volatility.returns import MIN_OBSERVATIONS, check_prices, finite_returns
from alo_lib.volatility.saving import state_of
from alo_lib.volatility.variance_distribution import (
    BROWNIAN_NOISE,
    FIVE_YEARS,
    LEVELS,
    Proxy,
    lognormal_measured,
    unknown_of_garch,
    widened,
)

__all__ = [
    "LAGS",
    "HarModel",
    "HarPath",
    "HarState",
    "dot_rows",
    "future_means",
    "har_features",
    "range_scale",
    "realized_means",
]

Array = NDArray[np.float64]

LAGS = (1, 5, 22)
"""Days that a predictor averages over."""

_FEATURES = 1 + 2 * len(LAGS)

_COLLINEAR = 1e-10
"""Share of a predictor's length that those before it must leave unexplained."""


def har_features(measures: ArrayLike, returns: ArrayLike) -> Array:
    """Predictors of each day from the 22nd on, shape (n,) and (n,) to (n - 21, 7); a row knows nothing after its day.

    :raises ObservationError: for lengths that differ or are below 22, returns that are not finite, or measures that are
        not finite and positive.
    """
    x, r = check_prices("measures", measures), finite_returns(returns)
    if x.size != r.size or x.size < LAGS[-1]:
        raise ObservationError(
            f"measures and returns must be {LAGS[-1]} or more and as many, but are {x.size} and {r.size}"
        )
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


def realized_means(history: DailyHistory, horizons: tuple[int, ...]) -> list[Array]:
    """What is to be forecast on each day that has every predictor and a complete future.

    Means of the coming measures at the level of squared returns, one array a horizon h, shape (n - 21 - h,).

    :raises ObservationError: for a measure that is not finite and positive.
    :raises CalibrationError: when no such day is known for the longest horizon.
    """
    least = LAGS[-1] + horizons[-1]
    if len(history) < least:
        raise CalibrationError(
            f"a forecast over {horizons[-1]} days needs {least} or more, but there are {len(history)}"
        )
    measures, scale = check_prices("measures", history.measures), range_scale(history)
    return [scale * future_means(measures, horizon)[LAGS[-1] - 1 :] for horizon in horizons]


def range_scale(history: DailyHistory) -> float:
    """The factor from the range's level to that of squared returns, for 23 days or more.

    Both count in units of the month before them, so that no crash and no print rules.
    """
    usual = _trailing(history.measures, LAGS[-1])[:-1]
    squares, measures = np.square(history.returns[LAGS[-1] :]), history.measures[LAGS[-1] :]
    return float(np.mean(squares / usual) / np.mean(measures / usual))


@dataclass(frozen=True, slots=True)
class HarState:
    """Measures and returns of the last 22 days, oldest first; fewer before as many were seen."""

    measures: tuple[float, ...] = ()
    returns: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Fields for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class HarPath(ByContent):
    """Predictors of each day that has them, shape (m, 7): the last m of the ``days`` filtered, and the state after."""

    features: Array
    days: int
    state: HarState


@register
@dataclass(frozen=True)
class HarModel(VolatilityModel[HarState, HarPath]):
    """Fitted regressions, one for each of the ``horizons`` (trading days); the model reads returns and measures."""

    name: ClassVar[str] = "HAR"

    horizons: tuple[int, ...]
    coefficients: tuple[tuple[float, ...], ...]
    residual_variances: tuple[float, ...]
    smearing: tuple[float, ...]
    """Mean of realized over exp of the regression, one a horizon."""
    scale: float
    """The factor from the measure's level to that of squared returns, each in units of the month before it."""

    def __post_init__(self) -> None:
        check_horizons(self.horizons)
        shape = [_FEATURES] * len(self.horizons)
        if [len(row) for row in self.coefficients] != shape or len(self.residual_variances) != len(shape):
            raise ParameterError(
                f"HAR has {_FEATURES} coefficients and a residual variance for each of the horizons {self.horizons}, "
                f"but they are {self.coefficients!r:.80} and {self.residual_variances!r:.80}"
            )
        if len(self.smearing) != len(shape) or not all(0.0 < factor < math.inf for factor in self.smearing):
            raise ParameterError(
                f"smearing must be finite and positive, one a horizon, but it is {self.smearing!r:.80}"
            )
        if not (0.0 < self.scale < math.inf and all(0.0 <= v < math.inf for v in self.residual_variances)):
            raise ParameterError(
                f"scale must be finite and positive and residual variances not negative, but they are {self.scale!r} "
                f"and {self.residual_variances!r:.80}"
            )

    @classmethod
    def fit(
        cls,
        history: DailyHistory,
        *,
        horizons: tuple[int, ...] = HORIZONS,
        warm_start: Self | None = None,
        min_observations: int = MIN_OBSERVATIONS,
    ) -> Self:
        """Least squares, one regression a horizon; a target enters when all its days are in the history.

        :raises ObservationError: for unusable days, see :func:`har_features`.
        :raises ParameterError: for horizons that are not ascending and positive.
        :raises CalibrationError: when too few days remain, or their predictors do not vary.
        """
        check_horizons(horizons)
        features = har_features(history.measures, history.returns)
        if features.shape[0] - horizons[-1] < min_observations:
            raise CalibrationError(
                f"HAR at {horizons[-1]} days needs {min_observations + LAGS[-1] - 1 + horizons[-1]} days or more, "
                f"but there are {len(history)}"
            )
        coefficients, variances, smearing = [], [], []
        for horizon in horizons:
            target = log(future_means(history.measures, horizon)[LAGS[-1] - 1 :])
            known = features[: target.size]
            solution = np.empty(_FEATURES)
            rank = least_squares(known.copy(), target.copy(), solution, _COLLINEAR)
            if rank < _FEATURES:
                raise CalibrationError(f"HAR needs predictors that vary, but their rank is {rank} of {_FEATURES}")
            coefficients.append(tuple(float(value) for value in solution))
            residuals = target - dot_rows(known, solution)
            variances.append(float(np.mean(np.square(residuals))))
            smearing.append(float(np.mean(exp(residuals))))
        return cls(tuple(horizons), tuple(coefficients), tuple(variances), tuple(smearing), range_scale(history))

    def start(self) -> HarState:
        """As the contract says."""
        return HarState()

    def update(self, state: HarState, observation: DailyObservation) -> HarState:
        """As the contract says.

        :raises ObservationError: for a return that is not finite, or a measure that is not finite and positive.
        """
        return_, measure = observation.return_, observation.measure
        if not (math.isfinite(return_) and 0.0 < measure < math.inf):
            raise ObservationError(
                f"HAR needs a finite return and a finite, positive measure, but they are {return_!r} and {measure!r}"
            )
        return HarState((*state.measures, measure)[-LAGS[-1] :], (*state.returns, return_)[-LAGS[-1] :])

    def filter(self, history: DailyHistory, state: HarState | None = None) -> HarPath:
        """As the contract says, with each day's predictors."""
        begin = self.start() if state is None else state
        measures = np.concatenate([begin.measures, check_prices("measures", history.measures)])
        returns = np.concatenate([begin.returns, finite_returns(history.returns)])
        after = HarState(tuple(measures[-LAGS[-1] :].tolist()), tuple(returns[-LAGS[-1] :].tolist()))
        features = har_features(measures, returns) if measures.size >= LAGS[-1] else np.empty((0, _FEATURES))
        return HarPath(features[max(features.shape[0] - len(history), 0) :], len(history), after)

    def forecast(self, state: HarState, trading_days: ArrayLike) -> Array:
        """As the contract says; between fitted horizons total variance is linear, beyond the last its mean holds.

        :raises ObservationError: for a state that has seen fewer than 22 days.
        """
        days = check_trading_days(trading_days)
        _check_seen(state)
        features = har_features(state.measures, state.returns)
        return np.asarray(self._mean_variance(features, days.reshape(-1))[0].reshape(days.shape))

    def forecast_path(self, path: HarPath, trading_days: ArrayLike) -> Array:
        """As the contract says; NaN after fewer than 22 days."""
        days = check_trading_days(trading_days)
        unknown = np.full((path.days - path.features.shape[0], days.size), math.nan)
        return np.concatenate([unknown, self._mean_variance(path.features, days)])

    def log_share(self, state: HarState, trading_days: float) -> float:
        """As the contract says, from moments: the logarithm of variance is taken as normal.

        Of a regression's residual variance what the measure's own noise leaves is the variance's: the next day's is all
        noise, and a mean over h days has one h-th of it.
        """
        _check_seen(state)
        return interpolated_log_share(self.horizons, self._log_shares, trading_days)

    def log_quantiles(self, state: HarState, trading_days: float, proxy: Proxy = "returns") -> Array:
        """As the contract says, residuals being taken as normal; beyond the last fitted horizon its own hold.

        What a Brownian day's range has of noise is not the days' own, and squared returns have theirs in its place.
        Every fit counts as one to five years.
        """
        from scipy.special import ndtri

        asked = float(check_trading_days(float(trading_days)))
        _check_seen(state)
        place = math.log(min(max(asked, float(self.horizons[0])), float(self.horizons[-1])))
        total, smearing = (
            float(np.interp(place, log(self.horizons), values))
            for values in (self.residual_variances, log(self.smearing))
        )
        unknown = unknown_of_garch(asked, FIVE_YEARS, "range")
        if proxy == "range":
            return widened(math.sqrt(total) * ndtri(np.array(LEVELS)) - smearing, unknown)
        days = math.exp(place)
        own = max(total - math.log1p(BROWNIAN_NOISE["range"] / days), 0.0)
        return widened(lognormal_measured(own, days, proxy), unknown)

    @cached_property
    def _log_shares(self) -> tuple[float, ...]:
        noise = math.expm1(self.residual_variances[0]) * self.horizons[0]
        own = (
            variance - math.log1p(noise / day)
            for day, variance in zip(self.horizons, self.residual_variances, strict=True)
        )
        return tuple(-max(variance, 0.0) / 8.0 for variance in own)

    def restore(self, values: Mapping[str, Any]) -> HarState:
        """As the contract says."""
        state = state_of(HarState, values, "a state of HAR")
        measures, returns = state.measures, state.returns
        if len(measures) != len(returns) or len(measures) > LAGS[-1]:
            raise ParameterError(
                f"measures and returns must be as many, {LAGS[-1]} at most, but are {len(measures)} and {len(returns)}"
            )
        if not all(0.0 < x < math.inf for x in measures) or not all(map(math.isfinite, returns)):
            raise ParameterError("a state of HAR has finite, positive measures and finite returns, but one is not")
        return state

    def simulate_paths(self, state: HarState, days: int, *, paths: int, seed: int) -> Array:
        """As the contract says: the regression over one day is iterated.

        Each day's measure is drawn about what is expected of it, then a normal return of that variance. Over many days
        its level is that of the iteration, not of the regressions that look so far ahead.

        :raises ParameterError: for a model without a regression over one day.
        """
        check_paths(days, paths, seed)
        if self.horizons[0] != 1:
            raise ParameterError(f"HAR simulates by its regression over 1 day, but its horizons are {self.horizons}")
        if len(state.measures) < LAGS[-1]:
            raise ObservationError(f"HAR forecasts after {LAGS[-1]} days or more, but has seen {len(state.measures)}")
        weights, deviation = np.array(self.coefficients[0]), math.sqrt(self.residual_variances[0])
        draws, shocks = np.random.default_rng(seed).standard_normal((2, days, paths))
        # What has been seen, then what is drawn: a row a day.
        logs, losses = np.empty((2, LAGS[-1] + days, paths))
        logs[: LAGS[-1]] = log(state.measures)[:, None]
        losses[: LAGS[-1]] = np.minimum(state.returns, 0.0)[:, None]
        returns = np.empty((days, paths))
        for day in range(days):
            now = day + LAGS[-1]
            month = np.sqrt(np.mean(exp(logs[day:now]), axis=0))
            columns = [np.ones(paths)]
            columns += [np.mean(logs[now - lag : now], axis=0) for lag in LAGS]
            columns += [np.mean(losses[now - lag : now], axis=0) / month for lag in LAGS]
            logs[now] = dot_rows(np.stack(columns, axis=1), weights) + deviation * draws[day]
            returns[day] = np.sqrt(self.scale * exp(logs[now])) * shocks[day]
            losses[now] = np.minimum(returns[day], 0.0)
        return np.ascontiguousarray(returns.T)

    def _mean_variance(self, features: Array, days: Array) -> Array:
        """Mean expected daily variance over ``days`` (h,), from rows of predictors: (m, 7) to (m, h)."""
        log_means = [dot_rows(features, np.array(row)) for row in self.coefficients]
        means = self.scale * np.array(self.smearing) * exp(np.stack(log_means, axis=-1))
        fitted = np.array(self.horizons, dtype=np.float64)
        columns = [
            means[:, self.horizons.index(int(day))]
            if day in fitted
            else interpolated_total(self.horizons, list((fitted * means).T), day) / day
            for day in days.tolist()
        ]
        return np.stack(columns, axis=-1) if columns else np.empty((features.shape[0], 0))


def _check_seen(state: HarState) -> None:
    """ObservationError for a state that has seen too few days to forecast from."""
    if len(state.measures) < LAGS[-1]:
        raise ObservationError(f"HAR forecasts after {LAGS[-1]} days or more, but has seen {len(state.measures)}")


def dot_rows(rows: Array, weights: Array) -> Array:
    """Sum of each row (m, k) times ``weights`` (k,), column after column: the order that every machine keeps."""
    total = np.zeros(rows.shape[0])
    for column, weight in zip(rows.T, weights, strict=True):
        total += weight * column
    return total
