"""Options on a spot that drops at ex-times: prices, greeks, implied volatility, exercise boundary.

The model is that of QuantLib's ``FdBlackScholesVanillaEngine`` with a dividend schedule and the spot dividend model:
between ex-times spot is a geometric Brownian motion, at an ex-time it falls by the amount (at most to nothing), and an
American option may be exercised just before. Each value is extrapolated from two grids (:mod:`cash_grid`), one half as
fine again as the other: ``(9 fine - 4 coarse) / 5`` takes the errors of second order away.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import PricingError
from alo_lib.pricing.batch import GREEKS
from alo_lib.pricing.cash_batch import FINE, plan_batch, solve_batch, trace_boundary
from alo_lib.pricing.cash_plan import PLAN_ROWS, segment_limit
from alo_lib.pricing.implied import MAX_STEPS, VOLATILITY_MAX, Search, advance
from alo_lib.pricing.scheme import ACCURATE, FAST, HIGH_PRECISION, Scheme
from alo_lib.pricing.terms import Cash, Option, Options

__all__ = ["Dividends", "boundary_with_dividends", "check_dividends", "implied_with_dividends", "values_with_dividends"]

Array = npt.NDArray[np.float64]
Dividends = tuple[npt.ArrayLike, npt.ArrayLike]


class _Size(NamedTuple):
    """Cells of a grid and steps over the option's life; the two grids have 2 and 3 times as many."""

    cells: int
    steps: int


_SIZES: Final = {FAST: _Size(24, 3), ACCURATE: _Size(48, 4), HIGH_PRECISION: _Size(160, 16)}
_VOLATILITY_STEP = 0.01  # narrower where volatility is below eight times as much
_RATE_STEP = 0.005
_START = 0.3  # volatility that a search begins with
_TIME_VALUE_FLOOR = 1e-11  # of the strike: less explains no volatility
_LAST_STEP = 1e-7  # of a search, relative to the volatility: slopes are only nearly those of the prices
_LEAST_TRACED = 1e-4  # volatility below which a boundary is that of this one


def check_dividends(dividends: Dividends) -> Cash:
    """The dividends in ascending order of their ex-times, those of one ex-time together.

    :raises PricingError: when the shapes differ, a time is not positive, or an amount is negative or not finite.
    """
    times, amounts = (np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in dividends)
    if times.ndim != 1 or times.shape != amounts.shape:
        raise PricingError(f"dividends have shapes {times.shape} and {amounts.shape}; two of the same (k,) are needed")
    for name, values, valid in (
        ("dividends: ex-time", times, (times > 0.0) & np.isfinite(times)),
        ("dividends: amount", amounts, (amounts >= 0.0) & np.isfinite(amounts)),
    ):
        if not valid.all():
            raise PricingError(f"{name} is {values[~valid][0]:g}; allowed: positive (an amount may be 0) and finite")
    each, which = np.unique(times, return_inverse=True)
    total = np.zeros(each.size)
    np.add.at(total, which, amounts)
    each, total = each[total > 0.0], total[total > 0.0]
    return Cash(each, total, np.ones(each.size), np.array([[0, each.size]], np.int64))


def _size(scheme: Scheme) -> _Size:
    """The grid that goes with a scheme; one of the user's own has 4 cells for each boundary node, a step for three."""
    return _SIZES.get(scheme, _Size(4 * scheme.nodes, -(-scheme.nodes // 3)))


def _solve(options: Options, volatility: Array, american: bool, size: _Size, cash: Cash) -> Array:
    """Price and its first three derivatives by spot, (4, n)."""
    count = volatility.size
    segments = segment_limit(cash)
    plans, steps = np.empty((count, segments, PLAN_ROWS)), np.empty((count, segments), np.int64)
    out = np.empty((4, count))
    plan_batch(options, volatility, american, cash, size.cells, size.steps, plans, steps, out)
    order = np.lexsort(steps.T)
    solve_batch(options, volatility, american, order, size.cells, plans, steps, out)
    # Where volatility is so high that nothing else is left, cells are wide.
    out[0] = np.minimum(out[0], _bound(options, american))
    return out


def _solve_together(asked: list[tuple[Options, Array]], american: bool, size: _Size, cash: Cash) -> list[Array]:
    """What :func:`_solve` gives for each of some options and volatilities, in one pass: few options fill the lanes."""
    every = Options(*(np.concatenate(column) for column in zip(*(options for options, _ in asked), strict=True)))
    if cash.rows.shape[0] > 1:
        cash = cash._replace(rows=np.tile(cash.rows, (len(asked), 1)))
    found = _solve(every, np.concatenate([volatility for _, volatility in asked]), american, size, cash)
    return np.split(found, len(asked), axis=1)


def _bound(options: Options, american: bool) -> Array:
    """What no volatility takes an option above: for a call the spot, for a put the strike's present value."""
    spot, strike, rate, dividend_yield, time, right = options
    earned = np.exp(-np.where(right > 0.0, dividend_yield, rate) * time)
    bound: Array = np.where(right > 0.0, spot, strike) * (np.maximum(earned, 1.0) if american else earned)
    return bound


def values_with_dividends(
    options: Options, volatility: Array, american: bool, scheme: Scheme, cash: Cash, rows: int
) -> Array:
    """Prices (rows = 1) or prices and greeks (rows = 10), shape (rows, n); volatility (n,)."""
    size = _size(scheme)
    if rows == 1:
        return _solve(options, volatility, american, size, cash)[:1]
    step = np.minimum(_VOLATILITY_STEP, 0.125 * volatility)
    rate, dividend_yield = options.rate, options.dividend_yield
    asked = [(options, volatility + way * step) for way in (0.0, 1.0, -1.0)]
    asked += [(options._replace(rate=rate + way), volatility) for way in (_RATE_STEP, -_RATE_STEP)]
    asked += [(options._replace(dividend_yield=dividend_yield + way), volatility) for way in (_RATE_STEP, -_RATE_STEP)]
    base, up, down, *moved = _solve_together(asked, american, size, cash)
    values = _on_the_grid(options, volatility, american, base)
    with np.errstate(invalid="ignore", divide="ignore"):
        values["vega"] = (up[0] - down[0]) / (2.0 * step)
        values["vanna"] = (up[1] - down[1]) / (2.0 * step)
        values["volga"] = (up[0] + down[0] - 2.0 * base[0]) / step**2
    for name in ("vega", "volga", "vanna"):
        values[name] = np.where(step > 0.0, values[name], 0.0)
    values["rho"] = (moved[0][0] - moved[1][0]) / (2.0 * _RATE_STEP)
    values["epsilon"] = (moved[2][0] - moved[3][0]) / (2.0 * _RATE_STEP)
    return np.stack([values[name] for name in GREEKS])


def _on_the_grid(options: Options, volatility: Array, american: bool, base: Array) -> dict[str, Array]:
    """The values that one solution gives: ``base`` (4, n) is price, delta, gamma and speed."""
    spot, strike, rate, dividend_yield, time, right = options
    price, delta, gamma, speed = base
    held = (time > 0.0) & ~((price <= right * (spot - strike)) & american) | np.isnan(price)
    carry, variance = rate - dividend_yield, volatility**2
    theta = rate * price - carry * spot * delta - 0.5 * variance * spot**2 * gamma
    charm = dividend_yield * delta - (carry + variance) * spot * gamma - 0.5 * variance * spot**2 * speed
    return {
        "price": price,
        "delta": delta,
        "gamma": np.maximum(gamma, 0.0),
        "theta": np.where(held, theta, 0.0),
        "charm": np.where(held, charm, 0.0),
    }


def implied_with_dividends(price: Array, options: Options, american: bool, scheme: Scheme, cash: Cash) -> Array:
    """Implied volatilities (n,) of prices (n,), NaN where none up to 20 explains one."""
    size = _size(scheme)
    floor = _solve(options, np.zeros(price.size), american, size, cash)[0]
    guess = np.where((price > floor) & (price < _bound(options, american)), _START, np.nan)
    search = Search(guess, np.zeros(price.size), np.full(price.size, VOLATILITY_MAX), floor)
    unsettled = ~np.isnan(guess) & (price - floor > _TIME_VALUE_FLOOR * options.strike) & (options.time > 0.0)
    guess[~unsettled] = np.nan
    values = np.full((3, price.size), np.nan)
    for _ in range(MAX_STEPS):
        which = np.flatnonzero(unsettled)
        if not which.size:
            break
        part, mine, sigma = options.part(which), cash.part(which), search.volatility[which]
        step = np.minimum(_VOLATILITY_STEP, 0.125 * sigma)
        asked = [(part, sigma + x) for x in (0.0, step, -step)]
        middle, up, down = (found[0] for found in _solve_together(asked, american, size, mine))
        values[:, which] = middle, (up - down) / (2.0 * step), (up + down - 2.0 * middle) / step**2
        advance(price, values, search, unsettled, _LAST_STEP)
    search.volatility[unsettled] = np.nan
    return search.volatility


def boundary_with_dividends(option: Option, volatility: float, scheme: Scheme, cash: Cash) -> tuple[Array, Array]:
    """Times to expiry (k,), ascending to the option's, and the exercise boundary at each (k,), NaN without one.

    option: American, its spot the strike. For a put the spot below which it is exercised, for a call the spot above
    which it is. An ex-time is there twice: just after the dividend, and just before it.
    """
    size = _size(scheme)
    trace = np.zeros((2, segment_limit(cash) * (FINE * (size.steps + 1) + 1)))
    count = trace_boundary(option, max(volatility, _LEAST_TRACED), cash, size.cells, size.steps, trace)
    return trace[0, :count], trace[1, :count]
