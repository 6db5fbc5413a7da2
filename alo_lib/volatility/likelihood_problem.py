"""The likelihood of GJR-GARCH(1,1) on one sample, in the coordinates of a search that keeps to stationary models."""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.elementwise import power
from alo_lib.numerics.fixed_order import product
from alo_lib.volatility.errors import ObservationError
from alo_lib.volatility.innovations import Distribution, downside_share
from alo_lib.volatility.likelihood import BETA, DOWN, MU, NU, OMEGA, SKEW, UP, likelihood
from alo_lib.volatility.parameters import LEAST_SHARE, GjrParameters
from alo_lib.volatility.returns import check_returns, traded_days

__all__ = [
    "LEAST_OBSERVATIONS",
    "MAX_ITERATIONS",
    "MAX_PERSISTENCE",
    "LikelihoodProblem",
    "Mean",
    "Start",
    "backcast_variance",
    "usable_returns",
]

Array = NDArray[np.float64]
Mean = Literal["constant", "zero"]
"""Of returns: fitted, or taken to be zero."""

MAX_PERSISTENCE = 0.9999
"""Above it a shock halves in more than 27 years: the sample does not tell a long-run variance, and forecasts over an
option's life would rest on one that the data do not contain."""

MAX_ITERATIONS = 200
"""Of a search."""

LEAST_OBSERVATIONS = 30
"""Fewer returns tell no seven parameters, whatever a caller allows."""

_BACKCAST_DAYS = 75
_BACKCAST_DECAY = 0.94

COLD_NU, COLD_SKEW = 8.0, -0.05


class Start(NamedTuple):
    """Where a search begins: weights after a gain and a loss, retention, and the shape of the shocks."""

    up: float
    down: float
    retention: float
    nu: float = COLD_NU
    skew: float = COLD_SKEW


_MOST_WEIGHT = 0.999
"""Of yesterday's squared residual where a search left the stationary models: there the variance has no mean to hold."""
_MOST_OFF = 10.0
"""Standard deviations that the fitted mean may lie from the sample's."""
_MAX_NU = {"t": 500.0, "skewt": 300.0, "normal": math.inf}
"""As in arch; beyond it a t is a normal."""

_SHARE_STEP = 1e-5

# Coordinates of the search are those of the likelihood, but in beta's place its share of what the shocks' own weights
# leave of one, so that stationarity is a bound: persistence = 1 - (1 - retention) (1 - weight).
_RETENTION = BETA


def backcast_variance(residuals: Array) -> float:
    """Exponentially weighted mean of the first 75 squared residuals, which is what arch starts its recursion from."""
    days = min(_BACKCAST_DAYS, residuals.size)
    weights = power(_BACKCAST_DECAY, np.arange(days))
    return float(np.sum(np.square(residuals[:days]) * (weights / np.sum(weights))))


def usable_returns(returns: ArrayLike, min_observations: int) -> Array:
    """The checked returns (m,) of the days that tell of volatility."""
    data = check_returns(returns, min_observations=max(min_observations, LEAST_OBSERVATIONS))
    data = data[traded_days(data)]
    if data.size < LEAST_OBSERVATIONS:
        raise ObservationError(
            f"returns must hold at least {LEAST_OBSERVATIONS} outside halts, days in a row without a move, but there "
            f"are {data.size}"
        )
    return data


class LikelihoodProblem:
    """One sample and the choice of model, in units of the sample's standard deviation so that steps are comparable."""

    def __init__(self, data: Array, distribution: Distribution, mean: Mean, *, leverage: bool = True) -> None:
        self.distribution: Distribution = distribution
        self._mean: Mean = mean
        self.leverage = leverage
        centre = float(np.mean(data)) if mean == "constant" else 0.0
        self.variance = float(np.mean(np.square(data - centre)))
        self.scale = math.sqrt(self.variance)
        self.data = data / self.scale
        self._centre = centre / self.scale
        self._backcast = backcast_variance(self.data - self._centre)

    def on_bound(self, full: Array, place: int) -> bool:
        """Whether the coordinate at ``place`` is on a bound."""
        lower, upper = self.bounds()
        return bool(np.isclose(full[place], [lower[place], upper[place]], rtol=1e-9, atol=1e-12).any())

    def coordinates(self, targeted: bool) -> list[int]:
        """Those of the seven coordinates that are searched."""
        chosen = [MU] if self._mean == "constant" else []
        chosen += [] if targeted else [OMEGA]
        chosen += [UP, DOWN, _RETENTION] if self.leverage else [UP, _RETENTION]
        if self.distribution != "normal":
            chosen.append(NU)
        if self.distribution == "skewt":
            chosen.append(SKEW)
        return chosen

    def bounds(self, *, capped: bool = False) -> tuple[Array, Array]:
        """Of the seven coordinates; ``capped`` is a box that holds stationary models alone."""
        most = (_MOST_WEIGHT, _MOST_WEIGHT) if capped else (1.0, 2.0)
        lower = np.array([self._centre - _MOST_OFF, 1e-7, 0.0, 0.0, 0.0, 2.05, -0.95])
        upper = np.array([self._centre + _MOST_OFF, 10.0, *most, MAX_PERSISTENCE, _MAX_NU[self.distribution], 0.95])
        return lower, upper

    def cold(self, start: Start) -> Array:
        """The seven coordinates of a start."""
        up, down, retention, nu, skew = start
        nu = math.inf if self.distribution == "normal" else nu
        skew = skew if self.distribution == "skewt" else 0.0
        if not self.leverage:
            up = down = 0.5 * (up + down)
        omega = (1.0 - retention) * (1.0 - 0.5 * (up + down))
        return np.array([self._centre, omega, up, down, retention, nu, skew])

    def warm(self, warm: GjrParameters) -> Array:
        """The seven coordinates of parameters in natural units."""
        weight = warm.persistence - warm.beta
        cold = self.cold(Start(warm.alpha, warm.alpha + warm.gamma, warm.beta / (1.0 - weight), COLD_NU, COLD_SKEW))
        cold[MU] = warm.mu / self.scale if self._mean == "constant" else 0.0
        cold[OMEGA] = warm.omega / self.variance
        if self.distribution != "normal" and math.isfinite(warm.nu):
            cold[NU] = warm.nu
        if self.distribution == "skewt":
            cold[SKEW] = warm.skew
        return cold

    def natural(self, x: Array, full: Array, coordinates: list[int], targeted: bool) -> tuple[Array, Array]:
        """Natural coordinates (7,) at ``x``, and their derivatives by the seven coordinates of the search (7, 7)."""
        theta = full.copy()
        theta[coordinates] = x
        if not self.leverage:
            theta[DOWN] = theta[UP]
        retention, up, down, nu, skew = (float(theta[i]) for i in (_RETENTION, UP, DOWN, NU, SKEW))
        share = downside_share(nu, skew)
        left = 1.0 - (1.0 - share) * up - share * down
        by_left = np.zeros(7)
        by_left[[UP, DOWN]] = share - 1.0, -share
        if self.distribution == "skewt":
            by_nu = downside_share(nu + _SHARE_STEP, skew) - downside_share(nu - _SHARE_STEP, skew)
            by_skew = downside_share(nu, skew + _SHARE_STEP) - downside_share(nu, skew - _SHARE_STEP)
            by_left[[NU, SKEW]] = np.array([by_nu, by_skew]) * ((up - down) / (2.0 * _SHARE_STEP))
        jacobian = np.eye(7)
        if not self.leverage:
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

    def evaluate(self, x: Array, full: Array, coordinates: list[int], targeted: bool) -> tuple[float, Array, Array]:
        """Log likelihood at ``x``, its score and the sum of the days' outer products of theirs, by ``coordinates``."""
        theta, jacobian = self.natural(x, full, coordinates, targeted)
        # What the shocks' own weights leave of one must not be nothing, or there is no long-run variance.
        if not (jacobian[BETA, _RETENTION] >= 1.0 - MAX_PERSISTENCE and theta[OMEGA] > 0.0):
            return -math.inf, np.zeros(len(coordinates)), np.zeros((len(coordinates), len(coordinates)))
        value, score, outer = likelihood(theta, self.data, self._backcast, LEAST_SHARE)
        chosen = jacobian[:, coordinates]
        return value, product(score, chosen), product(product(chosen.T, outer), chosen)

    def parameters(self, theta: Array) -> GjrParameters:
        """Natural coordinates (7,) in natural units."""
        up, down = float(theta[UP]), float(theta[DOWN])
        return GjrParameters(
            omega=float(theta[OMEGA]) * self.variance,
            alpha=up,
            gamma=down - up,
            beta=float(theta[BETA]),
            backcast=self._backcast * self.variance,
            mu=float(theta[MU]) * self.scale,
            nu=float(theta[NU]),
            skew=float(theta[SKEW]),
            sample=self.variance,
        )
