"""Chains of which every contract is quoted, and priced at its mid's volatility: the rule, in a few compiled calls.

They have the bits that :class:`alo_lib.pricing.quoted_chain.QuotedChain` gives them, by the same kernels. What a chain
of a few contracts costs is the steps between kernels, of which there are as few here as can be. What is not plain, such
as a contract without a price, at its floor, or of another style than the others, is for the quoted chain.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from alo_lib.numerics.compilation import kernel
from alo_lib.pricing.arguments import DOMAINS
from alo_lib.pricing.batch import GREEKS
from alo_lib.pricing.chain_panels import has_panel
from alo_lib.pricing.chain_table import RATE_HIGH, RATE_LOW, may_be_valued
from alo_lib.pricing.checked_chain import CheckedChain
from alo_lib.pricing.options import Method
from alo_lib.pricing.quotes import ContractStatus, market_price_of

__all__ = ["plain_values"]

Array = npt.NDArray[np.float64]

_PRICED: Final = int(ContractStatus.PRICED)
_MOST_VOLATILITY: Final = DOMAINS["volatility"][1]
# Rows of a chain's table.
_STRIKE, _TIME, _RIGHT, _SPOT, _RATE, _YIELD, _PRICE = range(7)
_DELTA, _GAMMA, _VEGA, _THETA, _RHO = (GREEKS.index(name) for name in ("delta", "gamma", "vega", "theta", "rho"))
_COLUMNS: Final = 8


def plain_values(
    contracts: Array,
    time_to_expiry: Array,
    quotes: Array,
    rate: float,
    dividend_yield: float,
    source: int,
    method: Method,
) -> Array | None:
    """Price, volatility, delta, gamma, vega, theta, rho and leverage of n contracts, (n, 8), raw derivatives.

    None where the chain is not plain. contracts: strikes and rights (2, n), rights of +1 and -1; quotes: bid, ask,
    last and spot, (n, 4); source: as :func:`alo_lib.pricing.quotes.market_price_of` has it. method: without cash, for
    all contracts.
    """
    count = time_to_expiry.size
    table = np.empty((_PRICE + 1, count))
    plain, early = _gather(contracts, time_to_expiry, quotes, rate, dividend_yield, source, table)
    if not plain:
        return None
    strike, time, right, spot, rates, yields, price = table
    chain = CheckedChain(strike, time, right, method.american, method, panels=method.american and early)
    sigma = chain.implied(price.reshape(1, -1), spot, rates, yields)[0]
    out = np.empty((count, _COLUMNS))
    return out if _finish(table, sigma, chain.values(spot, rates, yields, sigma, len(GREEKS)), out) else None


@kernel
def _gather(
    contracts: Array, time: Array, quotes: Array, rate: float, dividend_yield: float, source: int, table: Array
) -> tuple[bool, bool]:
    """Fill the table (7, n); whether each contract has a price and may be valued, and whether any may have a panel."""
    plain = RATE_LOW <= rate <= RATE_HIGH and dividend_yield == dividend_yield
    early = False
    for i in range(time.size):
        price, status = market_price_of(quotes[i, 0], quotes[i, 1], quotes[i, 2], source)
        strike, right, spot = contracts[0, i], contracts[1, i], quotes[i, 3]
        if status == _PRICED:
            status = may_be_valued(spot, strike, dividend_yield, time[i])
        plain = plain and status == _PRICED and strike == strike
        call = right > 0.0
        early = early or has_panel(time[i], rate if call else dividend_yield, dividend_yield if call else rate)
        table[_STRIKE, i], table[_TIME, i], table[_RIGHT, i], table[_SPOT, i] = strike, time[i], right, spot
        table[_RATE, i], table[_YIELD, i], table[_PRICE, i] = rate, dividend_yield, price
    return plain, early


@kernel
def _finish(table: Array, sigma: Array, values: Array, out: Array) -> bool:
    """Fill out (n, 8) with what :func:`plain_values` returns; whether all contracts have a volatility and values."""
    plain = True
    for i in range(sigma.size):
        plain = plain and sigma[i] <= _MOST_VOLATILITY
        for row in range(_RHO + 1):
            plain = plain and math.isfinite(values[row, i])
        out[i, 0], out[i, 1] = table[_PRICE, i], sigma[i]
        out[i, 2], out[i, 3], out[i, 4] = values[_DELTA, i], values[_GAMMA, i], values[_VEGA, i]
        out[i, 5], out[i, 6] = values[_THETA, i], values[_RHO, i]
        out[i, 7] = values[_DELTA, i] * table[_SPOT, i] / table[_PRICE, i]
    return plain
