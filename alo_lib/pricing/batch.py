"""Loops over contracts: calls reduced to puts, boundaries shared by neighbours, results in market units."""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.american import deterministic, evaluate, solve
from alo_lib.pricing.boundary import Space, new_space
from alo_lib.pricing.european import V_L, V_LL, V_LQ, V_LR, V_LS, V_Q, V_R, V_S, V_SS, V
from alo_lib.pricing.scheme import Tables

__all__ = ["GREEKS", "implied_batch", "value_batch"]

Array = npt.NDArray[np.float64]

GREEKS = ("price", "delta", "gamma", "vega", "theta", "rho", "epsilon", "vanna", "volga", "charm")
_MAX_STEPS = 80
_LAST_STEP = 1e-4  # relative to the volatility
_TIME_VALUE_FLOOR = 1e-14  # of the strike: less is rounding, and explains no volatility
VOLATILITY_MAX = 20.0


@kernel
def _store(
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
            status = solve(r, q, sigma, tau, order > 0, t, space)
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
            _store(spot[i], rate[i], dividend_yield[i], sigma, tau, call, space.total, out, i)
    return failed


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
    t: Tables,
    space: Space,
) -> float:
    """Volatility at which the put is worth target, NaN if there is none.

    Halley's method on the logarithm of time value (price less its limit without volatility), which is close to linear
    where vega vanishes; a step that leaves the bracket which the signs so far allow is replaced by halving it. The
    error left is about the cube of the last relative step.
    """
    deterministic(s, k, r, q, time, american, space.total)
    floor = space.total[V]
    wanted = target - floor
    bound = k * math.exp(-min(r, 0.0) * time) if american > 0 else k * math.exp(-r * time)
    if not wanted > _TIME_VALUE_FLOOR * max(k, target) or not target < bound or not time > 0.0:
        return math.nan
    low = 0.0
    high = VOLATILITY_MAX
    sigma = guess
    for _ in range(_MAX_STEPS):
        if american > 0 and solve(r, q, sigma, time, american > 0, t, space) != 0:
            return math.nan
        evaluate(s, k, r, q, sigma, time, american, t, space)
        value = space.total[V] - floor
        vega = space.total[V_S]
        if value < wanted:
            low = sigma
        else:
            high = sigma
        step = math.inf
        bend = math.inf
        if value > 0.0 and vega > 0.0:
            slope = vega / value
            excess = -math.log1p((wanted - value) / value)
            step = -excess / slope
            bend = (space.total[V_SS] / value - slope * slope) / slope
            if abs(step * bend) < 1.0:
                step /= 1.0 + 0.5 * step * bend
        new = sigma + step
        if abs(step) <= _LAST_STEP * min(sigma, 1.0 / abs(bend)) and low <= new <= high:
            return float(new)
        if not low < new < high:
            new = 0.5 * (low + high) if low > 0.0 else max(0.1 * high, 1e-9)
        if high - low <= 1e-15 * high:
            return new if high < VOLATILITY_MAX else math.nan
        sigma = new
    return sigma


@kernel
def _start(target: float, s: float, k: float, r: float, q: float, time: float) -> float:
    """A volatility to start from: the larger of the at-the-money formula and the point of inflection."""
    forward_gap = abs(math.log(s / k) + (r - q) * time)
    inflection = math.sqrt(2.0 * forward_gap / time)
    straddle = 2.5 * target / (math.sqrt(s * k) * math.sqrt(time)) if forward_gap < 0.05 else 0.0
    return min(max(inflection, straddle, 1e-3), 5.0)


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
        # The European put of the same price starts the American search; out of the money by parity.
        parity = s * math.exp(-q * time[i]) - k * math.exp(-r * time[i])
        start = _start(target, s, k, r, q, time[i])
        found = math.nan
        for style in range(american + 1):
            guess = found if found > 0.0 else start
            if style == 0 and parity < 0.0:
                found = _implied(target + parity, k, s, q, r, time[i], style, guess, t, space)
            else:
                found = _implied(target, s, k, r, q, time[i], style, guess, t, space)
        out[i] = found
