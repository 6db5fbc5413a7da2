"""Moves that no volatility explains: a jump to a new level, or a print that comes back; and a history that bears them.

A return beyond 50 usual moves is no draw of what came before. If the next close takes it back, the print is dropped,
and the day after it is measured from the close before. Otherwise a new level has begun, with a volatility of its own.
What is usual is told by the days before, of the same level; at first by what RiskMetrics' weights (1996) would make of
a move at that limit, which counts as one of the days since. So nothing looks ahead, but for the one close that
takes a print back, and a stream comes to what a batch comes to.

A model of one level cannot be fitted across two. The days before a jump are brought to the volatility since, as returns
are standardized segment by segment before GARCH is fitted across breaks (Aggarwal, Inclan and Leal 1999; Rapach and
Strauss 2008): their pattern is kept, their scale is not. The jump itself counts as a usual day of the new level, since
jumps say next to nothing of the volatility to come (Andersen, Bollerslev and Diebold 2007). So does the day of a dated
event that is known of, however far it moved: it is not judged, and tells nothing of what is usual.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.numerics.compilation import kernel
from alo_lib.volatility.by_content import ByContent
from alo_lib.volatility.errors import ObservationError
from alo_lib.volatility.history import DailyHistory
from alo_lib.volatility.ranges import MEMORY
from alo_lib.volatility.returns import MAX_DEVIATIONS, finite_returns, traded_days

__all__ = ["YOUNG", "Conditioned", "Day", "Jump", "condition", "judge_days", "jumps_of", "refit_days"]

Array = NDArray[np.float64]

_WINDOW = 250
_LEAST_WINDOW = 21
"""Days with a move that tell what is usual: a year, at least a month."""

YOUNG: Final = 21
"""Days after a jump in which each says much of the new level's volatility, so that models are fitted anew: a month."""

_GAUSSIAN = math.sqrt(0.5 * math.pi)
"""Standard deviation of a normal return over its mean absolute value."""

_NEWS = 0.06
_AFTER = math.sqrt(_NEWS * MAX_DEVIATIONS**2 + 1.0 - _NEWS)
"""Volatility expected after a move of 50 usual ones, over that before it, by RiskMetrics' weights."""

_TAKEN_BACK = 0.25
"""Share of a print that may remain at the next close."""

_SPLITS: Final = tuple(sorted({(a, b) for a in (1, 2, 3) for b in range(2, 51) if a < b and math.gcd(a, b) == 1}))
_SPLIT_LIKE = 15.0
"""Usual moves from which on a return that is a ratio of splits is thought of as one; of fewer it may be chance."""
_SPLIT_WITHIN = 2.0


class Day(IntEnum):
    """What a day's return is."""

    USUAL = 0
    LEVEL = 1
    """A jump that the next close confirmed, or that no close has followed yet."""
    PRINT = 2
    """A jump that the next close took back."""
    BACK = 3
    """The day that took it back."""
    EVENT = 4
    """The day of a dated event, which is not judged, unless it took a jump back."""


_USUAL, _LEVEL, _PRINT, _BACK, _EVENT = (int(day) for day in Day)


@dataclass(frozen=True, slots=True)
class Jump:
    """A far move on the ``day``-th return of a history, ``moves`` usual ones long."""

    day: int
    kind: Day
    return_: float
    moves: float
    confirmed: bool
    """Whether a later close has been seen."""

    def __str__(self) -> str:
        move = f"a return of {self.return_:z.1%}, {self.moves:.0f} usual moves{_split_like(self.return_, self.moves)}, "
        if self.kind is Day.PRINT:
            return move + "was taken back by the next close: dropped as a false print"
        if self.confirmed:
            return move + "is a new level: days before it are brought to the volatility since"
        return move + "is taken for a new level, unless the next close takes it back"


@dataclass(frozen=True, eq=False)
class Conditioned(ByContent):
    """A history that models can be fitted to, and what was done to it."""

    history: DailyHistory
    factors: Array
    """What each day's return was multiplied by, shape (n,), to bring it to the volatility of the last level."""
    jumps: tuple[Jump, ...]


def condition(history: DailyHistory, held_event: NDArray[np.bool_] | None = None) -> Conditioned:
    """Bring a history of n days to its last level, without prints; one that has nothing of it all is given back as is.

    The days of a halt have the range that was usual before it: that none traded is no calm. Those that ``held_event``
    (n,) marks count as usual days that went the way they went.

    :raises ObservationError: for ``held_event`` of another shape.
    """
    kinds, scales = judge_days(history.returns, held_event)
    found, halted = jumps_of(history.returns, kinds, scales), ~traded_days(history.returns)
    events = np.flatnonzero(~halted & (False if held_event is None else held_event))
    factors = np.ones(len(history))
    if np.all(halted) or not (found or np.any(halted) or events.size):
        return Conditioned(history, factors, ())
    returns, measures = history.returns.copy(), history.measures.copy()
    for day in np.flatnonzero(halted).tolist():
        measures[day] = np.median(measures[max(0, day - MEMORY) : day]) if day else np.median(measures[~halted])
    for jump in found:
        if jump.kind is Day.PRINT:
            returns[jump.day + 1] += returns[jump.day]
            returns[jump.day] = 0.0
            earlier = measures[max(0, jump.day - MEMORY) : jump.day]
            measures[jump.day : jump.day + 2] = np.median(earlier)
    _make_usual(returns, measures, events, scales)
    levels = [jump for jump in found if jump.kind is Day.LEVEL]
    for jump, end in zip(levels, [jump.day for jump in levels[1:]] + [len(history)], strict=False):
        after = scales[end]
        factors[: jump.day] *= after / scales[jump.day]
        earlier = measures[max(0, jump.day - MEMORY) : jump.day] * np.square(after / scales[jump.day])
        returns[jump.day], measures[jump.day] = math.copysign(after, jump.return_), np.median(earlier)
        returns[: jump.day] *= after / scales[jump.day]
        measures[: jump.day] *= np.square(after / scales[jump.day])
    return Conditioned(replace(history, returns=returns, measures=measures), factors, found)


def _make_usual(returns: Array, measures: Array, days: NDArray[np.intp], scales: Array) -> None:
    """Give ``days`` the return that is usual before them, with its sign, and the median of the measures before them.

    Before anything tells what is usual, it is what is told first.
    """
    known = scales[scales > 0.0]
    for day in days.tolist() if known.size else ():
        returns[day] = math.copysign(scales[day] or known[0], returns[day])
        earlier = measures[max(0, day - MEMORY) : day] if day else np.delete(measures, days)
        measures[day] = np.median(earlier)


def judge_days(
    returns: Sequence[float] | Array, held_event: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int8], Array]:
    """What each of n returns is, as :class:`Day` (n,), and what was usual before each and after the last, (n + 1,).

    Usual is a standard deviation; 0 where too few days tell one, and nothing is far. ``held_event`` (n,) marks the
    days of dated events.

    :raises ObservationError: for a return that is not finite, or ``held_event`` of another shape.
    """
    data = finite_returns(returns)
    held = np.zeros(data.size, np.bool_) if held_event is None else np.asarray(held_event, np.bool_)
    if held.shape != data.shape:
        raise ObservationError(f"held_event must have one value a return, {data.size}, but the shape is {held.shape}")
    kinds, scales = np.zeros(data.size, dtype=np.int8), np.zeros(data.size + 1)
    _judge(data, held, MAX_DEVIATIONS, kinds, scales, np.empty(data.size))
    return kinds, scales


def refit_days(kinds: NDArray[np.int8]) -> NDArray[np.bool_]:
    """After which of n days models should be fitted anew for a jump's sake, shape (n,), none looking ahead.

    After a far move, which looks like a new level; after the close that decides it; and while a level is young.
    """
    refit = np.zeros(kinds.size, dtype=np.bool_)
    for day in np.flatnonzero((kinds == Day.LEVEL) | (kinds == Day.PRINT)).tolist():
        refit[day : day + (2 if kinds[day] == Day.PRINT else YOUNG + 1)] = True
    return refit


def jumps_of(returns: Array, kinds: NDArray[np.int8], scales: Array) -> tuple[Jump, ...]:
    """The far moves that :func:`judge_days` found."""
    return tuple(
        Jump(day, Day(kinds[day]), float(returns[day]), abs(float(returns[day])) / scales[day], day + 1 < kinds.size)
        for day in np.flatnonzero((kinds == Day.LEVEL) | (kinds == Day.PRINT)).tolist()
    )


def _split_like(return_: float, moves: float) -> str:
    """What a return of so many usual moves looks like: an unadjusted split of 2 for 1, say, or nothing."""
    if not moves >= _SPLIT_LIKE:
        return ""
    usual = abs(return_) / moves
    for a, b in _SPLITS:
        if abs(abs(return_) - math.log(b / a)) <= _SPLIT_WITHIN * usual:
            new, old = (b, a) if return_ < 0.0 else (a, b)
            return f", like an unadjusted split of {new} for {old}"
    return ""


@kernel
def _usual(prior: float, total: float, count: int) -> float:
    """Standard deviation told by ``count`` absolute moves; after a jump what was expected of the level is one more."""
    if prior > 0.0:
        return (prior + _GAUSSIAN * total) / (1.0 + count)
    return _GAUSSIAN * total / count if count >= _LEAST_WINDOW else 0.0


@kernel
def _judge(
    returns: Array, held: NDArray[np.bool_], limit: float, kinds: NDArray[np.int8], scales: Array, moves: Array
) -> None:
    """Fill ``kinds`` (n,), ``scales`` (n + 1,) and the absolute ``moves`` (n,) that tell what is usual."""
    prior, total, count, oldest = 0.0, 0.0, 0, 0
    before = (0.0, 0.0, 0, 0)
    for t in range(returns.shape[0]):
        usual = _usual(prior, total, count)
        scales[t] = usual
        move = abs(returns[t])
        if t > 0 and kinds[t - 1] == _LEVEL:
            both = returns[t - 1] + returns[t]
            if abs(both) <= min(_TAKEN_BACK * abs(returns[t - 1]), limit * scales[t - 1]):
                kinds[t - 1], kinds[t] = _PRINT, _BACK
                prior, total, count, oldest = before
                move = abs(both)
                scales[t] = scales[t - 1]
        # A collapse on an event's day is a new level all the same.
        if held[t] and not (kinds[t] == _USUAL and usual > 0.0 and move > limit * usual):
            move = 0.0
            if kinds[t] == _USUAL:
                kinds[t] = _EVENT
        if kinds[t] == _USUAL and usual > 0.0 and move > limit * usual:
            kinds[t], moves[t] = _LEVEL, 0.0
            before = (prior, total, count, oldest)
            prior, total, count, oldest = _AFTER * usual, 0.0, 0, t + 1
            continue
        moves[t] = move
        if move > 0.0:
            total, count = total + move, count + 1
            while count > _WINDOW:
                if moves[oldest] > 0.0:
                    total, count = total - moves[oldest], count - 1
                oldest += 1
    scales[returns.shape[0]] = _usual(prior, total, count)
