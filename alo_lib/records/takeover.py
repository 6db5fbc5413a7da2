"""Foreign positions, which no journal knew, as the book takes them over: the layout of TAKEOVER records."""

from typing import Final

import numpy as np

__all__ = ["TAKEOVER", "TAKEOVER_VERSION"]

TAKEOVER_VERSION: Final = 1
"""Of what a TAKEOVER record says; the way in which the core makes trades of them goes by it."""

TAKEOVER: Final = np.dtype(
    [
        ("instrument", "<i4"),  # an option contract
        ("version", "<i4"),  # TAKEOVER_VERSION
        ("quantity", "<i8"),  # contracts held, signed: what the journal's order events add up to as well
        ("price", "<f8"),  # average, a share, as the broker tells it
    ]
)
