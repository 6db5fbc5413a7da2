"""Decimal amounts as the text that snapshots keep."""

import re
from decimal import Decimal
from typing import Final

__all__ = ["amount_of", "text_of_amount"]

_DECIMAL: Final = re.compile(r"-?\d{1,60}(\.\d{1,60})?(E[+-]\d{1,2})?", re.ASCII)


def amount_of(text: str) -> Decimal:
    """The amount that a text is.

    :raises ValueError: for one that is none, or is written in another way than :func:`text_of_amount` has it.
    """
    if not _DECIMAL.fullmatch(text) or str(value := Decimal(text)) != text:
        raise ValueError(f"{text!r:.80} is no amount of money")
    return value


def text_of_amount(value: Decimal) -> str:
    """An amount as text.

    :raises ValueError: for one that is beyond all money.
    """
    if not _DECIMAL.fullmatch(text := str(value)):
        raise ValueError(f"{text:.80} is no amount of money")
    return text
