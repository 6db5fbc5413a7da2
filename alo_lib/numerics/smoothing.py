"""Cubic smoothing splines by Reinsch's algorithm (Green and Silverman, "Nonparametric Regression", 1994, chapter 2)."""

import numpy as np
import numpy.typing as npt

__all__ = ["smoothing_spline"]

Array = npt.NDArray[np.float64]


def smoothing_spline(x: Array, y: Array, error: Array, bend: float) -> Array:
    """The natural cubic spline's values (n,) at x (n,), ascending, that best explains y (n,), known to ``error`` (n,).

    It makes ``sum(((g - y) / error)^2) + integral((g'' / bend)^2)`` least: of a curve whose slope wanders like a
    Brownian motion, by ``bend`` over a unit of x, that is what is expected of it. Two points or fewer are kept.
    """
    if x.size < 3:
        return y.copy()
    gap = np.diff(x)
    inner = np.arange(x.size - 2)
    second = np.zeros((x.size - 2, x.size))  # differences of the slopes to both sides of each inner point
    second[inner, inner], second[inner, inner + 2] = 1.0 / gap[:-1], 1.0 / gap[1:]
    second[inner, inner + 1] = -1.0 / gap[:-1] - 1.0 / gap[1:]
    energy = np.diag((gap[:-1] + gap[1:]) / 3.0) + np.diag(gap[1:-1] / 6.0, 1) + np.diag(gap[1:-1] / 6.0, -1)
    spread = second.T * (error / bend)[:, None] ** 2
    return np.asarray(y - spread @ np.linalg.solve(energy + second @ spread, second @ y))
