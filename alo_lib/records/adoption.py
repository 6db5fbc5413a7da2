"""The layout of ADOPTION records: the state that an era of a journal begins with, in parts."""

from typing import Final

import numpy as np

__all__ = ["ADOPTED_PART", "ADOPTION"]

ADOPTED_PART: Final = 4096
"""Bytes of the state in a record; the last one's are filled up with zeros."""

ADOPTION: Final = np.dtype(
    [
        ("part", "<i4"),  # from 0
        ("parts", "<i4"),  # that there are
        ("size", "<i8"),  # of all of the state, bytes
        ("state", f"S{ADOPTED_PART}"),  # as a snapshot has it, with its schema (docs/journal.md)
    ]
)
