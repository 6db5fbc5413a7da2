"""Loops over options with dividends: planned one by one, solved eight at a time, values out in market units."""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.lanes import LANES, table
from alo_lib.pricing.cash_grid import solve_grid
from alo_lib.pricing.cash_plan import GridSize, PlanSpace, new_plan_space, plan_option, segment_limit
from alo_lib.pricing.cash_rows import FALL, KEPT, NEW, PLACE, PLAN_ROWS, RANGE, WHOLE, is_ex_time, tell_values
from alo_lib.pricing.cash_step import (
    T_ALIVE,
    T_RATE,
    T_SIDE,
    T_STRIKE,
    T_VARIANCE,
    T_YIELD,
    TERM_ROWS,
    GridSpace,
    new_space,
)
from alo_lib.pricing.escrow import aside_before, aside_later, rest_of
from alo_lib.pricing.sure_value import SURE_ROWS, sure_value
from alo_lib.pricing.terms import Cash, Option, Options

__all__ = ["COARSE", "FINE", "READ_ROWS", "combine", "plan_batch", "read_batch", "trace_boundary"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

COARSE, FINE = 2, 3
"""How many times as many cells and steps as the unit the two grids have."""
READ_ROWS = 5
"""Of what is read from a grid, over the strike: value, its first three derivatives by the logarithm of spot, the second
one NaN where the option is exercised, and what is set aside of the spot."""
_POINTS = 5  # that a grid's value and derivatives are read from
_DETERMINISTIC = 1e-6  # standard deviation of the final spot below which nothing is chance
_EXERCISED = 1e-13  # of the strike


@kernel
def option_of(options: Options, i: int, american: bool) -> Option:
    """One of the options."""
    return Option(
        options.spot[i],
        options.strike[i],
        options.rate[i],
        options.dividend_yield[i],
        options.time[i],
        options.right[i] > 0.0,
        american,
    )


@kernel
def plan_batch(
    options: Options,
    volatility: Array,
    american: bool,
    cash: Cash,
    size: GridSize,
    plans: Array,
    steps: Integers,
    out: Array,
) -> None:
    """Plans of the first of n options, as many as ``plans`` has, and the values of those that have no chance in them.

    The others differ from the first ones by little, in turn, and are to be laid out like them. plans (count, segments,
    PLAN_ROWS), steps (n, segments): as :func:`plan_option` has them. out (4, n): price and its first three
    derivatives by spot where there is nothing to solve: at expiry, without volatility, NaN of NaN.
    """
    spot, strike, rate, dividend_yield, time, right = options
    count = plans.shape[0]
    by, sure, space = np.empty(3), np.empty(SURE_ROWS), new_plan_space(cash)
    for i in range(volatility.size):
        which, base = i if cash.rows.shape[0] > 1 else 0, i % count
        first, last = cash.rows[which, 0], cash.rows[which, 1]
        steps[i, :] = 0
        if math.isnan(spot[i] + strike[i] + rate[i] + dividend_yield[i] + volatility[i] + time[i] + right[i]):
            out[:, i] = math.nan
            continue
        option = option_of(options, i, american)
        if not volatility[i] * math.sqrt(time[i]) > _DETERMINISTIC or (i >= count and steps[base, 0] == 0):
            out[:, i] = 0.0
            sure_value(option, first, last, cash, by, sure)
            out[0, i], out[1, i] = sure[0], sure[1]
            continue
        if i < count:
            rest = rest_of(option, first, last, cash)
            plan_option(rest, volatility[i], first, last, cash, size, False, plans[i], steps[i], space)
        else:
            steps[i, :] = steps[base]


@kernel
def _lay_like_first(
    options: Options,
    volatility: Array,
    american: bool,
    cash: Cash,
    i: int,
    plans: Array,
    steps: Integers,
    plan: Array,
    space: PlanSpace,
) -> None:
    """The plan of option i, which has the steps of one of the first ones, on the grids of that one.

    The two differ by little; on the same nodes what they are worth differs by what they are, and not by where nodes
    are. Escrowed dividends leave more or less of the spot at other rates.
    """
    base, which = i % plans.shape[0], i if cash.rows.shape[0] > 1 else 0
    first, last = cash.rows[which, 0], cash.rows[which, 1]
    option = rest_of(option_of(options, i, american), first, last, cash)
    moved = math.log(option.spot / rest_of(option_of(options, base, american), first, last, cash).spot)
    for segment in range(steps.size):
        if steps[segment] == 0:
            break
        for row in range(PLAN_ROWS):
            plan[segment, row] = plans[base, segment, row]
        plan[segment, PLACE] += moved / plan[segment, RANGE]
    # A call on nothing is worth nothing, at any rates: it differs in what is set aside alone.
    if not option.call or aside_before(0.0, aside_later(option, last), option, first, cash).worth > 0.0:
        tell_values(option, volatility[i], first, last, cash, plan, steps, space.stairs)


@kernel
def _read(lane: int, at: float, n: int, cell: float, terms: Array, space: GridSpace, out: Array) -> None:
    """A lane's value today and its first three derivatives by the logarithm of spot into out (4); over the strike.

    at: where the spot is, in nodes. They are those of the polynomial through five nodes, none of which is exercised:
    the second derivative jumps where exercise begins. Where it is exercised they are intrinsic value's, the second one
    told as NaN.
    """
    side, strike = terms[T_SIDE, lane], terms[T_STRIKE, lane]
    first = 0
    if terms[T_ALIVE, lane] > 0.0:
        while first < n and 0.0 < space.value[first, lane] <= side * (space.spot[first, lane] - strike) + _EXERCISED:
            first += 1
    spot = space.spot[0, lane] * math.exp(at * cell)
    if at <= first - 1:
        out[0], out[1], out[2], out[3] = side * (spot - strike), side * spot, math.nan, math.nan
        return
    first = max(min(max(int(at + 0.5) - _POINTS // 2, first), n + 1 - _POINTS), 0)
    out[:] = 0.0
    for i in range(_POINTS):
        p0, p1, p2, p3 = 1.0, 0.0, 0.0, 0.0
        for j in range(_POINTS):
            if j != i:
                x = at - first - j
                part = 1.0 / (i - j)
                p3 = (p3 * x + 3.0 * p2) * part
                p2 = (p2 * x + 2.0 * p1) * part
                p1 = (p1 * x + p0) * part
                p0 = p0 * x * part
        value = space.value[first + i, lane]
        out[0] += p0 * value
        out[1] += p1 * value / cell
        out[2] += p2 * value / (cell * cell)
        out[3] += p3 * value / (cell * cell * cell)
    if at < first and terms[T_ALIVE, lane] > 0.0 and side * out[1] > spot:  # between the boundary and what is exercised
        out[0], out[1], out[2], out[3] = side * (spot - strike), side * spot, math.nan, math.nan


@kernel
def read_batch(
    options: Options,
    volatility: Array,
    american: bool,
    cash: Cash,
    order: Integers,
    cells: int,
    multiple: int,
    plans: Array,
    steps: Integers,
    out: Array,
) -> None:
    """What one grid has for the options of ``order`` that have steps, into out (READ_ROWS, n).

    multiple: how many times the unit of cells and steps it has. order: sorted so that those of equal steps are
    neighbours; eight at a time share their loops. What an option is worth depends on no other. plans, steps: as
    :func:`plan_batch` has them.
    """
    segments = plans.shape[1]
    n = multiple * cells
    space = new_space(n + 1)
    plan, terms = table(segments * PLAN_ROWS), table(TERM_ROWS)
    read, no_trace = np.empty(4), np.empty((2, 0))
    moved, plan_space = np.empty((segments, PLAN_ROWS)), new_plan_space(cash)
    begin = 0
    while begin < order.size:
        leader = order[begin]
        count = 1
        if steps[leader, 0] == 0:
            begin += 1
            continue
        while count < LANES and begin + count < order.size:
            equal = True
            for k in range(segments):
                equal = equal and steps[order[begin + count], k] == steps[leader, k]
            if not equal:
                break
            count += 1
        for lane in range(LANES):
            i = order[begin + lane] if lane < count else leader
            laid = plans[i] if i < plans.shape[0] else moved
            if i >= plans.shape[0]:
                _lay_like_first(options, volatility, american, cash, i, plans, steps[i], moved, plan_space)
            for k in range(segments):
                if steps[leader, k] == 0:
                    break
                for row in range(PLAN_ROWS):
                    plan[k * PLAN_ROWS + row, lane] = laid[k, row]
            terms[T_SIDE, lane] = options.right[i]
            terms[T_RATE, lane], terms[T_YIELD, lane] = options.rate[i], options.dividend_yield[i]
            terms[T_VARIANCE, lane] = volatility[i] * volatility[i]
            terms[T_ALIVE, lane] = 1.0 if american else 0.0
        row = solve_grid(cells, multiple, steps[leader], plan, terms, space, no_trace)
        for lane in range(count):
            i = order[begin + lane]
            _read(lane, plan[row + PLACE, lane] * n, n, plan[row + RANGE, lane] / n, terms, space, read)
            out[:4, i] = read
            out[4, i] = 1.0 - terms[T_STRIKE, lane]
        begin += count


@kernel
def combine(
    options: Options, american: bool, steps: Integers, less: int, more: int, coarse: Array, fine: Array, out: Array
) -> None:
    """Price and its first three derivatives by spot into out (4, n), extrapolated, of the options that have steps.

    coarse, fine: (READ_ROWS, n) of grids of ``less`` and ``more`` times the unit; less = 0: of the fine one alone.
    """
    of_coarse, of_fine = float(less * less), float(more * more)
    whole = of_fine - of_coarse
    for i in range(options.spot.size):
        if steps[i, 0] == 0:
            continue
        strike, spot, side = options.strike[i], options.spot[i], options.right[i]
        value = (of_fine * fine[0, i] - of_coarse * coarse[0, i]) / whole * strike
        intrinsic = side * (spot - strike)
        if math.isnan(value):  # no grid could be solved
            out[:, i] = math.nan
            continue
        out[2, i] = out[3, i] = 0.0
        if american and (math.isnan(fine[2, i]) or value <= intrinsic):
            out[0, i], out[1, i] = intrinsic, side
            continue
        if not value > 0.0:
            out[0, i] = out[1, i] = 0.0
            continue
        first, second, third = fine[1, i], fine[2, i], fine[3, i]
        if not math.isnan(coarse[2, i]):
            first = (of_fine * first - of_coarse * coarse[1, i]) / whole
            second = (of_fine * second - of_coarse * coarse[2, i]) / whole
            third = (of_fine * third - of_coarse * coarse[3, i]) / whole
        first, second, third = first * strike, second * strike, third * strike
        spot -= fine[4, i] * strike
        out[0, i] = value
        out[1, i] = first / spot
        out[2, i] = (second - first) / spot**2
        out[3, i] = (third - 3.0 * second + 2.0 * first) / spot**3


@kernel
def trace_boundary(option: Option, volatility: float, cash: Cash, size: GridSize, trace: Array) -> int:
    """Times to expiry and the exercise boundary of one option into trace (2, k), latest first; how many there are.

    On a grid of FINE times the unit of cells and steps, which reaches as far from the strike as spot may by expiry. An
    ex-time is there twice: just after the dividend, and just before it.
    """
    segments = segment_limit(cash)
    one, steps = np.zeros((segments, PLAN_ROWS)), np.zeros(segments, np.int64)
    first, last = cash.rows[0, 0], cash.rows[0, 1]
    plan_option(option, volatility, first, last, cash, size, True, one, steps, new_plan_space(cash))
    plan, terms = table(segments * PLAN_ROWS), table(TERM_ROWS)
    for lane in range(LANES):
        plan[:, lane] = one.reshape(-1)
        terms[T_SIDE, lane] = 1.0 if option.call else -1.0
        terms[T_RATE, lane], terms[T_YIELD, lane] = option.rate, option.dividend_yield
        terms[T_VARIANCE, lane] = volatility * volatility
        terms[T_ALIVE, lane] = 1.0
    solve_grid(size.cells, FINE, steps, plan, terms, new_space(FINE * size.cells + 1), trace)
    # Times so far are to the ends of stretches.
    at, over = 0, 0.0
    for segment in range(segments):
        count = steps[segment]
        if count == 0:
            break
        if segment > 0 and count >= NEW:
            over += one[segment - 1, WHOLE]
            if is_ex_time(one[segment, FALL], one[segment, KEPT]):
                trace[0, at] += over
                trace[1, at] *= option.strike
                at += 1
        for _ in range(FINE * (count % NEW)):
            trace[0, at] += over
            trace[1, at] *= option.strike
            at += 1
    return at
