"""How people write numbers, the names of settings, and tickers: one rule for options, settings and files."""

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["check_ticker", "first_of", "meant", "number_of", "spelled", "unspelled", "whole_number_of"]

_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}([,_])\d{3}(\1\d{3})*(\.\d*)?")
_WHOLE: Final = re.compile(r"[+-]?\d{1,40}")
_DECIMAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# Tickers become parts of paths, and map files are untrusted.
_TICKER: Final = re.compile(r"[A-Za-z0-9^$][A-Za-z0-9.^$=+-]*")


def number_of(text: str) -> float:
    """A number as people write it: ``1000``, ``1,000.5``, ``1_000``, ``1e3``; ``25%`` and ``25 %`` are 0.25.

    :raises ValueError: for text that is no finite number.
    """
    shown = text.strip()
    percent = shown.endswith("%")
    digits = _joined(shown.removesuffix("%").rstrip())
    if not _DECIMAL.fullmatch(digits):
        raise ValueError(f"{text!r} is not a number")
    value = float(digits) / 100.0 if percent else float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    return value


def whole_number_of(text: str) -> int:
    """A whole number as people write it: ``1000``, ``1,000``, ``1_000``, ``1e3``; what is counted has no percent.

    :raises ValueError: for text that is none.
    """
    digits = _joined(text.strip())
    if _WHOLE.fullmatch(digits):  # exactly, however many digits it has
        return int(digits)
    value = number_of(text)
    if "%" in text or not value.is_integer():
        raise ValueError(f"{text!r} is not a whole number")
    return int(value)


def _joined(digits: str) -> str:
    """Digits without what separates thousands."""
    return digits.replace(",", "").replace("_", "") if _THOUSANDS.fullmatch(digits) else digits


def meant(text: str, known: Iterable[str]) -> str | None:
    """Which of the ``known`` names was meant by a ``text`` that is none of them; None where none is like it.

    Capitals, and underscores or blanks in the place of dashes, make no difference.
    """
    by_spelling = {_plainly(name): name for name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(_plainly(text), by_spelling, 1)
    return by_spelling[close[0]] if close else None


def _plainly(name: str) -> str:
    return spelled(name.strip().lower().replace(" ", "-")).strip("-")


def first_of(texts: Sequence[str], count: int) -> str:
    """The first ``count`` texts, and how many more there are: ``a, b and 1,234 more``; empty without any."""
    more = len(texts) - count
    return ", ".join(texts[:count]) + (f" and {more:,} more" if more > 0 else "")


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
