"""Maximum likelihood of GJR-GARCH(1,1) by ``arch``: explicit starts and backcast, unconverged fits refused."""

import math
import warnings
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from arch import arch_model
from numpy.typing import ArrayLike, NDArray

from alo_lib.volatility.errors import CalibrationError, ParameterError
from alo_lib.volatility.innovations import DISTRIBUTIONS, Distribution
from alo_lib.volatility.parameters import GjrParameters
from alo_lib.volatility.returns import MIN_OBSERVATIONS, check_returns

__all__ = ["Calibration", "Mean", "calibrate_gjr"]

Mean = Literal["constant", "zero"]

MAX_PERSISTENCE = 0.9999
"""Above it a shock halves in more than 27 years: the sample does not tell a long-run variance, and forecasts over an
option's life would rest on one that the data do not contain."""

MAX_ITERATIONS = 500

_PERCENT = 100.0
_BACKCAST_DAYS = 75
_BACKCAST_DECAY = 0.94

_SHAPES: tuple[tuple[float, float, float], ...] = ((0.03, 0.10, 0.89), (0.05, 0.05, 0.80), (0.02, 0.02, 0.95))
"""Cold starts (alpha, gamma, beta), tried in this order until one converges; omega follows from the sample variance."""

_NU_BOUNDS = (2.06, 290.0)
"""Starting values of nu are moved into arch's bounds, (2.05, 500) for t and (2.05, 300) for the skewed t."""


@dataclass(frozen=True)
class Calibration:
    """How a fit went: the log likelihood (of returns in decimals), and which start led to it."""

    log_likelihood: float
    observations: int
    iterations: int
    start: Literal["warm", "cold"]


def backcast_variance(residuals: NDArray[np.float64]) -> float:
    """Exponentially weighted mean of the first 75 squared residuals, which is what arch starts its recursion from."""
    days = min(_BACKCAST_DAYS, residuals.size)
    weights = _BACKCAST_DECAY ** np.arange(days)
    return float(np.sum(np.square(residuals[:days]) * (weights / np.sum(weights))))


def calibrate_gjr(
    returns: ArrayLike,
    *,
    distribution: Distribution = "t",
    mean: Mean = "constant",
    warm_start: GjrParameters | None = None,
    min_observations: int = MIN_OBSERVATIONS,
) -> tuple[GjrParameters, Calibration]:
    """Fit daily ``returns`` (decimals, shape (n,)); the same input gives the same bits.

    ``warm_start`` is tried first, then the cold starts in their order; the first that converges is taken.

    :raises DataError: for returns that cannot be used, see :func:`~alo_lib.volatility.returns.check_returns`.
    :raises ParameterError: for an unknown distribution or mean.
    :raises CalibrationError: when no start converges, or the fit is not stationary.
    """
    if distribution not in DISTRIBUTIONS:
        raise ParameterError(f"distribution must be one of {', '.join(DISTRIBUTIONS)}, but it is {distribution!r}")
    if mean not in get_args(Mean):
        raise ParameterError(f"mean must be one of {', '.join(get_args(Mean))}, but it is {mean!r}")
    data = check_returns(returns, min_observations=min_observations)
    percent = _PERCENT * data
    centre = float(np.mean(percent)) if mean == "constant" else 0.0
    backcast = backcast_variance(percent - centre)
    variance = float(np.var(percent - centre))
    starts: list[tuple[Literal["warm", "cold"], list[float]]] = []
    if warm_start is not None:
        starts.append(("warm", _warm_values(warm_start, distribution, mean, variance)))
    for alpha, gamma, beta in _SHAPES:
        omega = variance * (1.0 - alpha - 0.5 * gamma - beta)
        starts.append(("cold", _values(centre, omega, alpha, gamma, beta, 8.0, -0.05, distribution, mean)))

    model = arch_model(
        percent,
        mean="Constant" if mean == "constant" else "Zero",
        vol="GARCH",
        p=1,
        o=1,
        q=1,
        dist=distribution,
        rescale=False,
    )
    message = ""
    for start, values in starts:
        # arch changes the process's warning filters and reports doubts as warnings; convergence is judged below.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = model.fit(
                starting_values=np.array(values),
                backcast=backcast,
                disp="off",
                update_freq=0,
                show_warning=False,
                options={"maxiter": MAX_ITERATIONS},
            )
        optimum = result.optimization_result
        if result.convergence_flag == 0 and np.all(np.isfinite(result.params)) and math.isfinite(result.loglikelihood):
            parameters = _parameters(np.asarray(result.params, dtype=np.float64), distribution, mean, backcast)
            likelihood = float(result.loglikelihood) + data.size * math.log(_PERCENT)
            return parameters, Calibration(likelihood, data.size, int(optimum.nit), start)
        message = str(optimum.message)
    raise CalibrationError(
        f"GJR-GARCH with distribution {distribution} did not converge on {data.size} returns from any of {len(starts)} "
        f"starts; the optimizer's last word: {message}"
    )


def _parameters(fit: NDArray[np.float64], distribution: Distribution, mean: Mean, backcast: float) -> GjrParameters:
    values = [float(value) for value in fit]
    mu = values.pop(0) if mean == "constant" else 0.0
    omega, alpha, gamma, beta = values[:4]
    nu = values[4] if distribution != "normal" else math.inf
    skew = values[5] if distribution == "skewt" else 0.0
    # The optimizer keeps its bounds up to rounding only.
    alpha = max(alpha, 0.0)
    gamma = max(gamma, -alpha)
    beta = max(beta, 0.0)
    scale = _PERCENT * _PERCENT
    try:
        parameters = GjrParameters(
            omega=omega / scale,
            alpha=alpha,
            gamma=gamma,
            beta=beta,
            backcast=backcast / scale,
            mu=mu / _PERCENT,
            nu=nu,
            skew=skew,
        )
    except ParameterError as error:
        raise CalibrationError(f"the fit ended outside the model's domain: {error}") from error
    if parameters.persistence > MAX_PERSISTENCE:
        raise CalibrationError(
            f"the fit is not stationary: persistence {parameters.persistence!r} exceeds {MAX_PERSISTENCE}; "
            "a longer sample or another distribution may tell the long-run variance"
        )
    return parameters


def _warm_values(warm: GjrParameters, distribution: Distribution, mean: Mean, variance: float) -> list[float]:
    """``warm`` in percent units, moved inside arch's bounds, which would otherwise discard the start."""
    omega = min(max(_PERCENT * _PERCENT * warm.omega, 1e-7 * variance), variance)
    nu = min(max(warm.nu, _NU_BOUNDS[0]), _NU_BOUNDS[1])
    skew = min(max(warm.skew, -0.95), 0.95)
    shape = (warm.alpha, warm.gamma, warm.beta)
    return _values(_PERCENT * warm.mu, omega, *shape, nu, skew, distribution, mean)


def _values(
    mu: float,
    omega: float,
    alpha: float,
    gamma: float,
    beta: float,
    nu: float,
    skew: float,
    distribution: Distribution,
    mean: Mean,
) -> list[float]:
    """Starting values in arch's order."""
    values = [mu] if mean == "constant" else []
    values += [omega, alpha, gamma, beta]
    if distribution != "normal":
        values.append(nu)
    if distribution == "skewt":
        values.append(skew)
    return values
