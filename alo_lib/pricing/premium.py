"""Values and derivatives of eight puts, given their exercise boundaries: European value and premium.

The early-exercise premium is Kim's (1990) integral over time of what exercise earns, interest on the strike less the
yield on the spot, while the spot is in the exercise region. Eight puts are integrated side by side, one a lane; sums
over the points of the integral run in their order. Derivatives are by the logarithm of spot, volatility and rates.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import jumped_kernel, kernel
from alo_lib.numerics.elementary import exponential, fma, logarithm, normal_cdf, normal_cdf_pdf
from alo_lib.numerics.lanes import (
    LANES,
    LaneMask,
    Lanes,
    align_stack,
    any_lane,
    greatest,
    least,
    load,
    select,
    square_root,
    store,
    table,
)
from alo_lib.pricing.european import (
    COUNT,
    P_RATE,
    P_SPOT,
    P_STRIKE,
    P_TIME,
    P_VOLATILITY,
    P_YIELD,
    V_L,
    V_LL,
    V_LQ,
    V_LR,
    V_LS,
    V_Q,
    V_R,
    V_S,
    V_SS,
    WITH_NONE,
    WITH_VEGA,
    V,
    Wanted,
    european,
)
from alo_lib.pricing.scheme import PRICE_COSINE, PRICE_WEIGHT

__all__ = [
    "BELOW",
    "BY_RATE",
    "BY_SIGMA",
    "BY_SIGMA2",
    "BY_YIELD",
    "EXERCISED",
    "MET",
    "PLAIN",
    "POINT_ROWS",
    "P_CASE",
    "P_SIDE",
    "P_SIGN",
    "P_SPAN",
    "P_START",
    "P_START_Q",
    "P_START_R",
    "SQUARE",
    "SURE",
    "Puts",
    "deterministic",
    "evaluate",
    "new_puts",
]

Array = npt.NDArray[np.float64]

# More rows of what a lane's put is. SPAN: time over which there is a boundary, counted from expiry. SIDE: +1 where the
# exercise region is below the boundary, -1 above. SIGN: what each of two boundaries counts. START: log of each boundary
# at expiry, strike 1, and its derivatives by rate and yield.
P_SPAN, P_SIDE, P_CASE = range(6, 9)
P_SIGN, P_START, P_START_R, P_START_Q = 9, 11, 13, 15
_PUT_ROWS = 17

# P_CASE, how a put is valued: by its boundary; exercised at once; by both where two have met; below the lower boundary;
# without volatility.
PLAIN, EXERCISED, MET, BELOW, SURE = 0.0, 1.0, 2.0, 3.0, 4.0

_G_FLOOR = 1e-24


# Boundaries at the p points of the price integral, tables (5 * p, LANES): g squared, and half its derivatives by
# volatility, volatility twice, rate and yield.
SQUARE, BY_SIGMA, BY_SIGMA2, BY_RATE, BY_YIELD = range(5)
POINT_ROWS = 5


class Puts(NamedTuple):
    """Eight puts, one a lane."""

    put: Array  # (_PUT_ROWS, LANES): see P_SPOT and after
    total: Array  # (COUNT, LANES) value and derivatives
    source: npt.NDArray[np.int64]  # (LANES,) lane of the boundary of each


@kernel
def new_puts() -> Puts:
    """Scratch."""
    return Puts(table(_PUT_ROWS), table(COUNT), np.zeros(LANES, np.int64))


@kernel
def deterministic(
    spot: float,
    strike: float,
    rate: float,
    dividend_yield: float,
    time: float,
    american: int,
    total: Array,
    lane: int,
) -> None:
    """The limit of no volatility of a put, into a lane of total (COUNT, LANES).

    It is the best of exercising now, at expiry or at the stationary time, or never. american: 1 for that, 0 for
    exercise at expiry or never, -1 for the forward, exercised at expiry whatever it costs.
    """
    for row in range(COUNT):
        total[row, lane] = 0.0
    best = strike * math.exp(-rate * time) - spot * math.exp(-dividend_yield * time)
    when = time
    if american > 0:
        if strike - spot >= best:
            best = strike - spot
            when = 0.0
        carry = rate - dividend_yield
        if carry != 0.0 and rate * strike * dividend_yield * spot > 0.0:
            stationary = math.log(rate * strike / (dividend_yield * spot)) / carry
            if 0.0 < stationary < time:
                value = strike * math.exp(-rate * stationary) - spot * math.exp(-dividend_yield * stationary)
                if value > best:
                    best = value
                    when = stationary
    if best > 0.0 or american < 0:
        cash = strike * math.exp(-rate * when)
        stock = spot * math.exp(-dividend_yield * when)
        total[V, lane] = best
        total[V_L, lane] = -stock
        total[V_LL, lane] = -stock
        total[V_R, lane] = -when * cash
        total[V_Q, lane] = when * stock
        total[V_LQ, lane] = when * stock


@kernel
def _add(total: Array, which: int, counts: LaneMask, sign: Lanes, value: Lanes) -> None:
    """Add what counts to a row of total."""
    store(total, which, load(total, which) + select(counts, sign * value, 0.0))


@kernel
def _add_premium(which: int, wanted: Wanted, price: Array, points: Array, put: Array, total: Array) -> None:
    """Add the early-exercise integrals over boundary ``which`` to total (COUNT, LANES), with the derivatives wanted.

    price: as Tables has it; points: the boundary, see SQUARE and after; put: as Puts has it.
    """
    align_stack()
    sign = load(put, P_SIGN + which)
    counts = (sign > 0.0) | (sign < 0.0)
    if not any_lane(counts):
        return
    spot, strike, rate, dividend_yield = load(put, P_SPOT), load(put, P_STRIKE), load(put, P_RATE), load(put, P_YIELD)
    volatility, span, side = load(put, P_VOLATILITY), load(put, P_SPAN), load(put, P_SIDE)
    rest = load(put, P_TIME) - span
    start = load(put, P_START + which)
    start_rate, start_yield = load(put, P_START_R + which), load(put, P_START_Q + which)
    away = 1.0 - 2.0 * which
    carry = rate - dividend_yield
    distance = logarithm(spot / strike) - start
    p = price.shape[1]
    inverse = 1.0 / volatility
    value = by_l = by_ll = by_s = by_ss = by_ls = by_r = by_q = by_lr = by_lq = 0.0
    for k in range(p):
        level = square_root(greatest(load(points, SQUARE * p + k), _G_FLOOR))
        v = fma(span, price[PRICE_COSINE, k] * price[PRICE_COSINE, k], rest)
        root = square_root(v)
        s = volatility * root
        inverse_s = 1.0 / s
        a = (distance + away * level + carry * v) * inverse_s
        minus = a - 0.5 * s
        plus = a + 0.5 * s
        cdf, pdf = normal_cdf_pdf(-side * minus)
        weight = span * price[PRICE_WEIGHT, k]
        cash = weight * strike * exponential(-rate * v)
        stock = weight * spot * exponential(-dividend_yield * v)
        paid = cash * cdf
        stock = stock * normal_cdf(-side * plus)
        held = dividend_yield * stock
        value = value + (rate * paid - held)
        if wanted is None or wanted == WITH_NONE:
            continue
        e = side * cash * pdf
        boundary = exponential(start - away * level)
        flow_b = dividend_yield * boundary
        inverse_level = 1.0 / level
        x = load(points, BY_SIGMA * p + k) * inverse_level
        xx = (load(points, BY_SIGMA2 * p + k) - x * x) * inverse_level
        b_s = -away * x
        slope = -b_s * inverse_s
        a1 = slope - a * inverse
        a2 = away * xx * inverse_s - 2.0 * inverse * a1
        h = 0.5 * root
        p1 = a1 - h
        q1 = a1 + h
        by_s = by_s - e * (rate * p1 - flow_b * q1)
        by_ss = by_ss - e * (rate * (a2 - minus * p1 * p1) - flow_b * (a2 - plus * q1 * q1))
        if wanted == WITH_VEGA:
            continue
        b_r = start_rate - away * load(points, BY_RATE * p + k) * inverse_level
        b_q = start_yield - away * load(points, BY_YIELD * p + k) * inverse_level
        flow = rate - flow_b
        f_b = e * flow * inverse_s
        f_lb = -minus * inverse_s * f_b
        by_l = by_l - (f_b + held)
        by_ll = by_ll + (flow_b * e * inverse_s - f_lb - held)
        by_ls = by_ls + (e * inverse * (flow - minus * (rate * plus - flow_b * minus)) * inverse_s + f_lb * b_s)
        tilt = f_b * v
        by_r = by_r + (paid * (1.0 - rate * v) - tilt + f_b * b_r)
        by_q = by_q + (f_b * b_q + tilt - stock * (1.0 - dividend_yield * v))
        by_lr = by_lr + (minus * inverse_s * tilt - e * (1.0 - rate * v) * inverse_s + f_lb * b_r)
        exercised = e * boundary * inverse_s
        by_lq = by_lq + (f_lb * b_q - (1.0 - dividend_yield * v) * (stock - exercised) - minus * inverse_s * tilt)
    _add(total, V, counts, sign, value)
    if wanted is None or wanted == WITH_NONE:
        return
    _add(total, V_S, counts, sign, by_s)
    _add(total, V_SS, counts, sign, by_ss)
    if wanted == WITH_VEGA:
        return
    _add(total, V_L, counts, sign, by_l)
    _add(total, V_LL, counts, sign, by_ll)
    _add(total, V_LS, counts, sign, by_ls)
    _add(total, V_R, counts, sign, by_r)
    _add(total, V_Q, counts, sign, by_q)
    _add(total, V_LR, counts, sign, by_lr)
    _add(total, V_LQ, counts, sign, by_lq)


@kernel
def _sure(lane: int, american: int, put: Array, total: Array) -> None:
    """A lane's :func:`deterministic` value."""
    spot, strike, rate, dividend_yield = put[P_SPOT, lane], put[P_STRIKE, lane], put[P_RATE, lane], put[P_YIELD, lane]
    deterministic(spot, strike, rate, dividend_yield, put[P_TIME, lane], american, total, lane)


@jumped_kernel
def evaluate(
    count: int, american: int, wanted: Wanted, price: Array, upper: Array, lower: Array, put: Array, total: Array
) -> None:
    """Values, and the derivatives wanted, of the puts in the first ``count`` lanes into total (COUNT, LANES).

    price: as Tables has it. upper, lower: the two boundaries at its points, see SQUARE and after; lower is read where a
    put's P_SIGN says so. put, total: as Puts has them.
    """
    for lane in range(count, LANES):
        for row in range(_PUT_ROWS):
            put[row, lane] = put[row, 0]
    european(wanted, put, total)
    special = False
    for lane in range(count):
        special = special or put[P_CASE, lane] != PLAIN
        if put[P_CASE, lane] == BELOW:
            _sure(lane, -1, put, total)
    floor = select(load(put, P_CASE) == BELOW, -math.inf, load(total, V))
    for which in range(2):
        _add_premium(which, wanted, price, upper if which == 0 else lower, put, total)
    if american:
        floor = greatest(floor, load(put, P_STRIKE) - load(put, P_SPOT))
    bound = load(put, P_STRIKE) * exponential(-least(load(put, P_RATE), 0.0) * load(put, P_TIME))
    store(total, V, least(greatest(load(total, V), floor), bound))
    if not special:
        return
    for lane in range(count):
        case, spot = put[P_CASE, lane], put[P_SPOT, lane]
        if case == SURE:
            _sure(lane, american, put, total)
        elif case == EXERCISED:
            for row in range(COUNT):
                total[row, lane] = 0.0
            total[V, lane] = put[P_STRIKE, lane] - spot
            total[V_L, lane] = total[V_LL, lane] = -spot
