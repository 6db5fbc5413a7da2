"""Geometric Brownian motion: variance never changes."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.generator.dynamics.interface import Dynamics

__all__ = ["Constant"]

Array = NDArray[np.float64]


class Constant(Dynamics):
    """Every day has the long-run variance."""

    kind: Literal["constant"] = "constant"

    @property
    def persistence(self) -> float:
        """As the interface says."""
        return 1.0

    def following(self, variance: Array, scale: Array, shock: Array, noise: Array) -> Array:
        """As the interface says."""
        return np.asarray(variance + 0.0 * (scale + shock + noise))

    def in_words(self) -> Sequence[str]:
        """As the interface says."""
        return (f"constant volatility {self.volatility:.1%}",)
