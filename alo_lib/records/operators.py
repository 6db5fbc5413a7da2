"""What a person asks of a core: the words, and the layout of OPERATOR records."""

from enum import IntEnum
from typing import Final

import numpy as np

__all__ = ["OPERATOR", "SENDER", "OperatorCommand"]

SENDER: Final = 24
"""Bytes of a sender's name."""


class OperatorCommand(IntEnum):
    """What a person asks."""

    STATUS = 0  # asks alone: never journaled
    PAUSE = 1  # nothing is ordered
    REDUCE_ONLY = 2
    FLATTEN = 3
    RESUME = 4  # what a person asked of the book is withdrawn
    RESET_HALT = 5  # halts by losses are withdrawn, and losses count from then
    UNDO = 6
    CANCEL_ORDERS = 7  # all that work, once
    SET_LIMIT = 8  # another value of a setting that limits the book
    REFIT = 9  # of all models of volatility
    SNAPSHOT = 10  # keeps the state, which it does not change

    @property
    def word(self) -> str:
        """As people write it."""
        return self.name.lower().replace("_", "-")


OPERATOR: Final = np.dtype(
    [
        ("request", "<i8"),  # number that its sender gave it, of all of a run's another one
        ("value", "<f8"),  # of SET_LIMIT
        ("limit", "S24"),  # name of the setting; empty for the others
        ("sender", f"S{SENDER}"),
        ("command", "u1"),  # OperatorCommand
        ("confirmed", "u1"),  # 1: a limit may be loosened
        ("pad", "<u2"),
        ("padding", "<i4"),
    ]
)
