"""What a learned hedging policy sees of a position, as numbers without unit: the same code in training and in a core.

All of it is observed at the moment of the decision, and does not change with the size of the position or with a split.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import logarithm
from alo_lib.records import OPTION_MULTIPLIER
from alo_lib.strategy.hedging import Band, HedgedPosition

__all__ = ["FEATURES", "INPUTS", "Feature", "features", "inputs", "observe", "scaled"]

Array = NDArray[np.float64]


class Feature(NamedTuple):
    """One number that a policy sees, and the range in which it may be trained: ``low`` to ``high`` become -1 to 1."""

    name: str
    low: float
    high: float
    meaning: str


FEATURES: Final = (
    Feature("delta", -1.0, 1.0, "Black-Scholes delta of the options, a share that they are of"),
    Feature("gamma", -0.6, 0.6, "gamma times the standard deviation of the spot until expiry, a share; < 0 short"),
    Feature("vega", -1.0, 1.0, "vega over the spot and the root of the time to expiry, a share"),
    Feature("skew", -0.5, 0.5, "deltas by which the smile's slope moves the delta of least variance at stickiness 2"),
    Feature("log_time", -9.0, 0.5, "logarithm of the years to the nearest expiry; from an hour on"),
    Feature("log_implied", -3.5, 1.0, "logarithm of the implied volatility"),
    Feature("log_forecast_ratio", -1.0, 1.0, "logarithm of the forecast over the implied volatility"),
    Feature("log_cost", -14.0, -3.0, "logarithm of half the spread and the fee over the spot"),
    Feature("half_width", 0.0, 0.5, "half width of the rule's band, deltas a contract"),
    Feature("rate", -0.05, 0.15, "risk-free rate"),
    Feature("short", 0.0, 1.0, "1 where gamma is negative, else 0"),
)
"""In order. A policy is trained on these and is only good for these: any change makes old ones invalid."""

INPUTS: Final = (
    "delta",
    "gamma",
    "vega",
    "vega_skew",
    "contracts",
    "spot",
    "implied",
    "forecast",
    "time_to_expiry",
    "rate",
    "half_spread",
    "fee",
    "half_width",
)
"""What features are made of, as :func:`observe` takes it: fields of the position, and the band's last."""

_LOW: Final = np.array([feature.low for feature in FEATURES])
_HIGH: Final = np.array([feature.high for feature in FEATURES])
_LEAST: Final = 2.2250738585072014e-308
_MOST: Final = 1.7976931348623157e308


def features(position: HedgedPosition, band: Band) -> Array:
    """The features (n, k) of a position of n paths, in their own units; of one with floats (1, k).

    An element is NaN where the numbers that it is made of do not tell it.
    """
    rows = inputs(position, band)
    out = np.empty((len(rows), len(FEATURES)))
    _observe_all(rows, out)
    return out


def scaled(raw: ArrayLike) -> Array:
    """Features (..., k) with their declared ranges as -1 to 1; beyond them it goes on."""
    return np.asarray((2.0 * np.asarray(raw, np.float64) - (_LOW + _HIGH)) / (_HIGH - _LOW))


def inputs(position: HedgedPosition, band: Band) -> Array:
    """:data:`INPUTS` of each path (n, 13), of floats (1, 13)."""
    told = [getattr(position, name) for name in INPUTS[:-1]] + [band.half_width]
    if not any(isinstance(each, np.ndarray) and each.ndim for each in told):
        return np.array([told], np.float64)
    shape = np.broadcast_shapes(*(np.shape(each) for each in told))
    return np.stack([np.broadcast_to(np.asarray(each, np.float64), shape).ravel() for each in told], axis=-1)


@kernel
def observe(row: Array, out: Array) -> None:
    """Write the features (k,) of one path, whose :data:`INPUTS` are ``row`` (13,). For kernels, too."""
    delta, gamma, vega, vega_skew, contracts, spot = row[0], row[1], row[2], row[3], row[4], row[5]
    implied, forecast, time, rate, half_spread, fee = row[6], row[7], row[8], row[9], row[10], row[11]
    units, root = contracts * OPTION_MULTIPLIER, np.sqrt(time)
    out[0] = delta / units
    out[1] = gamma * spot * implied * root / units
    out[2] = vega / (spot * root * units)
    out[3] = vega_skew / (spot * units)
    out[4] = _log(time)
    out[5] = _log(implied)
    out[6] = _log(forecast / implied)
    out[7] = _log((half_spread + fee) / spot)
    out[8] = row[12] / units
    out[9] = rate
    out[10] = 1.0 if gamma < 0.0 else 0.0


@kernel
def _log(x: float) -> float:
    """Natural logarithm of a positive, normal number, with the same bits on every processor; NaN of any other."""
    return logarithm(x) if _LEAST <= x <= _MOST else np.nan


@kernel
def _observe_all(rows: Array, out: Array) -> None:
    for path in range(rows.shape[0]):
        observe(rows[path], out[path])
