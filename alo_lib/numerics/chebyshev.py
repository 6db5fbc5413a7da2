"""Chebyshev interpolation on [0, 1] by precomputed matrices.

The pricing kernels interpolate at points that are the same for every option once time is scaled, so interpolation is
a matrix product with constants instead of a recurrence.
"""

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel

__all__ = ["interpolation_matrix", "nodes", "weights_at"]

Array = npt.NDArray[np.float64]


def nodes(n: int) -> Array:
    """The ``n + 1`` Chebyshev extreme points on [0, 1], from 1 down to 0.

    :raises ValueError: when n < 1.
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


@kernel
def weights_at(x: float, z: Array, rows: Array, first: int, lane: int) -> None:
    """Weights of the interpolant at x in [0, 1] of what vanishes at 0; z (n): the other :func:`nodes`.

    They go into rows first .. first + n of a lane of rows (m, LANES).
    """
    n = z.size
    total = (0.5 if n % 2 == 0 else -0.5) / x
    for i in range(n):
        difference = x - z[i]
        if difference == 0.0:
            for j in range(n):
                rows[first + j, lane] = 1.0 if j == i else 0.0
            return
        sign = (0.5 if i == 0 else 1.0) * (1.0 if i % 2 == 0 else -1.0)
        rows[first + i, lane] = sign / difference
        total += sign / difference
    for i in range(n):
        rows[first + i, lane] /= total
