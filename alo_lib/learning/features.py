"""What a policy sees: a ranked signal and the book it would be added to, as a fixed vector of numbers in [-1, 1]."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.learning.errors import LearningError
from alo_lib.records import Records
from alo_lib.settings import Settings
from alo_lib.strategy.book_risk import VOLATILITY_POINT

__all__ = ["FEATURES", "Feature", "normalize", "observe"]

Array = NDArray[np.float64]


class Feature(NamedTuple):
    """One element of the vector: raw values from ``low`` to ``high`` become -1 to 1, and are cut off there."""

    name: str
    low: float
    high: float
    meaning: str


FEATURES: Final = (
    Feature("edge_volatility", -0.05, 0.10, "the signal's edge after costs, per unit of vega"),
    Feature("relative_edge", -0.25, 0.50, "the same over the forecast volatility"),
    Feature("log_volatility_ratio", -0.50, 0.50, "logarithm of implied over forecast volatility"),
    Feature("forecast_volatility", 0.0, 0.80, "annualized, over the option's remaining life"),
    Feature("days_to_expiry", 0.0, 120.0, "calendar days"),
    Feature("direction", -1.0, 1.0, "+1 to buy volatility, -1 to sell it, 0 when there is nothing to decide"),
    Feature("vega_usage", -1.0, 1.0, "the whole book's vega over max_vega, positive where the signal adds to it"),
    Feature("delta_usage", -0.10, 0.10, "delta in the signal's underlying, money over equity"),
    Feature("structures_held", 0.0, 1.0, "in the signal's underlying, over max_structures"),
)
"""The vector, in order. A policy is trained on these and is only good for these: any change makes old ones invalid."""

_LOW: Final = np.array([feature.low for feature in FEATURES])
_HIGH: Final = np.array([feature.high for feature in FEATURES])


def normalize(raw: ArrayLike) -> Array:
    """Raw features (..., k) in the units of :data:`FEATURES` to [-1, 1], linearly and cut off; NaN stays NaN.

    :raises LearningError: unless the last axis has one element a feature.
    """
    values = np.asarray(raw, np.float64)
    if values.shape[-1:] != _LOW.shape:
        raise LearningError(f"features have shape {values.shape}; the last axis must have {len(FEATURES)} elements")
    return np.asarray(np.clip((2.0 * values - (_LOW + _HIGH)) / (_HIGH - _LOW), -1.0, 1.0))


def observe(signals: Records, exposures: Records, days_to_expiry: ArrayLike, settings: Settings) -> Array:
    """The features of SIGNAL records (n,), shape (n, k), against a book of EXPOSURE records, one an underlying.

    ``days_to_expiry`` (n,) are the calendar days that each signal's options have left; ``settings`` holds the limits
    that the book's exposure is measured by. An element is NaN where a signal's own numbers do not tell it.

    :raises LearningError: for a signal in an underlying that ``exposures`` does not hold, or equity that is not
        positive.
    """
    days = np.asarray(days_to_expiry, np.float64)
    if days.shape != signals.shape:
        raise LearningError(f"days_to_expiry has shape {days.shape}; the signals have {signals.shape}")
    own = exposures[_rows_of(signals["underlying"], exposures["underlying"])]
    equity = own["equity"]
    if not np.all(equity > 0.0):
        raise LearningError(f"equity is {float(equity[~(equity > 0.0)][0]):g}; it must be positive")
    book_vega = float(sum(exposures["vega"].tolist()))
    forecast = signals["forecast_volatility"]
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = np.stack(
            [
                signals["edge_volatility"],
                signals["edge_volatility"] / forecast,
                np.log(signals["implied_volatility"] / forecast),
                forecast,
                days,
                signals["direction"],
                signals["direction"] * (book_vega * VOLATILITY_POINT) / (settings.max_vega * equity),
                own["delta"] * own["spot"] / equity,
                own["structures"] / settings.max_structures,
            ],
            axis=-1,
        )
    return normalize(np.where(np.isfinite(raw), raw, np.nan))


def _rows_of(wanted: NDArray[np.int32], underlyings: NDArray[np.int32]) -> NDArray[np.intp]:
    """The row of ``underlyings`` that holds each of the wanted numbers."""
    matches = wanted[:, None] == underlyings[None, :]
    missing = ~matches.any(axis=1)
    if missing.any():
        raise LearningError(
            f"underlying {int(wanted[missing][0])} has a signal and no exposure; the book holds {underlyings.tolist()}"
        )
    return np.asarray(np.argmax(matches, axis=1))
