"""Weights of several forecasts and the level of their mean, fitted to what came after them.

For each horizon the logarithms of the parts' variance forecasts are averaged with weights on the simplex. The weights
minimize the quasi-likelihood loss (Patton 2011) of past forecasts against the realized range, pulled towards two thirds
for HAR and the rest shared: such weights are hard to beat, and the pull keeps a short sample from inventing others.

A range misses what happens outside it, and a geometric mean lies below the mean. So the mean is multiplied by what
squared returns, which miss nothing, were of it, recent days the most.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.elementwise import exp, log, power
from alo_lib.records import TRADING_DAYS
from alo_lib.volatility.errors import CalibrationError, ParameterError
from alo_lib.volatility.har import HarModel, dot_rows, future_means
from alo_lib.volatility.ranges import MEMORY
from alo_lib.volatility.variance_distribution import LEVELS, Proxy, unknown_of_garch, unknown_of_regimes, widened

__all__ = ["Blend", "combined", "fit_blend"]

Array = NDArray[np.float64]

_LEADING: Final = HarModel.name
_LEADING_SHARE: Final = 2.0 / 3.0
_PULL: Final = 0.1
"""Loss added for a squared distance of the weights from their prior; a QLIKE of volatility is 0.2 to 0.5."""


_LEVEL_HALF_LIFE: Final = 2.0 * TRADING_DAYS
"""Age at which a day counts half in the level: prints and what a range is made of have changed with the years."""
_MOST_SQUARE: Final = 100.0
"""A squared return counts up to so many one-day forecasts in the level, so that no crash rules it for years."""
_LEVEL_TAKEN: Final = 0.75
_OWN_LEVEL_TAKEN: Final = 0.25
"""Of the logarithm of the shortest horizon's factor, and of what another's own differs from it, what is taken: the rest
is noise of a few hundred squared returns, and of far fewer windows that do not overlap."""
_ENOUGH_WINDOWS: Final[dict[Proxy, float]] = {"returns": 100.0, "range": 10.0}
"""Windows at which past errors and simulated ones count alike in the band: those of the range are less noisy, and the
paths, which take today's variance for known, say less of it."""
_ENOUGH_BY_REGIMES: Final = 10.0
_LEAST_SQUARE: Final = 1e-12
"""Least realized squared return that has an error in logarithms: the close of such a day is the one before."""


@dataclass(frozen=True)
class Blend:
    """Weights of the ``parts``, the level of their mean, and what it left, a row a horizon.

    Errors are percentiles of log(realized / forecast variance): ``log_errors`` of the range, brought to the level of
    squared returns, ``return_errors`` of squared returns.
    """

    parts: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    levels: tuple[float, ...]
    log_errors: tuple[tuple[float, ...], ...]
    return_errors: tuple[tuple[float, ...], ...]
    judged: int
    """Days whose errors were kept, at the shortest horizon."""
    days: int
    """Days of the past that all of it rests on."""

    def __post_init__(self) -> None:
        for row in self.weights:
            if len(row) != len(self.parts) or not all(0.0 <= w <= 1.0 for w in row) or abs(sum(row) - 1.0) > 1e-9:
                raise ParameterError(
                    f"weights must be shares of {', '.join(self.parts):.80} that sum to 1, not {row!r:.80}"
                )
        if len(self.levels) != len(self.weights) or not all(0.0 < level < math.inf for level in self.levels):
            raise ParameterError(
                f"levels must be finite and positive, one for each row of weights, not {self.levels!r:.80}"
            )
        for name, table in (("log_errors", self.log_errors), ("return_errors", self.return_errors)):
            if len(table) != len(self.weights) or any(
                len(row) != len(LEVELS) or list(row) != sorted(row) for row in table
            ):
                raise ParameterError(f"{name} must be {len(LEVELS)} ascending percentiles for each row of weights")
        if not (0 <= self.judged <= self.days and self.days >= 1):
            raise ParameterError(
                f"judged must be from 0 to days, 1 or more, but they are {self.judged} and {self.days}"
            )

    def percentiles(self, horizons: tuple[int, ...], trading_days: float, proxy: Proxy) -> Array:
        """Of the errors over ``trading_days``, (99,): linear in the logarithm of the horizon, held at the ends."""
        table = np.array(self.return_errors if proxy == "returns" else self.log_errors)
        place = float(np.interp(math.log(trading_days), log(horizons), np.arange(len(horizons))))
        at = min(int(place), max(len(horizons) - 2, 0))
        if len(horizons) == 1:
            return np.asarray(table[0])
        row: Array = table[at] + (place - at) * (table[at + 1] - table[at])
        return row

    def with_paths(self, errors: Array, paths: Array, trading_days: float, proxy: Proxy) -> Array:
        """Percentiles of past ``errors`` over ``trading_days``, weighed with those of simulated ``paths``, each (99,).

        Errors count by their windows that do not overlap, which are few. The paths take the fitted parameters for known
        and the process for right. What both hide was found on simulated GJR-GARCH and regime markets.
        """
        unknown = unknown_of_garch(trading_days, self.days, proxy)
        return self._mixed(errors, paths, trading_days, _ENOUGH_WINDOWS[proxy], unknown)

    def with_regimes(self, errors: Array, paths: Array, trading_days: float) -> Array:
        """As :meth:`with_paths`, where the paths are those of regimes that explain the past better."""
        unknown = unknown_of_regimes(trading_days, self.days)
        return self._mixed(errors, paths, trading_days, _ENOUGH_BY_REGIMES, unknown)

    def _mixed(self, errors: Array, paths: Array, trading_days: float, enough: float, unknown: float) -> Array:
        """Both weighed, and widened by the share ``unknown``."""
        windows = self.judged / max(trading_days, 1.0)
        share = windows / (windows + enough)
        return widened(share * errors + (1.0 - share) * paths, unknown)


def combined(blend: Blend, forecasts: Mapping[str, Array]) -> Array:
    """Weighted geometric mean of the parts, each (m, k), at its level."""
    logs = np.zeros_like(forecasts[blend.parts[0]])
    for part, weights in zip(blend.parts, np.array(blend.weights).T, strict=True):
        logs += weights * log(forecasts[part])
    result: Array = exp(logs) * np.array(blend.levels)
    return result


def fit_blend(
    forecasts: Mapping[str, Array],
    realized: list[Array],
    squares: Array,
    known: NDArray[np.bool_],
    judged: NDArray[np.bool_],
) -> Blend:
    """Weights of least loss at each horizon, over the ``known`` days (m,) whose future is complete.

    ``realized`` are means of the coming ranges, one array a horizon, ``squares`` (m,) each day's own squared return.
    The errors kept are those of the ``judged`` days (m,), or of all where those are fewer than a quarter of a year.
    """
    parts = tuple(forecasts)
    prior = np.full(len(parts), 1.0)
    if _LEADING in parts and len(parts) > 1:
        prior[:] = (1.0 - _LEADING_SHARE) / (len(parts) - 1)
        prior[parts.index(_LEADING)] = _LEADING_SHARE
    prior /= np.sum(prior)
    weights, means = [], []
    for k, target in enumerate(realized):
        use = known[: target.size]
        logs = np.stack([log(forecasts[part][:, k]) for part in parts], axis=1)
        w = _least_loss(logs[: target.size][use], log(target[use]), prior)
        weights.append(tuple(float(value) for value in w))
        means.append(exp(dot_rows(logs, w)))
    levels = _levels(means, [squares.size - target.size for target in realized], squares, known)
    errors, return_errors, honest_days = [], [], 0
    for mean, level, target in zip(means, levels, realized, strict=True):
        honest = (known & judged)[: target.size]
        sample = honest if np.count_nonzero(honest) >= MEMORY else known[: target.size]
        said = log(level * mean[: target.size][sample])
        came = log(np.maximum(future_means(squares, squares.size - target.size)[sample], _LEAST_SQUARE))
        errors.append(_percentiles(log(target[sample]) - said))
        return_errors.append(_percentiles(came - said))
        honest_days = max(honest_days, said.size)
    days = int(np.count_nonzero(known))
    return Blend(parts, tuple(weights), levels, tuple(errors), tuple(return_errors), honest_days, days)


def _levels(means: list[Array], horizons: list[int], squares: Array, known: NDArray[np.bool_]) -> tuple[float, ...]:
    """What squared returns (m,) were of the ``means`` (m,) over each of ``horizons``.

    Between the ratio of means and the mean of ratios: days count by one over the root of what was forecast. A longer
    horizon has fewer windows, so that its factor is drawn to that of the shortest.
    """
    counted = squares.copy()
    counted[1:] = np.fmin(squares[1:], _MOST_SQUARE * means[0][:-1])  # where a part is not known nothing is cut
    factors = []
    for mean, horizon in zip(means, horizons, strict=True):
        came = future_means(counted, horizon)
        use = known[: came.size]
        ages = np.arange(came.size)[::-1][use]
        came, said = came[use], mean[: came.size][use]
        weights = power(0.5, ages / _LEVEL_HALF_LIFE) / np.sqrt(said)
        factors.append(float(np.sum(weights * came) / np.sum(weights * said)))
    shared = math.pow(factors[0], _LEVEL_TAKEN)
    return tuple(shared * math.pow(factor / factors[0], _OWN_LEVEL_TAKEN) for factor in factors)


def _percentiles(errors: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in np.quantile(errors, LEVELS))


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
