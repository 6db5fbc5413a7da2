"""Parameters of a GJR-GARCH(1,1) model of daily returns, and what follows from them alone."""

import math
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.errors import ParameterError
from alo_lib.volatility.innovations import Distribution, density_constants, downside_share

__all__ = ["LEAST_SHARE", "GjrParameters"]

LEAST_SHARE = 1e-3
"""Of the sample's variance, what the conditional variance keeps at least: a thirtieth of its deviation. The calmest day
of the S&P 500 since 1999 had a twelfth; only days that do not move lead below."""


@dataclass(frozen=True)
class GjrParameters:
    """GJR-GARCH(1,1) of daily returns in decimals (Glosten, Jagannathan and Runkle 1993).

    r_t = mu + e_t,  e_t = sqrt(v_t) z_t,  v_{t+1} = omega + (alpha + gamma [e_t < 0]) e_t^2 + beta v_t

    ``nu`` are the degrees of freedom of z (infinite: normal), ``skew`` its asymmetry in (-1, 1) after Hansen (1994).
    ``backcast`` is the variance that stands for the time before the first return, ``sample`` that of the sample that
    they were fitted to, 0 when they were given: v is at least :data:`LEAST_SHARE` of it.

    :raises ParameterError: for values outside their domain, or a persistence of one or more.
    """

    omega: float
    alpha: float
    gamma: float
    beta: float
    backcast: float
    mu: float = 0.0
    nu: float = math.inf
    skew: float = 0.0
    sample: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) or (field.name == "nu" and value == math.inf)):
                raise ParameterError(f"{field.name} must be finite, but it is {value!r}")
        domains = (
            ("omega", self.omega > 0.0, "positive"),
            ("backcast", self.backcast > 0.0, "positive"),
            ("alpha", self.alpha >= 0.0, "0 or more"),
            ("gamma", self.alpha + self.gamma >= 0.0, "-alpha or more"),
            ("beta", 0.0 <= self.beta < 1.0, "in [0, 1)"),
            ("nu", self.nu > 2.0, "above 2"),
            ("skew", -1.0 < self.skew < 1.0, "in (-1, 1)"),
            ("sample", self.sample >= 0.0, "0 or more"),
        )
        for name, inside, allowed in domains:
            if not inside:
                raise ParameterError(f"{name} must be {allowed}, but it is {getattr(self, name)!r}")
        if not self.persistence < 1.0:
            raise ParameterError(f"persistence must be below 1 (stationary), but it is {self.persistence!r} for {self}")

    @property
    def distribution(self) -> Distribution:
        """Name of the shock's distribution."""
        if math.isinf(self.nu):
            return "normal"
        return "t" if self.skew == 0.0 else "skewt"

    @cached_property
    def persistence(self) -> float:
        """Factor by which an expected excess of variance shrinks a day: alpha + gamma E[z^2; z < 0] + beta.

        For the skewed t the downside share is the distribution's own; arch takes one half for every distribution.
        """
        return self.alpha + self.gamma * downside_share(self.nu, self.skew) + self.beta

    @property
    def long_run_variance(self) -> float:
        """Unconditional daily variance."""
        return self.omega / (1.0 - self.persistence)

    @property
    def long_run_volatility(self) -> float:
        """Unconditional volatility, annualized."""
        return math.sqrt(TRADING_DAYS * self.long_run_variance)

    @property
    def half_life(self) -> float:
        """Trading days in which an expected excess of variance halves (0 when nothing persists)."""
        return math.log(0.5) / math.log(self.persistence) if self.persistence > 0.0 else 0.0

    @property
    def least_variance(self) -> float:
        """Below which no conditional variance falls."""
        return LEAST_SHARE * self.sample

    @property
    def initial_variance(self) -> float:
        """Conditional variance of the first day: one step from ``backcast``, its sign taken as even, as arch does."""
        first = self.omega + (self.alpha + 0.5 * self.gamma + self.beta) * self.backcast
        return max(first, self.least_variance)

    @cached_property
    def coefficients(self) -> NDArray[np.float64]:
        """What the kernels read, shape (12,).

        They are mu, omega, alpha, gamma, beta, nu, skew, the density's three constants, the least variance, and the
        sample's standard deviation.
        """
        shape = (self.nu, self.skew, *density_constants(self.nu, self.skew))
        bounds = (self.least_variance, math.sqrt(self.sample))
        array = np.array((self.mu, self.omega, self.alpha, self.gamma, self.beta, *shape, *bounds), dtype=np.float64)
        array.flags.writeable = False
        return array
