"""Volatility at a maturity between those of expiries."""

import numpy as np
import numpy.typing as npt

__all__ = ["at_maturity"]

Array = npt.NDArray[np.float64]


def at_maturity(years: Array, volatility: Array, maturity: float) -> float:
    """Volatility at ``maturity`` (years) from those (n,) of expiries ``years`` (n,) away, ascending.

    Total variance is linear between expiries, as in Cboe's VIX; NaN beyond the first and the last.
    """
    known = np.isfinite(volatility) & (years > 0.0)
    years, variance = years[known], volatility[known] ** 2 * years[known]
    if not len(years) or not years[0] <= maturity <= years[-1]:
        return float("nan")
    return float(np.sqrt(np.interp(maturity, years, variance) / maturity))
