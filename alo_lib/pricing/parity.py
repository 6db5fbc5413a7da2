"""Pairs of call and put, the dividend yield that put-call parity implies, and with it the forward price.

A pair has one spot, strike, expiry and style; each of the two is the other's mirror.

At the yield looked for, call and put of one strike have the same implied volatility. European options meet that where
C - P = S exp(-qT) - K exp(-rT), in closed form. An American pair starts there and is searched by the secant method on
the difference of its two volatilities, which grows with the yield.

Each expiry takes the median of its five pairs nearest its forward: there both options have time value, the spreads are
narrow, early exercise counts least, and two bad quotes in five move nothing. A pair that no yield within the pricer's
domain, -100 % to 100 %, brings together still counts for its side of the median. Where the median itself lies out
there the expiry has no yield: hours before the end, a spread of a few cents is thousands of percent a year, and
clipping it, or averaging it with others, would trade a number that the quotes do not state.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import DOMAINS, Styles, are_american
from alo_lib.pricing.cash_chain import CashChain
from alo_lib.pricing.explained import implied_volatility
from alo_lib.pricing.forwards import parity_yield
from alo_lib.pricing.options import Choices, SchemeLike
from alo_lib.pricing.schedules import Dividends, DividendsLike, one_schedule

__all__ = ["ParityChoices", "mirrors", "parity_yields"]

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

_PAIRS: Final = 5  # next to the forward, whose median is taken
_STEPS: Final = 12
_LONGEST: Final = 0.2  # step in the yield
_FIRST: Final = 1e-3  # step in the yield
_ENOUGH: Final = 1e-8  # a difference of volatilities, or a step in the yield, that ends the search
_AGREED: Final = 1e-6  # a difference of volatilities that is none


class _Pairs(NamedTuple):
    """Calls and puts of the same spot, strike, expiry and style, (n,) each, by expiry and strike."""

    call: Array
    put: Array
    spot: Array
    strike: Array
    rate: Array
    time: Array
    american: Mask

    def of(self, rows: Rows) -> "_Pairs":
        call, put, spot, strike, rate, time, american = self
        return _Pairs(call[rows], put[rows], spot[rows], strike[rows], rate[rows], time[rows], american[rows])


Volatilities = Callable[[Array], Array]
"""Implied volatilities (2n,) of n calls and then their puts, at yields (n,)."""


class ParityChoices(TypedDict, total=False):
    """How the pairs are priced."""

    scheme: SchemeLike
    """As in :func:`alo_lib.pricing.price`."""
    dividends: DividendsLike | None
    """Those that are known, as one schedule; the yield is then what is paid beside them, above all the cost of
    borrowing the share."""
    in_chain_time: bool
    """Whether American pairs are priced as :class:`CashChain` does, in its time; dividends are then cash alone."""


def parity_yields(
    price: Array,
    spot: npt.ArrayLike,
    strike: Array,
    rate: npt.ArrayLike,
    time_to_expiry: Array,
    right: Array,
    *,
    style: Styles = "american",
    **market: Unpack[ParityChoices],
) -> Array:
    """Dividend yields (n,), one an expiry, repeated for its contracts; NaN where its pairs give none.

    price, strike, time_to_expiry, right: one underlying's contracts, shape (n,); spot, rate: (n,) or scalars. A NaN
    price is left out, and so is what has expired. By keyword, see :class:`ParityChoices`: scheme="accurate",
    dividends=None, in_chain_time=False.
    """
    spots, rates = (np.broadcast_to(np.asarray(each, dtype=np.float64), price.shape) for each in (spot, rate))
    american = are_american(style, price.shape)
    pairs = _near_forward(_paired(price, right, _Pairs(price, price, spots, strike, rates, time_to_expiry, american)))
    out = np.full(price.shape, np.nan)
    if not pairs.time.size:
        return out
    yields = _yields(pairs, market)
    for expiry in np.unique(pairs.time):
        votes = yields[(pairs.time == expiry) & ~np.isnan(yields)]
        with np.errstate(invalid="ignore"):  # the middle between two infinities
            middle = np.median(votes) if votes.size else np.nan
        if np.isfinite(middle):
            out[time_to_expiry == expiry] = middle
    return out


def mirrors(spot: Array, strike: Array, time_to_expiry: Array, right: Array, american: Mask, usable: Mask) -> Rows:
    """Of each of n contracts the usable one of the same spot, strike, expiry and style with the other right, (n,).

    -1 where there is none; the first where there are several.
    """
    columns = (american, spot, strike, time_to_expiry)
    order = np.lexsort(columns)
    begins = np.ones(order.size, np.bool_)
    begins[1:] = np.any([column[order[1:]] != column[order[:-1]] for column in columns], axis=0)
    group = np.empty(order.size, np.intp)
    group[order] = np.cumsum(begins) - 1
    call = (right > 0.0).astype(np.intp)
    first = np.full((order.size, 2), -1)
    rows = np.flatnonzero(usable)[::-1]  # what is written last stays
    first[group[rows], call[rows]] = rows
    return np.asarray(first[group, 1 - call])


def _paired(price: Array, right: Array, contracts: _Pairs) -> _Pairs:
    """The pairs among contracts, whose columns of prices are both their own."""
    _, _, spot, strike, _, time, american = contracts
    mirror = mirrors(spot, strike, time, right, american, ~np.isnan(price) & (time > 0.0))
    usable = (right > 0.0) & ~np.isnan(price) & (time > 0.0)
    order = np.lexsort((american, spot, strike, time))
    calls = order[usable[order] & (mirror[order] >= 0)]
    return contracts.of(calls)._replace(put=price[mirror[calls]])


def _near_forward(pairs: _Pairs) -> _Pairs:
    """Of each expiry the pairs nearest its forward, which the ones whose call and put cost most alike tell."""
    forward = pairs.strike + (pairs.call - pairs.put) * np.exp(pairs.rate * pairs.time)
    center = np.empty_like(forward)
    alike = _nearest(np.abs(pairs.call - pairs.put), pairs.time)
    for expiry in np.unique(pairs.time):
        center[pairs.time == expiry] = np.median(forward[alike[pairs.time[alike] == expiry]])
    return pairs.of(_nearest(np.abs(pairs.strike - center), pairs.time))


def _nearest(distance: Array, time: Array) -> Rows:
    """Of each expiry the pairs at the least distances; at equal ones the lower strikes."""
    order = np.lexsort((distance, time))
    _, begin, counts = np.unique(time[order], return_index=True, return_counts=True)
    rank = np.arange(order.size) - np.repeat(begin, counts)
    return np.sort(order[rank < _PAIRS])


def _yields(pairs: _Pairs, market: ParityChoices) -> Array:
    """Each pair's yield; infinite where it lies beyond the domain, NaN where the pair tells nothing."""
    low, high = DOMAINS["dividend_yield"]
    dividends = one_schedule(market.get("dividends"))
    carried = pairs.call - pairs.put + pairs.strike * np.exp(-pairs.rate * pairs.time)
    european = parity_yield(carried, pairs.spot, pairs.rate, pairs.time, dividends)
    found = european.copy()
    rows = np.flatnonzero(pairs.american)
    if rows.size:
        start = np.clip(np.nan_to_num(european[rows], nan=0.0), low, high)
        priced = _in_chain_time if market.get("in_chain_time", False) else _exactly
        found[rows] = _searched(priced(pairs.of(rows), market.get("scheme", "accurate"), dividends), start)
    beyond = np.where(np.isnan(found), european, found)
    found = np.where(beyond <= low, -np.inf, found)
    return np.where(beyond >= high, np.inf, found)


def _both(pairs: _Pairs) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Prices, spots, strikes, rates, times and rights (2n,) of the calls and then the puts of pairs."""
    spot, strike, rate, time = (np.tile(column, 2) for column in pairs[2:6])
    return np.concatenate([pairs.call, pairs.put]), spot, strike, rate, time, np.repeat([1.0, -1.0], pairs.call.size)


def _exactly(pairs: _Pairs, scheme: SchemeLike, dividends: Dividends | None) -> Volatilities:
    prices, spot, strike, rate, time, rights = _both(pairs)
    choices = Choices(scheme=scheme, invalid="nan", dividends=dividends)
    return lambda q: implied_volatility(prices, spot, strike, rate, np.tile(q, 2), time, rights, **choices)


def _in_chain_time(pairs: _Pairs, scheme: SchemeLike, dividends: Dividends | None) -> Volatilities:
    prices, spot, strike, rate, time, rights = _both(pairs)
    cash = dividends or Dividends([])
    chain = CashChain(strike, time, rights, cash.times, cash.amounts, scheme=scheme, panels=False)
    return lambda q: chain.implied_volatility(prices, spot, rate, np.tile(q, 2))


def _searched(volatilities: Volatilities, start: Array) -> Array:
    """Yields of American pairs, at the domain's ends where they would lie beyond; NaN where the search fails."""
    low, high = DOMAINS["dividend_yield"]

    def difference(q: Array) -> Array:
        sigma = volatilities(q)
        return np.asarray(sigma[: q.size] - sigma[q.size :])

    found, miss = _secant(difference, start, low, high)
    agreed = (np.abs(miss) <= _AGREED) | (found == low) | (found == high)
    return np.where(agreed & ~np.isnan(miss), found, np.nan)


def _secant(difference: Callable[[Array], Array], start: Array, low: float, high: float) -> tuple[Array, Array]:
    """Elementwise root of a difference that grows, within low to high, and what is left of the difference there.

    NaN where it cannot be evaluated on the way.
    """
    before = start
    now = np.clip(start + np.where(start < 0.5 * high, _FIRST, -_FIRST), low, high)
    miss_before, miss = difference(before), difference(now)
    for _ in range(_STEPS):
        with np.errstate(invalid="ignore", divide="ignore"):
            step = np.clip(-miss * (now - before) / (miss - miss_before), -_LONGEST, _LONGEST)
        active = (np.abs(miss) > _ENOUGH) & (np.abs(step) > _ENOUGH)
        if not active.any():
            break
        after = np.where(active, np.clip(now + step, low, high), now)
        before, miss_before = np.where(active, now, before), np.where(active, miss, miss_before)
        now, miss = after, np.where(active, difference(after), miss)
    return now, miss
