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

    @property
    def meaning(self) -> str:
        """What comes of it, as people are told before they ask."""
        return _MEANINGS[self]


_MEANINGS: Final = {
    OperatorCommand.STATUS: "nothing; the answer tells how the book stands",
    OperatorCommand.PAUSE: "nothing is ordered, hedges neither",
    OperatorCommand.REDUCE_ONLY: "nothing is opened; what is held is hedged",
    OperatorCommand.FLATTEN: "everything is closed, and stays so",
    OperatorCommand.RESUME: "what a person asked of the book is withdrawn",
    OperatorCommand.RESET_HALT: "halts by losses are withdrawn",
    OperatorCommand.UNDO: "the last command is undone",
    OperatorCommand.CANCEL_ORDERS: "all orders that work are canceled, once",
    OperatorCommand.SET_LIMIT: "NAME=VALUE is a limit of the book from now on",
    OperatorCommand.REFIT: "all models of volatility are fitted again",
    OperatorCommand.SNAPSHOT: "the state is kept now",
}


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
