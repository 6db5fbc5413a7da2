"""A quoted chain: implied volatility and greeks from market prices, theoretical price from a volatility."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import DOMAINS, Style
from alo_lib.pricing.chain import Chain
from alo_lib.pricing.dividends import Dividends
from alo_lib.pricing.options import SchemeLike
from alo_lib.pricing.quotes import Codes, Reason

__all__ = ["QuotedValues", "value_quotes"]

Array = npt.NDArray[np.float64]

_AT_FLOOR = 1e-9  # of the strike: a price this close to intrinsic is intrinsic


@dataclass(frozen=True)
class QuotedValues:
    """What a chain's quotes say, arrays of shape (n,); NaN where ``reason`` is not PRICED.

    price: theoretical, from the volatility given, else the market price itself; implied_volatility and greeks are
    from the market price, raw derivatives as in :class:`alo_lib.pricing.Greeks`; leverage: delta times spot over the
    market price.
    """

    reason: Codes
    price: Array
    implied_volatility: Array
    delta: Array
    gamma: Array
    vega: Array
    theta: Array
    rho: Array
    leverage: Array


def value_quotes(
    market: Array,
    reason: Codes,
    spot: Array,
    strike: Array,
    rate: Array,
    dividend_yield: Array,
    time_to_expiry: Array,
    right: Array,
    *,
    volatility: float | None = None,
    style: Style = "american",
    scheme: SchemeLike = "accurate",
    dividends: Dividends | None = None,
    on_future: bool = False,
) -> QuotedValues:
    """Value the contracts of one underlying at their market prices, all arrays of shape (n,).

    market, reason: as :func:`alo_lib.pricing.quotes.market_price` gives them. volatility: what the theoretical price
    is computed from; None for the market price. on_future: the dividend yield given is the rate, and moves with it, so
    rho is for both. An American option quoted at intrinsic value that is to be exercised at once without volatility
    has delta +1 or -1, no other greek, and the implied volatility 0: every volatility up to some level explains it.
    Other prices at or below the value without volatility are BELOW_FLOOR. An element's bits do not depend on the
    others.
    """
    reason = reason.copy()
    reason[(reason == Reason.PRICED) & ~(spot > 0.0)] = Reason.NO_SPOT
    reason[(reason == Reason.PRICED) & ~(time_to_expiry > 0.0)] = Reason.EXPIRED
    n = market.size
    columns = {field.name: np.full(n, np.nan) for field in fields(QuotedValues) if field.name != "reason"}
    quoted = np.flatnonzero(reason == Reason.PRICED)
    if quoted.size:
        chain = Chain(
            strike[quoted], time_to_expiry[quoted], right[quoted], style=style, scheme=scheme, dividends=dividends
        )
        terms = spot[quoted], rate[quoted], dividend_yield[quoted]
        found = chain.implied_volatility(market[quoted], *terms)
        known = found <= DOMAINS["volatility"][1]
        # What no volatility explains is valued without any, which tells why.
        values = chain.greeks(*terms, np.where(known, found, 0.0))
        columns["implied_volatility"][quoted] = np.where(known, found, np.nan)
        columns["price"][quoted] = market[quoted] if volatility is None else chain.price(*terms, volatility)
        for name in ("delta", "gamma", "vega", "theta"):
            columns[name][quoted] = getattr(values, name)
        columns["rho"][quoted] = values.rho + values.epsilon if on_future else values.rho

        doubtful, floor = quoted[~known], values.price[~known]
        intrinsic = right[doubtful] * (spot[doubtful] - strike[doubtful])
        tolerance = _AT_FLOOR * strike[doubtful]
        above = market[doubtful] - floor
        at_once = (style == "american") & (intrinsic > 0.0) & (floor <= intrinsic + tolerance)
        exercised = doubtful[at_once & (np.abs(above) <= tolerance)]
        reason[doubtful] = np.where(above <= tolerance, Reason.BELOW_FLOOR, Reason.UNEXPLAINED)
        reason[exercised] = Reason.PRICED
        for name in ("implied_volatility", "gamma", "vega", "theta", "rho"):
            columns[name][exercised] = 0.0
        columns["delta"][exercised] = right[exercised]

    finite = np.isfinite(np.stack([columns[name] for name in ("price", "delta", "gamma", "vega", "theta", "rho")]))
    reason[(reason == Reason.PRICED) & ~finite.all(axis=0)] = Reason.UNEXPLAINED
    with np.errstate(invalid="ignore", divide="ignore"):
        columns["leverage"][:] = columns["delta"] * spot / market
    for column in columns.values():
        column[reason != Reason.PRICED] = np.nan
    return QuotedValues(reason, **columns)
