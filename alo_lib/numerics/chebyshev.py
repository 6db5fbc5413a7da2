"""Chebyshev interpolation on [0, 1] by precomputed matrices.

The pricing kernels interpolate at points that are the same for every option once time is scaled, so interpolation is
a matrix product with constants instead of a recurrence.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["interpolation_matrix", "nodes"]

Array = npt.NDArray[np.float64]


def nodes(n: int) -> Array:
    """The ``n + 1`` Chebyshev extreme points on [0, 1], from 1 down to 0.

    Raises ValueError when n < 1.
    """
    if n < 1:
        raise ValueError(f"n is {n}; at least 1 is needed")
    x = np.asarray(0.5 * (1.0 + np.cos(np.pi * np.arange(n + 1) / n)), dtype=np.float64)
    x[-1] = 0.0
    return x


def interpolation_matrix(n: int, x: Array) -> Array:
    """Weights of shape ``x.shape + (n + 1,)`` that map values at :func:`nodes` to the interpolant at x.

    Barycentric formula of the second kind (Berrut and Trefethen 2004, "Barycentric Lagrange interpolation").
    """
    z = nodes(n)
    sign = np.where(np.arange(n + 1) % 2 == 0, 1.0, -1.0)
    sign[0] *= 0.5
    sign[-1] *= 0.5
    difference = x[..., np.newaxis] - z
    exact = difference == 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = sign / difference
        weights = terms / terms.sum(axis=-1, keepdims=True)
    hit = exact.any(axis=-1, keepdims=True)
    return np.asarray(np.where(hit, exact.astype(np.float64), weights), dtype=np.float64)
