"""What expiries say of a maturity between them."""

import numpy as np
import numpy.typing as npt

__all__ = ["at_maturity", "linear_at_maturity"]

Array = npt.NDArray[np.float64]


def at_maturity(years: Array, volatility: Array, maturity: float, *, reach: float = 1.0) -> float:
    """Volatility at ``maturity`` (years) from those (n,) of expiries ``years`` (n,) away, ascending.

    Total variance is linear between expiries, as in Cboe's VIX; NaN beyond the first and the last, but that these stand
    for maturities up to ``reach`` times as short, or as long, as they are.
    """
    known = np.isfinite(volatility) & (years > 0.0)
    years, variance = years[known], volatility[known] ** 2 * years[known]
    at = _within(years, maturity, reach)
    return float(np.sqrt(np.interp(at, years, variance) / at)) if len(years) else float("nan")


def linear_at_maturity(years: Array, values: Array, maturity: float, *, reach: float = 1.0) -> float:
    """The same of ``values`` (n,) that are linear between expiries, such as skews."""
    known = np.isfinite(values) & (years > 0.0)
    years, values = years[known], values[known]
    at = _within(years, maturity, reach)
    return float(np.interp(at, years, values)) if len(years) else float("nan")


def _within(years: Array, maturity: float, reach: float) -> float:
    """The maturity, or the end of ``years`` (n,), ascending, that stands for it; NaN where neither is."""
    if not len(years) or not years[0] / reach <= maturity <= years[-1] * reach:
        return float("nan")
    return float(min(max(maturity, years[0]), years[-1]))
