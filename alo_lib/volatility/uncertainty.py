"""How well a sample tells GJR-GARCH's parameters: a robust covariance, and profiles of what is on a bound."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.fixed_order import dot, product
from alo_lib.volatility.errors import CalibrationError
from alo_lib.volatility.likelihood import DOWN, MU, OMEGA, UP
from alo_lib.volatility.likelihood_problem import (
    LEAST_OBSERVATIONS,
    MAX_ITERATIONS,
    LikelihoodProblem,
    Mean,
    usable_returns,
)
from alo_lib.volatility.parameters import GjrParameters
from alo_lib.volatility.quasi_newton import maximize

__all__ = ["Profile", "Uncertainty", "uncertainty"]

Array = NDArray[np.float64]

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
    data = usable_returns(returns, LEAST_OBSERVATIONS)
    mean: Mean = "zero" if parameters.mu == 0.0 else "constant"
    problem = LikelihoodProblem(data, parameters.distribution, mean, leverage=leverage)
    full = problem.warm(parameters)
    bounded = [i for i in problem.coordinates(targeted) if problem.on_bound(full, i)]
    fitted = [i for i in problem.coordinates(targeted) if i not in bounded]
    x = full[fitted]
    value, score, outer = problem.evaluate(x, full, fitted, targeted)
    hessian = np.empty((x.size, x.size))
    for i in range(x.size):
        step = np.zeros_like(x)
        step[i] = _HESSIAN_STEP * max(abs(x[i]), _HESSIAN_STEP)
        above, below = (problem.evaluate(x + sign * step, full, fitted, targeted)[1] for sign in (1.0, -1.0))
        hessian[i] = (above - below) / (2.0 * step[i])
    information = -0.5 * (hessian + hessian.T)
    peaked = bool(np.all(np.isfinite(information)) and np.all(np.linalg.eigvalsh(information) > 0.0))
    inverse = np.linalg.inv(information) if peaked else np.zeros_like(information)
    if not peaked or 0.5 * dot(product(score, inverse), score) > _NEAR:
        raise CalibrationError(f"the likelihood of these returns has no maximum at {parameters}")
    every = problem.natural(x, full, fitted, targeted)[1]
    # Rows of the parameters' own names: alpha is up, gamma is down less up.
    rows = every[:, fitted]
    rows[DOWN] -= every[UP, fitted]
    units = np.ones(7)
    units[[MU, OMEGA]] = problem.scale, problem.variance
    rows *= units[:, None]
    covariance = rows @ inverse @ outer @ inverse @ rows.T
    told = [i for i in range(7) if np.any(rows[i] != 0.0)]
    profiles = {
        _NAMES[i]: _profile(problem, full, i, targeted, value, float(units[i] * every[i, i]))
        for i in bounded
        if i not in told
    }
    return Uncertainty(tuple(_NAMES[i] for i in told), covariance[np.ix_(told, told)], profiles)


def _profile(problem: LikelihoodProblem, full: Array, place: int, targeted: bool, best: float, unit: float) -> Profile:
    """The profile of the coordinate at ``place``, which is on a bound; ``unit`` brings it to its parameter's."""
    lower, upper = problem.bounds()
    rest = [i for i in problem.coordinates(targeted) if i != place]
    begin = float(full[place])
    away = 1.0 if abs(begin - lower[place]) <= abs(begin - upper[place]) else -1.0
    room = float(upper[place] - lower[place])

    def fall(distance: float) -> float:
        moved = full.copy()
        moved[place] = begin + away * distance

        def objective(x: Array) -> tuple[float, Array, Array]:
            return problem.evaluate(x, moved, rest, targeted)

        return best - maximize(objective, full[rest], lower[rest], upper[rest], MAX_ITERATIONS).value

    found = [_distance(fall, wanted, room) for wanted in (_ERROR_FALL, _BOUND_FALL)]
    error = None if found[0] is None else found[0] * unit
    ends = [unit * begin, unit * (begin + away * (room if found[1] is None else found[1]))]
    return Profile(error, (min(ends), max(ends)))


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
