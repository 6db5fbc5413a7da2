"""The quote bars of a slice as numbers: read by compiled code in LEAN, bar by bar where .NET is not there."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from AlgorithmImports import QuoteBar, QuoteBars, Symbol

__all__ = ["QUOTED", "QuoteReader", "Quotes", "ReaderInPython", "quote_reader"]

QUOTED: Final = ("instrument", "bid", "ask", "bid_size", "ask_size")
"""What is read of a bar: prices of its end, NaN for a side that is not there."""

Quotes = npt.NDArray[np.float64]


class QuoteReader(Protocol):
    """Reads the new quotes of instruments that it knows."""

    def know(self, numbers: Mapping[Symbol, int]) -> None:
        """From now on these are the instruments, by LEAN's symbols."""

    def read(self, bars: QuoteBars) -> Quotes:
        """The columns :data:`QUOTED` of n bars that are not filled forward, (n, 5), in LEAN's order."""


class ReaderInPython:
    """The reader without .NET, bar by bar."""

    def __init__(self) -> None:
        self._numbers: Mapping[Symbol, int] = {}

    def know(self, numbers: Mapping[Symbol, int]) -> None:
        """As the protocol says."""
        self._numbers = numbers

    def read(self, bars: Iterable[Any]) -> Quotes:
        """As the protocol says."""
        rows = []
        for pair in bars:
            bar: QuoteBar = pair.value
            number = self._numbers.get(bar.symbol)
            if number is None or bar.is_fill_forward:
                continue
            bid, ask = (np.nan if side is None else float(side.close) for side in (bar.bid, bar.ask))
            rows.append((number, bid, ask, float(bar.last_bid_size), float(bar.last_ask_size)))
        return np.array(rows).reshape(-1, len(QUOTED))


def quote_reader() -> QuoteReader:
    """The compiled reader where the host has loaded .NET, as LEAN has; else the one in Python, of the same numbers."""
    if "clr" not in sys.modules:
        return ReaderInPython()
    from models.compiled_quotes import CompiledReader

    return CompiledReader()
