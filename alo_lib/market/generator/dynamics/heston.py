"""Heston's stochastic volatility (1993), its variance moved on once a day by the QE scheme (Andersen 2008).

Within a day variance is held. Andersen's scheme keeps the mean and the variance of the square-root process over the
day exactly; the shock of the price and that of variance are correlated normals.
"""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import ndtr

from alo_lib.market.generator.dynamics.interface import Dynamics
from alo_lib.records import TRADING_DAYS

__all__ = ["Heston"]

Array = NDArray[np.float64]

_SWITCH: Final = 1.5  # of variance over squared mean, where the scheme's two laws take turns
_TINY: Final = 1e-300
_LEAST: Final = 1e-4  # of the long-run variance


class Heston(Dynamics):
    """dv = speed (long-run - v) dt + vol_of_vol sqrt(v) dW, of correlation ``correlation`` with the price; annual v."""

    kind: Literal["heston"] = "heston"
    speed: float = Field(4.0, gt=0.05, le=50, description="of reversion to the long-run variance, a year")
    vol_of_vol: float = Field(0.5, ge=0, le=3, description="volatility of variance, a year")
    correlation: float = Field(-0.6, ge=-0.95, le=0.95, description="of price and variance")

    @property
    def persistence(self) -> float:
        """As the interface says."""
        return float(np.exp(-self.speed / TRADING_DAYS))

    @property
    def second_noise(self) -> bool:
        """As the interface says."""
        return True

    def following(self, variance: Array, scale: Array, shock: Array, noise: Array) -> Array:
        """As the interface says."""
        p, long_run = self.persistence, self.long_run
        z = self.correlation * shock / np.sqrt(variance * scale) + np.sqrt(1.0 - self.correlation**2) * noise
        mean = long_run + p * (variance - long_run)
        # Of daily variances: annual ones are TRADING_DAYS times as large.
        pace = self.vol_of_vol**2 / (self.speed * TRADING_DAYS)
        spread = pace * (1.0 - p) * (p * variance + 0.5 * (1.0 - p) * long_run)
        ratio = np.maximum(spread / (mean * mean), 1e-12)
        inverse = 2.0 / np.minimum(ratio, _SWITCH)
        square = inverse - 1.0 + np.sqrt(inverse * (inverse - 1.0))
        quadratic = mean / (1.0 + square) * (np.sqrt(square) + z) ** 2
        zero = (ratio - 1.0) / (ratio + 1.0)
        left = np.maximum(1.0 - zero, _TINY)
        exponential = np.maximum(np.log(left / np.maximum(ndtr(-z), _TINY)), 0.0) * mean / left
        return np.asarray(np.maximum(np.where(ratio <= _SWITCH, quadratic, exponential), _LEAST * long_run))

    def in_words(self) -> Sequence[str]:
        """As the interface says."""
        return (
            f"Heston of long-run volatility {self.volatility:.1%}",
            f"speed {self.speed:g}, volatility of variance {self.vol_of_vol:g}, correlation {self.correlation:g}",
        )
