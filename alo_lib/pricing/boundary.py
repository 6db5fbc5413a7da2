"""The exercise boundaries of eight puts with strike 1, solved side by side by Newton sweeps on Chebyshev nodes.

Notation follows Andersen, Lake and Offengenden (2016): tau is time to expiry, B(tau) the boundary, X = B(0+). The
unknown is g = |ln(B / X)| at the nodes; g squared is interpolated in the square root of tau.

The equation is their FP-B, ``B = exp(-(r - q) tau) N / D``. Instead of their Jacobi-Newton sweeps, which freeze the
boundary at all other times, each sweep here solves the full linearization over all nodes: the normal densities it
needs come free with the distribution functions, the interpolation is a constant matrix, and convergence is quadratic.

Eight puts are solved at once, one a lane (:mod:`alo_lib.numerics.lanes`). A boundary that has settled is left alone
while its neighbours are swept on, so its bits do not depend on them.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, fma, logarithm, normal_cdf_pdf
from alo_lib.numerics.lanes import (
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
from alo_lib.numerics.linear import factor_lanes, solve_lanes
from alo_lib.pricing.scheme import COSINE, ELAPSED, HOLD, INVERSE, WEIGHT, Tables

__all__ = [
    "ACTIVE",
    "FAILED",
    "KIND",
    "NEAR",
    "RATE",
    "SEARCH",
    "SPAN",
    "START",
    "START_Q",
    "START_R",
    "TIME",
    "UNTIL",
    "VOLATILITY",
    "YIELD",
    "Space",
    "new_space",
    "perpetual_distance",
    "prepare",
    "set_limit",
    "solve_boundary",
    "solve_tangents",
]

Array = npt.NDArray[np.float64]

_MAX_SWEEPS = 40.0
_GUESSES = 5.0
_LOOSE = 0.005  # relative update after the scheme's sweeps above which sweeping goes on
_CLOSE = 1e-8  # the same for each of two boundaries
_TIGHT = 1e-12  # relative update below which sweeping stops early
_UNDERSHOOT = 0.05  # least square of the log distance, relative to a straight line in the root of time
_BACK = 0.8
_NARROW = 1e-10
_FARTHEST = 2.5  # largest factor by which one sweep moves a node,
_NEARER = 1.2  # and once Newton's method seems to go in circles
_CIRCLES = 8.0  # sweeps after which it does

# Rows of Space.put: what each lane's put is. UNTIL: time to expiry up to which its boundary is solved, SPAN up to which
# there is one: past UNTIL it has settled. ACTIVE, NEAR, FAILED: 1 where it is to be solved, where from ``near``, and
# where it could not be. START: log of each boundary at expiry, and its derivatives by rate and yield. LIMIT: where its
# distance from there ends.
RATE, YIELD, VOLATILITY, TIME, UNTIL, SPAN, KIND, ACTIVE, NEAR, FAILED = range(10)
START, START_R, START_Q, _LIMIT = 10, 12, 14, 16  # and one more each, for the lower boundary
SEARCH = 18  # eight rows in which american.py looks for where two boundaries meet
_PUT_ROWS = 26


# Space.pairs has, for each pair: what of the discounting depends on the parameters alone; g at the inner point, and
# 1 / g, or 0 where the interpolant is held; the argument of the normal distributions, between the two; terms of the
# numerator and the denominator, and of their derivatives. Behind them is one number an inner point of one node.
_GROWTH_R, _GROWTH_Q, _LEVEL, _FREE, _A, _TERM_N, _TERM_D, _SLOPE_N, _SLOPE_D, _POINT = range(10)
# Space.nodes has, for each node: g squared, numerator and denominator, their European densities over them, the
# residual's derivative by the node's own value as far as it is European, residual or Newton's step, right-hand sides.
_SQUARE, _SUM_N, _SUM_D, _PDF_N, _PDF_D, _OWN, _STEP, _RIGHT = range(8)
_NODE_ROWS = 11


class Space(NamedTuple):
    """Scratch of one thread, and the boundaries solved last, one a lane. The upper boundary is 0, the lower one 1.

    Few tables, each for many things: a kernel that is called is handed nine numbers for each of them.
    """

    put: Array  # (_PUT_ROWS, LANES): see RATE and after
    pairs: Array  # (9 * n * l + l, LANES): see _GROWTH_R and after
    nodes: Array  # (11 * n, LANES): see _SQUARE and after
    jacobian: Array  # (n * n, LANES)
    g: Array  # (2 * n, LANES) log distance of each boundary from its start
    near: Array  # (2 * n, LANES) node values to start from where put says so
    tangents: Array  # (2 * 4 * n, LANES) derivatives of g by volatility, rate, yield, and volatility twice
    table: Array  # (p * n, LANES) node values to values at the points of the price integral


@kernel
def new_space(t: Tables) -> Space:
    """Scratch for the tables."""
    n = t.node.size
    return Space(
        table(_PUT_ROWS),
        table(_POINT * n * t.points + t.points),
        table(_NODE_ROWS * n),
        table(n * n),
        table(2 * n),
        table(2 * n),
        table(8 * n),
        table(t.price.shape[1] * n),
    )


@kernel
def perpetual_distance(rate: float, dividend_yield: float, volatility: float, start: float) -> float:
    """ln(X / B) for the perpetual put with r >= 0; infinite where it is never exercised."""
    variance = volatility * volatility
    drift = rate - dividend_yield - 0.5 * variance
    root = math.sqrt(drift * drift + 2.0 * rate * variance)
    # Both forms of the negative root, so that nothing cancels.
    exponent = -(drift + root) / variance if drift > 0.0 else -2.0 * rate / (root - drift)
    if not exponent < 0.0:
        return math.inf
    return start + math.log1p(-1.0 / exponent)


@kernel
def set_limit(which: int, lane: int, put: Array) -> None:
    """Where the boundary ends that the lane's rows of ``Space.put`` describe; of two, some way past where they meet."""
    limit = -3.0 * put[START + 1, lane]
    if put[RATE, lane] >= 0.0:
        limit = perpetual_distance(put[RATE, lane], put[YIELD, lane], put[VOLATILITY, lane], put[START, lane])
    put[_LIMIT + which, lane] = limit


@kernel
def prepare(t: Tables, space: Space) -> None:
    """Bring what depends on ``space.put`` alone up to date, before boundaries or their tangents are solved."""
    time = load(space.put, UNTIL)
    rate = load(space.put, RATE) * time
    dividend_yield = load(space.put, YIELD) * time
    count = t.pair.shape[1]
    for f in range(count):
        elapsed, weight = t.pair[ELAPSED, f], time * t.pair[WEIGHT, f]
        store(space.pairs, _GROWTH_R * count + f, weight * exponential(rate * elapsed))
        store(space.pairs, _GROWTH_Q * count + f, weight * exponential(dividend_yield * elapsed))


@kernel
def _guess(which: int, attempt: Lanes, t: Tables, space: Space) -> None:
    """A first boundary, as a node's _STEP, for each lane's attempt, counted from 1: another factor each time.

    It lies between the asymptotics at short times (Evans, Kuske and Keller 2002, "American options on assets with
    dividends near expiry") and the perpetual limit, which is 14 % off (root mean square); cubics in three bounded
    groups of the parameters, fitted to solved boundaries (volatility 0.04 to 1.2, rates to 0.2 or yields to 0.3, to 5
    years), leave 2 % where the boundary starts at the strike and 2.5 % where it starts below.
    """
    n = t.node.size
    put = space.put
    rate, dividend_yield, volatility, time = load(put, RATE), load(put, YIELD), load(put, VOLATILITY), load(put, UNTIL)
    start, limit = load(put, START + which), load(put, _LIMIT + which)
    variance = volatility * volatility
    carry = rate - dividend_yield
    root_time = square_root(time)
    factor = select(attempt < 1.5, 1.0, select(attempt < 2.5, 0.6, select(attempt < 3.5, 1.6, 0.3)))
    factor = select(attempt > 4.5, 2.5, factor)
    far = select(rate >= 0.0, 0.5, 0.0) * variance
    at_strike = dividend_yield <= rate
    for i in range(n):
        tau = time * (t.node[i] * t.node[i])
        spread = volatility * t.node[i] * root_time
        y = 0.639 * spread
        log = 0.0
        if which == 0:
            # A boundary that starts below the strike keeps the logarithmic distance from it all the same.
            steep = carry * carry + 2.0 * rate * rate * variance * tau
            slope2 = 0.408 + logarithm(1.0 + variance / (8.0 * math.pi * tau * steep + 1e-300))
            strike = square_root(slope2) * spread + far * tau + start
            below = 0.5 * (strike + y + square_root((strike - y) * (strike - y) + 0.2 * y * y))
            log_below = _correction_below(strike / (y + abs(strike)), below / (below + limit), start / (start - spread))
            log = select(at_strike, _correction(rate / variance, dividend_yield / rate, spread), log_below)
            y = select(at_strike, greatest(y, strike), below)
        x = y / limit
        y = factor * select(x > 1e-5, limit * (1.0 - exponential(-x)), y * (1.0 - 0.5 * x))
        if which == 0:
            y = select(rate > 0.0, y * exponential(least(greatest(log, -0.3), 0.8)), y)
        store(space.nodes, _STEP * n + i, y)


@kernel
def _correction(pull: Lanes, ratio: Lanes, y: Lanes) -> Lanes:
    """Log of solved boundaries over the formula of :func:`_guess`, as fitted; 0 < rate, dividend_yield <= rate.

    pull: rate / variance; ratio: dividend_yield / rate; y: volatility * sqrt(time).
    """
    z = greatest(ratio, 0.0)
    x = 2.0 * pull * y
    x = x / (1.0 + x)
    y = y / (1.0 + y)
    log = -0.0058 + z * (0.0205 - z * (0.0515 + 0.0087 * z))
    log += y * (-0.0501 + z * (-0.0676 + 0.4330 * z) + y * (0.5971 - 0.4632 * z - 0.4700 * y))
    log += x * (1.6598 - z * (1.2740 + 0.0850 * z) + y * (0.1038 + 2.0922 * z - 2.2326 * y))
    return log + x * x * (-1.6950 + 2.0531 * z - 0.9910 * y - 0.2212 * x)


@kernel
def _correction_below(x: Lanes, y: Lanes, z: Lanes) -> Lanes:
    """The same for 0 < rate < dividend_yield.

    x: the distance measured from the strike, over its sum with that measured from where the boundary starts; y: the
    distance over its sum with the perpetual limit; z: that from strike to start, over its sum with the spread.
    """
    log = 0.8818 + x * (0.4243 - x * (1.2194 + 0.6381 * x))
    log += y * (-0.4459 + x * (0.0718 + 0.7315 * x) + y * (-0.1606 + 0.0911 * x - 0.5432 * y))
    log += z * (-0.5258 + x * (-0.6685 + 1.1740 * x) + y * (0.9784 - 0.7137 * x + 0.5613 * y))
    return log + z * z * (-0.2616 + 0.7389 * x - 1.7783 * y - 0.1998 * z)


@kernel
def _equation(which: int, t: Tables, space: Space) -> None:
    """Evaluate the equation at g: the residual's logarithm as a node's _STEP, its derivatives into the Jacobian.

    An iterate far too low leaves a numerator or denominator of the wrong sign; the residual is then NaN.
    """
    align_stack()
    n, points = t.node.size, t.points
    count = n * points
    put, pairs, nodes, g, jacobian = space.put, space.pairs, space.nodes, space.g, space.jacobian
    growth_q, to_level, to_free, to_a = _GROWTH_Q * count, _LEVEL * count, _FREE * count, _A * count
    term_n, term_d, slope_n, slope_d = _TERM_N * count, _TERM_D * count, _SLOPE_N * count, _SLOPE_D * count
    point = _POINT * count
    first = which * n
    rate, dividend_yield, time = load(put, RATE), load(put, YIELD), load(put, UNTIL)
    start = load(put, START + which)
    carried = (rate - dividend_yield) * time
    spread = load(put, VOLATILITY) * square_root(time)
    inverse_spread = 1.0 / spread
    drift = carried * inverse_spread
    side = 1.0 - 2.0 * which
    european = 1.0 - which
    for j in range(n):
        store(nodes, j, load(g, first + j) * load(g, first + j))
    # The boundary at the inner points moves one way, first like the root of time; an iterate's interpolant may
    # undershoot that, and is then held.
    lowest = _UNDERSHOOT * load(nodes, n - 1)
    for i in range(n):
        own = load(g, first + i)
        sum_n = 0.0
        sum_d = 0.0
        for k in range(points):
            f = i * points + k
            x = t.interpolate[f, 0] * load(nodes, 0)
            y = t.interpolate[f, 1] * load(nodes, 1)
            for j in range(2, n - 1, 2):
                x = fma(t.interpolate[f, j], load(nodes, j), x)
                y = fma(t.interpolate[f, j + 1], load(nodes, j + 1), y)
            if n % 2 == 1:
                x = fma(t.interpolate[f, n - 1], load(nodes, n - 1), x)
            square = x + y
            held = lowest * t.pair[HOLD, f]
            level = square_root(greatest(square, held))
            a = fma(side * (level - own), inverse_spread * t.pair[INVERSE, f], drift * t.pair[COSINE, f])
            half = 0.5 * t.pair[COSINE, f] * spread
            cdf, pdf = normal_cdf_pdf(side * (a - half))
            growth = load(pairs, f)
            term = growth * cdf
            sum_n = sum_n + term
            store(pairs, term_n + f, term)
            store(pairs, slope_n + f, growth * pdf)
            cdf, pdf = normal_cdf_pdf(side * (a + half))
            growth = load(pairs, growth_q + f)
            term = growth * cdf
            sum_d = sum_d + term
            store(pairs, term_d + f, term)
            store(pairs, slope_d + f, growth * pdf)
            store(pairs, to_level + f, level)
            store(pairs, to_free + f, select(square > held, 1.0 / level, 0.0))
            store(pairs, to_a + f, a)
        s = spread * t.node[i]
        inverse_s = 1.0 / s
        log = start - side * own + carried * (t.node[i] * t.node[i])
        d = log * inverse_s
        cdf, pdf_n = normal_cdf_pdf(d - 0.5 * s)
        sum_n = european * cdf + rate * sum_n
        cdf, pdf_d = normal_cdf_pdf(d + 0.5 * s)
        sum_d = european * cdf + dividend_yield * sum_d
        over_n = 1.0 / sum_n
        over_d = 1.0 / sum_d
        pdf_n = european * pdf_n * over_n
        pdf_d = european * pdf_d * over_d
        ratio = sum_d * over_n
        by_own = 1.0 + (pdf_d - pdf_n) * inverse_s
        store(nodes, _SUM_N * n + i, sum_n)
        store(nodes, _SUM_D * n + i, sum_d)
        store(nodes, _PDF_N * n + i, pdf_n)
        store(nodes, _PDF_D * n + i, pdf_d)
        store(nodes, _OWN * n + i, by_own)
        store(nodes, _STEP * n + i, select(ratio > 0.0, log + logarithm(ratio), math.nan))
        # By ln B(tau) - ln B(u), pair by pair.
        over_n = side * rate * over_n * inverse_spread
        over_d = side * dividend_yield * over_d * inverse_spread
        within = 0.0
        for k in range(points):
            f = i * points + k
            c = load(pairs, slope_d + f) * over_d - load(pairs, slope_n + f) * over_n
            c = c * t.pair[INVERSE, f]
            within = within + c
            store(pairs, point + k, c * load(pairs, to_free + f))
        for j in range(n):
            x = 0.0
            for k in range(points):
                x = fma(t.interpolate[i * points + k, j], load(pairs, point + k), x)
            store(jacobian, i * n + j, side * load(g, first + j) * x)
        store(jacobian, i * n + i, load(jacobian, i * n + i) - side * (by_own + within))


@kernel
def solve_boundary(which: int, t: Tables, space: Space) -> None:
    """Solve boundary ``which`` of the active lanes over (0, UNTIL) into ``space.g``; FAILED says where that failed.

    The upper boundary (0) has its exercise region below, the lower one (1) above. The lower boundary's equation has no
    European terms: its region continued upwards is that of the forward, whose payoff at expiry is strike less spot
    everywhere. :func:`prepare` comes first.
    """
    n = t.node.size
    first = which * n
    put, nodes, gs = space.put, space.nodes, space.g
    rate, limit = load(put, RATE), load(put, _LIMIT + which)
    near = load(put, NEAR) > 0.0
    active = load(put, ACTIVE) > 0.0
    # So little volatility that the whole boundary lies within rounding of where it starts.
    narrow = active & (limit < _NARROW)
    active = active & (limit >= _NARROW)
    attempt = select(near, 0.0, 1.0)
    _guess(which, attempt, t, space)
    for i in range(n):
        g = select(near, load(space.near, first + i), load(nodes, _STEP * n + i))
        g = select(narrow, limit, g)
        store(gs, first + i, select(active | narrow, g, load(gs, first + i)))
    store(put, FAILED, select(active, 0.0, load(put, FAILED)))
    # Where two boundaries meet is found from the small gap between them.
    loose = select(rate >= 0.0, _LOOSE, _CLOSE)
    sweep = 0.0
    while any_lane(active):
        _equation(which, t, space)
        inside = active
        for i in range(n):
            residual, g = load(nodes, _STEP * n + i), load(gs, first + i)
            wrong = active & (residual != residual)
            inside = inside & ~wrong
            # Nodes with a wrong sign are moved back, the others wait.
            store(gs, first + i, select(wrong, _BACK * g, g))
        factor_lanes(space.jacobian, n)
        solve_lanes(space.jacobian, n, nodes, _STEP * n)
        farthest = select(sweep < _CIRCLES, _FARTHEST, _NEARER)
        change = 0.0
        for i in range(n):
            old = load(gs, first + i)
            new = least(least(greatest(old - load(nodes, _STEP * n + i), old / farthest), old * farthest), limit)
            change = select(new - new == 0.0, greatest(change, abs(new - old) / old), math.inf)
            store(gs, first + i, select(inside, new, old))
        sweep = sweep + 1.0
        moved = inside & (change < math.inf)
        settled = moved & ((change < _TIGHT) | ((sweep >= float(t.sweeps)) & (change < loose)))
        # Past the time where two boundaries meet there need be none.
        broken = (inside & ~moved) | (active & ~inside & (rate < 0.0)) | (active & (sweep >= _MAX_SWEEPS))
        broken = broken & ~settled
        active = active & ~settled
        if any_lane(broken):
            exhausted = broken & (near | (attempt >= _GUESSES))
            store(put, FAILED, select(exhausted, 1.0, load(put, FAILED)))
            active = active & ~exhausted
            attempt = select(broken, attempt + 1.0, attempt)
            sweep = select(broken, 0.0, sweep)
            _guess(which, attempt, t, space)
            for i in range(n):
                g = load(gs, first + i)
                store(gs, first + i, select(broken & ~exhausted, load(nodes, _STEP * n + i), g))


@kernel
def solve_tangents(which: int, t: Tables, space: Space) -> None:
    """Derivatives of the boundaries by the parameters, at the solution: ``space.tangents``.

    The implicit function theorem on the discrete equation, for which the Jacobian's factors serve all right-hand
    sides and every density is at hand.
    """
    align_stack()
    n = t.node.size
    count, points = t.pair.shape[1], t.points
    put, pairs, nodes, g = space.put, space.pairs, space.nodes, space.g
    term_n, term_d, slope_n, slope_d = _TERM_N * count, _TERM_D * count, _SLOPE_N * count, _SLOPE_D * count
    right, first_node = _RIGHT * n, which * n
    rate, dividend_yield, volatility = load(put, RATE), load(put, YIELD), load(put, VOLATILITY)
    time, start = load(put, UNTIL), load(put, START + which)
    start_rate, start_yield = load(put, START_R + which), load(put, START_Q + which)
    carry = rate - dividend_yield
    side = 1.0 - 2.0 * which
    spread = volatility * square_root(time)
    inverse_spread = 1.0 / spread
    inverse = 1.0 / volatility
    _equation(which, t, space)
    factor_lanes(space.jacobian, n)
    for i in range(n):
        own = load(g, first_node + i)
        sum_n, sum_d = load(nodes, _SUM_N * n + i), load(nodes, _SUM_D * n + i)
        over_n, over_d = side * rate / sum_n, side * dividend_yield / sum_d
        by_sigma = 0.0
        by_drift = 0.0
        first_n = 0.0
        first_d = 0.0
        for k in range(points):
            f = i * points + k
            a, half = load(pairs, _A * count + f), 0.5 * t.pair[COSINE, f] * spread
            by_n = load(pairs, slope_n + f) * over_n
            by_d = load(pairs, slope_d + f) * over_d
            by_sigma = by_sigma + (by_n * (a + half) - by_d * (a - half))
            c = (by_d - by_n) * (inverse_spread * t.pair[INVERSE, f])
            by_drift = fma(c, t.pair[COSINE, f] * t.pair[COSINE, f], by_drift)
            first_n = fma(load(pairs, term_n + f), 1.0 + rate * time * t.pair[ELAPSED, f], first_n)
            first_d = fma(load(pairs, term_d + f), 1.0 + dividend_yield * time * t.pair[ELAPSED, f], first_d)
        tau = time * (t.node[i] * t.node[i])
        s = spread * t.node[i]
        d = (start - side * own + carry * tau) / s
        pn, pd, european = load(nodes, _PDF_N * n + i), load(nodes, _PDF_D * n + i), load(nodes, _OWN * n + i)
        slope = tau + (pd - pn) * tau / s + time * by_drift
        store(nodes, right + i, -(by_sigma + pn * (d + 0.5 * s) - pd * (d - 0.5 * s)) * inverse)
        store(nodes, right + n + i, first_n / sum_n - slope - european * start_rate)
        store(nodes, right + 2 * n + i, slope - first_d / sum_d - european * start_yield)
    for parameter in range(3):
        solve_lanes(space.jacobian, n, nodes, right + parameter * n)
    # Second derivative along the solution curve in volatility: with g'' = 0 the residual's is R''; J g'' = -R''.
    for i in range(n):
        own, tangent = load(g, first_node + i), load(nodes, right + i)
        sum_n, sum_d = load(nodes, _SUM_N * n + i), load(nodes, _SUM_D * n + i)
        first_n = 0.0
        second_n = 0.0
        first_d = 0.0
        second_d = 0.0
        for k in range(points):
            f = i * points + k
            # The derivatives of g at the inner point, then those of a.
            first = 0.0
            second = 0.0
            for j in range(n):
                of_node = load(nodes, right + j)
                first = fma(t.interpolate[f, j] * load(g, first_node + j), of_node, first)
                second = fma(t.interpolate[f, j] * of_node, of_node, second)
            inverse_level = 1.0 / load(pairs, _LEVEL * count + f)
            first = first * inverse_level
            second = (second - first * first) * inverse_level
            a, half = load(pairs, _A * count + f), 0.5 * t.pair[COSINE, f] * spread
            by_scale = inverse_spread * t.pair[INVERSE, f]
            first = side * (first - tangent) * by_scale - a * inverse
            second = side * second * by_scale - 2.0 * inverse * first
            pdf_n, pdf_d = load(pairs, slope_n + f), load(pairs, slope_d + f)
            x = first - inverse * half
            first_n = fma(pdf_n, x, first_n)
            second_n = fma(pdf_n, second - (a - half) * x * x, second_n)
            x = first + inverse * half
            first_d = fma(pdf_d, x, first_d)
            second_d = fma(pdf_d, second - (a + half) * x * x, second_d)
        s = spread * t.node[i]
        d = (start - side * own + carry * time * (t.node[i] * t.node[i])) / s
        slope = -side * tangent / s
        d1 = slope - d * inverse
        d2 = 2.0 * (d * inverse - slope) * inverse
        minus, plus = d1 - 0.5 * inverse * s, d1 + 0.5 * inverse * s
        pn, pd = load(nodes, _PDF_N * n + i), load(nodes, _PDF_D * n + i)
        first_n = side * rate * first_n / sum_n + pn * minus
        first_d = side * dividend_yield * first_d / sum_d + pd * plus
        second_n = side * rate * second_n / sum_n + pn * (d2 - (d - 0.5 * s) * minus * minus)
        second_d = side * dividend_yield * second_d / sum_d + pd * (d2 - (d + 0.5 * s) * plus * plus)
        store(nodes, right + 3 * n + i, second_n - first_n * first_n - (second_d - first_d * first_d))
    solve_lanes(space.jacobian, n, nodes, right + 3 * n)
    # A boundary within rounding of where it starts has none.
    narrow = load(put, _LIMIT + which) < _NARROW
    for i in range(4 * n):
        store(space.tangents, which * 4 * n + i, select(narrow, 0.0, load(nodes, right + i)))
