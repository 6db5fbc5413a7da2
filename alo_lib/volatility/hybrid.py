"""One forecast from several: GJR-GARCH, GJR-GARCH by regime, the range's own memory (HAR), and implied volatility.

GARCH by regime multiplies the GARCH forecast of each horizon by what it has left to each hidden Markov regime, the mean
of realized over forecast variance there, averaged with the day's filtered probabilities.

For each horizon the logarithms of the parts' variance forecasts are averaged with weights on the simplex. The weights
minimize the quasi-likelihood loss (Patton 2011) of past forecasts against the realized range, pulled towards two thirds
for HAR and the rest shared: such weights are hard to beat, and the pull keeps a short sample from inventing others. The
later half of the past is forecast by models that had not seen it, so that weights and the band know real errors.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from alo_lib.numerics.elementwise import exp, log
from alo_lib.volatility.errors import CalibrationError, DataError, ParameterError, VolatilityError
from alo_lib.volatility.garch import GjrGarch, GjrState
from alo_lib.volatility.har import LAGS, HarModel, dot_rows, future_means, har_features
from alo_lib.volatility.innovations import Distribution
from alo_lib.volatility.parameters import GjrParameters
from alo_lib.volatility.ranges import MEMORY, measure_day, range_variance
from alo_lib.volatility.realized import check_bars
from alo_lib.volatility.regimes import RegimeModel, RegimeState
from alo_lib.volatility.returns import MIN_OBSERVATIONS, TRADING_DAYS, check_returns, log_returns

__all__ = ["Blend", "HybridForecast", "HybridState"]

Array = NDArray[np.float64]

_FIRST = LAGS[-1] - 1
"""Returns before the first day that has every predictor."""

_HAR_SHARE = 2.0 / 3.0
_PULL = 0.1
"""Loss added for a squared distance of the weights from their prior; a QLIKE of volatility is 0.2 to 0.5."""

_HELD_OUT = (0.5, 0.625, 0.75, 0.875, 1.0)
"""Shares of the sample at which GJR-GARCH and HAR are fitted anew, to weigh and to judge them on days that they did not
see. Where a share is too short for that, the fit to all days stands in."""

LEVELS = tuple(level / 100.0 for level in range(1, 100))
"""Probabilities of the percentiles that a blend keeps."""


@dataclass(frozen=True, slots=True)
class HybridState:
    """What the forecast needs of the past: the filters' states and the last measures and returns, oldest first."""

    garch: GjrState | None
    regimes: RegimeState | None
    close: float
    measures: tuple[float, ...]
    returns: tuple[float, ...]
    implied: float | None = None
    """Annualized implied volatility of the last day; None when there was none."""


@dataclass(frozen=True)
class Blend:
    """Weights of the ``parts`` and percentiles of log(realized / forecast variance) that they left, a row a horizon."""

    parts: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    log_errors: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class HybridForecast:
    """A fitted combination: (state, bar) to state, and state to forecast. Nothing is mutated."""

    horizons: tuple[int, ...]
    """Trading days for which weights are fitted; between them total variance is interpolated."""
    garch: GjrGarch | None
    har: HarModel | None
    regimes: RegimeModel | None
    regime_levels: tuple[tuple[float, ...], ...]
    """Realized over forecast variance of GJR-GARCH in each regime, a row a horizon; empty without both models."""
    blend: Blend
    implied_blend: Blend | None
    """The combination on days that have an implied volatility; None when its history was too short to be weighed."""
    implied_ratios: tuple[float, ...]
    """Mean of realized over implied variance at each horizon, so that the premium in it is not forecast."""
    notes: tuple[str, ...]
    """Why a part is missing; empty when all are there."""

    @classmethod
    def fit(
        cls,
        open_: ArrayLike,
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        *,
        implied: ArrayLike | None = None,
        horizons: tuple[int, ...] = (1, 5, 21, 63),
        distribution: Distribution = "skewt",
        regimes: int | None = None,
        warm_start: "HybridForecast | None" = None,
        seed: int = 0,
        min_observations: int = MIN_OBSERVATIONS,
    ) -> "HybridForecast":
        """Fit on n split-adjusted daily bars, each (n,). A part that cannot be fitted is left out and noted.

        ``implied`` (n,) is each day's annualized implied volatility at its close, NaN where there is none. ``regimes``
        adds GARCH by so many hidden Markov regimes. ``warm_start`` is an earlier fit, for speed.

        :raises DataError: for bad bars or implied volatilities, or returns that do not vary or are far outliers.
        :raises ParameterError: for horizons that are not ascending and positive.
        :raises CalibrationError: when neither GJR-GARCH nor HAR can be fitted.
        """
        if not horizons or list(horizons) != sorted(set(horizons)) or horizons[0] < 1:
            raise ParameterError(f"horizons must be ascending and 1 or more, but they are {horizons}")
        measures, returns = range_variance(open_, high, low, close), log_returns(close)
        check_returns(returns, min_observations=2)  # the number of days is each part's own matter
        quoted = _check_implied(implied, returns.size)
        notes: list[str] = []
        hidden: RegimeModel | None = None
        earlier = warm_start.garch.parameters if warm_start is not None and warm_start.garch is not None else None

        def parts(days: int, warm: GjrParameters | None) -> tuple[GjrGarch | None, HarModel | None, list[str]]:
            return _fit_parts(measures[:days], returns[:days], horizons, distribution, warm, min_observations)

        garch, har, missing = parts(returns.size, earlier)
        notes += missing
        if regimes is not None:
            try:
                hidden = RegimeModel.fit(returns, regimes=regimes, seed=seed, min_observations=min_observations)
            except CalibrationError as error:
                notes.append(f"without regimes: {error}")
        if garch is None and har is None:
            raise CalibrationError(f"no forecast can be fitted to {returns.size} returns: {'; '.join(notes)}")
        # Days before every predictor exists teach nothing; so do days whose future is not complete.
        scale = float(np.mean(np.square(returns)) / np.mean(measures))
        realized = [scale * future_means(measures, h)[_FIRST:] for h in horizons]
        levels = _regime_levels(garch, hidden, returns, realized, horizons)
        forecasts = _forecasts(garch, har, hidden, levels, measures, returns, horizons)
        judged = np.zeros(returns.size - _FIRST, dtype=np.bool_)
        for begin, end in itertools.pairwise(int(returns.size * share) for share in _HELD_OUT):
            # What models that knew only the first ``begin`` days say of the days from then on.
            old_garch, old_har, _ = parts(begin, None if garch is None else garch.parameters)
            if (old_garch is None, old_har is None) == (garch is None, har is None):
                known_targets = [y[: max(begin - _FIRST - h, 0)] for y, h in zip(realized, horizons, strict=True)]
                old_levels = _regime_levels(old_garch, hidden, returns[:begin], known_targets, horizons)
                old = _forecasts(old_garch, old_har, hidden, old_levels, measures[:end], returns[:end], horizons)
                fold = slice(begin - _FIRST, end - _FIRST)
                for part, values in old.items():
                    forecasts[part][fold] = values[fold]
                judged[fold] = True
        blend = _fit_blend(forecasts, realized, np.ones_like(judged), judged)
        implied_blend, ratios = None, tuple(1.0 for _ in horizons)
        if implied is not None:
            daily = np.square(quoted[_FIRST:]) / TRADING_DAYS
            known = np.isfinite(daily)
            days = int(np.count_nonzero(known[: realized[-1].size]))
            if days >= min_observations:
                ratios = tuple(float(np.mean((y / daily[: y.size])[known[: y.size]])) for y in realized)
                forecasts["implied"] = daily[:, None] * np.array(ratios)
                implied_blend = _fit_blend(forecasts, realized, known, judged)
            else:
                notes.append(f"without implied volatility: {days} days of it, {min_observations} are needed")
        return cls(tuple(horizons), garch, har, hidden, levels, blend, implied_blend, ratios, tuple(notes))

    def filter(
        self, open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike, *, implied: float | None = None
    ) -> HybridState:
        """State after n bars (n,), with the last day's ``implied`` volatility.

        :raises DataError: for bad bars or fewer than 23, or a return the filters refuse.
        """
        measures, returns = range_variance(open_, high, low, close), log_returns(close)
        if returns.size < LAGS[-1]:
            raise DataError(f"bars must be {LAGS[-1] + 1} or more, but there are {returns.size + 1}")
        return HybridState(
            garch=None if self.garch is None else self.garch.filter(returns),
            regimes=None if self.regimes is None else self.regimes.filter(returns),
            close=float(np.asarray(close, dtype=np.float64)[-1]),
            measures=tuple(float(x) for x in measures[-MEMORY:]),
            returns=tuple(float(r) for r in returns[-LAGS[-1] :]),
            implied=_check_quote(implied),
        )

    def update(
        self,
        state: HybridState,
        open_: float,
        high: float,
        low: float,
        close: float,
        *,
        implied: float | None = None,
    ) -> HybridState:
        """State after one more bar, at a cost that does not grow; the same bits as :meth:`filter` over all of them.

        :raises DataError: for a bad bar, or a return the filters refuse.
        """
        o, h, lo, c = (float(a[0]) for a in check_bars(open=[open_], high=[high], low=[low], close=[close]))
        measure = float(measure_day(np.array(state.measures), state.close, o, h, lo, c))
        return_ = float(log_returns([state.close, c])[0])
        return HybridState(
            garch=None if self.garch is None or state.garch is None else self.garch.update(state.garch, return_),
            regimes=(
                None if self.regimes is None or state.regimes is None else self.regimes.update(state.regimes, return_)
            ),
            close=c,
            measures=(*state.measures, measure)[-MEMORY:],
            returns=(*state.returns, return_)[-LAGS[-1] :],
            implied=_check_quote(implied),
        )

    def path(self, open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike) -> Array:
        """Mean daily variance forecast on each day from the 23rd bar on, for each horizon: n bars to (n - 22, k).

        What :meth:`update` would have said day by day with these parameters, implied volatility left out.

        :raises DataError: as :meth:`filter`.
        """
        measures, returns = range_variance(open_, high, low, close), log_returns(close)
        forecasts = _forecasts(self.garch, self.har, self.regimes, self.regime_levels, measures, returns, self.horizons)
        return _combine(self.blend, forecasts)

    def uses_implied(self, state: HybridState) -> bool:
        """Whether the forecast from ``state`` rests on its implied volatility too."""
        return self.implied_blend is not None and state.implied is not None

    def forecast_variance(self, state: HybridState) -> Array:
        """Mean expected daily variance over each of ``horizons``, shape (k,), decimals."""
        measures, returns = np.array(state.measures), np.array(state.returns)
        forecasts: dict[str, Array] = {}
        if self.garch is not None and state.garch is not None:
            forecasts["garch"] = self.garch.mean_variance(state.garch.variance, self.horizons)[None, :]
        if self.har is not None:
            features = har_features(measures[-LAGS[-1] :], returns)
            forecasts["har"] = self.har.forecast(features)
        if self.regimes is not None and state.regimes is not None:
            mix = self.regimes.mix(state.regimes, 0)[None, :]
            forecasts["regimes"] = _by_regime(
                self.regimes, mix, self.regime_levels, forecasts.get("garch"), self.horizons
            )
        blend = self.blend
        if self.implied_blend is not None and state.implied is not None:
            blend = self.implied_blend
            forecasts["implied"] = (np.array(self.implied_ratios) * state.implied**2 / TRADING_DAYS)[None, :]
        result: Array = _combine(blend, forecasts)[0]
        return result

    def forecast_volatility(self, state: HybridState, trading_days: float, *, means: Array | None = None) -> float:
        """Annualized volatility expected over the next ``trading_days``, fractions allowed.

        ``means`` are those of :meth:`forecast_variance` from the same state, for callers with many horizons.

        Total variance is interpolated between the fitted horizons; beyond the last it grows as GJR-GARCH expects, or,
        without it, at the last horizon's mean.

        :raises ParameterError: for a horizon that is not finite and positive.
        """
        _check_days(trading_days)
        means = self.forecast_variance(state) if means is None else means
        totals = np.maximum.accumulate(np.array(self.horizons) * means)
        last = float(self.horizons[-1])
        if trading_days <= self.horizons[0]:
            total = float(totals[0]) * trading_days / self.horizons[0]
        elif trading_days <= last:
            total = float(np.interp(trading_days, self.horizons, totals))
        elif self.garch is not None and state.garch is not None:
            near, far = (
                float(days * self.garch.mean_variance(state.garch.variance, days)) for days in (last, trading_days)
            )
            total = float(totals[-1]) + far - near
        else:
            total = float(totals[-1]) * trading_days / last
        return math.sqrt(TRADING_DAYS * total / trading_days)

    def forecast_band(self, state: HybridState, trading_days: float, level: float = 0.9) -> tuple[float, float]:
        """Lower and upper annualized volatility between which realized volatility falls with probability ``level``.

        From the past errors of this combination, in logarithms: between fitted horizons interpolated in the logarithm
        of the horizon, before the first and beyond the last theirs.

        :raises ParameterError: for a level outside [0.1, 0.98], or a horizon that is not finite and positive.
        """
        centre, fitted = self.forecast_volatility(state, trading_days), log(self.horizons)
        low, high = (np.interp(math.log(trading_days), fitted, column) for column in self._edges(state, level).T)
        return centre * math.exp(0.5 * float(low)), centre * math.exp(0.5 * float(high))

    def forecast_fitted(self, state: HybridState, level: float = 0.9) -> tuple[Array, Array, Array]:
        """Annualized volatility over each of ``horizons`` and the edges of its band, each (k,); errors as above."""
        centre = np.sqrt(TRADING_DAYS * self.forecast_variance(state))
        low, high = exp(0.5 * self._edges(state, level)).T
        return centre, centre * low, centre * high

    def _edges(self, state: HybridState, level: float) -> Array:
        """Logarithms of the band's edges over the forecast, in variance, at each horizon: (k, 2)."""
        if not 0.1 <= level <= 0.98:
            raise ParameterError(f"level must be in [0.1, 0.98], but it is {level!r}")
        blend = self.implied_blend if self.implied_blend is not None and state.implied is not None else self.blend
        at = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
        return np.array([np.interp(at, LEVELS, errors) for errors in blend.log_errors])


def _fit_parts(
    measures: Array,
    returns: Array,
    horizons: tuple[int, ...],
    distribution: Distribution,
    warm_start: GjrParameters | None,
    min_observations: int,
) -> tuple[GjrGarch | None, HarModel | None, list[str]]:
    """GJR-GARCH and HAR of n days, None with a note where one cannot be fitted."""
    garch: GjrGarch | None = None
    har: HarModel | None = None
    notes: list[str] = []
    try:
        garch = GjrGarch.calibrate(
            returns, distribution=distribution, warm_start=warm_start, min_observations=min_observations
        )
    except VolatilityError as error:
        notes.append(f"without GJR-GARCH: {error}")
    try:
        har = HarModel.fit(measures, returns, horizons=horizons, min_observations=min_observations)
    except VolatilityError as error:
        notes.append(f"without HAR: {error}")
    return garch, har, notes


def _forecasts(
    garch: GjrGarch | None,
    har: HarModel | None,
    regimes: RegimeModel | None,
    levels: tuple[tuple[float, ...], ...],
    measures: Array,
    returns: Array,
    horizons: tuple[int, ...],
) -> dict[str, Array]:
    """Each part's mean daily variance forecasts from the day that has every predictor: (n,) to (n - 21, k)."""
    forecasts: dict[str, Array] = {}
    if garch is not None:
        path = garch.path(returns)
        following = np.append(path.conditional_variance[1:], path.state.variance)
        forecasts["garch"] = garch.mean_variance(following[_FIRST:, None], np.array(horizons))
    if har is not None:
        forecasts["har"] = har.forecast(har_features(measures, returns))
    if regimes is not None:
        probabilities = regimes.path(returns).probabilities[_FIRST:]
        forecasts["regimes"] = _by_regime(regimes, probabilities, levels, forecasts.get("garch"), horizons)
    return forecasts


def _by_regime(
    regimes: RegimeModel,
    probabilities: Array,
    levels: tuple[tuple[float, ...], ...],
    garch: Array | None,
    horizons: tuple[int, ...],
) -> Array:
    """GARCH forecasts (m, k) at the level of the regimes (m, r); the regimes' own variance where there is no GARCH."""
    if garch is None or not levels:
        return regimes.mean_variance(probabilities, horizons)
    factors = [dot_rows(probabilities, np.array(row)) for row in levels]
    return garch * np.stack(factors, axis=-1)


def _regime_levels(
    garch: GjrGarch | None,
    regimes: RegimeModel | None,
    returns: Array,
    realized: list[Array],
    horizons: tuple[int, ...],
) -> tuple[tuple[float, ...], ...]:
    """Mean realized over mean forecast variance of GJR-GARCH by regime, on the days whose future is complete.

    A regime that holds less than a quarter of a year of them is left at one.
    """
    if garch is None or regimes is None:
        return ()
    path = garch.path(returns)
    following = np.append(path.conditional_variance[1:], path.state.variance)[_FIRST:]
    probabilities = regimes.path(returns).probabilities[_FIRST:]
    forecasts = garch.mean_variance(following[:, None], np.array(horizons))
    rows = []
    for k, target in enumerate(realized):
        weights, forecast = probabilities[: target.size], forecasts[: target.size, k]
        rows.append(
            tuple(
                float(np.sum(w * target) / np.sum(w * forecast)) if float(np.sum(w)) >= MEMORY else 1.0
                for w in weights.T
            )
        )
    return tuple(rows)


def _combine(blend: Blend, forecasts: Mapping[str, Array]) -> Array:
    """Weighted geometric mean of the parts, each (m, k)."""
    logs = np.zeros_like(forecasts[blend.parts[0]])
    for part, weights in zip(blend.parts, np.array(blend.weights).T, strict=True):
        logs += weights * log(forecasts[part])
    return exp(logs)


def _fit_blend(
    forecasts: Mapping[str, Array], realized: list[Array], known: NDArray[np.bool_], judged: NDArray[np.bool_]
) -> Blend:
    """Weights of least loss at each horizon, over the ``known`` days (m,) whose future is complete.

    The errors kept are those of the ``judged`` days (m,), or of all where those are fewer than a quarter of a year.
    """
    parts = tuple(forecasts)
    prior = np.full(len(parts), 1.0)
    if "har" in parts and len(parts) > 1:
        prior[:] = (1.0 - _HAR_SHARE) / (len(parts) - 1)
        prior[parts.index("har")] = _HAR_SHARE
    prior /= np.sum(prior)
    weights, errors = [], []
    for k, target in enumerate(realized):
        use = known[: target.size]
        logs = np.stack([log(forecasts[part][: target.size, k][use]) for part in parts], axis=1)
        log_target = log(target[use])
        w = _least_loss(logs, log_target, prior)
        weights.append(tuple(float(value) for value in w))
        honest = judged[: target.size][use]
        sample = honest if np.count_nonzero(honest) >= MEMORY else np.ones_like(honest)
        errors.append(tuple(float(value) for value in np.quantile((log_target - dot_rows(logs, w))[sample], LEVELS)))
    return Blend(parts, tuple(weights), tuple(errors))


def _least_loss(logs: Array, log_target: Array, prior: Array) -> Array:
    """Simplex weights (p,) of least QLIKE of exp(logs (m, p) @ weights), a convex problem, pulled to ``prior``."""
    if prior.size == 1:
        return prior

    def loss(w: Array) -> tuple[float, Array]:
        error = log_target - dot_rows(logs, w)
        ratio = exp(error)
        value = float(np.mean(ratio - error)) - 1.0 + _PULL * float(np.sum(np.square(w - prior)))
        return value, -np.mean(logs * (ratio - 1.0)[:, None], axis=0) + 2.0 * _PULL * (w - prior)

    constraint: dict[str, Any] = {
        "type": "eq",
        "fun": lambda w: float(np.sum(w)) - 1.0,
        "jac": lambda w: np.ones_like(w),
    }
    result = minimize(
        loss, prior, jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * prior.size, constraints=[constraint], tol=1e-10
    )
    if not result.success:
        raise CalibrationError(f"weights of the forecasts were not found: {result.message}")
    w: Array = np.clip(np.asarray(result.x, dtype=np.float64), 0.0, 1.0)
    return w / np.sum(w)


def _check_days(trading_days: float) -> None:
    if not (math.isfinite(trading_days) and trading_days > 0.0):
        raise ParameterError(f"trading_days must be finite and positive, but it is {trading_days!r}")


def _check_quote(implied: float | None) -> float | None:
    if implied is not None and not (math.isfinite(implied) and implied > 0.0):
        raise DataError(f"implied must be finite and positive, or None, but it is {implied!r}")
    return implied


def _check_implied(implied: ArrayLike | None, returns: int) -> Array:
    """Implied volatilities of the days that have a return, NaN where there is none."""
    if implied is None:
        return np.full(returns, math.nan)
    array = np.asarray(implied, dtype=np.float64)
    if array.shape != (returns + 1,):
        raise DataError(f"implied must have one value a bar, {returns + 1}, but the shape is {array.shape}")
    if np.any(array <= 0.0) or np.any(np.isinf(array)):
        raise DataError("implied must be positive, or NaN where there is none")
    return array[1:]
