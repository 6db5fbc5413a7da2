"""Loops over contracts: calls reduced to puts, boundaries shared by neighbours, results in market units."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.american import deterministic, evaluate, horizon, solve
from alo_lib.pricing.boundary import Space, new_space
from alo_lib.pricing.european import V_L, V_LL, V_LQ, V_LR, V_LS, V_Q, V_R, V_S, V_SS, V
from alo_lib.pricing.scheme import Tables

__all__ = ["GREEKS", "MAX_STEPS", "advance", "implied_batch", "new_search", "store", "value_batch"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

GREEKS = ("price", "delta", "gamma", "vega", "theta", "rho", "epsilon", "vanna", "volga", "charm")
MAX_STEPS = 80
_LAST_STEP = 1e-4  # relative to the volatility
_GUESS_STEP = 0.1
_TIME_VALUE_FLOOR = 1e-14  # of the strike: less is rounding, and explains no volatility
VOLATILITY_MAX = 20.0


@kernel
def store(
    spot: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    call: bool,
    total: Array,
    out: Array,
    i: int,
) -> None:
    """Turn the reduced put's derivatives into the contract's greeks, column i of out (10, n).

    Value depends on (volatility^2 T, rate T, yield T) alone, hence T dV/dT = volatility/2 dV/ds + r dV/dr + q dV/dq.
    """
    v, v_l, v_s, v_ls = total[V], total[V_L], total[V_S], total[V_LS]
    v_r, v_q, v_lr, v_lq = total[V_R], total[V_Q], total[V_LR], total[V_LQ]
    if call:
        delta, v_ls = (v - v_l) / spot, v_s - v_ls
        v_r, v_q, v_lr, v_lq = v_q, v_r, v_q - v_lq, v_r - v_lr
    else:
        delta = v_l / spot
    out[0, i] = v
    out[1, i] = delta
    out[2, i] = max(total[V_LL] - v_l, 0.0) / (spot * spot)
    out[3, i] = v_s
    out[5, i] = v_r
    out[6, i] = v_q
    out[7, i] = v_ls / spot
    out[8, i] = total[V_SS]
    if time > 0.0:
        out[4, i] = -(0.5 * volatility * v_s + rate * v_r + dividend_yield * v_q) / time
        out[9, i] = -(0.5 * volatility * v_ls + rate * v_lr + dividend_yield * v_lq) / (time * spot)
    else:
        out[4, i] = 0.0
        out[9, i] = 0.0


@kernel
def value_batch(
    spot: Array,
    strike: Array,
    rate: Array,
    dividend_yield: Array,
    volatility: Array,
    time: Array,
    right: Array,
    american: int,
    t: Tables,
    out: Array,
) -> int:
    """Prices, out (1, n), or prices and greeks, out (10, n), of n contracts; elements with a NaN give NaN.

    Returns -1, or the first element whose boundary could not be solved; those give NaN too.
    """
    space = new_space(t)
    order = 0 if out.shape[0] == 1 else 1
    space.scope[2] = order
    last_r = math.nan
    last_q = math.nan
    last_volatility = math.nan
    last_time = math.nan
    status = 0
    failed = -1
    for i in range(spot.size):
        sigma = volatility[i]
        tau = time[i]
        call = right[i] > 0.0
        if call:
            s, k, r, q = strike[i], spot[i], dividend_yield[i], rate[i]
        else:
            s, k, r, q = spot[i], strike[i], rate[i], dividend_yield[i]
        if math.isnan(s + k + r + q + sigma + tau + right[i]):
            for j in range(out.shape[0]):
                out[j, i] = math.nan
            continue
        if american > 0 and not (r == last_r and q == last_q and sigma == last_volatility and tau == last_time):
            status = solve(r, q, sigma, horizon(r, q, sigma, tau), order > 0, t, space)
            last_r, last_q, last_volatility, last_time = r, q, sigma, tau
        if american > 0 and status != 0:
            failed = i if failed < 0 else failed
            for j in range(out.shape[0]):
                out[j, i] = math.nan
            continue
        evaluate(s, k, r, q, sigma, tau, american, t, space)
        if order == 0:
            out[0, i] = space.total[V]
        else:
            store(spot[i], rate[i], dividend_yield[i], sigma, tau, call, space.total, out, i)
    return failed


@kernel
def _improve(
    value: float,
    vega: float,
    volga: float,
    wanted: float,
    sigma: float,
    low: float,
    high: float,
    last_step: float,
) -> tuple[float, bool]:
    """The next volatility to try, and whether it is the one: nothing more is to be gained by another evaluation.

    value, wanted: the time value (price less its limit without volatility) at sigma, and that of the quote. Halley's
    method on its logarithm, which is close to linear where vega vanishes; a step that leaves the bracket (low, high)
    which the signs so far allow is replaced by halving it. The error left is about the cube of the last relative step,
    which is last_step or less. NaN where the bracket has closed at its upper end.
    """
    step = math.inf
    bend = math.inf
    if value > 0.0 and vega > 0.0:
        slope = vega / value
        excess = -math.log1p((wanted - value) / value)
        step = -excess / slope
        bend = (volga / value - slope * slope) / slope
        if abs(step * bend) < 1.0:
            step /= 1.0 + 0.5 * step * bend
    new = sigma + step
    if abs(step) <= last_step * min(sigma, 1.0 / abs(bend)) and low <= new <= high:
        return new, True
    if not low < new < high:
        if low == 0.0:
            new = max(0.1 * high, 1e-9)
        else:
            new = 0.5 * (low + high) if high < VOLATILITY_MAX else min(1.5 * low, 0.5 * (low + high))
    if high - low <= 1e-15 * high:
        return (new if high < VOLATILITY_MAX else math.nan), True
    return new, False


@kernel
def explainable(target: float, floor: float, k: float, r: float, time: float, american: int) -> bool:
    """Whether a put's price lies between its value without volatility and the no-arbitrage bound."""
    bound = k * math.exp(-min(r, 0.0) * time) if american > 0 else k * math.exp(-r * time)
    return time > 0.0 and target - floor > _TIME_VALUE_FLOOR * max(k, target) and target < bound


@kernel
def _implied(
    target: float,
    s: float,
    k: float,
    r: float,
    q: float,
    time: float,
    american: int,
    guess: float,
    last_step: float,
    t: Tables,
    space: Space,
) -> float:
    """Volatility at which the put is worth target, NaN if there is none."""
    deterministic(s, k, r, q, time, american, space.total)
    floor = space.total[V]
    wanted = target - floor
    if not explainable(target, floor, k, r, time, american):
        return math.nan
    low = 0.0
    high = VOLATILITY_MAX
    sigma = guess
    for _ in range(MAX_STEPS):
        if american > 0 and solve(r, q, sigma, horizon(r, q, sigma, time), True, t, space) != 0:
            return math.nan
        evaluate(s, k, r, q, sigma, time, american, t, space)
        value = space.total[V] - floor
        if value < wanted:
            low = sigma
        else:
            high = sigma
        sigma, done = _improve(value, space.total[V_S], space.total[V_SS], wanted, sigma, low, high, last_step)
        if done:
            return float(sigma)
    return float(sigma)


@kernel
def _start(target: float, s: float, k: float, r: float, q: float, time: float) -> float:
    """A volatility to start from: the larger of the at-the-money formula and the point of inflection."""
    forward_gap = abs(math.log(s / k) + (r - q) * time)
    inflection = math.sqrt(2.0 * forward_gap / time)
    straddle = 2.5 * target / (math.sqrt(s * k) * math.sqrt(time)) if forward_gap < 0.05 else 0.0
    return min(max(inflection, straddle, 1e-3), 5.0)


@kernel
def _guess(target: float, s: float, k: float, r: float, q: float, time: float, t: Tables, space: Space) -> float:
    """About the volatility of the European put worth target, by parity of the call where that is out of the money."""
    parity = s * math.exp(-q * time) - k * math.exp(-r * time)
    start = _start(target, s, k, r, q, time)
    if parity < 0.0:
        found = _implied(target + parity, k, s, q, r, time, 0, start, _GUESS_STEP, t, space)
    else:
        found = _implied(target, s, k, r, q, time, 0, start, _GUESS_STEP, t, space)
    return float(found if found > 0.0 else start)


class Search(NamedTuple):
    """Searches for the implied volatilities of n American contracts, taken a step at a time by :func:`advance`."""

    volatility: Array  # (n,) to be evaluated next, or found; NaN where no single volatility explains a price
    low: Array  # (n,) too low
    high: Array  # (n,) too high
    floor: Array  # (n,) price without volatility


@kernel
def new_search(
    price: Array,
    spot: Array,
    strike: Array,
    rate: Array,
    dividend_yield: Array,
    time: Array,
    right: Array,
    t: Tables,
) -> Search:
    """Searches for n American contracts (arguments of shape (n,)), at their European volatilities or near them."""
    n = price.size
    search = Search(np.full(n, math.nan), np.zeros(n), np.full(n, VOLATILITY_MAX), np.zeros(n))
    space = new_space(t)
    space.scope[2] = 1.0
    for i in range(n):
        if right[i] > 0.0:
            s, k, r, q = strike[i], spot[i], dividend_yield[i], rate[i]
        else:
            s, k, r, q = spot[i], strike[i], rate[i], dividend_yield[i]
        deterministic(s, k, r, q, time[i], 1, space.total)
        search.floor[i] = space.total[V]
        if explainable(price[i], space.total[V], k, r, time[i], 1):
            search.volatility[i] = _guess(price[i], s, k, r, q, time[i], t, space)
    return search


@kernel
def advance(price: Array, values: Array, search: Search, unsettled: Mask) -> None:
    """Take a step in the searches that are unsettled (n); those that end with it no longer are.

    values (3, n): price, vega and volga at ``search.volatility``.
    """
    for i in range(price.size):
        if not unsettled[i]:
            continue
        sigma = search.volatility[i]
        value = values[0, i] - search.floor[i]
        wanted = price[i] - search.floor[i]
        if value < wanted:
            search.low[i] = sigma
        else:
            search.high[i] = sigma
        search.volatility[i], done = _improve(
            value, values[1, i], values[2, i], wanted, sigma, search.low[i], search.high[i], _LAST_STEP
        )
        unsettled[i] = not done


@kernel
def implied_batch(
    price: Array,
    spot: Array,
    strike: Array,
    rate: Array,
    dividend_yield: Array,
    time: Array,
    right: Array,
    american: int,
    t: Tables,
    out: Array,
) -> None:
    """Implied volatilities of n contracts into out (n); NaN where no volatility, or no single one, explains a price."""
    space = new_space(t)
    space.scope[2] = 1.0
    for i in range(spot.size):
        if right[i] > 0.0:
            s, k, r, q = strike[i], spot[i], dividend_yield[i], rate[i]
        else:
            s, k, r, q = spot[i], strike[i], rate[i], dividend_yield[i]
        target = price[i]
        if math.isnan(s + k + r + q + time[i] + right[i] + target) or not time[i] > 0.0:
            out[i] = math.nan
            continue
        if american > 0:
            guess = _guess(target, s, k, r, q, time[i], t, space)
            out[i] = _implied(target, s, k, r, q, time[i], 1, guess, _LAST_STEP, t, space)
        elif s * math.exp(-q * time[i]) < k * math.exp(-r * time[i]):
            call = target + s * math.exp(-q * time[i]) - k * math.exp(-r * time[i])
            guess = _start(target, s, k, r, q, time[i])
            out[i] = _implied(call, k, s, q, r, time[i], 0, guess, _LAST_STEP, t, space)
        else:
            guess = _start(target, s, k, r, q, time[i])
            out[i] = _implied(target, s, k, r, q, time[i], 0, guess, _LAST_STEP, t, space)
