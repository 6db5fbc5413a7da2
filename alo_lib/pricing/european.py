"""European puts in closed form (Black-Scholes-Merton): values, and derivatives by ln(spot), volatility and rates."""

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, logarithm, normal_cdf, normal_cdf_pdf
from alo_lib.numerics.lanes import greatest, load, square_root, store

__all__ = [
    "COUNT",
    "P_RATE",
    "P_SPOT",
    "P_STRIKE",
    "P_TIME",
    "P_VOLATILITY",
    "P_YIELD",
    "V_L",
    "V_LL",
    "V_LQ",
    "V_LR",
    "V_LS",
    "V_Q",
    "V_R",
    "V_S",
    "V_SS",
    "WITH_ALL",
    "WITH_NONE",
    "WITH_VEGA",
    "V",
    "Wanted",
    "european",
    "european_put_value",
]

Array = npt.NDArray[np.float64]

# Rows of a total: value and derivatives, subscripts l = ln(spot), s = volatility, r = rate, q = dividend yield.
V, V_L, V_LL, V_S, V_R, V_Q, V_LS, V_SS, V_LR, V_LQ = range(10)
COUNT = 10

WITH_NONE, WITH_VEGA, WITH_ALL = range(3)
"""Which derivatives: none, those by volatility, or all."""
Wanted: TypeAlias = int | None
"""One of them, or None: none in a kernel that is compiled without them, which takes half the time."""

# Rows of what a lane's put is.
P_SPOT, P_STRIKE, P_RATE, P_YIELD, P_VOLATILITY, P_TIME = range(6)

_INV_SQRT_2 = 0.7071067811865476


@kernel
def european_put_value(
    spot: float, strike: float, rate: float, dividend_yield: float, volatility: float, time: float
) -> float:
    """Black-Scholes-Merton value of a put; volatility * sqrt(time) must be positive."""
    s = volatility * math.sqrt(time)
    a = (math.log(spot / strike) + (rate - dividend_yield) * time) / s
    put = strike * math.exp(-rate * time) * 0.5 * math.erfc((a - 0.5 * s) * _INV_SQRT_2)
    return put - spot * math.exp(-dividend_yield * time) * 0.5 * math.erfc((a + 0.5 * s) * _INV_SQRT_2)


@kernel
def european(wanted: Wanted, put: Array, total: Array) -> None:
    """The European puts' values (Black-Scholes-Merton), and the derivatives wanted, into total (COUNT, LANES).

    put: rows P_SPOT and after; volatility * sqrt(time) must be positive for a lane's numbers to mean anything.
    """
    spot, strike, rate, dividend_yield = load(put, P_SPOT), load(put, P_STRIKE), load(put, P_RATE), load(put, P_YIELD)
    volatility, time = load(put, P_VOLATILITY), load(put, P_TIME)
    root = square_root(time)
    s = volatility * root
    a = (logarithm(spot / strike) + (rate - dividend_yield) * time) / s
    minus = a - 0.5 * s
    plus = a + 0.5 * s
    discount = strike * exponential(-rate * time)
    cdf, pdf = normal_cdf_pdf(-minus)
    cash = discount * cdf
    stock = spot * exponential(-dividend_yield * time) * normal_cdf(-plus)
    store(total, V, greatest(cash - stock, 0.0))
    if wanted is None or wanted == WITH_NONE:
        return
    e = discount * pdf
    store(total, V_S, e * root)
    store(total, V_SS, e * root * minus * plus / volatility)
    if wanted == WITH_VEGA:
        return
    store(total, V_L, -stock)
    store(total, V_LL, e / s - stock)
    store(total, V_R, -time * cash)
    store(total, V_Q, time * stock)
    store(total, V_LS, -minus * e / volatility)
    store(total, V_LR, time * e / s)
    store(total, V_LQ, time * (stock - e / s))
