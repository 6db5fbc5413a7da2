"""Greeks at times ahead in an unchanged market, over ex-times: what a desk asks the days around one.

Spot stands still but for the dividends that have gone ex, so that the price from one time to the next falls by what the
time costs. Value runs through an ex-time without a jump where the option is held; the greeks by spot are those just
after it, at the spot less the dividend, and an option that is worth more exercised has those of intrinsic value.
"""

from typing import NamedTuple, Unpack

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import DOMAINS, PricingError, prepare, real_numbers
from alo_lib.pricing.curves import Rates, with_rates
from alo_lib.pricing.early_exercise import dividends_of, worth_of_nothing
from alo_lib.pricing.options import Choices, Greeks, greeks
from alo_lib.pricing.schedules import Dividends
from alo_lib.pricing.terms import Options

__all__ = ["AheadChoices", "GreeksAhead", "greeks_ahead"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class AheadChoices(Choices, total=False):
    """The keywords of :func:`greeks_ahead`."""

    times: npt.ArrayLike
    """When to look, (m,): years from now, ascending, from 0 on. Must be told."""


class GreeksAhead(NamedTuple):
    """Greeks at d moments, arrays (d, *shape) but for the first two, (d,)."""

    time: Array
    """Years from now. An ex-time is there twice, before and after."""
    cum: Mask
    """Whether it is the moment just before an ex-time, its dividend still in the spot."""
    spot: Array
    """Today's, less the dividends that have gone ex."""
    greeks: Greeks
    """Prices and raw derivatives; NaN after expiry. theta is what follows: just before an ex-time that just after."""


def greeks_ahead(
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    rate: Rates,
    dividend_yield: Rates,
    volatility: npt.ArrayLike,
    time_to_expiry: npt.ArrayLike,
    right: npt.ArrayLike,
    **choices: Unpack[AheadChoices],
) -> GreeksAhead:
    """Greeks of American options at ``times`` ahead, over the ex-times of ``dividends``; arguments as of ``greeks``.

    By keyword: times, and as in :class:`Choices` dividends, scheme="accurate", invalid="raise", threads=None. Rates and
    yields are today's to each expiry, volatilities and the spot but for its dividends today's.

    :raises PricingError: as :func:`greeks` does; without dividends; for times that do not ascend from 0 or later.
    """
    told = choices.pop("times", ())
    dividends = dividends_of("greeks_ahead", choices)
    times = np.atleast_1d(real_numbers("times", told))
    if times.ndim != 1 or not times.size or not (times >= 0.0).all() or not (np.diff(times) > 0.0).all():
        raise PricingError(
            f"times is {times.tolist()}; allowed: years from now, ascending from 0 or later, at least one"
        )
    named = {"spot": spot, "strike": strike, "rate": rate, "dividend_yield": dividend_yield, "volatility": volatility}
    named |= {"time_to_expiry": time_to_expiry, "right": right}
    shape, (s, k, r, q, sigma, life, side) = prepare(choices.get("invalid", "raise"), **with_rates(named, False))
    met = np.isin(times, dividends.times)
    moments = np.repeat(times, 1 + met)
    cum = np.zeros(moments.size, np.bool_)
    cum[(np.cumsum(1 + met) - 2)[met]] = True
    spots, found = np.empty((moments.size, s.size)), np.empty((len(Greeks._fields), moments.size, s.size))
    for i, now in enumerate(moments):
        spots[i] = s
        gone = int(np.searchsorted(dividends.times, now, side="left" if cum[i] else "right"))
        for each in range(gone):
            spots[i] = dividends.spot_after(spots[i], each)
        left, rest = np.maximum(life - now, 0.0), dividends.ahead(slice(gone, None), now)
        options = Options(spots[i], k, r, q, left, side)
        nothing = (spots[i] < DOMAINS["spot"][0]) & ~np.isnan(np.stack([*options, sigma])).any(axis=0)
        found[:, i, nothing] = _of_nothing(options.part(np.flatnonzero(nothing)), rest)
        some = np.flatnonzero(~nothing)
        part, method = options.part(some), choices | Choices(dividends=rest)
        values = greeks(
            part.spot, part.strike, part.rate, part.dividend_yield, sigma[some], part.time, part.right, **method
        )
        found[:, i, some] = np.stack(values)
        found[:, i, life < now] = np.nan
    every = (moments.size, *shape)
    return GreeksAhead(moments, cum, spots.reshape(every), Greeks(*(column.reshape(every) for column in found)))


def _of_nothing(options: Options, rest: Dividends | None) -> Array:
    """Greeks (10, n) of options where a dividend has taken all of the spot; rest: the dividends still ahead.

    A call is worth nothing for good. A put is exercised, or at a negative rate held to expiry, worth the strike's
    present value less that of what the fractions and the yield leave of the share, of which spot is 0.
    """
    values = dict.fromkeys(Greeks._fields, np.zeros(options.strike.size))
    puts = options.right < 0.0
    values["price"] = worth_of_nothing(options, options.time)
    held = puts & (options.rate < 0.0) & (options.time > 0.0)
    kept = np.exp(-options.dividend_yield * options.time)
    for time, fraction in () if rest is None else zip(rest.times, rest.fractions, strict=True):
        kept = np.where(time < options.time, (1.0 - fraction) * kept, kept)
    values["delta"] = np.where(held, -kept, np.where(puts, -1.0, 0.0))
    values["theta"] = np.where(held, options.rate * values["price"], 0.0)
    values["rho"] = np.where(held, -options.time * values["price"], 0.0)
    values["charm"] = np.where(held, options.dividend_yield * values["delta"], 0.0)
    return np.stack(list(values.values()))
