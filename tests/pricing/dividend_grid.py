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
at one ex-time the sum counts, and nothing of one at expiry or later. A fraction of the spot may be paid with the
amount. Escrowed, the grids are those of the spot less what the amounts before expiry are worth, and exercise pays on
the spot.
"""

import math
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel

__all__ = ["Converged", "Paid", "Terms", "converged", "merged", "paid_by"]

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
    fractions: tuple[float, ...] = ()
    escrowed: bool = False
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
    """One stretch, in units of the strike: when it begins and ends, what is paid then, which spots are seen in it."""

    begin: float
    end: float
    amount: float  # that the grid's spot falls by, to ``kept`` of itself before
    kept: float
    aside: float  # what of the spot is not the grid's just before the end
    low: float
    high: float

    def aside_at(self, terms: Terms, moment: Array) -> Array:
        """What of the spot is not the grid's at times within the stretch."""
        return np.asarray(self.aside * np.exp((terms.rate - terms.dividend_yield) * (moment - self.end)))


class Paid(NamedTuple):
    """What is paid at an ex-time."""

    time: float
    amount: float
    kept: float  # what the fractions leave of the spot


def merged(terms: Terms) -> list[tuple[float, float]]:
    """Ex-times before expiry and what is paid at each, ascending; amounts of nothing are left out."""
    return [(each.time, each.amount) for each in paid_by(terms) if each.amount > 0.0]


def paid_by(terms: Terms) -> list[Paid]:
    """What is paid at each ex-time before expiry, ascending."""
    found: dict[float, Paid] = {}
    fractions = terms.fractions or (0.0,) * len(terms.times)
    for time, amount, fraction in sorted(zip(terms.times, terms.amounts, fractions, strict=True)):
        if time < terms.time and (amount > 0.0 or fraction > 0.0):
            _, before, kept = found.get(time, Paid(time, 0.0, 1.0))
            found[time] = Paid(time, before + amount, kept - fraction)
    return list(found.values())


def _asides(terms: Terms) -> list[float]:
    """What of the spot is set aside just before each ex-time, and at expiry, in units of the strike."""
    found, later = [0.0], terms.time
    for time, amount, kept in reversed(paid_by(terms) if terms.escrowed else []):
        grown = found[-1] * math.exp((terms.rate - terms.dividend_yield) * (time - later))
        found.append((grown + amount / terms.strike) / kept)
        later = time
    return found[::-1] if terms.escrowed else [0.0] * (len(paid_by(terms)) + 1)


def _aside_today(terms: Terms) -> float:
    first = paid_by(terms)[0].time if paid_by(terms) else 0.0
    return _asides(terms)[0] * math.exp((terms.dividend_yield - terms.rate) * first)


def _stretches(terms: Terms, scaled: Array) -> list[_Stretch]:
    """From spots today on, in units of the strike."""
    drift = terms.rate - terms.dividend_yield - 0.5 * terms.volatility**2
    found, now = [], 0.0
    low, high = float(scaled.min()) * 0.98, float(scaled.max()) * 1.02
    events = [*paid_by(terms), Paid(terms.time, 0.0, 1.0)]
    for (time, amount, kept), aside in zip(events, _asides(terms), strict=True):
        spread = _REACH * terms.volatility * (math.sqrt(time) - math.sqrt(now))
        moved = drift * (time - now)
        low *= math.exp(min(moved, 0.0) - spread)
        high *= math.exp(max(moved, 0.0) + spread)
        falls = 0.0 if terms.escrowed else amount / terms.strike
        found.append(_Stretch(now, time, falls, kept, aside, low, high))
        # 1 % more, so that what a stretch's end asks of the next one is never at its very edge.
        low, high = max(0.99 * low * kept - falls, 0.0), 1.01 * high * kept
        now = time
    return found


def _cash_at(terms: Terms, time: float) -> float:
    """The amount of an ex-time, in units of the strike."""
    return sum(each.amount for each in paid_by(terms) if each.time == time) / terms.strike


def _sure(terms: Terms, s: npt.ArrayLike, now: npt.ArrayLike) -> Array:
    """Roughly what is sure at spots next to the ends of a grid, which today's spot hardly sees; exact at nothing.

    Spots and times broadcast; no ex-time lies between the times.
    """
    spot, moment = np.broadcast_arrays(np.asarray(s, dtype=np.float64), np.asarray(now, dtype=np.float64))
    last = float(np.max(now))

    def worth(left: Array, at: npt.ArrayLike) -> Array:
        return np.maximum(terms.right * (left - 1.0), 0.0) * np.exp(-terms.rate * (at - moment))

    best, before = worth(spot, moment), moment
    for time, amount, kept in paid_by(terms):
        if time > last:
            spot = spot * np.exp((terms.rate - terms.dividend_yield) * (time - before))
            best = np.maximum(best, worth(spot, time))
            spot = np.maximum(spot * kept - amount / terms.strike, 0.0)
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
    below: Array,
    above: Array,
    rate: float,
    v: Array,
    payoff: Array,
    lift: Array,
    ends: Array,
    steps: Array,
    low: bool,
    held: bool,
) -> None:
    """TR-BDF2 over ``steps`` (m,) of time in place of v (n + 1); what ends have, (2, 2, m): after each stage.

    below, above (n + 1): what the operator takes from the neighbours; ``low``: exercise is at low spots; ``held``:
    there is none. Exercise pays ``payoff`` (n + 1) and ``lift`` (2, m), or nothing.
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
                        x = max(x, payoff[i] + lift[stage, m], 0.0)
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
                        x = max(x, payoff[i] + lift[stage, m], 0.0)
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
    aside = stretch.aside_at(terms, moments)
    ends = _sure(terms, s[[0, -1], np.newaxis, np.newaxis] + aside, moments)
    up, down = np.diff(s)[1:], np.diff(s)[:-1]
    variance, drift = (terms.volatility * s[1:-1]) ** 2, (terms.rate - terms.dividend_yield) * s[1:-1]
    below, above = np.zeros(s.size), np.zeros(s.size)
    below[1:-1] = (variance - drift * up) / (down * (up + down))
    above[1:-1] = (variance + drift * down) / (up * (up + down))
    payoff, lift = terms.right * (s - 1.0), terms.right * aside
    held = not terms.american or stretch.end <= terms.held_until
    _solve(below, above, terms.rate, v, payoff, lift, ends, steps, terms.right < 0, held)


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
    left = s * stretch.kept - stretch.amount
    after = max(stretch.aside * stretch.kept - _cash_at(terms, stretch.end), 0.0) if terms.escrowed else 0.0
    value = np.where(left <= 0.0, _sure(terms, np.zeros(s.size), stretch.end), 0.0)
    inside = (left > 0.0) & (left >= s_after[0]) & (left <= s_after[-1])
    value[inside] = _read(s_after, v_after, left[inside])[0]
    beyond = (left > 0.0) & ~inside
    value[beyond] = _sure(terms, left[beyond] + after, stretch.end)
    if not terms.american or stretch.end <= terms.held_until:
        return np.asarray(value)
    return np.asarray(np.maximum(value, terms.right * (s + stretch.aside - 1.0)))


def _exercised(terms: Terms, stretch: _Stretch, s_after: Array, v_after: Array) -> float | None:
    """The spot from which on a call is exercised just before the stretch's end, if it is anywhere in sight."""
    if terms.right < 0 or not terms.american or stretch.end <= terms.held_until:
        return None
    before = (s_after + stretch.amount) / stretch.kept
    gain = before + stretch.aside - 1.0 - v_after
    after = np.flatnonzero(gain > 1e-14)
    if not after.size:
        return None
    if after[0] == 0:
        return 1.0 if s_after[0] == 0.0 else None  # less than the amount, of which nothing would be left
    low, high = s_after[after[0] - 1], s_after[after[0]]
    for _ in range(60):
        middle = 0.5 * (low + high)
        pays = (middle + stretch.amount) / stretch.kept + stretch.aside - 1.0
        better = pays > _read(s_after, v_after, np.array([middle]))[0][0]
        low, high = (low, middle) if better else (middle, high)
    return float((stretch.amount + 0.5 * (low + high)) / stretch.kept)


def _values(terms: Terms, spots: Array, level: int, stars: dict[float, float | None]) -> tuple[Array, Array]:
    """Values and deltas on one level of grids; ``stars``: where calls are exercised, found on the first, the finest."""
    aside = _aside_today(terms)
    scaled = spots / terms.strike - aside
    kinks = [_Kink(1.0, 0.0)]
    s = v = np.empty(0)
    for stretch in reversed(_stretches(terms, scaled)):
        if stretch.end == terms.time:
            s = _grid(stretch, kinks, terms, level)
            v = np.maximum(terms.right * (s - 1.0), 0.0)
        else:
            if stretch.end not in stars:
                stars[stretch.end] = _exercised(terms, stretch, s, v)
            star = stars[stretch.end]
            kinks = [kink._replace(at=(kink.at + stretch.amount) / stretch.kept) for kink in kinks]
            kinks += [_Kink(at, 0.0) for at in (stretch.amount / stretch.kept, star) if at]
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
