"""One option on a spot that drops by cash amounts, by finite differences on one grid in the logarithm of spot.

The grid's second-order errors are made regular, so that two grids extrapolate to far smaller ones:

- Steps of time are graded, ``((j + 1) / n)^2`` of the stretch from an expiry or ex-date back to the one before, because
  the solution changes like the root of time after each; the first of them is split into implicit steps (Rannacher
  1984), the others are Crank-Nicolson's.
- Differences are fitted (Il'in 1969), so that they never oscillate, however small the volatility is to the drift.
- Kinks (the payoff's at the strike, and where exercise just before an ex-date becomes best) are averaged over the cell
  that holds them: else the error depends on where between two nodes they lie.
- Early exercise by Brennan and Schwartz's (1977) elimination from the side that is not exercised, so that each step
  solves the complementarity problem exactly.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.terms import Cash, Option

__all__ = ["Grid", "count_steps", "grid_value", "half_width", "refinement", "sure_value"]

Array = npt.NDArray[np.float64]

_WIDTH = 5.0  # half width of the grid in standard deviations of the final log spot
_SPLIT = 4  # implicit steps in the first step of a stretch
_DAMPED = 1  # implicit steps more in the last step
_LEAST_STEPS = 2  # of a stretch, before they are multiplied
_PECLET = 1.0  # half a cell's drift over its diffusion, that cells are made small enough for
_CENTRAL = 1e-3  # below which the fit is taken from its series
_FINEST = 1000


class Grid(NamedTuple):
    """How wide and fine a grid is, before its ``multiple``."""

    width: float  # half of it, in log spot
    cells: int  # on each side of the spot
    steps: int  # of time, if the option's life were one stretch


class _Flow(NamedTuple):
    """What one node takes from its neighbours a year, and the rate at which it is discounted."""

    down: float
    up: float
    rate: float


@kernel
def half_width(option: Option, volatility: float, cash: Cash) -> float:
    """Half width of the grid in log spot: what the path may reach, and the strike."""
    total = 0.0
    for k in range(cash.times.size):
        if cash.times[k] < option.time:
            total += cash.amounts[k]
    deviation = volatility * math.sqrt(option.time)
    drift = option.rate - option.dividend_yield - 0.5 * volatility * volatility
    width = _WIDTH * deviation + abs(drift) * option.time
    moneyness = abs(math.log(option.spot / option.strike))
    return float(max(width + math.log1p(total / option.spot), moneyness + 2.0 * deviation))


@kernel
def refinement(option: Option, volatility: float, width: float, cells: int) -> int:
    """``cells`` or, where drift is so far above volatility that they would be too wide for it, more of them.

    A grid has twice or three times as many on each side of the spot.
    """
    drift = abs((option.rate - option.dividend_yield) / (volatility * volatility) - 0.5)
    return max(cells, min(math.ceil(drift * width / (2.0 * _PECLET)), _FINEST))


@kernel
def count_steps(time: float, times: Array, steps: int, multiple: int) -> int:
    """Steps that :func:`grid_value` makes in all, ex-times included."""
    total = 0
    after = time
    for k in range(times.size - 1, -2, -1):
        before = times[k] if k >= 0 else 0.0
        if before < after:
            total += _steps_between(after - before, time, steps, multiple) + _SPLIT - 1 + (k >= 0)
            after = before
    return total + _DAMPED


@kernel
def _steps_between(length: float, time: float, steps: int, multiple: int) -> int:
    return multiple * max(math.ceil(steps * math.sqrt(length / time)), _LEAST_STEPS)


@kernel
def sure_value(s: float, now: float, option: Option, cash: Cash) -> float:
    """Value at spot ``s`` and calendar time ``now`` without volatility: at an end of the grid, where nothing is chance.

    An American option is exercised at once, at expiry, or at the best of the ex-times ahead: a call just before one, a
    put just after.
    """
    _, strike, rate, dividend_yield, time, call, american = option
    side = 1.0 if call else -1.0
    best = max(side * (s - strike), 0.0) if american else 0.0
    paid = 0.0
    for k in range(cash.times.size):
        if now < cash.times[k] < time:
            ahead = cash.times[k] - now
            after = paid + cash.amounts[k] * math.exp(-rate * ahead)
            left = max(s * math.exp(-dividend_yield * ahead) - (paid if call else after), 0.0)
            if american:
                best = max(best, side * (left - strike * math.exp(-rate * ahead)))
            paid = after
    left = max(s * math.exp(-dividend_yield * (time - now)) - paid, 0.0)
    return max(best, side * (left - strike * math.exp(-rate * (time - now))))


@kernel
def _step(
    v: Array, payoff: Array, work: Array, n: int, dt: float, flow: _Flow, theta: float, call: bool, american: bool
) -> None:
    """One step of time inside the grid; ``v[0]`` and ``v[n]`` have their new values already, the old ones are in work.

    The matrix is constant along the diagonals, so that elimination's pivots settle to a constant after a few cells.
    """
    down, up, rate = flow
    rhs, pivot, lead = work[0], work[1], work[2]
    below, above = -theta * dt * down, -theta * dt * up
    diagonal = 1.0 + theta * dt * (down + up + rate)
    from_below, from_above = (1.0 - theta) * dt * down, (1.0 - theta) * dt * up
    centre = 1.0 - (1.0 - theta) * dt * (down + up + rate)
    old_first, old_last = work[3, 0], work[3, 1]
    for i in range(1, n):
        rhs[i] = centre * v[i]
    for i in range(2, n):
        rhs[i] += from_below * v[i - 1]
    for i in range(1, n - 1):
        rhs[i] += from_above * v[i + 1]
    rhs[1] += from_below * old_first - below * v[0]
    rhs[n - 1] += from_above * old_last - above * v[n]
    square = below * above
    value = 1.0 / diagonal
    pivot[0] = value
    settled = n - 1
    for i in range(1, n - 1):
        following = 1.0 / (diagonal - square * value)
        pivot[i] = following
        if following == value:
            settled = i
            break
        value = following
    for i in range(settled + 1, n - 1):
        pivot[i] = value
    if call:
        for i in range(n - 1):
            lead[i] = below * pivot[i]
        x = rhs[1]
        for i in range(2, n):
            x = rhs[i] - lead[i - 2] * x
            rhs[i] = x
        for i in range(1, n):
            rhs[i] *= pivot[i - 1]
        for i in range(n - 1):
            lead[i] = above * pivot[i]
        x = 0.0
        for i in range(n - 1, 0, -1):
            x = rhs[i] - lead[i - 1] * x
            if american:
                x = max(x, payoff[i])
            v[i] = x
    else:
        for i in range(n - 1):
            lead[i] = above * pivot[i]
        x = rhs[n - 1]
        for i in range(n - 2, 0, -1):
            x = rhs[i] - lead[n - 2 - i] * x
            rhs[i] = x
        for i in range(1, n):
            rhs[i] *= pivot[n - 1 - i]
        for i in range(n - 1):
            lead[i] = below * pivot[i]
        x = 0.0
        for i in range(1, n):
            x = rhs[i] - lead[n - 1 - i] * x
            if american:
                x = max(x, payoff[i])
            v[i] = x


@kernel
def _pay(s: Array, v: Array, old: Array, n: int, h: float, amount: float, call: bool) -> None:
    """Values just before an ex-date from those after it: spot falls by the amount, at most to nothing."""
    for i in range(n + 1):
        old[i] = v[i]
    for i in range(n + 1):
        after = s[i] - amount
        if after <= s[0]:
            x = old[0] if call else old[0] + (s[0] - max(after, 0.0))
        else:
            position = math.log(after / s[0]) / h
            j = min(max(int(position) - 1, 0), n - 3)
            p = position - j
            x = (
                -old[j] * (p - 1.0) * (p - 2.0) * (p - 3.0) / 6.0
                + old[j + 1] * p * (p - 2.0) * (p - 3.0) / 2.0
                - old[j + 2] * p * (p - 1.0) * (p - 3.0) / 2.0
                + old[j + 3] * p * (p - 1.0) * (p - 2.0) / 6.0
            )
        v[i] = max(x, 0.0)


@kernel
def _exercise(s: Array, v: Array, payoff: Array, n: int, call: bool) -> float:
    """The better of holding and exercise into v, each kink averaged over its cell; the spot where exercise begins.

    NaN where it is not best deep in the money.
    """
    previous = 0.0
    begins = math.nan
    for i in range(n + 1):
        gain = payoff[i] - v[i]
        v[i] = max(v[i], payoff[i])
        if i > 0 and gain * previous < 0.0:
            share = previous / (previous - gain)
            bend = abs(gain - previous)
            if (gain > 0.0) == call:
                begins = s[i - 1] * (s[i] / s[i - 1]) ** share
            if share < 0.5:
                v[i - 1] += 0.5 * bend * (0.5 - share) ** 2
            else:
                v[i] += 0.5 * bend * (share - 0.5) ** 2
        previous = gain
    return begins


@kernel
def _boundary(s: Array, v: Array, payoff: Array, n: int, call: bool) -> float:
    """Spot at which exercise becomes best, to a cell, NaN where it is nowhere."""
    step = -1 if call else 1
    first = n - 1 if call else 1
    i = first
    while 0 < i < n and v[i] <= payoff[i]:
        i += step
    return float(s[i - step]) if i != first and payoff[i - step] > 0.0 else math.nan


@kernel
def grid_value(
    option: Option,
    volatility: float,
    cash: Cash,
    grid: Grid,
    multiple: int,
    work: Array,
    out: Array,
    trace: Array,
) -> None:
    """Price and its first three derivatives by spot into out (4), from one grid of ``2 * multiple * cells`` cells.

    work: (7, 2 * multiple * cells + 1) scratch. trace: (2, count_steps) receives time to expiry and the exercise
    boundary after each step, or (2, 0).
    """
    spot, strike, rate, dividend_yield, time, call, american = option
    times = cash.times
    side = 1.0 if call else -1.0
    half = multiple * grid.cells
    h = grid.width / half
    n = 2 * half
    s, v, payoff, scratch = work[4], work[5], work[6], work[:4]
    kink = math.log(strike / spot)
    for i in range(n + 1):
        x = (i - half) * h
        s[i] = spot * math.exp(x)
        payoff[i] = max(side * (s[i] - strike), 0.0)
        v[i] = payoff[i]
        if 0 < i < n and abs(x - kink) < 0.5 * h:
            low, high = x - 0.5 * h, x + 0.5 * h
            if call:
                v[i] = (spot * math.exp(high) - strike - strike * (high - kink)) / h
            else:
                v[i] = (strike * (kink - low) - strike + spot * math.exp(low)) / h
    variance = volatility * volatility
    drift = rate - dividend_yield - 0.5 * variance
    peclet = drift * h / variance
    fitted = 0.5 * variance * (peclet / math.tanh(peclet) if abs(peclet) > _CENTRAL else 1.0 + peclet * peclet / 3.0)
    flow = _Flow(fitted / (h * h) - 0.5 * drift / h, fitted / (h * h) + 0.5 * drift / h, rate)
    event = times.size - 1
    while event >= 0 and times[event] >= time:
        event -= 1
    now = time
    row = 0
    while now > 0.0:
        before = times[event] if event >= 0 else 0.0
        length = now - before
        count = _steps_between(length, time, grid.steps, multiple) if length > 0.0 else 0
        done = 0.0
        # The last step of all is implicit too, since Crank-Nicolson leaves ripples that spoil higher derivatives.
        damped = _DAMPED if event < 0 else 0
        for j in range(1 - _SPLIT, count + damped):
            implicit = j <= 0 or (j >= count - 1 and damped > 0)
            if j <= 0:
                reached = (j + _SPLIT) / (_SPLIT * count * count)
            elif implicit:
                share = (j - count + 2) / (damped + 1)
                reached = (1.0 - share) * ((count - 1) / count) ** 2 + share
            else:
                reached = ((j + 1) / count) ** 2
            elapsed = length * reached
            dt = elapsed - done
            done = elapsed
            tau = time - now + elapsed
            scratch[3, 0], scratch[3, 1] = v[0], v[n]
            v[0] = sure_value(s[0], time - tau, option, cash)
            v[n] = sure_value(s[n], time - tau, option, cash)
            _step(v, payoff, scratch, n, dt, flow, 1.0 if implicit else 0.5, call, american)
            if row < trace.shape[1]:
                trace[0, row] = tau
                trace[1, row] = _boundary(s, v, payoff, n, call)
                row += 1
        now = before
        if event >= 0:
            _pay(s, v, work[0], n, h, cash.amounts[event], call)
            if american:
                begins = _exercise(s, v, payoff, n, call)
                if row < trace.shape[1]:
                    trace[0, row], trace[1, row] = time - now, begins
                    row += 1
            event -= 1
    first = (v[half + 1] - v[half - 1]) / (2.0 * h)
    second = (v[half + 1] - 2.0 * v[half] + v[half - 1]) / (h * h)
    third = (v[half + 2] - 2.0 * v[half + 1] + 2.0 * v[half - 1] - v[half - 2]) / (2.0 * h * h * h)
    out[0] = v[half]
    out[1] = first / spot
    out[2] = (second - first) / spot**2
    out[3] = (third - 3.0 * second + 2.0 * first) / spot**3
