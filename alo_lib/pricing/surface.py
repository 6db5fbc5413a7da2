"""Exercise boundaries for a whole chain: solved on a grid of volatilities, interpolated for each contract.

The boundary B(tau) depends on rate, yield and volatility alone: neither on the contract's strike, once scaled, nor on
its expiry, nor on spot. So the contracts of a chain read theirs from panels: fixed ranges of volatility (a factor of
2) and horizons (powers of 4 years), in each of which the square of g = |ln(B / X)| is a polynomial in the logarithm
of volatility, per node of time. A panel is a pure function of its key; it is solved when a contract first needs it
and kept while rate and yield stay, whatever spot, volatilities and the passing of time do. As the ranges are fixed, a
contract's value does not depend on what else is in its chain.

Values are computed for eight contracts of one expiry at once. Pairs (contract, point of the price integral) lie one
after the other in rows of scratch, and every loop over them fills a single row from a few others: loops long enough,
and simple enough, for the compiler to vectorize. Sums over a contract's points run in a fixed order.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.chebyshev import weights_at
from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, fma, normal_cdf, normal_cdf_pdf
from alo_lib.numerics.fixed_order import solve as solve_linear
from alo_lib.pricing.american import LONG, SINGLE, decay, horizon, solve
from alo_lib.pricing.batch import MAX_STEPS, advance, new_search, store
from alo_lib.pricing.boundary import Space, new_space
from alo_lib.pricing.european import COUNT, V_L, V_LL, V_LQ, V_LR, V_LS, V_Q, V_R, V_S, V_SS, V, european_put
from alo_lib.pricing.scheme import Scheme, Tables, tables

__all__ = ["Surfaces"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LANES = 8
_DEGREES = 8  # coefficients of a panel's polynomials
_LOWEST = -6  # binary exponent of the first panel's volatilities: 1/128 to 1/64
_PANELS = 11  # up to 16
_LN2 = math.log(2.0)
_G_FLOOR = 1e-24


@lru_cache(maxsize=1)
def _nodes() -> tuple[Array, Array]:
    """Chebyshev nodes on [-1, 1] and the matrix from values there to coefficients of powers."""
    x = np.cos((np.arange(_DEGREES) + 0.5) * np.pi / _DEGREES)
    powers = x[:, np.newaxis] ** np.arange(_DEGREES)
    columns = [solve_linear(powers, unit) for unit in np.eye(_DEGREES)]
    return x, np.ascontiguousarray(np.array(columns).T)


class Panel(NamedTuple):
    """Boundaries of a range of volatilities."""

    until: float  # time to expiry up to which they are solved; they have settled then, or no contract lives longer
    coefficients: Array  # (3, degrees, n) of g squared and half its derivatives by rate and yield


@kernel
def _solve_panel(
    rate: float,
    dividend_yield: float,
    volatilities: Array,
    until: float,
    to_coefficients: Array,
    t: Tables,
    space: Space,
    out: Array,
) -> bool:
    """Coefficients (3, degrees, n) of g squared and of half its derivatives by rate and yield; False without one."""
    out[:] = 0.0
    for m in range(volatilities.size):
        if solve(rate, dividend_yield, volatilities[m], until, True, t, space) != 0:
            return False
        if space.scope[1] != SINGLE or space.scope[0] != until:
            return False
        for a in range(volatilities.size):
            c = to_coefficients[a, m]
            for i in range(t.node.size):
                g = space.g[0, i]
                out[0, a, i] += c * g * g
                out[1, a, i] += c * g * space.tangents[0, 1, i]
                out[2, a, i] += c * g * space.tangents[0, 2, i]
    return True


@lru_cache(maxsize=4096)
def panel(rate: float, dividend_yield: float, scheme: Scheme, years: int, exponent: int) -> Panel | None:
    """The panel for volatilities in [2**(exponent - 1), 2**exponent) and times up to 4**years.

    rate, dividend_yield: of the reduced put. None where it has no single boundary or that could not be solved.
    """
    x, to_coefficients = _nodes()
    t = tables(scheme)
    out = np.empty((3, _DEGREES, t.node.size))
    volatilities = 2.0 ** (exponent - 0.5 + 0.5 * x)
    until = max(horizon(rate, dividend_yield, volatility, 4.0**years) for volatility in volatilities)
    solved = _solve_panel(rate, dividend_yield, volatilities, until, to_coefficients, t, new_space(t), out)
    return Panel(until, out) if solved else None


class Surface(NamedTuple):
    """What the kernels read: the groups of contracts that share rate, yield and expiry, and their panels."""

    group: Array  # (groups, 6) rate, yield, time to expiry, log of the boundary at expiry, its derivatives by r and q
    rows: Array  # (groups, 5, LANES * p) per pair: see _TIME and after
    panel: Integers  # (groups, _PANELS) index into panels, by volatility; -1 for none
    panels: Array  # (panels, 3, degrees, p + 1) coefficients at the points of the price integral, and today


# Rows of Surface.rows: time until the point, its root, drift of the log distance, discounted weights.
_TIME, _ROOT, _DRIFT, _CASH, _STOCK = range(5)
# Rows of scratch over pairs.
(_SPOT, _LOG, _SIGMA, _H, _X, _XX, _Y, _Z, _S, _A, _CDF, _PDF, _HELD, _E, _FLOW, _FB, _TERM) = range(17)
_SCRATCH = 17


@kernel
def _expiry_tables(panels: Array, roots: Array, node: Array, sine: Array, weights: Array, out: Array) -> None:
    """Panels (k, 3, degrees, n) at the points of an expiry: out (k, 3, degrees, p + 1), today last.

    roots (k,): square root of time to expiry over the time up to which the panel's boundaries are solved.
    """
    n = node.size
    p = sine.size
    out[:] = 0.0
    for j in range(roots.size):
        for k in range(p + 1):
            weights_at(min(roots[j] * (sine[k] if k < p else 1.0), 1.0), node, weights)
            for i in range(n):
                c = weights[i]
                for a in range(3):
                    for m in range(panels.shape[2]):
                        out[j, a, m, k] += c * panels[j, a, m, i]


@kernel
def _group_rows(group: Array, t: Tables, out: Array) -> None:
    """Rows (groups, 5, LANES * p) of each group."""
    p = t.price_sine.size
    for j in range(group.shape[0]):
        r, q, time, start = group[j, 0], group[j, 1], group[j, 2], group[j, 3]
        for k in range(p):
            v = time * t.price_cosine[k] * t.price_cosine[k]
            out[j, _TIME, k] = v
            out[j, _ROOT, k] = math.sqrt(time) * t.price_cosine[k]
            out[j, _DRIFT, k] = (r - q) * v - start
            out[j, _CASH, k] = time * t.price_weight[k] * exponential(-r * v)
            out[j, _STOCK, k] = time * t.price_weight[k] * exponential(-q * v)
        for row in range(5):
            for f in range(p, out.shape[2]):
                out[j, row, f] = out[j, row, f - p]


@kernel
def _load(
    lane: int, spot: float, volatility: float, panels: Array, number: int, x: float, order: int, p: int, w: Array
) -> None:
    """One contract's pairs: its constants, and its boundary's polynomials in volatility (x in [-1, 1])."""
    base = lane * p
    log_spot = math.log(spot)
    for f in range(base, base + p):
        w[_SPOT, f] = spot
    for f in range(base, base + p):
        w[_LOG, f] = log_spot
    for f in range(base, base + p):
        w[_SIGMA, f] = volatility
    c = panels[number, 0]
    for k in range(p):
        h = c[_DEGREES - 1, k]
        for m in range(_DEGREES - 2, -1, -1):
            h = fma(h, x, c[m, k])
        w[_H, base + k] = h
    if order == 0:
        return
    # Derivatives of g squared, halved, by volatility and by volatility twice.
    slope = 1.0 / (_LN2 * volatility)
    for k in range(p):
        h = (_DEGREES - 1) * c[_DEGREES - 1, k]
        for m in range(_DEGREES - 2, 0, -1):
            h = fma(h, x, m * c[m, k])
        w[_X, base + k] = slope * h
    bend = 2.0 * slope * slope
    for k in range(p):
        h = (_DEGREES - 1) * (_DEGREES - 2) * c[_DEGREES - 1, k]
        for m in range(_DEGREES - 2, 1, -1):
            h = fma(h, x, m * (m - 1) * c[m, k])
        w[_XX, base + k] = bend * h - w[_X, base + k] / volatility
    if order == 1:
        return
    for a in range(1, 3):
        c = panels[number, a]
        for k in range(p):
            h = c[_DEGREES - 1, k]
            for m in range(_DEGREES - 2, -1, -1):
                h = fma(h, x, c[m, k])
            w[_X + 1 + a, base + k] = h


@kernel
def _sum(w: Array, lanes: int, p: int, total: Array, which: int) -> None:
    """Add each contract's terms to row ``which`` of total (COUNT, LANES), in order of the points."""
    for lane in range(lanes):
        value = 0.0
        for f in range(lane * p, lane * p + p):
            value += w[_TERM, f]
        total[which, lane] += value


@kernel
def _add_premiums(group: Array, rows: Array, lanes: int, p: int, order: int, w: Array, total: Array) -> None:
    """Add the early-exercise integrals of the contracts loaded, strike 1, to total (COUNT, LANES).

    order: 0 for values, 1 for the derivatives by volatility too, 2 for all. Formulas as in
    :func:`alo_lib.pricing.american.evaluate`, whose sums these are, taken for several contracts side by side.
    """
    count = lanes * p
    r, q, start, start_r, start_q = group[0], group[1], group[3], group[4], group[5]
    for f in range(count):
        w[_H, f] = math.sqrt(max(w[_H, f], _G_FLOOR))
    for f in range(count):
        w[_S, f] = w[_SIGMA, f] * rows[_ROOT, f]
    for f in range(count):
        w[_A, f] = (w[_LOG, f] + rows[_DRIFT, f] + w[_H, f]) / w[_S, f]
    for f in range(count):
        cdf, pdf = normal_cdf_pdf(0.5 * w[_S, f] - w[_A, f])
        w[_CDF, f] = rows[_CASH, f] * cdf
        w[_PDF, f] = pdf
    for f in range(count):
        w[_HELD, f] = q * w[_SPOT, f] * rows[_STOCK, f] * normal_cdf(-0.5 * w[_S, f] - w[_A, f])
    for f in range(count):
        w[_TERM, f] = r * w[_CDF, f] - w[_HELD, f]
    _sum(w, lanes, p, total, V)
    if order == 0:
        return
    for f in range(count):
        w[_E, f] = rows[_CASH, f] * w[_PDF, f]
    for f in range(count):
        w[_FLOW, f] = q * exponential(start - w[_H, f])
    for f in range(count):
        w[_FB, f] = w[_E, f] * (r - w[_FLOW, f]) / w[_S, f]
    # The boundary's derivatives by volatility, in the place of those of its square.
    for f in range(count):
        w[_X, f] = -w[_X, f] / w[_H, f]
    for f in range(count):
        w[_XX, f] = w[_X, f] * w[_X, f] / w[_H, f] - w[_XX, f] / w[_H, f]
    for f in range(count):
        a1 = -w[_X, f] / w[_S, f] - w[_A, f] / w[_SIGMA, f]
        half = 0.5 * rows[_ROOT, f]
        w[_TERM, f] = -w[_E, f] * (r * (a1 - half) - w[_FLOW, f] * (a1 + half))
    _sum(w, lanes, p, total, V_S)
    for f in range(count):
        slope = -w[_X, f] / w[_S, f]
        inverse = 1.0 / w[_SIGMA, f]
        a1 = slope - w[_A, f] * inverse
        a2 = -w[_XX, f] / w[_S, f] - 2.0 * inverse * (slope - w[_A, f] * inverse)
        half = 0.5 * w[_S, f] * inverse
        minus = w[_A, f] - 0.5 * w[_S, f]
        plus = w[_A, f] + 0.5 * w[_S, f]
        by_r = a2 - minus * (a1 - half) * (a1 - half)
        by_q = a2 - plus * (a1 + half) * (a1 + half)
        w[_TERM, f] = -w[_E, f] * (r * by_r - w[_FLOW, f] * by_q)
    _sum(w, lanes, p, total, V_SS)
    if order == 1:
        return
    for f in range(count):
        w[_TERM, f] = -w[_FB, f] - w[_HELD, f]
    _sum(w, lanes, p, total, V_L)
    for f in range(count):
        minus = w[_A, f] / w[_S, f] - 0.5
        w[_TERM, f] = minus * w[_FB, f] - w[_HELD, f] + w[_FLOW, f] * w[_E, f] / w[_S, f]
    _sum(w, lanes, p, total, V_LL)
    for f in range(count):
        minus = w[_A, f] - 0.5 * w[_S, f]
        tilt = r - w[_FLOW, f] - minus * (r * (minus + w[_S, f]) - w[_FLOW, f] * minus)
        w[_TERM, f] = (w[_E, f] * tilt / w[_SIGMA, f] - minus * w[_FB, f] * w[_X, f]) / w[_S, f]
    _sum(w, lanes, p, total, V_LS)
    for f in range(count):
        w[_Y, f] = start_r - w[_Y, f] / w[_H, f]
    for f in range(count):
        w[_Z, f] = start_q - w[_Z, f] / w[_H, f]
    for f in range(count):
        v = rows[_TIME, f]
        w[_TERM, f] = w[_CDF, f] * (1.0 - r * v) + w[_FB, f] * (w[_Y, f] - v)
    _sum(w, lanes, p, total, V_R)
    for f in range(count):
        v = rows[_TIME, f]
        stock = w[_SPOT, f] * rows[_STOCK, f] * normal_cdf(-0.5 * w[_S, f] - w[_A, f])
        w[_TERM, f] = -stock * (1.0 - q * v) + w[_FB, f] * (w[_Z, f] + v)
        w[_PDF, f] = stock
    _sum(w, lanes, p, total, V_Q)
    for f in range(count):
        v = rows[_TIME, f]
        minus = w[_A, f] / w[_S, f] - 0.5
        w[_TERM, f] = -w[_E, f] * (1.0 - r * v) / w[_S, f] + minus * w[_FB, f] * (v - w[_Y, f])
    _sum(w, lanes, p, total, V_LR)
    for f in range(count):
        v = rows[_TIME, f]
        minus = w[_A, f] / w[_S, f] - 0.5
        exercised = w[_E, f] * exponential(start - w[_H, f]) / w[_S, f]
        w[_TERM, f] = -(1.0 - q * v) * (w[_PDF, f] - exercised) - minus * w[_FB, f] * (v + w[_Z, f])
    _sum(w, lanes, p, total, V_LQ)


@kernel
def _finish(lane: int, spot: float, volatility: float, group: Array, boundary: float, one: Array, total: Array) -> None:
    """The European put added to a contract's premium in total (COUNT, LANES); both for strike 1."""
    r, q, time = group[0], group[1], group[2]
    if math.log(spot) <= group[3] - boundary:
        total[:, lane] = 0.0
        total[V, lane] = 1.0 - spot
        total[V_L, lane] = -spot
        total[V_LL, lane] = -spot
        return
    european_put(spot, 1.0, r, q, volatility, time, one)
    for j in range(COUNT):
        total[j, lane] += one[j]
    total[V, lane] = min(max(total[V, lane], one[V], 1.0 - spot), math.exp(-min(r, 0.0) * time))


@kernel
def _place(volatility: float) -> tuple[int, float]:
    """The panel of a volatility, as an index into those that there may be, and the place inside it, in [-1, 1)."""
    fraction, exponent = math.frexp(volatility)
    return exponent - _LOWEST, 2.0 * math.log2(fraction) + 1.0


@kernel
def _today(surface: Surface, number: int, x: float) -> float:
    """The boundary today, as its log distance from where it starts."""
    c = surface.panels[number, 0]
    last = c.shape[1] - 1
    h = c[_DEGREES - 1, last]
    for m in range(_DEGREES - 2, -1, -1):
        h = fma(h, x, c[m, last])
    return math.sqrt(max(h, 0.0))


@kernel
def _values(
    spot: Array,
    strike: Array,
    volatility: Array,
    right: Array,
    order: Integers,
    first: Integers,
    surface: Surface,
    out: Array,
) -> None:
    """Fill out for the contracts in order (k), which lists them by group; group j begins at first[j].

    out: prices (1, n); prices, vega and volga (3, n); or prices and greeks (10, n). NaN where there is no panel.
    """
    p = surface.rows.shape[2] // LANES
    wanted = 0 if out.shape[0] == 1 else (1 if out.shape[0] == 3 else 2)
    w = np.zeros((_SCRATCH, LANES * p))
    total = np.zeros((COUNT, LANES))
    one = np.zeros(COUNT)
    who = np.zeros(LANES, np.int64)
    moneyness = np.zeros(LANES)
    boundary = np.zeros(LANES)
    for j in range(first.size - 1):
        group = surface.group[j]
        lanes = 0
        for position in range(first[j], first[j + 1]):
            i = order[position]
            exponent, x = _place(volatility[i])
            number = surface.panel[j, exponent] if 0 <= exponent < surface.panel.shape[1] else -1
            if number >= 0:
                who[lanes] = i
                moneyness[lanes] = strike[i] / spot[i] if right[i] > 0.0 else spot[i] / strike[i]
                boundary[lanes] = _today(surface, number, x)
                _load(lanes, moneyness[lanes], volatility[i], surface.panels, number, x, wanted, p, w)
                lanes += 1
            else:
                for row in range(out.shape[0]):
                    out[row, i] = math.nan
            if lanes < LANES and position + 1 < first[j + 1]:
                continue
            total[:] = 0.0
            _add_premiums(group, surface.rows[j], lanes, p, wanted, w, total)
            for lane in range(lanes):
                i = who[lane]
                _finish(lane, moneyness[lane], volatility[i], group, boundary[lane], one, total)
                call = right[i] > 0.0
                scale = spot[i] if call else strike[i]
                for row in range(COUNT):
                    one[row] = scale * total[row, lane]
                if wanted == 2:
                    rate, dividend_yield = (group[1], group[0]) if call else (group[0], group[1])
                    store(spot[i], rate, dividend_yield, volatility[i], group[2], call, one, out, i)
                    continue
                out[0, i] = one[V]
                if wanted == 1:
                    out[1, i] = one[V_S]
                    out[2, i] = one[V_SS]
            lanes = 0


class Grouped(NamedTuple):
    """Contracts by rate, yield (of the reduced put) and time to expiry."""

    order: Integers  # (n,) contracts, group by group
    first: Integers  # (groups + 1,) where each group begins in it
    member: Integers  # (n,) group of each contract
    key: Array  # (3, groups) rate, yield, time to expiry
    single: Mask  # (n,) whether the contract has a single boundary and life left


def _grouped(rate: Array, dividend_yield: Array, time: Array, right: Array) -> Grouped:
    call = right > 0.0
    keys = np.stack([np.where(call, dividend_yield, rate), np.where(call, rate, dividend_yield), time])
    order = np.lexsort(keys[::-1])
    keys = keys[:, order]
    new = np.empty(len(order), np.bool_)
    new[:1] = True
    new[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    first = np.flatnonzero(new)
    member = np.empty(len(order), np.int64)
    member[order] = np.cumsum(new) - 1
    rates, yields, times = key = keys[:, first]
    single = (times > 0.0) & ((rates > 0.0) | ((rates == 0.0) & (yields < 0.0)))
    return Grouped(order, np.append(first, len(order)), member, key, single[member])


def _settling(grouped: Grouped) -> Array:
    """How far the boundaries of each panel settle within its horizon, (groups, _PANELS), at the quicker end."""
    rates, yields, times = (column[:, np.newaxis] for column in grouped.key)
    edges = 2.0 ** np.arange(_LOWEST - 1, _LOWEST + _PANELS)
    rate = decay(rates, yields, edges)
    return np.asarray(np.maximum(rate[:, :-1], rate[:, 1:]) * 4.0 ** ((np.frexp(times)[1] + 1) // 2))


def _surface(grouped: Grouped, needed: Mask, scheme: Scheme) -> Surface:
    """The surface of the groups, with those of the panels needed (groups, _PANELS) that there are."""
    t = tables(scheme)
    p = t.price_sine.size
    rates, yields, times = grouped.key
    below = (yields > rates) & (rates > 0.0)  # the boundary starts below the strike
    with np.errstate(divide="ignore", invalid="ignore"):
        starts = [np.where(below, x, 0.0) for x in (np.log(rates / yields), 1.0 / rates, -1.0 / yields)]
    group = np.ascontiguousarray(np.stack([rates, yields, times, *starts], axis=1))
    rows = np.empty((len(times), 5, LANES * p))
    _group_rows(group, t, rows)
    index = np.full((len(times), _PANELS), -1, np.int64)
    solved: list[Array] = []
    roots = []
    years = (np.frexp(times)[1] + 1) // 2
    for j, number in np.argwhere(needed).tolist():
        found = panel(float(rates[j]), float(yields[j]), scheme, int(years[j]), number + _LOWEST)
        if found is not None:
            index[j, number] = len(solved)
            solved.append(found.coefficients)
            roots.append(math.sqrt(times[j] / found.until))
    panels = np.empty((len(solved), 3, _DEGREES, p + 1))
    if solved:
        _expiry_tables(np.stack(solved), np.array(roots), t.node, t.price_sine, np.empty(t.node.size), panels)
    return Surface(group, rows, index, panels)


class Surfaces:
    """Values of a chain's American contracts; keeps what depends on neither spot nor volatility from call to call.

    strike, time_to_expiry, right: shape (n,).
    """

    def __init__(self, strike: Array, time_to_expiry: Array, right: Array, scheme: Scheme) -> None:
        self._strike, self._time, self._right, self._scheme = strike, time_to_expiry, right, scheme
        self._rates = np.empty((2, 0))
        self._tried = np.empty((0, _PANELS), np.bool_)  # panels asked for, by group
        self._settles = np.empty((0, _PANELS))
        self._grouped: Grouped
        self._surface: Surface

    def _prepare(self, rate: Array, dividend_yield: Array, volatility: Array, limit: float) -> Mask:
        """Have the panels that the volatilities need; tells for which contracts there can be one.

        limit: how far boundaries may settle within a panel.
        """
        rates = np.stack([rate, dividend_yield])
        stale = not np.array_equal(rates, self._rates)
        if stale:
            self._grouped = _grouped(rate, dividend_yield, self._time, self._right)
            self._rates = rates
            self._tried = np.zeros((len(self._grouped.first) - 1, _PANELS), np.bool_)
            self._settles = _settling(self._grouped)
        number = np.frexp(volatility)[1] - _LOWEST
        possible = self._grouped.single & (number >= 0) & (number < _PANELS) & (volatility > 0.0)
        possible &= self._settles[self._grouped.member, np.clip(number, 0, _PANELS - 1)] <= limit
        member, number = self._grouped.member[possible], number[possible]
        if stale or not self._tried[member, number].all():
            self._tried[member, number] = True
            self._surface = _surface(self._grouped, self._tried, self._scheme)
        return possible

    def values(self, spot: Array, rate: Array, dividend_yield: Array, volatility: Array, rows: int) -> Array:
        """Shape (rows, n): 1 row for prices, 10 with the greeks; NaN where a contract has no panel."""
        self._prepare(rate, dividend_yield, volatility, LONG)
        out = np.empty((rows, spot.size))
        order, first = self._grouped.order, self._grouped.first
        _values(spot, self._strike, volatility, self._right, order, first, self._surface, out)
        return out

    def implied(self, price: Array, spot: Array, rate: Array, dividend_yield: Array) -> tuple[Array, Mask]:
        """Implied volatilities (n,), NaN where none explains a price, and which searches stopped for want of a panel.

        All searches take each step together; the European volatilities are where they start.
        """
        contracts = (spot, self._strike, rate, dividend_yield, self._time, self._right)
        search = new_search(price, *contracts, tables(self._scheme))
        out = np.empty((3, price.size))
        open_ = np.isfinite(search.volatility)
        without = np.zeros_like(open_)
        for _ in range(MAX_STEPS):
            sought = np.where(open_, search.volatility, np.nan)
            without |= open_ & ~self._prepare(rate, dividend_yield, sought, np.inf)
            open_ &= ~without
            if not open_.any():
                break
            order = self._grouped.order[open_[self._grouped.order]]
            first = np.searchsorted(self._grouped.member[order], np.arange(len(self._grouped.first)))
            _values(spot, self._strike, search.volatility, self._right, order, first, self._surface, out)
            without |= open_ & np.isnan(out[0])
            open_ &= ~without
            advance(price, out, search, open_)
        # On its way a search may pass through panels that are not good enough to end in.
        found = np.isfinite(search.volatility)
        without |= found & ~self._prepare(rate, dividend_yield, search.volatility, LONG)
        return search.volatility, without
