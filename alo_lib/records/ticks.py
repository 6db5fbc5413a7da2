"""The steps in which prices of orders are made."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from alo_lib.records.units import CENT

__all__ = ["TICK", "to_tick"]

TICK: Final = CENT
"""Of options and of shares from a dollar on, as LEAN has it: its symbol properties give options no other one."""
_SUB_DOLLAR: Final = Decimal("0.0001")
_DOLLAR: Final = Decimal(1)


def to_tick(price: Decimal, *, is_option: bool) -> Decimal:
    """The price that a broker makes of a limit: the nearest tick, halves to even.

    Shares below a dollar are priced by a hundredth of a cent (17 CFR 242.612).
    """
    tick = _SUB_DOLLAR if not is_option and price < _DOLLAR else TICK
    return (price / tick).to_integral_value(ROUND_HALF_EVEN) * tick
