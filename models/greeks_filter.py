"""Choose a chain's contracts by right greeks, before LEAN subscribes to them."""

from collections.abc import Callable
from typing import Final

import numpy as np
from AlgorithmImports import Option, OptionContract, OptionFilterUniverse

from alo_lib.pricing.arguments import PricingError
from models.chain_terms import utc_of
from models.compiled_border import WRITTEN
from models.option_price_model import AloOptionPriceModel

__all__ = ["greeks_filter"]

Range = tuple[float, float]
_CHOICES: Final = ("implied_volatility", "delta", "gamma", "vega", "theta", "rho")


def greeks_filter(
    model: AloOptionPriceModel, option: Option, **ranges: Range
) -> Callable[[OptionFilterUniverse], OptionFilterUniverse]:
    """A filter for ``option.set_filter``: contracts whose values lie within all ranges, ends included.

    LEAN's own filters by greeks read what its universe files hold; here the same rows are priced by ``model``, at the
    close that their prices were taken at: ``option.set_filter(greeks_filter(model, option, delta=(0.2, 0.5)))``.
    ranges: implied_volatility, delta, gamma, vega, theta, rho, each (lowest, highest) in LEAN's units.

    Raises ValueError (PricingError) for another name, or a range that is empty.
    """
    for name, (low, high) in ranges.items():
        if name not in _CHOICES:
            raise PricingError(f"a range is given for {name!r}; allowed: {', '.join(_CHOICES)}")
        if not low <= high:
            raise PricingError(f"{name} is ({low:g}, {high:g}); allowed: the lowest value first")

    def choose(universe: OptionFilterUniverse) -> OptionFilterUniverse:
        rows = list(universe)
        if not rows:
            return universe
        closed = option.exchange.hours.get_next_market_close(rows[0].time, False)
        contracts = [OptionContract.create(row, option.symbol_properties) for row in rows]
        values = model.values(contracts, option, utc_of(option.exchange.hours, closed), past=True)
        within = np.full(len(rows), True)
        for name, (low, high) in ranges.items():
            column = values[:, WRITTEN.index(name)]
            within &= (low <= column) & (column <= high)
        chosen: OptionFilterUniverse = universe.contracts(
            [rows[index].symbol for index in np.flatnonzero(within).tolist()]
        )
        return chosen

    return choose
