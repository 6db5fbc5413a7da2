"""Merton's jumps (1976): a Poisson number of normal moves, which come overnight and are compensated in the drift."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import gammaln, pdtrc, xlogy

from alo_lib.market.generator.dynamics.interface import Nodes, even_nodes
from alo_lib.records import TRADING_DAYS

__all__ = ["Jumps"]

Array = NDArray[np.float64]

_MOST: Final = 1_000  # jumps over an option's life, far more than come
_LEFT_OUT: Final = 1e-10  # of probability


class Jumps(BaseModel):
    """``rate`` jumps a year of logarithmic size N(mean, deviation^2); variance takes no notice of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rate: float = Field(ge=0, le=50, description="jumps a year")
    mean: float = Field(-0.03, ge=-0.5, le=0.5, description="mean logarithmic size")
    deviation: float = Field(0.04, ge=0, le=0.5, description="standard deviation of the size")

    @property
    def compensator(self) -> float:
        """What jumps add to the expected return of a day, which the drift takes off."""
        return self.rate / TRADING_DAYS * float(np.expm1(self.mean + 0.5 * self.deviation**2))

    @property
    def variance(self) -> float:
        """What jumps add to a day's variance."""
        return self.rate / TRADING_DAYS * float(self.mean**2 + self.deviation**2)

    def draw(self, generator: np.random.Generator) -> float:
        """One night's move, compensated."""
        count = int(generator.poisson(self.rate / TRADING_DAYS))
        size = count * self.mean + float(count**0.5) * self.deviation * float(generator.standard_normal())
        return size - self.compensator

    def moves(self, days: int, step: float) -> Nodes:
        """The compensated move of ``days`` nights, in points ``step`` deviations of a jump apart."""
        expected = self.rate / TRADING_DAYS * days
        counts = np.arange(next(most for most in range(_MOST) if pdtrc(most, expected) < _LEFT_OUT) + 1)
        chances = np.exp(xlogy(counts, expected) - expected - gammaln(counts + 1.0))
        z = even_nodes(step)
        values = counts[:, None] * self.mean + np.sqrt(counts)[:, None] * self.deviation * z.values
        weights = chances[:, None] * z.weights
        return Nodes(values.ravel() - days * self.compensator, weights.ravel() / float(weights.sum()))

    def in_words(self) -> str:
        """What they are."""
        return f"{self.rate:g} jumps a year of {self.mean:+.1%} on average, deviation {self.deviation:.1%}"
