"""What Interactive Brokers charges, as LEAN's ``InteractiveBrokersFeeModel`` computes it.

Amounts are exact decimals in dollars an order. A fee is due once, when an order is filled completely.
"""

from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alo_lib.simulation.listing import Instrument
from alo_lib.simulation.prices import Prices

__all__ = [
    "FEE_PER_SHARE",
    "LEAST_FEE",
    "OPTION_TIERS",
    "OptionTier",
    "equity_fee",
    "equity_fees",
    "limit_order_fee",
    "market_order_fee",
    "option_fee",
]

LEAST_FEE: Final = Decimal(1)
"""Of any order."""
FEE_PER_SHARE: Final = Decimal("0.005")
_MOST_OF_VALUE: Final = Decimal("0.005")


class OptionTier(NamedTuple):
    """Rates a contract for accounts that trade at most ``volume`` contracts a month: (least premium, rate), falling."""

    volume: Decimal
    rates: tuple[tuple[Decimal, Decimal], ...]


_ANY: Final = Decimal("-Infinity")
_DIME, _NICKEL = Decimal("0.1"), Decimal("0.05")
OPTION_TIERS: Final = (
    OptionTier(Decimal(10_000), ((_DIME, Decimal("0.65")), (_NICKEL, Decimal("0.5")), (_ANY, Decimal("0.25")))),
    OptionTier(Decimal(50_000), ((_NICKEL, Decimal("0.5")), (_ANY, Decimal("0.25")))),
    OptionTier(Decimal(100_000), ((_ANY, Decimal("0.25")),)),
    OptionTier(Decimal("Infinity"), ((_ANY, Decimal("0.15")),)),
)
"""The schedule, least active accounts first."""


def option_fee(contracts: int, premium: Decimal, monthly_contracts: int = 0) -> Decimal:
    """The fee for an order of ``contracts`` (either sign) at ``premium`` a share, at least a dollar.

    LEAN takes the bid as the premium of a buy and the ask as that of a sale.
    """
    tier = next(tier for tier in OPTION_TIERS if monthly_contracts <= tier.volume)
    rate = next(rate for least, rate in tier.rates if premium >= least)
    return max(abs(contracts) * rate, LEAST_FEE)


def equity_fee(shares: int, price: Decimal) -> Decimal:
    """The fee for an order of ``shares`` (either sign) worth ``price`` each.

    Half a cent a share, at least a dollar; where it exceeds the dollar, at most half a percent of the order's value.
    """
    fee = abs(shares) * FEE_PER_SHARE
    return LEAST_FEE if fee < LEAST_FEE else min(fee, _MOST_OF_VALUE * abs(shares) * abs(price))


def equity_fees(shares: NDArray[np.float64], price: NDArray[np.float64]) -> NDArray[np.float64]:
    """:func:`equity_fee` of many orders of whole shares, to a float's precision; nothing for one of none."""
    size, least = np.abs(shares), float(LEAST_FEE)
    fee = size * float(FEE_PER_SHARE)
    most = float(_MOST_OF_VALUE) * size * np.abs(price)
    return np.where(size == 0.0, 0.0, np.where(fee < least, least, np.minimum(fee, most)))


def market_order_fee(instrument: Instrument, quantity: int, prices: Prices) -> Decimal:
    """The fee for a market order of a signed ``quantity`` at the last prices."""
    if not instrument.is_option:
        return equity_fee(quantity, prices.price(instrument.number))
    return option_fee(quantity, prices.bid(instrument.number) if quantity > 0 else prices.ask(instrument.number))


def limit_order_fee(instrument: Instrument, quantity: int, limit: Decimal, prices: Prices) -> Decimal:
    """The fee for a limit order of a signed ``quantity``, which goes by its limit instead of the market.

    In a combination ``limit`` is the whole unit's, as LEAN has it: an option in one that is received pays the least
    rate. Shares are valued at the limit or the last price, whichever is better for the order.
    """
    if instrument.is_option:
        return option_fee(quantity, limit)
    better = min if quantity > 0 else max
    return equity_fee(quantity, better(limit, prices.price(instrument.number)))
