"""The dividend yield that put-call parity implies, American options included."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import DOMAINS, Style
from alo_lib.pricing.options import SchemeLike, implied_volatility

__all__ = ["parity_yields"]

Array = npt.NDArray[np.float64]

_PAIRS = 3  # strikes next to the money whose median is taken
_STEPS = 12
_LONGEST = 0.2  # step in the yield
_ENOUGH = 1e-8  # a difference of volatilities, or a step in the yield, that ends the search


def parity_yields(
    price: Array,
    spot: float,
    strike: Array,
    rate: Array,
    time_to_expiry: Array,
    right: Array,
    *,
    style: Style = "american",
    scheme: SchemeLike = "accurate",
) -> Array:
    """Dividend yields (n,), one an expiry, repeated for its contracts; NaN where no strike has both rights priced.

    price, strike, rate, time_to_expiry, right: one underlying's contracts, shape (n,); a NaN price is left out.
    At the yield looked for, call and put of one strike have the same implied volatility. European options meet that
    where C - P = S exp(-qT) - K exp(-rT), which starts the search; it ends by the secant method on the difference of
    the two volatilities, which grows with the yield. Each expiry takes the median of its three strikes nearest spot.
    """
    first, second = _pairs(price, spot, strike, time_to_expiry, right)
    out = np.full(price.shape, np.nan)
    if not first.size:
        return out
    k, r, t = strike[first], rate[first], time_to_expiry[first]
    call, put = price[first], price[second]
    low, high = DOMAINS["dividend_yield"]

    def difference(q: Array) -> Array:
        sigma = implied_volatility(
            np.concatenate([call, put]),
            spot,
            np.tile(k, 2),
            np.tile(r, 2),
            np.tile(q, 2),
            np.tile(t, 2),
            np.repeat([1.0, -1.0], k.size),
            style=style,
            scheme=scheme,
            invalid="nan",
        )
        return np.asarray(sigma[: k.size] - sigma[k.size :])

    with np.errstate(invalid="ignore", divide="ignore"):
        forward = (call - put + k * np.exp(-r * t)) / spot
        q = np.clip(-np.log(forward) / t, low, high)
        if style == "american":
            q = _secant(difference, q, low, high)
    for expiry in np.unique(t):
        here = q[t == expiry]
        if not np.isnan(here).all():
            out[time_to_expiry == expiry] = np.nanmedian(here)
    return out


def _secant(difference: Callable[[Array], Array], start: Array, low: float, high: float) -> Array:
    """Elementwise root of a difference that grows; NaN where it cannot be evaluated at the start."""
    before = start
    now = np.clip(start + np.where(start < 0.5 * high, 1e-3, -1e-3), low, high)
    miss_before, miss = difference(before), difference(now)
    for _ in range(_STEPS):
        step = np.clip(-miss * (now - before) / (miss - miss_before), -_LONGEST, _LONGEST)
        active = (np.abs(miss) > _ENOUGH) & (np.abs(step) > _ENOUGH)
        if not active.any():
            break
        after = np.where(active, np.clip(now + step, low, high), now)
        before, miss_before = np.where(active, now, before), np.where(active, miss, miss_before)
        now, miss = after, np.where(active, difference(after), miss)
    return np.where(np.isnan(miss), np.nan, now)


def _pairs(
    price: Array, spot: float, strike: Array, time_to_expiry: Array, right: Array
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Indices of calls and of the puts that go with them: of each expiry the strikes nearest spot."""
    order = np.lexsort((right, np.abs(strike - spot), strike, time_to_expiry))
    order = order[~np.isnan(price[order])]
    a, b = order[:-1], order[1:]  # a pair stands put first, since -1 < +1
    pair = (strike[a] == strike[b]) & (time_to_expiry[a] == time_to_expiry[b]) & (right[a] < right[b])
    puts, calls = a[pair], b[pair]
    near = np.lexsort((np.abs(strike[calls] - spot), time_to_expiry[calls]))
    puts, calls = puts[near], calls[near]
    _, begin = np.unique(time_to_expiry[calls], return_index=True)
    rank = np.arange(calls.size) - np.repeat(begin, np.diff([*begin, calls.size]))
    return calls[rank < _PAIRS], puts[rank < _PAIRS]
