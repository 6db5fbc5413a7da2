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

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import jumped_kernel, kernel
from alo_lib.numerics.elementary import exponential, fma, logarithm, normal_cdf_pdf
from alo_lib.numerics.lanes import align_stack, any_lane, greatest, least, load, select, square_root, store
from alo_lib.numerics.linear import factor_lanes, solve_lanes
from alo_lib.pricing.first_guess import first_guess
from alo_lib.pricing.scheme import COSINE, ELAPSED, HOLD, INVERSE, WEIGHT, Tables
from alo_lib.pricing.space import (
    ACTIVE,
    ARGUMENT,
    FAILED,
    FREE,
    GROWTH_Q,
    GROWTH_R,
    LEVEL,
    LIMIT,
    NEAR,
    OWN,
    PDF_D,
    PDF_N,
    POINT,
    RATE,
    RIGHT,
    SLOPE_D,
    SLOPE_N,
    START,
    START_Q,
    START_R,
    STEP,
    SUM_D,
    SUM_N,
    TERM_D,
    TERM_N,
    UNTIL,
    VOLATILITY,
    YIELD,
    Space,
)

__all__ = ["perpetual_distance", "prepare", "set_limit", "solve_boundary", "solve_tangents"]

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
    put[LIMIT + which, lane] = limit


@kernel
def prepare(t: Tables, space: Space) -> None:
    """Bring what depends on ``space.put`` alone up to date, before boundaries or their tangents are solved."""
    time = load(space.put, UNTIL)
    rate = load(space.put, RATE) * time
    dividend_yield = load(space.put, YIELD) * time
    count = t.pair.shape[1]
    for f in range(count):
        elapsed, weight = t.pair[ELAPSED, f], time * t.pair[WEIGHT, f]
        store(space.pairs, GROWTH_R * count + f, weight * exponential(rate * elapsed))
        store(space.pairs, GROWTH_Q * count + f, weight * exponential(dividend_yield * elapsed))


@jumped_kernel
def _equation(which: int, t: Tables, space: Space) -> None:
    """Evaluate the equation at g: the residual's logarithm as a node's STEP, its derivatives into the Jacobian.

    An iterate far too low leaves a numerator or denominator of the wrong sign; the residual is then NaN.
    """
    align_stack()
    n, points = t.node.size, t.points
    count = n * points
    put, pairs, nodes, g, jacobian = space.put, space.pairs, space.nodes, space.g, space.jacobian
    growth_q, to_level, to_free, to_a = GROWTH_Q * count, LEVEL * count, FREE * count, ARGUMENT * count
    term_n, term_d, slope_n, slope_d = TERM_N * count, TERM_D * count, SLOPE_N * count, SLOPE_D * count
    point = POINT * count
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
        store(nodes, SUM_N * n + i, sum_n)
        store(nodes, SUM_D * n + i, sum_d)
        store(nodes, PDF_N * n + i, pdf_n)
        store(nodes, PDF_D * n + i, pdf_d)
        store(nodes, OWN * n + i, by_own)
        store(nodes, STEP * n + i, select(ratio > 0.0, log + logarithm(ratio), math.nan))
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


@jumped_kernel
def solve_boundary(which: int, t: Tables, space: Space) -> None:
    """Solve boundary ``which`` of the active lanes over (0, UNTIL) into ``space.g``; FAILED says where that failed.

    The upper boundary (0) has its exercise region below, the lower one (1) above. The lower boundary's equation has no
    European terms: its region continued upwards is that of the forward, whose payoff at expiry is strike less spot
    everywhere. :func:`prepare` comes first.
    """
    n = t.node.size
    first = which * n
    put, nodes, gs = space.put, space.nodes, space.g
    rate, limit = load(put, RATE), load(put, LIMIT + which)
    near = load(put, NEAR) > 0.0
    active = load(put, ACTIVE) > 0.0
    # So little volatility that the whole boundary lies within rounding of where it starts.
    narrow = active & (limit < _NARROW)
    active = active & (limit >= _NARROW)
    attempt = select(near, 0.0, 1.0)
    first_guess(which, attempt, t, space)
    for i in range(n):
        g = select(near, load(space.near, first + i), load(nodes, STEP * n + i))
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
            residual, g = load(nodes, STEP * n + i), load(gs, first + i)
            wrong = active & (residual != residual)
            inside = inside & ~wrong
            # Nodes with a wrong sign are moved back, the others wait.
            store(gs, first + i, select(wrong, _BACK * g, g))
        factor_lanes(space.jacobian, n)
        solve_lanes(space.jacobian, n, nodes, STEP * n)
        farthest = select(sweep < _CIRCLES, _FARTHEST, _NEARER)
        change = 0.0
        for i in range(n):
            old = load(gs, first + i)
            new = least(least(greatest(old - load(nodes, STEP * n + i), old / farthest), old * farthest), limit)
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
            first_guess(which, attempt, t, space)
            for i in range(n):
                g = load(gs, first + i)
                store(gs, first + i, select(broken & ~exhausted, load(nodes, STEP * n + i), g))


@jumped_kernel
def solve_tangents(which: int, t: Tables, space: Space) -> None:
    """Derivatives of the boundaries by the parameters, at the solution: ``space.tangents``.

    The implicit function theorem on the discrete equation, for which the Jacobian's factors serve all right-hand
    sides and every density is at hand.
    """
    align_stack()
    n = t.node.size
    count, points = t.pair.shape[1], t.points
    put, pairs, nodes, g = space.put, space.pairs, space.nodes, space.g
    term_n, term_d, slope_n, slope_d = TERM_N * count, TERM_D * count, SLOPE_N * count, SLOPE_D * count
    right, first_node = RIGHT * n, which * n
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
        sum_n, sum_d = load(nodes, SUM_N * n + i), load(nodes, SUM_D * n + i)
        over_n, over_d = side * rate / sum_n, side * dividend_yield / sum_d
        by_sigma = 0.0
        by_drift = 0.0
        first_n = 0.0
        first_d = 0.0
        for k in range(points):
            f = i * points + k
            a, half = load(pairs, ARGUMENT * count + f), 0.5 * t.pair[COSINE, f] * spread
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
        pn, pd, european = load(nodes, PDF_N * n + i), load(nodes, PDF_D * n + i), load(nodes, OWN * n + i)
        slope = tau + (pd - pn) * tau / s + time * by_drift
        store(nodes, right + i, -(by_sigma + pn * (d + 0.5 * s) - pd * (d - 0.5 * s)) * inverse)
        store(nodes, right + n + i, first_n / sum_n - slope - european * start_rate)
        store(nodes, right + 2 * n + i, slope - first_d / sum_d - european * start_yield)
    for parameter in range(3):
        solve_lanes(space.jacobian, n, nodes, right + parameter * n)
    # Second derivative along the solution curve in volatility: with g'' = 0 the residual's is R''; J g'' = -R''.
    for i in range(n):
        own, tangent = load(g, first_node + i), load(nodes, right + i)
        sum_n, sum_d = load(nodes, SUM_N * n + i), load(nodes, SUM_D * n + i)
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
            inverse_level = 1.0 / load(pairs, LEVEL * count + f)
            first = first * inverse_level
            second = (second - first * first) * inverse_level
            a, half = load(pairs, ARGUMENT * count + f), 0.5 * t.pair[COSINE, f] * spread
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
        pn, pd = load(nodes, PDF_N * n + i), load(nodes, PDF_D * n + i)
        first_n = side * rate * first_n / sum_n + pn * minus
        first_d = side * dividend_yield * first_d / sum_d + pd * plus
        second_n = side * rate * second_n / sum_n + pn * (d2 - (d - 0.5 * s) * minus * minus)
        second_d = side * dividend_yield * second_d / sum_d + pd * (d2 - (d + 0.5 * s) * plus * plus)
        store(nodes, right + 3 * n + i, second_n - first_n * first_n - (second_d - first_d * first_d))
    solve_lanes(space.jacobian, n, nodes, right + 3 * n)
    # A boundary within rounding of where it starts has none.
    narrow = load(put, LIMIT + which) < _NARROW
    for i in range(4 * n):
        store(space.tangents, which * 4 * n + i, select(narrow, 0.0, load(nodes, right + i)))
