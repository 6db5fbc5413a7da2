"""Small dense linear systems inside kernels."""

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel

__all__ = ["lu_factor", "lu_solve"]

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
