"""The parts that profit is split into."""

from typing import Final

__all__ = ["PROFIT_PARTS"]

PROFIT_PARTS: Final = (
    "spread",  # of options: fills against the mark
    "delta",  # moves of the spot times what was left unhedged
    "gamma",
    "vega",
    "theta",
    "rho",  # moves of the interest rate
    "epsilon",  # moves of the dividend yield
    "dividends",  # on shares
    "slippage",  # of shares: fills against the spot
    "fees",
    "interest",
    "borrow",
    "settlement",  # exercise, assignment and expiry: what was delivered against the last mark
    "actions",  # contracts past a spin-off or special dividend, whose terms no host adjusts
    "unexplained",
)
"""Into what profit is split, money, in the order in which records have them; docs/attribution.md says how."""
