"""How much of a signal is traded."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import VOLATILITY_POINT, sides_of
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook

__all__ = ["affordable", "displayed", "structures_for", "within_budget"]

_MOST: Final = 1e9
"""Structures: of one that hardly has vega any number would be within the budget."""


def structures_for(signal: np.void, book: MarketBook, settings: Settings, equity: float) -> int:
    """Structures that the vega budget allows, and that all legs display at their touch; 0 for none."""
    within = affordable(signal, settings, equity)
    for leg, count in sides_of(signal).items():
        within = min(within, displayed(book, leg, 1 if count > 0 else -1, settings) // abs(count))
    return within


def affordable(signal: np.void, settings: Settings, equity: float) -> int:
    """Structures that the vega budget allows, by their gross vega."""
    return int(within_budget(np.float64(signal["vega"]), settings, equity))


def within_budget(vega: NDArray[np.float64] | np.float64, settings: Settings, equity: float) -> NDArray[np.float64]:
    """Whole structures of a gross vega that the vega budget allows; 0 of one without, or whose budget is unknown."""
    budget = settings.vega_budget * equity / VOLATILITY_POINT
    has_vega = (np.asarray(vega) > 0.0) & np.isfinite(budget)
    hardly = has_vega & (np.asarray(vega) * _MOST <= budget)  # the quotient may be beyond any number
    whole = np.minimum(budget // np.where(has_vega & ~hardly, vega, 1.0), _MOST)
    return np.where(hardly, _MOST, np.where(has_vega, whole, 0.0))


def displayed(book: MarketBook, instrument: int, direction: int, settings: Settings) -> int:
    """What may still be bought (+1) or sold (-1) at the touch of an instrument's last quote."""
    quote, side = book.quote_of(instrument), "ask" if direction > 0 else "bid"
    if not quote[side] > 0.0:
        return 0
    shown = int(quote[f"{side}_size"] * settings.participation)
    return max(shown - book.taken.get((instrument, direction), 0), 0)
