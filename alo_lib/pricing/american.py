"""American options: regimes settled first, then one boundary a parameter set and one integral a strike.

Everything is reduced to a put with strike 1: a call is the put with spot and strike, rate and yield exchanged
(McDonald and Schroder 1998), and boundary and value scale with the strike. Eight puts are valued at once, one a lane.

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
from alo_lib.numerics.compilation import jumped_kernel, kernel
from alo_lib.numerics.elementary import exponential, fma, normal_cdf_pdf
from alo_lib.numerics.lanes import LANES, align_stack, load, store
from alo_lib.pricing.boundary import prepare, set_limit, solve_boundary, solve_tangents
from alo_lib.pricing.european import P_RATE, P_SPOT, P_STRIKE, P_TIME, P_VOLATILITY, P_YIELD, V_SS, WITH_NONE, Wanted
from alo_lib.pricing.premium import (
    BELOW,
    BY_RATE,
    BY_SIGMA,
    BY_SIGMA2,
    BY_YIELD,
    EXERCISED,
    MET,
    P_CASE,
    P_SIDE,
    P_SIGN,
    P_SPAN,
    P_START,
    P_START_Q,
    P_START_R,
    PLAIN,
    SQUARE,
    SURE,
    Puts,
)
from alo_lib.pricing.scheme import LONG, PRICE_SINE, Tables
from alo_lib.pricing.space import (
    ACTIVE,
    FAILED,
    KIND,
    NEAR,
    RATE,
    SEARCH,
    SPAN,
    START,
    START_Q,
    START_R,
    TIME,
    UNTIL,
    VOLATILITY,
    YIELD,
    Space,
)

__all__ = [
    "DOUBLE",
    "EUROPEAN",
    "SINGLE",
    "add_meeting_volga",
    "boundary_points",
    "decay",
    "difficulty",
    "horizon",
    "place",
    "regime",
    "set_put",
    "solve",
]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

EUROPEAN, SINGLE, DOUBLE = 0, 1, 2

_SHARP = 4.0
_SETTLED = 20.0  # in units of the slowest decay's time
_SHORTEST = 1e-14  # variance until which every boundary is solved
_DETERMINISTIC = 1e-8  # volatility * sqrt(time) below which the spot's path is its forward
_NO_PREMIUM = 1e-10  # of the strike
_NEGLIGIBLE = 1e-9  # of the strike
_FLAT = 0.99
_MEETING_TIME = 1e-7  # relative
_MEETING_STEPS = 200
_MEETING_GAP = 1e-8  # of ln(r/q), at which the two boundaries count as having met

# Rows of Space.put: times up to which two boundaries have not met, and have; the gaps between them there; how long
# a step Newton's method can take; the time to try next, 0 where there is nothing to find; the time up to which they are
# wanted; about when they meet.
_LOW, _LOW_GAP, _HIGH, _HIGH_GAP, _REACH, _PROBE, _WANTED, _MEETING = range(SEARCH, SEARCH + 8)


@kernel
def regime(rate: float, dividend_yield: float) -> int:
    """Which of the three cases the put is in."""
    if rate <= 0.0 and dividend_yield >= rate:
        return EUROPEAN
    if rate < 0.0:
        return DOUBLE
    return SINGLE


@kernel
def decay(rate: float, dividend_yield: float, volatility: float) -> float:
    """The rate a year at which the distance of a put's boundary from the perpetual option's decays; r > 0 or q < 0."""
    variance = volatility * volatility
    drift = rate - dividend_yield - 0.5 * variance
    return rate + 0.5 * (drift * drift) / variance


@kernel
def difficulty(rate: float, dividend_yield: float, volatility: float, time: float, longest: float) -> int:
    """How much denser a scheme a put needs (:meth:`Scheme.denser`): 0 for nearly all.

    1 where the boundary has time to settle or a negative yield to grow, which takes more nodes; longest: how far it may
    settle with the scheme's own nodes (:attr:`Scheme.longest`). More where spot drifts
    into the exercise region, from above or to two boundaries from below, at a time that is known the better the
    smaller volatility is: the price integral has a front there.
    """
    kind = regime(rate, dividend_yield)
    if kind == EUROPEAN or volatility * math.sqrt(time) < _DETERMINISTIC:
        return 0
    carry = rate - dividend_yield
    sharpness = (carry if kind == DOUBLE else -carry) * math.sqrt(time) / volatility
    if sharpness > _SHARP:
        return math.ceil(math.log2(min(sharpness, 128.0))) - 1
    if kind == DOUBLE:
        return 0
    drift = carry - 0.5 * volatility * volatility
    slowest = rate + 0.5 * (drift / volatility) ** 2
    return int(slowest * time > longest or -dividend_yield * time > LONG)


@kernel
def horizon(rate: float, dividend_yield: float, volatility: float, time: float) -> float:
    """The time up to which a put's boundary must be solved: time, or less where it has settled before.

    It gets to the perpetual option's as the mass of paths decays that are neither exercised nor discounted away: at the
    rate r + (r - q - volatility**2 / 2)**2 / (2 volatility**2). Two boundaries do so where that is positive; else they
    meet.
    """
    if rate == 0.0 or volatility == 0.0:
        return time
    variance = volatility * volatility
    drift = rate - dividend_yield - 0.5 * variance
    slowest = rate + 0.5 * drift * drift / variance
    if slowest <= 0.0:
        return time
    return min(time, max(_SETTLED / slowest, _SHORTEST / variance))


@kernel
def _falls(which: int, lane: int, n: int, g: Array) -> bool:
    """Whether a boundary moves one way, as it must: past the time where two meet Newton's method may end anywhere.

    One that has settled long before is flat, but for the error of its nodes.
    """
    falls = True
    for i in range(which * n, which * n + n - 1):
        falls = falls and g[i, lane] >= _FLAT * g[i + 1, lane]
    return falls


@kernel
def set_put(lane: int, rate: float, dividend_yield: float, volatility: float, time: float, put: Array) -> None:
    """Say in ``Space.put`` which put's boundaries the lane is to hold; UNTIL may be lowered before they are solved."""
    put[RATE, lane] = rate
    put[YIELD, lane] = dividend_yield
    put[VOLATILITY, lane] = volatility
    put[TIME, lane] = put[UNTIL, lane] = put[SPAN, lane] = time


@kernel
def _settle_regime(lane: int, put: Array) -> None:
    """Settle the lane's regime; what is left to be solved becomes ``ACTIVE``."""
    rate, dividend_yield = put[RATE, lane], put[YIELD, lane]
    volatility, time = put[VOLATILITY, lane], put[UNTIL, lane]
    which = regime(rate, dividend_yield)
    put[KIND, lane] = which
    put[ACTIVE, lane] = put[NEAR, lane] = put[FAILED, lane] = put[_PROBE, lane] = 0.0
    for row in range(START, START_Q + 2):
        put[row, lane] = 0.0
    if which == EUROPEAN or volatility * math.sqrt(time) < _DETERMINISTIC:
        return
    # Interest on the strike and a negative yield's gain on the spot, up to expiry, bound the premium.
    if (max(rate, 0.0) + max(-dividend_yield, 0.0)) * time * math.exp(-min(rate, 0.0) * time) < _NO_PREMIUM:
        put[KIND, lane] = EUROPEAN
        return
    if which == DOUBLE or dividend_yield > rate:
        lower = which - SINGLE
        put[START + lower, lane] = math.log(rate / dividend_yield)
        put[START_R + lower, lane] = 1.0 / rate
        put[START_Q + lower, lane] = -1.0 / dividend_yield
    if which == DOUBLE:
        width = -put[START + 1, lane]
        carry = rate - dividend_yield
        slope = math.sqrt(math.log1p((volatility / (carry * width)) ** 2 * volatility**2 / (8.0 * math.pi)))
        meeting = (width / (volatility * (slope + 1.28))) ** 2
        # The premium is less than a triangle of that length and the greatest gain from exercise.
        if -0.25 * dividend_yield * width * meeting < _NEGLIGIBLE:
            put[KIND, lane] = EUROPEAN
            return
        put[_LOW, lane] = 0.0
        put[_LOW_GAP, lane] = width
        put[_HIGH, lane] = put[_REACH, lane] = math.inf
        put[_HIGH_GAP, lane] = 0.0
        put[_PROBE, lane] = put[_WANTED, lane] = time
        put[_MEETING, lane] = meeting
        set_limit(1, lane, put)
    set_limit(0, lane, put)
    put[ACTIVE, lane] = 1.0


@kernel
def _next_probe(lane: int, step: int, n: int, space: Space) -> bool:
    """After both boundaries were tried up to the lane's probe: the next one, or that the search is over.

    Each boundary goes on past where they meet, so that the gap between them leads to there.
    """
    put = space.put
    time = put[_WANTED, lane]
    width = -put[START + 1, lane]
    probe, low, low_gap = put[_PROBE, lane], put[_LOW, lane], put[_LOW_GAP, lane]
    wanted = 0.5 * _MEETING_GAP * width
    both = put[FAILED, lane] == 0.0 and _falls(0, lane, n, space.g) and _falls(1, lane, n, space.g)
    gap = width - space.g[0, lane] - space.g[n, lane] if both else math.nan
    following = math.inf
    if gap >= 0.0:
        if probe in (time, low) or gap <= _MEETING_GAP * width:
            return True
        following = probe + (probe - low) * (gap - wanted) / (low_gap - gap) if gap < low_gap else math.inf
        low, low_gap = probe, gap
        put[_LOW, lane], put[_LOW_GAP, lane] = low, low_gap
        put[NEAR, lane] = 1.0
        for i in range(2 * n):
            space.near[i, lane] = space.g[i, lane]
        put[_REACH, lane] = math.inf
    elif gap < 0.0:
        put[_HIGH, lane], put[_HIGH_GAP, lane] = probe, gap
    else:
        put[_REACH, lane] = 0.5 * (probe - low)
    if low == 0.0:
        probe = min(0.5 * probe, put[_MEETING, lane])
    else:
        high, high_gap = put[_HIGH, lane], put[_HIGH_GAP, lane]
        if high < math.inf:
            share = (low_gap - wanted) / (low_gap - high_gap) if step % 4 != 3 else 0.5
            following = low + (high - low) * share
        probe = min(following, low + put[_REACH, lane], time)
        # The upper boundary may fall so steeply that no time with a small gap is found: then the last one serves.
        if probe - low <= _MEETING_TIME * low:
            probe = low
    put[_PROBE, lane] = probe
    return False


@jumped_kernel
def solve(count: int, wanted: Wanted, t: Tables, space: Space) -> int:
    """Solve the boundary, or both, of the puts in the first ``count`` lanes of ``space.put``; FAILED tells where not.

    Returns how many boundaries there are, 0 where all puts are European.

    wanted: whether with the derivatives that prices or greeks need, see WITH_NONE. Two boundaries are solved up to
    UNTIL or to where they meet, whichever is earlier; UNTIL and SPAN then are that. Up to there each obeys its own
    single-boundary equation: continuing the exercise region past the other boundary changes no value on this side.
    """
    n = t.node.size
    put = space.put
    boundaries = searched = 0
    for lane in range(LANES):
        if lane >= count:
            set_put(lane, put[RATE, 0], put[YIELD, 0], put[VOLATILITY, 0], put[TIME, 0], put)
            put[UNTIL, lane] = put[UNTIL, 0]
        _settle_regime(lane, put)
        if lane >= count:
            put[ACTIVE, lane] = put[_PROBE, lane] = 0.0
        if put[ACTIVE, lane] > 0.0:
            boundaries = max(boundaries, 1)
        if put[_PROBE, lane] > 0.0:
            boundaries = 2
            searched += 1
    if boundaries == 0:
        return 0
    # Which boundary is a variable all along: numba would compile everything below once more for each literal.
    for step in range(_MEETING_STEPS):
        prepare(t, space)
        for which in range(boundaries):
            if step > 0 or which > 0:
                for lane in range(LANES):
                    # One that failed on the first side is not tried on the other.
                    put[ACTIVE, lane] = 1.0 if put[_PROBE, lane] > 0.0 and put[FAILED, lane] == 0.0 else 0.0
            solve_boundary(which, t, space)
        for lane in range(LANES):
            if put[_PROBE, lane] == 0.0:
                continue
            if _next_probe(lane, step, n, space):
                put[_PROBE, lane] = 0.0
                searched -= 1
                if put[UNTIL, lane] < put[_WANTED, lane]:
                    put[SPAN, lane] = put[UNTIL, lane]
            else:
                put[UNTIL, lane] = put[_PROBE, lane]
                put[FAILED, lane] = 0.0
        if searched == 0:
            break
    for lane in range(LANES):
        if put[_PROBE, lane] > 0.0:
            put[FAILED, lane] = 1.0
    if wanted is None or wanted == WITH_NONE:
        return boundaries
    if boundaries > 1:
        prepare(t, space)
    for which in range(boundaries):
        solve_tangents(which, t, space)
    return boundaries


@jumped_kernel
def boundary_points(which: int, wanted: Wanted, t: Tables, points: Array, space: Space) -> None:
    """Boundaries ``which`` and the derivatives wanted at the points of their puts' price integrals, into points.

    points: as :func:`add_premium` reads them.
    """
    align_stack()
    n, p = t.node.size, t.price.shape[1]
    put, g, tangents, weights = space.put, space.g, space.tangents, space.table
    for k in range(p):
        for j in range(n):
            store(weights, k * n + j, t.price_interpolate[k, j])
    for lane in range(LANES):
        if put[UNTIL, lane] < put[SPAN, lane]:
            stretch = math.sqrt(put[SPAN, lane] / put[UNTIL, lane])
            for k in range(p):
                weights_at(min(t.price[PRICE_SINE, k] * stretch, 1.0), t.node, weights, k * n, lane)
    first, of_first = which * n, which * 4 * n
    for k in range(p):
        square = 0.0
        for j in range(n):
            own = load(g, first + j)
            square = fma(load(weights, k * n + j), own * own, square)
        store(points, SQUARE * p + k, square)
        if wanted is None or wanted == WITH_NONE:
            continue
        x = y = z = xx = 0.0
        for j in range(n):
            own, c = load(g, first + j), load(weights, k * n + j)
            by_sigma = load(tangents, of_first + j)
            x = fma(c * own, by_sigma, x)
            xx = fma(c, by_sigma * by_sigma + own * load(tangents, of_first + 3 * n + j), xx)
            y = fma(c * own, load(tangents, of_first + n + j), y)
            z = fma(c * own, load(tangents, of_first + 2 * n + j), z)
        store(points, BY_SIGMA * p + k, x)
        store(points, BY_SIGMA2 * p + k, xx)
        store(points, BY_RATE * p + k, y)
        store(points, BY_YIELD * p + k, z)


@kernel
def place(count: int, american: int, n: int, boundaries: Array, g: Array, source: Integers, put: Array) -> None:
    """Fill in the rest of the first ``count`` lanes of ``Puts.put``, whose P_SPOT and P_STRIKE are there.

    source: the lane of each one's boundary; boundaries, g: ``put`` and ``g`` of a Space with n nodes.
    """
    for lane in range(count):
        of = source[lane]
        time, span, volatility = boundaries[TIME, of], boundaries[SPAN, of], boundaries[VOLATILITY, of]
        kind = int(boundaries[KIND, of]) if american else EUROPEAN
        put[P_RATE, lane] = boundaries[RATE, of]
        put[P_YIELD, lane] = boundaries[YIELD, of]
        put[P_VOLATILITY, lane] = volatility
        put[P_TIME, lane] = time
        put[P_SPAN, lane] = span
        for which in range(2):
            put[P_START + which, lane] = boundaries[START + which, of]
            put[P_START_R + which, lane] = boundaries[START_R + which, of]
            put[P_START_Q + which, lane] = boundaries[START_Q + which, of]
        case, side, upper, lower = PLAIN, 1.0, 0.0 if kind == EUROPEAN else 1.0, 0.0
        whole = span == time
        if volatility * math.sqrt(time) < _DETERMINISTIC:
            case, upper = SURE, 0.0
        elif kind != EUROPEAN:
            level = math.log(put[P_SPOT, lane] / put[P_STRIKE, lane])
            if kind == DOUBLE and whole and level < boundaries[START + 1, of] + g[n, of]:
                # Below the lower boundary: the forward, and what exercise above that boundary adds to it.
                case, side, upper, lower = BELOW, -1.0, 0.0, 1.0
            elif whole and level <= boundaries[START, of] - g[0, of]:
                case, upper = EXERCISED, 0.0
            elif not whole:
                # Past the meeting time both boundaries count, the lower one taken away.
                case, lower = MET, -1.0
        put[P_CASE, lane], put[P_SIDE, lane] = case, side
        put[P_SIGN, lane], put[P_SIGN + 1, lane] = upper, lower


@kernel
def add_meeting_volga(count: int, space: Space, puts: Puts) -> None:
    """Add to volga, where two boundaries have met, what the meeting time's dependence on volatility does to it.

    The premium's integrand vanishes where they meet, but its derivative does not: it is f_b times the derivative of
    the gap between them, and the meeting time moves by minus the gap's derivatives' ratio.
    """
    put, tangents = puts.put, space.tangents
    n = space.g.shape[0] // 2
    upper, lower = 0, 4 * n
    for lane in range(count):
        if put[P_CASE, lane] != MET:
            continue
        of = puts.source[lane]
        rate, dividend_yield, volatility = put[P_RATE, lane], put[P_YIELD, lane], put[P_VOLATILITY, lane]
        meeting = put[P_SPAN, lane]
        v = put[P_TIME, lane] - meeting
        s = volatility * math.sqrt(v)
        boundary = space.put[START, of] - space.g[0, of]
        minus = (
            math.log(put[P_SPOT, lane] / put[P_STRIKE, lane]) - boundary + (rate - dividend_yield) * v
        ) / s - 0.5 * s
        _, density = normal_cdf_pdf(minus)
        f_b = (
            put[P_STRIKE, lane] * exponential(-rate * v) * density * (rate - dividend_yield * exponential(boundary)) / s
        )
        gap_s = -tangents[upper, of] - tangents[lower, of]
        gap_r = -put[P_START_R + 1, lane] - tangents[upper + n, of] - tangents[lower + n, of]
        gap_q = -put[P_START_Q + 1, lane] - tangents[upper + 2 * n, of] - tangents[lower + 2 * n, of]
        by_time = 0.5 * volatility * gap_s + rate * gap_r + dividend_yield * gap_q
        puts.total[V_SS, lane] -= f_b * gap_s * gap_s * meeting / by_time
