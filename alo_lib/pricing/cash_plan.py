"""How an option with dividends is laid out on grids: stretches between ex-times, their range of spot and their steps.

A stretch has a grid of its own, uniform in the logarithm of spot, in a frame that moves with a part of the drift: the
part that is left never exceeds what a cell's diffusion smooths, so that little volatility costs no accuracy. The grid
covers what matters: where spot can be seen from today, and where the payoff is not yet sure.

All is in units of the strike. Nodes run from the side that is exercised: upwards for a put, downwards for a call.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.cash_rows import (
    AMOUNT,
    BASE,
    END,
    FALL,
    FRAME,
    KEPT,
    LENGTH,
    NEW,
    NOTHING,
    PLACE,
    PLAN_ROWS,
    RANGE,
    START,
    WHOLE,
    tell_values,
)
from alo_lib.pricing.escrow import aside_at, aside_before, aside_later
from alo_lib.pricing.stairs import STAIR_ROWS
from alo_lib.pricing.terms import Cash, Option

__all__ = ["LEAST_TOLD", "GridSize", "PlanSpace", "new_plan_space", "plan_option", "segment_limit"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LEAST_TOLD = 0.005
"""Spot over strike down to which it is told whether a put is exercised while a dividend is ahead."""
_WIDTH = 5.0  # standard deviations that a grid reaches from where spot is expected
_WIDE_WIDTH = 6.0  # of so many cells that what lies beyond the others' reach, 1e-7 of spot, is more than their errors
_WIDE_FROM = 150
_NARROW_WIDTH = 6.0  # and around a kink alone, from where straight lines reach far
_LEAST_WIDTH = 1.0  # of a grid, in standard deviations of what is covered
_PECLET = 1.0  # drift within the frame over what diffuses, in a cell
_MARGIN = 0.05  # of a grid, between its ends and spot
_PERPETUAL_MARGIN = 0.02  # in standard deviations
_LEAST_STEPS = 2
_BOUNDARY_AT = 0.9  # of the strike: about where a put is exercised when waiting for a dividend ends
_LEAST_SHARE = 0.02  # of a stretch that is worth a segment
_NEWTON_STEPS = 6
_SETTLED = 1e-9  # of a stretch: how little a Newton step moves what is found
_LEAST_STRIKE = 1e-9  # less what is set aside
_TOGETHER = 1e-7  # years, some seconds, between ex-times that are one
_LARGE = 0.1  # dividends over the strike from which on spot may be paid away
_BLINK = 1e-3  # of the time until then, that two ex-times may be apart to be joined
_JOINED = 0.1  # over cells cubed: error of the strike that joining two ex-times may cost
_LEVELS = 4  # grids at most that a stretch has more than one
_COARSE = 0.5  # cells over what the strike's kink is smoothed by when a stretch begins, beyond which they are too wide
_RESOLVED = 1.0  # and when it ends
_SHARP = 1.5  # deviations of spot until the next ex-time over cells, below which its kinks are sharp
_FLOOR = 0.05  # spot below which nothing counts, times the cells of a grid
_PATHS = 6  # to both sides: deviations over the root of time are one number but for how they are rounded
_APART = 8.0  # deviations from the strike's kink to where a call is exercised for the dividend alone


@kernel
def segment_limit(cash: Cash) -> int:
    """The most segments that an option of these schedules has."""
    most = 0
    for i in range(cash.rows.shape[0]):
        most = max(most, cash.rows[i, 1] - cash.rows[i, 0])
    return (_LEVELS + 2) * (most + 1)


class GridSize(NamedTuple):
    """Cells of a grid and steps over the option's life; the two grids have 2 and 3 times as many."""

    cells: int
    steps: int


class PlanSpace(NamedTuple):
    """Scratch in which options are planned one after another."""

    root: Array  # (_PATHS,) as _Paths has it
    spot: Array  # (_PATHS, dividends at most + 1) likewise
    stairs: Array  # (3, STAIR_ROWS / 3): see :func:`tell_values`


@kernel
def new_plan_space(cash: Cash) -> PlanSpace:
    """Scratch for options of these schedules."""
    most = 1
    for i in range(cash.rows.shape[0]):
        most = max(most, cash.rows[i, 1] - cash.rows[i, 0] + 1)
    return PlanSpace(np.empty(_PATHS), np.empty((_PATHS, most)), np.zeros((3, STAIR_ROWS // 3)))


class _Paths(NamedTuple):
    """Spot just after each dividend where it is so many standard deviations off at each moment, for some of those."""

    root: Array  # (_PATHS,) deviations times volatility, NaN where there is no path yet
    spot: Array  # (_PATHS, dividends + 1), the first today's; 0 once it is gone
    reach: float  # standard deviations that a grid reaches


@kernel
def _path(root: float, drift: float, first: int, cash: Cash, paths: _Paths) -> int:
    """The row of paths that is off by ``root`` times the root of time; the dividends begin at row first of cash."""
    row = 0
    while row < _PATHS - 1 and not (math.isnan(paths.root[row]) or paths.root[row] == root):
        row += 1
    if paths.root[row] == root:
        return row
    paths.root[row] = root
    spot, now = paths.spot[row], 0.0
    spot[1:] = 0.0
    for k in range(spot.size - 1):
        moment = cash.times[first + k]
        s = spot[k] * math.exp(drift * (moment - now) + root * (math.sqrt(moment) - math.sqrt(now)))
        spot[k + 1] = s * cash.kept[first + k] - cash.amounts[first + k]
        now = moment
        if spot[k + 1] <= 0.0:
            spot[k + 1] = 0.0
            break
    return row


@kernel
def _reached(t: float, drift: float, deviation: float, first: int, end: int, cash: Cash, paths: _Paths) -> float:
    """Logarithm of the spot at time t, the dividends of rows first to end paid, where it is ``deviation`` off by then.

    On the way there it has been off like the root of time: as many standard deviations at each moment. Dividends later
    than t are paid then.
    """
    root = deviation / math.sqrt(t) if t > 0.0 else 0.0
    k = end
    while k > first and cash.times[k - 1] > t:
        k -= 1
    s = paths.spot[_path(root, drift, first, cash, paths), k - first] if k > first else paths.spot[0, 0]
    now = cash.times[k - 1] if k > first else 0.0
    for later in range(k, end):
        s *= math.exp(drift * (t - now) + root * (math.sqrt(t) - math.sqrt(now)))
        s = s * cash.kept[later] - cash.amounts[later]
        now = t
    return math.log(s) + drift * (t - now) + root * (math.sqrt(t) - math.sqrt(now)) if s > 0.0 else NOTHING


@kernel
def _join(
    option: Option, sigma: float, last: int, first: int, blur: float, together: float, tolerance: float, cash: Cash
) -> tuple[int, float, float, float]:
    """The dividend that row last and those close before it, down to row first at the earliest, are together.

    Returns its first row, time, amount over the strike and what it keeps. In the middle by amounts the variance is
    right but for the product of two, which bends at the strike and, for a put, at the spot that is paid away; a call is
    exercised before the first, a put after the last, unless interest until then is more than the other dividend.
    Escrowed dividends have a time each, but for ``together``: what is set aside between two says what exercise pays.
    blur: variance that smooths the strike's kink just after.
    """
    rate, carry = option.rate, option.rate - option.dividend_yield
    k = last
    end, kept = min(cash.times[k], option.time - together), cash.kept[k]
    amount = cash.amounts[k] / option.strike
    while k > first:
        gap = max(end - cash.times[k - 1], 0.0)
        former = cash.amounts[k - 1] / option.strike
        early, late = former + (1.0 - cash.kept[k - 1]), amount + (1.0 - kept)
        shared = early / (early + late) if early + late > 0.0 else 0.5
        bends = 1.0 / math.sqrt(blur) + 1.0
        if not option.call and early + late > _LARGE:
            bends += 1.0 / ((early + late) * sigma * math.sqrt(end))
        cost = 0.25 * sigma * sigma * gap * early * late * bends
        if option.american:
            cost += max(rate * gap - (early if option.call else late), 0.0)
            if option.call:  # the decision is put off
                cost += 0.2 * sigma * gap * (1.0 - shared) / math.sqrt(end)
            else:  # and what it pays comes sooner
                cost += max(rate, 0.0) * gap * shared
        escrowed = cash.aside[k] > 0.0 or cash.aside[k - 1] > 0.0
        if gap > together and (escrowed or cost > tolerance or gap > _BLINK * end):
            break
        k -= 1
        shift = gap * shared
        amount = amount * math.exp(-carry * shift) + former * kept * math.exp(carry * (gap - shift))
        kept *= cash.kept[k]
        end -= shift
    return k, end, amount, kept


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
        step = (worth - 1.0 + spot - lost) / slope
        tau -= step
        if abs(step) < _SETTLED * length:
            break
    return min(max(tau, 0.0), length)


@kernel
def _add_segments(count: int, length: float, cut: float, share: float, steps: Integers, plan: Array) -> int:
    """Cut the stretch whose plan is in row ``count`` into its segments; returns how many there are then."""
    if not _LEAST_SHARE * length < cut < (1.0 - _LEAST_SHARE) * length:
        cut = length
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
def _seen(
    option: Option,
    sigma: float,
    begin: float,
    end: float,
    frame: float,
    over: float,
    k: int,
    first: int,
    cash: Cash,
    paths: _Paths,
) -> tuple[float, float]:
    """Between which logarithms of spot, in a stretch's frame and over the strike, today's spot is seen in it.

    over: time whose deviations count, 0 for the moment's own.
    """
    drift = option.rate - option.dividend_yield - 0.5 * sigma * sigma
    inner = paths.reach * sigma / (2.0 * abs(drift - frame) + 1e-300)
    bends = min(max(inner * inner, begin), end)
    low, high = math.inf, -math.inf
    for each in range(3):
        if each == 2 and bends in (begin, end):
            break
        t = begin if each == 0 else (end if each == 1 else bends)
        shift = frame * (end - t) - math.log(option.strike)
        off = paths.reach * sigma * math.sqrt(max(over, t))
        low = min(low, _reached(t, drift, -off, first, k, cash, paths) + shift)
        high = max(high, _reached(t, drift, off, first, k, cash, paths) + shift)
    return low, high


@kernel
def plan_option(
    option: Option,
    sigma: float,
    first: int,
    last: int,
    cash: Cash,
    size: GridSize,
    everywhere: bool,
    plan: Array,
    steps: Integers,
    space: PlanSpace,
) -> None:
    """The plan of one option whose dividends are rows first to last: its segments, latest first.

    everywhere: each stretch covers what spot may reach by expiry, not only by then. plan (segments, PLAN_ROWS), steps
    (segments): the steps of each, 0 past the last one.

    Where cells are wide for what the strike's kink is smoothed by, so soon before expiry, a stretch ends with grids of
    its own around that kink alone, each some times as wide as the next one; beyond, values are straight lines.
    """
    _, strike, rate, dividend_yield, time, call, american = option
    cells, unit = size
    spot = option.spot / strike
    while last > first and cash.times[last - 1] >= time:
        last -= 1
    variance = sigma * sigma
    carry = rate - dividend_yield
    drift = carry - 0.5 * variance
    steps[:] = 0
    side = 1.0 if call else -1.0
    count = 0
    later = time
    held = 1.0  # what a put far in the money is worth after the dividends so far, and spot
    dear = 1.0  # spot that just pays the dividends and the strike
    # Spot at which exercise begins at expiry, and the least at which anything bends.
    least = start = rate / dividend_yield if american and not call and dividend_yield > rate > 0.0 else 1.0
    far = _WIDTH if cells < _WIDE_FROM else _WIDE_WIDTH
    paths = _Paths(space.root, space.spot[:, : last - first + 1], far)
    paths.root[:], paths.spot[:, 0] = math.nan, option.spot
    found = aside_later(option, last)
    aside, lowest = 0.0, 0.0  # what is set aside, and logarithm of the least strike less that
    gone = 0.0  # spot that just pays the dividends
    blur = blur_gone = 0.0  # variance that smooths the kinks at dear and at gone
    narrowest = 0.0  # square of the least width that cells have to resolve, 0 for a kink that is sharp
    share = unit / math.sqrt(math.sqrt(time))
    together = min(_TOGETHER, _LEAST_SHARE * time)
    tolerance = _JOINED / float(cells) ** 3
    k, until, amount, kept = last, time, 0.0, 1.0
    fall = 0.0  # what is paid, also of what is set aside
    while True:
        end = until
        if end < time:
            after = aside * math.exp(carry * (end - later))
            found = aside_before(end, found, option, first, cash)
            aside = aside_at(end, found, option) / strike
            lowest = min(lowest, math.log(max(1.0 - aside, _LEAST_STRIKE)))
            fall = amount + aside * kept - after
            held = fall + _BOUNDARY_AT * (1.0 - kept) + max(1.0, held * math.exp(-rate * (later - end)))
            dear *= math.exp(-carry * (later - end))
            later = end
            blur *= (dear / (dear + amount)) ** 2
            blur_gone *= (gone / (gone + amount)) ** 2 if amount > 0.0 else 1.0
            dear, gone = (dear + amount) / kept, (gone + amount) / kept
            if amount > 0.0:
                least = max(min(start, amount), _FLOOR / cells)
            narrowest = blur
            off = math.log(dear) - _NARROW_WIDTH * math.sqrt(blur)
            if american and call and math.log(dear) > _APART * math.sqrt(blur):
                dear, blur, narrowest = 1.0, 0.0, 0.5 * off * off
        begin, next_amount, next_kept, row = 0.0, 0.0, 1.0, k
        if k > first:
            smooth = blur + variance * max(end - cash.times[k - 1], together)
            row, begin, next_amount, next_kept = _join(option, sigma, k - 1, first, smooth, together, tolerance, cash)
        wait = _waiting(option, held, end - begin) if american and not call and end < time else end - begin
        for level in range(_LEVELS + 1):
            rest = length = until - begin
            widest = 2.0 * far * sigma * math.sqrt(time if everywhere else until) + abs(drift) * length
            most = _PECLET * 0.5 * variance * 2.0 * cells / widest
            frame = drift - math.copysign(most, drift) if abs(drift) > most else 0.0
            low, high = _seen(option, sigma, begin, until, frame, time if everywhere else 0.0, k, first, cash, paths)
            left = time - begin
            around = far * sigma * math.sqrt(left) + max(abs(drift), abs(carry)) * left
            back, ahead = min(0.0, frame * length), max(0.0, frame * length)
            if everywhere:  # a boundary is told where today's spot hardly gets, too
                told = math.log(LEAST_TOLD if end < time and not call else least) + lowest + back
                low, high = min(low, told), max(high, math.log(dear) + far * sigma * math.sqrt(left) + ahead)
            if call:
                low = max(low, lowest + back - around)
                if american:
                    beyond = _perpetual_call(rate, dividend_yield, variance)
                    high = min(high, beyond + ahead + _PERPETUAL_MARGIN * sigma * math.sqrt(time))
            else:
                growth = max(0.0, dividend_yield - rate) * left
                high = min(high, math.log(dear) + growth + around + ahead)
            low = max(low, math.log(least) + lowest - around + back)
            if everywhere:
                low = min(low, told)
            width = _LEAST_WIDTH * sigma * math.sqrt(time)
            cell = max(high - low, width) / (2.0 * cells)
            too_wide = narrowest > 0.0 and cell > _RESOLVED * math.sqrt(narrowest)
            if level < _LEVELS and (too_wide or cell > _COARSE * math.sqrt(blur + variance * length)):
                if narrowest > 0.0:
                    times = cells / 6.0
                    span = (times * times - 1.0) * narrowest / variance
                    if span < 0.5 * length:
                        length = span
                width = math.sqrt(blur + variance * length)
                moved = max(abs(drift), abs(carry)) * length
                back, ahead = min(0.0, frame * length) - moved, max(0.0, frame * length) + moved
                bottom = (min(lowest, math.log(dear)) if call and american else math.log(dear)) - _NARROW_WIDTH * width
                if not call and gone > 0.0:
                    reach = _NARROW_WIDTH * math.sqrt(blur_gone + variance * length)
                    if bottom + back < math.log(gone) + reach + ahead:
                        bottom = min(bottom, math.log(gone) - reach)
                low, high = bottom + back, math.log(dear) + _NARROW_WIDTH * width + ahead
            bends = (american and call) or gone > 0.0
            if bends and k == first and end < time and length == rest and sigma * math.sqrt(until) < _SHARP * cell:
                # So soon the kink at the ex-time is a kink still, which cells beside the spot alone resolve.
                width = 2.0 * _NARROW_WIDTH * sigma * math.sqrt(max(until, together))
                low = math.log(spot) + frame * length - 0.5 * width
                high = low + width
            if high < low + width:
                if call or high < 0.5 * NOTHING:
                    high = low + width
                else:
                    low = high - width
            if k == first and length == rest:
                now = math.log(spot) + frame * length
                low = min(low, now - _MARGIN * (high - low))
                high = max(high, now + _MARGIN * (high - low))
                plan[count, PLACE] = (now - low) / (high - low) if not call else (high - now) / (high - low)
            plan[count, START], plan[count, RANGE] = high if call else low, -side * (high - low)
            plan[count, FRAME], plan[count, WHOLE] = frame, length
            plan[count, AMOUNT], plan[count, KEPT] = amount, kept
            plan[count, FALL], plan[count, END] = fall, until
            gone *= math.exp(-carry * length)
            count = _add_segments(count, length, wait - (end - until), share, steps, plan)
            blur += variance * length
            blur_gone += variance * length
            narrowest = blur
            amount, kept, fall = 0.0, 1.0, 0.0
            if length == rest:
                break
            until -= length
        if k == first:
            break
        k, until, amount, kept = row, begin, next_amount, next_kept
    tell_values(option, sigma, first, last, cash, plan, steps, space.stairs)
