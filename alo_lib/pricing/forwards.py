"""Forward prices, and the dividend yields that stand for cash dividends."""

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.dividends import Dividends

__all__ = ["cash_as_yields", "forward_prices", "trailing_yield"]

Array = npt.NDArray[np.float64]

_LEAST_LEFT = 1e-3  # of spot: what a share is worth at least without the dividends ahead


def forward_prices(
    spot: npt.ArrayLike, rate: npt.ArrayLike, dividend_yield: npt.ArrayLike, time_to_expiry: npt.ArrayLike
) -> Array:
    """S exp((r - q) T), in the arguments' broadcast shape."""
    s, r, q, t = (np.asarray(each, dtype=np.float64) for each in (spot, rate, dividend_yield, time_to_expiry))
    return np.asarray(s * np.exp((r - q) * t))


def cash_as_yields(spot: float, rate: float, time_to_expiry: Array, dividends: Dividends) -> Array:
    """Yields (n,) with the forward that cash gives: S exp(-q T) is the spot less the cash's present value.

    time_to_expiry: (n,) years; dividends: ex-times (k,) in years and amounts (k,). The yield is 0 at expiry. Cash
    worth more than the share leaves a thousandth of it.
    """
    times, amounts = (np.asarray(each, dtype=np.float64) for each in dividends)
    due = times[:, np.newaxis] <= time_to_expiry
    present = ((amounts * np.exp(-rate * times))[:, np.newaxis] * due).sum(axis=0)
    left = np.maximum(spot - present, _LEAST_LEFT * spot)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(time_to_expiry > 0.0, np.log(spot / left) / time_to_expiry, 0.0)


def trailing_yield(paid: float, spot: float) -> float:
    """The yield, continuously compounded, of the cash that a share paid over the past year."""
    return float(np.log1p(paid / spot))
