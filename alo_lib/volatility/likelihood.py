"""Log likelihood of GJR-GARCH(1,1) with its exact gradient and the outer product of the daily scores, in one pass.

The seven natural coordinates are mu, omega, up, down, beta, nu, skew: the weight of yesterday's squared residual is
``up`` (alpha) after a gain and ``down`` (alpha + gamma) after a loss. Derivatives of the variance follow the recursion
of the variance itself (Fiorentini, Calzolari and Panattoni 1996).
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from alo_lib.numerics.compilation import kernel
from alo_lib.volatility.innovations import density_constants

__all__ = ["BETA", "DOWN", "MU", "NU", "OMEGA", "SKEW", "UP", "likelihood"]

Array = NDArray[np.float64]

MU, OMEGA, UP, DOWN, BETA, NU, SKEW = range(7)
_COUNT = 7
# The first five coordinates move the variance; nu and skew move the density only.


@kernel
def _likelihood(
    theta: Array, shape: Array, returns: Array, backcast: float, least: float, score: Array, outer: Array
) -> float:
    """Log likelihood of ``returns`` (n,); adds the gradient to ``score`` (7,), the outer product to ``outer`` (7, 7).

    ``shape`` (9,) holds a, b and the log constant of the density, then the derivatives of each by nu and by skew. A
    variance held at ``least`` moves with no coordinate.
    """
    mu, omega, up, down, beta, nu, skew = theta[0], theta[1], theta[2], theta[3], theta[4], theta[5], theta[6]
    a, b, log_constant = shape[0], shape[1], shape[2]
    a_nu, b_nu, log_nu, a_skew, b_skew, log_skew = shape[3], shape[4], shape[5], shape[6], shape[7], shape[8]
    normal = math.isinf(nu)
    variance = omega + (0.5 * (up + down) + beta) * backcast
    v_mu, v_omega, v_up, v_down, v_beta = 0.0, 1.0, 0.5 * backcast, 0.5 * backcast, backcast
    if variance < least:
        variance, v_omega, v_up, v_down, v_beta = least, 0.0, 0.0, 0.0, 0.0
    day = np.zeros(_COUNT)
    total = 0.0
    for t in range(returns.shape[0]):
        e = returns[t] - mu
        inverse = 1.0 / variance
        root = math.sqrt(inverse)
        z = e * root
        if normal:
            density = log_constant - 0.5 * z * z
            slope = -z
        else:
            side = 1.0 if b * z + a >= 0.0 else -1.0
            width = 1.0 / (1.0 + side * skew)
            y = (b * z + a) * width
            q = y * y / (nu - 2.0)
            log_term = math.log1p(q)
            density = log_constant - 0.5 * (nu + 1.0) * log_term
            slope_y = -(nu + 1.0) * y / ((nu - 2.0) * (1.0 + q))
            slope = slope_y * b * width
            day[5] = (
                log_nu
                - 0.5 * log_term
                + 0.5 * (nu + 1.0) * q / ((1.0 + q) * (nu - 2.0))
                + slope_y * (b_nu * z + a_nu) * width
            )
            day[6] = log_skew + slope_y * ((b_skew * z + a_skew) * width - y * side * width)
        total += density - 0.5 * math.log(variance)
        by_variance = -0.5 * inverse * (1.0 + slope * z)
        day[0] = by_variance * v_mu - slope * root
        day[1] = by_variance * v_omega
        day[2] = by_variance * v_up
        day[3] = by_variance * v_down
        day[4] = by_variance * v_beta
        for i in range(_COUNT):
            score[i] += day[i]
            for j in range(i + 1):
                outer[i, j] += day[i] * day[j]
        square = e * e
        if e < 0.0:
            weight = down
            v_up = beta * v_up
            v_down = square + beta * v_down
        else:
            weight = up
            v_up = square + beta * v_up
            v_down = beta * v_down
        v_mu = beta * v_mu - 2.0 * weight * e
        v_omega = 1.0 + beta * v_omega
        v_beta = variance + beta * v_beta
        variance = omega + weight * square + beta * variance
        if variance < least:
            variance, v_mu, v_omega, v_up, v_down, v_beta = least, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(_COUNT):
        for j in range(i):
            outer[j, i] = outer[i, j]
    return total


def likelihood(theta: Array, returns: Array, backcast: float, least: float = 0.0) -> tuple[float, Array, Array]:
    """Log likelihood at ``theta`` (7,), its gradient (7,), and the sum of the daily scores' outer products (7, 7).

    No day's variance is below ``least``.

    Entries of coordinates that the density does not have (nu and skew of the normal) are zero.
    """
    score, outer = np.zeros(_COUNT), np.zeros((_COUNT, _COUNT))
    shape = _shape(float(theta[NU]), float(theta[SKEW]))
    return float(_likelihood(theta, shape, returns, backcast, least, score, outer)), score, outer


def _shape(nu: float, skew: float) -> Array:
    """The density's constants a, b, log constant, and their derivatives by nu and by skew."""
    a, b, log_constant = density_constants(nu, skew)
    if math.isinf(nu):
        return np.array([a, b, log_constant, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    log_c_nu = 0.5 * float(digamma(0.5 * (nu + 1.0)) - digamma(0.5 * nu)) - 0.5 / (nu - 2.0)
    a_by_skew = 4.0 * math.exp(log_constant - math.log(b)) * (nu - 2.0) / (nu - 1.0)
    a_by_nu = a * (log_c_nu + 1.0 / (nu - 2.0) - 1.0 / (nu - 1.0))
    b_by_nu = -a * a_by_nu / b
    b_by_skew = (3.0 * skew - a * a_by_skew) / b
    return np.array([a, b, log_constant, a_by_nu, b_by_nu, log_c_nu + b_by_nu / b, a_by_skew, b_by_skew, b_by_skew / b])
