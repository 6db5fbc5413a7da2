"""What an option with dividends is worth without volatility: its least value, and the limit that volatility adds to."""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.terms import Cash, Option

__all__ = ["SURE_ROWS", "SURE_TIME", "sure_value"]

Array = npt.NDArray[np.float64]

S_VALUE, S_DELTA, S_RATE, S_YIELD, SURE_TIME = range(5)
"""Rows of :func:`sure_value`: value, its derivatives by spot, rate and yield, and when the option is exercised."""
SURE_ROWS = 5


@kernel
def _try(t: float, worth: float, by: Array, option: Option, out: Array) -> None:
    """Keep exercise at time t if it is best; spot's present value is ``worth`` then, its derivatives are ``by`` (3)."""
    strike = option.strike * math.exp(-option.rate * t)
    side = 1.0 if option.call else -1.0
    value = side * (worth - strike)
    if value > out[S_VALUE]:
        out[S_VALUE], out[SURE_TIME] = value, t
        out[S_DELTA] = side * by[0]
        out[S_RATE] = side * (by[1] + t * strike)
        out[S_YIELD] = side * by[2]


@kernel
def sure_value(option: Option, first: int, last: int, cash: Cash, by: Array, out: Array) -> None:
    """Value without volatility and its derivatives into out (5), see S_VALUE and after; all 0 if it is worthless.

    The dividends are rows first to last of cash. An American option is exercised at the best time: now, just before or
    after an ex-time, at expiry, or between them where what the strike earns is what the spot pays. by: (3) scratch.
    """
    spot, strike, rate, dividend_yield, time, _, american = option
    out[:] = 0.0
    by[0], by[1], by[2] = 1.0, 0.0, 0.0
    worth, now = spot, 0.0  # present value of the spot at ``now``
    for k in range(first, last + 1):
        ended = k == last or cash.times[k] >= time
        end = time if ended else cash.times[k]
        if american:
            _try(now, worth, by, option, out)
            if rate * dividend_yield > 0.0 and rate != dividend_yield and worth > 0.0:
                # The present value of spot falls at the yield, that of the strike at the rate.
                earned = rate * strike * math.exp(-rate * now)
                ahead = math.log(dividend_yield * worth / earned) / (dividend_yield - rate) if earned != 0.0 else 0.0
                if 0.0 < ahead < end - now:
                    shrunk = math.exp(-dividend_yield * ahead)
                    between = np.empty(3)
                    between[0], between[1] = by[0] * shrunk, by[1] * shrunk
                    between[2] = (by[2] - ahead * worth) * shrunk
                    _try(now + ahead, worth * shrunk, between, option, out)
        length = end - now
        shrunk = math.exp(-dividend_yield * length)
        by[0], by[1], by[2] = by[0] * shrunk, by[1] * shrunk, (by[2] - length * worth) * shrunk
        worth *= shrunk
        now = end
        if american or ended:
            _try(now, worth, by, option, out)
        if ended:
            return
        amount = (cash.amounts[k] + cash.aside[k]) * math.exp(-rate * now)
        for j in range(3):
            by[j] *= cash.kept[k]
        by[1] += amount * now
        worth = worth * cash.kept[k] - amount
        if worth <= 0.0:
            worth = 0.0
            by[:] = 0.0
