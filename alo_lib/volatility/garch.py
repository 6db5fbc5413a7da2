"""GJR-GARCH(1,1): calibrated in batch, filtered in a stream, forecast over an option's life."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementwise import power
from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.calibration import Calibration, VarianceTargeting, calibrate_gjr
from alo_lib.volatility.change_detection import ChangeDetector
from alo_lib.volatility.errors import CalibrationError, ObservationError, ParameterError
from alo_lib.volatility.history import DailyHistory, DailyObservation
from alo_lib.volatility.horizons import HORIZONS, check_trading_days
from alo_lib.volatility.innovations import Distribution, log_density, sample_shocks, shock_quantile
from alo_lib.volatility.likelihood_problem import Mean
from alo_lib.volatility.model import VolatilityModel
from alo_lib.volatility.parameters import GjrParameters
from alo_lib.volatility.paths import check_paths
from alo_lib.volatility.registry import register
from alo_lib.volatility.returns import MAX_DEVIATIONS, MIN_OBSERVATIONS, traded_days
from alo_lib.volatility.saving import state_of
from alo_lib.volatility.summary import FitSummary, summarize
from alo_lib.volatility.uncertainty import Uncertainty, uncertainty
from alo_lib.volatility.variance_distribution import Proxy, gjr_distribution, unknown_of_garch, widened

__all__ = ["GjrGarch", "GjrPath", "GjrState"]

Array = NDArray[np.float64]

# Places in GjrParameters.coefficients.
_MU, _OMEGA, _ALPHA, _GAMMA, _BETA, _NU, _SKEW, _A, _B, _LOG_CONSTANT, _LEAST, _USUAL = range(12)


@kernel
def _next_variance(c: Array, variance: float, residual: float) -> float:
    """Conditional variance of the day after one with this ``variance`` and ``residual``."""
    weight = c[_ALPHA] + c[_GAMMA] if residual < 0.0 else c[_ALPHA]
    following: float = c[_OMEGA] + weight * residual * residual + c[_BETA] * variance
    least: float = c[_LEAST]
    return max(following, least)


@kernel
def _step(c: Array, variance: float, return_: float) -> tuple[float, float, float]:
    """One day: the next conditional variance, the day's standardized residual, and its log likelihood."""
    residual = return_ - c[_MU]
    z = residual / math.sqrt(variance)
    density = log_density(z, c[_NU], c[_SKEW], c[_A], c[_B], c[_LOG_CONSTANT]) - 0.5 * math.log(variance)
    return _next_variance(c, variance, residual), z, density


@kernel
def _far(c: Array, variance: float, return_: float, limit: float) -> bool:
    """Whether a return is not finite, or beyond ``limit`` deviations: of the day's, or the sample's if that is wider.

    After days without a move the day's own is next to nothing, and says little of what a return may be.
    """
    return not abs(return_ - c[_MU]) <= limit * max(math.sqrt(variance), c[_USUAL])


@kernel
def _run(
    c: Array, variance: float, log_likelihood: float, returns: Array, limit: float, variances: Array, shocks: Array
) -> tuple[float, float, int]:
    """All days: fill ``variances`` and ``shocks`` (n,) and return the last day's next variance and the log likelihood.

    Stops at the first return that is :func:`_far` and returns its index, otherwise -1.
    """
    for t in range(returns.shape[0]):
        variances[t] = variance
        far = _far(c, variance, returns[t], limit)
        variance, shocks[t], density = _step(c, variance, returns[t])
        if far:
            return variance, log_likelihood, t
        log_likelihood += density
    return variance, log_likelihood, -1


@kernel
def _simulate(c: Array, variance: float, shocks: Array, returns: Array, variances: Array) -> None:
    """Fill ``returns`` and ``variances`` (n,) from standardized ``shocks`` (n,)."""
    for t in range(shocks.shape[0]):
        variances[t] = variance
        residual = math.sqrt(variance) * shocks[t]
        returns[t] = c[_MU] + residual
        variance = _next_variance(c, variance, residual)


@kernel
def _simulate_paths(c: Array, variance: float, shocks: Array, returns: Array) -> None:
    """Fill ``returns`` (p, d) from standardized ``shocks`` (p, d), each path from the same next ``variance``."""
    for path in range(shocks.shape[0]):
        now = variance
        for day in range(shocks.shape[1]):
            residual = math.sqrt(now) * shocks[path, day]
            returns[path, day] = c[_MU] + residual
            now = _next_variance(c, now, residual)


@dataclass(frozen=True, slots=True)
class GjrState:
    """All that a filter needs to go on: the next day's conditional variance (daily, decimals), and what led there."""

    variance: float
    log_likelihood: float = 0.0
    observations: int = 0

    @property
    def volatility(self) -> float:
        """Next day's conditional volatility, annualized."""
        return math.sqrt(TRADING_DAYS * self.variance)

    def to_dict(self) -> dict[str, float | int]:
        """Fields for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class GjrPath(ByContent):
    """What a filter saw on each of n days, knowing nothing later: arrays of shape (n,), and the state after them."""

    conditional_variance: Array
    """Variance of each day given the days before it (daily, decimals)."""
    standardized_residuals: Array
    state: GjrState

    @property
    def next_variance(self) -> Array:
        """Variance expected of the day after each, shape (n,)."""
        return np.append(self.conditional_variance[1:], self.state.variance)[: self.conditional_variance.size]


@register
@dataclass(frozen=True)
class GjrGarch(VolatilityModel[GjrState, GjrPath]):
    """A GJR-GARCH(1,1) model with known parameters; it reads the returns alone."""

    name: ClassVar[str] = "GJR-GARCH"

    parameters: GjrParameters
    calibration: Calibration | None = None
    """How the parameters were fitted; None when they were given."""

    @classmethod
    def fit(
        cls,
        history: DailyHistory,
        *,
        horizons: tuple[int, ...] = HORIZONS,
        warm_start: Self | None = None,
        min_observations: int = MIN_OBSERVATIONS,
        distribution: Distribution = "skewt",
        mean: Mean = "constant",
        variance_targeting: VarianceTargeting = "fallback",
        leverage: bool = True,
    ) -> Self:
        """Fit by maximum likelihood, without ``leverage`` a plain GARCH(1,1).

        Arguments and errors as :func:`~alo_lib.volatility.calibration.calibrate_gjr`.
        """
        return cls(
            *calibrate_gjr(
                history.returns,
                distribution=distribution,
                mean=mean,
                variance_targeting=variance_targeting,
                warm_start=None if warm_start is None else warm_start.parameters,
                min_observations=min_observations,
                leverage=leverage,
            )
        )

    @property
    def leverage(self) -> bool:
        """Whether gamma is a parameter, or held at 0."""
        return self.parameters.gamma != 0.0 if self.calibration is None else self.calibration.leverage

    def uncertainty(self, history: DailyHistory) -> Uncertainty:
        """How well the history that the model was fitted to tells its parameters.

        Meaning and errors as :func:`~alo_lib.volatility.uncertainty.uncertainty`.
        """
        targeted = self.calibration is not None and self.calibration.variance_targeted
        return uncertainty(self.parameters, history.returns, targeted=targeted, leverage=self.leverage)

    def standard_errors(self, history: DailyHistory) -> dict[str, float | None]:
        """Standard errors by parameter name, robust, on a bound by profile likelihood; None where it was not fitted.

        :raises CalibrationError: when the likelihood of the history has no maximum at the parameters.
        """
        return self.uncertainty(history).standard_errors

    def summary(self, history: DailyHistory) -> FitSummary:
        """Parameters with their errors, criteria, covariance and tests, for the history that it was fitted to.

        What the likelihood does not tell is left out, with a note; halts are left out, as they are from the fit.

        :raises ObservationError: for returns that cannot be filtered, or too few of them to be tested.
        """
        told: Uncertainty | None = None
        note = ""
        try:
            told = self.uncertainty(history)
        except CalibrationError as error:
            note = f"without standard errors: {error}"
        traded = traded_days(history.returns)
        path = self.filter(DailyHistory.from_returns(history.returns[traded]))
        return summarize(
            "GJR-GARCH(1,1)" if self.leverage else "GARCH(1,1)",
            self.parameters,
            self._fitted,
            told=told,
            note=note,
            log_likelihood=path.state.log_likelihood,
            residuals=path.standardized_residuals,
            dates=None if history.dates is None else history.dates[traded],
        )

    @property
    def _fitted(self) -> tuple[str, ...]:
        """Parameters that a fit of this kind of model searches."""
        mean = () if self.parameters.mu == 0.0 else ("mu",)
        gamma = ("gamma",) if self.leverage else ()
        density = {"normal": (), "t": ("nu",), "skewt": ("nu", "skew")}[self.parameters.distribution]
        return (*mean, "omega", "alpha", *gamma, "beta", *density)

    def start(self) -> GjrState:
        """State before any return is seen."""
        return GjrState(self.parameters.initial_variance)

    def update(self, state: GjrState, observation: DailyObservation) -> GjrState:
        """As the contract says.

        :raises ObservationError: for a return that is not finite, or beyond 50 standard deviations, the day's or, where
            they are wider, those of the sample that the parameters were fitted to.
        """
        return_, c = observation.return_, self.parameters.coefficients
        variance, z, density = _step(c, state.variance, return_)
        if _far(c, state.variance, return_, MAX_DEVIATIONS):
            raise ObservationError(_outlier(return_, z, state.observations))
        return GjrState(variance, state.log_likelihood + density, state.observations + 1)

    def standardized(self, state: GjrState, return_: float) -> float:
        """The next daily return in units of the volatility that ``state`` expects of it, its mean removed."""
        return (return_ - self.parameters.mu) / math.sqrt(state.variance)

    def detect_regime_change(
        self, history: DailyHistory, *, false_alarms_per_year: float = 0.5, ratio: float = 1.5, seed: int = 0
    ) -> NDArray[np.int8]:
        """Which of n days show that the model's scale stops fitting: +1 wider, -1 narrower, 0 none, shape (n,).

        The test, its arguments and its errors are those of
        :class:`~alo_lib.volatility.change_detection.ChangeDetector`, which a stream uses itself: designed once, then
        updated with :meth:`standardized` of each return.

        :raises ObservationError: for a return that is not finite, or beyond 50 conditional standard deviations.
        """
        detector = ChangeDetector.design(
            self.parameters, false_alarms_per_year=false_alarms_per_year, ratio=ratio, seed=seed
        )
        return detector.watch(self.filter(history).standardized_residuals)

    def filter(self, history: DailyHistory, state: GjrState | None = None) -> GjrPath:
        """As the contract says, with each day's conditional variance and standardized residual."""
        data = history.returns
        begin = self.start() if state is None else state
        variances, shocks = np.empty_like(data), np.empty_like(data)
        variance, log_likelihood, bad = _run(
            self.parameters.coefficients,
            begin.variance,
            begin.log_likelihood,
            data,
            MAX_DEVIATIONS,
            variances,
            shocks,
        )
        if bad >= 0:
            raise ObservationError(_outlier(float(data[bad]), float(shocks[bad]), begin.observations + bad))
        return GjrPath(variances, shocks, GjrState(variance, log_likelihood, begin.observations + data.size))

    def forecast(self, state: GjrState, trading_days: ArrayLike) -> Array:
        """As the contract says: E[v_k] = L + p^(k-1) (v_1 - L), with the long-run variance L and the persistence p.

        A fraction of a day takes that fraction of the day's variance, so that less than one day gives the next day's.
        """
        return self._mean_variance(np.float64(state.variance), check_trading_days(trading_days))

    def forecast_path(self, path: GjrPath, trading_days: ArrayLike) -> Array:
        """As the contract says; every day has a forecast."""
        return self._mean_variance(path.next_variance[:, None], check_trading_days(trading_days))

    def log_share(self, state: GjrState, trading_days: float) -> float:
        """As the contract says."""
        p = self.parameters
        return gjr_distribution(p).log_share(state.variance / p.long_run_variance, trading_days)

    def log_quantiles(self, state: GjrState, trading_days: float, proxy: Proxy = "returns") -> Array:
        """As the contract says, of paths from the state on; parameters that were not fitted count as known."""
        days, p, fit = float(check_trading_days(float(trading_days))), self.parameters, self.calibration
        tables, ratio = gjr_distribution(p), state.variance / p.long_run_variance
        if proxy == "range":
            return tables.range_quantiles(ratio, days, None if fit is None else fit.observations)
        paths = tables.quantiles(ratio, days, proxy)
        return paths if fit is None else widened(paths, unknown_of_garch(days, fit.observations, proxy))

    def restore(self, values: Mapping[str, Any]) -> GjrState:
        """As the contract says."""
        state = state_of(GjrState, values, "a state of GJR-GARCH")
        if not 0.0 < state.variance < math.inf:
            raise ParameterError(f"variance must be finite and positive, but it is {state.variance!r}")
        return state

    def _mean_variance(self, variance: ArrayLike, days: Array) -> Array:
        """Mean expected daily variance over ``days`` from the next day's ``variance``; the two broadcast."""
        p, long_run = self.parameters.persistence, self.parameters.long_run_variance
        whole = np.floor(days)
        last = power(p, whole)
        decayed = ((1.0 - last) / (1.0 - p) + (days - whole) * last) / days
        return np.asarray(long_run + decayed * (np.asarray(variance) - long_run), dtype=np.float64)

    def quantile(self, state: GjrState, probability: float) -> float:
        """The next daily return below which it falls with ``probability``: at 1 %, the value-at-risk with its sign.

        :raises ParameterError: for a probability outside (0, 1).
        """
        if not 0.0 < probability < 1.0:
            raise ParameterError(f"probability must be in (0, 1), but it is {probability!r}")
        shock = shock_quantile(probability, self.parameters.nu, self.parameters.skew)
        return self.parameters.mu + math.sqrt(state.variance) * shock

    def simulate(self, count: int, seed: int, state: GjrState | None = None) -> tuple[Array, Array]:
        """Draw ``count`` daily returns and their conditional variances, each of shape (count,), fixed by ``seed``.

        Starts from ``state``, or from the long-run variance.

        :raises ParameterError: for a count below one.
        """
        if count < 1:
            raise ParameterError(f"count must be at least 1, but it is {count}")
        shocks = sample_shocks(count, self.parameters.nu, self.parameters.skew, np.random.default_rng(seed))
        returns, variances = np.empty(count), np.empty(count)
        begin = self.parameters.long_run_variance if state is None else state.variance
        _simulate(self.parameters.coefficients, begin, shocks, returns, variances)
        return returns, variances

    def simulate_paths(self, state: GjrState, days: int, *, paths: int, seed: int) -> Array:
        """As the contract says, with shocks of the model's own density."""
        check_paths(days, paths, seed)
        shocks = sample_shocks(paths * days, self.parameters.nu, self.parameters.skew, np.random.default_rng(seed))
        returns = np.empty((paths, days))
        _simulate_paths(self.parameters.coefficients, state.variance, shocks.reshape(paths, days), returns)
        return returns


def _outlier(return_: float, z: float, index: int) -> str:
    if math.isnan(z) or math.isinf(return_):
        return f"returns must be finite, but observation {index} is {return_!r}"
    return (
        f"returns must lie within {MAX_DEVIATIONS:g} conditional standard deviations, but observation {index} "
        f"is {return_!r}, which is {z:.1f}: an unadjusted split or a wrong price?"
    )
