"""The exercise boundary of a put with strike 1, solved by Newton sweeps on Chebyshev nodes.

Notation follows Andersen, Lake and Offengenden (2016): tau is time to expiry, B(tau) the boundary, X = B(0+). The
unknown is g = |ln(B / X)| at the nodes; g squared is interpolated in the square root of tau.

The equation is their FP-B, ``B = exp(-(r - q) tau) N / D``. Instead of their Jacobi-Newton sweeps, which freeze the
boundary at all other times, each sweep here solves the full linearization over all nodes: the normal densities it
needs come free with the distribution functions, the interpolation is a constant matrix, and convergence is quadratic.

Pairs (inner point, node) of one option lie one after the other in rows of scratch, and each loop over them fills a row
from a few others, so that it vectorizes within a single option: one price is then as fast as one of a batch, and the
bits agree.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, fma, normal_cdf_pdf
from alo_lib.numerics.linear import lu_factor, lu_solve
from alo_lib.pricing.scheme import Tables

__all__ = ["Space", "new_space", "perpetual_distance", "solve_boundary"]

Array = npt.NDArray[np.float64]

_MAX_SWEEPS = 40
_GUESSES = (1.0, 0.6, 1.6, 0.3, 2.5)  # factors of the first guess, tried in turn
_LOOSE = 0.005  # relative update after the scheme's sweeps above which sweeping goes on
_CLOSE = 1e-8  # the same for each of two boundaries
_CHORD = 0.02  # relative update after which the next sweep makes do with the last derivatives
_TIGHT = 1e-12  # relative update below which sweeping stops early
_UNDERSHOOT = 0.05  # least square of the log distance, relative to a straight line in the root of time
_BACK = 0.8
_NARROW = 1e-10
_STEP = 2.5  # largest factor by which one sweep moves a node

# Rows of Space.pairs. Growth: weight and discounting; N and D: terms of numerator and denominator, and their slopes.
_GROWTH_R, _GROWTH_Q, _SCALE, _INVERSE, _DRIFT, _G, _A, _N, _D, _SLOPE_N, _SLOPE_D, _C, _FREE = range(13)
_OVER_N, _OVER_D, _WEIGHT, _TMP = range(13, 17)
_FIRST, _SECOND = _OVER_N, _OVER_D  # once these have served
_PAIR_ROWS = 17
# Rows of Space.rows, by node.
(_RESIDUAL, _SUM_N, _SUM_D, _BY_N, _BY_D, _OWN, _SUM, _EUROPEAN, _PDF_N, _PDF_D, _SPREAD) = range(11)
_FIRST_N, _SECOND_N, _FIRST_D, _SECOND_D = range(11, 15)
_NODE_ROWS = 15


class Space(NamedTuple):
    """Scratch of one thread, and the boundary solved last. The upper boundary has index 0, the lower 1."""

    pairs: Array  # (17, l * n) over (point, node) pairs
    cube: Array  # (17, l, n), the same memory
    halves: Array  # (17, 2, l * n / 2), the same memory
    rows: Array  # (15, n) over nodes, and up to a multiple of 8 so that no loop over them has a remainder
    jacobian: Array  # (n, n)
    pivots: npt.NDArray[np.int64]  # (n,)
    g: Array  # (2, n) log distance of each boundary from its start
    tangents: Array  # (2, 4, n) its derivatives by volatility, rate, yield, and volatility twice
    near: Array  # (2, n) node values to start from where scope says so
    start: Array  # (2, 3) log of each boundary at expiry, strike 1, and its derivatives by rate and yield
    # (4,) time up to which it is solved, the regime, 1 where derivatives are wanted (here and not an argument, because
    # numba would compile the kernels once more for every literal), 1 where ``near`` is to be started from.
    scope: Array
    points: Array  # (8, p) over points of the price integral
    table: Array  # (n, p) node values to values there, where the scheme's own table does not serve
    weights: Array  # (n,)
    total: Array  # (10,) value and derivatives


@kernel
def new_space(t: Tables) -> Space:
    """Scratch for the tables."""
    n = t.node.size
    pairs = np.zeros((_PAIR_ROWS, t.sine.size))
    return Space(
        pairs,
        pairs.reshape(_PAIR_ROWS, t.sine.size // n, n),
        pairs.reshape(_PAIR_ROWS, 2, t.sine.size // 2),
        np.zeros((_NODE_ROWS, -8 * (-n // 8))),
        np.zeros((n, n)),
        np.zeros(n, np.int64),
        np.ones((2, n)),
        np.zeros((2, 4, n)),
        np.zeros((2, n)),
        np.zeros((2, 3)),
        np.zeros(4),
        np.zeros((8, t.price_weight.size)),
        np.zeros((n, t.price_weight.size)),
        np.zeros(n),
        np.zeros(10),
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


# Rows are handed over as a table and an index: a view of one would be counted in and out, at a cost that shows. Inner
# loops index by their own variable alone: what might be negative would keep them from being vectorized.


@kernel
def _interpolate(rows: Array, source: int, table: Array, pairs: Array, target: int) -> None:
    """Node values (n) at the pairs (l * n), by a table (n, l * n), four nodes at a time."""
    n, count = table.shape
    for f in range(count):
        pairs[target, f] = 0.0
    for j in range(0, n - 3, 4):
        a, b, c, d = rows[source, j], rows[source, j + 1], rows[source, j + 2], rows[source, j + 3]
        for f in range(count):
            x = fma(table[j, f], a, table[j + 1, f] * b)
            y = fma(table[j + 2, f], c, table[j + 3, f] * d)
            pairs[target, f] += x + y
    for j in range(n // 4 * 4, n):
        a = rows[source, j]
        for f in range(count):
            pairs[target, f] = fma(table[j, f], a, pairs[target, f])


@kernel
def _repeat(rows: Array, source: int, n: int, pairs: Array, target: int) -> None:
    """Node values (n), one copy for each inner point, into pairs (l * n)."""
    for i in range(n):
        pairs[target, i] = rows[source, i]
    for f in range(n, pairs.shape[1]):
        pairs[target, f] = pairs[target, f - n]


@kernel
def _sum(cube: Array, source: int, points: int, rows: Array, target: int) -> None:
    """Sums over the first ``points`` inner points, a multiple of 4, at each node."""
    n = cube.shape[2]
    for i in range(n):
        x = cube[source, 0, i] + cube[source, 1, i]
        rows[target, i] = x + (cube[source, 2, i] + cube[source, 3, i])
    for k in range(4, points, 4):
        for i in range(n):
            x = cube[source, k, i] + cube[source, k + 1, i]
            rows[target, i] += x + (cube[source, k + 2, i] + cube[source, k + 3, i])


@kernel
def _prepare(rate: float, dividend_yield: float, volatility: float, time: float, t: Tables, pairs: Array) -> None:
    """The rows that depend on the parameters alone."""
    count = t.sine.size
    for f in range(count):
        pairs[_GROWTH_R, f] = time * t.weight[f] * exponential(rate * (time * t.sine[f] * t.sine[f]))
    for f in range(count):
        pairs[_GROWTH_Q, f] = time * t.weight[f] * exponential(dividend_yield * (time * t.sine[f] * t.sine[f]))
    scale = volatility * math.sqrt(time)
    for f in range(count):
        pairs[_SCALE, f] = scale * t.cosine[f]
    for f in range(count):
        pairs[_INVERSE, f] = 1.0 / pairs[_SCALE, f]
    drift = (rate - dividend_yield) * time / scale
    for f in range(count):
        pairs[_DRIFT, f] = drift * t.cosine[f]


@kernel
def _correction(rate: float, dividend_yield: float, variance: float, elapsed_variance: float) -> float:
    """Solved boundaries over the formula of :func:`_guess`, as fitted; 0 < rate, dividend_yield <= rate."""
    y = math.sqrt(elapsed_variance)
    x = 2.0 * rate / variance * y
    x /= 1.0 + x
    y /= 1.0 + y
    z = max(dividend_yield, 0.0) / rate
    log = -0.0058 + z * (0.0205 - z * (0.0515 + 0.0087 * z))
    log += y * (-0.0501 + z * (-0.0676 + 0.4330 * z) + y * (0.5971 - 0.4632 * z - 0.4700 * y))
    log += x * (1.6598 - z * (1.2740 + 0.0850 * z) + y * (0.1038 + 2.0922 * z - 2.2326 * y))
    log += x * x * (-1.6950 + 2.0531 * z - 0.9910 * y - 0.2212 * x)
    return math.exp(min(max(log, -0.3), 0.8))


@kernel
def _guess(
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    which: int,
    start: float,
    limit: float,
    factor: float,
    node: Array,
    g: Array,
) -> None:
    """A first boundary into g (n).

    It lies between the asymptotics at short times (Evans, Kuske and Keller 2002, "American options on assets with
    dividends near expiry") and the perpetual limit. Where the boundary starts at the strike that is 14 % off (root
    mean square); a cubic in three bounded groups of the parameters, fitted to 7,000 solved boundaries (volatility
    0.04 to 1.2, rates to 0.2, 0.01 to 5 years), leaves 1.7 %.
    """
    variance = volatility * volatility
    carry = rate - dividend_yield
    root_time = math.sqrt(time)
    corrected = which == 0 and rate > 0.0 and dividend_yield <= rate
    for i in range(node.size):
        tau = time * node[i] * node[i]
        y = 0.639 * root_time * node[i] * volatility
        if which == 0:
            # A boundary that starts below the strike keeps the logarithmic distance from it all the same.
            steep = carry * carry + 2.0 * rate * rate * variance * tau
            slope2 = 0.408 + math.log1p(variance / (8.0 * math.pi * tau * steep + 1e-300))
            far = 0.5 * variance * tau if rate >= 0.0 else 0.0
            y = max(y, math.sqrt(slope2 * tau) * volatility + far + start)
        y = factor * (limit * -math.expm1(-y / limit) if limit < math.inf else y)
        g[i] = y * _correction(rate, dividend_yield, variance, variance * tau) if corrected else y


@kernel
def _equation(
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    which: int,
    start: float,
    t: Tables,
    g: Array,
    pairs: Array,
    cube: Array,
    rows: Array,
) -> bool:
    """Evaluate the equation at g (n): the residual's row and all that its derivatives need.

    False where an iterate far too low leaves a numerator or denominator of the wrong sign; those nodes are moved back.
    """
    n = t.node.size
    count = t.sine.size
    points = count // n
    carried = (rate - dividend_yield) * time
    side = 1.0 - 2.0 * which
    european = 1.0 - which
    # The boundary at the inner points. It moves one way, first like the root of time; an iterate's interpolant
    # may undershoot that, and is then held.
    for i in range(n):
        rows[_SUM, i] = g[i] * g[i]
    _interpolate(rows, _SUM, t.interpolate, pairs, _G)
    inverse = 1.0 / t.node[n - 1]
    least = _UNDERSHOOT * rows[_SUM, n - 1]
    for f in range(count):
        x = t.sine[f] * inverse
        pairs[_TMP, f] = least * min(x * x, 1.0)
    for f in range(count):
        pairs[_FREE, f] = 1.0 if pairs[_G, f] > pairs[_TMP, f] else 0.0
    for f in range(count):
        pairs[_G, f] = math.sqrt(max(pairs[_G, f], pairs[_TMP, f]))
    for i in range(n):
        rows[_SUM, i] = g[i]
    _repeat(rows, _SUM, n, pairs, _TMP)
    for f in range(count):
        pairs[_A, f] = fma(side * (pairs[_G, f] - pairs[_TMP, f]), pairs[_INVERSE, f], pairs[_DRIFT, f])
    for f in range(count):
        cdf, pdf = normal_cdf_pdf(side * (pairs[_A, f] - 0.5 * pairs[_SCALE, f]))
        pairs[_N, f] = pairs[_GROWTH_R, f] * cdf
        pairs[_SLOPE_N, f] = pairs[_GROWTH_R, f] * pdf
    for f in range(count):
        cdf, pdf = normal_cdf_pdf(side * (pairs[_A, f] + 0.5 * pairs[_SCALE, f]))
        pairs[_D, f] = pairs[_GROWTH_Q, f] * cdf
        pairs[_SLOPE_D, f] = pairs[_GROWTH_Q, f] * pdf
    _sum(cube, _N, points, rows, _SUM_N)
    _sum(cube, _D, points, rows, _SUM_D)
    spread = volatility * math.sqrt(time)
    for i in range(n):
        rows[_SPREAD, i] = spread * t.node[i]
    for i in range(n):
        rows[_SUM, i] = (start - side * g[i] + carried * t.node[i] * t.node[i]) / rows[_SPREAD, i]
    for i in range(rows.shape[1]):
        cdf, pdf = normal_cdf_pdf(rows[_SUM, i] - 0.5 * rows[_SPREAD, i])
        rows[_SUM_N, i] = european * cdf + rate * rows[_SUM_N, i]
        rows[_PDF_N, i] = european * pdf
    for i in range(rows.shape[1]):
        cdf, pdf = normal_cdf_pdf(rows[_SUM, i] + 0.5 * rows[_SPREAD, i])
        rows[_SUM_D, i] = european * cdf + dividend_yield * rows[_SUM_D, i]
        rows[_PDF_D, i] = european * pdf
    inside = True
    for i in range(n):
        if not rows[_SUM_D, i] / rows[_SUM_N, i] > 0.0:
            inside = False
            g[i] *= _BACK
    if inside:
        for i in range(n):
            ratio = math.log(rows[_SUM_D, i] / rows[_SUM_N, i])
            rows[_RESIDUAL, i] = start - side * g[i] + carried * t.node[i] * t.node[i] + ratio
    return inside


@kernel
def _derivatives(rate: float, dividend_yield: float, which: int, t: Tables, g: Array, space: Space) -> None:
    """The residual's derivatives by the node values into ``space.jacobian``, after :func:`_equation`."""
    n = t.node.size
    count = t.sine.size
    points = count // n
    pairs, cube, halves, rows, jacobian = space.pairs, space.cube, space.halves, space.rows, space.jacobian
    table = t.interpolate_halves
    side = 1.0 - 2.0 * which
    for i in range(n):
        rows[_BY_N, i] = side * rate / rows[_SUM_N, i]
        rows[_BY_D, i] = side * dividend_yield / rows[_SUM_D, i]
    _repeat(rows, _BY_N, n, pairs, _OVER_N)
    _repeat(rows, _BY_D, n, pairs, _OVER_D)
    # By ln B(tau) - ln B(u), pair by pair.
    for f in range(count):
        by_d = pairs[_SLOPE_D, f] * pairs[_OVER_D, f]
        pairs[_C, f] = (by_d - pairs[_SLOPE_N, f] * pairs[_OVER_N, f]) * pairs[_INVERSE, f]
    for f in range(count):
        pairs[_WEIGHT, f] = pairs[_C, f] * pairs[_FREE, f] / pairs[_G, f]
    _sum(cube, _C, points, rows, _OWN)
    for i in range(n):
        by_d = rows[_PDF_D, i] / rows[_SUM_D, i]
        rows[_EUROPEAN, i] = 1.0 + (by_d - rows[_PDF_N, i] / rows[_SUM_N, i]) / rows[_SPREAD, i]
    for j in range(n):
        for f in range(count // 2):
            x = halves[_WEIGHT, 1, f] * table[j, 1, f]
            pairs[_TMP, f] = fma(halves[_WEIGHT, 0, f], table[j, 0, f], x)
        _sum(cube, _TMP, points // 2, rows, _SUM)
        scale = side * g[j]
        for i in range(n):
            jacobian[i, j] = scale * rows[_SUM, i]
        jacobian[j, j] -= side * (rows[_EUROPEAN, j] + rows[_OWN, j])


@kernel
def solve_boundary(
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    which: int,
    with_tangents: bool,
    t: Tables,
    space: Space,
) -> int:
    """Solve boundary ``which`` over (0, time) into ``space.g``; returns the sweeps taken, negative if it failed.

    The upper boundary (0) has its exercise region below, the lower one (1) above; ``space.start`` says where each
    begins. The residual is the logarithm of the equation. The lower boundary's equation has no European terms: its
    region continued upwards is that of the forward, whose payoff at expiry is strike less spot everywhere.

    With ``with_tangents``, derivatives at the solution go into ``space.tangents``.
    """
    n = t.node.size
    start = space.start[which, 0]
    pairs, rows, g, residual = space.pairs, space.rows, space.g[which], space.rows[_RESIDUAL]
    # Of two boundaries, neither need be followed past where they have met.
    limit = perpetual_distance(rate, dividend_yield, volatility, start) if rate >= 0.0 else -3.0 * space.start[1, 0]
    if limit < _NARROW:
        # So little volatility that the whole boundary lies within rounding of where it starts.
        g[:] = limit
        space.tangents[which] = 0.0
        return 0
    # Where two boundaries meet is found from the small gap between them.
    loose = _LOOSE if rate >= 0.0 else _CLOSE
    _prepare(rate, dividend_yield, volatility, time, t, pairs)
    for attempt in range(len(_GUESSES) + 1):
        if attempt > 0 and space.scope[3] > 0.0:
            return -1
        if attempt > 0:
            factor = _GUESSES[attempt - 1]
            _guess(rate, dividend_yield, volatility, time, which, start, limit, factor, t.node, g)
        elif space.scope[3] > 0.0:
            for i in range(n):
                g[i] = space.near[which, i]
        else:
            continue
        settled = False
        change = math.inf
        for sweep in range(_MAX_SWEEPS):
            if not _equation(rate, dividend_yield, volatility, time, which, start, t, g, pairs, space.cube, rows):
                if rate < 0.0:
                    # Past the time where two boundaries meet there need be none.
                    break
                settled = False
                continue
            if settled or not change < _CHORD:
                _derivatives(rate, dividend_yield, which, t, g, space)
                if not lu_factor(space.jacobian, space.pivots, n):
                    break
            if settled:
                _tangents(rate, dividend_yield, volatility, time, which, t, space)
                return sweep
            lu_solve(space.jacobian, space.pivots, n, residual)
            change = 0.0
            for i in range(n):
                old = g[i]
                new = min(max(old - rows[_RESIDUAL, i], old / _STEP), old * _STEP, limit)
                change = max(change, abs(new - old) / old) if math.isfinite(new) else math.inf
                g[i] = new
            if not change < math.inf:
                break
            settled = change < _TIGHT or (sweep + 1 >= t.sweeps and change < loose)
            if settled and not with_tangents:
                return sweep + 1
    return -1


@kernel
def _tangents(
    rate: float, dividend_yield: float, volatility: float, time: float, which: int, t: Tables, space: Space
) -> None:
    """Derivatives of the boundary by the parameters, at the solution: ``space.tangents[which]``.

    The implicit function theorem on the discrete equation, for which the Jacobian's factors serve all right-hand
    sides and every density is at hand.
    """
    n = t.node.size
    count = t.sine.size
    points = count // n
    carry = rate - dividend_yield
    side = 1.0 - 2.0 * which
    start, start_rate, start_yield = space.start[which, 0], space.start[which, 1], space.start[which, 2]
    pairs, cube, rows = space.pairs, space.cube, space.rows
    g, tangents = space.g[which], space.tangents[which]
    for f in range(count):
        by_d = pairs[_OVER_D, f] * pairs[_SLOPE_D, f] * (pairs[_A, f] - 0.5 * pairs[_SCALE, f])
        by_n = pairs[_OVER_N, f] * pairs[_SLOPE_N, f] * (pairs[_A, f] + 0.5 * pairs[_SCALE, f])
        pairs[_TMP, f] = by_n - by_d
    _sum(cube, _TMP, points, rows, _SUM)
    for i in range(n):
        tangents[0, i] = -rows[_SUM, i] / volatility
    for f in range(count):
        pairs[_TMP, f] = pairs[_C, f] * t.cosine[f] * t.cosine[f]
    _sum(cube, _TMP, points, rows, _SUM)
    for f in range(count):
        pairs[_TMP, f] = pairs[_N, f] * (1.0 + rate * time * t.sine[f] * t.sine[f])
    _sum(cube, _TMP, points, rows, _FIRST_N)
    for f in range(count):
        pairs[_TMP, f] = pairs[_D, f] * (1.0 + dividend_yield * time * t.sine[f] * t.sine[f])
    _sum(cube, _TMP, points, rows, _FIRST_D)
    for i in range(n):
        tau = time * t.node[i] * t.node[i]
        s = rows[_SPREAD, i]
        d = (start - side * g[i] + carry * tau) / s
        pn = rows[_PDF_N, i] / rows[_SUM_N, i]
        pd = rows[_PDF_D, i] / rows[_SUM_D, i]
        slope = tau + (pd - pn) * tau / s + time * rows[_SUM, i]
        tangents[0, i] -= (pn * (d + 0.5 * s) - pd * (d - 0.5 * s)) / volatility
        tangents[1, i] = rows[_FIRST_N, i] / rows[_SUM_N, i] - slope - rows[_EUROPEAN, i] * start_rate
        tangents[2, i] = slope - rows[_FIRST_D, i] / rows[_SUM_D, i] - rows[_EUROPEAN, i] * start_yield
    for parameter in range(3):
        lu_solve(space.jacobian, space.pivots, n, tangents[parameter])
    # Second derivative along the solution curve in volatility: with g'' = 0 the residual's is R''; J g'' = -R''.
    for i in range(n):
        rows[_SUM, i] = g[i] * tangents[0, i]
    _interpolate(rows, _SUM, t.interpolate, pairs, _FIRST)
    for i in range(n):
        rows[_SUM, i] = tangents[0, i] * tangents[0, i]
    _interpolate(rows, _SUM, t.interpolate, pairs, _SECOND)
    for i in range(n):
        rows[_SUM, i] = tangents[0, i]
    _repeat(rows, _SUM, n, pairs, _TMP)
    # The derivatives of g at the inner points, then those of A.
    for f in range(count):
        pairs[_FIRST, f] = pairs[_FIRST, f] / pairs[_G, f]
    for f in range(count):
        pairs[_SECOND, f] = (pairs[_SECOND, f] - pairs[_FIRST, f] * pairs[_FIRST, f]) / pairs[_G, f]
    inverse = 1.0 / volatility
    for f in range(count):
        pairs[_FIRST, f] = side * (pairs[_FIRST, f] - pairs[_TMP, f]) * pairs[_INVERSE, f] - pairs[_A, f] * inverse
    for f in range(count):
        pairs[_SECOND, f] = side * pairs[_SECOND, f] * pairs[_INVERSE, f] - 2.0 * inverse * pairs[_FIRST, f]
    half = 0.5 * inverse
    for f in range(count):
        pairs[_TMP, f] = pairs[_SLOPE_N, f] * (pairs[_FIRST, f] - half * pairs[_SCALE, f])
    _sum(cube, _TMP, points, rows, _FIRST_N)
    for f in range(count):
        x = pairs[_FIRST, f] - half * pairs[_SCALE, f]
        pairs[_TMP, f] = pairs[_SLOPE_N, f] * (pairs[_SECOND, f] - (pairs[_A, f] - 0.5 * pairs[_SCALE, f]) * x * x)
    _sum(cube, _TMP, points, rows, _SECOND_N)
    for f in range(count):
        pairs[_TMP, f] = pairs[_SLOPE_D, f] * (pairs[_FIRST, f] + half * pairs[_SCALE, f])
    _sum(cube, _TMP, points, rows, _FIRST_D)
    for f in range(count):
        x = pairs[_FIRST, f] + half * pairs[_SCALE, f]
        pairs[_TMP, f] = pairs[_SLOPE_D, f] * (pairs[_SECOND, f] - (pairs[_A, f] + 0.5 * pairs[_SCALE, f]) * x * x)
    _sum(cube, _TMP, points, rows, _SECOND_D)
    by_n, by_d = side * rate, side * dividend_yield
    for i in range(n):
        s = rows[_SPREAD, i]
        d = (start - side * g[i] + carry * time * t.node[i] * t.node[i]) / s
        slope = -side * tangents[0, i] / s
        d1 = slope - d * inverse
        d2 = 2.0 * (d * inverse - slope) * inverse
        minus, plus = d1 - half * s, d1 + half * s
        first_n = (by_n * rows[_FIRST_N, i] + rows[_PDF_N, i] * minus) / rows[_SUM_N, i]
        first_d = (by_d * rows[_FIRST_D, i] + rows[_PDF_D, i] * plus) / rows[_SUM_D, i]
        second_n = by_n * rows[_SECOND_N, i] + rows[_PDF_N, i] * (d2 - (d - 0.5 * s) * minus * minus)
        second_d = by_d * rows[_SECOND_D, i] + rows[_PDF_D, i] * (d2 - (d + 0.5 * s) * plus * plus)
        log_d = second_d / rows[_SUM_D, i] - first_d * first_d
        log_n = second_n / rows[_SUM_N, i] - first_n * first_n
        tangents[3, i] = log_n - log_d
    lu_solve(space.jacobian, space.pivots, n, tangents[3])
