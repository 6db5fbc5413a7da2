"""GJR-GARCH(1,1) with tails nearly those of Student's t (Glosten, Jagannathan and Runkle 1993).

Student's t is a normal of random variance. Here that variance takes a few values, so that a stock has finite moments,
and an option a price: those of the Gauss-Laguerre rule of the chi-square that divides in Student's t.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.special import roots_genlaguerre

from alo_lib.market.generator.dynamics.interface import Dynamics, Nodes

__all__ = ["Garch"]

Array = NDArray[np.float64]

_SCALES: Final = 5


class Garch(Dynamics):
    """v' = omega + (alpha + gamma [e < 0]) e^2 + beta v."""

    kind: Literal["garch"] = "garch"
    alpha: float = Field(0.03, ge=0, le=0.5, description="weight of a day's squared shock")
    gamma: float = Field(0.10, ge=0, le=0.5, description="weight of it besides after a fall")
    beta: float = Field(0.88, ge=0, lt=1, description="weight of the day's variance")
    tails: float = Field(8.0, ge=5, le=100, description="degrees of freedom of the t that tails are like")

    @model_validator(mode="after")
    def _stationary(self) -> Self:
        if not self.persistence < 0.999:
            raise ValueError(
                f"alpha + gamma / 2 + beta is {self.persistence:g}; it must be below 0.999, or variance never reverts"
            )
        return self

    @property
    def persistence(self) -> float:
        """As the interface says."""
        return self.alpha + 0.5 * self.gamma + self.beta

    @property
    def scales(self) -> Nodes:
        """As the interface says."""
        return _scales(self.tails)

    def following(self, variance: Array, scale: Array, shock: Array, noise: Array) -> Array:
        """As the interface says."""
        weight = np.where(shock < 0.0, self.alpha + self.gamma, self.alpha)
        omega = self.long_run * (1.0 - self.persistence)
        return np.asarray(omega + weight * shock * shock + self.beta * variance + 0.0 * (scale + noise))

    def in_words(self) -> Sequence[str]:
        """As the interface says."""
        return (
            f"GJR-GARCH of long-run volatility {self.volatility:.1%}",
            f"alpha {self.alpha:g}, gamma {self.gamma:g}, beta {self.beta:g}, tails of {self.tails:g} degrees",
        )


@lru_cache(maxsize=64)
def _scales(tails: float) -> Nodes:
    """What divides in Student's t of so many degrees of freedom, on a few points of mean 1."""
    points, weights = roots_genlaguerre(_SCALES, 0.5 * tails - 1.0)
    weights = weights / weights.sum()
    values = 1.0 / points
    return Nodes(values / float(np.sum(weights * values)), weights)
