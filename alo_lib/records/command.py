"""The layout of COMMAND records: how a trade stands, how far it was opened or undone, and what its fills cost."""

from typing import Final

import numpy as np

__all__ = ["COMMAND"]

COMMAND: Final = np.dtype(
    [
        ("trade", "<i4"),
        ("underlying", "<i4"),
        ("state", "<i4"),  # TradeState
        ("frames", "<i4"),  # that it has been opened in, or since then undone in
        ("structures", "<i8"),  # that every leg is held for
        ("wanted", "<i8"),  # structures; 0 once it is undone
        ("cost", "<f8"),  # money that opening fills cost beyond mid at the decision, fees included; NaN without mid
        ("undo_cost", "<f8"),  # the same of closing fills
    ]
)
