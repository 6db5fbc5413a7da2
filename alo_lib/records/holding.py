"""Positions that no journal knew and that the book takes over: the layout of HOLDING records."""

from typing import Final

import numpy as np

__all__ = ["HOLDING", "HOLDING_VERSION"]

HOLDING_VERSION: Final = 1
"""Of what a HOLDING record says; the way in which the core makes trades of them goes by it."""

HOLDING: Final = np.dtype(
    [
        ("instrument", "<i4"),  # an option contract
        ("version", "<i4"),  # HOLDING_VERSION
        ("quantity", "<i8"),  # contracts held, signed: what the journal's order events add up to as well
        ("price", "<f8"),  # average, a share, as the broker tells it
    ]
)
