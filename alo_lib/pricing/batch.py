"""Loops over contracts: calls reduced to puts, eight at a time, boundaries shared by neighbours, market units out."""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.lanes import LANES, greatest, load, select, store, table
from alo_lib.pricing.american import (
    add_meeting_volga,
    boundary_points,
    difficulty,
    horizon,
    place,
    set_put,
    solve,
)
from alo_lib.pricing.european import (
    COUNT,
    P_RATE,
    P_SPOT,
    P_STRIKE,
    P_TIME,
    P_VOLATILITY,
    P_YIELD,
    V_L,
    V_LL,
    V_LQ,
    V_LR,
    V_LS,
    V_Q,
    V_R,
    V_S,
    V_SS,
    WITH_NONE,
    WITH_VEGA,
    V,
    Wanted,
)
from alo_lib.pricing.premium import POINT_ROWS, evaluate, new_puts
from alo_lib.pricing.scheme import Tables
from alo_lib.pricing.space import FAILED, UNTIL, Space, new_space
from alo_lib.pricing.terms import Options

__all__ = [
    "C_RIGHT",
    "C_SPOT",
    "GREEKS",
    "difficulties",
    "reduce_contract",
    "solve_sources",
    "to_market",
    "value_batch",
]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

GREEKS = ("price", "delta", "gamma", "vega", "theta", "rho", "epsilon", "vanna", "volga", "charm")

# Rows of what a lane's contract is in the market: +1 for a call, -1 for a put; spot.
C_RIGHT, C_SPOT = range(2)


@kernel
def reduce_contract(
    spot: float, strike: float, rate: float, dividend_yield: float, right: float
) -> tuple[float, float, float, float]:
    """Spot, strike, rate and yield of the put that a contract is."""
    if right > 0.0:
        return strike, spot, dividend_yield, rate
    return spot, strike, rate, dividend_yield


@kernel
def to_market(wanted: Wanted, contract: Array, put: Array, total: Array, block: Array) -> None:
    """Turn the puts' derivatives into the contracts' greeks, rows of block (10, LANES); price, vega, volga (3, LANES).

    contract: rows C_RIGHT, C_SPOT; put, total: as Puts has them. Value depends on (volatility^2 T, rate T,
    yield T) alone, hence T dV/dT = volatility/2 dV/ds + r dV/dr + q dV/dq.
    """
    v = load(total, V)
    store(block, 0, v)
    if wanted is None or wanted == WITH_NONE:
        return
    v_s, v_ss = load(total, V_S), load(total, V_SS)
    if wanted == WITH_VEGA:
        store(block, 1, v_s)
        store(block, 2, v_ss)
        return
    call = load(contract, C_RIGHT) > 0.0
    spot = load(contract, C_SPOT)
    rate, dividend_yield = load(put, P_RATE), load(put, P_YIELD)
    volatility, time = load(put, P_VOLATILITY), load(put, P_TIME)
    v_l, v_ls = load(total, V_L), load(total, V_LS)
    v_r, v_q = load(total, V_R), load(total, V_Q)
    v_lr, v_lq = load(total, V_LR), load(total, V_LQ)
    theta = -(0.5 * volatility * v_s + rate * v_r + dividend_yield * v_q) / time
    charm_put = 0.5 * volatility * v_ls + rate * v_lr + dividend_yield * v_lq
    # A call's value is spot's part less the put's by its own spot, the strike.
    charm_call = 0.5 * volatility * (v_s - v_ls) + rate * (v_r - v_lr) + dividend_yield * (v_q - v_lq)
    alive = time > 0.0
    store(block, 1, select(call, v - v_l, v_l) / spot)
    store(block, 2, greatest(load(total, V_LL) - v_l, 0.0) / (spot * spot))
    store(block, 3, v_s)
    store(block, 4, select(alive, theta, 0.0))
    store(block, 5, select(call, v_q, v_r))
    store(block, 6, select(call, v_r, v_q))
    store(block, 7, select(call, v_s - v_ls, v_ls) / spot)
    store(block, 8, v_ss)
    store(block, 9, select(alive, -select(call, charm_call, charm_put) / (time * spot), 0.0))


@kernel
def difficulties(options: Options, volatility: Array, longest: float, out: Integers) -> bool:
    """How much denser a scheme each of n contracts needs, see :func:`alo_lib.pricing.american.difficulty`.

    Returns whether any needs one.
    """
    spot, strike, rate, dividend_yield, time, right = options
    found = False
    for i in range(volatility.size):
        _, _, r, q = reduce_contract(spot[i], strike[i], rate[i], dividend_yield[i], right[i])
        out[i] = difficulty(r, q, volatility[i], time[i], longest)
        found = found or out[i] != 0
    return found


@kernel
def _take(rows: int, from_: Array, source: Integers, points: Array) -> None:
    """The first rows of boundaries' points, from source lanes into the lanes of their puts."""
    for k in range(rows):
        for lane in range(LANES):
            points[k, lane] = from_[k, source[lane]]


@kernel
def value_batch(options: Options, volatility: Array, american: int, wanted: Wanted, t: Tables, out: Array) -> int:
    """Prices, out (1, n), or prices and greeks, out (10, n), of n contracts; elements with a NaN give NaN.

    wanted: no derivatives, or all.

    Consecutive contracts with the same boundary share it. Returns -1, or the first element whose boundary could not be
    solved; those give NaN too.
    """
    spot, strike, rate, dividend_yield, time, right = options
    n = spot.size
    p = t.price.shape[1]
    rows = p if wanted is None or wanted == WITH_NONE else POINT_ROWS * p
    space, puts = new_space(t), new_puts()
    solved, solved_lower = table(POINT_ROWS * p), table(POINT_ROWS * p)
    upper, lower = table(POINT_ROWS * p), table(POINT_ROWS * p)
    contract, block = table(2), table(COUNT)
    member = np.zeros(LANES, np.int64)
    source = np.empty(n, np.int64)
    failed = -1
    i = 0
    while i < n:
        first = i
        held = 0
        last_r = last_q = last_volatility = last_time = math.nan
        while i < n:
            sigma, tau = volatility[i], time[i]
            source[i] = -1
            if not math.isnan(spot[i] + strike[i] + rate[i] + dividend_yield[i] + sigma + tau + right[i]):
                _, _, r, q = reduce_contract(spot[i], strike[i], rate[i], dividend_yield[i], right[i])
                if not (r == last_r and q == last_q and sigma == last_volatility and tau == last_time):
                    if held == LANES:
                        break
                    set_put(held, r, q, sigma, tau, space.put)
                    if american > 0:
                        space.put[UNTIL, held] = horizon(r, q, sigma, tau)
                    last_r, last_q, last_volatility, last_time = r, q, sigma, tau
                    held += 1
                source[i] = held - 1
            i += 1
        boundaries = 0
        if american > 0 and held > 0:
            boundaries = solve_sources(held, wanted, t, solved, solved_lower, space)
        lane = 0
        for j in range(first, i):
            if source[j] < 0 or (american > 0 and space.put[FAILED, source[j]] > 0.0):
                if source[j] >= 0 and failed < 0:
                    failed = j
                for row in range(out.shape[0]):
                    out[row, j] = math.nan
            else:
                s, k, _, _ = reduce_contract(spot[j], strike[j], rate[j], dividend_yield[j], right[j])
                puts.put[P_SPOT, lane], puts.put[P_STRIKE, lane], puts.source[lane], member[lane] = s, k, source[j], j
                contract[C_RIGHT, lane], contract[C_SPOT, lane] = right[j], spot[j]
                lane += 1
            if lane == LANES or (j == i - 1 and lane > 0):
                place(lane, american, t.node.size, space.put, space.g, puts.source, puts.put)
                if boundaries > 0:
                    _take(rows, solved, puts.source, upper)
                if boundaries > 1:
                    _take(rows, solved_lower, puts.source, lower)
                evaluate(lane, american, wanted, t.price, upper, lower, puts.put, puts.total)
                if wanted is not None and wanted != WITH_NONE and boundaries > 1:
                    add_meeting_volga(lane, space, puts)
                to_market(wanted, contract, puts.put, puts.total, block)
                for row in range(out.shape[0]):
                    for each in range(lane):
                        out[row, member[each]] = block[row, each]
                lane = 0
    return failed


@kernel
def solve_sources(count: int, wanted: Wanted, t: Tables, upper: Array, lower: Array, space: Space) -> int:
    """Solve the boundaries of the first ``count`` lanes and read them at the points of their price integrals.

    Returns how many boundaries there are, 0 where all are European.
    """
    boundaries = int(solve(count, wanted, t, space))
    for which in range(boundaries):
        boundary_points(which, wanted, t, upper if which == 0 else lower, space)
    return boundaries
