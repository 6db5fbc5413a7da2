"""Options with cash dividends by a finite-difference method of their own, converged, with an estimate of the error.

It shares nothing with the library. Each stretch between ex-times has a grid in spot itself, not its logarithm, fixed
in time and dense by a sum of densities in closed form: around each kink of what the stretch ends with, as fine as the
kink is when the stretch ends, and over all that spot can be seen to reach from today (8.5 standard deviations). Kinks
(the strike, the amount itself, below which spot falls to nothing, and where a call is exercised just before an
ex-time) are nodes. Time is stepped by TR-BDF2 (Bank and others 1985), graded as the square away from each expiry or
ex-time, with Brennan and Schwartz's elimination for early exercise: exercise regions are half lines at yields >= 0,
because delta is then never beyond 1. Four grids, each twice as fine as the one before in both, are extrapolated in
pairs, and the error is what the last pairs differ by.

The model: between ex-times spot is a geometric Brownian motion, at an ex-time it falls by the amount, at most to
nothing, where it stays; an American option may be exercised at any time, also just before an ex-time. Of two amounts
at one ex-time the sum counts, and nothing of one at expiry or later.
"""

import math
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel

__all__ = ["Converged", "Terms", "converged", "merged"]

Array = npt.NDArray[np.float64]

_REACH: Final = 8.5  # standard deviations
_CELLS: Final = 600
_STEPS: Final = 150
_LEAST_STEPS: Final = 12  # of a stretch
_LEAST_CELLS: Final = 4  # between two kinks
_APART: Final = 1e-3  # of what a kink is rounded by, below which two are one
_TABLE: Final = 500  # places from which Newton's method for a node starts
_NEWTON: Final = 4
_STAGE: Final = 1.0 - math.sqrt(0.5)  # what both stages of TR-BDF2 have before dt A, with gamma = 2 - sqrt 2
_MIDDLE: Final = (1.0 + math.sqrt(2.0)) / 2.0  # of the middle value in the last, 1 / (gamma (2 - gamma))


class Terms(NamedTuple):
    """An option without its spot; ``right`` +1 for a call, -1 for a put; dividends as tuples of times and amounts."""

    strike: float
    rate: float
    dividend_yield: float
    volatility: float
    time: float
    right: int
    american: bool
    times: tuple[float, ...]
    amounts: tuple[float, ...]
    held_until: float = 0.0
    """The ex-time up to which, itself included, nobody exercises."""

    @property
    def style(self) -> Literal["american", "european"]:
        return "american" if self.american else "european"


class Converged(NamedTuple):
    """Values and deltas at spots (n,), and how far off they may be."""

    value: Array
    delta: Array
    value_error: Array
    delta_error: Array


class _Kink(NamedTuple):
    at: float
    width: float  # over which it is rounded when its stretch ends: 0 for a true one


class _Stretch(NamedTuple):
    """One stretch: when it begins and ends, what is paid at its end, and which spots can be seen in it."""

    begin: float
    end: float
    amount: float
    low: float
    high: float


def merged(terms: Terms) -> list[tuple[float, float]]:
    """Ex-times before expiry and what is paid at each, ascending; amounts of nothing are left out."""
    paid: dict[float, float] = {}
    for time, amount in sorted(zip(terms.times, terms.amounts, strict=True)):
        if time < terms.time and amount > 0.0:
            paid[time] = paid.get(time, 0.0) + amount
    return list(paid.items())


def _stretches(terms: Terms, low: float, high: float) -> list[_Stretch]:
    """From today on, in units of the strike."""
    drift = terms.rate - terms.dividend_yield - 0.5 * terms.volatility**2
    found, now = [], 0.0
    for time, amount in [*merged(terms), (terms.time, 0.0)]:
        spread = _REACH * terms.volatility * (math.sqrt(time) - math.sqrt(now))
        moved = drift * (time - now)
        low *= math.exp(min(moved, 0.0) - spread)
        high *= math.exp(max(moved, 0.0) + spread)
        found.append(_Stretch(now, time, amount / terms.strike, low, high))
        # 1 % more, so that what a stretch's end asks of the next one is never at its very edge.
        low, high = max(0.99 * low - amount / terms.strike, 0.0), 1.01 * high
        now = time
    return found


def _sure(terms: Terms, s: npt.ArrayLike, now: npt.ArrayLike) -> Array:
    """Roughly what is sure at spots next to the ends of a grid, which today's spot hardly sees; exact at nothing.

    Spots and times broadcast; no ex-time lies between the times.
    """
    spot, moment = np.broadcast_arrays(np.asarray(s, dtype=np.float64), np.asarray(now, dtype=np.float64))
    last = float(np.max(now))

    def worth(left: Array, at: npt.ArrayLike) -> Array:
        return np.maximum(terms.right * (left - 1.0), 0.0) * np.exp(-terms.rate * (at - moment))

    best, before = worth(spot, moment), moment
    for time, amount in merged(terms):
        if time > last:
            spot = spot * np.exp((terms.rate - terms.dividend_yield) * (time - before))
            best = np.maximum(best, worth(spot, time))
            spot = np.maximum(spot - amount / terms.strike, 0.0)
            best, before = np.maximum(best, worth(spot, time)), np.full(moment.shape, time)
    end = worth(spot * np.exp((terms.rate - terms.dividend_yield) * (terms.time - before)), terms.time)
    return np.asarray(np.maximum(best, end) if terms.american else end)


class _Density:
    """How dense nodes are, as a sum of densities, each of which is one over the range."""

    def __init__(self, low: float, high: float, kinks: list[_Kink]) -> None:
        self.low, self.high = low, high
        self.soft = 0.05 * math.sqrt(max(low, 1e-12) * high) if low > 0.0 else 0.05 * min(high, 1.0)
        self.kinks = kinks
        self.scales = [self._around(kink, np.array([low, high])) for kink in kinks]

    @staticmethod
    def _around(kink: _Kink, s: Array) -> Array:
        return np.asarray(np.arcsinh((s - kink.at) / kink.width))

    def up_to(self, s: Array) -> Array:
        """The integral of the density."""
        total = (s - self.low) / (self.high - self.low)
        total = total + np.log((s + self.soft) / (self.low + self.soft)) / math.log(
            (self.high + self.soft) / (self.low + self.soft)
        )
        for kink, (first, last) in zip(self.kinks, self.scales, strict=True):
            total = total + (self._around(kink, s) - first) / (last - first)
        return np.asarray(total)

    def _slope(self, s: Array) -> Array:
        octaves = math.log((self.high + self.soft) / (self.low + self.soft))
        total = 1.0 / (self.high - self.low) + 1.0 / ((s + self.soft) * octaves)
        for kink, (first, last) in zip(self.kinks, self.scales, strict=True):
            total = total + 1.0 / np.sqrt((s - kink.at) ** 2 + kink.width**2) / (last - first)
        return np.asarray(total)

    def nodes(self, first: float, last: float, cells: int) -> Array:
        """``cells + 1`` nodes that the density spreads evenly between two spots."""
        ends = self.up_to(np.array([first, last]))
        wanted = np.linspace(ends[0], ends[1], cells + 1)
        soft = self.soft
        table = [np.linspace(first, last, _TABLE), np.geomspace(first + soft, last + soft, _TABLE) - soft]
        for kink in self.kinks:
            around = self._around(kink, np.array([first, last]))
            table.append(kink.at + kink.width * np.sinh(np.linspace(around[0], around[1], _TABLE)))
        known = np.unique(np.concatenate(table).clip(first, last))
        s = np.interp(wanted, self.up_to(known), known)
        for _ in range(_NEWTON):
            s = (s - (self.up_to(s) - wanted) / self._slope(s)).clip(first, last)
        s[0], s[-1] = first, last
        return s


def _grid(stretch: _Stretch, kinks: list[_Kink], terms: Terms, level: int) -> Array:
    """The nodes of a stretch: true kinks among them, each cell halved from one level to the next."""
    # How far a kink is rounded when the stretch begins, or how near to it value bends where drift counts most.
    drift = max(abs(terms.rate), terms.dividend_yield, abs(terms.rate - terms.dividend_yield), 1e-9)
    rounded = min(terms.volatility * math.sqrt(stretch.end - stretch.begin), terms.volatility**2 / drift)
    inside = [kink for kink in kinks if stretch.low < kink.at < stretch.high]
    wide = [kink._replace(width=kink.width or kink.at * rounded) for kink in inside]
    density = _Density(stretch.low, stretch.high, wide)
    nodes = [stretch.low]
    for kink in sorted(inside):
        if kink.width == 0.0 and min(kink.at - nodes[-1], stretch.high - kink.at) > _APART * kink.at * rounded:
            nodes.append(kink.at)
    nodes.append(stretch.high)
    ends = density.up_to(np.array(nodes))
    budget = _CELLS * (5 + len(inside)) / 6.0
    parts = []
    for (first, last), share in zip(pairwise(nodes), np.diff(ends) / (ends[-1] - ends[0]), strict=True):
        cells = max(round(budget * share), _LEAST_CELLS) << level
        parts.append(density.nodes(first, last, cells)[:-1])
    return np.concatenate([*parts, [stretch.high]])


@kernel
def _solve(
    below: Array, above: Array, rate: float, v: Array, payoff: Array, ends: Array, steps: Array, low: bool, held: bool
) -> None:
    """TR-BDF2 over ``steps`` (m,) of time in place of v (n + 1); what ends have, (2, 2, m): after each stage.

    below, above (n + 1): what the operator takes from the neighbours; ``low``: exercise is at low spots; ``held``:
    there is none.
    """
    n = v.size - 1
    rhs, pivot, middle = np.empty(n + 1), np.empty(n + 1), np.empty(n + 1)
    for m in range(steps.size):
        z = _STAGE * steps[m]
        for stage in range(2):
            if stage == 0:
                for i in range(1, n):
                    moved = below[i] * (v[i - 1] - v[i]) + above[i] * (v[i + 1] - v[i]) - rate * v[i]
                    rhs[i] = v[i] + z * moved
            else:
                for i in range(1, n):
                    rhs[i] = _MIDDLE * middle[i] + (1.0 - _MIDDLE) * v[i]
            out = middle if stage == 0 else v
            out[0], out[n] = ends[0, stage, m], ends[1, stage, m]
            if low:
                x = out[n]
                for i in range(n - 1, 0, -1):
                    d = 1.0 + z * (below[i] + above[i] + rate)
                    if i == n - 1:
                        pivot[i] = d
                        rhs[i] += z * above[i] * x
                    else:
                        share = z * above[i] / pivot[i + 1]
                        pivot[i] = d - share * z * below[i + 1]
                        rhs[i] += share * rhs[i + 1]
                x = out[0]
                for i in range(1, n):
                    x = (rhs[i] + z * below[i] * x) / pivot[i]
                    if not held:
                        x = max(x, payoff[i])
                    out[i] = x
            else:
                x = out[0]
                for i in range(1, n):
                    d = 1.0 + z * (below[i] + above[i] + rate)
                    if i == 1:
                        pivot[i] = d
                        rhs[i] += z * below[i] * x
                    else:
                        share = z * below[i] / pivot[i - 1]
                        pivot[i] = d - share * z * above[i - 1]
                        rhs[i] += share * rhs[i - 1]
                x = out[n]
                for i in range(n - 1, 0, -1):
                    x = (rhs[i] + z * above[i] * x) / pivot[i]
                    if not held:
                        x = max(x, payoff[i])
                    out[i] = x


def _back(terms: Terms, stretch: _Stretch, s: Array, v: Array, level: int) -> None:
    """Take v from a stretch's end to its beginning."""
    length = stretch.end - stretch.begin
    count = max(math.ceil(_STEPS * math.sqrt(length / terms.time)), _LEAST_STEPS) << level
    ago = length * (np.arange(count + 1) / count) ** 2
    steps = np.diff(ago)
    stages = np.stack([ago[:-1] + 2.0 * _STAGE * steps, ago[1:]])
    # The stretch's own ex-time is over once its end has been left.
    moments = np.minimum(stretch.end - stages, stretch.end * (1.0 - 1e-15))
    ends = _sure(terms, s[[0, -1], np.newaxis, np.newaxis], moments)
    up, down = np.diff(s)[1:], np.diff(s)[:-1]
    variance, drift = (terms.volatility * s[1:-1]) ** 2, (terms.rate - terms.dividend_yield) * s[1:-1]
    below, above = np.zeros(s.size), np.zeros(s.size)
    below[1:-1] = (variance - drift * up) / (down * (up + down))
    above[1:-1] = (variance + drift * down) / (up * (up + down))
    payoff = np.maximum(terms.right * (s - 1.0), 0.0)
    held = not terms.american or stretch.end <= terms.held_until
    _solve(below, above, terms.rate, v, payoff, ends, steps, terms.right < 0, held)


def _read(s: Array, v: Array, at: Array) -> tuple[Array, Array]:
    """Value and slope of the cubics through four nodes each."""
    first = np.clip(np.searchsorted(s, at) - 2, 0, s.size - 4)
    near = first[:, np.newaxis] + np.arange(4)
    x, y = s[near] - at[:, np.newaxis], v[near]
    value, slope = np.zeros(at.size), np.zeros(at.size)
    for j in range(4):
        others = [k for k in range(4) if k != j]
        scale = np.prod([x[:, j] - x[:, k] for k in others], axis=0)
        a, b, c = (x[:, k] for k in others)
        value += y[:, j] * (-a * b * c) / scale
        slope += y[:, j] * (a * b + b * c + a * c) / scale
    return value, slope


def _at_dividend(terms: Terms, stretch: _Stretch, s: Array, s_after: Array, v_after: Array) -> Array:
    """Values at s just before the ex-time at the stretch's end, exercise there included."""
    left = s - stretch.amount
    value = np.where(left <= 0.0, _sure(terms, np.zeros(s.size), stretch.end), 0.0)
    inside = (left > 0.0) & (left >= s_after[0]) & (left <= s_after[-1])
    value[inside] = _read(s_after, v_after, left[inside])[0]
    beyond = (left > 0.0) & ~inside
    value[beyond] = _sure(terms, left[beyond], stretch.end)
    if not terms.american or stretch.end <= terms.held_until:
        return np.asarray(value)
    return np.asarray(np.maximum(value, terms.right * (s - 1.0)))


def _exercised(terms: Terms, stretch: _Stretch, s_after: Array, v_after: Array) -> float | None:
    """The spot from which on a call is exercised just before the stretch's end, if it is anywhere in sight."""
    if terms.right < 0 or not terms.american or stretch.end <= terms.held_until:
        return None
    gain = s_after + stretch.amount - 1.0 - v_after
    after = np.flatnonzero(gain > 1e-14)
    if not after.size:
        return None
    if after[0] == 0:
        return 1.0 if s_after[0] == 0.0 else None  # less than the amount, of which nothing would be left
    low, high = s_after[after[0] - 1], s_after[after[0]]
    for _ in range(60):
        middle = 0.5 * (low + high)
        better = middle + stretch.amount - 1.0 > _read(s_after, v_after, np.array([middle]))[0][0]
        low, high = (low, middle) if better else (middle, high)
    return float(stretch.amount + 0.5 * (low + high))


def _values(terms: Terms, spots: Array, level: int, stars: dict[float, float | None]) -> tuple[Array, Array]:
    """Values and deltas on one level of grids; ``stars``: where calls are exercised, found on the first, the finest."""
    scaled = spots / terms.strike
    kinks = [_Kink(1.0, 0.0)]
    s = v = np.empty(0)
    for stretch in reversed(_stretches(terms, float(scaled.min()) * 0.98, float(scaled.max()) * 1.02)):
        if stretch.end == terms.time:
            s = _grid(stretch, kinks, terms, level)
            v = np.maximum(terms.right * (s - 1.0), 0.0)
        else:
            if stretch.end not in stars:
                stars[stretch.end] = _exercised(terms, stretch, s, v)
            star = stars[stretch.end]
            kinks = [kink._replace(at=kink.at + stretch.amount) for kink in kinks]
            kinks += [_Kink(at, 0.0) for at in (stretch.amount, star) if at is not None]
            new = _grid(stretch, kinks, terms, level)
            v = _at_dividend(terms, stretch, new, s, v)
            s = new
        _back(terms, stretch, s, v, level)
        length = stretch.end - stretch.begin
        kinks = [
            kink._replace(width=math.hypot(kink.width, terms.volatility * max(kink.at, s[1]) * math.sqrt(length)))
            for kink in kinks
        ]
    value, delta = _read(s, v, scaled)
    return value * terms.strike, delta


def converged(spots: npt.ArrayLike, terms: Terms, *, finest: int = 3) -> Converged:
    """Values and deltas at spots (n,), from the grids ``finest - 3`` to ``finest``; yields must not be negative."""
    where = np.atleast_1d(np.asarray(spots, dtype=np.float64))
    stars: dict[float, float | None] = {}
    found = [np.stack(_values(terms, where, level, stars)) for level in range(finest, finest - 4, -1)]
    better = [(4.0 * fine - coarse) / 3.0 for fine, coarse in pairwise(found)]
    error = np.maximum(np.abs(better[0] - better[1]), 0.25 * np.abs(better[1] - better[2]))
    return Converged(better[0][0], better[0][1], error[0], error[1])
