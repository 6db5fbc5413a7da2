"""What options are quoted at along paths: by the pricer that a core asks, and when their holders exercise them.

American options read their exercise boundaries from those that the pricing room has interpolated over volatility and
time (:class:`alo_lib.pricing.Chain`), and cash dividends are priced as a core does
(:class:`alo_lib.pricing.cash_chain.CashChain`): so a rule is shown what it is shown in a core, to the last bit.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.learning.carry import CarrySteps
from alo_lib.learning.smile import Quotes, Smile
from alo_lib.pricing import Greeks, greeks, price
from alo_lib.pricing.cash_chain import CashChain

__all__ = ["QuotedPaths"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NOTHING: Final = 1e-9
"""Of the strike: what a price is above what exercise gives where rounding alone holds it there."""


@dataclass(frozen=True)
class QuotedPaths:
    """Options on paths of spots and variances (steps + 1, n); ``times`` (steps + 1,) are years to expiry.

    European ones, at no rate, without ``carry``; else American ones at its rate, yield and dividends.
    """

    smile: Smile
    spots: Array
    variances: Array
    times: Array
    carry: CarrySteps | None

    def quotes(self, step: int) -> Quotes:
        """The smile, which goes by the strike over the forward."""
        spot = self.spots[step]
        forward = spot if self.carry is None else self.carry.forward(spot, step, self.times)
        return self.smile.quotes(float(self.times[step]), forward, self.variances[step])

    def greeks(self, step: int, strike: float, right: int, quotes: Quotes) -> Greeks:
        """Price and greeks of a strike at its implied volatility, (n,) each."""
        spot, years = self.spots[step], float(self.times[step])
        if self.carry is None:
            return greeks(spot, strike, 0.0, 0.0, quotes.at(strike), years, right, style="european")
        chain = self._chain(step, strike, right)
        return chain.greeks(spot, self.carry.rate, self.carry.dividend_yield, quotes.at(strike))

    def at_the_end(self, strike: float, right: int) -> Array:
        """What it is worth at the last step (n,): what exercise gives, or a quote where it expires later."""
        step, spot, years = len(self.times) - 1, self.spots[-1], float(self.times[-1])
        if not years > 0.0:
            return np.asarray(np.maximum(right * (spot - strike), 0.0))
        volatility = self.quotes(step).at(strike)
        if self.carry is None:
            return np.asarray(price(spot, strike, 0.0, 0.0, volatility, years, right, style="european"))
        return self._chain(step, strike, right).price(spot, self.carry.rate, self.carry.dividend_yield, volatility)

    def exercised(self, step: int, strike: float, right: int, quotes: Quotes, worth: Array) -> Mask:
        """Whether holders exercise (n,), as clearing lets them, by night: where ``worth``, the price, is no more.

        And a call before a dividend goes ex, where it is worth less the moment after, at this spot less the dividend
        and this volatility.
        """
        assert self.carry is not None
        spot = self.spots[step]
        if not self.carry.nights[step] > 0.0:
            return np.zeros(spot.shape, np.bool_)
        gives = right * (spot - strike)
        ends = (gives > 0.0) & (worth <= gives + _NOTHING * strike)
        amount = sum(amount for at, amount in self.carry.ex if at == step + 1)
        if right > 0 and amount and self.times[step + 1] > 0.0:
            chain = self._chain(step + 1, strike, right)
            left = np.maximum(spot - amount, math.ulp(1.0))
            ends |= gives > chain.price(left, self.carry.rate, self.carry.dividend_yield, quotes.at(strike))
        return np.asarray(ends)

    def _chain(self, step: int, strike: float, right: int) -> CashChain:
        """One contract, as often as there are paths."""
        assert self.carry is not None
        count = self.spots.shape[1]
        years, amounts = self.carry.ahead(step, self.times)
        ex_times = np.broadcast_to(years, (count, len(amounts)))
        strikes, times, rights = (np.full(count, each) for each in (strike, self.times[step], right))
        return CashChain(strikes, times, rights, ex_times, amounts)
