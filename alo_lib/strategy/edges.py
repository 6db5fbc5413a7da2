"""What a structure's edge is: one count, by which the scanner ranks and by which orders know what they may pay."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import OPTION_MULTIPLIER
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.edge_costs import EdgeCosts
from alo_lib.strategy.valuation import Valuation

__all__ = ["Edges", "net_edges"]

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


class Edges(NamedTuple):
    """What is gained by structures (n,) at their quotes, money of one of each."""

    money: Floats
    """Net of all costs; NaN where one cannot be told."""
    vega: Floats
    """Gross: of all contracts, whatever their side, per 1.00 of volatility."""

    @property
    def volatility(self) -> Floats:
        """The edge over gross vega; below any that suffices where there is no vega, or no edge can be told."""
        with np.errstate(invalid="ignore", divide="ignore"):
            told = (self.vega > 0.0) & np.isfinite(self.money)
            return np.where(told, self.money / self.vega, -np.inf)


def net_edges(
    book: MarketBook, valuation: Valuation, ratios: Floats, rows: Rows, direction: int, costs: EdgeCosts
) -> Edges:
    """The edges of candidates (n, k) with the ratios (k,) of their structure, bought (+1) or sold (-1).

    Worth at the forecast over what the quotes ask, each leg entered at its touch and left through half its spread, less
    ``costs``.
    """
    quotes, values, legs = book.quotes, valuation.at_forecast, rows.T  # a leg a row, so that sums go in their order
    counts, contracts = ratios[:, None], np.abs(ratios)[:, None]
    bid, ask = quotes["bid"][legs], quotes["ask"][legs]
    paid = np.where(direction * counts > 0.0, ask, bid)
    worth, spread = (counts * values.price[legs]).sum(axis=0), (contracts * (ask - bid)).sum(axis=0)
    vega = (contracts * values.vega[legs]).sum(axis=0) * OPTION_MULTIPLIER
    money = (direction * (worth - (counts * paid).sum(axis=0)) - 0.5 * spread) * OPTION_MULTIPLIER
    money -= costs.fees
    money -= costs.hedging + costs.penalty
    return Edges(money, vega)
