"""Sequential detection of a change of regime: whether the model's scale has stopped fitting the days.

Under a right GJR-GARCH the standardized residuals are independent draws of one known density f. Two one-sided
cumulative sums (Page 1954) of the log likelihood ratio watch for residuals ``ratio`` times wider or narrower than f,

    S_t = max(0, S_{t-1} + log f(z_t / k) - log k - log f(z_t)),   k = ratio or 1 / ratio,

and an alarm is raised when one passes the threshold; the sums then start again. Among tests with the same rate of
false alarms this has the shortest worst delay for the change it is built for (Lorden 1971). With the density's own
tails a single large shock counts for little, where a sum of squares would be thrown by it.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.errors import ParameterError
from alo_lib.volatility.innovations import density_constants, log_density, sample_shocks
from alo_lib.volatility.parameters import GjrParameters
from alo_lib.volatility.returns import finite_returns

__all__ = ["ChangeDetector", "ChangeState"]

Array = NDArray[np.float64]

_YEARS = 4000
"""Simulated years behind a threshold: at one false alarm a year their rate is known to about 2 %."""
_BISECTIONS = 30


@kernel
def _evidence(c: Array, ratio: float, shocks: Array, wider: Array, narrower: Array) -> None:
    """Fill the log likelihood ratios (n,) of a scale of ``ratio``, and of its inverse, against one.

    ``c`` (5,) are nu, skew and the density's constants.
    """
    log_ratio = math.log(ratio)
    for t in range(shocks.shape[0]):
        z = shocks[t]
        at = log_density(z, c[0], c[1], c[2], c[3], c[4])
        wider[t] = log_density(z / ratio, c[0], c[1], c[2], c[3], c[4]) - log_ratio - at
        narrower[t] = log_density(z * ratio, c[0], c[1], c[2], c[3], c[4]) + log_ratio - at


@kernel
def _accumulate(wider: Array, narrower: Array, threshold: float, sums: Array, alarms: NDArray[np.int8]) -> int:
    """Run both sums from ``sums`` (2,), changed in place; fill ``alarms`` (n,): +1 wider, -1 narrower; their count."""
    count = 0
    for t in range(wider.shape[0]):
        sums[0] = max(0.0, sums[0] + wider[t])
        sums[1] = max(0.0, sums[1] + narrower[t])
        alarms[t] = 0
        if sums[0] > threshold or sums[1] > threshold:
            alarms[t] = 1 if sums[0] >= sums[1] else -1
            sums[:] = 0.0
            count += 1
    return count


@dataclass(frozen=True, slots=True)
class ChangeState:
    """The two sums, and what the last day said: +1 residuals grew wider than the model's, -1 narrower, 0 nothing."""

    wider: float = 0.0
    narrower: float = 0.0
    alarm: int = 0


@dataclass(frozen=True)
class ChangeDetector:
    """A two-sided cumulative-sum test of the scale of standardized residuals with density ``nu``, ``skew``.

    :raises ParameterError: for a ratio not above one or a threshold that is not positive.
    """

    nu: float
    skew: float
    ratio: float
    threshold: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.ratio) and self.ratio > 1.0):
            raise ParameterError(f"ratio must be finite and above 1, but it is {self.ratio!r}")
        if not (math.isfinite(self.threshold) and self.threshold > 0.0):
            raise ParameterError(f"threshold must be finite and positive, but it is {self.threshold!r}")

    @classmethod
    def design(
        cls,
        parameters: GjrParameters,
        *,
        false_alarms_per_year: float = 0.5,
        ratio: float = 1.5,
        seed: int = 0,
    ) -> "ChangeDetector":
        """The test whose false alarms, when ``parameters`` are true, come ``false_alarms_per_year`` times a year.

        The threshold is found on seeded simulated shocks, so the same arguments give the same bits.

        :raises ParameterError: for a rate outside [0.05, 12] or a ratio not above one.
        """
        return cls.for_density(
            parameters.nu, parameters.skew, false_alarms_per_year=false_alarms_per_year, ratio=ratio, seed=seed
        )

    @classmethod
    def for_density(
        cls,
        nu: float,
        skew: float,
        *,
        false_alarms_per_year: float = 0.5,
        ratio: float = 1.5,
        seed: int = 0,
        years: int = _YEARS,
    ) -> "ChangeDetector":
        """As :meth:`design`, for residuals of the density ``nu``, ``skew``, on ``years`` of simulated shocks."""
        if not 0.05 <= false_alarms_per_year <= 12.0:
            raise ParameterError(f"false_alarms_per_year must be in [0.05, 12], but it is {false_alarms_per_year!r}")
        if years < 1:
            raise ParameterError(f"years must be 1 or more, but they are {years}")
        shocks = sample_shocks(years * TRADING_DAYS, nu, skew, np.random.default_rng(seed))
        test = cls(nu, skew, ratio, 1.0)
        wider, narrower = test._ratios(shocks)
        alarms = np.empty(shocks.size, dtype=np.int8)
        low, high = 1e-3, 60.0
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            if _accumulate(wider, narrower, middle, np.zeros(2), alarms) > false_alarms_per_year * years:
                low = middle
            else:
                high = middle
        return replace(test, threshold=high)

    def update(self, state: ChangeState, residual: float) -> ChangeState:
        """State after one more standardized residual, in constant time; the same bits as :meth:`watch` over all.

        :raises ObservationError: for a residual that is not finite.
        """
        sums = np.array([state.wider, state.narrower])
        alarms = np.empty(1, dtype=np.int8)
        _accumulate(*self._ratios(finite_returns([residual])), self.threshold, sums, alarms)
        return ChangeState(float(sums[0]), float(sums[1]), int(alarms[0]))

    def watch(self, residuals: ArrayLike) -> NDArray[np.int8]:
        """Alarms on each of n standardized residuals, shape (n,): +1 wider, -1 narrower, 0 none; none looks ahead.

        :raises ObservationError: for a residual that is not finite.
        """
        data = finite_returns(residuals)
        alarms = np.empty(data.size, dtype=np.int8)
        _accumulate(*self._ratios(data), self.threshold, np.zeros(2), alarms)
        return alarms

    def _ratios(self, residuals: Array) -> tuple[Array, Array]:
        wider, narrower = np.empty_like(residuals), np.empty_like(residuals)
        constants = np.array([self.nu, self.skew, *density_constants(self.nu, self.skew)])
        _evidence(constants, self.ratio, residuals, wider, narrower)
        return wider, narrower
