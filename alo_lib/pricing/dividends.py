"""Options on a spot that drops at ex-times: prices, greeks, implied volatility, exercise boundary.

The spot model is that of QuantLib's ``FdBlackScholesVanillaEngine`` with a dividend schedule: between ex-times spot is
a geometric Brownian motion, at an ex-time it falls by a fraction and an amount (at most to nothing), and an American
option may be exercised just before. In the escrowed model, the engine's ``Escrowed``, that motion is the spot's less
what the cash still paid before expiry is worth, and exercise pays on the whole spot (:mod:`escrow`; Hull, "Options,
Futures, and Other Derivatives"; Haug, "The Complete Guide to Option Pricing Formulas", chapter 9).

European options with proportional dividends alone, and escrowed ones, are Black-Scholes options on what the dividends
leave of the spot. Other values are those of finite differences (:mod:`cash_solution`).
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import DOMAINS, Invalid, PricingError
from alo_lib.pricing.batch import GREEKS
from alo_lib.pricing.cash_batch import FINE, trace_boundary
from alo_lib.pricing.cash_plan import LEAST_TOLD, segment_limit
from alo_lib.pricing.cash_solution import bound, cells_of, size_of, solve, solve_moved, solve_together
from alo_lib.pricing.implied import MAX_STEPS, VOLATILITY_MAX, Search, advance
from alo_lib.pricing.schedules import Carried, carried
from alo_lib.pricing.scheme import Scheme
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

_VOLATILITY_STEP = 0.01  # of a search; narrower where volatility is below eight times as much
_SHARES_OF_VOLATILITY: Final = (0.02, 0.04)  # that it is moved by for greeks: European, American
_RATE_STEPS: Final = (0.0015, 0.00001)
"""The same of rates, to both sides and to one: where a rate or a yield begins to make exercise worth its while, values
bend within some .1 %."""
_START = 0.3  # volatility that a search begins with
TIME_VALUE_FLOOR: Final = 1e-11  # of the strike: less explains no volatility
_LAST_STEP = 1e-7  # of a search, relative to the volatility: slopes are only nearly those of the prices
_WIDEST: Final = (
    12.0  # volatility times the root of time: beyond it no grid holds both spots near 0 and what they are worth
)
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


def _net_of_today(options: Options, cash: Cash) -> Net:
    """Options on what the dividends that go ex now leave of the spot."""
    share, cost = (np.broadcast_to(column, options.spot.shape) for column in cash.today.T)
    none = np.zeros(options.spot.size)
    return _net(options, share, cost, none, none)


def _net_of(options: Options, net: Carried) -> Net:
    """Options on what all dividends before expiry leave of the spot.

    That is the closed form's spot where the dividends are proportional, or escrowed.
    """
    return _net(options, net.share, net.cost, net.timed, (options.dividend_yield - options.rate) * net.cost)


def _net(options: Options, share: Array, cost: Array, by_rate: Array, by_time: Array) -> Net:
    """What nothing is left of is worth the least that a spot may be."""
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
    carries: Carried  # what all of them leave at expiry


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
        own, part, carries = cash.part(which), options.part(which), Carried(*(column[which] for column in net))
        if kind is now:
            yield Kind(which, own.ahead(), _net_of_today(part, own), True, carries)
        elif kind is closed:
            yield Kind(which, None, _net_of(part, carries), False, carries)
        else:
            yield Kind(which, own if later[which[0]] else None, None, False, carries)


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
    if not cash.aside.any():
        return options
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


def values_with_dividends(
    options: Options, volatility: Array, american: bool, scheme: Scheme, cash: Cash, carries: Carried, rows: int
) -> Array:
    """Prices (rows = 1) or prices and greeks (rows = 10), shape (rows, n); volatility (n,).

    carries: what the dividends leave of the options' spots at expiry.
    """
    size = size_of(scheme)
    if rows == 1:
        return solve(options, volatility, american, size, cells_of(options, volatility, american, size), cash)[:1]
    step, rate_step = _SHARES_OF_VOLATILITY[american] * volatility, _RATE_STEPS[american]
    rate, dividend_yield = options.rate, options.dividend_yield
    asked = [(options, volatility + way * step) for way in (0.0, 1.0, -1.0)]
    asked.append((options._replace(dividend_yield=dividend_yield + rate_step), volatility))
    if american:
        asked.append((options._replace(rate=rate + rate_step), volatility))
    else:
        asked.append((options._replace(dividend_yield=dividend_yield - rate_step), volatility))
    base, (still, up, down, more, other) = solve_moved(asked, american, size, cash)
    values, held = _on_the_grid(options, volatility, american, options.spot - carries.aside, base)
    net = _net_of(options, carries)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = central_differences(still, up, down, step)
        found = without_width(found, net.options, net.share, volatility, step)
    values |= {name: np.where(step > 0.0, each, 0.0) for name, each in found._asdict().items()}
    if american:
        values["epsilon"] = (more[0] - still[0]) / rate_step
        values["rho"] = (other[0] - still[0]) / rate_step
    else:  # a rate and a yield that move together leave the drift, and change the discount alone
        values["epsilon"] = (more[0] - other[0]) / (2.0 * rate_step)
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
    size = size_of(scheme)
    none, most = np.zeros(price.size), volatility_limit(options.time)
    floor = solve(options, none, american, size, cells_of(options, none, american, size), cash)[0]
    guess = np.where((price > floor) & (price < bound(options, american)), np.minimum(_START, 0.5 * most), np.nan)
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
        middle, up, down = (found[0] for found in solve_together(asked, american, size, mine))
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
    sigma, size = np.array([max(volatility, _LEAST_TRACED)]), size_of(scheme)
    within_limit(alone, sigma, "raise")
    # The grid reaches from what is told up to what pays all dividends and the strike, with cells no wider for that.
    first, last = cash.rows[0]
    wide = math.log((1.0 + cash.amounts[first:last].sum() / option.strike) / (1.0 if option.call else LEAST_TOLD))
    far = float(sigma[0]) * math.sqrt(option.time)
    wider = int(np.searchsorted(_WIDER, wide / far if far > 0.0 else 0.0))
    cells = int(cells_of(alone, sigma, True, size)[0]) << wider
    trace = np.zeros((2, segment_limit(cash) * (FINE * (size.steps + 1) + 1)))
    count = trace_boundary(option, float(sigma[0]), cash, size._replace(cells=cells), trace)
    return trace[0, :count], trace[1, :count]
