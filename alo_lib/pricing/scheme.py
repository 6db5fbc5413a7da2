"""Accuracy as an object: how many nodes, points and sweeps the exercise boundary and the price are given."""

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.chebyshev import interpolation_matrix, nodes
from alo_lib.numerics.quadrature import front_rule, sine_squared_rule
from alo_lib.pricing.arguments import PricingError

__all__ = [
    "ACCURATE",
    "COSINE",
    "ELAPSED",
    "FAST",
    "HIGH_PRECISION",
    "HOLD",
    "INVERSE",
    "PRICE_COSINE",
    "PRICE_SINE",
    "PRICE_WEIGHT",
    "WEIGHT",
    "Scheme",
    "Tables",
    "resolve_scheme",
    "tables",
]

Array = npt.NDArray[np.float64]


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


@dataclass(frozen=True)
class Scheme:
    """Numbers (m, n, l, p) in the notation of Andersen, Lake and Offengenden (2016).

    m: Newton sweeps at least, n: nodes of the boundary, l: points of the integrals inside the fixed-point
    equation, p: points of the integral for the price.

    :raises PricingError: for a number that is not whole or out of its range.
    """

    sweeps: int
    nodes: int
    points: int
    price_points: int

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("sweeps m", self.sweeps, 1, 100),
            ("nodes n", self.nodes, 2, 64),
            ("points l", self.points, 2, 256),
            ("price points p", self.price_points, 2, 2048),
        ):
            if not _is_whole(value) or not low <= value <= high:
                raise PricingError(f"scheme: {name} is {value!r}; allowed: whole numbers from {low} to {high}")

    def denser(self, level: int) -> "Scheme":
        """For what is harder than the scheme is meant for: twice the nodes and points, 2**level the price points."""
        if level == 0:
            return self
        nodes, points = min(2 * self.nodes, 64), min(2 * self.points, 256)
        return Scheme(self.sweeps, nodes, points, min(self.price_points << level, 2048))


FAST = Scheme(1, 6, 8, 16)
"""To search with, and where speed counts more than the last digits."""
ACCURATE = Scheme(3, 12, 16, 24)
"""To trade and to hedge; the default."""
HIGH_PRECISION = Scheme(4, 24, 40, 48)
"""A reference for tests, and for derivatives by differences."""
_PRESETS = {"fast": FAST, "accurate": ACCURATE, "high_precision": HIGH_PRECISION}


class Tables(NamedTuple):
    """A scheme's constants as the kernels read them; time is scaled to 1.

    Pairs (node i, inner point k) are numbered ``i * l + k``.
    """

    sweeps: int
    points: int  # l
    node: Array  # (n,) square roots of the node times, 1 first
    interpolate: Array  # (n * l, n) node values to values at the inner points
    pair: Array  # (5, n * l), see ELAPSED and after
    price_interpolate: Array  # (p, n)
    price: Array  # (3, p), see PRICE_SINE and after


ELAPSED, COSINE, INVERSE, WEIGHT, HOLD = range(5)
"""Rows of Tables.pair: time u elapsed, square root of the remaining time v, its inverse, weight with the node's time in
it, and u over the first node's time, at most 1 (see boundary.py)."""
PRICE_SINE, PRICE_COSINE, PRICE_WEIGHT = range(3)
"""Rows of Tables.price: square roots of the time u of a point and of 1 - u, and its weight."""


def resolve_scheme(scheme: str | Scheme | Sequence[int]) -> Scheme:
    """The scheme meant by a preset's name, a :class:`Scheme` or four integers (m, n, l, p).

    :raises PricingError: for anything else.
    """
    if isinstance(scheme, Scheme):
        return scheme
    if isinstance(scheme, str) and scheme in _PRESETS:
        return _PRESETS[scheme]
    if isinstance(scheme, tuple | list) and len(scheme) == 4 and all(map(_is_whole, scheme)):
        return Scheme(*map(int, scheme))
    raise PricingError(f"scheme is {scheme!r}; allowed: {', '.join(_PRESETS)}, or four integers (m, n, l, p)")


@lru_cache(maxsize=32)
def tables(scheme: Scheme) -> Tables:
    """The constants of a scheme."""
    n = scheme.nodes
    x = nodes(n)[:-1]
    sine, cosine, weight = sine_squared_rule(scheme.points)
    elapsed = np.outer(x, sine) ** 2
    remaining = np.outer(x, cosine)
    inner = interpolation_matrix(n, np.outer(x, sine))[..., :-1]
    price = np.stack(front_rule(scheme.price_points))
    hold = np.minimum(elapsed / x[-1] ** 2, 1.0)
    return Tables(
        sweeps=scheme.sweeps,
        points=scheme.points,
        node=x,
        interpolate=np.ascontiguousarray(inner.reshape(-1, n)),
        pair=np.stack([elapsed, remaining, 1.0 / remaining, np.outer(x**2, weight), hold]).reshape(5, -1),
        price_interpolate=np.ascontiguousarray(interpolation_matrix(n, price[PRICE_SINE])[..., :-1]),
        price=price,
    )
