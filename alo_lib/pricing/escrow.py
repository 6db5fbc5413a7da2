"""What escrowed dividends set aside of a spot: the present value, at a time, of the cash still paid before expiry.

Grids are then those of the rest, which follows a geometric Brownian motion and falls at ex-times by what proportional
dividends take alone; exercise pays on the whole spot: on the rest against the strike less what is set aside.
"""

import math
from typing import NamedTuple

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.terms import Cash, Option

__all__ = ["Aside", "aside_at", "aside_before", "aside_later", "rest_of"]

_MOMENT = 1e-7  # years: ex-times that are so little before a grid's end are at it


class Aside(NamedTuple):
    """What is set aside just before an ex-time, on the way from expiry to today."""

    row: int  # of the dividend that is paid then, and behind the last one at expiry
    worth: float
    time: float


@kernel
def aside_later(option: Option, last: int) -> Aside:
    """What is set aside at expiry: nothing. The dividends end before row last."""
    return Aside(last, 0.0, option.time)


@kernel
def aside_before(t: float, later: Aside, option: Option, first: int, cash: Cash) -> Aside:
    """The same at the first ex-time that is not before t, from what it is at a later one, down to row first."""
    carry = option.rate - option.dividend_yield
    row, worth, time = later
    while row > first:
        when = cash.times[row - 1]
        if when < option.time:
            if when < t - _MOMENT:
                break
            grown = worth * math.exp(carry * (when - time)) if worth > 0.0 else 0.0
            worth = (grown + cash.aside[row - 1]) / cash.kept[row - 1]
            time = when
        row -= 1
    return Aside(row, worth, time)


@kernel
def aside_at(t: float, found: Aside, option: Option) -> float:
    """What is set aside at time t, just before what is paid then; found: at the first ex-time that is not before it."""
    if not found.worth > 0.0:
        return 0.0
    return found.worth * math.exp((option.rate - option.dividend_yield) * min(t - found.time, 0.0))


@kernel
def rest_of(option: Option, first: int, last: int, cash: Cash) -> Option:
    """The option on what is not set aside of its spot today."""
    aside = aside_at(0.0, aside_before(0.0, aside_later(option, last), option, first, cash), option)
    rest = option.spot - aside
    _, strike, rate, dividend_yield, time, call, american = option
    return Option(rest, strike, rate, dividend_yield, time, call, american)
