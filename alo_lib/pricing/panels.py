"""Exercise boundaries for a whole chain: solved on a grid of volatilities, interpolated for each contract.

The boundary B(tau) depends on rate, yield and volatility alone: neither on the contract's strike, once scaled, nor on
its expiry, nor on spot. So the contracts of a chain read theirs from panels: fixed ranges of volatility (a factor of
2) and horizons (powers of 4 years), in each of which the square of g = |ln(B / X)| is a polynomial in the logarithm
of volatility, per node of time. A panel is a pure function of its key; it is solved when a contract first needs it
and kept while rate and yield stay, whatever spot, volatilities and the passing of time do. As the ranges are fixed, a
contract's value does not depend on what else is in its chain.

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
from alo_lib.pricing.american import LONG, SINGLE, decay, horizon, set_put, solve
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
from alo_lib.pricing.implied import LAST_STEP, MAX_STEPS, advance, new_search
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
from alo_lib.pricing.scheme import PRICE_SINE, Scheme, Tables, tables
from alo_lib.pricing.space import FAILED, KIND, Space, new_space
from alo_lib.pricing.terms import Options

__all__ = ["ChainPanels"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_DEGREES = LANES  # coefficients of a panel's polynomials
_LOWEST = -6  # binary exponent of the first panel's volatilities: 1/128 to 1/64
_PANELS = 11  # up to 16
_LN2 = math.log(2.0)


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
    wanted: int,
    t: Tables,
    space: Space,
    out: Array,
) -> bool:
    """Coefficients (3, degrees, n) of g squared and of half its derivatives by rate and yield; False without one.

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
        for a in range(_DEGREES):
            c = to_coefficients[a, lane]
            for i in range(n):
                g = space.g[i, lane]
                out[0, a, i] += c * g * g
                out[1, a, i] += c * g * space.tangents[n + i, lane]
                out[2, a, i] += c * g * space.tangents[2 * n + i, lane]
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
    solved = _solve_panel(rate, dividend_yield, volatilities, until, to_coefficients, WITH_ALL, t, new_space(t), out)
    return Panel(until, out) if solved else None


class Panels(NamedTuple):
    """What the kernels read: the groups of contracts that share rate, yield and expiry, and their panels."""

    group: Array  # (groups, 6) rate, yield, time to expiry, log of the boundary at expiry, its derivatives by r and q
    number: Integers  # (groups, _PANELS) index of the panel, by volatility; -1 for none
    coefficients: Array  # (panels, 3, p + 1, degrees) coefficients at the points of the price integral, and today


@kernel
def _expiry_tables(panels: Array, roots: Array, node: Array, sine: Array, out: Array) -> None:
    """Panels (k, 3, degrees, n) at the points of an expiry: out (k, 3, p + 1, degrees), today last.

    roots (k,): square root of time to expiry over the time up to which the panel's boundaries are solved.
    """
    n = node.size
    p = sine.size
    weights = np.empty((n, 1))
    out[:] = 0.0
    for j in range(roots.size):
        for k in range(p + 1):
            weights_at(min(roots[j] * (sine[k] if k < p else 1.0), 1.0), node, weights, 0, 0)
            for a in range(3):
                for m in range(_DEGREES):
                    value = 0.0
                    for i in range(n):
                        value += weights[i, 0] * panels[j, a, m, i]
                    out[j, a, k, m] = value


@kernel
def _place(volatility: float) -> tuple[int, float]:
    """The panel of a volatility, as an index into those that there may be, and the place inside it, in [-1, 1)."""
    fraction, exponent = math.frexp(volatility)
    return exponent - _LOWEST, 2.0 * math.log2(fraction) + 1.0


@kernel
def _today(panels: Panels, number: int, x: float) -> float:
    """The boundary today, as its log distance from where it starts."""
    c = panels.coefficients[number, 0]
    last = c.shape[0] - 1
    h = c[last, _DEGREES - 1]
    for m in range(_DEGREES - 2, -1, -1):
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
        h = c[k, _DEGREES - 1]
        for m in range(_DEGREES - 2, -1, -1):
            h = fma(h, x, c[k, m])
        store(points, SQUARE * p + k, select(mine, h, load(points, SQUARE * p + k)))
        if wanted == WITH_NONE:
            continue
        first = (_DEGREES - 1) * c[k, _DEGREES - 1]
        for m in range(_DEGREES - 2, 0, -1):
            first = fma(first, x, m * c[k, m])
        first = slope * first
        second = fma(
            (_DEGREES - 1) * (_DEGREES - 2) * c[k, _DEGREES - 1],
            x,
            (_DEGREES - 2) * (_DEGREES - 3) * c[k, _DEGREES - 2],
        )
        for m in range(_DEGREES - 3, 1, -1):
            second = fma(second, x, m * (m - 1) * c[k, m])
        second = bend * second - first * inverse
        store(points, BY_SIGMA * p + k, select(mine, first, load(points, BY_SIGMA * p + k)))
        store(points, BY_SIGMA2 * p + k, select(mine, second, load(points, BY_SIGMA2 * p + k)))
        if wanted == WITH_VEGA:
            continue
        for a in range(1, 3):
            c = coefficients[number, a]
            row = (BY_RATE if a == 1 else BY_YIELD) * p + k
            h = c[k, _DEGREES - 1]
            for m in range(_DEGREES - 2, -1, -1):
                h = fma(h, x, c[k, m])
            store(points, row, select(mine, h, load(points, row)))


@kernel
def _values(
    options: Options,
    volatility: Array,
    order: Integers,
    first: Integers,
    american: int,
    price: Array,
    panels: Panels,
    out: Array,
) -> None:
    """Fill out for the contracts in order (k), which lists them by group; group j begins at first[j].

    price: as Tables has it. out: prices (1, n); prices, vega and volga (3, n); or prices and greeks (10, n). NaN where
    there is no panel.
    """
    spot, strike, right = options.spot, options.strike, options.right
    wanted = WITH_NONE if out.shape[0] == 1 else (WITH_VEGA if out.shape[0] == 3 else WITH_ALL)
    puts = new_puts()
    points = table(POINT_ROWS * price.shape[1])
    contract, block, places = table(2), table(COUNT), table(3)
    member = np.zeros(LANES, np.int64)
    put = puts.put
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
            exponent, x = _place(volatility[i])
            number = panels.number[j, exponent] if 0 <= exponent < panels.number.shape[1] else -1
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


def _panels(grouped: Grouped, needed: Mask, scheme: Scheme) -> Panels:
    """The groups' panels: those of the ones needed (groups, _PANELS) that there are."""
    t = tables(scheme)
    rates, yields, times = grouped.key
    below = (yields > rates) & (rates > 0.0)  # the boundary starts below the strike
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        starts = [np.where(below, x, 0.0) for x in (np.log(rates / yields), 1.0 / rates, -1.0 / yields)]
    group = np.ascontiguousarray(np.stack([rates, yields, times, *starts], axis=1))
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
    sine = t.price[PRICE_SINE]
    coefficients = np.empty((len(solved), 3, sine.size + 1, _DEGREES))
    if solved:
        _expiry_tables(np.stack(solved), np.array(roots), t.node, sine, coefficients)
    return Panels(group, index, coefficients)


class ChainPanels:
    """Values of a chain's American contracts; keeps what depends on neither spot nor volatility from call to call.

    strike, time_to_expiry, right: shape (n,).
    """

    def __init__(self, strike: Array, time_to_expiry: Array, right: Array, scheme: Scheme) -> None:
        self._strike, self._time, self._right, self._scheme = strike, time_to_expiry, right, scheme
        self._price = tables(scheme).price
        self._rates = np.empty((2, 0, 0))  # of no contracts, not even of an empty chain's
        self._tried = np.empty((0, _PANELS), np.bool_)  # panels asked for, by group
        self._settles = np.empty((0, _PANELS))
        self._grouped: Grouped
        self._panels: Panels

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
            self._panels = _panels(self._grouped, self._tried, self._scheme)
        return possible

    def values(self, spot: Array, rate: Array, dividend_yield: Array, volatility: Array, rows: int) -> Array:
        """Shape (rows, n): 1 row for prices, 10 with the greeks; NaN where a contract has no panel."""
        self._prepare(rate, dividend_yield, volatility, LONG)
        out = np.empty((rows, spot.size))
        options = Options(spot, self._strike, rate, dividend_yield, self._time, self._right)
        order, first = self._grouped.order, self._grouped.first
        _values(options, volatility, order, first, 1, self._price, self._panels, out)
        return out

    def implied(self, price: Array, spot: Array, rate: Array, dividend_yield: Array) -> tuple[Array, Mask]:
        """Implied volatilities (n,), NaN where none explains a price, and which searches stopped for want of a panel.

        All searches take each step together; the European volatilities are where they start.
        """
        options = Options(spot, self._strike, rate, dividend_yield, self._time, self._right)
        search = new_search(price, options, 1)
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
            _values(options, search.volatility, order, first, 1, self._price, self._panels, out)
            without |= open_ & np.isnan(out[0])
            open_ &= ~without
            advance(price, out, search, open_, LAST_STEP)
        # On its way a search may pass through panels that are not good enough to end in.
        found = np.isfinite(search.volatility)
        without |= found & ~self._prepare(rate, dividend_yield, search.volatility, LONG)
        return search.volatility, without
