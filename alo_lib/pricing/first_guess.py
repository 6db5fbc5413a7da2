"""The boundary from which Newton's sweeps start: a formula between two limits, and a correction fitted to solutions.

The formula lies between the asymptotics at short times (Evans, Kuske and Keller 2002, "American options on assets with
dividends near expiry") and the perpetual limit, and is 17 % off (root mean square) where the boundary starts at the
strike, 12 % where it starts below. The correction is a cubic in three bounded groups of the parameters, fitted to the
logarithm of solved boundaries over the formula's (volatility 0.04 to 1.2, rates to 0.2 or yields to 0.3, to 5 years);
it leaves 2.4 % and 3.5 %. ``python -m benchmarks.fit_first_guess`` fits it anew and measures both.

Distances are of the boundary from where it starts, g = ln(X / B). Functions of reals serve floats and lanes.
"""

import math
from typing import Final, TypeAlias

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, logarithm
from alo_lib.numerics.lanes import Lanes, Real, greatest, least, load, select, square_root, store
from alo_lib.pricing.scheme import Tables
from alo_lib.pricing.space import LIMIT, RATE, START, STEP, UNTIL, VOLATILITY, YIELD, Space

__all__ = [
    "AT_STRIKE",
    "BELOW_STRIKE",
    "MONOMIALS",
    "between",
    "cubic",
    "first_guess",
    "groups_at_strike",
    "groups_below_strike",
    "short_times",
    "toward_limit",
]

Coefficients: TypeAlias = tuple[float, ...]

_SLOPE = 0.639  # 0.4517 * sqrt(2): Evans, Kuske and Keller's slope in the spread for yields above the rate
_SLOPE_SQUARED = 0.408  # its square, which the logarithm's slope at the strike tends to
_ROUNDED = 0.2  # how widely the larger of two distances is rounded off where they cross
_LEAST, _MOST = -0.3, 0.8  # bounds of the correction

# Exponents of a cubic's three variables, in the order of its coefficients.
MONOMIALS: Final = (
    (0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 0, 3), (0, 1, 0), (0, 1, 1), (0, 1, 2), (0, 2, 0), (0, 2, 1), (0, 3, 0),
    (1, 0, 0), (1, 0, 1), (1, 0, 2), (1, 1, 0), (1, 1, 1), (1, 2, 0), (2, 0, 0), (2, 0, 1), (2, 1, 0), (3, 0, 0),
)  # fmt: skip
AT_STRIKE: Final[Coefficients] = (
    -0.0058, 0.0205, -0.0515, -0.0087, -0.0501, -0.0676, 0.4330, 0.5971, -0.4632, -0.4700,
    1.6598, -1.2740, -0.0850, 0.1038, 2.0922, -2.2326, -1.6950, 2.0531, -0.9910, -0.2212,
)  # fmt: skip
"""For 0 < rate, dividend_yield <= rate; see :func:`groups_at_strike`."""
BELOW_STRIKE: Final[Coefficients] = (
    0.8818, 0.4243, -1.2194, -0.6381, -0.4459, 0.0718, 0.7315, -0.1606, 0.0911, -0.5432,
    -0.5258, -0.6685, 1.1740, 0.9784, -0.7137, 0.5613, -0.2616, 0.7389, -1.7783, -0.1998,
)  # fmt: skip
"""For 0 < rate < dividend_yield; see :func:`groups_below_strike`."""


@kernel
def short_times(rate: Real, carry: Real, variance: Real, tau: Real, spread: Real, start: Real) -> tuple[Real, Real]:
    """Distances at short times: of a boundary from where it starts below the strike, and of one from the strike.

    carry: rate - dividend_yield; spread: volatility * sqrt(tau); start: ln(X). A boundary that starts below the strike
    keeps the logarithmic distance from it all the same.
    """
    far = select(rate >= 0.0, 0.5, 0.0) * variance
    steep = carry * carry + 2.0 * rate * rate * variance * tau
    slope2 = _SLOPE_SQUARED + logarithm(1.0 + variance / (8.0 * math.pi * tau * steep + 1e-300))
    return _SLOPE * spread, square_root(slope2) * spread + far * tau + start


@kernel
def between(start: Real, strike: Real) -> Real:
    """The larger of the two distances of :func:`short_times`, rounded off where they cross."""
    return 0.5 * (strike + start + square_root((strike - start) * (strike - start) + _ROUNDED * start * start))


@kernel
def toward_limit(distance: Real, limit: Real) -> Real:
    """The distance bent to the perpetual boundary's."""
    x = distance / limit
    return select(x > 1e-5, limit * (1.0 - exponential(-x)), distance * (1.0 - 0.5 * x))


@kernel
def groups_at_strike(rate: Real, dividend_yield: Real, variance: Real, spread: Real) -> tuple[Real, Real, Real]:
    """The correction's variables where the boundary starts at the strike; 0 < rate, dividend_yield <= rate."""
    x = 2.0 * (rate / variance) * spread
    return x / (1.0 + x), spread / (1.0 + spread), greatest(dividend_yield / rate, 0.0)


@kernel
def groups_below_strike(
    from_start: Real, from_strike: Real, limit: Real, start: Real, spread: Real
) -> tuple[Real, Real, Real]:
    """The correction's variables where the boundary starts below the strike; 0 < rate < dividend_yield.

    That from strike to start, over its sum with the spread; the distance over its sum with the perpetual limit; the
    distance measured from the strike, over its sum with that measured from where the boundary starts.
    """
    distance = between(from_start, from_strike)
    return start / (start - spread), distance / (distance + limit), from_strike / (from_start + abs(from_strike))


@kernel
def cubic(c: Coefficients, x: Real, y: Real, z: Real) -> Real:
    """The polynomial with coefficients c of :data:`MONOMIALS`."""
    value = c[0] + z * (c[1] + z * (c[2] + c[3] * z))
    value += y * (c[4] + z * (c[5] + c[6] * z) + y * (c[7] + c[8] * z + c[9] * y))
    value += x * (c[10] + z * (c[11] + c[12] * z) + y * (c[13] + c[14] * z + c[15] * y))
    return value + x * x * (c[16] + c[17] * z + c[18] * y + c[19] * x)


@kernel
def first_guess(which: int, attempt: Lanes, t: Tables, space: Space) -> None:
    """A first boundary, as a node's STEP, for each lane's attempt, counted from 1: another factor each time."""
    n = t.node.size
    put = space.put
    rate, dividend_yield, volatility, time = load(put, RATE), load(put, YIELD), load(put, VOLATILITY), load(put, UNTIL)
    start, limit = load(put, START + which), load(put, LIMIT + which)
    variance = volatility * volatility
    root_time = square_root(time)
    factor = select(attempt < 1.5, 1.0, select(attempt < 2.5, 0.6, select(attempt < 3.5, 1.6, 0.3)))
    factor = select(attempt > 4.5, 2.5, factor)
    at_strike = dividend_yield <= rate
    for i in range(n):
        tau = time * (t.node[i] * t.node[i])
        spread = volatility * t.node[i] * root_time
        from_start, from_strike = short_times(rate, rate - dividend_yield, variance, tau, spread, start)
        y = from_start
        log = 0.0
        if which == 0:
            x, y, z = groups_at_strike(rate, dividend_yield, variance, spread)
            log = cubic(AT_STRIKE, x, y, z)
            x, y, z = groups_below_strike(from_start, from_strike, limit, start, spread)
            log = select(at_strike, log, cubic(BELOW_STRIKE, x, y, z))
            y = select(at_strike, greatest(from_start, from_strike), between(from_start, from_strike))
        y = factor * toward_limit(y, limit)
        if which == 0:
            y = select(rate > 0.0, y * exponential(least(greatest(log, _LEAST), _MOST)), y)
        store(space.nodes, STEP * n + i, y)
