"""Distributions of the standardized daily shock: normal, Student's t, Hansen's skewed t; mean zero, variance one.

The formulas and parameter ranges are those of ``arch.univariate.distribution`` (Hansen 1994 for the skewed t); normal
is the limit nu = infinity, and Student's t the skewed t with skew zero, so one density serves all three.
"""

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

from alo_lib.numerics.compilation import kernel

__all__ = [
    "Distribution",
    "density_constants",
    "downside_share",
    "log_density",
    "sample_shocks",
    "shock_quantile",
    "shock_quantiles",
]

Distribution = Literal["normal", "t", "skewt"]
"""Of standardized shocks: normal, Student's t, or Hansen's skewed t."""
DISTRIBUTIONS: tuple[Distribution, ...] = get_args(Distribution)


def density_constants(nu: float, skew: float) -> tuple[float, float, float]:
    """Hansen's a and b, and the log of the density's constant factor, for :func:`log_density`."""
    if math.isinf(nu):
        return 0.0, 1.0, -0.5 * math.log(2.0 * math.pi)
    log_c = math.lgamma(0.5 * (nu + 1.0)) - math.lgamma(0.5 * nu) - 0.5 * math.log(math.pi * (nu - 2.0))
    a = 4.0 * skew * math.exp(log_c) * (nu - 2.0) / (nu - 1.0)
    b = math.sqrt(1.0 + 3.0 * skew * skew - a * a)
    return a, b, log_c + math.log(b)


@kernel
def log_density(z: float, nu: float, skew: float, a: float, b: float, log_constant: float) -> float:
    """Log density of one standardized shock ``z``; the last three arguments come from :func:`density_constants`."""
    if math.isinf(nu):
        return log_constant - 0.5 * z * z
    y = b * z + a
    y = y / (1.0 + skew) if y >= 0.0 else y / (1.0 - skew)
    return log_constant - 0.5 * (nu + 1.0) * math.log1p(y * y / (nu - 2.0))


def downside_share(nu: float, skew: float) -> float:
    """Share of the variance that falls below zero, E[z^2; z < 0]: one half unless the distribution is skewed.

    Below zero a negatively skewed distribution is one stretched half of a Student's t, whose truncated moments are
    closed: with S standard t, E[S; S < s] = -nu / (nu - 1) (1 + s^2 / nu) f(s), and E[S^2; S < s] follows from
    S^2 = nu (1 + S^2 / nu) - nu, which leaves a t of nu - 2 degrees of freedom.
    """
    if math.isinf(nu) or skew == 0.0:
        return 0.5
    if skew > 0.0:
        return 1.0 - downside_share(nu, -skew)
    a, b, log_constant = density_constants(nu, skew)
    unit = math.sqrt((nu - 2.0) / nu)
    stretch = (1.0 - skew) * unit
    s = a / stretch
    log_f = log_constant - math.log(b) + math.log(unit) - 0.5 * (nu + 1.0) * math.log1p(s * s / nu)
    zeroth = float(stdtr(nu, s))
    first = -nu / (nu - 1.0) * (1.0 + s * s / nu) * math.exp(log_f)
    second = nu * (nu - 1.0) / (nu - 2.0) * float(stdtr(nu - 2.0, s * unit)) - nu * zeroth
    return (1.0 - skew) * (stretch * stretch * second - 2.0 * stretch * a * first + a * a * zeroth) / (b * b)


def shock_quantile(probability: float, nu: float, skew: float) -> float:
    """The standardized shock below which a draw falls with ``probability``, in (0, 1)."""
    return float(shock_quantiles(np.array([probability]), nu, skew)[0])


def shock_quantiles(probabilities: NDArray[np.float64], nu: float, skew: float) -> NDArray[np.float64]:
    """The standardized shocks below which a draw falls with each of ``probabilities`` (n,), in (0, 1)."""
    if math.isinf(nu):
        return np.asarray(ndtri(probabilities), dtype=np.float64)
    unit = math.sqrt((nu - 2.0) / nu)
    a, b, _ = density_constants(nu, skew)
    left = 0.5 * (1.0 - skew)
    below = probabilities < left
    rank = np.where(below, probabilities / (1.0 - skew), 0.5 + (probabilities - left) / (1.0 + skew))
    stretch = np.where(below, 1.0 - skew, 1.0 + skew) * unit
    return np.asarray((stretch * stdtrit(nu, rank) - a) / b, dtype=np.float64)


def sample_shocks(count: int, nu: float, skew: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw ``count`` independent standardized shocks."""
    if math.isinf(nu):
        return generator.standard_normal(count)
    shocks = generator.standard_t(nu, count) * math.sqrt((nu - 2.0) / nu)
    if skew == 0.0:
        return np.asarray(shocks)
    # Two halves of a t, stretched by 1 + skew and 1 - skew, each met as often as it is wide.
    right = generator.random(count) < 0.5 * (1.0 + skew)
    a, b, _ = density_constants(nu, skew)
    return np.asarray((np.abs(shocks) * np.where(right, 1.0 + skew, skew - 1.0) - a) / b)
