"""Rates, or yields, by time to expiry."""

from collections.abc import Mapping
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from alo_lib.pricing.arguments import DOMAINS, PricingError, real_numbers

__all__ = ["Curve", "Rates", "at_expiry", "with_rates"]

Array = npt.NDArray[np.float64]

_LOW, _HIGH = DOMAINS["rate"]
_LATEST: Final = DOMAINS["time_to_expiry"][1]


class Curve:
    """What a rate, or a yield, to each expiry is: known at some times, and between them.

    times: (k,) years, ascending and above zero; rates: (k,) continuously compounded decimals from now to each time.
    Between two times rate times time is linear, so what is earned from one day to the next stays the same all the way;
    before the first and after the last time the rate is the one there.

    :raises PricingError: for shapes that differ, times that do not ascend, and rates outside their domain.
    """

    def __init__(self, times: npt.ArrayLike, rates: npt.ArrayLike) -> None:
        told, values = (np.atleast_1d(real_numbers(*each)).copy() for each in (("times", times), ("rates", rates)))
        if told.ndim != 1 or told.shape != values.shape or not told.size:
            raise PricingError(f"a curve's times and rates have shapes {told.shape} and {values.shape}; allowed: (k,)")
        bad = ~((told > 0.0) & (told <= _LATEST))
        if bad.any():
            raise PricingError(f"a curve's time is {told[bad][0]:g}; allowed: above 0, to {_LATEST:g} years")
        if (np.diff(told) <= 0.0).any():
            later = int(np.argmax(np.diff(told) <= 0.0)) + 1
            raise PricingError(f"a curve's time {told[later]:g} follows {told[later - 1]:g}; allowed: ascending")
        bad = ~((values >= _LOW) & (values <= _HIGH))
        if bad.any():
            raise PricingError(f"a curve's rate is {values[bad][0]:g}; allowed: {_LOW:g} to {_HIGH:g}")
        told.flags.writeable = values.flags.writeable = False
        self.times, self.rates = told, values

    def at(self, time_to_expiry: npt.ArrayLike) -> Array:
        """The rate to each time to expiry, years, in its shape; NaN where that is NaN."""
        time = np.asarray(time_to_expiry, dtype=np.float64)
        within = np.clip(time, self.times[0], self.times[-1])
        between = np.interp(within, self.times, self.times * self.rates) / within
        # At a time that is told, and beyond the ends, exactly what is told.
        place = np.clip(np.searchsorted(self.times, within), 0, self.times.size - 1)
        return np.asarray(np.where(self.times[place] == within, self.rates[place], between))

    def __repr__(self) -> str:
        return f"Curve({self.times.tolist()}, {self.rates.tolist()})"


Rates = npt.ArrayLike | Curve
"""Rates or yields: numbers, or a curve that tells one for each time to expiry."""


def at_expiry(rates: Rates, time_to_expiry: npt.ArrayLike) -> npt.ArrayLike:
    """Rates as numbers: a curve's at each time to expiry."""
    if isinstance(rates, Curve):
        return rates.at(real_numbers("time_to_expiry", time_to_expiry))
    return rates


def with_rates(arguments: Mapping[str, Rates], on_future: bool) -> dict[str, npt.ArrayLike]:
    """Named arguments with a curve's rates to their expiries, and the rate for the yield of a future."""
    time = cast(npt.ArrayLike, arguments["time_to_expiry"])
    chosen = dict(arguments, dividend_yield=arguments["rate" if on_future else "dividend_yield"])
    return {name: at_expiry(each, time) for name, each in chosen.items()}
