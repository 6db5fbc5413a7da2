"""Options on a spot that drops by fixed cash amounts: prices, greeks, implied volatility, exercise boundary.

The model is that of QuantLib's ``FdBlackScholesVanillaEngine`` with a dividend schedule and the spot dividend model:
between ex-times spot is a geometric Brownian motion, at an ex-time it falls by the amount (at most to nothing), and an
American option may be exercised just before. Each value is extrapolated from two grids (:mod:`cash_grid`), one half as
fine again as the other: ``(9 fine - 4 coarse) / 5`` takes the errors of second order away.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.arguments import PricingError
from alo_lib.pricing.batch import GREEKS
from alo_lib.pricing.cash_grid import Grid, count_steps, grid_value, half_width, refinement, sure_value
from alo_lib.pricing.european import european_put_value
from alo_lib.pricing.scheme import ACCURATE, FAST, HIGH_PRECISION, Scheme
from alo_lib.pricing.terms import Cash, Option, Options

__all__ = ["Dividends", "boundary_with_dividends", "check_dividends", "implied_with_dividends", "values_with_dividends"]

Array = npt.NDArray[np.float64]
Dividends = tuple[npt.ArrayLike, npt.ArrayLike]


class _Size(NamedTuple):
    """Cells on each side of the spot and steps over the option's life; the two grids have 2 and 3 times as many."""

    cells: int
    steps: int


# With the largest error over benchmarks/pricing.py's cases, in units of spot.
_SIZES: Final = {FAST: _Size(16, 5), ACCURATE: _Size(40, 10), HIGH_PRECISION: _Size(120, 30)}
_VOLATILITY_MIN = 1e-3
_VOLATILITY_MAX = 5.0
_IMPLIED_STEPS = 60
_GUESS_STEPS = 8
_GUESS = 0.3
_VOLATILITY_STEP = 0.01  # narrower where volatility is below eight times as much
_DIFFERENCED = 2  # times as many cells for differences
_RATE_STEP = 0.005


def check_dividends(dividends: Dividends) -> Cash:
    """The dividends in ascending order of their ex-times.

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
    order = np.argsort(times, kind="stable")
    return Cash(np.ascontiguousarray(times[order]), np.ascontiguousarray(amounts[order]))


def _size(scheme: Scheme) -> _Size:
    """The grid that goes with a scheme; one of the user's own has 4 cells and a step for each boundary node."""
    return _SIZES.get(scheme, _Size(4 * scheme.nodes, scheme.nodes))


@kernel
def _cash_value(option: Option, volatility: float, cash: Cash, grid: Grid, out: Array) -> None:
    """Price and its first three derivatives by spot into out (4), extrapolated, at least intrinsic."""
    work = np.empty((7, 6 * grid.cells + 1))
    coarse, fine, no_trace = np.empty(4), np.empty(4), np.empty((2, 0))
    for multiple, one in ((2, coarse), (3, fine)):
        grid_value(option, volatility, cash, grid, multiple, work, one, no_trace)
    for k in range(4):
        out[k] = (9.0 * fine[k] - 4.0 * coarse[k]) / 5.0
    side = 1.0 if option.call else -1.0
    exercised = side * (option.spot - option.strike)
    if option.american and (fine[0] <= exercised or out[0] <= exercised):
        out[0], out[1], out[2], out[3] = exercised, side, 0.0, 0.0
    elif out[0] < 0.0:
        out[:] = 0.0


@kernel
def _option(options: Options, i: int, american: bool) -> Option:
    return Option(
        options.spot[i],
        options.strike[i],
        options.rate[i],
        options.dividend_yield[i],
        options.time[i],
        options.right[i] > 0.0,
        american,
    )


@kernel
def _cash_values(
    options: Options, volatility: Array, american: bool, cash: Cash, grids: Array, steps: int, out: Array
) -> None:
    """Price and its derivatives by spot, out (4, n), of n options; elements with a NaN give NaN.

    grids (2, n): half width and cells of each, from :func:`_grids`. Zero time gives intrinsic value; a volatility below
    0.001 is priced as 0.001.
    """
    spot, strike, rate, dividend_yield, time, right = options
    one = np.empty(4)
    for i in range(spot.size):
        one[:] = 0.0
        if math.isnan(spot[i] + strike[i] + rate[i] + dividend_yield[i] + volatility[i] + time[i] + right[i]):
            one[:] = math.nan
        elif time[i] > 0.0:
            grid = Grid(grids[0, i], int(grids[1, i]), steps)
            _cash_value(_option(options, i, american), max(volatility[i], _VOLATILITY_MIN), cash, grid, one)
        else:
            one[0] = max(right[i] * (spot[i] - strike[i]), 0.0)
            one[1] = right[i] if one[0] > 0.0 else 0.0
        for j in range(4):
            out[j, i] = one[j]


@kernel
def _grids(options: Options, volatility: Array, american: bool, cash: Cash, cells: int, out: Array) -> None:
    """Half width and cells of each option's grid into out (2, n)."""
    for i in range(volatility.size):
        option = _option(options, i, american)
        sigma = max(volatility[i], _VOLATILITY_MIN)
        out[0, i] = half_width(option, sigma, cash)
        out[1, i] = refinement(option, sigma, out[0, i], cells) if option.time > 0.0 else cells


@kernel
def _guess(price: float, option: Option, cash: Cash) -> float:
    """Implied volatility of the European option on the spot without the cash's present value, roughly."""
    spot, strike, rate, dividend_yield, time, call, _american = option
    free = spot
    for k in range(cash.times.size):
        if cash.times[k] < time:
            free -= cash.amounts[k] * math.exp(-rate * cash.times[k])
    free = max(free, 0.01 * spot)
    forward = free * math.exp(-dividend_yield * time) - strike * math.exp(-rate * time)
    put = price - forward if call else price
    sigma = _GUESS
    for _ in range(_GUESS_STEPS):
        value = european_put_value(free, strike, rate, dividend_yield, sigma, time)
        minus = (math.log(free / strike) + (rate - dividend_yield) * time) / (sigma * math.sqrt(time))
        minus -= 0.5 * sigma * math.sqrt(time)
        vega = strike * math.exp(-rate * time - 0.5 * minus * minus) * math.sqrt(time / (2.0 * math.pi))
        if vega < 1e-8 * strike:
            break
        sigma = min(max(sigma - (value - put) / vega, 0.4 * sigma), 2.5 * sigma)
    return float(min(max(sigma, 0.02), 3.0))


@kernel
def _search(price: float, option: Option, cash: Cash, cells: int, steps: int) -> float:
    """The implied volatility between 0.001 and 5, NaN where there is none, by secants inside a bracket."""
    strike = option.strike
    # Volatility adds to what is sure: nothing explains less.
    if price <= sure_value(option.spot, 0.0, option, cash) + 1e-10 * strike:
        return math.nan
    one = np.empty(4)
    sigma = _guess(price, option, cash)
    low, high = 0.0, math.inf  # of what has been tried: too little, too much
    before, miss_before = math.nan, math.nan
    for _ in range(_IMPLIED_STEPS):
        width = half_width(option, sigma, cash)
        finer = refinement(option, sigma, width, cells)
        _cash_value(option, sigma, cash, Grid(width, finer, steps), one)
        miss = one[0] - price
        if (sigma == _VOLATILITY_MIN and miss >= -1e-10 * strike) or (sigma == _VOLATILITY_MAX and miss <= 0.0):
            return math.nan
        if (
            abs(miss) <= 1e-11 * strike
            or (high < math.inf and high - low <= 1e-10 * high)
            or abs(sigma - before) <= 1e-11 * sigma
        ):
            return float(sigma)
        if miss < 0.0:
            low = sigma
        else:
            high = sigma
        # A secant where it stays well inside what is known, else halving or doubling.
        following = sigma - miss * (sigma - before) / (miss - miss_before)
        before, miss_before = sigma, miss
        if math.isnan(following) and one[1] != 0.0:
            following = sigma - miss / max(_vega(option, sigma), 1e-3 * strike)
        lowest = low if low > 0.0 else 0.25 * sigma
        highest = high if high < math.inf else 4.0 * sigma
        if not lowest < following < highest:
            following = math.sqrt(lowest * highest)
        sigma = min(max(following, _VOLATILITY_MIN), _VOLATILITY_MAX)
    return math.nan


@kernel
def _cash_implied(
    price: Array, options: Options, american: bool, cash: Cash, cells: int, steps: int, out: Array
) -> None:
    """Implied volatilities into out (n), see :func:`_search`; elements with a NaN or without life left give NaN."""
    spot, strike, rate, dividend_yield, time, right = options
    for i in range(price.size):
        out[i] = math.nan
        if math.isnan(price[i] + spot[i] + strike[i] + rate[i] + dividend_yield[i] + time[i] + right[i]):
            continue
        if time[i] > 0.0:
            out[i] = _search(price[i], _option(options, i, american), cash, cells, steps)


@kernel
def _vega(option: Option, volatility: float) -> float:
    """Vega of the European option without cash dividends: the first secant's slope."""
    spot, strike, rate, dividend_yield, time, _, _ = option
    s = volatility * math.sqrt(time)
    plus = (math.log(spot / strike) + (rate - dividend_yield) * time) / s + 0.5 * s
    return float(
        spot * math.exp(-dividend_yield * time - 0.5 * plus * plus) * math.sqrt(time) / math.sqrt(2.0 * math.pi)
    )


def values_with_dividends(
    options: Options, volatility: Array, american: bool, scheme: Scheme, cash: Cash, rows: int
) -> Array:
    """Prices (rows = 1) or prices and greeks (rows = 10), shape (rows, n); volatility (n,).

    Delta and gamma are read off the grid; theta and charm follow from them by the Black-Scholes equation; the others
    are central differences of solutions on one finer grid: of fourth order by volatility, of second order by rates.
    """
    size = _size(scheme)
    count = volatility.size
    grids = np.empty((2, count))
    _grids(options, volatility, american, cash, size.cells, grids)

    def solve(shifted: Options, sigma: Array) -> Array:
        out = np.empty((4, count))
        _cash_values(shifted, sigma, american, cash, grids, size.steps, out)
        return out

    base = solve(options, volatility)
    if rows == 1:
        return base[:1]
    # The exercise boundary's place between two nodes leaves ripples of a grid's own error in what is differenced.
    grids[1] *= _DIFFERENCED
    values = _on_the_grid(options, volatility, american, base)
    step = np.minimum(_VOLATILITY_STEP, 0.125 * volatility)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = solve(options, volatility)[0]
        up, down = solve(options, volatility + step), solve(options, volatility - step)
        far_up, far_down = solve(options, volatility + 2.0 * step), solve(options, volatility - 2.0 * step)
        values["vega"] = _slope(up[0], down[0], far_up[0], far_down[0]) / step
        values["vanna"] = _slope(up[1], down[1], far_up[1], far_down[1]) / step
        bend = 16.0 * (up[0] + down[0]) - far_up[0] - far_down[0] - 30.0 * middle
        values["volga"] = bend / (12.0 * step**2)
    for name in ("vega", "volga", "vanna"):
        values[name] = np.where(step > 0.0, values[name], 0.0)
    rate, dividend_yield = options.rate, options.dividend_yield
    for name, up_, down_ in (
        ("rho", options._replace(rate=rate + _RATE_STEP), options._replace(rate=rate - _RATE_STEP)),
        (
            "epsilon",
            options._replace(dividend_yield=dividend_yield + _RATE_STEP),
            options._replace(dividend_yield=dividend_yield - _RATE_STEP),
        ),
    ):
        values[name] = (solve(up_, volatility)[0] - solve(down_, volatility)[0]) / (2.0 * _RATE_STEP)
    return np.stack([values[name] for name in GREEKS])


def _on_the_grid(options: Options, volatility: Array, american: bool, base: Array) -> dict[str, Array]:
    """The values that one solution gives: ``base`` (4, n) is price, delta, gamma and speed."""
    spot, strike, rate, dividend_yield, time, right = options
    price, delta, gamma, speed = base
    held = (time > 0.0) & ~((price <= right * (spot - strike)) & american) | np.isnan(price)
    carry, variance = rate - dividend_yield, np.maximum(volatility, _VOLATILITY_MIN) ** 2
    theta = rate * price - carry * spot * delta - 0.5 * variance * spot**2 * gamma
    charm = dividend_yield * delta - (carry + variance) * spot * gamma - 0.5 * variance * spot**2 * speed
    return {
        "price": price,
        "delta": delta,
        "gamma": np.maximum(gamma, 0.0),
        "theta": np.where(held, theta, 0.0),
        "charm": np.where(held, charm, 0.0),
    }


def _slope(up: Array, down: Array, far_up: Array, far_down: Array) -> Array:
    """First derivative times the step, of fourth order."""
    return np.asarray((8.0 * (up - down) - (far_up - far_down)) / 12.0)


def implied_with_dividends(price: Array, options: Options, american: bool, scheme: Scheme, cash: Cash) -> Array:
    """Implied volatilities (n,) of prices (n,), NaN where none from 0.001 to 5 explains one."""
    out = np.empty(price.size)
    _cash_implied(price, options, american, cash, *_size(scheme), out)
    return out


def boundary_with_dividends(option: Option, volatility: float, scheme: Scheme, cash: Cash) -> tuple[Array, Array]:
    """Times to expiry (k,), ascending to the option's, and the exercise boundary at each (k,), NaN without one.

    option: American, its spot the strike. For a put the spot below which it is exercised, for a call the spot above
    which it is, to a cell of a grid around the strike. An ex-time is there twice: just after the dividend, and just
    before it.
    """
    sigma, (cells, steps) = max(volatility, _VOLATILITY_MIN), _size(scheme)
    width = float(half_width(option, sigma, cash))
    grid = Grid(width, int(refinement(option, sigma, width, cells)), steps)
    multiple = 3
    trace = np.empty((2, int(count_steps(option.time, cash.times, steps, multiple))))
    work = np.empty((7, 2 * multiple * grid.cells + 1))
    grid_value(option, sigma, cash, grid, multiple, work, np.empty(4), trace)
    return trace[0], trace[1]
