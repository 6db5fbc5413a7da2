"""Exercise boundaries for a whole chain: solved on a grid of volatilities, interpolated for each contract.

The boundary B(tau) depends on rate, yield and volatility alone: neither on the contract's strike, once scaled, nor on
its expiry, nor on spot. So the contracts of a chain read theirs from panels: fixed ranges of volatility (a factor of
2) and horizons (powers of 4 years), in each of which the square of g = |ln(B / X)| is a polynomial in the logarithm
of volatility, per node of time. A panel is a pure function of its key. As the ranges are fixed, a contract's value does
not depend on what else is in its chain. Which panels a chain has is said by :mod:`alo_lib.pricing.chain_panels`.

A panel's boundaries are solved side by side, one a lane, and so are the contracts of one expiry valued.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.chebyshev import weights_at
from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import fma
from alo_lib.numerics.fixed_order import solve as solve_linear
from alo_lib.numerics.lanes import LANES, load, select, store, table
from alo_lib.pricing.american import SINGLE, horizon, set_put, solve
from alo_lib.pricing.batch import C_RIGHT, C_SPOT, reduce_contract, to_market
from alo_lib.pricing.european import (
    COUNT,
    P_RATE,
    P_SPOT,
    P_STRIKE,
    P_TIME,
    P_VOLATILITY,
    P_YIELD,
    WITH_ALL,
    WITH_NONE,
    WITH_VEGA,
)
from alo_lib.pricing.premium import (
    BY_RATE,
    BY_SIGMA,
    BY_SIGMA2,
    BY_YIELD,
    EXERCISED,
    P_CASE,
    P_SIDE,
    P_SIGN,
    P_SPAN,
    P_START,
    P_START_Q,
    P_START_R,
    PLAIN,
    POINT_ROWS,
    SQUARE,
    evaluate,
    new_puts,
)
from alo_lib.pricing.scheme import Scheme, Tables, tables
from alo_lib.pricing.space import FAILED, KIND, Space, new_space
from alo_lib.pricing.terms import Options

__all__ = ["DEGREES", "LOWEST", "PANELS", "Panels", "expiry_tables", "panel", "place", "read_values"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DEGREES = LANES  # coefficients of a panel's polynomials
LOWEST = -6  # binary exponent of the first panel's volatilities: 1/128 to 1/64
PANELS = 11  # up to 16
_LN2 = math.log(2.0)


@lru_cache(maxsize=1)
def _nodes() -> tuple[Array, Array]:
    """Chebyshev nodes on [-1, 1] and the matrix from values there to coefficients of powers."""
    x = np.cos((np.arange(DEGREES) + 0.5) * np.pi / DEGREES)
    powers = x[:, np.newaxis] ** np.arange(DEGREES)
    columns = [solve_linear(powers, unit) for unit in np.eye(DEGREES)]
    return x, np.ascontiguousarray(np.array(columns).T)


class Panel(NamedTuple):
    """Boundaries of a range of volatilities."""

    until: float  # time to expiry up to which they are solved; they have settled then, or no contract lives longer
    coefficients: Array  # (3 * n, degrees) of g squared and half its derivatives by rate and yield


@kernel
def _solve_panel(
    rate: float,
    dividend_yield: float,
    volatilities: Array,
    until: float,
    to_coefficients: Array,
    wanted: int,
    t: Tables,
    space: Space,
    out: Array,
) -> bool:
    """Coefficients (3 * n, degrees) of g squared and of half its derivatives by rate and yield; False without one.

    volatilities: (LANES,). wanted: WITH_ALL.
    """
    n = t.node.size
    for lane in range(LANES):
        set_put(lane, rate, dividend_yield, volatilities[lane], until, space.put)
    solve(volatilities.size, wanted, t, space)
    out[:] = 0.0
    for lane in range(LANES):
        if space.put[KIND, lane] != SINGLE or space.put[FAILED, lane] > 0.0:
            return False
        for a in range(DEGREES):
            c = to_coefficients[a, lane]
            for i in range(n):
                g = space.g[i, lane]
                out[i, a] += c * g * g
                out[n + i, a] += c * g * space.tangents[n + i, lane]
                out[2 * n + i, a] += c * g * space.tangents[2 * n + i, lane]
    return True


@lru_cache(maxsize=4096)
def panel(rate: float, dividend_yield: float, scheme: Scheme, years: int, exponent: int) -> Panel | None:
    """The panel for volatilities in [2**(exponent - 1), 2**exponent) and times up to 4**years.

    rate, dividend_yield: of the reduced put. None where it has no single boundary or that could not be solved.
    """
    x, to_coefficients = _nodes()
    t = tables(scheme)
    out = np.empty((3 * t.node.size, DEGREES))
    volatilities = 2.0 ** (exponent - 0.5 + 0.5 * x)
    until = max(horizon(rate, dividend_yield, volatility, 4.0**years) for volatility in volatilities)
    solved = _solve_panel(rate, dividend_yield, volatilities, until, to_coefficients, WITH_ALL, t, new_space(t), out)
    return Panel(until, out) if solved else None


class Panels(NamedTuple):
    """What a chain's values are read from at its rates and yields; nothing in it is written once it is made.

    Contracts that share rate, yield and time to expiry are a group. Kernels index by ``order``, ``first`` and
    ``number`` unchecked: :mod:`alo_lib.pricing.chain_panels` makes them together, with the tables they point into.
    """

    order: Integers  # (n,) contracts, group by group
    first: Integers  # (groups + 1,) where each group begins in it
    group: Array  # (groups, 6) rate, yield, time to expiry, log of the boundary at expiry, its derivatives by r and q
    number: Integers  # (groups, PANELS) index of the panel, by volatility; -1 for none
    coefficients: Array  # (panels, 3, p + 1, degrees) coefficients at the points of the price integral, and today


@kernel
def expiry_tables(panels: Array, roots: Array, node: Array, sine: Array, out: Array) -> None:
    """Panels (k, 3 * n, degrees) at the points of their expiries: out (k, 3, p + 1, degrees), today last.

    roots (k,): square root of time to expiry over the time up to which the panel's boundaries are solved.
    """
    n = node.size
    p = sine.size
    weights = np.empty((n, 1))
    for j in range(roots.size):
        coefficients = panels[j]
        for k in range(p + 1):
            weights_at(min(roots[j] * (sine[k] if k < p else 1.0), 1.0), node, weights, 0, 0)
            for a in range(3):
                # A coefficient a lane.
                value = 0.0
                for i in range(n):
                    value = value + weights[i, 0] * load(coefficients, a * n + i)
                store(out[j, a], k, value)


@kernel
def place(volatility: float) -> tuple[int, float]:
    """The panel of a volatility, as an index into those that there may be, and the place inside it, in [-1, 1)."""
    fraction, exponent = math.frexp(volatility)
    return exponent - LOWEST, 2.0 * math.log2(fraction) + 1.0


@kernel
def _today(panels: Panels, number: int, x: float) -> float:
    """The boundary today, as its log distance from where it starts."""
    c = panels.coefficients[number, 0]
    last = c.shape[0] - 1
    h = c[last, DEGREES - 1]
    for m in range(DEGREES - 2, -1, -1):
        h = fma(h, x, c[last, m])
    return math.sqrt(max(h, 0.0))


@kernel
def _read(number: int, wanted: int, coefficients: Array, places: Array, points: Array) -> None:
    """Boundaries of the lanes whose panel is ``number`` at the points of their price integrals, into points.

    places: (3, LANES) panel, x and volatility of each lane. points: as ``premium`` reads them.
    """
    p = coefficients.shape[2] - 1
    mine = load(places, 0) == float(number)
    x, volatility = load(places, 1), load(places, 2)
    # Derivatives of g squared, halved, by volatility and by volatility twice.
    slope = 1.0 / (_LN2 * volatility)
    bend = 2.0 * slope * slope
    inverse = 1.0 / volatility
    for k in range(p):
        c = coefficients[number, 0]
        h = c[k, DEGREES - 1]
        for m in range(DEGREES - 2, -1, -1):
            h = fma(h, x, c[k, m])
        store(points, SQUARE * p + k, select(mine, h, load(points, SQUARE * p + k)))
        if wanted == WITH_NONE:
            continue
        first = (DEGREES - 1) * c[k, DEGREES - 1]
        for m in range(DEGREES - 2, 0, -1):
            first = fma(first, x, m * c[k, m])
        first = slope * first
        second = fma(
            (DEGREES - 1) * (DEGREES - 2) * c[k, DEGREES - 1],
            x,
            (DEGREES - 2) * (DEGREES - 3) * c[k, DEGREES - 2],
        )
        for m in range(DEGREES - 3, 1, -1):
            second = fma(second, x, m * (m - 1) * c[k, m])
        second = bend * second - first * inverse
        store(points, BY_SIGMA * p + k, select(mine, first, load(points, BY_SIGMA * p + k)))
        store(points, BY_SIGMA2 * p + k, select(mine, second, load(points, BY_SIGMA2 * p + k)))
        if wanted == WITH_VEGA:
            continue
        for a in range(1, 3):
            c = coefficients[number, a]
            row = (BY_RATE if a == 1 else BY_YIELD) * p + k
            h = c[k, DEGREES - 1]
            for m in range(DEGREES - 2, -1, -1):
                h = fma(h, x, c[k, m])
            store(points, row, select(mine, h, load(points, row)))


@kernel
def read_values(
    options: Options, volatility: Array, chosen: Mask, american: int, price: Array, panels: Panels, out: Array
) -> None:
    """Fill out for n contracts, whose panels these are: NaN for those that are not chosen or have no panel.

    price: as Tables has it. out: prices (1, n); prices, vega and volga (3, n); or prices and greeks (10, n).
    """
    spot, strike, right = options.spot, options.strike, options.right
    wanted = WITH_NONE if out.shape[0] == 1 else (WITH_VEGA if out.shape[0] == 3 else WITH_ALL)
    puts = new_puts()
    points = table(POINT_ROWS * price.shape[1])
    contract, block, places = table(2), table(COUNT), table(3)
    member = np.zeros(LANES, np.int64)
    put = puts.put
    order, first = panels.order, panels.first
    for j in range(first.size - 1):
        group = panels.group[j]
        for row, value in (
            (P_RATE, group[0]),
            (P_YIELD, group[1]),
            (P_TIME, group[2]),
            (P_SPAN, group[2]),
            (P_SIDE, 1.0),
            (P_START, group[3]),
            (P_START_R, group[4]),
            (P_START_Q, group[5]),
        ):
            store(put, row, value)
        lane = 0
        for position in range(first[j], first[j + 1]):
            i = order[position]
            exponent, x = place(volatility[i])
            number = panels.number[j, exponent] if chosen[i] and 0 <= exponent < PANELS else -1
            if number >= 0:
                s, k, _, _ = reduce_contract(spot[i], strike[i], group[0], group[1], right[i])
                exercised = math.log(s / k) <= group[3] - _today(panels, number, x)
                put[P_SPOT, lane], put[P_STRIKE, lane], put[P_VOLATILITY, lane] = s, k, volatility[i]
                put[P_CASE, lane] = EXERCISED if exercised else PLAIN
                put[P_SIGN, lane] = 0.0 if exercised else 1.0
                contract[C_RIGHT, lane], contract[C_SPOT, lane] = right[i], spot[i]
                places[0, lane], places[1, lane], places[2, lane] = number, x, volatility[i]
                member[lane] = i
                lane += 1
            else:
                for row in range(out.shape[0]):
                    out[row, i] = math.nan
            if lane == 0 or (lane < LANES and position + 1 < first[j + 1]):
                continue
            for other in range(lane, LANES):
                for row in range(3):
                    places[row, other] = places[row, 0]
            for other in range(lane):
                # Each panel is read once, for all lanes that are in it.
                seen = False
                for before in range(other):
                    seen = seen or places[0, before] == places[0, other]
                if not seen:
                    _read(int(places[0, other]), wanted, panels.coefficients, places, points)
            evaluate(lane, american, wanted, price, points, points, put, puts.total)
            to_market(wanted, contract, put, puts.total, block)
            for row in range(out.shape[0]):
                for other in range(lane):
                    out[row, member[other]] = block[row, other]
            lane = 0
