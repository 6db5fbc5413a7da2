"""European options in closed form: the put and its derivatives by the logarithm of spot, volatility and rates."""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel

__all__ = ["COUNT", "european_put", "european_put_value"]

Array = npt.NDArray[np.float64]

# Derivatives that the kernels carry, subscripts l = ln(spot), s = volatility, r = rate, q = dividend yield.
V, V_L, V_LL, V_S, V_R, V_Q, V_LS, V_SS, V_LR, V_LQ = range(10)
COUNT = 10

_INV_SQRT_2 = 0.7071067811865476
_INV_SQRT_2PI = 0.3989422804014327


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
def european_put(
    spot: float, strike: float, rate: float, dividend_yield: float, volatility: float, time: float, out: Array
) -> None:
    """Value and derivatives of a put into out (10), in the order V .. V_LQ."""
    root = math.sqrt(time)
    s = volatility * root
    a = (math.log(spot / strike) + (rate - dividend_yield) * time) / s
    minus = a - 0.5 * s
    plus = a + 0.5 * s
    discounted = strike * math.exp(-rate * time)
    cash = discounted * 0.5 * math.erfc(minus * _INV_SQRT_2)
    stock = spot * math.exp(-dividend_yield * time) * 0.5 * math.erfc(plus * _INV_SQRT_2)
    e = discounted * math.exp(-0.5 * minus * minus) * _INV_SQRT_2PI
    out[V] = cash - stock
    out[V_L] = -stock
    out[V_LL] = e / s - stock
    out[V_S] = e * root
    out[V_R] = -time * cash
    out[V_Q] = time * stock
    out[V_LS] = -minus * e / volatility
    out[V_SS] = e * root * minus * plus / volatility
    out[V_LR] = time * e / s
    out[V_LQ] = time * (stock - e / s)
