"""American options: regimes settled first, then one boundary a parameter set and one integral a strike.

Everything is reduced to a put with strike 1: a call is the put with spot and strike, rate and yield exchanged
(McDonald and Schroder 1998), and boundary and value scale with the strike. Consecutive contracts with the same
reduced (rate, yield, volatility, time) share one boundary.

Regimes of the put by rate r and yield q (Andersen and Lake 2021, "Fast American option pricing: the double-boundary
case"):

====================  ==============================================================================
r <= 0 and q >= r      never exercised early: the European value
q < r < 0              exercised between two boundaries, which may meet at a finite time to expiry
otherwise              exercised below one boundary
====================  ==============================================================================
"""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.chebyshev import weights_at
from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, normal_cdf_pdf
from alo_lib.pricing.boundary import Space, solve_boundary
from alo_lib.pricing.european import (
    V_L,
    V_LL,
    V_LQ,
    V_LR,
    V_LS,
    V_Q,
    V_R,
    V_S,
    V_SS,
    V,
    european_put,
    european_put_value,
)
from alo_lib.pricing.scheme import Tables

__all__ = [
    "BAD_BOUNDARY",
    "DOUBLE",
    "EUROPEAN",
    "LONG",
    "SINGLE",
    "decay",
    "deterministic",
    "difficulty",
    "evaluate",
    "horizon",
    "regime",
    "solve",
]

Array = npt.NDArray[np.float64]

EUROPEAN, SINGLE, DOUBLE = 0, 1, 2
BAD_BOUNDARY = 1

LONG = 3.0  # in units of the slowest decay's time
_SHARP = 4.0
_SETTLED = 20.0  # in units of the slowest decay's time
_SHORTEST = 1e-14  # variance until which every boundary is solved
_DETERMINISTIC = 1e-8  # volatility * sqrt(time) below which the spot's path is its forward
_G_FLOOR = 1e-24
_NO_PREMIUM = 1e-10  # of the strike
_NEGLIGIBLE = 1e-9  # of the strike
_MEETING_TIME = 1e-7  # relative
_MEETING_STEPS = 200
_MEETING_GAP = 1e-8  # of ln(r/q), at which the two boundaries count as having met


@kernel
def regime(rate: float, dividend_yield: float) -> int:
    """Which of the three cases the put is in."""
    if rate <= 0.0 and dividend_yield >= rate:
        return EUROPEAN
    if rate < 0.0:
        return DOUBLE
    return SINGLE


def decay(rate: Array, dividend_yield: Array, volatility: Array) -> Array:
    """The rate a year at which the distance of a put's boundary from the perpetual option's decays; r > 0 or q < 0."""
    variance = volatility * volatility
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(rate + 0.5 * (rate - dividend_yield - 0.5 * variance) ** 2 / variance)


def difficulty(rate: Array, dividend_yield: Array, volatility: Array, time: Array) -> npt.NDArray[np.int64]:
    """How much denser a scheme puts need (:meth:`Scheme.denser`): 0 for nearly all.

    1 where the boundary has time to settle or a negative yield to grow, which takes more nodes. More where spot drifts
    down into the exercise region, at a time that is known the better the smaller volatility is: the price integral
    has a front there.
    """
    single = (rate > 0.0) | ((rate == 0.0) & (dividend_yield < 0.0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        settles = single & (np.maximum(decay(rate, dividend_yield, volatility), -dividend_yield) * time > LONG)
        sharpness = np.where(single, dividend_yield - rate, 0.0) * np.sqrt(time) / volatility
        front = np.ceil(np.log2(np.clip(np.nan_to_num(sharpness), 1.0, 128.0)))
    return np.where(sharpness > _SHARP, front.astype(np.int64) - 1, settles.astype(np.int64))


@kernel
def horizon(rate: float, dividend_yield: float, volatility: float, time: float) -> float:
    """The time up to which a put's boundary must be solved: time, or less where a single one has settled before.

    It gets to the perpetual option's as the mass of paths decays that are neither exercised nor discounted away: at the
    rate r + (r - q - volatility**2 / 2)**2 / (2 volatility**2).
    """
    if rate <= 0.0 or volatility == 0.0:
        return time
    variance = volatility * volatility
    drift = rate - dividend_yield - 0.5 * variance
    settled = _SETTLED / (rate + 0.5 * drift * drift / variance)
    return min(time, max(settled, _SHORTEST / variance))


@kernel
def _falls(g: Array, side: int) -> bool:
    """Whether a boundary moves one way, as it must: past the time where two meet Newton's method may end anywhere."""
    falls = True
    for i in range(g.shape[1] - 1):
        falls = falls and g[side, i] >= g[side, i + 1]
    return falls


@kernel
def solve(
    rate: float, dividend_yield: float, volatility: float, time: float, with_tangents: bool, t: Tables, space: Space
) -> int:
    """Solve the boundary, or both, of a put with strike 1 into space; returns 0 or BAD_BOUNDARY.

    time: up to which to solve, as :func:`horizon` has it.

    Two boundaries are solved up to expiry or to where they meet, whichever is earlier. Up to there each obeys its own
    single-boundary equation: continuing the exercise region past the other boundary changes no value on this side.
    """
    which = regime(rate, dividend_yield)
    space.scope[0] = time
    space.scope[1] = which
    if which == EUROPEAN or volatility * math.sqrt(time) < _DETERMINISTIC:
        return 0
    # Interest on the strike and a negative yield's gain on the spot, up to expiry, bound the premium.
    if (max(rate, 0.0) + max(-dividend_yield, 0.0)) * time * math.exp(-min(rate, 0.0) * time) < _NO_PREMIUM:
        space.scope[1] = EUROPEAN
        return 0
    space.scope[3] = 0.0
    start = space.start
    for j in range(3):
        start[0, j] = 0.0
    if which == DOUBLE or dividend_yield > rate:
        lower = which - SINGLE
        start[lower, 0] = math.log(rate / dividend_yield)
        start[lower, 1] = 1.0 / rate
        start[lower, 2] = -1.0 / dividend_yield
    width = -start[1, 0]
    meeting = time
    if which == DOUBLE:
        carry = rate - dividend_yield
        slope = math.sqrt(math.log1p((volatility / (carry * width)) ** 2 * volatility**2 / (8.0 * math.pi)))
        meeting = (width / (volatility * (slope + 1.28))) ** 2
        # The premium is less than a triangle of that length and the greatest gain from exercise.
        if -0.25 * dividend_yield * width * meeting < _NEGLIGIBLE:
            space.scope[1] = EUROPEAN
            return 0
    if which == SINGLE:
        solved = solve_boundary(rate, dividend_yield, volatility, time, 0, with_tangents, t, space)
        return 0 if solved >= 0 else BAD_BOUNDARY
    low = 0.0
    low_gap = width
    high = math.inf
    high_gap = 0.0
    reach = math.inf  # a step that is not too long for Newton's method
    probe = time
    wanted = 0.5 * _MEETING_GAP * width
    for step in range(_MEETING_STEPS):
        both = True
        for side in range(2):
            sweeps = solve_boundary(rate, dividend_yield, volatility, probe, side, with_tangents, t, space)
            both = both and sweeps >= 0 and _falls(space.g, side)
        gap = width - space.g[0, 0] - space.g[1, 0] if both else math.nan
        following = math.inf
        if gap >= 0.0:
            space.scope[0] = probe
            if probe in (time, low) or gap <= _MEETING_GAP * width:
                return 0
            # Each boundary goes on past where they meet, so that the gap leads to there.
            following = probe + (probe - low) * (gap - wanted) / (low_gap - gap) if gap < low_gap else math.inf
            low, low_gap = probe, gap
            space.scope[3] = 1.0
            space.near[:] = space.g
            reach = math.inf
        elif gap < 0.0:
            high, high_gap = probe, gap
        else:
            reach = 0.5 * (probe - low)
        if low == 0.0:
            probe = min(0.5 * probe, meeting)
            continue
        if high < math.inf:
            share = (low_gap - wanted) / (low_gap - high_gap) if step % 4 != 3 else 0.5
            following = low + (high - low) * share
        probe = min(following, low + reach, time)
        # The upper boundary may fall so steeply that no time with a small gap is found: then the last one serves.
        if probe - low <= _MEETING_TIME * low:
            probe = low
    return BAD_BOUNDARY


@kernel
def _add_premium(
    spot: float,
    strike: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    which: int,
    side: float,
    sign: float,
    order: int,
    t: Tables,
    space: Space,
) -> None:
    """Add ``sign`` times the early-exercise integral of one boundary to ``space.total``.

    ``which`` names the boundary; the exercise region counted is below it for side = +1, above it for side = -1.
    """
    p = t.price_weight.size
    n = t.node.size
    log_spot = math.log(spot / strike)
    carry = rate - dividend_yield
    start = space.start[which, 0]
    away = 1.0 - 2.0 * which
    # Two boundaries are integrated over up to where they meet; a single one all along, settled as it may be before.
    until = space.scope[0]
    span = time if space.scope[1] == SINGLE else until
    rest = time - span
    table = t.price_interpolate
    if until < span:
        table = space.table
        for k in range(p):
            weights_at(min(t.price_sine[k] * math.sqrt(span / until), 1.0), t.node, space.weights)
            for j in range(n):
                table[j, k] = space.weights[j]
    g = space.g[which]
    w = space.points
    level, scale, a, cdf_minus, pdf_minus, cdf_plus, cash, stock = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
    for k in range(p):
        level[k] = 0.0
    for j in range(n):
        h = g[j] * g[j]
        for k in range(p):
            level[k] += table[j, k] * h
    for k in range(p):
        level[k] = math.sqrt(max(level[k], _G_FLOOR))
    for k in range(p):
        v = rest + span * t.price_cosine[k] * t.price_cosine[k]
        scale[k] = volatility * math.sqrt(v)
    for k in range(p):
        v = rest + span * t.price_cosine[k] * t.price_cosine[k]
        a[k] = (log_spot - start + away * level[k] + carry * v) / scale[k]
    for k in range(p):
        cdf_minus[k], pdf_minus[k] = normal_cdf_pdf(-side * (a[k] - 0.5 * scale[k]))
    for k in range(p):
        cdf_plus[k], stock[k] = normal_cdf_pdf(-side * (a[k] + 0.5 * scale[k]))
    for k in range(p):
        v = rest + span * t.price_cosine[k] * t.price_cosine[k]
        cash[k] = sign * span * t.price_weight[k] * strike * exponential(-rate * v)
    for k in range(p):
        v = rest + span * t.price_cosine[k] * t.price_cosine[k]
        stock[k] = sign * span * t.price_weight[k] * spot * exponential(-dividend_yield * v) * cdf_plus[k]
    total = space.total
    value = 0.0
    for k in range(p):
        value += rate * cash[k] * cdf_minus[k] - dividend_yield * stock[k]
    total[V] += value
    if order == 0:
        return
    tangents = space.tangents[which]
    start_rate, start_yield = space.start[which, 1], space.start[which, 2]
    for k in range(p):
        x = 0.0
        y = 0.0
        z = 0.0
        xx = 0.0
        for j in range(n):
            c = table[j, k]
            x += c * g[j] * tangents[0, j]
            y += c * g[j] * tangents[1, j]
            z += c * g[j] * tangents[2, j]
            xx += c * (tangents[0, j] * tangents[0, j] + g[j] * tangents[3, j])
        x /= level[k]
        xx = (xx - x * x) / level[k]
        b_s = -away * x
        b_ss = -away * xx
        b_r = start_rate - away * y / level[k]
        b_q = start_yield - away * z / level[k]
        v = rest + span * t.price_cosine[k] * t.price_cosine[k]
        s = scale[k]
        minus = a[k] - 0.5 * s
        plus = a[k] + 0.5 * s
        e = side * cash[k] * pdf_minus[k]
        flow_b = dividend_yield * exponential(start - away * level[k])
        flow = rate - flow_b
        held = dividend_yield * stock[k]
        paid = cash[k] * cdf_minus[k]
        f_b = e * flow / s
        f_lb = -minus / s * f_b
        slope = -b_s / s
        a1 = slope - a[k] / volatility
        a2 = -b_ss / s - 2.0 * slope / volatility + 2.0 * a[k] / (volatility * volatility)
        h = 0.5 * s / volatility
        total[V_L] += -f_b - held
        total[V_LL] += minus / s * f_b - held + flow_b * e / s
        total[V_S] += -e * (rate * (a1 - h) - flow_b * (a1 + h))
        total[V_SS] += -e * (rate * (a2 - minus * (a1 - h) ** 2) - flow_b * (a2 - plus * (a1 + h) ** 2))
        total[V_LS] += e / volatility * (flow - minus * (rate * plus - flow_b * minus)) / s + f_lb * b_s
        tilt = f_b * v
        total[V_R] += paid * (1.0 - rate * v) - tilt + f_b * b_r
        total[V_Q] += -stock[k] * (1.0 - dividend_yield * v) + tilt + f_b * b_q
        f_lr = -e * (1.0 - rate * v) / s + minus / s * tilt
        total[V_LR] += f_lr + f_lb * b_r
        b_e = e * exponential(start - away * level[k]) / s
        total[V_LQ] += -(1.0 - dividend_yield * v) * (stock[k] - b_e) - minus / s * tilt + f_lb * b_q


@kernel
def _meeting_volga(
    spot: float, strike: float, rate: float, dividend_yield: float, volatility: float, time: float, space: Space
) -> float:
    """What the meeting time's dependence on volatility adds to volga where two boundaries have met.

    The premium's integrand vanishes where they meet, but its derivative does not: it is f_b times the derivative of
    the gap between them, and the meeting time moves by minus the gap's derivatives' ratio.
    """
    horizon = space.scope[0]
    v = time - horizon
    s = volatility * math.sqrt(v)
    boundary = space.start[0, 0] - space.g[0, 0]
    minus = (math.log(spot / strike) - boundary + (rate - dividend_yield) * v) / s - 0.5 * s
    _, density = normal_cdf_pdf(minus)
    f_b = strike * exponential(-rate * v) * density * (rate - dividend_yield * exponential(boundary)) / s
    gap_s = -space.tangents[0, 0, 0] - space.tangents[1, 0, 0]
    gap_r = -space.start[1, 1] - space.tangents[0, 1, 0] - space.tangents[1, 1, 0]
    gap_q = -space.start[1, 2] - space.tangents[0, 2, 0] - space.tangents[1, 2, 0]
    return float(-f_b * gap_s * gap_s * horizon / (0.5 * volatility * gap_s + rate * gap_r + dividend_yield * gap_q))


@kernel
def deterministic(
    spot: float, strike: float, rate: float, dividend_yield: float, time: float, american: int, total: Array
) -> None:
    """The limit of no volatility: the best of exercising now, at expiry or at the stationary time, or never.

    american: 1 for that, 0 for exercise at expiry or never, -1 for the forward, exercised at expiry whatever it costs.
    """
    total[:] = 0.0
    best = strike * math.exp(-rate * time) - spot * math.exp(-dividend_yield * time)
    when = time
    if american > 0:
        if strike - spot >= best:
            best = strike - spot
            when = 0.0
        carry = rate - dividend_yield
        if carry != 0.0 and rate * strike * dividend_yield * spot > 0.0:
            stationary = math.log(rate * strike / (dividend_yield * spot)) / carry
            if 0.0 < stationary < time:
                value = strike * math.exp(-rate * stationary) - spot * math.exp(-dividend_yield * stationary)
                if value > best:
                    best = value
                    when = stationary
    if best > 0.0 or american < 0:
        cash = strike * math.exp(-rate * when)
        stock = spot * math.exp(-dividend_yield * when)
        total[V] = best
        total[V_L] = -stock
        total[V_LL] = -stock
        total[V_R] = -when * cash
        total[V_Q] = when * stock
        total[V_LQ] = when * stock


@kernel
def evaluate(
    spot: float,
    strike: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    american: int,
    t: Tables,
    space: Space,
) -> None:
    """Value of a put into ``space.total``, its boundary solved before; derivatives where ``space.scope`` wants them."""
    order = int(space.scope[2])
    total = space.total
    if volatility * math.sqrt(time) < _DETERMINISTIC:
        deterministic(spot, strike, rate, dividend_yield, time, american, total)
        return
    kind = int(space.scope[1]) if american else EUROPEAN
    bound = strike * math.exp(-min(rate, 0.0) * time)
    whole = space.scope[0] == time
    level = math.log(spot / strike)
    lower_side = False
    if kind != EUROPEAN:
        lower_side = kind == DOUBLE and whole and level < space.start[1, 0] + space.g[1, 0]
        if (kind == SINGLE or whole) and level <= space.start[0, 0] - space.g[0, 0] and not lower_side:
            total[:] = 0.0
            total[V] = strike - spot
            total[V_L] = -spot
            total[V_LL] = -spot
            return
    floor = 0.0
    if lower_side:
        # Below the lower boundary: the forward, and what exercise above that boundary adds to it.
        deterministic(spot, strike, rate, dividend_yield, time, american - 2, total)
    elif order == 0:
        total[V] = european_put_value(spot, strike, rate, dividend_yield, volatility, time)
        floor = total[V]
    else:
        european_put(spot, strike, rate, dividend_yield, volatility, time, total)
        floor = total[V]
    if kind != EUROPEAN:
        # One boundary's own side needs its term alone; past the meeting time both count, the lower one taken away.
        both = kind == DOUBLE and not whole
        first = 1 if lower_side else 0
        last = 2 if both or lower_side else 1
        for which in range(first, last):
            side = -1.0 if lower_side else 1.0
            sign = -1.0 if both and which == 1 else 1.0
            _add_premium(spot, strike, rate, dividend_yield, volatility, time, which, side, sign, order, t, space)
        if both and order > 0:
            total[V_SS] += _meeting_volga(spot, strike, rate, dividend_yield, volatility, time, space)
    if american:
        floor = max(floor, strike - spot)
    total[V] = min(max(total[V], floor), bound)
