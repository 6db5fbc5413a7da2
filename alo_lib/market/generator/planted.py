"""What is planted in implied volatility: how far it is from its fair value, by time, moneyness and expiry."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.market.generator.truth import EDGES, Edge, NameTruth
from alo_lib.records import DAYS_A_YEAR

__all__ = ["Planted", "Points"]

Array = NDArray[np.float64]

_MONTH: Final = 30.0 / DAYS_A_YEAR
_DOUBLINGS: Final = 3.0
_WINGS: Final = 3.0  # deviations beyond which what is planted is flat
_LEAST: Final = 0.25  # of the fair volatility


class Points(NamedTuple):
    """Edges at some times, in the order of :data:`~alo_lib.market.generator.truth.EDGES`: each (times,)."""

    level: Array
    skew: Array
    curvature: Array
    term: Array

    def planted_in(self, fair: Array, log_strike: Array, deviation: Array, years: Array) -> Array:
        """Implied volatility where ``fair`` (times, n) is the fair one, of contracts of some log strike over forward.

        ``deviation`` (times, n) is that of the logarithm of the price until expiry, at the money. Arguments broadcast.
        """
        z = np.clip(log_strike / np.maximum(deviation, 1e-9), -_WINGS, _WINGS)
        term = np.clip(np.log2(np.maximum(years, 1e-9) / _MONTH), -_DOUBLINGS, _DOUBLINGS)
        level, skew, curvature, slope = (each[:, None] for each in self)
        return np.asarray(np.maximum(fair + level + skew * z + curvature * z * z + slope * term, _LEAST * fair))


class _Path:
    """One edge's way, in days: stationary, of the first order."""

    def __init__(self, edge: Edge, stream: np.random.SeedSequence) -> None:
        self._edge = edge
        self._generator = np.random.default_rng(stream)
        self._away = edge.deviation * float(self._generator.standard_normal())

    def walk(self, steps: int) -> Array:
        """The next day's values at ``steps`` times, evenly spread."""
        edge = self._edge
        keep = 0.5 ** (1.0 / (edge.half_life * steps))
        shocks = edge.deviation * np.sqrt(1.0 - keep * keep) * self._generator.standard_normal(steps)
        path = np.empty(steps)
        for step in range(steps):
            self._away = keep * self._away + float(shocks[step])
            path[step] = edge.mean + self._away
        return path

    def now(self) -> Array:
        """The value that it has."""
        return np.array([self._edge.mean + self._away])


class Planted:
    """All that is planted in one name; nothing of it touches the stock, whose path is the same with it and without."""

    def __init__(self, name: NameTruth, streams: list[np.random.SeedSequence]) -> None:
        self.any = bool(name.edges)
        self._paths = [_Path(getattr(name, edge), stream) for edge, stream in zip(EDGES, streams, strict=True)]

    def walk(self, steps: int) -> Points:
        """The next session's, at ``steps`` times."""
        return Points(*(path.walk(steps) for path in self._paths))

    def now(self) -> Points:
        """As they stand, at one time."""
        return Points(*(path.now() for path in self._paths))
