"""What an American put is worth on a spot that dividends will pay away: the strike, paid when the first has done so.

Below the spot that the next dividend takes all of, that is the strike after the next; up to the one that the next two
take all of, after the second; and so on: stairs down to the last dividend's plateau. Each edge is smoothed by what spot
diffuses until then. A grid that begins above them knows none of this.
"""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import normal_cdf
from alo_lib.numerics.lanes import Lanes, any_lane, load

__all__ = ["STAIR_ROWS", "above_plateau", "climb", "tell_stairs", "wait_on_stairs"]

Array = npt.NDArray[np.float64]

_MOST = 4  # steps that are kept
STAIR_ROWS = 3 * _MOST
"""Rows of a plan that tell stairs: how high each step is, logarithm of the highest spot on it, standard deviation of
that by when it is paid away."""
_HEIGHT, _EDGE, _VARIANCE = range(3)  # of stairs (3, _MOST) while they are built


@kernel
def climb(count: int, amount: float, kept: float, step: float, stairs: Array) -> int:
    """Take stairs of ``count`` steps before a dividend, which adds one; returns how many there are then.

    stairs (3, steps at most). Of too many the lowest is made one with its neighbour, which is off by so much.
    """
    for j in range(count):
        edge = (stairs[_EDGE, j] + amount) / kept
        stairs[_VARIANCE, j] *= (stairs[_EDGE, j] / (kept * edge)) ** 2
        stairs[_EDGE, j] = edge
    if not 0.0 < step < math.inf:
        return count
    if count == _MOST:
        lowest = 0
        for j in range(1, count):
            lowest = j if stairs[_HEIGHT, j] < stairs[_HEIGHT, lowest] else lowest
        stairs[_HEIGHT, lowest - 1 if lowest > 0 else 1] += stairs[_HEIGHT, lowest]
        for j in range(lowest, count - 1):
            for row in range(3):
                stairs[row, j] = stairs[row, j + 1]
        count -= 1
    stairs[_HEIGHT, count], stairs[_EDGE, count], stairs[_VARIANCE, count] = step, amount / kept, 0.0
    return count + 1


@kernel
def wait_on_stairs(count: int, discount: float, growth: float, variance: float, stairs: Array) -> None:
    """Take stairs a while earlier: what their worth is discounted by, edges grow by, and the variance until then."""
    for j in range(count):
        stairs[_HEIGHT, j] *= discount
        stairs[_EDGE, j] *= growth
        stairs[_VARIANCE, j] += variance


@kernel
def tell_stairs(count: int, stairs: Array, rows: Array) -> None:
    """Write stairs of ``count`` steps into a plan's rows (STAIR_ROWS,)."""
    for j in range(_MOST):
        there = j < count
        rows[j] = stairs[_HEIGHT, j] if there else 0.0
        rows[_MOST + j] = math.log(stairs[_EDGE, j]) if there else 0.0
        rows[2 * _MOST + j] = math.sqrt(stairs[_VARIANCE, j]) if there else 1.0


@kernel
def above_plateau(log_spot: Lanes, row: int, plan: Array) -> Lanes:
    """How much more than the last dividend's plateau a put is worth at a spot; the plan's rows begin at ``row``."""
    total = 0.0 * log_spot
    for j in range(row, row + _MOST):
        height = load(plan, j)
        if any_lane(height > 0.0):
            away = (load(plan, j + _MOST) - log_spot) / load(plan, j + 2 * _MOST)
            total = total + height * normal_cdf(away)
    return total
