"""Eight options on spots that drop at ex-times, by finite differences on one grid each, side by side in lanes.

- Steps (:mod:`cash_step`) are graded, ``((j + 1) / m)^2`` of a segment, because the solution changes like the root of
  time after each expiry and ex-time.
- Kinks (the payoff's at the strike, and where exercise just before an ex-time becomes best) get the masses on the two
  nodes around them with which the trapezoidal rule integrates them to fourth order.

What is left is regular, of second order in cells and steps: two grids extrapolate (:mod:`dividends`).
"""

import math

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.numerics.elementary import exponential, logarithm, normal_cdf_pdf
from alo_lib.numerics.lanes import (
    LANES,
    LaneMask,
    Lanes,
    align_stack,
    any_lane,
    greatest,
    least,
    load,
    neighbours,
    select,
    store,
)
from alo_lib.pricing.cash_rows import (
    AMOUNT,
    BASE,
    BLUR,
    FALL,
    FRAME,
    GAP,
    JUMP,
    KEPT,
    KINK,
    LENGTH,
    NEW,
    PLAN_ROWS,
    PLATEAU,
    RANGE,
    STAIRS,
    START,
    WHOLE,
    WORTHLESS,
    is_ex_time,
)
from alo_lib.pricing.cash_step import (
    CASH,
    EARLY_CASH,
    EARLY_SHARE,
    LAST_CASH,
    LAST_SHARE,
    SHARE,
    T_ALIVE,
    T_RATE,
    T_SIDE,
    T_STRIKE,
    T_YIELD,
    GridSpace,
    set_strike,
    take_step,
)
from alo_lib.pricing.stairs import above_plateau

__all__ = ["solve_grid"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_SHARP = 0.0625  # variance in cells up to which a kink's masses are those of a sharp one, with what smoothing adds
_SMOOTH = 1.0  # and from which it has none
_REACH = 6.0  # standard deviations of what smoothing adds
_EXERCISED = 1e-13  # of the strike: what holding gains at most where an option is exercised
_WHOLE = 6755399441055744.0  # 1.5 * 2**52: what is added to it is rounded to a whole number


@kernel
def _masses(share: Lanes, jump: Lanes) -> tuple[Lanes, Lanes]:
    """What the nodes before and after a kink get, where slope grows by ``jump`` a cell ``share`` of a cell past one.

    From the Euler-Maclaurin sum that begins at the kink: its terms of second and third order.
    """
    rest = 1.0 - share
    second = rest * (rest - 1.0) + 1.0 / 6.0
    third = rest * ((rest - 1.5) * rest + 0.5)
    after = (third * (1.0 / 3.0) + 0.5 * share * second) * jump
    return 0.5 * second * jump - after, after


@kernel
def _spots(n: int, start: Lanes, cell: Lanes, spot: Array) -> None:
    """Spot over strike at nodes 0 to n."""
    s, factor = exponential(start), exponential(cell)
    for i in range(n + 1):
        store(spot, i, s)
        s = s * factor


@kernel
def _smoothed(share: float, variance: float) -> tuple[float, float]:
    """The periodic Bernoulli functions of second and third order at ``share``, smoothed by a variance."""
    if variance > _SHARP:  # one wave is left
        wave = math.exp(-2.0 * math.pi * math.pi * variance) / (math.pi * math.pi)
        angle = 2.0 * math.pi * share
        return wave * math.cos(angle), wave * (1.5 / math.pi) * math.sin(angle)
    second = share * (share - 1.0) + 1.0 / 6.0 + variance
    third = share * (share * (share - 1.5) + 0.5) + 3.0 * variance * (share - 0.5)
    if variance > 0.0:
        deviation = math.sqrt(variance)
        for each in range(2):
            z = (share if each == 0 else 1.0 - share) / deviation
            cdf, pdf = normal_cdf_pdf(-z)
            second -= 2.0 * deviation * (pdf - z * cdf)
            beyond = 3.0 * variance * ((1.0 + z * z) * cdf - z * pdf)
            third += beyond if each == 0 else -beyond
    return second, third


@kernel
def _add_kink(n: int, place: Lanes, jump: Lanes, blur: Lanes, bare: Lanes, value: Array, scratch: Array) -> None:
    """Add a kink's masses at ``place``, counted in nodes, where it is between two of them.

    blur: variance, in cells, that has smoothed the kink; bare: 1 where the values do not know of that, and 0.
    """
    store(scratch, 0, place)
    store(scratch, 1, jump)
    store(scratch, 2, blur)
    store(scratch, 3, bare)
    for lane in range(LANES):
        x, size, variance = scratch[0, lane], scratch[1, lane], scratch[2, lane]
        if not 0.0 <= x < n:
            continue
        i = min(max(int(x), 0), n - 1)
        if variance < _SMOOTH:
            second, third = _smoothed(x - i, variance)
            after = (0.5 * (x - i) * second - third * (1.0 / 3.0)) * size
            value[i, lane] += 0.5 * second * size - after
            value[i + 1, lane] += after
        if scratch[3, lane] > 0.0 and variance > 0.0:
            deviation = math.sqrt(variance)
            away = int(_REACH * deviation) + 1
            for j in range(max(i - away, 0), min(i + away, n) + 1):
                z = abs(j - x) / deviation
                cdf, pdf = normal_cdf_pdf(-z)
                value[j, lane] += size * deviation * (pdf - z * cdf)


@kernel
def _begin_life(n: int, start: Lanes, cell: Lanes, side: Lanes, space: GridSpace) -> None:
    """Payoff at expiry into value, its kink's masses included."""
    for i in range(n + 1):
        store(space.value, i, greatest(side * (load(space.spot, i) - 1.0), 0.0))
    _add_kink(n, -start / cell, abs(cell), 0.0 * cell, 0.0 * cell, space.value, space.scratch)


@kernel
def _fall(n: int, row: int, plan: Array, terms: Array, space: GridSpace) -> None:
    """Values just before an ex-time, on the grid of the stretch in row ``row`` of plan, from those after it.

    spot: the new grid's already; value: the later stretch's, whose plan is in the row before, into the new one's.
    """
    later = row - PLAN_ROWS
    side, strike, alive = load(terms, T_SIDE), load(terms, T_STRIKE), load(terms, T_ALIVE) > 0.0
    amount, kept = load(plan, row + AMOUNT), load(plan, row + KEPT)
    worthless, plateau = load(plan, row + WORTHLESS), load(plan, row + PLATEAU)
    stepped = any_lane(load(plan, row + STAIRS) > 0.0)
    inverse = n / load(plan, later + RANGE)
    origin = load(plan, later + START) - load(plan, later + FRAME) * load(plan, later + WHOLE)
    cash, share = load(space.sure, CASH), load(space.sure, SHARE)
    early_cash, early_share = load(space.sure, EARLY_CASH), load(space.sure, EARLY_SHARE)
    last_cash, last_share = load(space.sure, LAST_CASH), load(space.sure, LAST_SHARE)
    at_first = above_plateau(origin, row + STAIRS, plan)
    rise = 0.0 * at_first
    # Two loops, each short enough for the processor to have several nodes under way at a time.
    for i in range(n + 1):
        left = load(space.spot, i) * kept - amount
        store(space.middle, i, (logarithm(select(left > 0.0, left, 1.0)) - origin) * inverse)
    for i in range(n + 1):
        left, place = load(space.spot, i) * kept - amount, load(space.middle, i)
        # The first of the four nodes around it; adding and taking away makes it a whole number.
        first = greatest(0.0, least(place - 1.5, n - 3.0)) + _WHOLE - _WHOLE
        a, b, c, d = neighbours(space.value, first)
        x = place - first
        x1, x2, x3 = x - 1.0, x - 2.0, x - 3.0
        outer = x * x3
        worth = (d * (x * x1 * x2) - a * (x1 * x2 * x3)) * (1.0 / 6.0) + 0.5 * (b * (outer * x2) - c * (outer * x1))
        before, after = place < 0.0, place > n
        if any_lane(before | after):
            if stepped and any_lane(before):
                rise = above_plateau(origin + place / inverse, row + STAIRS, plan) - at_first
            sure = greatest(cash + share * left, early_cash + early_share * left)
            worth = select(before, least(sure, plateau + at_first) + rise, worth)
            worth = select(after, last_cash + last_share * left, worth)
            beyond = alive & (before | after)
            worth = select(beyond, greatest(worth, side * (left - strike)), worth)
        worth = select(side > 0.0, worth, least(worth, worthless))
        store(space.middle, i, greatest(select(left > 0.0, worth, worthless), 0.0))
    for i in range(n + 1):
        store(space.value, i, load(space.middle, i))


@kernel
def _know_early(row: int, plan: Array, terms: Array, space: GridSpace) -> None:
    """Make the line of puts that are exercised just after an ex-time sure from the beginning of a new stretch on.

    Where the yield is above the rate holding on is better than that next to the strike and worse far below, which a
    grid around the strike's kink alone does not see. Of two ex-times the one that leaves more cash.
    """
    strike, whole = load(terms, T_STRIKE), load(plan, row + WHOLE)
    amount, kept = load(plan, row + AMOUNT), load(plan, row + KEPT)
    cash, share = load(space.sure, EARLY_CASH), load(space.sure, EARLY_SHARE)
    cash, share = cash - amount * share, kept * share
    paid = (load(plan, row + FALL) > 0.0) | (kept < 1.0)
    put = (load(terms, T_ALIVE) > 0.0) & (load(terms, T_SIDE) < 0.0)
    now = put & paid & (strike + amount > cash)
    cash, share = select(now, strike + amount, cash), select(now, -kept, share)
    store(space.sure, EARLY_CASH, cash * exponential(-load(terms, T_RATE) * whole))
    store(space.sure, EARLY_SHARE, share * exponential(-load(terms, T_YIELD) * whole))


@kernel
def _absorb(n: int, row: int, plan: Array, space: GridSpace) -> None:
    """Add the masses of the kinks where a dividend, or those after it, leave nothing of the spot, which a put has.

    Where holding on for the next dividend would cost interest, next to nothing is exercised at once: two kinks more.
    """
    cell, start = load(plan, row + RANGE) / n, load(plan, row + START)
    amount, kept, gap = load(plan, row + AMOUNT), load(plan, row + KEPT), load(plan, row + GAP)
    for each in range(3):
        bare = blur = 0.0 * cell
        if each == 0:
            at, known = load(plan, row + KINK), load(plan, row + JUMP)
            jump = select(known < 0.0, known, least(load(space.sure, SHARE) * exponential(at) * kept, 0.0))
            bare, blur = select(known < 0.0, bare, 1.0), load(plan, row + BLUR) / (cell * cell)
        else:
            left = gap * (each - 1)
            at = logarithm(select(gap > 0.0, (amount + left) / kept, 1.0))
            jump = select(gap > 0.0, (amount + left) * (2 * each - 3), 0.0)
        place = (at - start) / cell
        if any_lane((place >= 0.0) & (place < n) & (abs(jump) > 0.0)):
            _add_kink(n, place, jump * abs(cell), blur, bare, space.value, space.scratch)


@kernel
def _exercise(n: int, cell: Lanes, side: Lanes, strike: Lanes, alive: LaneMask, space: GridSpace) -> None:
    """The better of holding and exercise just before an ex-time into value, with the masses of the kinks between.

    What exercise gains is taken as straight in spot between two nodes.
    """
    before = before_worth = 0.0 * side
    for i in range(n + 1):
        held = load(space.value, i)
        gain = select(alive, side * (load(space.spot, i) - strike) - held, -1.0)
        if i == 0:
            before = gain
        worth = held + greatest(gain, 0.0)
        kink = ((gain >= 0.0) & (before < 0.0)) | ((gain < 0.0) & (before >= 0.0))
        if any_lane(kink):
            share = select(kink, before / (before - gain), 0.0)
            share = share * (1.0 + 0.5 * (1.0 - share) * cell)
            first, second = _masses(share, select(kink, abs(gain - before) * (1.0 + (share - 0.5) * cell), 0.0))
            store(space.value, i - 1, before_worth + first)
            worth = worth + second
        store(space.value, i, worth)
        before, before_worth = gain, worth


@kernel
def _know_ends(n: int, space: GridSpace) -> None:
    """What is sure beyond the ends of a new stretch: straight lines through the two nodes there."""
    for first, second, row in ((0, 1, CASH), (n, n - 1, LAST_CASH)):
        a, b = load(space.value, first), load(space.value, second)
        s, t = load(space.spot, first), load(space.spot, second)
        share = (b - a) / (t - s)
        store(space.sure, row, a - share * s)
        store(space.sure, row + 1, share)


@kernel
def _boundary(n: int, move: float, is_kink: bool, terms: Array, space: GridSpace) -> float:
    """Spot over strike at which the first lane's exercise begins, NaN where it is not exercised at the first node.

    Between two nodes: the gain from holding grows like the square of the distance, at a kink in proportion to it.
    """
    side, strike = terms[T_SIDE, 0], terms[T_STRIKE, 0]
    first = 0
    while first < n - 1 and side * (space.spot[first, 0] * move - strike) >= space.value[first, 0] - _EXERCISED:
        first += 1
    if first == 0 or side * (space.spot[first - 1, 0] * move - strike) <= 0.0:
        return math.nan
    near = space.value[first, 0] - side * (space.spot[first, 0] * move - strike)
    far = space.value[first + 1, 0] - side * (space.spot[first + 1, 0] * move - strike)
    if not is_kink:
        near, far = math.sqrt(max(near, 0.0)), math.sqrt(max(far, 0.0))
    share = min(max(near / (far - near), 0.0), 1.0) if far > near else 0.0
    a, b = space.spot[first, 0], space.spot[first - 1, 0]
    return float(move * a * (b / a) ** share + (1.0 - strike))


@kernel
def solve_grid(
    cells: int, multiple: int, steps: Integers, plan: Array, terms: Array, space: GridSpace, trace: Array
) -> int:
    """Values today into space.value, at the spots in space.spot; returns the plan's row of the first stretch.

    cells, steps: as :func:`plan_option` has them, the same for all lanes; ``multiple`` times as many are taken.
    plan: (segments * PLAN_ROWS); terms: rows T_SIDE and after. space: of multiple * cells + 1 nodes at least.
    trace (2, k): receives time to the stretch's end and spot over strike where the first lane's exercise begins, after
    each step and before each ex-time; (2, 0) where that is not wanted.
    """
    align_stack()
    n = multiple * cells
    side, alive = load(terms, T_SIDE), load(terms, T_ALIVE) > 0.0
    row = at = 0
    for segment in range(steps.size):
        count = steps[segment]
        if count == 0:
            break
        row = segment * PLAN_ROWS
        if count >= NEW:
            count -= NEW
            start, cell = load(plan, row + START), load(plan, row + RANGE) / n
            _spots(n, start, cell, space.spot)
            if segment == 0:
                _begin_life(n, start, cell, side, space)
                store(space.sure, EARLY_CASH, 0.0 * cell - math.inf)
                store(space.sure, EARLY_SHARE, 0.0 * cell)
            else:
                _fall(n, row, plan, terms, space)
                _know_early(row, plan, terms, space)
                _absorb(n, row, plan, space)
                set_strike(0.0 * cell, row, plan, terms)
                if at < trace.shape[1] and is_ex_time(plan[row + FALL, 0], plan[row + KEPT, 0]):
                    trace[0, at], trace[1, at] = 0.0, _boundary(n, 1.0, True, terms, space)
                    at += 1
                _exercise(n, cell, side, load(terms, T_STRIKE), alive, space)
            _know_ends(n, space)
        count *= multiple
        base, length = load(plan, row + BASE), load(plan, row + LENGTH)
        for j in range(count):
            done, reached = (j / count) ** 2, ((j + 1) / count) ** 2
            take_step(n, base + length * done, length * (reached - done), row, plan, terms, space)
            if at < trace.shape[1]:
                passed = plan[row + BASE, 0] + plan[row + LENGTH, 0] * reached
                move = math.exp(-plan[row + FRAME, 0] * passed)
                trace[0, at], trace[1, at] = passed, _boundary(n, move, False, terms, space)
                at += 1
    today = exponential(-load(plan, row + FRAME) * load(plan, row + WHOLE))
    for i in range(n + 1):
        store(space.spot, i, load(space.spot, i) * today)
    return row
