"""The exercise boundary of a put with strike 1, solved by Newton sweeps on Chebyshev nodes.

Notation follows Andersen, Lake and Offengenden (2016): tau is time to expiry, B(tau) the boundary, X = B(0+). The
unknown is g = |ln(B / X)| at the nodes; g squared is interpolated in the square root of tau.

The equation is their FP-B, ``B = exp(-(r - q) tau) N / D``. Instead of their Jacobi-Newton sweeps, which freeze the
boundary at all other times, each sweep here solves the full linearization over all nodes: the normal densities it
needs come free with the distribution functions, the interpolation is a constant matrix, and convergence is quadratic.
"""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, normal_cdf_pdf
from alo_lib.numerics.linear import lu_factor, lu_solve
from alo_lib.pricing.scheme import Tables

__all__ = ["first_guess", "perpetual_distance", "solve_boundary", "solve_tangents", "workspace"]

Array = npt.NDArray[np.float64]

_UNDERSHOOT = 0.05  # least square of the log distance, relative to a straight line in the root of time
_MAX_SWEEPS = 60
_LOOSE = 1e-4  # relative update after the scheme's sweeps above which sweeping goes on
_TIGHT = 1e-11
_PAIR_ROWS = 13
_NODE_ROWS = 16
# Rows of the (point, node) scratch.
_GROWTH_R, _GROWTH_Q, _SCALE, _G, _CDF_MINUS, _PDF_MINUS, _CDF_PLUS, _PDF_PLUS, _A, _C, _TMP = range(11)
# Rows of the node scratch.
_RESIDUAL, _N, _D, _PN, _PD, _OWN, _SUM, _EUROPEAN, _MINUS, _PLUS, _WN, _WD = range(12)


@kernel
def workspace(t: Tables) -> tuple[Array, Array, Array, npt.NDArray[np.int64]]:
    """Scratch for one thread: rows over (point, node) pairs, rows over nodes, the Jacobian, its pivots."""
    n = t.node.size
    return (
        np.empty((_PAIR_ROWS, t.sine.size)),
        np.empty((_NODE_ROWS, n)),
        np.empty((n, n)),
        np.empty(n, np.int64),
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
    return start - math.log(exponent / (exponent - 1.0))


@kernel
def first_guess(
    rate: float, dividend_yield: float, volatility: float, time: float, side: float, limit: float, t: Tables, g: Array
) -> None:
    """Fill g (n) with a start between the asymptotics at short times and the perpetual limit.

    Short times: Evans, Kuske and Keller (2002), "American options on assets with dividends near expiry".
    """
    carry = rate - dividend_yield
    for i in range(g.size):
        tau = time * t.node[i] * t.node[i]
        slope2 = 0.408
        if carry >= 0.0 and side > 0.0:
            variance = volatility * volatility
            slope2 += math.log1p(
                variance / (8.0 * math.pi * tau * (carry * carry + 2.0 * rate * rate * variance * tau))
            )
        y = math.sqrt(slope2 * tau) * volatility
        g[i] = limit * -math.expm1(-y / limit) if limit < math.inf else y


@kernel
def _prepare(rate: float, dividend_yield: float, volatility: float, time: float, t: Tables, pairs: Array) -> None:
    """Fill the rows that do not change while the boundary moves: quadrature weights, growth included, and scales."""
    growth_r = pairs[_GROWTH_R]
    growth_q = pairs[_GROWTH_Q]
    scale = pairs[_SCALE]
    root_time = math.sqrt(time)
    for f in range(t.sine.size):
        growth_r[f] = time * t.weight[f] * exponential(rate * (time * t.sine[f] * t.sine[f]))
    for f in range(t.sine.size):
        growth_q[f] = time * t.weight[f] * exponential(dividend_yield * (time * t.sine[f] * t.sine[f]))
    for f in range(t.sine.size):
        scale[f] = volatility * root_time * t.cosine[f]


@kernel
def _linearize(
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    start: float,
    side: float,
    t: Tables,
    g: Array,
    pairs: Array,
    rows: Array,
    jacobian: Array,
) -> None:
    """The logarithmic residual of the boundary equation at g, and ``jacobian``, its derivative by g.

    side is +1 where the exercise region lies below the boundary, -1 where it lies above (the lower one of two).
    """
    n = t.node.size
    count = t.sine.size
    points = count // n
    root_time = math.sqrt(time)
    carry = rate - dividend_yield
    growth_r, growth_q, scale, gu = pairs[_GROWTH_R], pairs[_GROWTH_Q], pairs[_SCALE], pairs[_G]
    cdf_minus, pdf_minus, cdf_plus, pdf_plus = pairs[_CDF_MINUS], pairs[_PDF_MINUS], pairs[_CDF_PLUS], pairs[_PDF_PLUS]
    a, c, tmp = pairs[_A], pairs[_C], pairs[_TMP]
    for f in range(count):
        gu[f] = 0.0
    for j in range(n):
        h = g[j] * g[j]
        row = t.interpolate[j]
        for f in range(count):
            gu[f] += row[f] * h
    # The boundary moves one way, first like the root of time; an iterate's interpolant may undershoot that.
    first = t.node[n - 1]
    least = _UNDERSHOOT * g[n - 1] * g[n - 1]
    for f in range(count):
        floor = least * min((t.sine[f] / first) ** 2, 1.0)
        c[f] = 1.0 if gu[f] > floor else 0.0
        gu[f] = math.sqrt(max(gu[f], floor))
    for k in range(points):
        for i in range(n):
            tmp[k * n + i] = g[i]
    for f in range(count):
        a[f] = (side * (gu[f] - tmp[f]) + carry * time * t.cosine[f] * t.cosine[f]) / scale[f]
    for f in range(count):
        cdf_minus[f], pdf_minus[f] = normal_cdf_pdf(side * (a[f] - 0.5 * scale[f]))
    for f in range(count):
        cdf_plus[f], pdf_plus[f] = normal_cdf_pdf(side * (a[f] + 0.5 * scale[f]))
    numerator, denominator, minus, plus = rows[_N], rows[_D], rows[_MINUS], rows[_PLUS]
    for i in range(n):
        s = volatility * root_time * t.node[i]
        d = (start - side * g[i] + carry * time * t.node[i] * t.node[i]) / s
        numerator[i], minus[i] = normal_cdf_pdf(d - 0.5 * s)
        denominator[i], plus[i] = normal_cdf_pdf(d + 0.5 * s)
    for k in range(points):
        for i in range(n):
            numerator[i] += rate * growth_r[k * n + i] * cdf_minus[k * n + i]
            denominator[i] += dividend_yield * growth_q[k * n + i] * cdf_plus[k * n + i]
    for i in range(n):
        tau = time * t.node[i] * t.node[i]
        s = volatility * root_time * t.node[i]
        log_growth = start - side * g[i] + carry * tau
        if side > 0.0:
            # As logarithms, close to linear in g.
            rows[_RESIDUAL, i] = log_growth + math.log(denominator[i] / numerator[i])
            rows[_WN, i] = 1.0 / numerator[i]
            rows[_WD, i] = 1.0 / denominator[i]
        else:
            # N and D change sign on the lower boundary, so their difference is used.
            rows[_WN, i] = 1.0
            rows[_WD, i] = math.exp(log_growth)
            rows[_RESIDUAL, i] = rows[_WD, i] * denominator[i] - numerator[i]
        unit = denominator[i] * rows[_WD, i]
        rows[_EUROPEAN, i] = unit + (plus[i] * rows[_WD, i] - minus[i] * rows[_WN, i]) / s
        rows[_OWN, i] = rows[_EUROPEAN, i]
        rows[_PN, i] = side * rate * rows[_WN, i]
        rows[_PD, i] = side * dividend_yield * rows[_WD, i]
    own, total = rows[_OWN], rows[_SUM]
    for f in range(count):
        tmp[f] = c[f] / gu[f]
    for k in range(points):
        for i in range(n):
            f = k * n + i
            c[f] = (growth_q[f] * pdf_plus[f] * rows[_PD, i] - growth_r[f] * pdf_minus[f] * rows[_PN, i]) / scale[f]
            own[i] += c[f]
    for f in range(count):
        tmp[f] *= c[f]
    for j in range(n):
        row = t.interpolate[j]
        for i in range(n):
            total[i] = 0.0
        for k in range(points):
            for i in range(n):
                total[i] += tmp[k * n + i] * row[k * n + i]
        for i in range(n):
            jacobian[i, j] = side * g[j] * total[i]
        jacobian[j, j] -= side * own[j]


@kernel
def solve_boundary(
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    start: float,
    side: float,
    limit: float,
    t: Tables,
    g: Array,
    pairs: Array,
    rows: Array,
    jacobian: Array,
    pivots: npt.NDArray[np.int64],
) -> int:
    """Improve g (n) until it solves the boundary equation; returns the number of sweeps, negative if it failed."""
    n = t.node.size
    _prepare(rate, dividend_yield, volatility, time, t, pairs)
    for sweep in range(_MAX_SWEEPS):
        _linearize(rate, dividend_yield, volatility, time, start, side, t, g, pairs, rows, jacobian)
        residual = rows[_RESIDUAL]
        if not lu_factor(jacobian, pivots, n):
            return -1
        lu_solve(jacobian, pivots, n, residual)
        change = 0.0
        for i in range(n):
            new = min(max(g[i] - residual[i], 0.4 * g[i]), 2.5 * g[i], limit)
            change = max(change, abs(new / g[i] - 1.0))
            if not math.isfinite(new):
                return -1
            g[i] = new
        if change < _TIGHT or (sweep + 1 >= t.sweeps and change < _LOOSE):
            return sweep + 1
    return -2


@kernel
def solve_tangents(
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    start: float,
    start_rate: float,
    start_yield: float,
    side: float,
    t: Tables,
    g: Array,
    pairs: Array,
    rows: Array,
    jacobian: Array,
    pivots: npt.NDArray[np.int64],
    tangents: Array,
) -> bool:
    """Derivatives of g at the solution, into ``tangents`` (4, n): by volatility, rate, yield, and volatility twice.

    The implicit function theorem on the discrete equation: the Jacobian of the last sweep serves all right-hand
    sides, and every density needed is at hand. ``start_rate`` and ``start_yield`` are derivatives of ``start``.
    """
    n = t.node.size
    count = t.sine.size
    points = count // n
    root_time = math.sqrt(time)
    carry = rate - dividend_yield
    _linearize(rate, dividend_yield, volatility, time, start, side, t, g, pairs, rows, jacobian)
    if not lu_factor(jacobian, pivots, n):
        return False
    by_volatility, by_rate, by_yield, twice = tangents[0], tangents[1], tangents[2], tangents[3]
    a, scale, gu = pairs[_A], pairs[_SCALE], pairs[_G]
    for i in range(n):
        tau = time * t.node[i] * t.node[i]
        s = volatility * root_time * t.node[i]
        d = (start - side * g[i] + carry * tau) / s
        pn = rows[_MINUS, i] * rows[_WN, i]
        pd = rows[_PLUS, i] * rows[_WD, i]
        unit = rows[_D, i] * rows[_WD, i]
        by_volatility[i] = -(pn * (d + 0.5 * s) - pd * (d - 0.5 * s)) / volatility
        slope = (pd - pn) * tau / s
        by_rate[i] = -(unit * tau + slope + rows[_EUROPEAN, i] * start_rate)
        by_yield[i] = unit * tau + slope - rows[_EUROPEAN, i] * start_yield
    for k in range(points):
        for i in range(n):
            f = k * n + i
            u = time * t.sine[f] * t.sine[f]
            v = time * t.cosine[f] * t.cosine[f]
            pn = pairs[_GROWTH_R, f] * pairs[_PDF_MINUS, f] * rows[_PN, i]
            pd = pairs[_GROWTH_Q, f] * pairs[_PDF_PLUS, f] * rows[_PD, i]
            by_volatility[i] -= (pn * (a[f] + 0.5 * scale[f]) - pd * (a[f] - 0.5 * scale[f])) / volatility
            slope = pairs[_C, f] * v
            by_rate[i] -= slope - pairs[_GROWTH_R, f] * (1.0 + rate * u) * pairs[_CDF_MINUS, f] * rows[_WN, i]
            by_yield[i] += slope - pairs[_GROWTH_Q, f] * (1.0 + dividend_yield * u) * pairs[_CDF_PLUS, f] * rows[_WD, i]
    lu_solve(jacobian, pivots, n, by_volatility)
    lu_solve(jacobian, pivots, n, by_rate)
    lu_solve(jacobian, pivots, n, by_yield)
    # Second derivative along the solution curve: with g'' = 0 the equation's second derivative is R''; J g'' = -R''.
    first_n, second_n, first_d, second_d = rows[_OWN], rows[_SUM], rows[_PN], rows[_PD]
    for i in range(n):
        s = volatility * root_time * t.node[i]
        d = (start - side * g[i] + carry * time * t.node[i] * t.node[i]) / s
        slope = -side * by_volatility[i] / s
        d1 = slope - d / volatility
        d2 = -2.0 * slope / volatility + 2.0 * d / (volatility * volatility)
        h = 0.5 * root_time * t.node[i]
        first_n[i] = rows[_MINUS, i] * (d1 - h)
        second_n[i] = rows[_MINUS, i] * (d2 - (d - 0.5 * s) * (d1 - h) ** 2)
        first_d[i] = rows[_PLUS, i] * (d1 + h)
        second_d[i] = rows[_PLUS, i] * (d2 - (d + 0.5 * s) * (d1 + h) ** 2)
    for k in range(points):
        for i in range(n):
            f = k * n + i
            h1 = 0.0
            h2 = 0.0
            for j in range(n):
                h1 += t.interpolate[j, f] * g[j] * by_volatility[j]
                h2 += t.interpolate[j, f] * by_volatility[j] * by_volatility[j]
            g1 = h1 / gu[f]
            g2 = (h2 - g1 * g1) / gu[f]
            slope = side * (g1 - by_volatility[i]) / scale[f]
            d1 = slope - a[f] / volatility
            d2 = side * g2 / scale[f] - 2.0 * slope / volatility + 2.0 * a[f] / (volatility * volatility)
            h = 0.5 * scale[f] / volatility
            wr = side * rate * pairs[_GROWTH_R, f] * pairs[_PDF_MINUS, f]
            wq = side * dividend_yield * pairs[_GROWTH_Q, f] * pairs[_PDF_PLUS, f]
            first_n[i] += wr * (d1 - h)
            second_n[i] += wr * (d2 - (a[f] - 0.5 * scale[f]) * (d1 - h) ** 2)
            first_d[i] += wq * (d1 + h)
            second_d[i] += wq * (d2 - (a[f] + 0.5 * scale[f]) * (d1 + h) ** 2)
    for i in range(n):
        if side > 0.0:
            log_d = second_d[i] / rows[_D, i] - (first_d[i] / rows[_D, i]) ** 2
            log_n = second_n[i] / rows[_N, i] - (first_n[i] / rows[_N, i]) ** 2
            twice[i] = log_n - log_d
        else:
            b1 = by_volatility[i]
            bent = second_d[i] + 2.0 * b1 * first_d[i] + b1 * b1 * rows[_D, i]
            twice[i] = second_n[i] - rows[_WD, i] * bent
    lu_solve(jacobian, pivots, n, twice)
    return True
