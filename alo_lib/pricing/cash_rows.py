"""The rows of a plan, which :mod:`cash_plan` lays out and :mod:`cash_grid` solves, and what those say of values.

All is in units of the strike.
"""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.escrow import aside_at, aside_before, aside_later
from alo_lib.pricing.stairs import STAIR_ROWS, climb, tell_stairs, wait_on_stairs
from alo_lib.pricing.terms import Cash, Option

__all__ = [
    "AMOUNT",
    "ASIDE",
    "BASE",
    "BLUR",
    "END",
    "FALL",
    "FRAME",
    "GAP",
    "JUMP",
    "KEPT",
    "KINK",
    "LENGTH",
    "NEW",
    "NOTHING",
    "PLACE",
    "PLAN_ROWS",
    "PLATEAU",
    "RANGE",
    "STAIRS",
    "START",
    "WHOLE",
    "WORTHLESS",
    "is_ex_time",
    "tell_values",
]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

START, RANGE, FRAME, WHOLE, BASE, LENGTH, PLACE = range(7)
"""A segment's rows in a plan: logarithm of spot at the first node, at the stretch's end; from there to the last node,
signed; how fast the frame moves, a year; length of the stretch; time from the segment's end to the stretch's, and the
segment's length; in the first stretch where on the grid spot is today, 0 to 1."""
AMOUNT, KEPT, WORTHLESS, PLATEAU, GAP, KINK, JUMP, BLUR, ASIDE, FALL, END = range(7, 18)
"""At the stretch's end: the dividend and what is kept of spot; what an option on nothing is worth, and on a spot of
which the last dividend leaves nothing; how much a put on next to nothing gains by exercise before the next dividend. Of
a put's kink at the spot of which this dividend and later ones leave nothing: logarithm of that spot, the slope's jump
there by it where the later grid has the kink and 0 where it has not, and the variance that has smoothed it; what
escrowed dividends set aside just before, see :mod:`escrow`, and all that is paid, also of that; time from today to
then."""
STAIRS = 18
"""The first row of the stairs that go up from PLATEAU where earlier dividends leave nothing, see :mod:`stairs`."""
PLAN_ROWS = STAIRS + STAIR_ROWS
NEW = 1 << 20
"""Added to the steps of a segment that begins a stretch."""
NOTHING = -1e9
"""Logarithm of a spot that is gone."""


@kernel
def is_ex_time(fall: float, kept: float) -> bool:
    """Whether a segment of that dividend ends at an ex-time; else it ends where a stretch changes its grid."""
    return fall > 0.0 or kept < 1.0


@kernel
def _as_later(segment: int, plan: Array) -> None:
    """What is worth how much at the end of a segment that begins no stretch: what is so at that of the one after it."""
    for row in range(WORTHLESS, PLAN_ROWS):
        if row < FALL or row >= STAIRS:
            plan[segment, row] = plan[segment - 1, row]


@kernel
def _tell_call(option: Option, first: int, last: int, cash: Cash, plan: Array, steps: Integers, stairs: Array) -> None:
    """:func:`tell_values` of a call: on nothing it is worth nothing, whatever is paid."""
    found = aside_later(option, last)
    for segment in range(steps.size):
        if steps[segment] == 0:
            break
        one = plan[segment]
        if steps[segment] < NEW:
            _as_later(segment, plan)
            continue
        found = aside_before(one[END], found, option, first, cash)
        one[ASIDE] = aside_at(one[END], found, option) / option.strike
        one[WORTHLESS], one[PLATEAU], one[GAP] = 0.0, math.inf, 0.0
        one[KINK], one[JUMP], one[BLUR] = NOTHING, 0.0, 0.0
        tell_stairs(0, stairs, one[STAIRS:])


@kernel
def tell_values(
    option: Option, sigma: float, first: int, last: int, cash: Cash, plan: Array, steps: Integers, stairs: Array
) -> None:
    """The rows of a plan, once its segments are laid out, that say what is paid and what is worth how much.

    stairs (3, STAIR_ROWS / 3): scratch.
    """
    _, strike, rate, dividend_yield, time, call, american = option
    if call:
        _tell_call(option, first, last, cash, plan, steps, stairs)
        return
    variance, carry = sigma * sigma, rate - dividend_yield
    found = aside_later(option, last)
    gone, whole = 0.0, 1.0  # spot that just pays the dividends; what proportional ones leave
    plateau = math.inf  # what a put is worth of whose spot the last dividend leaves nothing
    next_plateau = math.inf  # and of whose spot the next dividend does
    climbed = 0  # steps of the stairs from the one to the other
    blur = 0.0  # variance that smooths the kink at gone
    apart = True  # whether the later grid ends before that kink
    for segment in range(steps.size):
        if steps[segment] == 0:
            break
        one = plan[segment]
        if steps[segment] < NEW:
            _as_later(segment, plan)
            continue
        amount, kept, end, length = one[AMOUNT], one[KEPT], one[END], one[WHOLE]
        found = aside_before(end, found, option, first, cash)
        one[ASIDE] = aside_at(end, found, option) / strike
        was_gone = gone
        if end < time and is_ex_time(one[FALL], kept):
            blur *= (gone / (gone + amount)) ** 2 if amount > 0.0 else 1.0
            gone = (gone + amount) / kept
            whole *= kept
        worth = math.exp(-rate * (time - end))
        one[WORTHLESS] = max(worth, 1.0) if american else worth
        one[PLATEAU], one[BLUR] = plateau, blur
        one[KINK], one[JUMP] = NOTHING, 0.0
        if gone > 0.0:
            one[KINK] = math.log(gone)
            if not apart and was_gone > 0.0:
                one[JUMP] = -gone * whole * math.exp(-dividend_yield * (time - end))
        one[GAP] = max(one[WORTHLESS] - next_plateau, 0.0) if american and amount > 0.0 else 0.0
        tell_stairs(climbed, stairs, one[STAIRS:])
        if amount > 0.0:
            climbed = climb(climbed, amount, kept, one[GAP], stairs)
            next_plateau = one[WORTHLESS]
            if was_gone == 0.0:
                plateau = next_plateau
        discount, growth = math.exp(-rate * length), math.exp(-carry * length)
        wait_on_stairs(climbed, discount, growth, variance * length, stairs)
        apart = gone > 0.0 and math.log(gone) < one[START]
        gone *= growth
        plateau *= discount
        next_plateau *= discount
        blur += variance * length
