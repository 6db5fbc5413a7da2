"""One step of time on eight options' grids: two implicit stages, early exercise and what is sure beyond the ends.

- Space: the compact scheme of fourth order for constant coefficients. Its matrix is constant along the diagonals, so
  that elimination takes the pivot it settles to from the first node on: beyond the grid lies what is sure.
- Time: TR-BDF2 (Bank et al. 1985); it damps what Crank-Nicolson's rule leaves to oscillate.
- Early exercise by Brennan and Schwartz's (1977) elimination from the side that is not exercised, so that each stage
  solves the complementarity problem exactly, with a boundary between the nodes: see :func:`_first_held`.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, fma
from alo_lib.numerics.lanes import Lanes, any_lane, greatest, load, select, square_root, store, table
from alo_lib.pricing.cash_rows import ASIDE, FRAME, RANGE

__all__ = [
    "CASH",
    "EARLY_CASH",
    "EARLY_SHARE",
    "LAST_CASH",
    "LAST_SHARE",
    "SHARE",
    "TERM_ROWS",
    "T_ALIVE",
    "T_RATE",
    "T_SIDE",
    "T_STRIKE",
    "T_VARIANCE",
    "T_YIELD",
    "GridSpace",
    "new_space",
    "set_strike",
    "take_step",
]

Array = npt.NDArray[np.float64]

# Rows of what a lane's option is: +1 for a call, -1 for a put; rates; variance a year; 1 where it may
# be exercised early; what exercise pays the grid's spot against: the strike, less what is set aside of the whole spot.
T_SIDE, T_RATE, T_YIELD, T_VARIANCE, T_ALIVE, T_STRIKE = range(6)
TERM_ROWS = 6
# Rows of what a stage is made of: what a node takes from its neighbours towards the first node, from itself and from
# the other one; shares of the two levels of time; elimination's constants down and up the grid; spot at a node over
# that in the table, times the side; the strike times the side; the values that both sweeps begin with; the most that
# holding gains a cell past the boundary.
_DOWN, _OWN, _UP, _NEAR, _FAR, _FALL, _RISE, _MOVE, _STRIKE, _TOP, _FIRST, _MOST = range(12)
_STAGE_ROWS = 12
# Rows of what is sure beyond the ends, a share of cash and of spot: before the first node, after the last, and of what
# is exercised just after a later ex-time; cash of minus infinity where there is none.
CASH, SHARE, LAST_CASH, LAST_SHARE, EARLY_CASH, EARLY_SHARE = range(6)
_SURE_ROWS = 6

_GAMMA = 2.0 - math.sqrt(2.0)  # TR-BDF2's first stage, of a step
_IMPLICIT = 0.5 * _GAMMA
_BDF_NEAR = 1.0 / (_GAMMA * (2.0 - _GAMMA))
_BDF_FAR = -((1.0 - _GAMMA) ** 2) / (_GAMMA * (2.0 - _GAMMA))
_NEVER = -1e300


class GridSpace(NamedTuple):
    """Tables of eight grids, each node or quantity a row of lanes."""

    spot: Array  # (nodes) at a stretch's end, over the strike
    value: Array  # (nodes)
    middle: Array  # (nodes) values after a step's first stage
    stage: Array  # (_STAGE_ROWS)
    sure: Array  # (_SURE_ROWS)
    scratch: Array  # (4)


@kernel
def new_space(nodes: int) -> GridSpace:
    """Tables for grids of up to so many nodes."""
    return GridSpace(table(nodes), table(nodes), table(nodes), table(_STAGE_ROWS), table(_SURE_ROWS), table(4))


@kernel
def _end_value(row: int, s: Lanes, discount: Lanes, shrink: Lanes, terms: Array, sure: Array) -> Lanes:
    """Take what is sure from row on to a later level of time; its value at spot s."""
    side, strike, alive = load(terms, T_SIDE), load(terms, T_STRIKE), load(terms, T_ALIVE) > 0.0
    cash, share = load(sure, row) * discount, load(sure, row + 1) * shrink
    exercised = alive & (side * (s - strike) >= cash + share * s)
    cash, share = select(exercised, -side * strike, cash), select(exercised, side, share)
    store(sure, row, cash)
    store(sure, row + 1, share)
    return cash + share * s


@kernel
def _set_ends(n: int, move: Lanes, discount: Lanes, shrink: Lanes, terms: Array, space: GridSpace) -> None:
    """The values that a stage's sweeps begin with; ``move``: spot over that in the table."""
    k, sure = space.stage, space.sure
    last, inner = load(space.spot, n) * move, load(space.spot, n - 1) * move
    store(k, _FIRST, _end_value(CASH, load(space.spot, 0) * move, discount, shrink, terms, sure))
    at_last = _end_value(LAST_CASH, last, discount, shrink, terms, sure)
    store(k, _TOP, at_last - load(k, _RISE) * (load(sure, LAST_CASH) + load(sure, LAST_SHARE) * inner))
    side, alive = load(terms, T_SIDE), load(terms, T_ALIVE) > 0.0
    store(k, _MOVE, select(alive, side * move, 0.0))
    store(k, _STRIKE, select(alive, -side * load(terms, T_STRIKE), _NEVER))


@kernel
def _past_boundary(gain: Lanes, force: Lanes, rise: Lanes, fall: Lanes) -> Lanes:
    """What holding gains at the first node that is held, past the exercise boundary between it and the node before.

    From there holding gains by the square of the distance. So goes on before the boundary what the equation at the
    first held node is to see at the last exercised one, instead of a slope that bends there. gain: what holding would
    gain if it saw what exercise pays; force: by how much the equation is not solved by what exercise pays.
    """
    inverse = 1.0 / force
    both = fall + rise
    away = (rise + gain * both * inverse) / (1.0 + rise)  # right at both nodes, nearly so between
    both = both + 2.0 * away * (fall - rise)
    over = rise + gain * both * inverse
    away = over / (rise + square_root(greatest(rise * rise + (1.0 - rise) * over, 0.0)))
    return away * away * force / both


@kernel
def _down_from_one(n: int, source: Array, into: Array, k: Array) -> None:
    """Elimination towards the first node, from the level source alone; k: rows of a stage."""
    down, own, up, fall = load(k, _DOWN), load(k, _OWN), load(k, _UP), load(k, _FALL)
    upper, middle = load(source, n), load(source, n - 1)
    x = load(k, _TOP)
    store(into, n, x)
    for i in range(n - 1, 0, -1):
        lower = load(source, i - 1)
        x = fma(fall, x, fma(down, lower, fma(own, middle, up * upper)))
        store(into, i, x)
        upper, middle = middle, lower


@kernel
def _down_from_two(n: int, source: Array, far: Array, into: Array, k: Array) -> None:
    """Elimination towards the first node, from the levels source and far; k: rows of a stage. Into may be far."""
    down, own, up, fall = load(k, _DOWN), load(k, _OWN), load(k, _UP), load(k, _FALL)
    of_near, of_far = load(k, _NEAR), load(k, _FAR)
    upper = fma(of_near, load(source, n), of_far * load(far, n))
    middle = fma(of_near, load(source, n - 1), of_far * load(far, n - 1))
    x = load(k, _TOP)
    store(into, n, x)
    for i in range(n - 1, 0, -1):
        lower = fma(of_near, load(source, i - 1), of_far * load(far, i - 1))
        x = fma(fall, x, fma(down, lower, fma(own, middle, up * upper)))
        store(into, i, x)
        upper, middle = middle, lower


@kernel
def _up(n: int, into: Array, spot: Array, k: Array) -> None:
    """The values of a stage, from what elimination has left of them in into: the way back from the first node."""
    rise, fall, move = load(k, _RISE), load(k, _FALL), load(k, _MOVE)
    strike, most = load(k, _STRIKE), load(k, _MOST)
    x = load(k, _FIRST)
    store(into, 0, x)
    before = fma(move, load(spot, 0), strike)
    exercised = x <= before
    i = 1
    while i < n and any_lane(exercised):
        held, pays = load(into, i), fma(move, load(spot, i), strike)
        worth = fma(rise, x, held)
        gain = worth - pays
        x = greatest(worth, pays)
        near = exercised & (gain > -most)
        exercised = exercised & (gain <= 0.0)
        if any_lane(near):
            after = fma(move, load(spot, i + 1), strike)
            force = fall * (load(into, i + 1) - after) + (1.0 + fall * rise) * pays - rise * before - held
            over = gain * (fall + rise)
            near = near & (over > -rise * force) & (over < force)
            if any_lane(near):
                past = _past_boundary(gain, select(near, force, 1.0), rise, fall)
                x = select(near, pays + past, x)
                exercised = exercised & (gain <= select(near, _NEVER, 0.0))
        store(into, i, x)
        before = pays
        i += 1
    # While no lane is exercised the processor goes on without waiting for which is better.
    while i <= n:
        held, pays = fma(rise, x, load(into, i)), fma(move, load(spot, i), strike)
        if any_lane(pays > held):
            break
        x = held
        store(into, i, x)
        i += 1
    for j in range(i, n + 1):
        x = greatest(fma(rise, x, load(into, j)), fma(move, load(spot, j), strike))
        store(into, j, x)


@kernel
def set_strike(elapsed: Lanes, row: int, plan: Array, terms: Array) -> None:
    """Tell what exercise pays the grid's spot against, ``elapsed`` before the end of the grid in a row of plan."""
    strike = 1.0 + 0.0 * elapsed
    if any_lane(load(plan, row + ASIDE) > 0.0):
        growth = load(terms, T_YIELD) - load(terms, T_RATE)
        strike = strike - load(plan, row + ASIDE) * exponential(growth * elapsed)
    store(terms, T_STRIKE, strike)


@kernel
def take_step(n: int, elapsed: Lanes, dt: Lanes, row: int, plan: Array, terms: Array, space: GridSpace) -> None:
    """A step of time, dt long and ``elapsed`` before the end of the stretch in row ``row`` of plan."""
    k = space.stage
    variance, rate, dividend_yield = load(terms, T_VARIANCE), load(terms, T_RATE), load(terms, T_YIELD)
    frame, cell = load(plan, row + FRAME), load(plan, row + RANGE) / n
    spread = 0.5 * variance / (cell * cell)
    peclet = (rate - dividend_yield - 0.5 * variance - frame) / (spread * cell)
    flow = spread * (1.0 + peclet * peclet * (1.0 / 12.0))
    up, down = flow + 0.5 * peclet * spread, flow - 0.5 * peclet * spread
    mass_up, mass_down = 1.0 / 12.0 + peclet * (1.0 / 24.0), 1.0 / 12.0 - peclet * (1.0 / 24.0)
    mass = 10.0 / 12.0
    implicit = _IMPLICIT * dt
    below, above, diagonal = mass_down - implicit * down, mass_up - implicit * up, mass + 2.0 * implicit * flow
    inverse = 2.0 / (diagonal + square_root(diagonal * diagonal - 4.0 * below * above))
    store(k, _FALL, -above * inverse)
    store(k, _RISE, -below * inverse)
    # Twice what the payoff's own drift bends holding's gain by, which is what the first stage makes of it at most.
    drift = abs(rate) + abs(dividend_yield) * greatest(load(space.spot, 0), 1.0)
    store(k, _MOST, 2.0 * drift * cell * cell / variance)
    discount, shrink = exponential(-_GAMMA * rate * dt), exponential(-_GAMMA * dividend_yield * dt)
    factor = discount * inverse
    store(k, _DOWN, factor * (mass_down + implicit * down))
    store(k, _OWN, factor * (mass - 2.0 * implicit * flow))
    store(k, _UP, factor * (mass_up + implicit * up))
    moves = any_lane(abs(frame) > 0.0)
    move = exponential(-frame * (elapsed + _GAMMA * dt)) if moves else 1.0 + 0.0 * frame
    set_strike(elapsed + _GAMMA * dt, row, plan, terms)
    _set_ends(n, move, discount, shrink, terms, space)
    _down_from_one(n, space.value, space.middle, k)
    _up(n, space.middle, space.spot, k)
    rest, shrink = exponential((_GAMMA - 1.0) * rate * dt), exponential((_GAMMA - 1.0) * dividend_yield * dt)
    store(k, _DOWN, inverse * mass_down)
    store(k, _OWN, inverse * mass)
    store(k, _UP, inverse * mass_up)
    store(k, _NEAR, _BDF_NEAR * rest)
    store(k, _FAR, _BDF_FAR * rest * discount)
    set_strike(elapsed + dt, row, plan, terms)
    move = exponential(-frame * (elapsed + dt)) if moves else move
    _set_ends(n, move, rest, shrink, terms, space)
    _down_from_two(n, space.middle, space.value, space.value, k)
    _up(n, space.value, space.spot, k)
