"""How people write numbers, the names of settings, and tickers: one rule for options, settings and files."""

import math
import re
from typing import Final

__all__ = ["check_ticker", "number_of", "spelled", "unspelled"]

_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_DECIMAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# Tickers become parts of paths, and map files are untrusted.
_TICKER: Final = re.compile(r"[A-Za-z0-9^$][A-Za-z0-9.^$=+-]*")


def number_of(text: str) -> float:
    """A number as people write it: ``1000``, ``1,000.5``, ``1e3``; ``25%`` and ``25 %`` are 0.25.

    :raises ValueError: for text that is no finite number.
    """
    shown = text.strip()
    percent = shown.endswith("%")
    digits = shown.removesuffix("%").rstrip()
    if _THOUSANDS.fullmatch(digits):
        digits = digits.replace(",", "")
    if not _DECIMAL.fullmatch(digits):
        raise ValueError(f"{text!r} is not a number")
    value = float(digits) / 100.0 if percent else float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    return value


def spelled(name: str) -> str:
    """A setting's name as people write it, with dashes."""
    return name.replace("_", "-")


def unspelled(text: str) -> str:
    """A setting's name in the program, from what people wrote, with dashes or underscores."""
    return text.replace("-", "_")


def check_ticker(ticker: str) -> str:
    """``ticker`` in upper case.

    :raises ValueError: when it could not name a file.
    """
    if not _TICKER.fullmatch(ticker):
        raise ValueError(f"'{ticker}' is no ticker; tickers are letters, digits and . ^ $ = + -, such as BRK.B")
    return ticker.upper()
