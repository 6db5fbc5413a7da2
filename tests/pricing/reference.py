"""American prices by a method of their own: Kim's integral equation, solved panel by panel on a graded grid of time.

It shares nothing with the library but the integral equation (Kim 1990): boundary values are collocated in panels of
time to expiry that double in length, each solved by Newton's method on value matching once the ones before it are
known, and every integral is summed by Gauss-Legendre rules on intervals that shrink geometrically towards both of its
ends. Nothing is transformed to suit one regime, so that decades at tiny volatilities are as easy as a month: about
1e-11 of the strike at a second an option.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr

__all__ = ["Solved", "american", "solve"]

Array = npt.NDArray[np.float64]

NODES: Final = 16
_POINTS: Final = 32
_SHORTEST: Final = 2.0**-30  # of the time to expiry: the first panel's end
_NEWTON: Final = 60
_ROUNDING: Final = 1e-13  # of a residual, below which no step can better it
_MEETING: Final = 1e-6  # of the time at which two boundaries meet, the step that finds it
_NODE: Final = np.cos(np.pi * (2 * np.arange(NODES) + 1) / (2 * NODES))[::-1]  # Chebyshev's, of the first kind
_BARYCENTRIC: Final = (-1.0) ** np.arange(NODES) * np.sin(np.pi * (2 * np.arange(NODES) + 1) / (2 * NODES))
_GAUSS: Final = np.polynomial.legendre.leggauss(_POINTS)


class Solved(NamedTuple):
    """One boundary of a put with strike 1: ``start`` exp(+-volatility sqrt(t) height(log t)) with panels of heights."""

    start: float
    away: float  # -1: it falls from its start as time to expiry grows, +1: it rises
    edges: Array  # (panels + 1,), ascending; the first height holds below edges[0] too
    heights: Array  # (panels, NODES)
    volatility: float

    def level(self, time: Array) -> Array:
        """Logarithm of the boundary at times to expiry."""
        panel = np.clip(np.searchsorted(self.edges, time) - 1, 0, len(self.heights) - 1)
        height = np.einsum("...j,...j->...", _basis(self.edges, panel, time), self.heights[panel])
        return np.asarray(math.log(self.start) + self.away * self.volatility * np.sqrt(time) * height)


def _basis(edges: Array, panel: npt.NDArray[np.intp], time: Array) -> Array:
    """Lagrange's polynomials in the logarithm of time, (..., NODES)."""
    low, high = np.log(edges[panel]), np.log(edges[panel + 1])
    x = np.clip((2.0 * np.log(time) - low - high) / (high - low), -1.0, 1.0)
    apart = x[..., np.newaxis] - _NODE
    hit = np.abs(apart) < 1e-15
    weight = _BARYCENTRIC / np.where(hit, 1.0, apart)
    weight = np.where(hit.any(axis=-1, keepdims=True), hit.astype(float), weight)
    return np.asarray(weight / weight.sum(axis=-1, keepdims=True))


def _graded(finest: int, each: int) -> tuple[Array, Array]:
    """Points and weights on (0, 1), graded towards both ends: intervals shrink by 2^(1/each), ``finest`` octaves."""
    half = 0.5 * 2.0 ** (-np.arange(finest * each, -1, -1) / each)
    edges = np.concatenate([[0.0], half])
    edges = np.concatenate([edges, 1.0 - edges[-2::-1]])
    # 1 - x is kept beside x, since the right end needs its distance in full.
    width = np.concatenate([np.diff(np.concatenate([[0.0], half])), np.diff(np.concatenate([[0.0], half]))[::-1]])
    x, w = _GAUSS
    points = edges[:-1, np.newaxis] + 0.5 * width[:, np.newaxis] * (1.0 + x)
    return points.ravel(), (0.5 * width[:, np.newaxis] * w).ravel()


class _Rule(NamedTuple):
    elapsed: Array  # distance from the left end of (0, 1)
    rest: Array  # distance from the right end
    weight: Array


def _rule(finest: int, each: int) -> _Rule:
    points, weights = _graded(finest, each)
    half = len(points) // 2
    rest = np.concatenate([1.0 - points[:half], points[:half][::-1]])
    return _Rule(np.concatenate([points[:half], rest[:half][::-1]]), rest, weights)


def _d(level: Array, carry: float, volatility: float, time: Array) -> tuple[Array, Array]:
    scale = volatility * np.sqrt(time)
    middle = (level + carry * time) / scale
    return middle - 0.5 * scale, middle + 0.5 * scale


def solve(
    rate: float, dividend_yield: float, volatility: float, time: float, *, lower: bool = False, each: int = 1
) -> Solved:
    """The boundary of a put with strike 1 up to ``time``; ``lower`` for the lower one of two (yield < rate < 0).

    Of two boundaries each is solved as if the other were not there, which is right up to where they meet. ``each``
    sets how fine the integrals are graded; twice as fine gives the same digits where the result is to be trusted.
    Raises ArithmeticError where Newton's method does not end.
    """
    r, q, sigma = rate, dividend_yield, volatility
    start = r / q if lower or q > r > 0.0 else 1.0
    away = 1.0 if lower else -1.0
    edges = time * 2.0 ** np.arange(math.log2(_SHORTEST), 1.0)
    if dividend_yield < rate < 0.0:
        # The upper one of two boundaries falls steeply where they meet.
        edges = np.concatenate([edges[:-1], time * (1.0 - 2.0 ** -np.arange(2.0, 14.0)), [time]])
    count = len(edges) - 1
    heights = np.zeros((count, NODES))
    rule = _rule(40, each)
    boundary = Solved(start, away, edges, heights, sigma)
    for k in range(count):
        low, high = math.log(edges[k]), math.log(edges[k + 1])
        tau = np.exp(0.5 * (low + high) + 0.5 * (high - low) * _NODE)
        u, v = tau[:, np.newaxis] * rule.elapsed, tau[:, np.newaxis] * rule.rest
        at = np.clip(np.searchsorted(edges, u) - 1, 0, k)
        basis = _basis(edges, at, np.maximum(u, edges[0]))
        here = at == k
        weight = tau[:, np.newaxis] * rule.weight
        panel = _Panel(
            rate=r,
            dividend_yield=q,
            volatility=sigma,
            lower=lower,
            start=math.log(start),
            away=away,
            tau=tau,
            v=v,
            root_u=sigma * np.sqrt(u),
            known=np.where(here, 0.0, np.einsum("ijk,ijk->ij", basis, heights[at])),
            inside=np.where(here[..., np.newaxis], basis, 0.0),
            cash=weight * r * np.exp(-r * v),
            stock=weight * q * np.exp(-q * v),
        )
        h = _first(panel) if k == 0 else np.full(NODES, heights[k - 1, -1])
        if k > 1:
            slope = (heights[k - 1, -1] - heights[k - 1, 0]) / (_NODE[-1] - _NODE[0])
            h += np.clip(slope * (_NODE + 1.0), -0.5 * abs(h[0]), 0.5 * abs(h[0]))
        heights[k] = _newton(panel, h)
    return boundary


@dataclass(frozen=True)
class _Panel:
    """Value matching at one panel's nodes (NODES,), its integrals over points (NODES, points)."""

    rate: float
    dividend_yield: float
    volatility: float
    lower: bool
    start: float
    away: float
    tau: Array
    v: Array
    root_u: Array
    known: Array
    inside: Array
    cash: Array
    stock: Array

    def residual(self, h: Array) -> tuple[Array, Array]:
        """Logarithm of cash over stock at the boundary, zero where both are worth the same, and its Jacobian."""
        r, q, sigma, tau = self.rate, self.dividend_yield, self.volatility, self.tau
        moved = self.away * sigma * np.sqrt(tau)
        level = self.start + moved * h
        past = self.start + self.away * self.root_u * (self.known + self.inside @ h)
        minus, plus = _d(level[:, np.newaxis] - past, r - q, sigma, self.v)
        end_cash, end_stock, by_cash, by_stock = _ends(level, r, q, sigma, tau, self.lower)
        cash = end_cash + (self.cash * ndtr(minus)).sum(1)
        stock = end_stock + (self.stock * ndtr(plus)).sum(1)
        scale = math.sqrt(2.0 * math.pi) * sigma * np.sqrt(self.v)
        near_cash = np.exp(-0.5 * minus**2) * self.cash / scale
        near_stock = np.exp(-0.5 * plus**2) * self.stock / scale
        by_level = (by_cash + near_cash.sum(1)) / cash - (by_stock + near_stock.sum(1)) / stock - 1.0
        by_past = near_cash / cash[:, np.newaxis] - near_stock / stock[:, np.newaxis]
        jacobian = np.diag(by_level * moved) - np.einsum("ij,ijk->ik", by_past * self.away * self.root_u, self.inside)
        with np.errstate(invalid="ignore"):  # a step too far, which is taken back
            return np.log(cash) - np.log(stock) - level, jacobian


def _ends(
    level: Array, rate: float, dividend_yield: float, volatility: float, time: Array, lower: bool
) -> tuple[Array, Array, Array, Array]:
    """What expiry adds to cash and stock, and the derivatives by the boundary's level: nothing is owed below two."""
    cash, stock = np.exp(-rate * time), np.exp(-dividend_yield * time)
    if lower:
        return np.expm1(-rate * time), np.expm1(-dividend_yield * time), 0.0 * time, 0.0 * time
    minus, plus = _d(level, rate - dividend_yield, volatility, time)
    scale = math.sqrt(2.0 * math.pi) * volatility * np.sqrt(time)
    near = [np.exp(-0.5 * d**2) * paid / scale for d, paid in ((minus, cash), (plus, stock))]
    return cash * ndtr(minus), stock * ndtr(plus), near[0], near[1]


def _first(panel: _Panel) -> Array:
    """The constant height that serves the panel next to expiry, by bisection."""

    def at(height: float) -> float:
        return float(panel.residual(np.full(NODES, height))[0][-1])

    trials = np.geomspace(0.05, 30.0, 80)
    values = np.array([at(height) for height in trials])
    signs = np.flatnonzero(np.sign(values[1:]) * np.sign(values[:-1]) < 0.0)
    if not signs.size:
        raise ArithmeticError("no boundary is found next to expiry")
    low, high = trials[signs[0]], trials[signs[0] + 1]
    return np.full(NODES, brentq(at, low, high, xtol=1e-10))


def _newton(panel: _Panel, h: Array) -> Array:
    f, jacobian = panel.residual(h)
    for _ in range(_NEWTON):
        if not np.isfinite(jacobian).all():
            raise ArithmeticError("Newton's method has left the range of numbers")
        step = np.linalg.solve(jacobian, -f)
        share = 1.0
        while share > 1e-4:
            trial = np.maximum(h + share * step, 0.2 * h)
            new, new_jacobian = panel.residual(trial)
            if np.isfinite(new).all() and np.abs(new).max() < (1.0 - 0.2 * share) * np.abs(f).max():
                break
            share *= 0.5
        else:
            if np.abs(f).max() < _ROUNDING:
                return h
            raise ArithmeticError(f"Newton's method is stuck at a residual of {np.abs(f).max():g}")
        h, f, jacobian = trial, new, new_jacobian
        if np.abs(step).max() < 1e-13 * np.abs(h).max():
            break
    return h


def _european_put(spot: Array, rate: float, dividend_yield: float, volatility: float, time: float) -> Array:
    minus, plus = _d(np.log(spot), rate - dividend_yield, volatility, np.full(spot.shape, time))
    value = math.exp(-rate * time) * ndtr(-minus) - spot * math.exp(-dividend_yield * time) * ndtr(-plus)
    return np.asarray(value)


def _premium(
    spot: Array, boundary: Solved, rate: float, dividend_yield: float, time: float, until: float, each: int
) -> Array:
    """What exercise below the boundary from ``time`` to expiry down to ... adds: integral over u in (0, until)."""
    rule = _rule(48, 2 * each)
    u = until * rule.elapsed
    v = time - until + until * rule.rest
    level = boundary.level(np.maximum(u, boundary.edges[0]))
    minus, plus = _d(np.log(spot)[:, np.newaxis] - level, rate - dividend_yield, boundary.volatility, v)
    weight = until * rule.weight
    cash = rate * np.exp(-rate * v) * ndtr(-minus)
    stock = dividend_yield * spot[:, np.newaxis] * np.exp(-dividend_yield * v) * ndtr(-plus)
    return np.asarray(((cash - stock) * weight).sum(1))


def _two(rate: float, dividend_yield: float, volatility: float, time: float, each: int) -> tuple[Solved, Solved, float]:
    """Both boundaries, and until when: ``time``, or to a millionth when they meet."""

    def solved(until: float) -> tuple[Solved, Solved] | None:
        try:
            upper = solve(rate, dividend_yield, volatility, until, each=each)
            lower = solve(rate, dividend_yield, volatility, until, lower=True, each=each)
        except (ArithmeticError, np.linalg.LinAlgError):
            return None
        gap = upper.level(np.array([until])) - lower.level(np.array([until]))
        return (upper, lower) if gap[0] > 0.0 else None

    found = solved(time)
    low = high = time
    while found is None:
        high, low = low, 0.5 * low
        found = solved(low)
    while high - low > _MEETING * high:
        at = low * np.array([1.0, 1.0 - 1e-4])
        gap = found[0].level(at) - found[1].level(at)
        ahead = gap[0] * (at[0] - at[1]) / max(gap[1] - gap[0], 1e-300)  # to where the gap would close if straight
        if ahead < _MEETING * low:
            break
        trial = low + min(0.9 * ahead, 0.5 * (high - low))
        next_found = solved(trial)
        if next_found is None:
            high = trial
        else:
            low, found = trial, next_found
    return *found, low


def american(
    spot: npt.ArrayLike,
    strike: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    time: float,
    right: int,
    *,
    each: int = 1,
) -> Array:
    """American prices of one strike at spots (n,)."""
    spots = np.atleast_1d(np.asarray(spot, dtype=np.float64))
    if right > 0:
        # A call is the put with spot and strike, rate and yield exchanged: one boundary for a ratio.
        ratio = american(strike / spots, 1.0, dividend_yield, rate, volatility, time, -1, each=each)
        return np.asarray(spots * ratio)
    s = spots / strike
    value = _european_put(s, rate, dividend_yield, volatility, time)
    if rate <= 0.0 and dividend_yield >= rate:
        return np.asarray(strike * value)
    if rate >= 0.0:
        upper = solve(rate, dividend_yield, volatility, time, each=each)
        value = value + _premium(s, upper, rate, dividend_yield, time, time, each)
        exercised = np.log(s) <= upper.level(np.array([time]))[0]
        return np.asarray(strike * np.where(exercised, 1.0 - s, value))
    upper, lower, meeting = _two(rate, dividend_yield, volatility, time, each)
    value = value + _premium(s, upper, rate, dividend_yield, time, meeting, each)
    value = value - _premium(s, lower, rate, dividend_yield, time, meeting, each)
    if meeting == time:
        at = np.array([time])
        level = np.log(s)
        value = np.where((level <= upper.level(at)[0]) & (level >= lower.level(at)[0]), 1.0 - s, value)
    return np.asarray(strike * value)
