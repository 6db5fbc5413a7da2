"""Maximum likelihood of GJR-GARCH(1,1): cold and warm, with variance targeting where a free fit cannot be trusted."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.elementwise import power
from alo_lib.numerics.fixed_order import dot, product
from alo_lib.volatility.errors import CalibrationError, ObservationError, ParameterError
from alo_lib.volatility.innovations import DISTRIBUTIONS, Distribution, downside_share
from alo_lib.volatility.likelihood import BETA, DOWN, MU, NU, OMEGA, SKEW, UP, likelihood
from alo_lib.volatility.parameters import LEAST_SHARE, GjrParameters
from alo_lib.volatility.quasi_newton import Optimum, maximize
from alo_lib.volatility.returns import MIN_OBSERVATIONS, check_returns, traded_days

__all__ = ["Calibration", "Mean", "Profile", "Uncertainty", "VarianceTargeting", "calibrate_gjr", "uncertainty"]

Array = NDArray[np.float64]
Mean = Literal["constant", "zero"]
"""Of returns: fitted, or taken to be zero."""
VarianceTargeting = Literal["never", "fallback", "always"]
"""When the long-run variance is the sample's: never, where a free fit cannot be trusted, or in any case."""

MAX_PERSISTENCE = 0.9999
"""Above it a shock halves in more than 27 years: the sample does not tell a long-run variance, and forecasts over an
option's life would rest on one that the data do not contain."""

MAX_LONG_RUN_RATIO = 4.0
"""A free fit whose long-run variance is further than this factor from the sample's has drawn it from the persistence
alone; a forecast of months would drift to a level that was never seen."""

MAX_ITERATIONS = 200

LEAST_OBSERVATIONS = 30
"""Fewer returns tell no seven parameters, whatever a caller allows."""

_BACKCAST_DAYS = 75
_BACKCAST_DECAY = 0.94

_COLD_NU, _COLD_SKEW = 8.0, -0.05


class _Start(NamedTuple):
    """Where a search begins: weights after a gain and a loss, retention, and the shape of the shocks."""

    up: float
    down: float
    retention: float
    nu: float = _COLD_NU
    skew: float = _COLD_SKEW


_COLD_STARTS = (
    _Start(0.03, 0.13, 0.97),
    _Start(0.30, 0.30, 0.10),
    _Start(0.01, 0.02, 0.99),
    _Start(0.10, 0.00, 0.90),
    _Start(0.00, 0.05, 0.995),
    _Start(0.00, 0.30, 0.70, nu=4.0, skew=0.0),
)
"""The likelihood of a year or two has several maxima: a long memory, a short one, and none. Of 1,200 windows of 250 to
1,250 days of 21 series the first start alone missed the best of 28 by more than 1e-3 in 36, by up to 5.0; these never
did, and fewer would."""
_BETTER = 1e-4
"""Log likelihood by which a later start must end above an earlier one: below, they have met at one maximum."""

_MOST_STILL = 0.1
"""Share of days without a move, halts aside, up to which a t is fitted. It takes more of them for its peak: of returns
that do not move on 20 % to 70 % of days its forecasts were off by a seventh to a factor of twenty, those of the
normal's quasi-likelihood, which is consistent whatever the density (Bollerslev and Wooldridge 1992), by 5 % or so."""
_MOST_WEIGHT = 0.999
"""Of yesterday's squared residual where a search left the stationary models: there the variance has no mean to hold."""
_MOST_OFF = 10.0
"""Standard deviations that the fitted mean may lie from the sample's."""
_MAX_NU = {"t": 500.0, "skewt": 300.0, "normal": math.inf}
"""As in arch; beyond it a t is a normal."""

_SHARE_STEP = 1e-5
_HESSIAN_STEP = 1e-4
_NEAR = 0.1
"""Log likelihood that parameters may lie below the maximum and still have standard errors."""

_ERROR_FALL = 0.5
"""Log likelihood that is lost a standard error away from the maximum of a parabola."""
_BOUND_FALL = 1.3527717270
"""Half of 2.7055, which the likelihood ratio of a parameter truly on its bound, zero half of the time and else
chi-squared with one degree, exceeds once in twenty times (Chernoff 1954; Self and Liang 1987)."""
_PROFILE_TOLERANCE = 1e-4
_PROFILE_STEPS = 60

_NAMES = ("mu", "omega", "alpha", "gamma", "beta", "nu", "skew")

# Coordinates of the search are those of the likelihood, but in beta's place its share of what the shocks' own weights
# leave of one, so that stationarity is a bound: persistence = 1 - (1 - retention) (1 - weight).
_RETENTION = BETA


@dataclass(frozen=True)
class Calibration:
    """How a fit went."""

    log_likelihood: float
    """Of the returns in decimals."""
    observations: int
    iterations: int
    start: Literal["warm", "cold"]
    variance_targeted: bool
    """The long-run variance was set to the sample's, not fitted."""
    note: str
    """Why variance targeting stepped in, or why a warm start was left; empty otherwise."""
    leverage: bool = True
    """False where gamma was held at 0."""


class Profile(NamedTuple):
    """What the profile likelihood says of a parameter on its bound, the others fitted anew at each value.

    ``standard_error`` is the distance at which half of a unit of log likelihood is lost, None where that lies beyond
    the parameter's domain; ``interval`` holds 95 % from the bound on.
    """

    standard_error: float | None
    interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """How well a sample tells parameters."""

    names: tuple[str, ...]
    """Parameters with a normal limit, in the order of the covariance."""
    covariance: Array
    """Robust covariance of their estimates (k, k): the sandwich of Bollerslev and Wooldridge (1992)."""
    profiles: Mapping[str, Profile]
    """Of fitted parameters on a bound."""

    @property
    def standard_errors(self) -> dict[str, float | None]:
        """By name; None for a parameter that was not fitted."""
        roots = dict(zip(self.names, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))
        return {
            name: self.profiles[name].standard_error if name in self.profiles else roots.get(name) for name in _NAMES
        }


def backcast_variance(residuals: Array) -> float:
    """Exponentially weighted mean of the first 75 squared residuals, which is what arch starts its recursion from."""
    days = min(_BACKCAST_DAYS, residuals.size)
    weights = power(_BACKCAST_DECAY, np.arange(days))
    return float(np.sum(np.square(residuals[:days]) * (weights / np.sum(weights))))


_Fit = tuple[GjrParameters, Calibration]


def calibrate_gjr(
    returns: ArrayLike,
    *,
    distribution: Distribution = "skewt",
    mean: Mean = "constant",
    variance_targeting: VarianceTargeting = "fallback",
    warm_start: GjrParameters | None = None,
    min_observations: int = MIN_OBSERVATIONS,
    leverage: bool = True,
) -> tuple[GjrParameters, Calibration]:
    """Fit daily ``returns`` (decimals, shape (n,)); the same input gives the same bits.

    Halts are left out, and returns that hardly ever move are fitted with normal shocks; both are noted. Without
    ``leverage`` gamma is held at 0: the GARCH(1,1) of Bollerslev (1986).

    ``warm_start`` is taken when it converges, else the best of the cold starts. Variance targeting sets the long-run
    variance to the sample's: ``always``, or as a ``fallback``, noted in the calibration, when the free fit is not
    stationary or its long-run variance is far from the sample's; ``never`` refuses such fits.

    :raises ObservationError: for returns that cannot be used, see :func:`~alo_lib.volatility.returns.check_returns`.
    :raises ParameterError: for an unknown distribution, mean or targeting.
    :raises CalibrationError: when no start converges, or the fit is not stationary and may not be targeted.
    """
    _check_choice("distribution", distribution, DISTRIBUTIONS)
    _check_choice("mean", mean, get_args(Mean))
    _check_choice("variance_targeting", variance_targeting, get_args(VarianceTargeting))
    data, notes = _usable(returns, min_observations), []
    if halted := np.size(returns) - data.size:
        notes.append(f"{halted} of {np.size(returns)} days are left out, halts without a move")
    still = np.count_nonzero(data == 0.0) / data.size
    if still > _MOST_STILL and distribution != "normal":
        notes.append(f"{still:.0%} of days do not move, which no {distribution} can tell: the shocks are normal")
        distribution = "normal"
    problem = _Problem(data, distribution, mean, leverage=leverage)
    parameters, calibration = _fit(problem, variance_targeting, warm_start)
    return parameters, replace(calibration, note="; ".join(filter(None, (calibration.note, *notes))))


def uncertainty(
    parameters: GjrParameters, returns: ArrayLike, *, targeted: bool = False, leverage: bool = True
) -> Uncertainty:
    """How well ``returns`` (n,) tell the parameters that were fitted to them, robust to shocks of another distribution.

    The sandwich has the Hessian from differences of the exact score. Parameters on their bound have no normal limit:
    the others are told as if these were known, and these by the profile of the likelihood. ``targeted`` takes the
    long-run variance as the sample's, which it is known to be after variance targeting.

    :raises ObservationError: for returns that cannot be used.
    :raises CalibrationError: when the likelihood has no maximum at ``parameters``.
    """
    data = _usable(returns, LEAST_OBSERVATIONS)
    mean: Mean = "zero" if parameters.mu == 0.0 else "constant"
    return _Problem(data, parameters.distribution, mean, leverage=leverage).uncertainty(parameters, targeted=targeted)


def _usable(returns: ArrayLike, min_observations: int) -> Array:
    """The checked returns (m,) of the days that tell of volatility."""
    data = check_returns(returns, min_observations=max(min_observations, LEAST_OBSERVATIONS))
    data = data[traded_days(data)]
    if data.size < LEAST_OBSERVATIONS:
        raise ObservationError(
            f"returns must hold at least {LEAST_OBSERVATIONS} outside halts, days in a row without a move, but there "
            f"are {data.size}"
        )
    return data


def _fit(problem: "_Problem", variance_targeting: VarianceTargeting, warm_start: GjrParameters | None) -> _Fit:
    """The free fit, or one at the sample's variance."""
    if variance_targeting == "always":
        return problem.solve(warm_start, targeted=True, reason="")
    try:
        parameters, calibration = problem.solve(warm_start, targeted=False, reason="")
        reason = _doubt(parameters, problem.variance)
        if not reason:
            return parameters, calibration
    except CalibrationError as error:
        reason = str(error)
    if variance_targeting == "never":
        raise CalibrationError(f"{reason}; variance targeting may help")
    return problem.solve(warm_start, targeted=True, reason=reason)


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ParameterError(f"{name} must be one of {', '.join(allowed)}, but it is {value!r}")


def _doubt(parameters: GjrParameters, variance: float) -> str:
    """Why a free fit should not be forecast with; empty when it may."""
    if parameters.persistence >= MAX_PERSISTENCE:
        return f"the free fit is not stationary: its persistence is at {MAX_PERSISTENCE} or above"
    ratio = parameters.long_run_variance / variance
    if not 1.0 / MAX_LONG_RUN_RATIO <= ratio <= MAX_LONG_RUN_RATIO:
        return f"the free fit's long-run variance is {ratio:.3g} times the sample's; {MAX_LONG_RUN_RATIO:g} is allowed"
    return ""


class _Problem:
    """One sample and the choice of model, in units of the sample's standard deviation so that steps are comparable."""

    def __init__(self, data: Array, distribution: Distribution, mean: Mean, *, leverage: bool = True) -> None:
        self._distribution: Distribution = distribution
        self._mean: Mean = mean
        self._leverage = leverage
        centre = float(np.mean(data)) if mean == "constant" else 0.0
        self.variance = float(np.mean(np.square(data - centre)))
        self._scale = math.sqrt(self.variance)
        self._data = data / self._scale
        self._centre = centre / self._scale
        self._backcast = backcast_variance(self._data - self._centre)

    def solve(
        self, warm_start: GjrParameters | None, *, targeted: bool, reason: str
    ) -> tuple[GjrParameters, Calibration]:
        """The warm start's optimum, else the best of the cold ones', in natural units."""
        coordinates = self._coordinates(targeted)
        failures: list[str] = []

        def search(start: str, full: Array, capped: bool) -> Optimum | None:
            def objective(x: Array) -> tuple[float, Array, Array]:
                return self._evaluate(x, full, coordinates, targeted)

            lower, upper = (bound[coordinates] for bound in self._bounds(capped=capped))
            optimum = maximize(objective, full[coordinates], lower, upper, MAX_ITERATIONS)
            if optimum.message:
                failures.append(f"the {start} start did not converge: {optimum.message}")
                return None
            return optimum

        def result(start: Literal["warm", "cold"], optimum: Optimum, full: Array, note: str) -> _Fit:
            theta, _ = self._natural(optimum.point, full, coordinates, targeted)
            likelihood_ = optimum.value - self._data.size * math.log(self._scale)
            return self._parameters(theta), Calibration(
                likelihood_, self._data.size, optimum.iterations, start, targeted, note, self._leverage
            )

        if warm_start is not None:
            full = self._warm(warm_start)
            if (optimum := search("warm", full, capped=False)) is not None:
                return result("warm", optimum, full, reason)
        left = "; ".join(filter(None, (reason, *failures)))
        for capped in (False, True):
            best: tuple[Optimum, Array] | None = None
            for full in map(self._cold, _COLD_STARTS):
                optimum = search("cold", full, capped)
                if optimum is not None and (best is None or optimum.value > best[0].value + _BETTER):
                    best = optimum, full
            if best is not None:
                return result("cold", *best, left)
        raise CalibrationError(
            f"GJR-GARCH with distribution {self._distribution} did not converge on {self._data.size} returns from any "
            f"of {len(failures)} starts: {'; '.join(filter(None, (reason, *dict.fromkeys(failures))))}"
        )

    def uncertainty(self, parameters: GjrParameters, *, targeted: bool) -> Uncertainty:
        """See :func:`uncertainty`."""
        full = self._warm(parameters)
        bounded = [i for i in self._coordinates(targeted) if self._on_bound(full, i)]
        fitted = [i for i in self._coordinates(targeted) if i not in bounded]
        x = full[fitted]
        value, score, outer = self._evaluate(x, full, fitted, targeted)
        hessian = np.empty((x.size, x.size))
        for i in range(x.size):
            step = np.zeros_like(x)
            step[i] = _HESSIAN_STEP * max(abs(x[i]), _HESSIAN_STEP)
            above, below = (self._evaluate(x + sign * step, full, fitted, targeted)[1] for sign in (1.0, -1.0))
            hessian[i] = (above - below) / (2.0 * step[i])
        information = -0.5 * (hessian + hessian.T)
        peaked = bool(np.all(np.isfinite(information)) and np.all(np.linalg.eigvalsh(information) > 0.0))
        inverse = np.linalg.inv(information) if peaked else np.zeros_like(information)
        if not peaked or 0.5 * dot(product(score, inverse), score) > _NEAR:
            raise CalibrationError(f"the likelihood of these returns has no maximum at {parameters}")
        every = self._natural(x, full, fitted, targeted)[1]
        # Rows of the parameters' own names: alpha is up, gamma is down less up.
        rows = every[:, fitted]
        rows[DOWN] -= every[UP, fitted]
        units = np.ones(7)
        units[[MU, OMEGA]] = self._scale, self.variance
        rows *= units[:, None]
        covariance = rows @ inverse @ outer @ inverse @ rows.T
        told = [i for i in range(7) if np.any(rows[i] != 0.0)]
        profiles = {
            _NAMES[i]: self._profile(full, i, targeted, value, float(units[i] * every[i, i]))
            for i in bounded
            if i not in told
        }
        return Uncertainty(tuple(_NAMES[i] for i in told), covariance[np.ix_(told, told)], profiles)

    def _on_bound(self, full: Array, place: int) -> bool:
        lower, upper = self._bounds()
        return bool(np.isclose(full[place], [lower[place], upper[place]], rtol=1e-9, atol=1e-12).any())

    def _profile(self, full: Array, place: int, targeted: bool, best: float, unit: float) -> Profile:
        """The profile of the coordinate at ``place``, which is on a bound; ``unit`` brings it to its parameter's."""
        lower, upper = self._bounds()
        rest = [i for i in self._coordinates(targeted) if i != place]
        begin = float(full[place])
        away = 1.0 if abs(begin - lower[place]) <= abs(begin - upper[place]) else -1.0
        room = float(upper[place] - lower[place])

        def fall(distance: float) -> float:
            moved = full.copy()
            moved[place] = begin + away * distance

            def objective(x: Array) -> tuple[float, Array, Array]:
                return self._evaluate(x, moved, rest, targeted)

            return best - maximize(objective, full[rest], lower[rest], upper[rest], MAX_ITERATIONS).value

        found = [_distance(fall, wanted, room) for wanted in (_ERROR_FALL, _BOUND_FALL)]
        error = None if found[0] is None else found[0] * unit
        ends = [unit * begin, unit * (begin + away * (room if found[1] is None else found[1]))]
        return Profile(error, (min(ends), max(ends)))

    def _coordinates(self, targeted: bool) -> list[int]:
        """Those of the seven coordinates that are searched."""
        chosen = [MU] if self._mean == "constant" else []
        chosen += [] if targeted else [OMEGA]
        chosen += [UP, DOWN, _RETENTION] if self._leverage else [UP, _RETENTION]
        if self._distribution != "normal":
            chosen.append(NU)
        if self._distribution == "skewt":
            chosen.append(SKEW)
        return chosen

    def _bounds(self, *, capped: bool = False) -> tuple[Array, Array]:
        """Of the seven coordinates; ``capped`` is a box that holds stationary models alone."""
        most = (_MOST_WEIGHT, _MOST_WEIGHT) if capped else (1.0, 2.0)
        lower = np.array([self._centre - _MOST_OFF, 1e-7, 0.0, 0.0, 0.0, 2.05, -0.95])
        upper = np.array([self._centre + _MOST_OFF, 10.0, *most, MAX_PERSISTENCE, _MAX_NU[self._distribution], 0.95])
        return lower, upper

    def _cold(self, start: "_Start") -> Array:
        up, down, retention, nu, skew = start
        nu = math.inf if self._distribution == "normal" else nu
        skew = skew if self._distribution == "skewt" else 0.0
        if not self._leverage:
            up = down = 0.5 * (up + down)
        omega = (1.0 - retention) * (1.0 - 0.5 * (up + down))
        return np.array([self._centre, omega, up, down, retention, nu, skew])

    def _warm(self, warm: GjrParameters) -> Array:
        weight = warm.persistence - warm.beta
        cold = self._cold(_Start(warm.alpha, warm.alpha + warm.gamma, warm.beta / (1.0 - weight), _COLD_NU, _COLD_SKEW))
        cold[MU] = warm.mu / self._scale if self._mean == "constant" else 0.0
        cold[OMEGA] = warm.omega / self.variance
        if self._distribution != "normal" and math.isfinite(warm.nu):
            cold[NU] = warm.nu
        if self._distribution == "skewt":
            cold[SKEW] = warm.skew
        return cold

    def _natural(self, x: Array, full: Array, coordinates: list[int], targeted: bool) -> tuple[Array, Array]:
        """Natural coordinates (7,) at ``x``, and their derivatives by the seven coordinates of the search (7, 7)."""
        theta = full.copy()
        theta[coordinates] = x
        if not self._leverage:
            theta[DOWN] = theta[UP]
        retention, up, down, nu, skew = (float(theta[i]) for i in (_RETENTION, UP, DOWN, NU, SKEW))
        share = downside_share(nu, skew)
        left = 1.0 - (1.0 - share) * up - share * down
        by_left = np.zeros(7)
        by_left[[UP, DOWN]] = share - 1.0, -share
        if self._distribution == "skewt":
            by_nu = downside_share(nu + _SHARE_STEP, skew) - downside_share(nu - _SHARE_STEP, skew)
            by_skew = downside_share(nu, skew + _SHARE_STEP) - downside_share(nu, skew - _SHARE_STEP)
            by_left[[NU, SKEW]] = np.array([by_nu, by_skew]) * ((up - down) / (2.0 * _SHARE_STEP))
        jacobian = np.eye(7)
        if not self._leverage:
            by_left[[UP, DOWN]] = -1.0, 0.0
            jacobian[DOWN, [UP, DOWN]] = 1.0, 0.0
        theta[BETA] = retention * left
        jacobian[BETA] = retention * by_left
        jacobian[BETA, _RETENTION] = left
        if targeted:
            # The sample's variance is the unit.
            theta[OMEGA] = (1.0 - retention) * left
            jacobian[OMEGA] = (1.0 - retention) * by_left
            jacobian[OMEGA, _RETENTION] = -left
        return theta, jacobian

    def _evaluate(self, x: Array, full: Array, coordinates: list[int], targeted: bool) -> tuple[float, Array, Array]:
        theta, jacobian = self._natural(x, full, coordinates, targeted)
        # What the shocks' own weights leave of one must not be nothing, or there is no long-run variance.
        if not (jacobian[BETA, _RETENTION] >= 1.0 - MAX_PERSISTENCE and theta[OMEGA] > 0.0):
            return -math.inf, np.zeros(len(coordinates)), np.zeros((len(coordinates), len(coordinates)))
        value, score, outer = likelihood(theta, self._data, self._backcast, LEAST_SHARE)
        chosen = jacobian[:, coordinates]
        return value, product(score, chosen), product(product(chosen.T, outer), chosen)

    def _parameters(self, theta: Array) -> GjrParameters:
        up, down = float(theta[UP]), float(theta[DOWN])
        return GjrParameters(
            omega=float(theta[OMEGA]) * self.variance,
            alpha=up,
            gamma=down - up,
            beta=float(theta[BETA]),
            backcast=self._backcast * self.variance,
            mu=float(theta[MU]) * self._scale,
            nu=float(theta[NU]),
            skew=float(theta[SKEW]),
            sample=self.variance,
        )


def _distance(fall: Callable[[float], float], wanted: float, room: float) -> float | None:
    """Where a ``fall`` that grows with the distance reaches ``wanted``; None where it does not within ``room``."""
    low, high = 0.0, 1e-3 * room
    while fall(high) < wanted:
        if high >= room:
            return None
        low, high = high, min(2.0 * high, room)
    for _ in range(_PROFILE_STEPS):
        if high - low <= _PROFILE_TOLERANCE * high:
            break
        middle = 0.5 * (low + high)
        low, high = (middle, high) if fall(middle) < wanted else (low, middle)
    return 0.5 * (low + high)
