"""Hidden Markov regimes of daily returns: fitted by Baum and Welch's iteration, filtered online without looking ahead.

The iteration's own probabilities are smoothed: what they say of a day depends on the days after it. Whoever looks at
regimes as time goes by needs the filtered probabilities of this module, P(regime of day t | returns up to t), which
each day updates in constant time.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.baum_welch import HiddenMarkovFit, baum_welch
from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.errors import CalibrationError, ObservationError, ParameterError
from alo_lib.volatility.history import DailyHistory, DailyObservation
from alo_lib.volatility.horizons import HORIZONS, check_trading_days, interpolated_log_share
from alo_lib.volatility.model import VolatilityModel
from alo_lib.volatility.paths import check_paths
from alo_lib.volatility.registry import register
from alo_lib.volatility.returns import MAX_DEVIATIONS, MIN_OBSERVATIONS, check_returns, traded_days
from alo_lib.volatility.saving import state_of
from alo_lib.volatility.variance_distribution import Proxy, regime_distribution, unknown_of_regimes, widened
from alo_lib.volatility.variance_paths import DAYS

__all__ = ["RegimeModel", "RegimeParameters", "RegimePath", "RegimeState"]

Array = NDArray[np.float64]

_MAX_ITERATIONS = 2000
_TOLERANCE = 1e-3
"""Gain of log likelihood by an iteration at which one start is done; data tell about 0.5 apart."""
_LEAST_SHARE = 0.01
"""A regime that holds fewer of the days is an outlier with a name."""
_SPREAD = 3.0
"""Standard deviations of the first guess lie between the sample's divided and multiplied by this, before jitter."""
_STAY = 0.97
_ROUNDING = 1e-9
"""Of probabilities that sum to one."""


@kernel
def _regime_step(
    predicted: Array, means: Array, variances: Array, return_: float, filtered: Array
) -> tuple[float, float]:
    """Bayes' rule for a day: fill ``filtered`` (k,); the log likelihood, and the least distance from a regime."""
    best, nearest = -math.inf, math.inf
    for i in range(means.shape[0]):
        z = (return_ - means[i]) / math.sqrt(variances[i])
        filtered[i] = -0.5 * (z * z + math.log(2.0 * math.pi * variances[i]))
        best = max(best, filtered[i])
        nearest = min(nearest, abs(z))
    total = 0.0
    for i in range(means.shape[0]):
        filtered[i] = predicted[i] * math.exp(filtered[i] - best)
        total += filtered[i]
    for i in range(means.shape[0]):
        filtered[i] /= total
    return best + math.log(total), nearest


@kernel
def _predict(filtered: Array, transition: Array, predicted: Array) -> None:
    """Fill ``predicted`` (k,) with the regime mix one day after ``filtered``."""
    for j in range(filtered.shape[0]):
        mass = 0.0
        for i in range(filtered.shape[0]):
            mass += filtered[i] * transition[i, j]
        predicted[j] = mass


@kernel
def _filter(
    predicted: Array,
    log_likelihood: float,
    means: Array,
    variances: Array,
    transition: Array,
    returns: Array,
    limit: float,
    paths: Array,
) -> tuple[float, int]:
    """All days: fill ``paths`` (n, k), leave the next mix in ``predicted``; the log likelihood, the first bad day."""
    for t in range(returns.shape[0]):
        density, nearest = _regime_step(predicted, means, variances, returns[t], paths[t])
        if not nearest <= limit:
            return log_likelihood, t
        log_likelihood += density
        _predict(paths[t], transition, predicted)
    return log_likelihood, -1


@dataclass(frozen=True)
class RegimeParameters:
    """A Gaussian hidden Markov model with k regimes in order of variance, so that labels keep their meaning.

    ``means`` and ``variances`` (k,) are daily, in decimals; ``transition`` (k, k) has rows that sum to one.

    :raises ParameterError: for shapes that differ, variances out of order, or rows that are no probabilities.
    """

    means: tuple[float, ...]
    variances: tuple[float, ...]
    transition: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        k = len(self.variances)
        if k < 2 or len(self.means) != k or len(self.transition) != k or any(len(row) != k for row in self.transition):
            raise ParameterError(
                f"regimes need 2 or more means, variances and transition rows alike, but they are {self}"
            )
        if not all(math.isfinite(m) for m in self.means):
            raise ParameterError(f"means must be finite, but they are {self.means}")
        if not all(math.isfinite(v) and v > 0.0 for v in self.variances) or list(self.variances) != sorted(
            self.variances
        ):
            raise ParameterError(f"variances must be positive and ascending, but they are {self.variances}")
        for row in self.transition:
            if not (all(0.0 <= p <= 1.0 for p in row) and abs(math.fsum(row) - 1.0) < 1e-9):
                raise ParameterError(f"transition rows must be probabilities that sum to 1, but one is {row}")

    @cached_property
    def stationary(self) -> Array:
        """Long-run share of each regime, shape (k,)."""
        k = len(self.variances)
        system = np.vstack([np.asarray(self.transition).T - np.eye(k), np.ones(k)])
        solution = np.linalg.lstsq(system, np.append(np.zeros(k), 1.0), rcond=None)[0]
        shares: Array = np.clip(solution, 0.0, 1.0)
        return shares / np.sum(shares)

    @property
    def expected_days(self) -> tuple[float, ...]:
        """Expected length of a stay in each regime, trading days (infinite when it is never left)."""
        return tuple(1.0 / (1.0 - row[i]) if row[i] < 1.0 else math.inf for i, row in enumerate(self.transition))

    @property
    def volatilities(self) -> tuple[float, ...]:
        """Annualized volatility of each regime."""
        return tuple(math.sqrt(TRADING_DAYS * variance) for variance in self.variances)


@dataclass(frozen=True, slots=True)
class RegimeState:
    """Filtered probability of each regime on the last day seen (None before the first), and what led there."""

    probabilities: tuple[float, ...] | None = None
    log_likelihood: float = 0.0
    observations: int = 0

    @property
    def regime(self) -> int | None:
        """The likeliest regime; 0 is the calmest."""
        return None if self.probabilities is None else self.probabilities.index(max(self.probabilities))

    def to_dict(self) -> dict[str, object]:
        """Fields for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class RegimePath(ByContent):
    """Filtered probabilities of n days, shape (n, k), and the state after the last."""

    probabilities: Array
    state: RegimeState


@register
@dataclass(frozen=True)
class RegimeModel(VolatilityModel[RegimeState, RegimePath]):
    """Regimes with known parameters; the model reads the returns alone."""

    name: ClassVar[str] = "regimes"

    parameters: RegimeParameters
    log_likelihood: float | None = None
    """Of the sample it was fitted on; None when the parameters were given."""

    @classmethod
    def fit(
        cls,
        history: DailyHistory,
        *,
        horizons: tuple[int, ...] = HORIZONS,
        warm_start: Self | None = None,
        min_observations: int = MIN_OBSERVATIONS,
        regimes: int = 2,
        restarts: int = 6,
        seed: int = 0,
    ) -> Self:
        """Fit by EM from ``restarts`` seeded starts, and keep the likeliest: no earlier fit is begun from.

        :raises ObservationError: for returns that cannot be used, see
            :func:`~alo_lib.volatility.returns.check_returns`.
        :raises ParameterError: for fewer than two regimes or one restart.
        :raises CalibrationError: when no start converges to regimes that each hold at least 1 % of the days.
        """
        if regimes < 2:
            raise ParameterError(f"regimes must be 2 or more, but it is {regimes}")
        if restarts < 1:
            raise ParameterError(f"restarts must be 1 or more, but it is {restarts}")
        data = check_returns(history.returns, min_observations=min_observations)
        data = data[traded_days(data)]
        scale = float(np.std(data))
        sample = data / scale
        generator = np.random.default_rng(seed)
        best: HiddenMarkovFit | None = None
        for _ in range(restarts):
            found = baum_welch(
                sample, *_first_guess(regimes, generator), most_iterations=_MAX_ITERATIONS, tolerance=_TOLERANCE
            )
            if found is None or float(np.min(found.shares)) < _LEAST_SHARE:
                continue
            if best is None or found.log_likelihood > best.log_likelihood:
                best = found
        if best is None:
            still = np.count_nonzero(data == 0.0) / data.size
            unmoved = f" ({still:.0%} of them are zero)" if still > _LEAST_SHARE else ""
            raise CalibrationError(
                f"no fit of {regimes} regimes to {data.size} returns{unmoved} out of {restarts} starts converged with "
                f"{_LEAST_SHARE:.0%} of the days or more in each, not all of them alike; fewer regimes may do"
            )
        fitted = cls(_ordered(best, scale))
        return cls(fitted.parameters, fitted.filter(history).state.log_likelihood)

    def start(self) -> RegimeState:
        """State before any return is seen."""
        return RegimeState()

    def update(self, state: RegimeState, observation: DailyObservation) -> RegimeState:
        """As the contract says.

        :raises ObservationError: for a return that is not finite, or beyond 50 deviations from every regime's mean.
        """
        return self._filtered(np.array([observation.return_], dtype=np.float64), state).state

    def filter(self, history: DailyHistory, state: RegimeState | None = None) -> RegimePath:
        """As the contract says, with each day's filtered probabilities."""
        return self._filtered(history.returns, self.start() if state is None else state)

    def _filtered(self, data: Array, begin: RegimeState) -> RegimePath:
        means, variances, transition = self._arrays
        predicted = self.mix(begin, 1)
        paths = np.empty((data.size, means.size))
        log_likelihood, bad = _filter(
            predicted, begin.log_likelihood, means, variances, transition, data, MAX_DEVIATIONS, paths
        )
        if bad >= 0:
            raise ObservationError(_outlier(float(data[bad]), begin.observations + bad))
        if data.size == 0:
            return RegimePath(paths, begin)
        last = tuple(float(p) for p in paths[-1])
        return RegimePath(paths, RegimeState(last, log_likelihood, begin.observations + data.size))

    def mix(self, state: RegimeState, horizon_days: int) -> Array:
        """Expected probability of each regime ``horizon_days`` after ``state``'s day, shape (k,); 0 is that day itself.

        :raises ParameterError: for a negative horizon.
        """
        if horizon_days < 0:
            raise ParameterError(f"horizon_days must be 0 or more, but it is {horizon_days}")
        if state.probabilities is None:
            return self.parameters.stationary.copy()
        predicted = np.array(state.probabilities)
        transition = self._arrays[2]
        for _ in range(horizon_days):
            filtered = predicted.copy()
            _predict(filtered, transition, predicted)
        return predicted

    def forecast(self, state: RegimeState, trading_days: ArrayLike) -> Array:
        """As the contract says: the variance in and between the regimes."""
        days = check_trading_days(trading_days)
        means = self._mean_variance(self.mix(state, 0)[None, :], days.reshape(-1))
        return np.asarray(means[0].reshape(days.shape))

    def forecast_path(self, path: RegimePath, trading_days: ArrayLike) -> Array:
        """As the contract says; every day has a forecast."""
        return self._mean_variance(path.probabilities, check_trading_days(trading_days))

    def log_share(self, state: RegimeState, trading_days: float) -> float:
        """As the contract says; the variance of a day is its regime's."""
        tables = regime_distribution(self.parameters.variances, self.parameters.transition)
        return interpolated_log_share(DAYS, tables.log_shares(self.mix(state, 0)), trading_days)

    def log_quantiles(self, state: RegimeState, trading_days: float, proxy: Proxy = "returns") -> Array:
        """As the contract says, of paths from the day's mix on; a fit counts as one to the days that were filtered."""
        tables = regime_distribution(self.parameters.variances, self.parameters.transition)
        days = float(check_trading_days(float(trading_days)))
        paths = tables.log_quantiles(self.mix(state, 0), days, proxy) - math.log(float(self.forecast(state, days)))
        if self.log_likelihood is None:
            return paths
        return widened(paths, unknown_of_regimes(days, max(state.observations, MIN_OBSERVATIONS)))

    def restore(self, values: Mapping[str, Any]) -> RegimeState:
        """As the contract says."""
        state = state_of(RegimeState, values, "a state of regimes")
        mix = state.probabilities
        if mix is not None and (
            len(mix) != len(self.parameters.means)
            or not all(0.0 <= p <= 1.0 for p in mix)
            or abs(math.fsum(mix) - 1.0) > _ROUNDING
        ):
            raise ParameterError(
                f"a state of {len(self.parameters.means)} regimes has as many probabilities, not {mix!r:.80}"
            )
        return state

    def simulate_paths(self, state: RegimeState, days: int, *, paths: int, seed: int) -> Array:
        """As the contract says: each path goes through regimes of its own."""
        check_paths(days, paths, seed)
        means, variances, transition = self._arrays
        generator = np.random.default_rng(seed)
        chances, shocks = generator.random((days, paths)), generator.standard_normal((days, paths))
        reached, mix = np.empty((days, paths), dtype=np.intp), np.tile(self.mix(state, 1), (paths, 1))
        for day in range(days):
            # Rounding may leave the last sum below one.
            passed = chances[day][:, None] >= np.cumsum(mix, axis=1)[:, :-1]
            reached[day] = np.sum(passed, axis=1)
            mix = transition[reached[day]]
        return np.ascontiguousarray((means[reached] + np.sqrt(variances)[reached] * shocks).T)

    def _mean_variance(self, probabilities: Array, days: Array) -> Array:
        """Mean expected daily variance over ``days`` (m,) after days of ``probabilities`` (n, k): shape (n, m)."""
        means, variances, transition = self._arrays
        whole = np.floor(days)
        mix, total = probabilities, np.zeros(probabilities.shape[0])
        out = np.empty((probabilities.shape[0], days.size))
        for day in range(int(np.max(whole, initial=0.0)) + 1):
            mix = mix @ transition
            following = total + mix @ (variances + np.square(means)) - np.square(mix @ means)
            for i in np.flatnonzero(whole == day):
                out[:, i] = (total + (days[i] - day) * (following - total)) / days[i]
            total = following
        return out

    @cached_property
    def _arrays(self) -> tuple[Array, Array, Array]:
        p = self.parameters
        return np.array(p.means), np.array(p.variances), np.array(p.transition)


def _outlier(return_: float, index: int) -> str:
    if not math.isfinite(return_):
        return f"returns must be finite, but observation {index} is {return_!r}"
    return (
        f"returns must lie within {MAX_DEVIATIONS:g} standard deviations of a regime's mean, but observation {index} "
        f"is {return_!r}: an unadjusted split or a wrong price?"
    )


def _first_guess(regimes: int, generator: np.random.Generator) -> tuple[Array, Array, Array]:
    """Means, variances and transition, jittered, for observations of unit variance."""
    deviations = np.geomspace(1.0 / _SPREAD, _SPREAD, regimes) * np.exp(0.3 * generator.standard_normal(regimes))
    leave = (1.0 - _STAY) / (regimes - 1)
    transition = np.full((regimes, regimes), leave) + np.eye(regimes) * (_STAY - leave)
    return 0.1 * generator.standard_normal(regimes), np.square(deviations), transition


def _ordered(fit: HiddenMarkovFit, scale: float) -> RegimeParameters:
    """The fit in the data's units, calmest regime first."""
    order = np.argsort(fit.variances, kind="stable")
    return RegimeParameters(
        means=tuple(float(m) * scale for m in fit.means[order]),
        variances=tuple(float(v) * scale * scale for v in fit.variances[order]),
        transition=tuple(tuple(float(p) for p in row) for row in fit.transition[np.ix_(order, order)]),
    )
