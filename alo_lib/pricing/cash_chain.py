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

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import DOMAINS, Styles, are_american
from alo_lib.pricing.chain import Chain
from alo_lib.pricing.options import Greeks, SchemeLike

__all__ = ["CashChain"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

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


class CashChain:
    """Contracts (n,) as a :class:`Chain` takes them, and the cash that goes ex ahead.

    ex_times: (n, k), years from each contract's now, ascending along k; those not after now, or not before its expiry,
    count for nothing. amounts: (k,), a share. Without any that counts each value is the chain's, to the bit.
    """

    def __init__(
        self,
        strike: npt.ArrayLike,
        time_to_expiry: Array,
        right: npt.ArrayLike,
        ex_times: Array,
        amounts: Array,
        *,
        style: Styles = "american",
        scheme: SchemeLike = "accurate",
        panels: bool = True,
    ) -> None:
        years = np.atleast_1d(time_to_expiry)
        times = np.broadcast_to(ex_times, (years.size, len(amounts)))
        strikes, rights = (np.broadcast_to(np.asarray(each, np.float64), years.shape) for each in (strike, right))
        american = are_american(style, years.shape)
        counts = (times > 0.0) & (times < years[:, None])
        call = rights > 0.0
        last = np.max(np.where(counts, times, -np.inf), axis=1, initial=-np.inf)
        first = np.min(np.where(counts, times, np.inf), axis=1, initial=np.inf)
        at_first = np.flatnonzero(counts.any(axis=1) & american)
        at_last = np.flatnonzero((last > first) & american & call)
        # Each contract held, then those exercised before an ex-time.
        self._every = np.concatenate([np.arange(years.size), at_first, at_last])
        self._plans = tuple(np.split(np.arange(self._every.size), [years.size, years.size + at_first.size]))
        self._years, self._put = years, american & ~call
        self._times, self._amounts, self._counts = times, amounts, counts
        lives = np.concatenate([years, first[at_first], last[at_last]])
        self._paid = self._counts[self._every] & (times[self._every] < lives[:, None])
        styles = np.where(american, "american", "european")[self._every]
        self._chain = Chain(
            strikes[self._every], lives, rights[self._every], style=styles, scheme=scheme, panels=panels
        )

    def price(
        self, spot: npt.ArrayLike, rate: float | Array, dividend_yield: float | Array, volatility: npt.ArrayLike
    ) -> Array:
        """Prices (n,)."""
        terms = self._terms(spot, rate, dividend_yield)
        values = self._chain.price(terms.spot, terms.rate, terms.dividend_yield, self._rows(volatility)) * terms.scale
        held, *others = self._plans
        best: Array = values[held]
        for plan in others:
            best[self._every[plan]] = np.fmax(best[self._every[plan]], values[plan])
        return best

    def greeks(
        self, spot: npt.ArrayLike, rate: float | Array, dividend_yield: float | Array, volatility: npt.ArrayLike
    ) -> Greeks:
        """Prices and greeks (n,), those of the better plan, by the spot itself."""
        terms = self._terms(spot, rate, dividend_yield)
        found = self._chain.greeks(terms.spot, terms.rate, terms.dividend_yield, self._rows(volatility))
        if not self._counts.any():
            return found
        values = np.stack(_by_spot(found, terms))
        held, *others = self._plans
        best = values[:, held]
        for plan in others:
            better = plan[values[0, plan] > best[0, self._every[plan]]]
            best[:, self._every[better]] = values[:, better]
        return Greeks(*best)

    def implied_volatility(
        self, price: Array, spot: npt.ArrayLike, rate: float | Array, dividend_yield: float | Array
    ) -> Array:
        """Implied volatilities of prices (n,); NaN where none explains one."""
        terms = self._terms(spot, rate, dividend_yield)
        asked = price[self._every] / terms.scale
        found = self._chain.implied_volatility(asked, terms.spot, terms.rate, terms.dividend_yield)
        held, *others = self._plans
        least: Array = found[held]
        if others[0].size:
            for plan in others:
                least[self._every[plan]] = np.fmin(least[self._every[plan]], found[plan])
            # What one plan alone is worth more than, without volatility, the others may yet explain.
            least[~(price > self.price(spot, rate, dividend_yield, 0.0))] = np.nan
        return least

    def _rows(self, values: npt.ArrayLike) -> Array:
        """Values of each contract, or of all, for each row of the chain."""
        return np.asarray(np.broadcast_to(np.asarray(values, np.float64), self._years.shape)[self._every])

    def _terms(self, spot: npt.ArrayLike, rate: float | Array, dividend_yield: float | Array) -> _Terms:
        spots, rates, yields = self._rows(spot), self._rows(rate), self._rows(dividend_yield)
        count, times = self._years.size, self._times[self._every]
        worth = np.where(self._paid, self._amounts * np.exp((yields - rates)[:, None] * times), 0.0)
        costs, timed = worth.sum(axis=1), (worth * times).sum(axis=1)
        mean = np.concatenate([self._mean_rate(spots[:count], rates[:count]), rates[count:]])
        shift = rates - mean
        scale = np.exp(-shift * self._chain.time_to_expiry)
        rest = np.maximum(spots - costs, _LEAST_SPOT)
        by_time = (yields - rates) * costs
        return _Terms(rest / scale, mean, yields, scale, shift, timed, by_time)

    def _mean_rate(self, spot: Array, rate: Array) -> Array:
        """The rate over each put's life, nothing while it waits for a dividend; of all others their own."""
        since = np.maximum(np.concatenate([np.zeros((self._years.size, 1)), self._times[:, :-1]], axis=1), 0.0)
        waits = self._put & (rate > 0.0) & self._counts.any(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            longest = self._amounts / (rate * spot)[:, None]
            waited = np.where(self._counts, np.minimum(longest, self._times - since), 0.0).sum(axis=1)
            mean = np.round(rate * (1.0 - waited / self._years), _RATE_DECIMALS)
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
