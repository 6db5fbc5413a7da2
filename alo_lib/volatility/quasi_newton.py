"""Maximum likelihood inside a box: a projected quasi-Newton search that starts from the scores' outer product.

The outer product of the scores estimates the information matrix in the same pass as the gradient (Berndt, Hall, Hall
and Hausman 1974), so the first step is already a Newton step in scale; the BFGS updates after it learn the curvature
where the model is not true. Bounds are handled by an active set (Bertsekas 1982).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.fixed_order import dot, product, solve

__all__ = ["Optimum", "maximize"]

Array = NDArray[np.float64]
Objective = Callable[[Array], tuple[float, Array, Array]]
"""Point to log likelihood, gradient and outer product; an infinite value marks a point that is not allowed."""

_TOLERANCE = 1e-7
"""The search ends when the next step promises a smaller gain of log likelihood: data tell about 0.5 apart."""

_SUFFICIENT = 1e-4
_MAX_HALVINGS = 30
_RIDGE = 1e-9


@dataclass(frozen=True)
class Optimum:
    """Where a search ended; ``message`` is empty when it converged."""

    point: Array
    value: float
    iterations: int
    message: str


def maximize(objective: Objective, start: Array, lower: Array, upper: Array, max_iterations: int) -> Optimum:
    """Maximize ``objective`` over the box, from ``start`` (moved inside it)."""
    x = np.clip(start, lower, upper)
    value, gradient, curvature = objective(x)
    if not np.isfinite(value):
        return Optimum(x, value, 0, "the start is outside the model's domain")
    learnt = 0
    for iteration in range(max_iterations):
        free = ~(((x <= lower) & (gradient < 0.0)) | ((x >= upper) & (gradient > 0.0)))
        step = np.zeros_like(x)
        if free.any():
            block = curvature[np.ix_(free, free)]
            try:
                step[free] = solve(block + _RIDGE * np.diag(np.diag(block)), gradient[free])
            except ZeroDivisionError:
                return Optimum(x, value, iteration, "the data do not tell every parameter")
        gain = 0.5 * dot(gradient, step)
        if 0.0 <= gain < _TOLERANCE:
            return Optimum(x, value, iteration, "")
        moved = _line_search(objective, x, value, gradient, step, lower, upper)
        if moved is None:
            # The learnt curvature misleads: back to the scores' own, and at last to its diagonal, along which every
            # projected step leads upwards.
            if learnt < 0:
                return Optimum(x, value, iteration, f"no step improves the likelihood, though {gain:.3g} was expected")
            outer = objective(x)[2]
            curvature, learnt = (outer, 0) if learnt > 0 else (np.diag(np.diag(outer)), -1)
            continue
        x_new, value_new, gradient_new, outer_new = moved
        s, y = x_new - x, gradient - gradient_new
        curvature = _updated(curvature, s, y, rescale=learnt <= 0) if dot(s, y) > 0.0 else outer_new
        x, value, gradient, learnt = x_new, value_new, gradient_new, 1
    return Optimum(x, value, max_iterations, f"{max_iterations} iterations were not enough")


def _line_search(
    objective: Objective, x: Array, value: float, gradient: Array, step: Array, lower: Array, upper: Array
) -> tuple[Array, float, Array, Array] | None:
    """The longest of the halved, projected steps that raises the likelihood enough; None when none does."""
    length = 1.0
    for _ in range(_MAX_HALVINGS):
        trial = np.clip(x + length * step, lower, upper)
        expected = dot(gradient, trial - x)
        if expected > 0.0:
            trial_value, trial_gradient, trial_outer = objective(trial)
            if trial_value >= value + _SUFFICIENT * expected:
                return trial, trial_value, trial_gradient, trial_outer
        length *= 0.5
    return None


def _updated(curvature: Array, s: Array, y: Array, *, rescale: bool) -> Array:
    """BFGS update of the curvature of minus the likelihood, by a step ``s`` and the gradient's fall ``y`` along it."""
    along = product(curvature, s)
    sy, size = dot(s, y), dot(s, along)
    if rescale:
        # Outer product and Hessian differ by a factor when the shocks' kurtosis is not the model's.
        factor = min(max(sy / size, 0.1), 10.0)
        curvature, along, size = factor * curvature, factor * along, factor * size
    result: Array = curvature - np.outer(along, along) / size + np.outer(y, y) / sy
    return result
