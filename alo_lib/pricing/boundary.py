"""The exercise boundary of a put with strike 1, solved by Newton sweeps on Chebyshev nodes.

Notation follows Andersen, Lake and Offengenden (2016): tau is time to expiry, B(tau) the boundary, X = B(0+). The
unknown is g = |ln(B / X)| at the nodes; g squared is interpolated in the square root of tau.

The equation is their FP-B, ``B = exp(-(r - q) tau) N / D``. Instead of their Jacobi-Newton sweeps, which freeze the
boundary at all other times, each sweep here solves the full linearization over all nodes: the normal densities it
needs come free with the distribution functions, the interpolation is a constant matrix, and convergence is quadratic.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, normal_cdf_pdf
from alo_lib.numerics.linear import lu_factor, lu_solve
from alo_lib.pricing.scheme import Tables

__all__ = ["Space", "new_space", "perpetual_distance", "solve_boundary"]

Array = npt.NDArray[np.float64]

_MAX_SWEEPS = 40
_GUESSES = (1.0, 0.6, 1.6, 0.3, 2.5)  # factors of the first guess, tried in turn
_LOOSE = 0.02  # relative update after the scheme's sweeps above which sweeping goes on
_TIGHT = 1e-12  # relative update below which sweeping stops early
_UNDERSHOOT = 0.05  # least square of the log distance, relative to a straight line in the root of time
_BACK = 0.8
_NARROW = 1e-10
_STEP = 2.5  # largest factor by which one sweep moves a node

# Rows of Space.pairs.
_GROWTH_R, _GROWTH_Q, _SCALE, _G, _CDF_MINUS, _PDF_MINUS, _CDF_PLUS, _PDF_PLUS, _A, _C, _FREE, _TMP = range(12)
_PAIR_ROWS = 12
# Rows of Space.rows.
_RESIDUAL, _N, _D, _PN, _PD, _OWN, _SUM, _EUROPEAN, _MINUS, _PLUS, _FIRST_N, _SECOND_N, _FIRST_D, _SECOND_D = range(14)
_NODE_ROWS = 14


class Space(NamedTuple):
    """Scratch of one thread, and the boundary solved last. The upper boundary has index 0, the lower 1."""

    pairs: Array  # (12, l * n) over (point, node) pairs
    cube: Array  # (12, l, n), the same memory
    rows: Array  # (14, n) over nodes
    jacobian: Array  # (n, n)
    pivots: npt.NDArray[np.int64]  # (n,)
    g: Array  # (2, n) log distance of each boundary from its start
    tangents: Array  # (2, 4, n) its derivatives by volatility, rate, yield, and volatility twice
    start: Array  # (2, 3) log of each boundary at expiry, strike 1, and its derivatives by rate and yield
    # (3,) time up to which there is a boundary, the regime, 1 where derivatives are wanted: here and not an argument,
    # because numba would compile the kernels once more for every literal.
    scope: Array
    points: Array  # (8, p) over points of the price integral
    total: Array  # (10,) value and derivatives


@kernel
def new_space(t: Tables) -> Space:
    """Scratch for the tables."""
    n = t.node.size
    pairs = np.zeros((_PAIR_ROWS, t.sine.size))
    return Space(
        pairs,
        pairs.reshape(_PAIR_ROWS, t.sine.size // n, n),
        np.zeros((_NODE_ROWS, n)),
        np.zeros((n, n)),
        np.zeros(n, np.int64),
        np.ones((2, n)),
        np.zeros((2, 4, n)),
        np.zeros((2, 3)),
        np.zeros(3),
        np.zeros((8, t.price_weight.size)),
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

    The start lies between the asymptotics at short times (Evans, Kuske and Keller 2002, "American options on assets
    with dividends near expiry") and the perpetual limit.

    With ``with_tangents``, derivatives at the solution go into ``space.tangents``: the implicit function theorem on
    the discrete equation, for which the last Jacobian serves all right-hand sides and every density is at hand.
    """
    n = t.node.size
    count = t.sine.size
    points = count // n
    root_time = math.sqrt(time)
    carry = rate - dividend_yield
    carried = carry * time
    side = 1.0 - 2.0 * which
    european = 1.0 - which
    start = space.start[which, 0]
    pairs, cube, rows, jacobian, g = space.pairs, space.cube, space.rows, space.jacobian, space.g
    table, table_cube = t.interpolate, t.interpolate_cube
    variance = volatility * volatility
    # Of two boundaries, neither need be followed past where they have met.
    limit = perpetual_distance(rate, dividend_yield, volatility, start) if rate >= 0.0 else -3.0 * space.start[1, 0]
    if limit < _NARROW:
        # So little volatility that the whole boundary lies within rounding of where it starts.
        for i in range(n):
            g[which, i] = limit
            for j in range(4):
                space.tangents[which, j, i] = 0.0
        return 0
    for f in range(count):
        pairs[_GROWTH_R, f] = time * t.weight[f] * exponential(rate * (time * t.sine[f] * t.sine[f]))
    for f in range(count):
        pairs[_GROWTH_Q, f] = time * t.weight[f] * exponential(dividend_yield * (time * t.sine[f] * t.sine[f]))
    for f in range(count):
        pairs[_SCALE, f] = volatility * root_time * t.cosine[f]
    settled = False
    sweep = 0
    attempt = 0
    failed = True
    while True:
        if failed:
            if attempt == len(_GUESSES):
                return -1
            for i in range(n):
                tau = time * t.node[i] * t.node[i]
                y = 0.639 * root_time * t.node[i] * volatility
                if which == 0:
                    # A boundary that starts below the strike keeps the logarithmic distance from it all the same.
                    steep = carry * carry + 2.0 * rate * rate * variance * tau
                    slope2 = 0.408 + math.log1p(variance / (8.0 * math.pi * tau * steep + 1e-300))
                    far = 0.5 * variance * tau if rate >= 0.0 else 0.0
                    y = max(y, math.sqrt(slope2 * tau) * volatility + far + start)
                g[which, i] = _GUESSES[attempt] * (limit * -math.expm1(-y / limit) if limit < math.inf else y)
            attempt += 1
            sweep = 0
            failed = False
        # The boundary at the inner points. It moves one way, first like the root of time; an iterate's interpolant
        # may undershoot that, and is then held.
        for f in range(count):
            pairs[_G, f] = 0.0
        for j in range(n):
            h = g[which, j] * g[which, j]
            for f in range(count):
                pairs[_G, f] += table[j, f] * h
        inverse = 1.0 / t.node[n - 1]
        least = _UNDERSHOOT * g[which, n - 1] * g[which, n - 1]
        for f in range(count):
            x = t.sine[f] * inverse
            floor = least * min(x * x, 1.0)
            pairs[_FREE, f] = 1.0 if pairs[_G, f] > floor else 0.0
            pairs[_G, f] = math.sqrt(max(pairs[_G, f], floor))
        for k in range(points):
            for i in range(n):
                cube[_TMP, k, i] = g[which, i]
        for f in range(count):
            pairs[_A, f] = (side * (pairs[_G, f] - pairs[_TMP, f]) + carried * t.cosine[f] * t.cosine[f]) / pairs[
                _SCALE, f
            ]
        for f in range(count):
            cdf, pdf = normal_cdf_pdf(side * (pairs[_A, f] - 0.5 * pairs[_SCALE, f]))
            pairs[_CDF_MINUS, f] = cdf
            pairs[_PDF_MINUS, f] = pdf
        for f in range(count):
            cdf, pdf = normal_cdf_pdf(side * (pairs[_A, f] + 0.5 * pairs[_SCALE, f]))
            pairs[_CDF_PLUS, f] = cdf
            pairs[_PDF_PLUS, f] = pdf
        # Numerator and denominator.
        for i in range(n):
            s = volatility * root_time * t.node[i]
            rows[_SUM, i] = (start - side * g[which, i] + carried * t.node[i] * t.node[i]) / s
        for i in range(n):
            cdf, pdf = normal_cdf_pdf(rows[_SUM, i] - 0.5 * volatility * root_time * t.node[i])
            rows[_N, i] = european * cdf
            rows[_MINUS, i] = european * pdf
        for i in range(n):
            cdf, pdf = normal_cdf_pdf(rows[_SUM, i] + 0.5 * volatility * root_time * t.node[i])
            rows[_D, i] = european * cdf
            rows[_PLUS, i] = european * pdf
        for k in range(points):
            for i in range(n):
                rows[_N, i] += rate * cube[_GROWTH_R, k, i] * cube[_CDF_MINUS, k, i]
            for i in range(n):
                rows[_D, i] += dividend_yield * cube[_GROWTH_Q, k, i] * cube[_CDF_PLUS, k, i]
        # Far too low an iterate leaves a numerator or denominator of the wrong sign: those nodes are moved back.
        outside = False
        for i in range(n):
            if not rows[_D, i] / rows[_N, i] > 0.0:
                outside = True
                g[which, i] *= _BACK
        if outside:
            sweep += 1
            settled = False
            # Past the time where two boundaries meet there need be none.
            failed = rate < 0.0 or sweep >= _MAX_SWEEPS
            continue
        for i in range(n):
            s = volatility * root_time * t.node[i]
            rows[_RESIDUAL, i] = (
                start - side * g[which, i] + carried * t.node[i] * t.node[i] + math.log(rows[_D, i] / rows[_N, i])
            )
            rows[_PN, i] = side * rate / rows[_N, i]
            rows[_PD, i] = side * dividend_yield / rows[_D, i]
            rows[_EUROPEAN, i] = 1.0 + (rows[_PLUS, i] / rows[_D, i] - rows[_MINUS, i] / rows[_N, i]) / s
            rows[_OWN, i] = rows[_EUROPEAN, i]
        # c is the residual's derivative by ln B(tau) - ln B(u), pair by pair.
        for k in range(points):
            for i in range(n):
                cube[_C, k, i] = cube[_GROWTH_Q, k, i] * cube[_PDF_PLUS, k, i] * rows[_PD, i]
            for i in range(n):
                cube[_C, k, i] -= cube[_GROWTH_R, k, i] * cube[_PDF_MINUS, k, i] * rows[_PN, i]
        for f in range(count):
            pairs[_C, f] /= pairs[_SCALE, f]
            pairs[_TMP, f] = pairs[_C, f] * pairs[_FREE, f] / pairs[_G, f]
        for k in range(points):
            for i in range(n):
                rows[_OWN, i] += cube[_C, k, i]
        # Transposed while it is summed, so that the inner loop runs along memory.
        for j in range(n):
            for i in range(n):
                rows[_SUM, i] = 0.0
            for k in range(points):
                for i in range(n):
                    rows[_SUM, i] += cube[_TMP, k, i] * table_cube[j, k, i]
            scale = side * g[which, j]
            for i in range(n):
                jacobian[i, j] = scale * rows[_SUM, i]
            jacobian[j, j] -= side * rows[_OWN, j]
        if not lu_factor(jacobian, space.pivots, n):
            failed = True
            continue
        if settled:
            break
        lu_solve(jacobian, space.pivots, n, rows[_RESIDUAL])
        change = 0.0
        for i in range(n):
            old = g[which, i]
            new = min(max(old - rows[_RESIDUAL, i], old / _STEP), old * _STEP, limit)
            failed = failed or not math.isfinite(new)
            change = max(change, abs(new - old) / old)
            g[which, i] = new
        sweep += 1
        settled = change < _TIGHT or (sweep >= t.sweeps and change < _LOOSE)
        failed = failed or (sweep >= _MAX_SWEEPS and not settled)
        settled = settled and not failed
        if settled and not with_tangents:
            return sweep
    start_rate, start_yield = space.start[which, 1], space.start[which, 2]
    tangents = space.tangents
    for i in range(n):
        tau = time * t.node[i] * t.node[i]
        s = volatility * root_time * t.node[i]
        d = (start - side * g[which, i] + carry * tau) / s
        pn = rows[_MINUS, i] / rows[_N, i]
        pd = rows[_PLUS, i] / rows[_D, i]
        slope = tau + (pd - pn) * tau / s
        tangents[which, 0, i] = -(pn * (d + 0.5 * s) - pd * (d - 0.5 * s)) / volatility
        tangents[which, 1, i] = -(slope + rows[_EUROPEAN, i] * start_rate)
        tangents[which, 2, i] = slope - rows[_EUROPEAN, i] * start_yield
    for k in range(points):
        for i in range(n):
            f = k * n + i
            u = time * t.sine[f] * t.sine[f]
            half = 0.5 * pairs[_SCALE, f]
            pn = pairs[_GROWTH_R, f] * pairs[_PDF_MINUS, f] * rows[_PN, i]
            pd = pairs[_GROWTH_Q, f] * pairs[_PDF_PLUS, f] * rows[_PD, i]
            tangents[which, 0, i] -= (pn * (pairs[_A, f] + half) - pd * (pairs[_A, f] - half)) / volatility
            slope = pairs[_C, f] * time * t.cosine[f] * t.cosine[f]
            by_n = pairs[_GROWTH_R, f] * (1.0 + rate * u) * pairs[_CDF_MINUS, f] / rows[_N, i]
            by_d = pairs[_GROWTH_Q, f] * (1.0 + dividend_yield * u) * pairs[_CDF_PLUS, f] / rows[_D, i]
            tangents[which, 1, i] -= slope - by_n
            tangents[which, 2, i] += slope - by_d
    for parameter in range(3):
        lu_solve(jacobian, space.pivots, n, tangents[which, parameter])
    # Second derivative along the solution curve in volatility: with g'' = 0 the residual's is R''; J g'' = -R''.
    for i in range(n):
        s = volatility * root_time * t.node[i]
        d = (start - side * g[which, i] + carried * t.node[i] * t.node[i]) / s
        slope = -side * tangents[which, 0, i] / s
        d1 = slope - d / volatility
        d2 = 2.0 * (d / volatility - slope) / volatility
        half = 0.5 * s / volatility
        rows[_FIRST_N, i] = rows[_MINUS, i] * (d1 - half)
        rows[_SECOND_N, i] = rows[_MINUS, i] * (d2 - (d - 0.5 * s) * (d1 - half) ** 2)
        rows[_FIRST_D, i] = rows[_PLUS, i] * (d1 + half)
        rows[_SECOND_D, i] = rows[_PLUS, i] * (d2 - (d + 0.5 * s) * (d1 + half) ** 2)
    for f in range(count):
        pairs[_TMP, f] = 0.0
        pairs[_FREE, f] = 0.0
    for j in range(n):
        first = g[which, j] * tangents[which, 0, j]
        second = tangents[which, 0, j] * tangents[which, 0, j]
        for f in range(count):
            pairs[_TMP, f] += table[j, f] * first
            pairs[_FREE, f] += table[j, f] * second
    for k in range(points):
        for i in range(n):
            f = k * n + i
            s = pairs[_SCALE, f]
            g1 = pairs[_TMP, f] / pairs[_G, f]
            g2 = (pairs[_FREE, f] - g1 * g1) / pairs[_G, f]
            slope = side * (g1 - tangents[which, 0, i]) / s
            d1 = slope - pairs[_A, f] / volatility
            d2 = side * g2 / s + 2.0 * (pairs[_A, f] / volatility - slope) / volatility
            half = 0.5 * s / volatility
            by_n = side * rate * pairs[_GROWTH_R, f] * pairs[_PDF_MINUS, f]
            by_d = side * dividend_yield * pairs[_GROWTH_Q, f] * pairs[_PDF_PLUS, f]
            rows[_FIRST_N, i] += by_n * (d1 - half)
            rows[_SECOND_N, i] += by_n * (d2 - (pairs[_A, f] - 0.5 * s) * (d1 - half) ** 2)
            rows[_FIRST_D, i] += by_d * (d1 + half)
            rows[_SECOND_D, i] += by_d * (d2 - (pairs[_A, f] + 0.5 * s) * (d1 + half) ** 2)
    for i in range(n):
        log_d = rows[_SECOND_D, i] / rows[_D, i] - (rows[_FIRST_D, i] / rows[_D, i]) ** 2
        log_n = rows[_SECOND_N, i] / rows[_N, i] - (rows[_FIRST_N, i] / rows[_N, i]) ** 2
        tangents[which, 3, i] = log_n - log_d
    lu_solve(jacobian, space.pivots, n, tangents[which, 3])
    return sweep
