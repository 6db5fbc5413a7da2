"""Weights of several forecasts, fitted to what came after them.

For each horizon the logarithms of the parts' variance forecasts are averaged with weights on the simplex. The weights
minimize the quasi-likelihood loss (Patton 2011) of past forecasts against the realized range, pulled towards two thirds
for HAR and the rest shared: such weights are hard to beat, and the pull keeps a short sample from inventing others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.elementwise import exp, log
from alo_lib.volatility.errors import CalibrationError, ParameterError
from alo_lib.volatility.har import HarModel, dot_rows
from alo_lib.volatility.ranges import MEMORY

__all__ = ["LEVELS", "Blend", "combined", "fit_blend"]

Array = NDArray[np.float64]

_LEADING: Final = HarModel.name
_LEADING_SHARE: Final = 2.0 / 3.0
_PULL: Final = 0.1
"""Loss added for a squared distance of the weights from their prior; a QLIKE of volatility is 0.2 to 0.5."""

LEVELS: Final = tuple(level / 100.0 for level in range(1, 100))
"""Probabilities of the percentiles that a blend keeps."""


@dataclass(frozen=True)
class Blend:
    """Weights of the ``parts`` and percentiles of log(realized / forecast variance) that they left, a row a horizon."""

    parts: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    log_errors: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        for row in self.weights:
            if len(row) != len(self.parts) or not all(0.0 <= w <= 1.0 for w in row) or abs(sum(row) - 1.0) > 1e-9:
                raise ParameterError(
                    f"weights must be shares of {', '.join(self.parts):.80} that sum to 1, not {row!r:.80}"
                )
        if len(self.log_errors) != len(self.weights) or any(
            len(row) != len(LEVELS) or list(row) != sorted(row) for row in self.log_errors
        ):
            raise ParameterError(f"log_errors must be {len(LEVELS)} ascending percentiles for each row of weights")


def combined(blend: Blend, forecasts: Mapping[str, Array]) -> Array:
    """Weighted geometric mean of the parts, each (m, k)."""
    logs = np.zeros_like(forecasts[blend.parts[0]])
    for part, weights in zip(blend.parts, np.array(blend.weights).T, strict=True):
        logs += weights * log(forecasts[part])
    return exp(logs)


def fit_blend(
    forecasts: Mapping[str, Array], realized: list[Array], known: NDArray[np.bool_], judged: NDArray[np.bool_]
) -> Blend:
    """Weights of least loss at each horizon, over the ``known`` days (m,) whose future is complete.

    The errors kept are those of the ``judged`` days (m,), or of all where those are fewer than a quarter of a year.
    """
    parts = tuple(forecasts)
    prior = np.full(len(parts), 1.0)
    if _LEADING in parts and len(parts) > 1:
        prior[:] = (1.0 - _LEADING_SHARE) / (len(parts) - 1)
        prior[parts.index(_LEADING)] = _LEADING_SHARE
    prior /= np.sum(prior)
    weights, errors = [], []
    for k, target in enumerate(realized):
        use = known[: target.size]
        logs = np.stack([log(forecasts[part][: target.size, k][use]) for part in parts], axis=1)
        log_target = log(target[use])
        w = _least_loss(logs, log_target, prior)
        weights.append(tuple(float(value) for value in w))
        honest = judged[: target.size][use]
        sample = honest if np.count_nonzero(honest) >= MEMORY else np.ones_like(honest)
        errors.append(tuple(float(value) for value in np.quantile((log_target - dot_rows(logs, w))[sample], LEVELS)))
    return Blend(parts, tuple(weights), tuple(errors))


def _least_loss(logs: Array, log_target: Array, prior: Array) -> Array:
    """Simplex weights (p,) of least QLIKE of exp(logs (m, p) @ weights), a convex problem, pulled to ``prior``."""
    if prior.size == 1:
        return prior

    def loss(w: Array) -> tuple[float, Array]:
        error = log_target - dot_rows(logs, w)
        ratio = exp(error)
        value = float(np.mean(ratio - error)) - 1.0 + _PULL * float(np.sum(np.square(w - prior)))
        return value, -np.mean(logs * (ratio - 1.0)[:, None], axis=0) + 2.0 * _PULL * (w - prior)

    constraint: dict[str, Any] = {
        "type": "eq",
        "fun": lambda w: float(np.sum(w)) - 1.0,
        "jac": lambda w: np.ones_like(w),
    }
    from scipy.optimize import minimize  # 23 MB that only a fit needs

    result = minimize(
        loss, prior, jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * prior.size, constraints=[constraint], tol=1e-10
    )
    if not result.success:
        raise CalibrationError(f"weights of the forecasts were not found: {result.message}")
    w: Array = np.clip(np.asarray(result.x, dtype=np.float64), 0.0, 1.0)
    return w / np.sum(w)
