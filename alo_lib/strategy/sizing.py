"""How much of a signal is traded."""

from typing import Final

from alo_lib.records import VOLATILITY_POINT, Records, sides_of
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook

__all__ = ["affordable", "displayed", "structures_for"]

_MOST: Final = 1e9
"""Structures: of one that hardly has vega any number would be within the budget."""


def structures_for(signal: Records, book: MarketBook, settings: Settings, equity: float) -> int:
    """Structures that the vega budget allows, and that all legs display at their touch; 0 for none."""
    within = affordable(signal, settings, equity)
    for leg, count in sides_of(signal).items():
        within = min(within, displayed(book, leg, 1 if count > 0 else -1, settings) // abs(count))
    return within


def affordable(signal: Records, settings: Settings, equity: float) -> int:
    """Structures that the vega budget allows, by their gross vega."""
    budget = settings.vega_budget * equity / VOLATILITY_POINT
    return int(min(budget // float(signal["vega"]), _MOST)) if signal["vega"] > 0.0 else 0


def displayed(book: MarketBook, instrument: int, direction: int, settings: Settings) -> int:
    """What may still be bought (+1) or sold (-1) at the touch of an instrument's last quote."""
    quote, side = book.quote_of(instrument), "ask" if direction > 0 else "bid"
    if not quote[side] > 0.0:
        return 0
    shown = int(quote[f"{side}_size"] * settings.participation)
    return max(shown - book.taken.get((instrument, direction), 0), 0)
