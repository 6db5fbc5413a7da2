"""Options on a spot that drops at ex-times: prices, greeks, implied volatility, exercise boundary.

The spot model is that of QuantLib's ``FdBlackScholesVanillaEngine`` with a dividend schedule: between ex-times spot is
a geometric Brownian motion, at an ex-time it falls by a fraction and an amount (at most to nothing), and an American
option may be exercised just before. In the escrowed model, the engine's ``Escrowed``, that motion is the spot's less
what the cash still paid before expiry is worth, and exercise pays on the whole spot (:mod:`escrow`; Hull, "Options,
Futures, and Other Derivatives"; Haug, "The Complete Guide to Option Pricing Formulas", chapter 9).

European options with proportional dividends alone, and escrowed ones, are Black-Scholes options on what the dividends
leave of the spot. Other values are extrapolated from two grids (:mod:`cash_grid`), one half as fine again as the other:
``(9 fine - 4 coarse) / 5`` takes the errors of second order away.
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import DOMAINS, Invalid, PricingError
from alo_lib.pricing.batch import GREEKS
from alo_lib.pricing.cash_batch import (
    COARSE,
    FINE,
    READ_ROWS,
    combine,
    plan_batch,
    read_batch,
    trace_boundary,
)
from alo_lib.pricing.cash_plan import LEAST_TOLD, segment_limit
from alo_lib.pricing.cash_rows import PLAN_ROWS
from alo_lib.pricing.implied import MAX_STEPS, VOLATILITY_MAX, Search, advance
from alo_lib.pricing.schedules import carried
from alo_lib.pricing.scheme import ACCURATE, FAST, HIGH_PRECISION, Scheme
from alo_lib.pricing.terms import Cash, Option, Options
from alo_lib.pricing.volatility_differences import central_differences, without_width

__all__ = [
    "TIME_VALUE_FLOOR",
    "Kind",
    "Net",
    "boundary_with_dividends",
    "exercised_now",
    "implied_with_dividends",
    "in_kinds",
    "values_with_dividends",
    "volatility_limit",
    "with_room",
    "within_limit",
]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class _Size(NamedTuple):
    """Cells of a grid and steps over the option's life; the two grids have 2 and 3 times as many."""

    cells: int
    steps: int


_SIZES: Final = {FAST: _Size(24, 3), ACCURATE: _Size(48, 4), HIGH_PRECISION: _Size(160, 16)}
_VOLATILITY_STEP = 0.01  # of a search; narrower where volatility is below eight times as much
_SHARES_OF_VOLATILITY: Final = (0.02, 0.04)  # that it is moved by for greeks: European, American
_RATE_STEPS: Final = (0.0015, 0.0001)
"""The same of rates: where a rate or a yield begins to make exercise worth its while, values bend within some .1 %."""
_START = 0.3  # volatility that a search begins with
TIME_VALUE_FLOOR: Final = 1e-11  # of the strike: less explains no volatility
_LAST_STEP = 1e-7  # of a search, relative to the volatility: slopes are only nearly those of the prices
_WIDEST: Final = (
    12.0  # volatility times the root of time: beyond it no grid holds both spots near 0 and what they are worth
)
_FINER: Final = (np.array([1.5, 5.0, 8.0]), np.array([0.6, 5.0, 8.0]))
"""The same, European and American, beyond each of which a grid has twice as many cells."""
_THIN: Final = np.array([4.0, 12.0])
"""The same times the power of spot that an option is worth next to where exercise begins, to the same effect."""
_WIDER: Final = (5.0, 20.0, 60.0, 140.0, 300.0)  # deviations more, beyond each of which there are twice as many cells
_LEAST_TRACED = 1e-4  # volatility below which a boundary is that of this one


class Net(NamedTuple):
    """n options on what dividends leave of their spots, ``share * spot - cost``, and how that moves; (n,) each."""

    options: Options
    share: Array
    by_rate: Array  # derivative of what is left by the rate; by the yield it is the opposite
    by_time: Array  # by calendar time, the spot standing still

    def values(self, values: Array) -> Array:
        """Prices, or prices and greeks, of the options themselves, (rows, n), from those on what is left."""
        if len(values) == 1:
            return values
        found = dict(zip(GREEKS, values, strict=True))
        delta, gamma, share = found["delta"], found["gamma"], self.share
        found["theta"] = found["theta"] + delta * self.by_time
        found["rho"] = found["rho"] + delta * self.by_rate
        found["epsilon"] = found["epsilon"] - delta * self.by_rate
        found["charm"] = share * (found["charm"] + gamma * self.by_time)
        found["vanna"] = share * found["vanna"]
        found["delta"], found["gamma"] = share * delta, share**2 * gamma
        return np.stack([found[name] for name in GREEKS])


def _net_of(options: Options, cash: Cash, today: bool) -> Net:
    """Options on what dividends leave of the spot: those that go ex now, or all before expiry.

    All: that is the closed form's spot where the dividends are proportional, or escrowed. What nothing is left of is
    worth the least that a spot may be.
    """
    if today:
        share, cost = (np.broadcast_to(column, options.spot.shape) for column in cash.today.T)
        by_rate = by_time = np.zeros(options.spot.size)
    else:
        net = carried(options, cash)
        share, cost, by_rate = net.share, net.cost, net.timed
        by_time = (options.dividend_yield - options.rate) * cost
    left = share * options.spot - cost
    least = DOMAINS["spot"][0]
    return Net(
        options._replace(spot=np.where(left < least, least, left)), np.where(left < least, 0.0, share), by_rate, by_time
    )


class Kind(NamedTuple):
    """Options whose dividends are priced alike."""

    which: npt.NDArray[np.intp]
    cash: Cash | None  # dividends that are not settled
    net: Net | None  # options on what the others leave
    now: bool  # whether those are what goes ex now


def in_kinds(options: Options, american: bool, cash: Cash) -> Iterator[Kind]:
    """The options by how their dividends are priced.

    On the spot that what goes ex now leaves; on the spot that carries to expiry, in closed form; on a grid; and without
    any, as those are that live to none of the ex-times.
    """
    kept, amount = cash.today.T
    net = carried(options, cash)
    now = (options.time > 0.0) & ((kept < 1.0) | (amount > 0.0))
    later = (net.paid > 0) & ~now
    closed = later & (not american) & ((net.aside > 0.0) | (net.cost == 0.0))
    for kind in (now, closed, later & ~closed, ~(now | later)):
        which = np.flatnonzero(kind)
        if not which.size:
            continue
        own, left = cash.part(which), None
        if kind is now or kind is closed:
            left = _net_of(options.part(which), own, kind is now)
        if kind is now:
            yield Kind(which, own.ahead(), left, True)
        else:
            yield Kind(which, None if kind is closed or not later[which[0]] else own, left, False)


def exercised_now(options: Options, values: Array) -> Array:
    """Values (rows, n) of American options before what goes ex now, which may be exercised first."""
    intrinsic = options.right * (options.spot - options.strike)
    at_once = intrinsic >= values[0]
    out = np.where(at_once, 0.0, values)
    out[0] = np.where(at_once, intrinsic, values[0])
    out[1:2] = np.where(at_once, options.right, values[1:2])
    return out


def with_room(options: Options, cash: Cash, invalid: Invalid) -> Options:
    """The options; where escrowed dividends leave nothing of the spot that could follow a Brownian motion, NaN.

    :raises PricingError: naming the first of those, with ``invalid="raise"``.
    """
    aside = carried(options, cash).aside
    without = (aside > 0.0) & (aside >= options.spot)
    if not without.any():
        return options
    if invalid == "raise":
        i = int(np.argmax(without))
        raise PricingError(
            f"dividends before expiry are worth {aside[i]:g} today, spot is {options.spot[i]:g}; "
            "allowed in the escrowed model: less than the spot"
        )
    return options._replace(spot=np.where(without, np.nan, options.spot))


def volatility_limit(time: Array) -> Array:
    """The most volatility (n,) at which options of these times to expiry (n,) are priced on a grid."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.minimum(VOLATILITY_MAX, _WIDEST / np.sqrt(time)))


def within_limit(options: Options, volatility: Array, invalid: Invalid) -> Options:
    """The options; where volatility (n,) is above :func:`volatility_limit`, NaN.

    :raises PricingError: naming the first of those, with ``invalid="raise"``.
    """
    limit = volatility_limit(options.time)
    beyond = volatility > limit
    if not beyond.any():
        return options
    if invalid == "raise":
        i = int(np.argmax(beyond))
        raise PricingError(
            f"volatility is {volatility[i]:g} for time_to_expiry={options.time[i]:g}; "
            f"allowed with dividends ahead: at most {_WIDEST:g} over the root of time, {limit[i]:g}"
        )
    return options._replace(spot=np.where(beyond, np.nan, options.spot))


def _cells(options: Options, volatility: Array, american: bool, size: _Size) -> npt.NDArray[np.int64]:
    """Cells of each option's grid (n,): more where they are wide beside the strike, or beside what bends.

    That is where spot goes far, and where drift takes it to where exercise begins faster than volatility spreads it.
    """
    far = volatility * np.sqrt(options.time)
    doubled = (far[:, None] > _FINER[american]).sum(axis=1)
    if american:
        with np.errstate(divide="ignore", invalid="ignore"):
            steep = far * _power_at_exercise(options, volatility)
        doubled = np.maximum(doubled, (steep[:, None] > _THIN).sum(axis=1))
    return np.asarray(size.cells << doubled, np.int64)


def _power_at_exercise(options: Options, volatility: Array) -> Array:
    """Which power of spot an option is worth next to where exercise begins (n,), long before expiry.

    That of a perpetual option without dividends; NaN or 0 where none is exercised.
    """
    variance, earned = volatility**2, np.where(options.right > 0.0, options.dividend_yield, options.rate)
    half = 0.5 - (options.rate - options.dividend_yield) / variance
    power = options.right * half + np.sqrt(half**2 + 2.0 * options.rate / variance)
    return np.asarray(np.where(earned > 0.0, power, 0.0))


def _size(scheme: Scheme) -> _Size:
    """The grid that goes with a scheme; one of the user's own has 4 cells for each boundary node, a step for three."""
    return _SIZES.get(scheme, _Size(4 * scheme.nodes, -(-scheme.nodes // 3)))


def _solve(
    options: Options, volatility: Array, american: bool, size: _Size, cells: npt.NDArray[np.int64], cash: Cash
) -> Array:
    """Price and its first three derivatives by spot, (4, n), on grids of so many cells (n,)."""
    out = np.empty((4, volatility.size))
    for each in np.unique(cells):
        which = np.flatnonzero(cells == each)
        part, own = options.part(which), size._replace(cells=int(each))
        out[:, which] = _solve_alike(part, volatility[which], american, own, cash.part(which))
    return out


class _Planned(NamedTuple):
    """Options whose grids have cells of one size, as they are laid out: see :func:`plan_batch`."""

    options: Options
    volatility: Array
    american: bool
    cells: int
    plans: Array
    steps: npt.NDArray[np.int64]
    sure: Array  # (4, n) what those are worth that have no steps

    def read(self, multiple: int, count: int) -> Array:
        """What a grid has for the first ``count`` options, (READ_ROWS, n)."""
        out = np.empty((READ_ROWS, self.volatility.size))
        order = np.lexsort(self.steps[:count].T)
        read_batch(
            self.options, self.volatility, self.american, order, self.cells, multiple, self.plans, self.steps, out
        )
        return out

    def values(self, less: int, more: int, coarse: Array, fine: Array) -> Array:
        """Price and its first three derivatives by spot, (4, n), from two grids, see :func:`combine`."""
        out = self.sure.copy()
        combine(self.options, self.american, self.steps, less, more, coarse, fine, out)
        # Where volatility is so high that nothing else is left, cells are wide.
        out[0] = np.minimum(out[0], _bound(self.options, self.american))
        return out


def _planned(options: Options, volatility: Array, american: bool, size: _Size, cash: Cash, count: int) -> _Planned:
    """The layouts of options whose grids are of one size; those after the first ``count`` differ little from these."""
    every, segments = volatility.size, segment_limit(cash)
    plans, steps = np.empty((every, segments, PLAN_ROWS)), np.empty((every, segments), np.int64)
    sure = np.empty((4, every))
    plan_batch(options, volatility, american, cash, size.cells, size.steps, count, plans, steps, sure)
    return _Planned(options, volatility, american, size.cells, plans, steps, sure)


def _solve_alike(options: Options, volatility: Array, american: bool, size: _Size, cash: Cash) -> Array:
    """What :func:`_solve` gives on grids of one size."""
    planned = _planned(options, volatility, american, size, cash, volatility.size)
    coarse, fine = (planned.read(multiple, volatility.size) for multiple in (COARSE, FINE))
    return planned.values(COARSE, FINE, coarse, fine)


_Asked: TypeAlias = list[tuple[Options, Array]]
"""Options and their volatilities (n,), some times: they differ from the first by what is asked."""


def _together(asked: _Asked, cash: Cash) -> tuple[Options, Array, Cash]:
    """All that is asked as one: few options fill the lanes."""
    every = Options(*(np.concatenate(column) for column in zip(*(options for options, _ in asked), strict=True)))
    schedules = cash.part(np.tile(np.arange(cash.rows.shape[0]), len(asked)))
    return every, np.concatenate([volatility for _, volatility in asked]), schedules


def _solve_together(asked: _Asked, american: bool, size: _Size, cash: Cash) -> list[Array]:
    """What :func:`_solve` gives for each, on grids as fine as those of the first."""
    every, volatility, cash = _together(asked, cash)
    cells = np.tile(_cells(*asked[0], american, size), len(asked))
    return np.split(_solve(every, volatility, american, size, cells, cash), len(asked), axis=1)


def _solve_moved(asked: _Asked, american: bool, size: _Size, cash: Cash) -> tuple[Array, list[Array]]:
    """What :func:`_solve` gives for the first, and for all of them, it too, what differences are to be taken of.

    Those are from coarse grids that are laid out like the first one's. A European option's error is regular there, and
    is extrapolated with grids of one unit; where exercise begins between nodes has the errors of others spread by that.
    """
    options, volatility = asked[0]
    first, all_of_them = np.empty((4, volatility.size)), np.empty((len(asked), 4, volatility.size))
    cells = _cells(options, volatility, american, size)
    for each in np.unique(cells):
        which = np.flatnonzero(cells == each)
        every, sigma, own = _together([(one.part(which), moved[which]) for one, moved in asked], cash.part(which))
        planned = _planned(every, sigma, american, size._replace(cells=int(each)), own, which.size)
        coarse, fine = planned.read(COARSE, sigma.size), planned.read(FINE, which.size)
        first[:, which] = planned.values(COARSE, FINE, coarse, fine)[:, : which.size]
        less = 0 if american else 1
        found = planned.values(less, COARSE, coarse if american else planned.read(less, sigma.size), coarse)
        all_of_them[:, :, which] = found.reshape(4, len(asked), which.size).swapaxes(0, 1)
    return first, list(all_of_them)


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
        return _solve(options, volatility, american, size, _cells(options, volatility, american, size), cash)[:1]
    step, rate_step = _SHARES_OF_VOLATILITY[american] * volatility, _RATE_STEPS[american]
    rate, dividend_yield = options.rate, options.dividend_yield
    asked = [(options, volatility + way * step) for way in (0.0, 1.0, -1.0)]
    asked += [(options._replace(dividend_yield=dividend_yield + way), volatility) for way in (rate_step, -rate_step)]
    if american:
        asked += [(options._replace(rate=rate + way), volatility) for way in (rate_step, -rate_step)]
    base, (still, up, down, *moved) = _solve_moved(asked, american, size, cash)
    free = options.spot - carried(options, cash).aside
    values, held = _on_the_grid(options, volatility, american, free, base)
    net = _net_of(options, cash, today=False)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = central_differences(still, up, down, step)
        found = without_width(found, net.options, net.share, volatility, step)
    values |= {name: np.where(step > 0.0, each, 0.0) for name, each in found._asdict().items()}
    values["epsilon"] = (moved[0][0] - moved[1][0]) / (2.0 * rate_step)
    if american:
        values["rho"] = (moved[2][0] - moved[3][0]) / (2.0 * rate_step)
    else:  # a rate and a yield that move together leave the drift, and change the discount alone
        values["rho"] = -options.time * base[0] - values["epsilon"]
    for name in ("vega", "volga", "vanna", "rho", "epsilon"):
        values[name] = np.where(held, values[name], 0.0)
    return np.stack([values[name] for name in GREEKS])


def _on_the_grid(
    options: Options, volatility: Array, american: bool, free: Array, base: Array
) -> tuple[dict[str, Array], Mask]:
    """The values that one solution gives, and which options are held: ``base`` (4, n) is price, delta, gamma and speed.

    free: (n,) what of the spot is not set aside, which alone diffuses.
    """
    spot, strike, rate, dividend_yield, time, right = options
    price, delta, gamma, speed = base
    held = (time > 0.0) & ~((price <= right * (spot - strike)) & american) | np.isnan(price)
    carry, variance = rate - dividend_yield, volatility**2
    theta = rate * price - carry * spot * delta - 0.5 * variance * free**2 * gamma
    charm = dividend_yield * delta - (carry * spot + variance * free) * gamma - 0.5 * variance * free**2 * speed
    values = {
        "price": price,
        "delta": delta,
        "gamma": gamma,
        "theta": np.where(held, theta, 0.0),
        "charm": np.where(held, charm, 0.0),
    }
    return values, held


def implied_with_dividends(price: Array, options: Options, american: bool, scheme: Scheme, cash: Cash) -> Array:
    """Implied volatilities (n,) of prices (n,), NaN where none up to :func:`volatility_limit` explains one."""
    size = _size(scheme)
    none, most = np.zeros(price.size), volatility_limit(options.time)
    floor = _solve(options, none, american, size, _cells(options, none, american, size), cash)[0]
    guess = np.where((price > floor) & (price < _bound(options, american)), np.minimum(_START, 0.5 * most), np.nan)
    search = Search(guess, none.copy(), most, floor)
    unsettled = ~np.isnan(guess) & (price - floor > TIME_VALUE_FLOOR * options.strike) & (options.time > 0.0)
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
    # Where a search has come to its end the price is above that of the most volatility.
    return np.where(search.volatility >= (1.0 - 1e-6) * volatility_limit(options.time), np.nan, search.volatility)


def boundary_with_dividends(option: Option, volatility: float, scheme: Scheme, cash: Cash) -> tuple[Array, Array]:
    """Times to expiry (k,), ascending to the option's, and the exercise boundary at each (k,), NaN without one.

    option: American, its spot the strike. For a put the spot below which it is exercised, for a call the spot above
    which it is; a put's is told down to ``LEAST_TOLD`` of the strike while dividends are ahead: where one is worth more
    than the interest until then, only spots next to nothing are exercised. An ex-time is there twice: just after the
    dividend, and just before it.

    :raises PricingError: for a volatility above :func:`volatility_limit`.
    """
    right = 1.0 if option.call else -1.0
    alone = Options(*(np.array([each]) for each in (*option[:5], right)))
    sigma, size = np.array([max(volatility, _LEAST_TRACED)]), _size(scheme)
    within_limit(alone, sigma, "raise")
    # The grid reaches from what is told up to what pays all dividends and the strike, with cells no wider for that.
    first, last = cash.rows[0]
    wide = math.log((1.0 + cash.amounts[first:last].sum() / option.strike) / (1.0 if option.call else LEAST_TOLD))
    far = float(sigma[0]) * math.sqrt(option.time)
    wider = int(np.searchsorted(_WIDER, wide / far if far > 0.0 else 0.0))
    cells = int(_cells(alone, sigma, True, size)[0]) << wider
    trace = np.zeros((2, segment_limit(cash) * (FINE * (size.steps + 1) + 1)))
    count = trace_boundary(option, float(sigma[0]), cash, cells, size.steps, trace)
    return trace[0, :count], trace[1, :count]
