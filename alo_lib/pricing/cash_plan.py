"""How an option with dividends is laid out on grids: stretches between ex-times, their range of spot and their steps.

A stretch has a grid of its own, uniform in the logarithm of spot, in a frame that moves with a part of the drift: the
part that is left never exceeds what a cell's diffusion smooths, so that little volatility costs no accuracy. The grid
covers what matters: where spot can be seen from today, and where the payoff is not yet sure.

All is in units of the strike. Nodes run from the side that is exercised: upwards for a put, downwards for a call.
"""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.terms import Cash, Option

__all__ = [
    "AMOUNT",
    "ASIDE",
    "BASE",
    "BLUR",
    "FRAME",
    "JUMP",
    "KEPT",
    "KINK",
    "LENGTH",
    "NEW",
    "PLACE",
    "PLAN_ROWS",
    "RANGE",
    "START",
    "WHOLE",
    "WORTHLESS",
    "plan_option",
    "segment_limit",
]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

START, RANGE, FRAME, WHOLE, BASE, LENGTH, AMOUNT, KEPT, WORTHLESS, PLACE, KINK, JUMP, BLUR, ASIDE = range(14)
"""A segment's rows in a plan: logarithm of spot at the first node, at the stretch's end; from there to the last node,
signed; how fast the frame moves, a year; length of the stretch; time from the segment's end to the stretch's, and the
segment's length; dividend at the stretch's end and what is kept of spot there; what an option on nothing is worth
there; in the first stretch where on the grid spot is today, 0 to 1; logarithm of the spot just before the dividend from
which the strike is just reached, the slope's jump there by the logarithm of spot, and the variance that smooths it;
what escrowed dividends set aside at the end of the grid, see :mod:`escrow`."""
PLAN_ROWS = 14
NEW = 1 << 20
"""Added to the steps of a segment that begins a stretch."""

_WIDTH = 5.0  # standard deviations that a grid reaches from where spot is expected
_LEAST_WIDTH = 1.0  # of a grid, in standard deviations of what is covered
_PECLET = 1.0  # drift within the frame over what diffuses, in a cell
_MARGIN = 0.05  # of a grid, between its ends and spot
_PERPETUAL_MARGIN = 0.02  # in standard deviations
_LEAST_STEPS = 2
_BOUNDARY_AT = 0.9  # of the strike: about where a put is exercised when waiting for a dividend ends
_LEAST_SHARE = 0.02  # of a stretch that is worth a segment
_SHORT = 0.05  # of the life: stretches that end it are a small world of their own around the strike
_NEWTON_STEPS = 6
_LEAST_STRIKE = 1e-9  # less what is set aside
_NOTHING = -1e9  # logarithm of a spot that is gone


@kernel
def segment_limit(cash: Cash) -> int:
    """The most segments that an option of these schedules has."""
    most = 0
    for i in range(cash.rows.shape[0]):
        most = max(most, cash.rows[i, 1] - cash.rows[i, 0])
    return 2 * (most + 1)


@kernel
def _reached(t: float, drift: float, deviation: float, spot: float, row: int, end: int, cash: Cash) -> float:
    """Logarithm of the spot at time t on the path that is ``deviation`` off by then, dividends before row end paid."""
    s, now = spot, 0.0
    slope = drift + deviation / t if t > 0.0 else 0.0
    for k in range(row, end):
        s *= math.exp(slope * (cash.times[k] - now))
        s = s * cash.kept[k] - cash.amounts[k]
        now = cash.times[k]
        if s <= 0.0:
            return _NOTHING
    return math.log(s) + slope * (t - now)


@kernel
def _perpetual_call(rate: float, dividend_yield: float, variance: float) -> float:
    """Logarithm of the spot over strike from which an American call is exercised at the latest; infinite if never.

    Cash dividends make calls cheaper, so that they are exercised no later than without.
    """
    if dividend_yield <= 0.0:
        return math.inf
    half = 0.5 - (rate - dividend_yield) / variance
    square = half * half + 2.0 * rate / variance
    if square <= 0.0:
        return math.inf
    root = half + math.sqrt(square)
    return math.log(root / (root - 1.0)) if root > 1.0 else math.inf


@kernel
def _waiting(option: Option, held: float, length: float) -> float:
    """How long before an ex-time a put near the strike is held for the dividend, at most ``length``.

    held: what a put far in the money is worth just before the ex-time, and spot, in units of the strike.
    """
    rate, dividend_yield = option.rate, option.dividend_yield
    spot = _BOUNDARY_AT * (min(1.0, rate / dividend_yield) if dividend_yield > max(rate, 0.0) else 1.0)
    tau = 0.0
    for _ in range(_NEWTON_STEPS):
        worth, lost = held * math.exp(-rate * tau), spot * math.exp(-dividend_yield * tau)
        slope = dividend_yield * lost - rate * worth
        if not slope < 0.0:
            return length
        tau -= (worth - 1.0 + spot - lost) / slope
    return tau if _LEAST_SHARE * length < tau < (1.0 - _LEAST_SHARE) * length else length


@kernel
def _add_segments(count: int, length: float, cut: float, share: float, steps: Integers, plan: Array) -> int:
    """Cut the stretch whose plan is in row ``count`` into its segments; returns how many there are then."""
    for k in range(2 if cut < length else 1):
        if k == 1:
            for row in range(PLAN_ROWS):
                plan[count + 1, row] = plan[count, row]
            count += 1
        base, span = (cut, length - cut) if k == 1 else (0.0, cut)
        plan[count, BASE], plan[count, LENGTH] = base, span
        # The error of a kink that a stretch begins with is like the root of its length, and the steps' square.
        wanted = math.ceil(share * math.sqrt(math.sqrt(span)))
        steps[count] = max(_LEAST_STEPS, wanted) + (0 if k == 1 else NEW)
    return count + 1


@kernel
def plan_option(
    option: Option,
    sigma: float,
    first: int,
    last: int,
    cash: Cash,
    cells: int,
    unit: int,
    everywhere: bool,
    plan: Array,
    steps: Integers,
) -> None:
    """The plan of one option whose dividends are rows first to last: its segments, latest first.

    cells, unit: cells of a grid and steps of the whole life, before they are multiplied. everywhere: each stretch
    covers what spot may reach by expiry, not only by then. plan (segments, PLAN_ROWS), steps (segments): the steps of
    each, 0 past the last one.
    """
    _, strike, rate, dividend_yield, time, call, american = option
    spot = option.spot / strike
    while last > first and cash.times[last - 1] >= time:
        last -= 1
    variance = sigma * sigma
    drift = rate - dividend_yield - 0.5 * variance
    steps[:] = 0
    side = 1.0 if call else -1.0
    count = 0
    later = time
    held = 1.0  # what a put far in the money is worth after the dividends so far, and spot
    dear, least = 1.0, 1.0  # spot that just pays the dividends and the strike; least of the strike and the dividends
    aside, lowest = 0.0, 0.0  # what is set aside, and logarithm of the least strike less that
    gone, whole = 0.0, 1.0  # spot that just pays the dividends; what proportional ones leave
    share = unit / math.sqrt(math.sqrt(time))
    for k in range(last, first - 1, -1):
        end = cash.times[k] if k < last else time
        begin = cash.times[k - 1] if k > first else 0.0
        length = end - begin
        amount, kept = (cash.amounts[k], cash.kept[k]) if k < last else (0.0, 1.0)
        if k < last:
            held = (
                (amount + cash.aside[k]) / strike
                + _BOUNDARY_AT * (1.0 - kept)
                + max(1.0, held * math.exp(-rate * (later - end)))
            )
            aside = (aside * math.exp((rate - dividend_yield) * (end - later)) + cash.aside[k] / strike) / kept
            lowest = min(lowest, math.log(max(1.0 - aside, _LEAST_STRIKE)))
            later = end
            dear, gone = (dear + amount / strike) / kept, (gone + amount / strike) / kept
            whole *= kept
            if amount > 0.0:
                least = min(least, amount / strike)
        deviation = _WIDTH * sigma * math.sqrt(time if everywhere else end)
        widest = 2.0 * deviation + abs(drift) * length
        most = _PECLET * 0.5 * variance * 2.0 * cells / widest
        frame = drift - math.copysign(most, drift) if abs(drift) > most else 0.0
        inner = _WIDTH * sigma / (2.0 * abs(drift - frame) + 1e-300)
        bends = min(max(inner * inner, begin), end)
        low, high = math.inf, -math.inf
        for each in range(3):
            t = begin if each == 0 else (end if each == 1 else bends)
            shift = frame * (end - t) - math.log(strike)
            off = _WIDTH * sigma * math.sqrt(time if everywhere else t)
            low = min(low, _reached(t, drift, -off, option.spot, first, k, cash) + shift)
            high = max(high, _reached(t, drift, off, option.spot, first, k, cash) + shift)
        left = time - begin
        around = _WIDTH * sigma * math.sqrt(left) + max(abs(drift), abs(rate - dividend_yield)) * left
        back, ahead = min(0.0, frame * length), max(0.0, frame * length)
        if call:
            low = max(low, lowest + back - around)
            if american:
                beyond = _perpetual_call(rate, dividend_yield, variance)
                high = min(high, beyond + ahead + _PERPETUAL_MARGIN * sigma * math.sqrt(time))
        else:
            growth = max(0.0, dividend_yield - rate) * left
            high = min(high, math.log(dear) + growth + around + ahead)
        low = max(low, math.log(least) + lowest - around + back)
        if left < _SHORT * time:
            # The kink at the strike has no time to smooth: cells must be as small as what it does smooth.
            if gone == 0.0 or math.log(gone) + around < low:
                low = max(low, lowest + back - around)
            high = min(high, math.log(dear) + ahead + around)
        width = _LEAST_WIDTH * sigma * math.sqrt(left if left < _SHORT * time else time)
        if high < low + width:
            if call or high < 0.5 * _NOTHING:
                high = low + width
            else:
                low = high - width
        start = high if call else low
        if k == first:
            now = math.log(spot) + frame * length
            low = min(low, now - _MARGIN * (high - low))
            high = max(high, now + _MARGIN * (high - low))
            start = high if call else low
            plan[count, PLACE] = (now - start) / (-side * (high - low))
        plan[count, START], plan[count, RANGE] = start, -side * (high - low)
        plan[count, FRAME], plan[count, WHOLE] = frame, length
        plan[count, AMOUNT], plan[count, KEPT] = amount / strike, kept
        worth = math.exp(-rate * (time - end))
        plan[count, WORTHLESS] = 0.0 if call else (max(worth, 1.0) if american else worth)
        plan[count, KINK], plan[count, JUMP] = math.log(dear), dear * whole
        plan[count, BLUR] = variance * (time - end)
        cut = length
        if american and not call and k < last:
            cut = _waiting(option, held, length)
        count = _add_segments(count, length, cut, share, steps, plan)
