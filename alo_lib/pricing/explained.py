"""Implied volatilities, and why there is none: the one rule that puts a price among the reasons."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple, Unpack

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.arguments import DOMAINS, PricingError, prepare
from alo_lib.pricing.curves import Rates, with_rates
from alo_lib.pricing.dividends import volatility_limit
from alo_lib.pricing.options import Choices, Method, run_implied, run_values
from alo_lib.pricing.quotes import Codes, ContractStatus
from alo_lib.pricing.terms import Options

__all__ = ["Implied", "Worth", "implied_volatility", "implied_with_status", "most_volatility", "why_none"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Worth = Callable[[Rows, float], Array]
"""Prices of some of n contracts at one volatility."""

_ARGUMENTS: Final = ("price", "spot", "strike", "rate", "dividend_yield", "time_to_expiry", "right")
_EXPIRED, _OUT_OF_DOMAIN, _NO_QUOTE, _EXERCISED, _AT_FLOOR, _BELOW_FLOOR, _FAILED = (
    int(ContractStatus[name])
    for name in ("EXPIRED", "OUT_OF_DOMAIN", "NO_QUOTE", "EXERCISED", "AT_FLOOR", "BELOW_FLOOR", "FAILED")
)
_ROUNDING: Final = 1e-9  # of the strike: a price this close to intrinsic is intrinsic


class Implied(NamedTuple):
    """Implied volatilities and why there is none, arrays of the arguments' broadcast shape."""

    volatility: Array
    """NaN unless the status is PRICED."""
    status: Codes
    """Codes of :class:`ContractStatus`, whose ``words`` say in plain words what each means."""


def why_none(price: Array, ask: Array, options: Options, american: Mask, worth: Worth) -> Codes:
    """Why prices (n,) have no implied volatility: where each lies between the least and the most, codes (n,).

    ask: (n,), NaN where it is not known. A price at or below the least, the floor, is AT_FLOOR where the ask reaches
    that, so that the quote does not contradict the model, and BELOW_FLOOR where it does.
    american: (n,). An American option quoted at intrinsic value that is to be exercised at once without volatility has
    no time value: it is explained by every volatility up to some level, and by none alone.
    """
    why = np.empty(price.size, np.int8)
    if _about_floor(price, ask, worth(np.arange(price.size), 0.0), options, american, why):
        above = np.flatnonzero(why == _FAILED)
        why[above[price[above] >= worth(above, DOMAINS["volatility"][1])]] = ContractStatus.ABOVE_BOUND
    return why


@kernel
def _about_floor(price: Array, ask: Array, floor: Array, options: Options, american: Mask, why: Codes) -> bool:
    """Reasons (n,) as far as the floor tells them, FAILED where the price is above it; whether any is."""
    spot, strike, rate, dividend_yield, time, right = options
    above = False
    for i in range(price.size):
        rounding, intrinsic = _ROUNDING * strike[i], right[i] * (spot[i] - strike[i])
        known = floor[i] + spot[i] + strike[i] + rate[i] + dividend_yield[i] + time[i] + right[i]
        if time[i] == 0.0:
            why[i] = _EXPIRED
        elif math.isnan(known):
            why[i] = _OUT_OF_DOMAIN
        elif math.isnan(price[i]):
            why[i] = _NO_QUOTE
        elif (
            american[i]
            and intrinsic > 0.0
            and floor[i] <= intrinsic + rounding
            and abs(price[i] - floor[i]) <= rounding
        ):
            why[i] = _EXERCISED
        elif price[i] - floor[i] <= rounding:
            why[i] = _AT_FLOOR if ask[i] >= floor[i] - rounding else _BELOW_FLOOR
        else:
            why[i], above = _FAILED, True
    return above


def _found(choices: Choices, *arguments: Rates) -> tuple[tuple[int, ...], Array, Options, Method, Implied]:
    """The shape of the arguments (:data:`_ARGUMENTS`), prices, options and method, and what is implied, flat."""
    method, named = Method.of(**choices), dict(zip(_ARGUMENTS, arguments, strict=True))
    shape, (prices, *columns) = prepare(method.invalid, method.shape, **with_rates(named, method.on_future))
    method, options = method.over(shape), Options(*columns)
    volatility = run_implied(prices, options, method)
    status = np.zeros(volatility.size, np.int8)
    rows = np.flatnonzero(np.isnan(volatility))
    if rows.size:
        part, own = options.part(rows), method.part(rows)
        unknown, american = np.full(rows.size, np.nan), np.full(rows.size, method.american)
        status[rows] = why_none(prices[rows], unknown, part, american, _worth(part, own))
    return shape, prices, options, method, Implied(volatility, status)


def most_volatility(time_to_expiry: Array, *, dividends: bool) -> Array:
    """The most volatility (n,) that a price may have; with dividends ahead it is less for long times."""
    return volatility_limit(time_to_expiry) if dividends else np.full(time_to_expiry.shape, DOMAINS["volatility"][1])


def _worth(options: Options, method: Method) -> Worth:
    def worth(rows: Rows, volatility: float) -> Array:
        own, part = replace(method.part(rows), invalid="nan"), options.part(rows)
        sigma = np.minimum(volatility, most_volatility(part.time, dividends=own.cash is not None))
        values = run_values(part, sigma, 1, own)
        return np.asarray(values[0])

    return worth


def implied_with_status(
    price: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    rate: Rates,
    dividend_yield: Rates,
    time_to_expiry: npt.ArrayLike,
    right: npt.ArrayLike,
    **choices: Unpack[Choices],
) -> Implied:
    """Volatilities at which :func:`price` gives ``price``, and why there is none where it is NaN; keywords as there.

    The statuses are PRICED; BELOW_FLOOR, the price is at or below what the option is worth without volatility;
    EXERCISED, it is intrinsic value and has no time value; ABOVE_BOUND; EXPIRED; FAILED; and with ``invalid="nan"``
    NO_QUOTE where the price is missing or negative and OUT_OF_DOMAIN where another argument is bad.

    :raises PricingError: naming an argument outside its range.
    """
    shape, *_, found = _found(choices, price, spot, strike, rate, dividend_yield, time_to_expiry, right)
    return Implied(found.volatility.reshape(shape), found.status.reshape(shape))


def implied_volatility(
    price: npt.ArrayLike,
    spot: npt.ArrayLike,
    strike: npt.ArrayLike,
    rate: Rates,
    dividend_yield: Rates,
    time_to_expiry: npt.ArrayLike,
    right: npt.ArrayLike,
    **choices: Unpack[Choices],
) -> Array:
    """Volatility at which :func:`price` gives ``price``, in the arguments' broadcast shape; keywords as there.

    With ``invalid="nan"`` elements that have none are NaN; :func:`implied_with_status` says why.

    :raises PricingError: as :func:`price` does, and where no volatility, or no single one, explains a price: at or
        below the value without volatility (for an American option at least intrinsic), at or above the no-arbitrage
        bound, or at expiry.
    """
    given = (price, spot, strike, rate, dividend_yield, time_to_expiry, right)
    shape, prices, options, method, found = _found(choices, *given)
    if method.invalid == "raise" and found.status.any():
        i = int(np.argmax(found.status != ContractStatus.PRICED))
        row = np.array([i])
        worth = _worth(options.part(row), method.part(row))
        least, most = (float(worth(np.array([0]), volatility)[0]) for volatility in DOMAINS["volatility"])
        (limit,) = most_volatility(options.time[row], dividends=method.cash is not None)
        raise PricingError(
            f"price is {prices[i]:g} for spot={options.spot[i]:g}, strike={options.strike[i]:g}, "
            f"time_to_expiry={options.time[i]:g}, right={options.right[i]:+g}: "
            f"no volatility up to {limit:g} explains it ({ContractStatus(found.status[i]).words}); "
            f"allowed: above {least:.9g} and below {most:.9g}"
        )
    return found.volatility.reshape(shape)
