"""What settings' numbers count, and bounds of settings that others ask for."""

from dataclasses import dataclass
from typing import Final

__all__ = ["A_YEAR", "CONTRACTS_A_STRIKE", "CORE_NAME", "EQUITY", "LARGEST_MOVE", "VEGA", "VOLATILITY", "Unit", "Words"]

LARGEST_MOVE: Final = 100.0
"""The most that max-unexplained-move may allow."""

CORE_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,31}$"
"""What a core may be called: it is a folder's name, and one word on a command line."""

CONTRACTS_A_STRIKE: Final = 2
"""A call and a put."""


@dataclass(frozen=True)
class Unit:
    """What a setting's number counts, as people read it."""

    name: str


@dataclass(frozen=True)
class Words:
    """What a setting's text may be, as people read it."""

    text: str


A_YEAR: Final = Unit("a year; 0.01 is 1 %")
VOLATILITY: Final = Unit("volatility; 0.01 is a point")
EQUITY: Final = Unit("share of equity")
VEGA: Final = Unit("share of equity, a volatility point")
