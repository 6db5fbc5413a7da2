"""Small dense linear systems and least squares, summed in one order."""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import fma
from alo_lib.numerics.lanes import load, store

__all__ = ["factor_lanes", "least_squares", "lu_factor", "lu_solve", "solve_lanes"]

Array = npt.NDArray[np.float64]


@kernel
def lu_factor(a: Array, pivots: npt.NDArray[np.int64], n: int) -> bool:
    """Factor the leading n x n block of ``a`` in place, rows exchanged for the largest pivot.

    ``pivots`` (n) receives the row exchanged at each step. Returns False when a pivot is zero or not a number.
    """
    for k in range(n):
        best = k
        largest = abs(a[k, k])
        for i in range(k + 1, n):
            if abs(a[i, k]) > largest:
                best = i
                largest = abs(a[i, k])
        pivots[k] = best
        if not largest > 0.0:
            return False
        if best != k:
            for j in range(n):
                t = a[k, j]
                a[k, j] = a[best, j]
                a[best, j] = t
        inverse = 1.0 / a[k, k]
        for i in range(k + 1, n):
            f = a[i, k] * inverse
            a[i, k] = f
            for j in range(k + 1, n):
                a[i, j] -= f * a[k, j]
    return True


@kernel
def lu_solve(a: Array, pivots: npt.NDArray[np.int64], n: int, b: Array) -> None:
    """Overwrite b (n) with the solution of the system factored by :func:`lu_factor`."""
    for k in range(n):
        p = pivots[k]
        t = b[p]
        b[p] = b[k]
        b[k] = t
    for i in range(n):
        t = b[i]
        for j in range(i):
            t -= a[i, j] * b[j]
        b[i] = t
    for i in range(n - 1, -1, -1):
        t = b[i]
        for j in range(i + 1, n):
            t -= a[i, j] * b[j]
        b[i] = t / a[i, i]


@kernel
def factor_lanes(a: Array, n: int) -> None:
    """Factor a matrix in each lane of ``a`` (n * n, LANES), row by row, in place and without exchanging rows.

    For systems whose diagonal leads. The diagonal becomes that of the inverses; a pivot of zero shows in solutions
    that are not finite.
    """
    for k in range(n):
        inverse = 1.0 / load(a, k * n + k)
        store(a, k * n + k, inverse)
        for i in range(k + 1, n):
            f = load(a, i * n + k) * inverse
            store(a, i * n + k, f)
            for j in range(k + 1, n):
                store(a, i * n + j, fma(-f, load(a, k * n + j), load(a, i * n + j)))


@kernel
def solve_lanes(a: Array, n: int, b: Array, first: int) -> None:
    """Overwrite rows first .. first + n of b (rows, LANES) with the solutions of what :func:`factor_lanes` factored."""
    for i in range(n):
        t = load(b, first + i)
        for j in range(i):
            t = fma(-load(a, i * n + j), load(b, first + j), t)
        store(b, first + i, t)
    for i in range(n - 1, -1, -1):
        t = load(b, first + i)
        for j in range(i + 1, n):
            t = fma(-load(a, i * n + j), load(b, first + j), t)
        store(b, first + i, t * load(a, i * n + i))


@kernel
def least_squares(a: Array, b: Array, x: Array, tolerance: float) -> int:
    """Fill ``x`` (n,) with the least-squares solution of ``a`` (m, n) times x = ``b`` (m,); both are overwritten.

    By Householder reflections. Returns the number of columns that stand out of those before them by more than
    ``tolerance`` of their length; ``x`` is only filled when that is all of them.
    """
    m, n = a.shape
    diagonal = np.empty(n)
    for k in range(n):
        whole, below = 0.0, 0.0
        for i in range(m):
            square = a[i, k] * a[i, k]
            whole += square
            if i >= k:
                below += square
        # The reflections so far have not changed the column's length.
        if not (below > tolerance * tolerance * whole and m > k):
            return k
        alpha = -math.copysign(math.sqrt(below), a[k, k])
        diagonal[k] = alpha
        a[k, k] -= alpha
        norm = 0.0
        for i in range(k, m):
            norm += a[i, k] * a[i, k]
        for j in range(k + 1, n):
            inner = 0.0
            for i in range(k, m):
                inner += a[i, k] * a[i, j]
            scale = 2.0 * inner / norm
            for i in range(k, m):
                a[i, j] -= scale * a[i, k]
        inner = 0.0
        for i in range(k, m):
            inner += a[i, k] * b[i]
        scale = 2.0 * inner / norm
        for i in range(k, m):
            b[i] -= scale * a[i, k]
    for k in range(n - 1, -1, -1):
        t = b[k]
        for j in range(k + 1, n):
            t -= a[k, j] * x[j]
        x[k] = t / diagonal[k]
    return n
