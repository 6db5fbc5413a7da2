"""The array functions: price, greeks and exercise boundary of any mix of options, and batches of all kinds."""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, NamedTuple, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.american import DOUBLE, EUROPEAN, difficulty, horizon, regime, set_put, solve
from alo_lib.pricing.arguments import (
    STYLES,
    Invalid,
    PricingError,
    Style,
    check_choice,
    check_threads,
    prepare,
)
from alo_lib.pricing.batch import GREEKS, difficulties, value_batch
from alo_lib.pricing.curves import Rates, at_expiry, with_rates
from alo_lib.pricing.dividends import (
    TIME_VALUE_FLOOR,
    boundary_with_dividends,
    exercised_now,
    implied_with_dividends,
    in_kinds,
    values_with_dividends,
    with_room,
    within_limit,
)
from alo_lib.pricing.european import WITH_ALL, WITH_NONE
from alo_lib.pricing.implied import implied_batch
from alo_lib.pricing.schedules import DividendsLike, cash_of, one_schedule, schedules_of
from alo_lib.pricing.scheme import FAST, Scheme, resolve_scheme, tables
from alo_lib.pricing.space import FAILED, SPAN, START, UNTIL, new_space
from alo_lib.pricing.terms import Cash, Option, Options

__all__ = [
    "Boundary",
    "Choices",
    "Greeks",
    "Method",
    "SchemeLike",
    "exercise_boundary",
    "greeks",
    "of_future",
    "price",
    "run_implied",
    "run_values",
]

Array = npt.NDArray[np.float64]
SchemeLike = str | Scheme | Sequence[int]

_HIGHEST, _TRIED, _ZOOMS = 1e3, 65, 6
"""The highest spot, over the strike, from which a call may be exercised; how many are tried at once, and how often."""
_PARALLEL_FROM = 2048  # options below which threads cost more than they save


class Choices(TypedDict, total=False):
    """How options are priced: the keywords of the array functions."""

    style: Style
    """"american", unless told, or "european"."""
    scheme: SchemeLike
    """"fast", "accurate" (unless told), "high_precision" or (m, n, l, p), see :class:`Scheme`."""
    invalid: Invalid
    """"raise", unless told, or "nan": what becomes of elements that cannot be computed."""
    threads: int | None
    """How many to use; unless told as many as there are processors, for long batches only. No bit depends on it."""
    dividends: DividendsLike | None
    """What is paid: a schedule, :class:`Dividends`, or ex-times (k,) in years and cash amounts (k,); or an array or a
    list of schedules that broadcasts with the arguments; None, unless told, or empty for none."""
    on_future: bool
    """Whether spot is a future's price, as in Black's model (1976): its yield is the rate and moves with it. The one
    given counts for nothing; rho is for both together, and epsilon 0."""


_ARGUMENTS: Final = ("spot", "strike", "rate", "dividend_yield", "volatility", "time_to_expiry", "right")


@dataclass(frozen=True)
class Method:
    """:class:`Choices` once made: how a batch is priced."""

    american: bool
    scheme: Scheme
    invalid: Invalid
    threads: int | None
    cash: Cash | None
    on_future: bool = False
    shape: tuple[int, ...] = ()
    """Of the dividends' schedules: () where there is one for all."""
    prices_alone: bool = False
    """Whether no greeks are asked for beside: a kernel without them is compiled in half the time."""

    @staticmethod
    def of(
        *,
        style: Style = "american",
        scheme: SchemeLike = "accurate",
        invalid: Invalid = "raise",
        threads: int | None = None,
        dividends: DividendsLike | None = None,
        on_future: bool = False,
        prices_alone: bool = False,
    ) -> "Method":
        """What the keywords mean.

        :raises PricingError: naming one that is not allowed.
        """
        check_choice("style", style, STYLES)
        check_threads(threads)
        schedules = schedules_of(dividends)
        if schedules is not None and on_future:
            raise PricingError("dividends are given with on_future; allowed: one of the two, as a future pays none")
        cash, shape = (None, ()) if schedules is None else (cash_of(schedules), schedules.shape)
        scheme = resolve_scheme(scheme)
        return Method(style == "american", scheme, invalid, threads, cash, on_future, shape, prices_alone)

    def over(self, shape: tuple[int, ...]) -> "Method":
        """With a schedule for each of the options, whose arguments and schedules broadcast to a shape."""
        if self.cash is None or not self.shape:
            return self
        which = np.arange(self.cash.rows.shape[0]).reshape(self.shape)
        return self.part(np.broadcast_to(which, shape).reshape(-1))

    def part(self, which: npt.NDArray[np.intp]) -> "Method":
        """With the schedules of those of the options that are meant."""
        return self if self.cash is None else replace(self, cash=self.cash.part(which))

    def denser(self, level: int) -> "Method":
        """With the scheme for what is so much harder."""
        return replace(self, scheme=self.scheme.denser(level))


class Greeks(NamedTuple):
    """Price and raw derivatives, each an array of the arguments' broadcast shape.

    delta dV/dS, gamma d2V/dS2, vega dV/dvolatility, theta dV/dt (t calendar time in years, so mostly negative),
    rho dV/drate, epsilon dV/ddividend_yield, vanna d2V/dS dvolatility, volga d2V/dvolatility2, charm d2V/dS dt.
    """

    price: Array
    delta: Array
    gamma: Array
    vega: Array
    theta: Array
    rho: Array
    epsilon: Array
    vanna: Array
    volga: Array
    charm: Array


class Boundary(NamedTuple):
    """The exercise boundary over time to expiry, for one option.

    time_to_expiry (k,): ascending. upper (k,): for a put the price below which it is exercised, for a call the price
    above which it is. lower (k,): NaN unless there are two boundaries; a put is then exercised between ``lower`` and
    ``upper``, and a call likewise; NaN past the time where the two have met. An option never exercised early has NaN
    in both.
    """

    time_to_expiry: Array
    upper: Array
    lower: Array


def _split(count: int, threads: int | None) -> list[slice]:
    pieces = max(1, count // _PARALLEL_FROM if threads is None else count)
    if pieces > 1:  # the system is slow to tell how many processors there are
        pieces = min(pieces, threads or os.cpu_count() or 1)
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    return [slice(first, last) for first, last in pairwise(edges)]


def _is_short(count: int, method: Method) -> bool:
    """Whether a batch is run at once, and nothing of it copied."""
    return method.threads is None and count < _PARALLEL_FROM


def _in_threads(run: Callable[[slice], int], count: int, threads: int | None) -> int:
    """Run over slices of the batch, in threads when it is long. An element's bits do not depend on the slicing."""
    slices = _split(count, threads)
    if len(slices) == 1:
        return run(slices[0])
    with ThreadPoolExecutor(len(slices)) as pool:
        failures = [
            part.start + failed for part, failed in zip(slices, pool.map(run, slices), strict=True) if failed >= 0
        ]
    return min(failures, default=-1)


def run_values(options: Options, volatility: Array, rows: int, method: Method) -> Array:
    """Values of n options at volatilities (n,), shape (rows, n): 1 row for prices, 10 with the greeks.

    :raises PricingError: naming the first option whose boundary could not be computed; with ``invalid="nan"`` such
        options are NaN.
    """
    if method.cash is not None:
        out = np.empty((rows, volatility.size))
        options = with_room(options, method.cash, method.invalid)
        for which, cash, net, now, carries in in_kinds(options, method.american, method.cash):
            part, sigma, own = options.part(which), volatility[which], replace(method, cash=cash)
            if net is not None:
                values = net.values(run_values(net.options, sigma, rows, own))
                out[:, which] = exercised_now(part, values) if now and own.american else values
            elif cash is not None:
                part = within_limit(part, sigma, method.invalid)
                out[:, which] = values_with_dividends(part, sigma, method.american, method.scheme, cash, carries, rows)
            else:
                out[:, which] = run_values(part, sigma, rows, own)
        return out
    if method.american and (levels := _levels(options, volatility, method)) is not None:
        out = np.empty((rows, levels.size))
        for level in np.unique(levels):
            which = np.flatnonzero(levels == level)
            out[:, which] = _run_values(options.part(which), volatility[which], rows, method.denser(int(level)))
        return out
    return _run_values(options, volatility, rows, method)


def _levels(options: Options, volatility: Array, method: Method) -> npt.NDArray[np.int64] | None:
    """How much denser a scheme American options need; None where none does."""
    levels = np.empty(volatility.size, np.int64)
    return levels if difficulties(options, volatility, method.scheme.longest, levels) else None


def _run_values(options: Options, volatility: Array, rows: int, method: Method) -> Array:
    out = np.empty((rows, volatility.size))
    t, american = tables(method.scheme), int(method.american)
    wanted = WITH_ALL if rows > 1 else None if method.prices_alone else WITH_NONE

    def run(part: slice) -> int:
        columns = np.empty((rows, part.stop - part.start))
        failed = int(value_batch(options.part(part), volatility[part], american, wanted, t, columns))
        out[:, part] = columns
        return failed

    if _is_short(volatility.size, method):
        failed = int(value_batch(options, volatility, american, wanted, t, out))
    else:
        failed = _in_threads(run, volatility.size, method.threads)
    if failed >= 0 and method.invalid == "raise":
        spot, strike, rate, dividend_yield, time, right = (float(column[failed]) for column in options)
        raise PricingError(
            f"no exercise boundary was found for spot={spot:g}, strike={strike:g}, rate={rate:g}, "
            f"dividend_yield={dividend_yield:g}, volatility={volatility[failed]:g}, time_to_expiry={time:g}, "
            f"right={right:g}; try scheme='high_precision'"
        )
    return out


def _values(rows: int, choices: Choices, *arguments: Rates) -> Array:
    """Values of the arguments (:data:`_ARGUMENTS`), shape (rows, *their broadcast shape)."""
    method, named = Method.of(**choices, prices_alone=rows == 1), dict(zip(_ARGUMENTS, arguments, strict=True))
    shape, (spot, strike, rate, dividend_yield, volatility, time, right) = prepare(
        method.invalid, method.shape, **with_rates(named, method.on_future)
    )
    options = Options(spot, strike, rate, dividend_yield, time, right)
    values = run_values(options, volatility, rows, method.over(shape))
    if method.on_future and rows > 1:
        of_future(values)
    return values.reshape(rows, *shape)


def of_future(values: Array) -> None:
    """Turn the greeks (10, n) of options whose yield is the rate into those by the rate that moves both."""
    rho, epsilon = GREEKS.index("rho"), GREEKS.index("epsilon")
    values[rho] += values[epsilon]
    values[epsilon] = np.where(np.isnan(values[epsilon]), np.nan, 0.0)


def price(
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    rate: Rates,
    dividend_yield: Rates,
    volatility: npt.ArrayLike,
    time_to_expiry: npt.ArrayLike,
    right: npt.ArrayLike,
    **choices: Unpack[Choices],
) -> Array:
    """Option prices, in the arguments' broadcast shape.

    rate, dividend_yield: continuously compounded decimals, or a :class:`Curve` of them; volatility: a year, decimal;
    time_to_expiry: years; right: +1 call, -1 put. By keyword, see :class:`Choices`: style="american",
    scheme="accurate", invalid="raise", threads=None, dividends=None, on_future=False. Prices with cash dividends are
    finite differences (see :mod:`alo_lib.pricing.dividends`), on a grid that grows with the scheme.

    :raises PricingError: naming an argument outside its range (:data:`DOMAINS`); with ``invalid="nan"`` such elements
        become NaN and the rest is computed.
    """
    values = _values(1, choices, spot, strike, rate, dividend_yield, volatility, time_to_expiry, right)
    return np.asarray(values[0])


def greeks(
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    rate: Rates,
    dividend_yield: Rates,
    volatility: npt.ArrayLike,
    time_to_expiry: npt.ArrayLike,
    right: npt.ArrayLike,
    **choices: Unpack[Choices],
) -> Greeks:
    """Prices and greeks; arguments, keywords and errors as :func:`price`.

    All are analytic: delta and gamma differentiate the price integral; vega, rho, epsilon, vanna and volga add the
    boundary's own derivatives, from the implicit function theorem on its discrete equation; theta and charm follow
    from the scaling of time. Where the option is to be exercised at once they are those of the intrinsic value.
    """
    return Greeks(*_values(len(GREEKS), choices, spot, strike, rate, dividend_yield, volatility, time_to_expiry, right))


def run_implied(price: Array, options: Options, method: Method) -> Array:
    """Implied volatilities (n,) of prices (n,); NaN where there is none."""
    if method.cash is not None:
        out = np.empty(price.size)
        options = with_room(options, method.cash, method.invalid)
        for which, cash, net, now, _ in in_kinds(options, method.american, method.cash):
            part, quoted, own = options.part(which), price[which], replace(method, cash=cash)
            if net is not None:
                out[which] = run_implied(quoted, net.options, own)
                if now and own.american:
                    value = quoted - part.right * (part.spot - part.strike)
                    out[which[value <= TIME_VALUE_FLOOR * part.strike]] = np.nan
            elif cash is not None:
                out[which] = implied_with_dividends(quoted, part, method.american, method.scheme, cash)
            else:
                out[which] = run_implied(quoted, part, own)
        return out
    out = _run_implied(price, options, method)
    if method.american and (levels := _levels(options, out, method)) is not None:
        for level in np.unique(levels[levels > 0]):
            which = np.flatnonzero(levels == level)
            out[which] = _run_implied(price[which], options.part(which), method.denser(int(level)))
    return out


def _run_implied(price: Array, options: Options, method: Method) -> Array:
    out = np.empty(price.size)
    near, t, american = tables(FAST), tables(method.scheme), int(method.american)

    def run(part: slice) -> int:
        implied_batch(price[part], options.part(part), american, near, t, out[part])
        return -1

    if _is_short(out.size, method):
        implied_batch(price, options, american, near, t, out)
    else:
        _in_threads(run, out.size, method.threads)
    return out


def _exercised_from(option: Option, volatility: float, method: Method) -> float:
    """The spot, cum what goes ex now, from which an option is exercised first; NaN where it is not, as no put is."""
    low, high = option.strike, _HIGHEST * option.strike
    for _ in range(_ZOOMS if option.call else 0):
        spots = np.linspace(low, high, _TRIED)
        same = (np.full(_TRIED, each) for each in (option.strike, option.rate, option.dividend_yield, option.time, 1.0))
        values = run_values(Options(spots, *same), np.full(_TRIED, volatility), 1, method)[0]
        exercised = np.flatnonzero(values <= spots - option.strike)
        if not exercised.size:
            return math.nan
        low, high = float(spots[max(exercised[0] - 1, 0)]), float(spots[exercised[0]])
    return high if option.call else math.nan


def exercise_boundary(
    strike: float,
    rate: Rates,
    dividend_yield: Rates,
    volatility: float,
    time_to_expiry: float,
    right: int,
    *,
    scheme: SchemeLike = "accurate",
    dividends: DividendsLike | None = None,
) -> Boundary:
    """The exercise boundary of one American option at the scheme's nodes; its last element is the boundary today.

    With ``dividends``, of one schedule, it is that of the grid's steps of time, with a jump at each ex-time and NaN
    while nothing is exercised, such as a put shortly before one: it is told down to 0.5 % of the strike. The last
    element is of a spot still cum where it is.

    :raises PricingError: naming an argument outside its range, or that is more than one number.
    """
    shape, flat = prepare(
        "raise",
        strike=strike,
        rate=at_expiry(rate, time_to_expiry),
        dividend_yield=at_expiry(dividend_yield, time_to_expiry),
        volatility=volatility,
        time_to_expiry=time_to_expiry,
        right=right,
    )
    if flat[0].size != 1:
        raise PricingError(f"the arguments broadcast to {shape}; allowed: one number each, of the one option")
    k, r, q, sigma, time, side = (float(array[0]) for array in flat)
    method = Method.of(scheme=scheme, dividends=one_schedule(dividends))
    if method.cash is not None:
        option = Option(k, k, r, q, time, side > 0.0, method.american)
        times, levels = boundary_with_dividends(option, sigma, method.scheme, method.cash)
        if time > 0.0 and not np.array_equal(method.cash.today, [[1.0, 0.0]]):
            times, levels = np.append(times, time), np.append(levels, _exercised_from(option, sigma, method))
        return Boundary(times, levels, np.full(times.size, math.nan))
    if side > 0.0:
        r, q = q, r
    t = tables(method.scheme.denser(int(difficulty(r, q, sigma, time, method.scheme.longest))))
    space = new_space(t)
    set_put(0, r, q, sigma, time, space.put)
    space.put[UNTIL, 0] = horizon(r, q, sigma, time)
    solve(1, None, t, space)
    if space.put[FAILED, 0] > 0.0:
        raise PricingError(f"no exercise boundary was found for rate={r:g}, dividend_yield={q:g}")
    kind = regime(r, q)
    n = t.node.size
    elapsed = space.put[UNTIL, 0] * t.node[::-1] ** 2
    upper = np.full(elapsed.size, math.nan)
    lower = upper.copy()
    if kind != EUROPEAN and sigma * math.sqrt(time) > 0.0:
        upper = np.exp(space.put[START, 0] - space.g[:n, 0][::-1])
        if kind == DOUBLE:
            lower = np.exp(space.put[START + 1, 0] + space.g[n:, 0][::-1])
    if side > 0.0:
        # Exchanging spot and strike inverts the boundary, and with it the order of two.
        upper, lower = (1.0 / upper, lower) if kind != DOUBLE else (1.0 / lower, 1.0 / upper)
    if elapsed[-1] < time:
        elapsed = np.append(elapsed, time)
        settled = space.put[SPAN, 0] == time
        upper = np.append(upper, upper[-1] if settled else math.nan)
        lower = np.append(lower, lower[-1] if settled else math.nan)
    return Boundary(elapsed, k * upper, k * lower)
