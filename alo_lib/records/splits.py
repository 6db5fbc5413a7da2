"""What a split leaves of a position."""

from decimal import Decimal
from typing import Final, TypeVar

__all__ = ["whole_shares"]

Factor = TypeVar("Factor", float, Decimal)

_DIGITS: Final = 9
"""That a quotient keeps, so that 33 / 1.1 is 30."""


def whole_shares(quantity: int, factor: Factor) -> int:
    """Shares that a split by ``factor`` makes of a signed ``quantity``; the fraction of one, cut off, is paid in cash.

    >>> whole_shares(33, 1.1)
    30
    """
    return int(round(quantity / factor, _DIGITS))
