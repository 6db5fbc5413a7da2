"""Linear algebra on small arrays with the same bits on every machine.

What NumPy hands to BLAS is summed in an order that depends on the processor and on the library's settings. Decisions
are made of these numbers, so here sums are exact before they are rounded once (:func:`math.fsum`), whatever the order.
"""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.linear import lu_factor, lu_solve

__all__ = ["dot", "product", "solve"]

Array = npt.NDArray[np.float64]


def dot(a: Array, b: Array) -> float:
    """Sum of the products of two arrays of shape (n,)."""
    return math.fsum((a * b).tolist())


def product(a: Array, b: Array) -> Array:
    """Product of a matrix (m, n), or a row (n,), with a matrix (n, k), or a column (n,), as ``a @ b`` has it."""
    rows, columns = np.atleast_2d(a), np.atleast_2d(b.T)
    terms = (rows[:, None, :] * columns).tolist()  # all at once: most of these matrices have a few rows
    table = np.array([[math.fsum(each) for each in row] for row in terms])
    return table.reshape(a.shape[:-1] + b.shape[1:])


def solve(a: Array, b: Array) -> Array:
    """Solution of ``a x = b`` for a matrix (n, n) and b (n,).

    :raises ZeroDivisionError: for a singular matrix.
    :raises ValueError: for other shapes, beyond which a kernel would read.
    """
    factors, x, n = np.array(a), np.array(b), len(b)
    if factors.shape != (n, n) or x.shape != (n,):
        raise ValueError(f"a has shape {factors.shape} and b {x.shape}; allowed: (n, n) and (n,)")
    pivots = np.empty(n, np.int64)
    if not lu_factor(factors, pivots, n):
        raise ZeroDivisionError("the matrix is singular")
    lu_solve(factors, pivots, n, x)
    return x
