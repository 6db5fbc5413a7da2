"""The processor that goals of processor time are for: one that prices an option in some microseconds."""

import time
from typing import Final

import numpy as np

from alo_lib.pricing import price

__all__ = ["COMMON_PRICE", "to_common"]

COMMON_PRICE: Final = 4.0
"""Microseconds an American option, with an exercise boundary of its own, takes there by the accurate scheme."""
_OPTIONS: Final = 256


def to_common() -> tuple[float, float]:
    """Microseconds of processor time an option takes here, now, and what turns times here into those there.

    What else a machine does slows both alike, more or less: measure it before and after what is to be compared.
    """
    strike, volatility, took = np.linspace(80.0, 120.0, _OPTIONS), np.linspace(0.2, 0.4, _OPTIONS), []
    for _ in range(9):
        began = time.thread_time()
        price(100.0, strike, 0.03, 0.01, volatility, 0.3, -1)
        took.append(time.thread_time() - began)
    each = float(np.median(took)) / _OPTIONS * 1e6
    return each, COMMON_PRICE / each
