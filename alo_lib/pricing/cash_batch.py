"""Loops over options with dividends: planned one by one, solved eight at a time, values out in market units."""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.lanes import LANES, table
from alo_lib.pricing.cash_grid import (
    T_ALIVE,
    T_RATE,
    T_SIDE,
    T_STRIKE,
    T_VARIANCE,
    T_YIELD,
    TERM_ROWS,
    GridSpace,
    new_space,
    solve_grid,
)
from alo_lib.pricing.cash_plan import NEW, PLACE, PLAN_ROWS, RANGE, WHOLE, plan_option, segment_limit
from alo_lib.pricing.escrow import rest_of, set_asides
from alo_lib.pricing.sure_value import SURE_ROWS, sure_value
from alo_lib.pricing.terms import Cash, Option, Options

__all__ = ["COARSE", "FINE", "plan_batch", "solve_batch", "trace_boundary"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

COARSE, FINE = 2, 3
"""How many times as many cells and steps as the unit the two grids have."""
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
    cells: int,
    unit: int,
    plans: Array,
    steps: Integers,
    out: Array,
) -> None:
    """Plans of n options, and the values of those that have no chance in them.

    plans (n, segments, PLAN_ROWS), steps (n, segments): as :func:`plan_option` has them. out (4, n): price and its
    first three derivatives by spot where there is nothing to solve: at expiry, without volatility, NaN of NaN.
    """
    spot, strike, rate, dividend_yield, time, right = options
    by, sure = np.empty(3), np.empty(SURE_ROWS)
    for i in range(volatility.size):
        which = i if cash.rows.shape[0] > 1 else 0
        first, last = cash.rows[which, 0], cash.rows[which, 1]
        steps[i, :] = 0
        if math.isnan(spot[i] + strike[i] + rate[i] + dividend_yield[i] + volatility[i] + time[i] + right[i]):
            out[:, i] = math.nan
        elif not volatility[i] * math.sqrt(time[i]) > _DETERMINISTIC:
            out[:, i] = 0.0
            sure_value(option_of(options, i, american), first, last, cash, by, sure)
            out[0, i], out[1, i] = sure[0], sure[1]
        else:
            option = option_of(options, i, american)
            rest = rest_of(option, first, last, cash)
            plan_option(rest, volatility[i], first, last, cash, cells, unit, False, plans[i], steps[i])
            set_asides(option, first, last, cash, steps[i], plans[i])


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


@kernel
def solve_batch(
    options: Options,
    volatility: Array,
    american: bool,
    order: Integers,
    cells: int,
    plans: Array,
    steps: Integers,
    out: Array,
) -> None:
    """Price and its first three derivatives by spot, out (4, n), of the options that have steps.

    order (n,): sorted so that those of equal steps are neighbours; eight at a time share their loops. What an option
    is worth depends on no other.
    """
    segments = plans.shape[1]
    space = new_space(FINE * cells + 1)
    plan, terms = table(segments * PLAN_ROWS), table(TERM_ROWS)
    read, no_trace = np.empty((2, LANES, 4)), np.empty((2, 0))
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
            for k in range(segments):
                for row in range(PLAN_ROWS):
                    plan[k * PLAN_ROWS + row, lane] = plans[i, k, row]
            terms[T_SIDE, lane] = options.right[i]
            terms[T_RATE, lane], terms[T_YIELD, lane] = options.rate[i], options.dividend_yield[i]
            terms[T_VARIANCE, lane] = volatility[i] * volatility[i]
            terms[T_ALIVE, lane] = 1.0 if american else 0.0
        for which in range(2):
            multiple = COARSE if which == 0 else FINE
            n = multiple * cells
            row = solve_grid(cells, multiple, steps[leader], plan, terms, space, no_trace)
            for lane in range(count):
                _read(
                    lane, plan[row + PLACE, lane] * n, n, plan[row + RANGE, lane] / n, terms, space, read[which, lane]
                )
        for lane in range(count):
            aside = 1.0 - terms[T_STRIKE, lane]
            _finish(order[begin + lane], options, american, aside, read[0, lane], read[1, lane], out)
        begin += count


@kernel
def _finish(i: int, options: Options, american: bool, aside: float, coarse: Array, fine: Array, out: Array) -> None:
    """Option i's price and derivatives by spot into its column of out, extrapolated from the two grids.

    aside: what is set aside of the spot, over the strike.
    """
    strike, spot = options.strike[i], options.spot[i]
    side = options.right[i]
    value = (9.0 * fine[0] - 4.0 * coarse[0]) / 5.0 * strike
    intrinsic = side * (spot - strike)
    out[2, i] = out[3, i] = 0.0
    if american and (math.isnan(fine[2]) or value <= intrinsic):
        out[0, i], out[1, i] = intrinsic, side
        return
    if not value > 0.0:
        out[0, i] = out[1, i] = 0.0
        return
    known = not math.isnan(coarse[2])
    for k in range(1, 4):
        fine[k] = ((9.0 * fine[k] - 4.0 * coarse[k]) / 5.0 if known else fine[k]) * strike
    first, second, third = fine[1], fine[2], fine[3]
    spot -= aside * strike
    out[0, i] = value
    out[1, i] = first / spot
    out[2, i] = (second - first) / spot**2
    out[3, i] = (third - 3.0 * second + 2.0 * first) / spot**3


@kernel
def trace_boundary(option: Option, volatility: float, cash: Cash, cells: int, unit: int, trace: Array) -> int:
    """Times to expiry and the exercise boundary of one option into trace (2, k), latest first; how many there are.

    On a grid of FINE times the unit of cells and steps, which reaches as far from the strike as spot may by expiry. An
    ex-time is there twice: just after the dividend, and just before it.
    """
    segments = segment_limit(cash)
    one, steps = np.zeros((segments, PLAN_ROWS)), np.zeros(segments, np.int64)
    first, last = cash.rows[0, 0], cash.rows[0, 1]
    plan_option(option, volatility, first, last, cash, cells, unit, True, one, steps)
    set_asides(option, first, last, cash, steps, one)
    plan, terms = table(segments * PLAN_ROWS), table(TERM_ROWS)
    for lane in range(LANES):
        plan[:, lane] = one.reshape(-1)
        terms[T_SIDE, lane] = 1.0 if option.call else -1.0
        terms[T_RATE, lane], terms[T_YIELD, lane] = option.rate, option.dividend_yield
        terms[T_VARIANCE, lane] = volatility * volatility
        terms[T_ALIVE, lane] = 1.0
    solve_grid(cells, FINE, steps, plan, terms, new_space(FINE * cells + 1), trace)
    # Times so far are to the ends of stretches.
    at, over = 0, 0.0
    for segment in range(segments):
        count = steps[segment]
        if count == 0:
            break
        if segment > 0 and count >= NEW:
            over += one[segment - 1, WHOLE]
            trace[0, at] += over
            trace[1, at] *= option.strike
            at += 1
        for _ in range(FINE * (count % NEW)):
            trace[0, at] += over
            trace[1, at] *= option.strike
            at += 1
    return at
