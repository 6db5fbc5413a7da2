"""Money as LEAN counts it: exact decimals, from floats that name them."""

from decimal import Decimal
from typing import Final

import numpy as np

__all__ = ["ZERO", "decimal"]

ZERO: Final = Decimal(0)


def decimal(value: float | np.float64) -> Decimal:
    """The decimal that ``value`` was written as.

    >>> decimal(0.1)
    Decimal('0.1')
    """
    return Decimal(repr(float(value)))
