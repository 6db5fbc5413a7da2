"""What escrowed dividends set aside of a spot: the present value, at a time, of the cash still paid before expiry.

Grids are then those of the rest, which follows a geometric Brownian motion and falls at ex-times by what proportional
dividends take alone; exercise pays on the whole spot: on the rest against the strike less what is set aside.
"""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.cash_plan import ASIDE, NEW, WHOLE
from alo_lib.pricing.terms import Cash, Option

__all__ = ["rest_of", "set_asides"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_MOMENT = 1e-7  # years: ex-times that are so little before a grid's end are at it


@kernel
def _aside_at(t: float, option: Option, first: int, last: int, cash: Cash) -> float:
    """What is set aside at time t, just before what is paid then; the dividends are rows first to last of cash."""
    carry = option.rate - option.dividend_yield
    worth, later = 0.0, option.time
    for k in range(last - 1, first - 1, -1):
        when = cash.times[k]
        if when >= option.time:
            continue
        if when < t - _MOMENT:
            break
        worth = (worth * math.exp(carry * (when - later)) + cash.aside[k]) / cash.kept[k]
        later = when
    return worth * math.exp(carry * min(t - later, 0.0))


@kernel
def rest_of(option: Option, first: int, last: int, cash: Cash) -> Option:
    """The option on what is not set aside of its spot today."""
    rest = option.spot - _aside_at(0.0, option, first, last, cash)
    _, strike, rate, dividend_yield, time, call, american = option
    return Option(rest, strike, rate, dividend_yield, time, call, american)


@kernel
def set_asides(option: Option, first: int, last: int, cash: Cash, steps: Integers, plan: Array) -> None:
    """Say in a plan's rows what is set aside at the end of each grid, in units of the strike.

    plan (segments, PLAN_ROWS), steps (segments): as :func:`cash_plan.plan_option` has left them.
    """
    end = option.time
    for segment in range(steps.size):
        if steps[segment] == 0:
            return
        if segment > 0 and steps[segment] >= NEW:
            end -= plan[segment - 1, WHOLE]
        plan[segment, ASIDE] = _aside_at(end, option, first, last, cash) / option.strike
