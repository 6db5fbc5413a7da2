"""A chain on a stock that pays cash, priced in a chain's time: by the best of a few plans of exercise.

Finite differences price cash dividends exactly (:mod:`alo_lib.pricing.dividends`), and take a hundred times as long as
a chain without them. Here each option is one on the spot less what the cash paid before its expiry is worth (the
escrowed model), which has no dividends. European options are exact so. What is left is when to exercise:

- A call is held to expiry or exercised just before the last ex-time, or the first, whichever is worth most (Black,
  "Fact and Fantasy in the Use of Options", 1975). It is worth at least that.
- A put waits for what goes ex: each dividend keeps it from exercise for as long before as interest on the strike is
  less than the dividend, ``D / (r S)`` years, or since the ex-time before. Were it so throughout, that were a rate of
  nothing and a strike discounted by as much; so it is an American put at the mean of the rate over its life, with the
  strike at which the European one is the same. Or it is exercised before the first ex-time at the latest.

A price is explained by the least of the plans' volatilities, as it is the greatest of the plans' prices.
How far that is from the exact prices is in docs/pricing.md, and held in ``tests/pricing/test_cash_chain.py``.
"""

from typing import Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import DOMAINS, Styles, are_american, checked, prepare, spread
from alo_lib.pricing.batch import GREEKS
from alo_lib.pricing.checked_chain import CheckedChain
from alo_lib.pricing.options import Greeks, Method, SchemeLike

__all__ = ["CashChain"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Market = tuple[Array, Array, Array]
"""Spot, rate and yield: of all contracts, or of each."""

_NOTHING: Final = np.zeros(())
_LEAST_SPOT: Final = DOMAINS["spot"][0]
_RATE_DECIMALS: Final = 4
"""Of a put's mean rate: it stays while time passes a little, and exercise boundaries with it."""


class _Terms(NamedTuple):
    """What rows of the chain below are priced at, (m,) each."""

    spot: Array  # less the cash, over scale
    rate: Array
    dividend_yield: Array
    scale: Array  # an option is worth so many of the chain's, at a spot of as many
    shift: Array  # the rate less the one it is priced at
    timed: Array  # what the cash set aside loses by the rate, a year of it each
    by_time: Array  # what the spot less the cash does as time passes and the spot stands still


class _Plans(NamedTuple):
    """Plans of exercise of contracts (n,), as rows (m,) of a chain: each contract held, then those exercised before."""

    held: slice
    exercised: list[Rows]  # those before the first ex-time, those before the last
    every: Rows  # (m,) the contract of each row
    life: Array  # (m,) years
    amounts: Array  # (k,) a share
    times: Array  # (m, k) years to each ex-time
    paid: Mask  # (m, k) which go ex within the row's life
    waiting: Mask  # (n,) American puts before an ex-time
    counts: Mask  # (n, k) which go ex before the contract expires
    longest: Array  # (n, k) how long a put may wait for each: since the one before, or since now


class CashChain:
    """Contracts (n,) as a :class:`Chain` takes them, and the cash that goes ex ahead.

    ex_times: (n, k), years from each contract's now, ascending along k; those not after now, or not before its expiry,
    count for nothing. amounts: (k,), a share. Without any that counts each value is the chain's, to the bit. style: as
    a chain takes it, or flags (n,) of which contracts are American.

    What is asked of it again in the same market is not made again.

    :raises PricingError: naming an argument outside its range.
    """

    def __init__(
        self,
        strike: npt.ArrayLike,
        time_to_expiry: Array,
        right: npt.ArrayLike,
        ex_times: Array,
        amounts: Array,
        *,
        style: Styles | Mask = "american",
        scheme: SchemeLike = "accurate",
        panels: bool = True,
    ) -> None:
        years = np.atleast_1d(time_to_expiry)
        strikes, rights = (np.broadcast_to(np.asarray(each, np.float64), years.shape) for each in (strike, right))
        american = _are_american(style, years.shape)
        self._terms_at: tuple[Market, _Terms] | None = None
        self._plans = _plans(years, rights > 0.0, american, ex_times, amounts) if len(amounts) else None
        if self._plans is not None:
            every = self._plans.every
            strikes, years, rights, american = strikes[every], self._plans.life, rights[every], american[every]
        method = Method.of(scheme=scheme, invalid="nan")
        _, told = prepare("raise", strike=strikes, time_to_expiry=years, right=rights)
        strikes, lives, rights = (column.copy() for column in told)  # of its own
        self._chain = CheckedChain(strikes, lives, rights, american, method, panels=panels)

    def price(
        self,
        spot: npt.ArrayLike,
        rate: float | Array,
        dividend_yield: float | Array,
        volatility: npt.ArrayLike,
        among: Mask | None = None,
    ) -> Array:
        """Prices (n,). among: (n,) which are asked for, the others are NaN; None for all."""
        terms, plans = self._terms(spot, rate, dividend_yield), self._plans
        (values,) = self._values(terms, volatility, 1, among)
        if plans is None:
            return np.asarray(values)
        values = values * terms.scale
        best: Array = values[plans.held]
        for rows in plans.exercised:
            best[plans.every[rows]] = np.fmax(best[plans.every[rows]], values[rows])
        return best

    def greeks(
        self,
        spot: npt.ArrayLike,
        rate: float | Array,
        dividend_yield: float | Array,
        volatility: npt.ArrayLike,
        among: Mask | None = None,
    ) -> Greeks:
        """Prices and greeks (n,), those of the better plan, by the spot itself.

        among: (n,) which are asked for, the others are NaN; None for all.
        """
        terms, plans = self._terms(spot, rate, dividend_yield), self._plans
        found = Greeks(*self._values(terms, volatility, len(GREEKS), among))
        if plans is None:
            return found
        values = np.stack(_by_spot(found, terms))
        best = values[:, plans.held]
        for rows in plans.exercised:
            better = rows[values[0, rows] > best[0, plans.every[rows]]]
            best[:, plans.every[better]] = values[:, better]
        return Greeks(*best)

    def implied_volatility(
        self, price: Array, spot: npt.ArrayLike, rate: float | Array, dividend_yield: float | Array
    ) -> Array:
        """Implied volatilities of prices (n,); NaN where none explains one."""
        terms, plans = self._terms(spot, rate, dividend_yield), self._plans
        rates, yields, spots = self._told(terms)
        asked = np.ascontiguousarray(price) if plans is None else price[plans.every] / terms.scale
        found: Array = self._chain.implied(asked[None, :], spots, rates, yields)[0]
        if plans is None:
            return found
        least: Array = found[plans.held]
        doubtful = np.isnan(least)
        for rows in plans.exercised:
            which = plans.every[rows]
            least[which] = np.fmin(least[which], found[rows])
            doubtful[which] |= np.isnan(found[rows])
        # What one plan alone is worth more than, without volatility, the others may yet explain.
        doubtful &= ~np.isnan(least)
        if doubtful.any():
            worth = self.price(spot, rate, dividend_yield, 0.0, doubtful)
            least[doubtful & ~(price > worth)] = np.nan
        return least

    def _values(self, terms: _Terms, volatility: npt.ArrayLike, rows: int, among: Mask | None) -> Array:
        """Values (rows, m) of the chain; NaN of contracts that are not asked for."""
        rates, yields, spots = self._told(terms)
        (sigma,) = checked("raise", volatility=self._rows(volatility))
        wanted = among if among is None or self._plans is None else among[self._plans.every]
        return self._chain.values(spots, rates, yields, spread(sigma, spots.shape), rows, wanted)

    def _told(self, terms: _Terms) -> tuple[Array, Array, Array]:
        """Rates, yields and spots (m,) of the chain.

        :raises PricingError: for one that is outside its domain.
        """
        told = checked("raise", rate=terms.rate, dividend_yield=terms.dividend_yield, spot=terms.spot)
        rates, yields, spots = (spread(each, self._chain.strike.shape) for each in told)
        return rates, yields, spots

    def _rows(self, values: npt.ArrayLike) -> npt.ArrayLike:
        """Values of each contract, or of all, for each row of the chain."""
        if self._plans is None:
            return values
        held = self._plans.held.stop
        return np.asarray(np.broadcast_to(np.asarray(values, np.float64), (held,))[self._plans.every])

    def _terms(self, spot: npt.ArrayLike, rate: float | Array, dividend_yield: float | Array) -> _Terms:
        if self._plans is None:
            unmoved = np.maximum(np.asarray(spot, np.float64), _LEAST_SPOT)
            return _Terms(unmoved, np.asarray(rate), np.asarray(dividend_yield), *[_NOTHING] * 4)
        market, told = (spot, rate, dividend_yield), self._terms_at
        if told is None or not all(map(np.array_equal, market, told[0])):
            kept = np.array(spot, np.float64), np.array(rate, np.float64), np.array(dividend_yield, np.float64)
            rows = (np.asarray(self._rows(each)) for each in kept)
            told = self._terms_at = kept, _terms_of(self._plans, *rows)
        return told[1]


def _are_american(style: Styles | Mask, shape: tuple[int, ...]) -> Mask:
    if isinstance(style, np.ndarray) and style.dtype == np.bool_:
        return np.broadcast_to(np.asarray(style, np.bool_), shape)
    return are_american(cast(Styles, style), shape)


def _plans(years: Array, call: Mask, american: Mask, ex_times: Array, amounts: Array) -> _Plans | None:
    """The plans of contracts (n,); None where no cash counts."""
    times = np.broadcast_to(ex_times, (years.size, len(amounts)))
    counts = (times > 0.0) & (times < years[:, None])
    pays = counts.any(axis=1)
    if not pays.any():
        return None
    last = np.max(np.where(counts, times, -np.inf), axis=1, initial=-np.inf)
    first = np.min(np.where(counts, times, np.inf), axis=1, initial=np.inf)
    at_first, at_last = np.flatnonzero(pays & american), np.flatnonzero((last > first) & american & call)
    every = np.concatenate([np.arange(years.size), at_first, at_last])
    _, *exercised = np.split(np.arange(every.size), [years.size, years.size + at_first.size])
    life = np.concatenate([years, first[at_first], last[at_last]])
    paid = counts[every] & (times[every] < life[:, None])
    since = np.maximum(np.concatenate([np.zeros((years.size, 1)), times[:, :-1]], axis=1), 0.0)
    return _Plans(
        slice(0, years.size),
        exercised,
        every,
        life,
        amounts,
        times[every],
        paid,
        waiting=pays & american & ~call,
        counts=counts,
        longest=times - since,
    )


def _terms_of(plans: _Plans, spot: Array, rate: Array, dividend_yield: Array) -> _Terms:
    """What the rows (m,) of a chain are priced at."""
    times, held = plans.times, plans.held
    worth = np.where(plans.paid, plans.amounts * np.exp((dividend_yield - rate)[:, None] * times), 0.0)
    costs, timed = worth.sum(axis=1), (worth * times).sum(axis=1)
    mean = np.concatenate([_mean_rate(plans, spot[held], rate[held]), rate[held.stop :]])
    shift = rate - mean
    scale = np.exp(-shift * plans.life)
    rest = np.maximum(spot - costs, _LEAST_SPOT)
    by_time = (dividend_yield - rate) * costs
    return _Terms(rest / scale, mean, dividend_yield, scale, shift, timed, by_time)


def _mean_rate(plans: _Plans, spot: Array, rate: Array) -> Array:
    """The rate over each put's life, nothing while it waits for a dividend; of all others their own."""
    waits = plans.waiting & (rate > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        longest = plans.amounts / (rate * spot)[:, None]
        waited = np.where(plans.counts, np.minimum(longest, plans.longest), 0.0).sum(axis=1)
        mean = np.round(rate * (1.0 - waited / plans.life[plans.held]), _RATE_DECIMALS)
    return np.where(waits, mean, rate)


def _by_spot(values: Greeks, terms: _Terms) -> Greeks:
    """Values by the spot, of those of a chain by the spot less the cash at its own rate.

    What the strike is discounted by is as in a European option; one that is to be exercised has no theta.
    """
    scale, shift, by_time = terms.scale, terms.shift, terms.by_time
    delta, gamma = values.delta, values.gamma / scale
    price, rest = values.price * scale, terms.spot * scale
    theta = values.theta * scale
    moved = theta + shift * (price - rest * delta) + delta * by_time
    return Greeks(
        price=price,
        delta=delta,
        gamma=gamma,
        vega=values.vega * scale,
        theta=np.where(theta == 0.0, 0.0, moved),
        rho=values.rho * scale + delta * terms.timed,
        epsilon=values.epsilon * scale - delta * terms.timed,
        vanna=values.vanna,
        volga=values.volga * scale,
        charm=values.charm + gamma * (by_time - shift * rest),
    )
