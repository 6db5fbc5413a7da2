"""Maximum likelihood of GJR-GARCH(1,1): cold and warm, with variance targeting where a free fit cannot be trusted."""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.volatility.errors import CalibrationError, ParameterError
from alo_lib.volatility.innovations import DISTRIBUTIONS, Distribution
from alo_lib.volatility.likelihood_problem import (
    MAX_ITERATIONS,
    MAX_PERSISTENCE,
    LikelihoodProblem,
    Mean,
    Start,
    usable_returns,
)
from alo_lib.volatility.parameters import GjrParameters
from alo_lib.volatility.quasi_newton import Optimum, maximize
from alo_lib.volatility.returns import MIN_OBSERVATIONS

__all__ = ["Calibration", "VarianceTargeting", "calibrate_gjr"]

Array = NDArray[np.float64]
VarianceTargeting = Literal["never", "fallback", "always"]
"""When the long-run variance is the sample's: never, where a free fit cannot be trusted, or in any case."""

MAX_LONG_RUN_RATIO = 4.0
"""A free fit whose long-run variance is further than this factor from the sample's has drawn it from the persistence
alone; a forecast of months would drift to a level that was never seen."""

_COLD_STARTS = (
    Start(0.03, 0.13, 0.97),
    Start(0.30, 0.30, 0.10),
    Start(0.01, 0.02, 0.99),
    Start(0.10, 0.00, 0.90),
    Start(0.00, 0.05, 0.995),
    Start(0.00, 0.30, 0.70, nu=4.0, skew=0.0),
    Start(0.0005, 0.005, 0.99),
    Start(0.00, 0.03, 0.92, nu=30.0, skew=0.0),
    Start(0.00, 0.00, 0.9995),
    Start(0.29, 0.12, 0.98, nu=16.0),
    Start(0.09, 0.19, 0.04, nu=19.0),
)
"""The likelihood of a year or two has several maxima: a long memory, a short one, none, and a variance that has gone
one way for all of it. Of 1,200 windows of 250 to 1,250 days of 21 series the first start alone missed the best of 28 by
more than 1e-3 in 36, by up to 5.0, the first six in none; of 500 others they missed that of ten random ones in two, by
0.2 and 2.5, which the two before the last find, and of 1,700 more in two, by 0.2 and 0.6: a variance that falls all the
time and heeds no return, which the ninth finds. All nine missed two of 2,600 others, by 0.1 and 0.2, which the last two
find; all eleven missed none of 1,210 more."""
_BETTER = 1e-4
"""Log likelihood by which a later start must end above an earlier one: below, they have met at one maximum."""

_MOST_STILL = 0.1
"""Share of days without a move, halts aside, up to which a t is fitted. It takes more of them for its peak: of returns
that do not move on 20 % to 70 % of days its forecasts were off by a seventh to a factor of twenty, those of the
normal's quasi-likelihood, which is consistent whatever the density (Bollerslev and Wooldridge 1992), by 5 % or so."""


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
    data, notes = usable_returns(returns, min_observations), []
    if halted := np.size(returns) - data.size:
        notes.append(f"{halted} of {np.size(returns)} days are left out, halts without a move")
    still = np.count_nonzero(data == 0.0) / data.size
    if still > _MOST_STILL and distribution != "normal":
        notes.append(f"{still:.0%} of days do not move, which no {distribution} can tell: the shocks are normal")
        distribution = "normal"
    problem = LikelihoodProblem(data, distribution, mean, leverage=leverage)
    parameters, calibration = _fit(problem, variance_targeting, warm_start)
    return parameters, replace(calibration, note="; ".join(filter(None, (calibration.note, *notes))))


def _fit(problem: LikelihoodProblem, variance_targeting: VarianceTargeting, warm_start: GjrParameters | None) -> _Fit:
    """The free fit, or one at the sample's variance."""
    if variance_targeting == "always":
        return _solve(problem, warm_start, targeted=True, reason="")
    try:
        parameters, calibration = _solve(problem, warm_start, targeted=False, reason="")
        reason = _doubt(parameters, problem.variance)
        if not reason:
            return parameters, calibration
    except CalibrationError as error:
        reason = str(error)
    if variance_targeting == "never":
        raise CalibrationError(f"{reason}; variance targeting may help")
    return _solve(problem, warm_start, targeted=True, reason=reason)


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


def _solve(problem: LikelihoodProblem, warm_start: GjrParameters | None, *, targeted: bool, reason: str) -> _Fit:
    """The warm start's optimum, else the best of the cold ones', in natural units."""
    coordinates = problem.coordinates(targeted)
    failures: list[str] = []

    def search(start: str, full: Array, capped: bool) -> Optimum | None:
        def objective(x: Array) -> tuple[float, Array, Array]:
            return problem.evaluate(x, full, coordinates, targeted)

        lower, upper = (bound[coordinates] for bound in problem.bounds(capped=capped))
        optimum = maximize(objective, full[coordinates], lower, upper, MAX_ITERATIONS)
        if optimum.message:
            failures.append(f"the {start} start did not converge: {optimum.message}")
            return None
        return optimum

    def result(start: Literal["warm", "cold"], optimum: Optimum, full: Array, note: str) -> _Fit:
        theta, _ = problem.natural(optimum.point, full, coordinates, targeted)
        likelihood_ = optimum.value - problem.data.size * math.log(problem.scale)
        return problem.parameters(theta), Calibration(
            likelihood_, problem.data.size, optimum.iterations, start, targeted, note, problem.leverage
        )

    if warm_start is not None:
        full = problem.warm(warm_start)
        if (optimum := search("warm", full, capped=False)) is not None:
            return result("warm", optimum, full, reason)
    left = "; ".join(filter(None, (reason, *failures)))
    for capped in (False, True):
        best: tuple[Optimum, Array] | None = None
        for full in map(problem.cold, _COLD_STARTS):
            optimum = search("cold", full, capped)
            if optimum is not None and (best is None or optimum.value > best[0].value + _BETTER):
                best = optimum, full
        if best is not None:
            return result("cold", *best, left)
    raise CalibrationError(
        f"GJR-GARCH with distribution {problem.distribution} did not converge on {problem.data.size} returns from any "
        f"of {len(failures)} starts: {'; '.join(filter(None, (reason, *dict.fromkeys(failures))))}"
    )
