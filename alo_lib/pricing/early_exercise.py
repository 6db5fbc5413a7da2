"""American options at their ex-times: from which spot on they are exercised there, and what waiting costs.

Nothing is priced here by a method of its own. What an option is worth just after an ex-time is a price at the spot less
the dividend, with the dividends that are then left. A call is exercised just before an ex-time where that is less than
spot minus strike: the critical spot is the root of S - K = C(S - D). A put gains by the fall, so that it is held over
an ex-time, and the spot from which it is exercised then is that of the boundary just after it.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple, Unpack

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.quadrature import gauss_legendre
from alo_lib.pricing.arguments import DOMAINS, PricingError, prepare
from alo_lib.pricing.curves import Rates, with_rates
from alo_lib.pricing.forwards import forward_prices
from alo_lib.pricing.options import Choices, Method, exercise_boundary, price
from alo_lib.pricing.schedules import Dividends, one_schedule
from alo_lib.pricing.terms import Options

__all__ = ["EarlyExercise", "ExDates", "dividends_of", "early_exercise", "worth_of_nothing"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

_REACH: Final = 8.0  # standard deviations
_HIGHEST: Final = 20.0  # logarithm of a critical spot over what it is of without volatility
_FARTHEST: Final = 600.0  # logarithm of a spot that is asked for: beyond, values are proportional to it
_PANEL: Final = 24  # points between two kinks of the value at an ex-time
_STEPS: Final = 60
_TRIED: Final = 65  # spots at which a call with a negative yield is asked whether exercise pays
_NEAR: Final = 1e-9  # of the strike: what a critical spot is found to


class ExDates(NamedTuple):
    """An option's ex-times, k of them: arrays (k, *shape) but for the first three, (k,).

    Where the option has expired by an ex-time there are NaN and False.
    """

    time: Array
    """Years from now, ascending; those of one time are one."""
    amount: Array
    """Cash a share."""
    fraction: Array
    """Of the spot just before, that is paid besides."""
    forward: Array
    """Spot just before, on its forward: today's, grown at the rate less the yield, the dividends before it paid."""
    critical_spot: Array
    """Of a call: the spot just before the ex-time above which it is exercised there; at a negative yield the lower of
    two. Of a put: the spot just after it, ex, below which it is exercised then. NaN where that is at no spot."""
    exercised: Mask
    """Whether it is exercised on the forward: a call just before the ex-time, a put just after it."""
    exercise_gain: Array
    """At the forward, in money of then: what exercise just before the ex-time gives, less what the option is worth
    just after it. Negative where it pays to hold."""


class EarlyExercise(NamedTuple):
    """What exercise is worth, arrays of the arguments' broadcast shape; see :func:`early_exercise`."""

    value: Array
    """Price of the American option, exercised at the best time."""
    exercise_value: Array
    """What exercise gives now: spot minus strike of a call, strike minus spot of a put; negative out of the money."""
    held_value: Array
    """What the option is worth now to a holder who does nothing until the next ex-time has passed; NaN without one."""
    waiting_cost: Array
    """What doing nothing until then costs: ``value - held_value``, at least 0."""
    exercise_gain: Array
    """``exercise_value - held_value``: what exercise now gives more than doing nothing until then. It decides on the
    evening before an ex-date, when exercise notices end and the ex-time is at the next morning's open."""
    probability: Array
    """That spot is beyond the critical one at the next ex-time, under the pricing measure; NaN without an ex-time."""
    exercised_now: Mask
    """Whether the option is worth no more than exercise now."""
    first: Array
    """The first ex-time, in years, at which the option is exercised if spot moves on its forward; NaN if at none."""
    ex_dates: ExDates


def dividends_of(asked: str, choices: Choices) -> Dividends:
    """The dividends ahead among the keywords of a pricing function; the spot is cum all of them. asked: its name.

    :raises TypeError: for a keyword that is none of :class:`Choices`.
    :raises PricingError: where there are none, more than one schedule or escrowed ones, or the options are European or
        on a future.
    """
    unknown = [name for name in choices if name not in Choices.__annotations__]
    if unknown:
        raise TypeError(f"{asked}() got an unexpected keyword argument '{unknown[0]}'")
    method = Method.of(**choices)
    if not method.american or method.on_future:
        raise PricingError("ex-times are asked of European options, or of options on a future; allowed: American ones")
    given = one_schedule(choices.get("dividends"))
    if given is None or not (given.amounts.any() or given.fractions.any()):
        raise PricingError("dividends is None or empty; allowed: ex-times and amounts, at least one of them not 0")
    if given.model != "spot":
        raise PricingError(f"dividends: model is {given.model!r}; allowed where ex-times are asked for: 'spot'")
    ahead = given.ahead(given.paid_ahead)
    if ahead is None:
        raise PricingError("dividends go ex at time 0 alone and the spot is ex already; allowed: later, or spot_is_cum")
    return ahead


def worth_of_nothing(options: Options, time: Array) -> Array:
    """What options (n,) are worth so long (n,) before expiry where spot is 0: a put the strike, now or at expiry."""
    return np.where(options.right > 0.0, 0.0, options.strike * np.exp(np.maximum(-options.rate * time, 0.0)))


class _Position:
    """Options (n,) with one schedule of dividends; choices: how they are priced, but for those."""

    def __init__(self, options: Options, volatility: Array, dividends: Dividends, choices: Choices) -> None:
        self.options, self.volatility, self.dividends, self.choices = options, volatility, dividends, choices
        known = ~np.isnan(np.stack([*options, volatility])).any(axis=0)
        self.alive = known & (options.time > dividends.times[:, np.newaxis])
        """Whose life goes beyond each ex-time, (k, n)."""

    def prices(self, rows: Rows, spot: Array, time: Array, dividends: Dividends | None) -> Array:
        """Prices of options (rows.size,) at spots, times to expiry and dividends of another moment."""
        _, strike, rate, dividend_yield, _, right = self.options.part(rows)
        choices = self.choices | Choices(dividends=dividends)
        return price(spot, strike, rate, dividend_yield, self.volatility[rows], time, right, **choices)

    def later(self, k: int) -> Dividends | None:
        """The dividends after ex-time k, as seen from there."""
        return self.dividends.ahead(slice(k + 1, None), float(self.dividends.times[k]))

    def after(self, k: int, rows: Rows, before: Array) -> Array:
        """What options are worth just after ex-time k, at spots just before it (rows.size,)."""
        part = self.options.part(rows)
        time, spot = part.time - self.dividends.times[k], self.dividends.spot_after(before, k)
        worth = worth_of_nothing(part, time)
        low, high = DOMAINS["spot"]
        some, beyond = np.flatnonzero((spot >= low) & (spot <= high)), np.flatnonzero(spot > high)
        if some.size:
            worth[some] = self.prices(rows[some], spot[some], time[some], self.later(k))
        if beyond.size:
            worth[beyond] = self._beyond(k, rows[beyond], spot[beyond], time[beyond])
        return worth

    def _beyond(self, k: int, rows: Rows, spot: Array, time: Array) -> Array:
        """What options are worth just after ex-time k at spots beyond the domain.

        As in another currency, in which spot is at the domain's end: a price is homogeneous of the first degree in
        spot, strike and cash. Where the strike is nothing beside the spot, a call is proportional to spot alone and a
        put, at most, to the strike.
        """
        _, strike, rate, dividend_yield, _, right = self.options.part(rows)
        top, unit = DOMAINS["spot"][1], DOMAINS["spot"][1] / spot
        near = np.maximum(strike * unit, DOMAINS["strike"][0])
        later = self.later(k)
        choices = self.choices | Choices(dividends=None)
        if later is not None:
            schedules = [Dividends(later.times, later.amounts * each, later.fractions) for each in unit.tolist()]
            choices["dividends"] = np.array(schedules, dtype=np.object_)
        worth = price(top, near, rate, dividend_yield, self.volatility[rows], time, right, **choices)
        return np.where(right > 0.0, worth / top * spot, worth / near * strike)

    def critical_spots(self, k: int) -> Array:
        """As :attr:`ExDates.critical_spot`, (n,)."""
        found = np.full(self.volatility.size, np.nan)
        calls = self.options.right > 0.0
        rows = np.flatnonzero(self.alive[k] & calls)
        if rows.size:
            found[rows] = self._critical_calls(k, rows)
        for row in np.flatnonzero(self.alive[k] & ~calls):
            found[row] = self._critical_put(k, int(row))
        return found

    def _critical_calls(self, k: int, rows: Rows) -> Array:
        strike, sigma = self.options.strike[rows], self.volatility[rows]
        time = self.options.time[rows] - self.dividends.times[k]
        carried = np.abs(self.options.rate[rows] - self.options.dividend_yield[rows]) * time
        # From where on the call is as good as sure to end in the money;
        # a dividend beyond the domain takes all of any spot in it.
        paid = np.minimum(self.dividends.amounts[k:], DOMAINS["spot"][1]).sum()
        sure = (strike + paid) / (1.0 - self.dividends.fractions[k:]).prod()
        high = sure * np.exp(np.minimum(_REACH * sigma * np.sqrt(time) + carried, _HIGHEST))

        def gain(spot: Array, which: Rows) -> Array:
            return np.asarray(spot - strike[which] - self.after(k, rows[which], spot))

        for row in np.flatnonzero(self.options.dividend_yield[rows] < 0.0):
            # Far in the money such a call beats the share, so that exercise may pay between two spots alone.
            spots = np.geomspace(strike[row], high[row], _TRIED)
            above = np.flatnonzero(gain(spots, np.full(_TRIED, row)) > 0.0)
            high[row] = spots[above[0]] if above.size else high[row]
        return _roots(gain, strike, high, _NEAR * strike)

    def _critical_put(self, k: int, row: int) -> float:
        _, strike, rate, dividend_yield, time, _ = (float(column[row]) for column in self.options)
        left = time - float(self.dividends.times[k])
        terms = (strike, rate, dividend_yield, float(self.volatility[row]), left, -1)
        scheme = self.choices.get("scheme", "accurate")
        try:
            return float(exercise_boundary(*terms, scheme=scheme, dividends=self.later(k)).upper[-1])
        except PricingError:  # no boundary was found
            if self.choices.get("invalid") == "nan":
                return math.nan
            raise

    def ex_dates(self, shape: tuple[int, ...]) -> ExDates:
        """All that is told of each ex-time; shape: of the options."""
        spot, strike, rate, dividend_yield, _, right = self.options
        forward, critical, gain = (np.full(self.alive.shape, np.nan) for _ in range(3))
        exercised = np.zeros(self.alive.shape, np.bool_)
        for k, time in enumerate(self.dividends.times):
            rows = np.flatnonzero(self.alive[k])
            if not rows.size:
                continue
            ahead = forward_prices(spot, rate, dividend_yield, time, self.dividends)
            critical[k] = self.critical_spots(k)
            forward[k, rows] = ahead[rows]
            gain[k, rows] = right[rows] * (ahead - strike)[rows] - self.after(k, rows, ahead[rows])
            exercised[k] = np.where(right > 0.0, gain[k] > 0.0, self.dividends.spot_after(ahead, k) < critical[k])
        paid = self.dividends
        every = (paid.times.size, *shape)
        forward, critical, gain = (each.reshape(every) for each in (forward, critical, gain))
        return ExDates(paid.times, paid.amounts, paid.fractions, forward, critical, exercised.reshape(every), gain)

    def held_value(self) -> Array:
        """As :attr:`EarlyExercise.held_value`, (n,): the expectation of what the option is worth after the next.

        Of a call it is taken with the share as the numeraire, in which its value is at most 1, however far the spots.
        """
        found = np.full(self.volatility.size, np.nan)
        rows = np.flatnonzero(self.alive[0])
        if not rows.size:
            return found
        part, time = self.options.part(rows), self.dividends.times[0]
        root, calls = self.volatility[rows] * math.sqrt(time), part.right > 0.0
        middle = np.log(part.spot) + (part.rate - part.dividend_yield) * time + 0.5 * part.right * root**2
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            kinks = self.dividends.spot_before(np.stack([part.strike, np.zeros(rows.size)]), 0)
            kinks = np.nan_to_num((np.log(kinks) - middle) / root)
        edges = [np.full(rows.size, -_REACH), np.full(rows.size, _REACH), np.zeros(rows.size), *kinks]
        ordered = np.sort(np.clip(np.stack(edges, axis=1), -_REACH, _REACH), axis=1)
        points, weights = gauss_legendre(_PANEL)
        width = np.diff(ordered, axis=1)[..., np.newaxis]
        z = (ordered[:, :-1, np.newaxis] + width * points).reshape(rows.size, -1)
        density = (width * weights).reshape(z.shape) * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        spots = np.exp(np.clip(middle[:, np.newaxis] + root[:, np.newaxis] * z, -_FARTHEST, _FARTHEST))
        # Points of empty panels are asked for nothing.
        every, used = np.zeros(z.shape), density > 0.0
        every[used] = self.after(0, np.repeat(rows, used.sum(axis=1)), spots[used])
        shares = (density * np.where(calls[:, np.newaxis], every / spots, every)).sum(axis=1)
        now = np.where(calls, part.spot * np.exp(-part.dividend_yield * time), np.exp(-part.rate * time))
        found[rows] = now * shares
        return found

    def probability(self, critical: Array) -> Array:
        """As :attr:`EarlyExercise.probability`, (n,); critical: that of the first ex-time."""
        spot, _, rate, dividend_yield, _, right = self.options
        time = self.dividends.times[0]
        root = self.volatility * math.sqrt(time)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            before = np.where(right > 0.0, critical, self.dividends.spot_before(critical, 0))
            beyond = (np.log(spot / before) + (rate - dividend_yield) * time - 0.5 * root**2) / root
            chance = np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in right * beyond])
        return np.where(self.alive[0], np.nan_to_num(chance), np.nan)


def _roots(gain: Callable[[Array, Rows], Array], low: Array, high: Array, near: Array) -> Array:
    """Where functions (n,) that are not above 0 at ``low`` become positive; NaN where they are not at ``high``.

    gain: values at spots (m,) of the functions at places (m,). Chandrupatla's method (1997): inverse quadratic
    interpolation where that is safe, else bisection, until the bracket is as narrow as ``near``.
    """
    rows: Rows = np.arange(low.size)
    found = np.full(low.size, np.nan)
    f1, f2 = gain(low, rows), gain(high, rows)
    rows = rows[f2 > 0.0]
    a, b = low[rows], high[rows]
    f1, f2, share = f1[rows], f2[rows], np.full(rows.size, 0.5)
    for _ in range(_STEPS):
        if not rows.size:
            break
        x = a + share * (b - a)
        f = gain(x, rows)
        same = (f > 0.0) == (f1 > 0.0)
        c, f3 = np.where(same, a, b), np.where(same, f1, f2)
        b, f2 = np.where(same, b, a), np.where(same, f2, f1)
        a, f1 = x, f
        found[rows] = np.where(np.abs(f2) < np.abs(f1), b, a)
        with np.errstate(divide="ignore", invalid="ignore"):
            least = 0.5 * near[rows] / np.abs(b - a)
            xi, phi = (a - b) / (c - b), (f1 - f2) / (f3 - f2)
            safe = (phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
            inverse = f1 / (f2 - f1) * f3 / (f2 - f3) + (c - a) / (b - a) * f1 / (f3 - f1) * f2 / (f3 - f2)
        share = np.clip(np.where(safe, inverse, 0.5), np.minimum(least, 0.5), np.maximum(1.0 - least, 0.5))
        open_ = (least < 0.5) & (f1 != 0.0)
        rows, a, b, f1, f2, share = rows[open_], a[open_], b[open_], f1[open_], f2[open_], share[open_]
    return found


def early_exercise(
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    rate: Rates,
    dividend_yield: Rates,
    volatility: npt.ArrayLike,
    time_to_expiry: npt.ArrayLike,
    right: npt.ArrayLike,
    **choices: Unpack[Choices],
) -> EarlyExercise:
    """Who is exercised at which ex-time of ``dividends``, and what waiting costs; arguments as those of ``price``.

    By keyword, see :class:`Choices`: dividends (one schedule of the spot model), scheme="accurate", invalid="raise",
    threads=None. One that goes ex now counts where its schedule says that the spot is cum. A critical spot is good to
    what the scheme's prices are, divided by 1 less the delta there; of a put with dividends still ahead to a cell of
    the grid, as :func:`exercise_boundary` has it.

    :raises PricingError: as :func:`price` does; without dividends; for European options and options on futures, which
        nothing is to be decided of.
    """
    dividends = dividends_of("early_exercise", choices)
    named = {"spot": spot, "strike": strike, "rate": rate, "dividend_yield": dividend_yield, "volatility": volatility}
    named |= {"time_to_expiry": time_to_expiry, "right": right}
    shape, (s, k, r, q, sigma, time, side) = prepare(choices.get("invalid", "raise"), **with_rates(named, False))
    position = _Position(Options(s, k, r, q, time, side), sigma, dividends, choices)
    ex_dates = position.ex_dates(shape)
    value, exercise = position.prices(np.arange(s.size), s, time, dividends), side * (s - k)
    held = position.held_value()
    chance = position.probability(ex_dates.critical_spot[0].reshape(-1))
    reached = ex_dates.exercised.any(axis=0)
    return EarlyExercise(
        value=value.reshape(shape),
        exercise_value=exercise.reshape(shape),
        held_value=held.reshape(shape),
        waiting_cost=np.maximum(value - held, 0.0).reshape(shape),
        exercise_gain=(exercise - held).reshape(shape),
        probability=chance.reshape(shape),
        exercised_now=(value <= exercise).reshape(shape),
        first=np.where(reached, dividends.times[np.argmax(ex_dates.exercised, axis=0)], np.nan),
        ex_dates=ex_dates,
    )
