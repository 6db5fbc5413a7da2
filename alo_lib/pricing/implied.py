"""Implied volatility: Halley's method on the logarithm of time value, inside the bracket that the signs so far allow.

The European volatility of the contract out of the money comes first, in closed form. From there an American option is
looked for with a scheme of few nodes, and its last step or two are taken with the scheme asked for.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import jumped_kernel, kernel
from alo_lib.numerics.elementary import exponential, logarithm
from alo_lib.numerics.lanes import (
    LANES,
    LaneMask,
    Lanes,
    Real,
    any_lane,
    greatest,
    least,
    load,
    select,
    square_root,
    store,
    table,
)
from alo_lib.pricing.american import add_meeting_volga, horizon, place, set_put
from alo_lib.pricing.batch import reduce_contract, solve_sources
from alo_lib.pricing.european import (
    P_RATE,
    P_SPOT,
    P_STRIKE,
    P_TIME,
    P_VOLATILITY,
    P_YIELD,
    V_S,
    V_SS,
    WITH_NONE,
    WITH_VEGA,
    V,
    european,
)
from alo_lib.pricing.premium import POINT_ROWS, Puts, deterministic, evaluate, new_puts
from alo_lib.pricing.scheme import Tables
from alo_lib.pricing.space import FAILED, UNTIL, Space, new_space
from alo_lib.pricing.terms import Options

__all__ = ["LAST_STEP", "MAX_STEPS", "VOLATILITY_MAX", "Search", "advance", "implied_batch", "new_search"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MAX_STEPS = 80
VOLATILITY_MAX = 20.0
LAST_STEP = 5e-4  # relative to the volatility
_NEAR_STEP = 0.06  # the same where another method takes over
_GUESS_STEP = 0.1
_TIME_VALUE_FLOOR = 1e-14  # of the strike: less is rounding, and explains no volatility

# Rows of eight searches, one a lane: what the contract is, reduced to a put; its price, and its value without
# volatility; the volatility found or to be tried next, in the bracket (LOW, HIGH); 1 while it is looked for.
_SPOT, _STRIKE, _RATE, _YIELD, _TIME, _PRICE, _FLOOR, _SIGMA, _LOW, _HIGH, _OPEN = range(11)
_SEARCH_ROWS = 11


@kernel
def _improve(
    value: Real, vega: Real, volga: Real, wanted: Real, sigma: Real, low: Real, high: Real, last_step: float
) -> tuple[Real, LaneMask]:
    """The next volatility to try, and whether it is the one: nothing more is to be gained by another evaluation.

    value, wanted: the time value (price less its limit without volatility) at sigma, and that of the quote. Halley's
    method on its logarithm, which is close to linear where vega vanishes; a step that leaves the bracket (low, high)
    which the signs so far allow is replaced by halving it. The error left is about the cube of the last relative step,
    which is last_step or less. NaN where the bracket has closed at its upper end.
    """
    rises = (value > 0.0) & (vega > 0.0)
    slope = vega / value
    step = logarithm(select(rises, wanted / value, 1.0)) / slope
    step = select(rises, step, math.inf)
    bend = select(rises, (volga / value - slope * slope) / slope, math.inf)
    step = select(abs(step * bend) < 1.0, step / (1.0 + 0.5 * step * bend), step)
    new = sigma + step
    done = (abs(step) <= last_step * least(sigma, 1.0 / abs(bend))) & (low <= new) & (new <= high)
    middle = 0.5 * (low + high)
    halved = select(high < VOLATILITY_MAX, middle, least(1.5 * low, middle))
    halved = select(low > 0.0, halved, greatest(0.1 * high, 1e-9))
    new = select(done | ((low < new) & (new < high)), new, halved)
    closed = (high - low <= 1e-15 * high) & ~done
    return select(closed & (high >= VOLATILITY_MAX), math.nan, new), done | closed


@kernel
def _explains(price: Lanes, floor: Lanes, bound: Lanes, strike: Lanes, time: Lanes) -> LaneMask:
    """Whether a put's price lies between its value without volatility and the no-arbitrage bound."""
    return (time > 0.0) & (price - floor > _TIME_VALUE_FLOOR * greatest(price, strike)) & (price < bound)


@kernel
def _step(value: Lanes, vega: Lanes, volga: Lanes, wanted: Lanes, last_step: float, search: Array) -> bool:
    """Take a step in the searches that are open; returns whether any still is. NaN values end a search with NaN."""
    sigma, low, high = load(search, _SIGMA), load(search, _LOW), load(search, _HIGH)
    is_open = load(search, _OPEN) > 0.0
    low = select(is_open & (value < wanted), sigma, low)
    high = select(is_open & ~(value < wanted), sigma, high)
    new, done = _improve(value, vega, volga, wanted, sigma, low, high, last_step)
    failed = value != value
    new = select(failed, math.nan, new)
    store(search, _LOW, low)
    store(search, _HIGH, high)
    store(search, _SIGMA, select(is_open, new, sigma))
    is_open = is_open & ~(done | failed)
    store(search, _OPEN, select(is_open, 1.0, 0.0))
    return any_lane(is_open)


@kernel
def _european(last_step: float, search: Array, puts: Puts) -> None:
    """Volatilities of the European options worth PRICE into SIGMA; NaN where none explains it.

    Of put and call with the same volatility, by parity, the one out of the money is looked for.
    """
    put = puts.put
    spot, strike, rate, dividend_yield = (
        load(search, _SPOT),
        load(search, _STRIKE),
        load(search, _RATE),
        load(search, _YIELD),
    )
    time, price = load(search, _TIME), load(search, _PRICE)
    parity = spot * exponential(-dividend_yield * time) - strike * exponential(-rate * time)
    inside = parity < 0.0
    # A call is the put with spot and strike, rate and yield exchanged.
    store(put, P_SPOT, select(inside, strike, spot))
    store(put, P_STRIKE, select(inside, spot, strike))
    store(put, P_RATE, select(inside, dividend_yield, rate))
    store(put, P_YIELD, select(inside, rate, dividend_yield))
    store(put, P_TIME, time)
    wanted = select(inside, price + parity, price)
    strike_wanted = load(put, P_STRIKE)
    bound = strike_wanted * exponential(-load(put, P_RATE) * time)
    explains = _explains(wanted, 0.0, bound, strike_wanted, time)
    store(search, _SIGMA, _start(price, spot, strike, rate - dividend_yield, time))
    store(search, _LOW, 0.0)
    store(search, _HIGH, VOLATILITY_MAX)
    store(search, _OPEN, select(explains, 1.0, 0.0))
    for step in range(MAX_STEPS):
        store(put, P_VOLATILITY, load(search, _SIGMA))
        # Not a literal, for which numba would compile everything once more.
        european(WITH_VEGA if step >= 0 else WITH_NONE, put, puts.total)
        value, vega, volga = load(puts.total, V), load(puts.total, V_S), load(puts.total, V_SS)
        if not _step(value, vega, volga, wanted, last_step, search):
            break
    store(search, _SIGMA, select(explains, load(search, _SIGMA), math.nan))


@kernel
def _start(price: Lanes, spot: Lanes, strike: Lanes, carry: Lanes, time: Lanes) -> Lanes:
    """A volatility to start from: the larger of the at-the-money formula and the point of inflection."""
    forward_gap = abs(logarithm(spot / strike) + carry * time)
    straddle = select(forward_gap < 0.05, 2.5 * price / square_root(spot * strike * time), 0.0)
    return least(greatest(greatest(square_root(2.0 * forward_gap / time), straddle), 1e-3), 5.0)


@jumped_kernel
def _begin(count: int, american: int, search: Array, puts: Puts) -> None:
    """Fill in the rest of searches whose contract and PRICE are there: FLOOR, a first SIGMA, and which are OPEN.

    SIGMA is NaN where no volatility explains the price; it is the answer for a European option.
    """
    for lane in range(count, LANES):
        for row in range(_SEARCH_ROWS):
            search[row, lane] = search[row, 0]
    _european(_GUESS_STEP if american else LAST_STEP, search, puts)
    if not american:
        return
    for lane in range(count):
        spot, strike, time = search[_SPOT, lane], search[_STRIKE, lane], search[_TIME, lane]
        deterministic(spot, strike, search[_RATE, lane], search[_YIELD, lane], time, american, puts.total, lane)
        search[_FLOOR, lane] = puts.total[V, lane]
    spots, strikes, times = load(search, _SPOT), load(search, _STRIKE), load(search, _TIME)
    price, sigma = load(search, _PRICE), load(search, _SIGMA)
    bound = strikes * exponential(-least(load(search, _RATE), 0.0) * times)
    explains = _explains(price, load(search, _FLOOR), bound, strikes, times)
    start = _start(price, spots, strikes, load(search, _RATE) - load(search, _YIELD), times)
    store(search, _SIGMA, select(explains, select(sigma > 0.0, sigma, start), math.nan))
    store(search, _OPEN, select(explains, 1.0, 0.0))
    store(search, _LOW, 0.0)
    store(search, _HIGH, VOLATILITY_MAX)
    for lane in range(count, LANES):
        search[_OPEN, lane] = 0.0


@kernel
def _american(
    count: int,
    american: int,
    last_step: float,
    t: Tables,
    search: Array,
    upper: Array,
    lower: Array,
    space: Space,
    puts: Puts,
) -> None:
    """Go on with the searches that are open, by the scheme's values; NaN where a boundary could not be solved."""
    put = puts.put
    for _ in range(MAX_STEPS):
        for lane in range(count):
            rate, dividend_yield, time = search[_RATE, lane], search[_YIELD, lane], search[_TIME, lane]
            sigma = search[_SIGMA, lane]
            set_put(lane, rate, dividend_yield, sigma, time, space.put)
            space.put[UNTIL, lane] = horizon(rate, dividend_yield, sigma, time)
            put[P_SPOT, lane], put[P_STRIKE, lane] = search[_SPOT, lane], search[_STRIKE, lane]
            puts.source[lane] = lane
        boundaries = solve_sources(count, WITH_VEGA, t, upper, lower, space)
        place(count, american, t.node.size, space.put, space.g, puts.source, put)
        evaluate(count, american, WITH_VEGA, t.price, upper, lower, put, puts.total)
        if boundaries > 1:
            add_meeting_volga(count, space, puts)
        floor = load(search, _FLOOR)
        value = select(load(space.put, FAILED) > 0.0, math.nan, load(puts.total, V) - floor)
        vega, volga = load(puts.total, V_S), load(puts.total, V_SS)
        if not _step(value, vega, volga, load(search, _PRICE) - floor, last_step, search):
            return


@kernel
def implied_batch(price: Array, options: Options, american: int, near: Tables, t: Tables, out: Array) -> None:
    """Implied volatilities of n contracts into out (n); NaN where no volatility, or no single one, explains a price.

    near: tables of the scheme with which an American option's volatility is approached; t: those of the one wanted.
    """
    spot, strike, rate, dividend_yield, time, right = options
    near_space, space, puts = new_space(near), new_space(t), new_puts()
    near_upper, near_lower = table(POINT_ROWS * near.price.shape[1]), table(POINT_ROWS * near.price.shape[1])
    upper, lower = table(POINT_ROWS * t.price.shape[1]), table(POINT_ROWS * t.price.shape[1])
    search = table(_SEARCH_ROWS)
    member = np.zeros(LANES, np.int64)
    lane = 0
    for i in range(price.size):
        out[i] = math.nan
        if time[i] > 0.0 and not math.isnan(price[i] + spot[i] + strike[i] + rate[i] + dividend_yield[i] + right[i]):
            _load(lane, i, price, options, search)
            member[lane] = i
            lane += 1
        if lane == 0 or (lane < LANES and i < price.size - 1):
            continue
        _begin(lane, american, search, puts)
        wanted, start = load(search, _OPEN), load(search, _SIGMA)
        for last in range(2 if american else 0):
            _american(
                lane,
                american,
                LAST_STEP if last else _NEAR_STEP,
                t if last else near,
                search,
                upper if last else near_upper,
                lower if last else near_lower,
                space if last else near_space,
                puts,
            )
            if not last:
                # What the other scheme cannot solve begins where it was.
                sigma = load(search, _SIGMA)
                store(search, _SIGMA, select((wanted > 0.0) & ~(sigma > 0.0), start, sigma))
                store(search, _OPEN, wanted)
                store(search, _LOW, 0.0)
                store(search, _HIGH, VOLATILITY_MAX)
        for k in range(lane):
            out[member[k]] = search[_SIGMA, k]
        lane = 0


@kernel
def _load(lane: int, i: int, price: Array, options: Options, search: Array) -> None:
    """Contract i as a search of its own."""
    spot, strike, rate, dividend_yield, time, right = options
    s, k, r, q = reduce_contract(spot[i], strike[i], rate[i], dividend_yield[i], right[i])
    search[_SPOT, lane], search[_STRIKE, lane], search[_RATE, lane], search[_YIELD, lane] = s, k, r, q
    search[_TIME, lane], search[_PRICE, lane] = time[i], price[i]


class Search(NamedTuple):
    """Searches for the implied volatilities of n contracts, taken a step at a time by :func:`advance`."""

    volatility: Array  # (n,) to be evaluated next, or found; NaN where no single volatility explains a price
    low: Array  # (n,) too low
    high: Array  # (n,) too high
    floor: Array  # (n,) price without volatility


@kernel
def new_search(price: Array, options: Options, american: int) -> Search:
    """Searches for n contracts and their prices (n,), at their European volatilities or near them."""
    n = price.size
    found = Search(np.full(n, math.nan), np.zeros(n), np.full(n, VOLATILITY_MAX), np.zeros(n))
    puts, search = new_puts(), table(_SEARCH_ROWS)
    member = np.zeros(LANES, np.int64)
    lane = 0
    for i in range(n):
        if options.time[i] > 0.0 and price[i] == price[i]:
            _load(lane, i, price, options, search)
            member[lane] = i
            lane += 1
        if lane == 0 or (lane < LANES and i < n - 1):
            continue
        _begin(lane, american, search, puts)
        for k in range(lane):
            found.volatility[member[k]] = search[_SIGMA, k]
            found.floor[member[k]] = search[_FLOOR, k]
        lane = 0
    return found


@kernel
def advance(price: Array, values: Array, search: Search, unsettled: Mask, last_step: float) -> None:
    """Take a step in the searches that are unsettled (n); those that end with it no longer are.

    values (3, n): price, vega and volga at ``search.volatility``. last_step: as :func:`_improve` has it.
    """
    for i in range(price.size):
        if not unsettled[i]:
            continue
        sigma = search.volatility[i]
        value = values[0, i] - search.floor[i]
        wanted = price[i] - search.floor[i]
        if value < wanted:
            search.low[i] = sigma
        else:
            search.high[i] = sigma
        search.volatility[i], done = _improve(
            value, values[1, i], values[2, i], wanted, sigma, search.low[i], search.high[i], last_step
        )
        unsettled[i] = not done
