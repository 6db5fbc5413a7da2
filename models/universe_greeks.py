"""Right greeks of a whole universe, for what LEAN takes from its universe files: filters by greeks, option_chain."""

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from AlgorithmImports import OptionChain, OptionContract, OptionFilterUniverse

from alo_lib.pricing.arguments import PricingError
from models.chain_terms import properties_of
from models.compiled_border import WRITTEN
from models.option_price_model import AloOptionPriceModel

__all__ = ["greeks_filter", "universe_greeks"]

Range = tuple[float, float]
_CHOICES: Final = ("implied_volatility", "delta", "gamma", "vega", "theta", "rho")


def universe_greeks(model: AloOptionPriceModel, chain: OptionChain) -> pd.DataFrame:
    """Values of the contracts of ``self.option_chain(symbol)``, which LEAN takes from its universe file.

    A row for each contract, its Symbol the index, in the chain's order: price, implied_volatility, delta, gamma, vega,
    theta, rho, leverage, in LEAN's units, at the close that the file's prices were taken at; NaN where there are none.
    """
    contracts = list(chain)
    index = pd.Index([contract.symbol for contract in contracts], dtype=object, name="symbol")
    return pd.DataFrame(model.closing_values(contracts), index=index, columns=list(WRITTEN))


def greeks_filter(
    model: AloOptionPriceModel, **ranges: Range
) -> Callable[[OptionFilterUniverse], OptionFilterUniverse]:
    """A filter for ``option.set_filter``: contracts whose values lie within all ranges, ends included.

    LEAN's own filters by greeks read what its universe files hold; here the same rows are priced by ``model``, at the
    close that their prices were taken at: ``option.set_filter(greeks_filter(model, delta=(0.2, 0.5)))``.
    ranges: implied_volatility, delta, gamma, vega, theta, rho, each (lowest, highest) in LEAN's units.

    :raises PricingError: a ValueError, for another name, or a range that is empty.
    """
    for name, bounds in ranges.items():
        if name not in _CHOICES:
            raise PricingError(f"a range is given for {name!r}; allowed: {', '.join(_CHOICES)}")
        if not isinstance(bounds, tuple | list) or len(bounds) != 2 or not bounds[0] <= bounds[1]:
            raise PricingError(f"{name} is {bounds!r}; allowed: (lowest, highest)")

    def choose(universe: OptionFilterUniverse) -> OptionFilterUniverse:
        rows = list(universe)
        if not rows:
            return universe
        properties = properties_of(rows[0].symbol)
        values = model.closing_values([OptionContract.create(row, properties) for row in rows])
        within = np.full(len(rows), True)
        for name, (low, high) in ranges.items():
            column = values[:, WRITTEN.index(name)]
            within &= (low <= column) & (column <= high)
        chosen: OptionFilterUniverse = universe.contracts(
            [rows[index].symbol for index in np.flatnonzero(within).tolist()]
        )
        return chosen

    return choose
