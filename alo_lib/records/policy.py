"""The layout of POLICY records: the text of a learned policy in parts."""

from typing import Final

import numpy as np

__all__ = ["POLICY", "POLICY_TEXT"]

POLICY_TEXT: Final = 1024
"""Bytes of the text in a record."""

POLICY: Final = np.dtype(
    [
        ("part", "<i4"),  # from 0
        ("parts", "<i4"),  # that there are
        ("digest", "S64"),  # SHA-256 of what the text says, in hexadecimal
        ("text", f"S{POLICY_TEXT}"),  # ASCII
    ]
)
