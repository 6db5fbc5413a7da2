"""American options: regimes settled first, then one boundary a parameter set and one integral a strike.

Everything is reduced to a put with strike 1: a call is the put with spot and strike, rate and yield exchanged
(McDonald and Schroder 1998), and boundary and value scale with the strike. Consecutive contracts with the same
reduced (rate, yield, volatility, time) share one boundary.

Regimes of the put by rate r and yield q (Andersen and Lake 2021, "Fast American option pricing: the double-boundary
case"):

====================  ==============================================================================
r <= 0 and q >= r      never exercised early: the European value
q < r < 0              exercised between two boundaries, which may meet at a finite time to expiry
otherwise              exercised below one boundary
====================  ==============================================================================
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, normal_cdf_pdf
from alo_lib.pricing.boundary import (
    first_guess,
    perpetual_distance,
    solve_boundary,
    solve_tangents,
    workspace,
)
from alo_lib.pricing.european import (
    COUNT,
    V_L,
    V_LL,
    V_LQ,
    V_LR,
    V_LS,
    V_Q,
    V_R,
    V_S,
    V_SS,
    V,
    european_put,
    european_put_value,
)
from alo_lib.pricing.scheme import Tables

__all__ = ["BAD_BOUNDARY", "DOUBLE", "EUROPEAN", "SINGLE", "Space", "evaluate", "new_space", "regime", "solve"]

Array = npt.NDArray[np.float64]

EUROPEAN, SINGLE, DOUBLE = 0, 1, 2
BAD_BOUNDARY = 1

_DETERMINISTIC = 1e-9  # volatility * sqrt(time) below which the spot's path is its forward
_G_FLOOR = 1e-24
_MEETING_STEPS = 60
_MEETING_GAP = 1e-11


class Space(NamedTuple):
    """Scratch of one thread, and the boundary solved last."""

    pairs: Array
    rows: Array
    jacobian: Array
    pivots: npt.NDArray[np.int64]
    g: Array  # (2, n) log distance of the upper and lower boundary from its start
    tangents: Array  # (2, 4, n)
    state: Array  # (8,) see below
    points: Array  # (12, p)
    total: Array  # (10,)


# Slots of Space.state: start of each boundary, derivatives of the starts, horizon, whether there are two.
_START_UPPER, _START_LOWER, _START_RATE, _START_YIELD, _HORIZON, _REGIME, _SWEEPS = range(7)


@kernel
def new_space(t: Tables) -> Space:
    """Scratch for the tables."""
    pairs, rows, jacobian, pivots = workspace(t)
    n = t.node.size
    return Space(
        pairs,
        rows,
        jacobian,
        pivots,
        np.ones((2, n)),
        np.zeros((2, 4, n)),
        np.zeros(8),
        np.empty((12, t.price_weight.size)),
        np.empty(COUNT),
    )


@kernel
def regime(rate: float, dividend_yield: float) -> int:
    """Which of the three cases the put is in."""
    if rate <= 0.0 and dividend_yield >= rate:
        return EUROPEAN
    if rate < 0.0:
        return DOUBLE
    return SINGLE


@kernel
def _solve_side(
    rate: float, dividend_yield: float, volatility: float, time: float, which: int, t: Tables, space: Space
) -> bool:
    """Solve the upper (which = 0) or lower (1) boundary from scratch over (0, time)."""
    g = space.g[which]
    side = 1.0 - 2.0 * which
    start = space.state[_START_UPPER + which]
    limit = perpetual_distance(rate, dividend_yield, volatility, start) if rate >= 0.0 else math.inf
    first_guess(rate, dividend_yield, volatility, time, side, limit, t, g)
    sweeps = solve_boundary(
        rate,
        dividend_yield,
        volatility,
        time,
        start,
        side,
        limit,
        t,
        g,
        space.pairs,
        space.rows,
        space.jacobian,
        space.pivots,
    )
    space.state[_SWEEPS] = sweeps
    return bool(sweeps >= 0)


@kernel
def _gap(rate: float, dividend_yield: float, volatility: float, time: float, t: Tables, space: Space) -> float:
    """ln(upper / lower) at the given time; negative where either boundary has ceased to exist."""
    for which in range(2):
        if not _solve_side(rate, dividend_yield, volatility, time, which, t, space):
            return -1.0
    return float(space.state[_START_UPPER] - space.g[0, 0] - space.state[_START_LOWER] - space.g[1, 0])


@kernel
def _solve_double(rate: float, dividend_yield: float, volatility: float, time: float, t: Tables, space: Space) -> bool:
    """Both boundaries up to expiry or to where they meet, whichever is earlier.

    Up to there each solves its own single-boundary equation: where the other region's payoff is continued past the
    other boundary, the value between stays what it was.
    """
    high = time
    gap = _gap(rate, dividend_yield, volatility, high, t, space)
    if gap >= 0.0:
        space.state[_HORIZON] = high
        return True
    # The distance ln(r/q) is closed by two boundaries that each move about 0.64 volatility sqrt(tau) at least.
    low = 0.0
    width = space.state[_START_UPPER] - space.state[_START_LOWER]
    probe = min(0.5 * high, (0.3 * width / volatility) ** 2)
    low_gap = width
    for _ in range(_MEETING_STEPS):
        gap = _gap(rate, dividend_yield, volatility, probe, t, space)
        if gap >= 0.0:
            low = probe
            low_gap = gap
            if gap < _MEETING_GAP:
                break
        else:
            high = probe
        if high - low < 1e-13 * high:
            break
        # The gap falls roughly with the square root of time; the next probe extrapolates, held inside the bracket.
        root = math.sqrt(low)
        reach = root * width / (width - low_gap) if low_gap < width else math.inf
        probe = reach * reach if reach < math.inf else 0.5 * (low + high)
        if not low < probe < high:
            probe = 0.5 * (low + high)
    if low <= 0.0:
        return False
    space.state[_HORIZON] = low
    return bool(_gap(rate, dividend_yield, volatility, low, t, space) >= 0.0)


@kernel
def solve(
    rate: float, dividend_yield: float, volatility: float, time: float, with_tangents: bool, t: Tables, space: Space
) -> int:
    """Solve the boundary, or both, of a put with strike 1 into space; returns 0 or BAD_BOUNDARY."""
    state = space.state
    which = regime(rate, dividend_yield)
    state[_REGIME] = which
    state[_HORIZON] = time
    if which == EUROPEAN or volatility * math.sqrt(time) < _DETERMINISTIC:
        return 0
    state[_START_UPPER] = 0.0
    state[_START_RATE] = 0.0
    state[_START_YIELD] = 0.0
    if which == DOUBLE:
        state[_START_LOWER] = math.log(rate / dividend_yield)
        if not _solve_double(rate, dividend_yield, volatility, time, t, space):
            return BAD_BOUNDARY
    else:
        if dividend_yield > rate:
            state[_START_UPPER] = math.log(rate / dividend_yield)
            state[_START_RATE] = 1.0 / rate
            state[_START_YIELD] = -1.0 / dividend_yield
        if not _solve_side(rate, dividend_yield, volatility, time, 0, t, space):
            return BAD_BOUNDARY
    if with_tangents:
        for side in range(which):
            if not _solve_tangents_side(rate, dividend_yield, volatility, side, which == DOUBLE, t, space):
                return BAD_BOUNDARY
    return 0


@kernel
def _solve_tangents_side(
    rate: float, dividend_yield: float, volatility: float, which: int, double: bool, t: Tables, space: Space
) -> bool:
    state = space.state
    start_rate = state[_START_RATE]
    start_yield = state[_START_YIELD]
    if which == 1:
        start_rate = 1.0 / rate
        start_yield = -1.0 / dividend_yield
    if double:
        # Each side's growth factors differ from those of the side solved last only through the side itself.
        _solve_side(rate, dividend_yield, volatility, state[_HORIZON], which, t, space)
    return bool(
        solve_tangents(
            rate,
            dividend_yield,
            volatility,
            state[_HORIZON],
            state[_START_UPPER + which],
            start_rate,
            start_yield,
            1.0 - 2.0 * which,
            t,
            space.g[which],
            space.pairs,
            space.rows,
            space.jacobian,
            space.pivots,
            space.tangents[which],
        )
    )


@kernel
def _add_premium(
    spot: float,
    strike: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    which: int,
    side: float,
    sign: float,
    order: int,
    t: Tables,
    space: Space,
) -> None:
    """Add ``sign`` times the early-exercise integral of one boundary to ``space.total``.

    ``which`` names the boundary; the exercise region counted is below it for side = +1, above it for side = -1.
    """
    p = t.price_weight.size
    n = t.node.size
    log_spot = math.log(spot / strike)
    carry = rate - dividend_yield
    start = space.state[_START_UPPER + which]
    away = 1.0 - 2.0 * which
    horizon = space.state[_HORIZON]
    rest = time - horizon
    g = space.g[which]
    w = space.points
    level, scale, a, cdf_minus, pdf_minus, cdf_plus, cash, stock = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
    for k in range(p):
        level[k] = 0.0
    for j in range(n):
        h = g[j] * g[j]
        row = t.price_interpolate[j]
        for k in range(p):
            level[k] += row[k] * h
    for k in range(p):
        level[k] = math.sqrt(max(level[k], _G_FLOOR))
    for k in range(p):
        v = rest + horizon * t.price_cosine[k] * t.price_cosine[k]
        scale[k] = volatility * math.sqrt(v)
    for k in range(p):
        v = rest + horizon * t.price_cosine[k] * t.price_cosine[k]
        a[k] = (log_spot - start + away * level[k] + carry * v) / scale[k]
    for k in range(p):
        cdf_minus[k], pdf_minus[k] = normal_cdf_pdf(-side * (a[k] - 0.5 * scale[k]))
    for k in range(p):
        cdf_plus[k], stock[k] = normal_cdf_pdf(-side * (a[k] + 0.5 * scale[k]))
    for k in range(p):
        v = rest + horizon * t.price_cosine[k] * t.price_cosine[k]
        cash[k] = sign * horizon * t.price_weight[k] * strike * exponential(-rate * v)
    for k in range(p):
        v = rest + horizon * t.price_cosine[k] * t.price_cosine[k]
        stock[k] = sign * horizon * t.price_weight[k] * spot * exponential(-dividend_yield * v) * cdf_plus[k]
    total = space.total
    value = 0.0
    for k in range(p):
        value += rate * cash[k] * cdf_minus[k] - dividend_yield * stock[k]
    total[V] += value
    if order == 0:
        return
    tangents = space.tangents[which]
    start_rate = space.state[_START_RATE] if which == 0 else 1.0 / rate
    start_yield = space.state[_START_YIELD] if which == 0 else -1.0 / dividend_yield
    for k in range(p):
        x = 0.0
        y = 0.0
        z = 0.0
        xx = 0.0
        for j in range(n):
            c = t.price_interpolate[j, k]
            x += c * g[j] * tangents[0, j]
            y += c * g[j] * tangents[1, j]
            z += c * g[j] * tangents[2, j]
            xx += c * (tangents[0, j] * tangents[0, j] + g[j] * tangents[3, j])
        x /= level[k]
        xx = (xx - x * x) / level[k]
        b_s = -away * x
        b_ss = -away * xx
        b_r = start_rate - away * y / level[k]
        b_q = start_yield - away * z / level[k]
        v = rest + horizon * t.price_cosine[k] * t.price_cosine[k]
        s = scale[k]
        minus = a[k] - 0.5 * s
        plus = a[k] + 0.5 * s
        e = side * cash[k] * pdf_minus[k]
        flow_b = dividend_yield * exponential(start - away * level[k])
        flow = rate - flow_b
        held = dividend_yield * stock[k]
        paid = cash[k] * cdf_minus[k]
        f_b = e * flow / s
        f_lb = -minus / s * f_b
        slope = -b_s / s
        a1 = slope - a[k] / volatility
        a2 = -b_ss / s - 2.0 * slope / volatility + 2.0 * a[k] / (volatility * volatility)
        h = 0.5 * s / volatility
        total[V_L] += -f_b - held
        total[V_LL] += minus / s * f_b - held + flow_b * e / s
        total[V_S] += -e * (rate * (a1 - h) - flow_b * (a1 + h))
        total[V_SS] += -e * (rate * (a2 - minus * (a1 - h) ** 2) - flow_b * (a2 - plus * (a1 + h) ** 2))
        total[V_LS] += e / volatility * (flow - minus * (rate * plus - flow_b * minus)) / s + f_lb * b_s
        tilt = f_b * v
        total[V_R] += paid * (1.0 - rate * v) - tilt + f_b * b_r
        total[V_Q] += -stock[k] * (1.0 - dividend_yield * v) + tilt + f_b * b_q
        f_lr = -e * (1.0 - rate * v) / s + minus / s * tilt
        total[V_LR] += f_lr + f_lb * b_r
        b_e = e * exponential(start - away * level[k]) / s
        total[V_LQ] += -(1.0 - dividend_yield * v) * (stock[k] - b_e) - minus / s * tilt + f_lb * b_q


@kernel
def _deterministic(
    spot: float, strike: float, rate: float, dividend_yield: float, time: float, american: bool, total: Array
) -> None:
    """The limit of no volatility: the best of exercising now, at expiry or at the stationary time, or never."""
    total[:] = 0.0
    best = strike * math.exp(-rate * time) - spot * math.exp(-dividend_yield * time)
    when = time
    if american:
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
    if best > 0.0:
        cash = strike * math.exp(-rate * when)
        stock = spot * math.exp(-dividend_yield * when)
        total[V] = best
        total[V_L] = -stock
        total[V_LL] = -stock
        total[V_R] = -when * cash
        total[V_Q] = when * stock
        total[V_LQ] = when * stock


@kernel
def evaluate(
    spot: float,
    strike: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    american: bool,
    order: int,
    t: Tables,
    space: Space,
) -> None:
    """Value (order 0) and derivatives (order 1) of a put into ``space.total``, its boundary solved before."""
    total = space.total
    if volatility * math.sqrt(time) < _DETERMINISTIC:
        _deterministic(spot, strike, rate, dividend_yield, time, american, total)
        return
    kind = int(space.state[_REGIME]) if american else EUROPEAN
    bound = strike * math.exp(-min(rate, 0.0) * time)
    if kind != EUROPEAN:
        state = space.state
        level = math.log(spot / strike)
        below = level <= state[_START_UPPER] - space.g[0, 0]
        inside = below
        if kind == DOUBLE:
            inside = below and level >= state[_START_LOWER] + space.g[1, 0] and state[_HORIZON] == time
        if inside:
            total[:] = 0.0
            total[V] = strike - spot
            total[V_L] = -spot
            total[V_LL] = -spot
            return
    if order == 0:
        total[V] = european_put_value(spot, strike, rate, dividend_yield, volatility, time)
    else:
        european_put(spot, strike, rate, dividend_yield, volatility, time, total)
    floor = max(total[V], 0.0)
    if kind == SINGLE:
        _add_premium(spot, strike, rate, dividend_yield, volatility, time, 0, 1.0, 1.0, order, t, space)
    elif kind == DOUBLE:
        if space.state[_HORIZON] < time:
            _add_premium(spot, strike, rate, dividend_yield, volatility, time, 0, 1.0, 1.0, order, t, space)
            _add_premium(spot, strike, rate, dividend_yield, volatility, time, 1, 1.0, -1.0, order, t, space)
        elif math.log(spot / strike) > space.state[_START_UPPER] - space.g[0, 0]:
            _add_premium(spot, strike, rate, dividend_yield, volatility, time, 0, 1.0, 1.0, order, t, space)
        else:
            _add_premium(spot, strike, rate, dividend_yield, volatility, time, 1, -1.0, 1.0, order, t, space)
    if american:
        floor = max(floor, strike - spot)
    total[V] = min(max(total[V], floor), bound)
