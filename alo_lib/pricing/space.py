"""The tables in which eight puts' boundaries are solved, one a lane: what their rows are, and their scratch."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.lanes import table
from alo_lib.pricing.scheme import Tables

__all__ = [
    "ACTIVE",
    "ARGUMENT",
    "FAILED",
    "FREE",
    "GROWTH_Q",
    "GROWTH_R",
    "KIND",
    "LEVEL",
    "LIMIT",
    "NEAR",
    "OWN",
    "PDF_D",
    "PDF_N",
    "POINT",
    "RATE",
    "RIGHT",
    "SEARCH",
    "SLOPE_D",
    "SLOPE_N",
    "SPAN",
    "START",
    "START_Q",
    "START_R",
    "STEP",
    "SUM_D",
    "SUM_N",
    "TERM_D",
    "TERM_N",
    "TIME",
    "UNTIL",
    "VOLATILITY",
    "YIELD",
    "Space",
    "new_space",
]

Array = npt.NDArray[np.float64]

# Rows of Space.put: what each lane's put is. UNTIL: time to expiry up to which its boundary is solved, SPAN up to which
# there is one: past UNTIL it has settled. ACTIVE, NEAR, FAILED: 1 where it is to be solved, where from ``near``, and
# where it could not be. START: log of each boundary at expiry, and its derivatives by rate and yield. LIMIT: where its
# distance from there ends.
RATE, YIELD, VOLATILITY, TIME, UNTIL, SPAN, KIND, ACTIVE, NEAR, FAILED = range(10)
START, START_R, START_Q, LIMIT = 10, 12, 14, 16  # and one more each, for the lower boundary
SEARCH = 18  # eight rows in which american.py looks for where two boundaries meet
_PUT_ROWS = 26


# Space.pairs has, for each pair: what of the discounting depends on the parameters alone; g at the inner point, and
# 1 / g, or 0 where the interpolant is held; the argument of the normal distributions, between the two; terms of the
# numerator and the denominator, and of their derivatives. Behind them is one number an inner point of one node.
GROWTH_R, GROWTH_Q, LEVEL, FREE, ARGUMENT, TERM_N, TERM_D, SLOPE_N, SLOPE_D, POINT = range(10)
# Space.nodes has, for each node: g squared, numerator and denominator, their European densities over them, the
# residual's derivative by the node's own value as far as it is European, residual or Newton's step, right-hand sides.
_SQUARE, SUM_N, SUM_D, PDF_N, PDF_D, OWN, STEP, RIGHT = range(8)
_NODE_ROWS = 11


class Space(NamedTuple):
    """Scratch of one thread, and the boundaries solved last, one a lane. The upper boundary is 0, the lower one 1.

    Few tables, each for many things: a kernel that is called is handed nine numbers for each of them.
    """

    put: Array  # (_PUT_ROWS, LANES): see RATE and after
    pairs: Array  # (9 * n * l + l, LANES): see GROWTH_R and after
    nodes: Array  # (11 * n, LANES): see _SQUARE and after
    jacobian: Array  # (n * n, LANES)
    g: Array  # (2 * n, LANES) log distance of each boundary from its start
    near: Array  # (2 * n, LANES) node values to start from where put says so
    tangents: Array  # (2 * 4 * n, LANES) derivatives of g by volatility, rate, yield, and volatility twice
    table: Array  # (p * n, LANES) node values to values at the points of the price integral


@kernel
def new_space(t: Tables) -> Space:
    """Scratch for the tables."""
    n = t.node.size
    return Space(
        table(_PUT_ROWS),
        table(POINT * n * t.points + t.points),
        table(_NODE_ROWS * n),
        table(n * n),
        table(2 * n),
        table(2 * n),
        table(8 * n),
        table(t.price.shape[1] * n),
    )
