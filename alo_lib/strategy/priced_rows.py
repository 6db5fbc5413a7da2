"""Rows of a chain made ready to be priced as of one moment: each thing that a frame asks of them is computed once.

A contract's values do not depend on the others of its chain, so whoever asks gets the bits of a chain of its own.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.pricing import Greeks
from alo_lib.pricing.cash_chain import CashChain

__all__ = ["PricedRows"]

FloatArray = NDArray[np.float64]
Rows = NDArray[np.intp]


class PricedRows:
    """Rows (n,), ascending, of a book's chain, and ``volatility`` (n,), one that each can be priced at.

    Places are of some of the rows among these. The spot is a number, yields (n,) are each row's own, and so are rates
    (n,) where they are no number.
    """

    def __init__(self, time: int, rows: Rows, chain: CashChain, volatility: FloatArray) -> None:
        self.time: Final = time
        self.rows: Final = rows
        self._chain, self._volatility = chain, volatility
        self._market: tuple[float, float | FloatArray, FloatArray] | None = None
        self._price = self._implied = np.full(len(rows), np.nan)

    def places(self, rows: Rows) -> Rows | None:
        """Where rows are among these; None where one is not."""
        if not len(self.rows):
            return None if len(rows) else rows
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return at if (self.rows[at] == rows).all() else None

    def greeks(self, spot: float, rate: float | FloatArray, yields: FloatArray) -> Greeks:
        """Prices and greeks (n,) at the volatility that each can be priced at."""
        return self._chain.greeks(spot, rate, yields, self._volatility)

    def greeks_at(
        self, places: Rows, volatility: FloatArray, spot: float, rate: float | FloatArray, yields: FloatArray
    ) -> Greeks:
        """Prices and greeks (k,) of the rows at some places, no place twice, at their volatilities (k,)."""
        asked, among = self._volatility.copy(), np.zeros(len(self.rows), np.bool_)
        asked[places], among[places] = volatility, True
        values = self._chain.greeks(spot, rate, yields, asked, None if len(places) == len(among) else among)
        return Greeks(*(value[places] for value in values))

    def implied_volatility(
        self, places: Rows, price: FloatArray, spot: float, rate: float | FloatArray, yields: FloatArray
    ) -> FloatArray:
        """Implied volatilities (k,) of the prices (k,) of the rows at some places; NaN where none explains one.

        Each is looked for once: until then its last price is NaN.
        """
        market = self._market
        same = market is not None and market[0] == spot and np.array_equal(market[1], rate)
        if market is None or not same or not np.array_equal(market[2], yields):
            self._market = spot, rate, yields
            self._price, self._implied = (np.full(len(self.rows), np.nan) for _ in range(2))
        new = np.isfinite(price) & (self._price[places] != price)
        if new.any():
            asked = np.full(len(self.rows), np.nan)
            asked[places[new]] = price[new]
            found = self._chain.implied_volatility(asked, spot, rate, yields)
            self._price[places[new]], self._implied[places[new]] = price[new], found[places[new]]
        return np.where(np.isfinite(price), self._implied[places], np.nan)
