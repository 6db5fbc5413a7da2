"""What every dynamics is: a daily variance that is known at the close before, and how it moves on.

Over a day the logarithm of the price, carry aside, moves by

    -v w / 2 + e,    e ~ N(0, v w),

with the day's variance v, known at the close before, and a scale w of mean 1, drawn as the day begins: the price less
carry is a martingale on every path, and what the day's shock makes of the next variance keeps its mean at
``long_run + persistence (v - long_run)``. Whatever else a dynamics has is in these; the fair price of an option follows
from them alone (:mod:`alo_lib.market.generator.fair`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import roots_hermitenorm

from alo_lib.records import TRADING_DAYS

__all__ = ["ALONE", "Dynamics", "Nodes", "even_nodes", "normal_nodes"]

Array = NDArray[np.float64]


class Nodes(NamedTuple):
    """A distribution on a few points: values and probabilities (n,)."""

    values: Array
    weights: Array


_FAR: Final = 6.5  # deviations

ALONE: Final = Nodes(np.ones(1), np.ones(1))
"""What does not vary."""


def normal_nodes(count: int) -> Nodes:
    """Gauss-Hermite points of the standard normal: exact for polynomials below degree ``2 count``."""
    values, weights = roots_hermitenorm(count)
    return Nodes(np.asarray(values), np.asarray(weights / weights.sum()))


def even_nodes(step: float) -> Nodes:
    """Evenly spaced points of the standard normal, ``step`` apart: exact for what is smooth over a step or more.

    Against a normal of b steps' width the trapezoidal rule is off by 2 exp(-2 pi^2 b^2).
    """
    most = int(np.ceil(_FAR / step))
    values = step * np.arange(-most, most + 1.0)
    weights = np.exp(-0.5 * values * values)
    return Nodes(values, np.asarray(weights / weights.sum()))


class Dynamics(BaseModel, ABC):
    """One process of daily variances (decimals, a trading day)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    volatility: float = Field(0.24, gt=0.01, le=3.0, description="long-run, annualized")

    @property
    def long_run(self) -> float:
        """The variance of a day that all others revert to."""
        return self.volatility**2 / TRADING_DAYS

    @property
    @abstractmethod
    def persistence(self) -> float:
        """What is left of a variance's distance to the long-run one after a day, on average."""

    @property
    def scales(self) -> Nodes:
        """The scale w of a day."""
        return ALONE

    @property
    def second_noise(self) -> bool:
        """Whether the next variance has a normal shock of its own beside the price's."""
        return False

    @abstractmethod
    def following(self, variance: Array, scale: Array, shock: Array, noise: Array) -> Array:
        """The next day's variance after a ``variance``, scale and ``shock`` e; ``noise`` ~ N(0, 1). They broadcast."""

    def mean_variance(self, days: int) -> tuple[float, float]:
        """A and b: the variances of the next ``days`` come to ``a v + b`` on average, the next one being v."""
        p = self.persistence
        kept = float(days) if p == 1.0 else (1.0 - p**days) / (1.0 - p)
        return kept, (days - kept) * self.long_run

    @abstractmethod
    def in_words(self) -> Sequence[str]:
        """What it is, and the figures that matter."""
