"""One forecast from several: models of the registry, by name, and implied volatility.

For each horizon the parts' forecasts are blended with weights fitted to what came after them. The later half of the
past is forecast by models that had not seen it, so that weights and the band know real errors.
"""

import itertools
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.records import TRADING_DAYS, Alternatives
from alo_lib.volatility.blend import Blend, combined, fit_blend
from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.errors import CalibrationError, ObservationError, ParameterError
from alo_lib.volatility.garch import GjrGarch, GjrState
from alo_lib.volatility.har import LAGS, HarModel, range_scale, realized_means
from alo_lib.volatility.history import DailyHistory, DailyObservation
from alo_lib.volatility.horizons import HORIZONS, check_horizons, check_trading_days, interpolated_total
from alo_lib.volatility.model import FilterPath, FilterState, VolatilityModel
from alo_lib.volatility.paths import paths_of_part
from alo_lib.volatility.regimes_now import RegimesNow
from alo_lib.volatility.registry import MODELS, AnyModel, model_named, register
from alo_lib.volatility.returns import MIN_OBSERVATIONS, check_returns
from alo_lib.volatility.variance_distribution import PROXIES, Proxy, band_edges, gjr_distribution

__all__ = ["IMPLIED", "PARTS", "HybridForecast", "HybridPath", "HybridState"]

Array = NDArray[np.float64]
Variance = TypeVar("Variance", float, Array)
HybridParts = Mapping[str, Mapping[str, Any]]

PARTS: Final[HybridParts] = {GjrGarch.name: {}, HarModel.name: {}}
"""Names of the models that are combined unless the caller says others, each with further keywords of its fit."""

IMPLIED: Final = "implied"
"""The part that is no model: what the day's options say."""

_BEYOND: Final = GjrGarch.name
"""The part by which total variance grows beyond the last fitted horizon."""

_FIRST: Final = LAGS[-1] - 1
"""Days before the first that every part can forecast from."""

_HELD_OUT: Final = (0.5, 0.625, 0.75, 0.875, 1.0)
"""Shares of the sample at which the parts are fitted anew, to weigh and to judge them on days that they did not see.
Where a share is too short for that, the fit to all days stands in."""


def _parts() -> list[type[AnyModel]]:
    """Every model that can be a part."""
    return [model for model in MODELS.values() if model is not HybridForecast]


def _part_states() -> list[type]:
    """The states of every model that can be a part, as its class declares them."""
    return [get_args(model.__orig_bases__[0])[0] for model in _parts()]  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class HybridState:
    """What the parts keep of the past, in their order."""

    states: tuple[Annotated[FilterState, Alternatives(_part_states)], ...]
    implied: float | None = None
    """Annualized implied volatility of the last day; None when there was none."""

    def to_dict(self) -> dict[str, Any]:
        """Fields for JSON."""
        return {"states": [state.to_dict() for state in self.states], "implied": self.implied}


@dataclass(frozen=True, eq=False)
class HybridPath(ByContent):
    """What the parts saw, in their order, and each day's implied volatility (n,), NaN where there was none."""

    paths: tuple[FilterPath[Any], ...]
    implied: Array
    state: HybridState


@register
@dataclass(frozen=True)
class HybridForecast(VolatilityModel[HybridState, HybridPath]):
    """A fitted combination; it reads returns, measures and, where there are any, implied volatilities."""

    name: ClassVar[str] = "hybrid"

    horizons: tuple[int, ...]
    """Trading days for which weights are fitted; between them total variance is interpolated."""
    parts: Mapping[str, Annotated[AnyModel, Alternatives(_parts)]]
    """The fitted models by their names in the registry."""
    blend: Blend
    implied_blend: Blend | None
    """The combination on days that have an implied volatility; None when its history was too short to be weighed."""
    implied_ratios: tuple[float, ...]
    """Mean of realized over implied variance at each horizon, so that the premium in it is not forecast."""
    range_scale: float
    """The factor from the range measure's level to that of squared returns, at which the range is forecast."""
    notes: tuple[str, ...]
    """Why a part is missing; empty when all are there."""

    def __post_init__(self) -> None:
        check_horizons(self.horizons)
        if not self.parts or any(name != part.name for name, part in self.parts.items()):
            raise ParameterError(
                f"parts must be models by their own names, but the names are {', '.join(self.parts):.80}"
            )
        for blend, names in ((self.blend, [*self.parts]), (self.implied_blend, [*self.parts, IMPLIED])):
            if blend is not None and (list(blend.parts) != names or len(blend.weights) != len(self.horizons)):
                raise ParameterError(
                    f"a blend must weigh {', '.join(names):.80} at each of the horizons {self.horizons}, but it weighs "
                    f"{', '.join(blend.parts):.80} at {len(blend.weights)}"
                )
        if len(self.implied_ratios) != len(self.horizons) or not all(0.0 < r < math.inf for r in self.implied_ratios):
            raise ParameterError(
                f"implied_ratios must be finite and positive, one a horizon, but they are {self.implied_ratios}"
            )
        if not 0.0 < self.range_scale < math.inf:
            raise ParameterError(f"range_scale must be finite and positive, but it is {self.range_scale!r}")

    @classmethod
    def fit(
        cls,
        history: DailyHistory,
        *,
        horizons: tuple[int, ...] = HORIZONS,
        warm_start: Self | None = None,
        min_observations: int = MIN_OBSERVATIONS,
        parts: HybridParts = PARTS,
    ) -> Self:
        """Fit the ``parts`` and their weights. A part that cannot be fitted is left out and noted.

        :raises ObservationError: for measures that are unknown, or returns that do not vary or are far outliers.
        :raises ParameterError: for horizons that are not ascending and positive, a name that no model has, or a
            setting outside its domain.
        :raises CalibrationError: when no part can be fitted.
        """
        check_horizons(horizons)
        check_returns(history.returns, min_observations=2)  # the number of days is each part's own matter
        earlier = {} if warm_start is None else warm_start.parts

        def fitted(days: DailyHistory, warm: Mapping[str, AnyModel]) -> tuple[dict[str, AnyModel], list[str]]:
            return _fit_parts(parts, days, horizons, warm, min_observations)

        models, notes = fitted(history, earlier)
        if not models:
            raise CalibrationError(f"no forecast can be fitted to {len(history)} returns: {'; '.join(notes)}")
        realized = realized_means(history, horizons)
        # Days before every predictor exists teach nothing; so do days whose future is not complete.
        forecasts = _forecasts(models, history, horizons)
        judged = np.zeros(len(history) - _FIRST, dtype=np.bool_)
        for begin, end in itertools.pairwise(int(len(history) * share) for share in _HELD_OUT):
            # What models that knew only the first ``begin`` days say of the days from then on.
            old, _ = fitted(history[:begin], models)
            if old.keys() == models.keys():
                fold = slice(begin - _FIRST, end - _FIRST)
                for part, values in _forecasts(old, history[:end], horizons).items():
                    forecasts[part][fold] = values[fold]
                judged[fold] = True
        squares = np.square(history.returns[_FIRST:])
        blend = fit_blend(forecasts, realized, squares, np.ones_like(judged), judged)
        implied_blend, ratios = None, tuple(1.0 for _ in horizons)
        daily = np.square(history.implied[_FIRST:]) / TRADING_DAYS
        known = np.isfinite(daily)
        if np.any(known):
            days = int(np.count_nonzero(known[: realized[-1].size]))
            if days >= min_observations:
                ratios = tuple(float(np.mean((y / daily[: y.size])[known[: y.size]])) for y in realized)
                forecasts[IMPLIED] = daily[:, None] * np.array(ratios)
                implied_blend = fit_blend(forecasts, realized, squares, known, judged)
            else:
                notes.append(f"without implied volatility: {days} days of it, {min_observations} are needed")
        return cls(tuple(horizons), models, blend, implied_blend, ratios, range_scale(history), tuple(notes))

    def start(self) -> HybridState:
        """As the contract says."""
        return HybridState(tuple(model.start() for model in self.parts.values()))

    def update(self, state: HybridState, observation: DailyObservation) -> HybridState:
        """As the contract says.

        :raises ObservationError: for a day that one of the parts refuses.
        """
        pairs = zip(self.parts.values(), state.states, strict=True)
        return HybridState(tuple(model.update(one, observation) for model, one in pairs), _quoted(observation.implied))

    def filter(self, history: DailyHistory, state: HybridState | None = None) -> HybridPath:
        """As the contract says, with each part's own path."""
        begin = self.start() if state is None else state
        paths = tuple(model.filter(history, one) for model, one in zip(self.parts.values(), begin.states, strict=True))
        implied = _quoted(float(history.implied[-1])) if len(history) else begin.implied
        return HybridPath(paths, history.implied, HybridState(tuple(path.state for path in paths), implied))

    def fitted_variance(self, state: HybridState) -> Array:
        """Mean expected daily variance over each of ``horizons``, shape (k,), decimals."""
        forecasts = {
            name: model.forecast(one, self.horizons)[None, :]
            for (name, model), one in zip(self.parts.items(), state.states, strict=True)
        }
        if state.implied is not None:
            forecasts[IMPLIED] = (np.array(self.implied_ratios) * state.implied**2 / TRADING_DAYS)[None, :]
        result: Array = combined(self._blend(state), forecasts)[0]
        return result

    def fitted_totals(self, state: HybridState) -> tuple[float, ...]:
        """Total expected variance over each of ``horizons``, which never falls."""
        return tuple(np.maximum.accumulate(np.array(self.horizons) * self.fitted_variance(state)).tolist())

    def fitted_variance_path(self, path: HybridPath) -> Array:
        """What :meth:`fitted_variance` says after each of n days, shape (n, k); NaN after too few."""
        forecasts = {
            name: model.forecast_path(one, self.horizons)
            for (name, model), one in zip(self.parts.items(), path.paths, strict=True)
        }
        means = np.full((path.implied.size, len(self.horizons)), math.nan)
        known = np.all([np.isfinite(values).all(axis=1) for values in forecasts.values()], axis=0)
        quoted = np.isfinite(path.implied) & (self.implied_blend is not None)
        forecasts[IMPLIED] = np.square(path.implied)[:, None] * np.array(self.implied_ratios) / TRADING_DAYS
        for blend, days in ((self.blend, known & ~quoted), (self.implied_blend, known & quoted)):
            if blend is not None:
                means[days] = combined(blend, {part: values[days] for part, values in forecasts.items()})
        return means

    def forecast(self, state: HybridState, trading_days: ArrayLike) -> Array:
        """As the contract says.

        Total variance is linear between the fitted horizons; beyond the last it grows as GJR-GARCH expects, or, without
        it, at the last horizon's mean.
        """
        days = check_trading_days(trading_days)
        totals = self.fitted_totals(state)
        return np.array([self._total(state, totals, day) / day for day in days.reshape(-1).tolist()]).reshape(
            days.shape
        )

    def forecast_path(self, path: HybridPath, trading_days: ArrayLike) -> Array:
        """As the contract says; NaN after a day from which a part has no forecast."""
        days = check_trading_days(trading_days)

        totals = list(np.maximum.accumulate(np.array(self.horizons) * self.fitted_variance_path(path), axis=-1).T)

        def grown(horizons: Array) -> Array:
            return self.parts[_BEYOND].forecast_path(path.paths[list(self.parts).index(_BEYOND)], horizons).T

        columns = [self._interpolated(totals, day, grown) / day for day in days.tolist()]
        return np.stack(columns, axis=-1) if columns else np.empty((path.implied.size, 0))

    def restore(self, values: Mapping[str, Any]) -> HybridState:
        """As the contract says."""
        states = values["states"] if isinstance(values, Mapping) and sorted(values) == ["implied", "states"] else None
        if not isinstance(states, list | tuple) or len(states) != len(self.parts):
            raise ParameterError(
                f"a state of this hybrid is implied and states of {', '.join(self.parts)}, but it is {values!r:.80}"
            )
        implied = values["implied"]
        if implied is not None and not (type(implied) in (int, float) and 0.0 < implied <= sys.float_info.max):
            raise ParameterError(f"implied must be finite and positive, or null, but it is {implied!r:.80}")
        pairs = zip(self.parts.values(), states, strict=True)
        return HybridState(
            tuple(model.restore(one) for model, one in pairs), None if implied is None else float(implied)
        )

    @overload
    def forecast_volatility(
        self, state: HybridState, trading_days: float, *, totals: tuple[float, ...] | None = None
    ) -> float: ...

    @overload
    def forecast_volatility(
        self, state: HybridState, trading_days: Array, *, totals: tuple[float, ...] | None = None
    ) -> Array: ...

    def forecast_volatility(
        self, state: HybridState, trading_days: float | Array, *, totals: tuple[float, ...] | None = None
    ) -> float | Array:
        """As the contract says; ``totals`` are :meth:`fitted_totals` of the same state, for who asks often."""
        days = check_trading_days(trading_days)
        known = self.fitted_totals(state) if totals is None else totals
        # Annualized before it is divided: the last bit of what is traded on depends on the order.
        volatilities = [
            math.sqrt(TRADING_DAYS * self._total(state, known, day) / day) for day in days.reshape(-1).tolist()
        ]
        return volatilities[0] if days.ndim == 0 else np.array(volatilities).reshape(days.shape)

    def log_share(self, state: HybridState, trading_days: float) -> float:
        """As the contract says: that of GJR-GARCH, whose variance is a process of its own, else the first part's."""
        names = list(self.parts)
        name = _BEYOND if _BEYOND in names else names[0]
        return self.parts[name].log_share(state.states[names.index(name)], trading_days)

    @overload
    def expected_volatility(
        self, state: HybridState, trading_days: float, *, totals: tuple[float, ...] | None = None
    ) -> float: ...

    @overload
    def expected_volatility(
        self, state: HybridState, trading_days: Array, *, totals: tuple[float, ...] | None = None
    ) -> Array: ...

    def expected_volatility(
        self, state: HybridState, trading_days: float | Array, *, totals: tuple[float, ...] | None = None
    ) -> float | Array:
        """As the contract says; ``totals`` as :meth:`forecast_volatility` takes them."""
        return self._with_share(state, trading_days, self.forecast_volatility(state, trading_days, totals=totals))

    def forecast_band(
        self,
        state: HybridState,
        trading_days: float,
        level: float = 0.9,
        *,
        proxy: Proxy = "returns",
        regimes: RegimesNow | None = None,
    ) -> tuple[float, float]:
        """Lower and upper annualized volatility between which realized volatility falls with probability ``level``.

        Realized volatility is the root of the mean squared daily return, no mean removed, or that of ``range_scale``
        times the mean range measure. Arguments and errors as :meth:`band_ratios`.
        """
        centre = self.forecast_volatility(state, trading_days)
        low, high = self.band_ratios(state, trading_days, level, proxy=proxy, regimes=regimes)
        return centre * low, centre * high

    def band_ratios(
        self,
        state: HybridState,
        trading_days: float,
        level: float = 0.9,
        *,
        proxy: Proxy = "returns",
        regimes: RegimesNow | None = None,
    ) -> tuple[float, float]:
        """The edges of :meth:`forecast_band` over :meth:`forecast_volatility`.

        From the past errors of this combination, in logarithms, as far as windows that do not overlap tell them, and
        for the rest from paths of the fitted GJR-GARCH from its state on, widened for what the length of the history
        leaves unknown; from paths of ``regimes`` of the same days, where they tell those better. Without GJR-GARCH from
        the errors alone, beyond the last fitted horizon those of it.

        :raises ParameterError: for a level outside [0.1, 0.98], a horizon that is not finite and positive, or regimes
            of other days.
        """
        return band_edges(self.log_quantiles(state, trading_days, proxy, regimes), level)

    def log_quantiles(
        self, state: HybridState, trading_days: float, proxy: Proxy = "returns", regimes: RegimesNow | None = None
    ) -> Array:
        """As the contract says, and as :meth:`band_ratios` has them."""
        days = float(check_trading_days(trading_days))
        blend = self._blend(state)
        errors = blend.percentiles(self.horizons, days, proxy)
        if _BEYOND in self.parts:
            garch, own = self.parts[_BEYOND], state.states[list(self.parts).index(_BEYOND)]
            assert isinstance(garch, GjrGarch)
            assert isinstance(own, GjrState)
            if regimes is not None and regimes.tell_more_than(garch, own):
                paths = regimes.log_quantiles(days, proxy) - math.log(float(self.forecast(state, days)))
                return blend.with_regimes(errors, paths, days)
            p = garch.parameters
            paths = gjr_distribution(p).quantiles(own.variance / p.long_run_variance, days, proxy)
            return blend.with_paths(errors, paths, days, proxy)
        return errors

    def forecast_fitted(
        self, state: HybridState, level: float = 0.9, *, regimes: RegimesNow | None = None
    ) -> tuple[Array, dict[Proxy, Array]]:
        """Annualized volatility over each of ``horizons`` (k,), and the edges of its bands by proxy, each (2, k)."""
        centre = np.sqrt(TRADING_DAYS * self.fitted_variance(state))
        bands: dict[Proxy, Array] = {}
        for proxy in PROXIES:
            ratios = [self.band_ratios(state, float(h), level, proxy=proxy, regimes=regimes) for h in self.horizons]
            bands[proxy] = centre * np.array(ratios).T
        return centre, bands

    def simulate_paths(self, state: HybridState, days: int, *, paths: int, seed: int) -> Array:
        """As the contract says: paths of GJR-GARCH, else of the first part, brought to this forecast day by day."""
        at = list(self.parts).index(_BEYOND) if _BEYOND in self.parts else 0
        part = list(self.parts.values())[at]
        return paths_of_part(self, state, part, state.states[at], days, paths, seed)

    def _blend(self, state: HybridState) -> Blend:
        return self.implied_blend if self.implied_blend is not None and state.implied is not None else self.blend

    def _total(self, state: HybridState, totals: tuple[float, ...], day: float) -> float:
        """Total expected variance over the next ``day`` trading days."""

        def grown(horizons: Array) -> Array:
            return self.parts[_BEYOND].forecast(state.states[list(self.parts).index(_BEYOND)], horizons)

        return float(self._interpolated(totals, day, grown))

    def _interpolated(self, totals: Sequence[Variance], day: float, grown: Callable[[Array], Array]) -> Variance:
        """Total variance from that at the fitted horizons; ``grown`` gives the means over two by GJR-GARCH alone."""
        last = float(self.horizons[-1])
        if day <= last or _BEYOND not in self.parts:
            return interpolated_total(self.horizons, totals, day)
        near, far = grown(np.array([last, day]))
        total: Variance = totals[-1] + day * far - last * near
        return total


def _fit_parts(
    parts: HybridParts,
    history: DailyHistory,
    horizons: tuple[int, ...],
    warm: Mapping[str, AnyModel],
    min_observations: int,
) -> tuple[dict[str, AnyModel], list[str]]:
    """The parts that can be fitted, and a note for each that cannot."""
    models: dict[str, AnyModel] = {}
    notes: list[str] = []
    for name, settings in parts.items():
        try:
            models[name] = model_named(name).fit(
                history,
                horizons=horizons,
                warm_start=warm.get(name),
                min_observations=min_observations,
                **settings,
            )
        except (CalibrationError, ObservationError) as error:
            notes.append(f"without {name}: {error}")
    return models, notes


def _forecasts(models: Mapping[str, AnyModel], history: DailyHistory, horizons: tuple[int, ...]) -> dict[str, Array]:
    """Each part's mean daily variance forecasts from the first day that all can: (n,) to (n - 21, k)."""
    return {name: model.forecast_path(model.filter(history), horizons)[_FIRST:] for name, model in models.items()}


def _quoted(implied: float) -> float | None:
    """None where there is no quote.

    :raises ObservationError: for one that is not finite and positive.
    """
    if math.isnan(implied):
        return None
    if not 0.0 < implied < math.inf:
        raise ObservationError(
            f"implied must be finite and positive, or NaN where there is none, but it is {implied!r}"
        )
    return implied
