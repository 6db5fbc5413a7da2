"""Which of the structures that could be traded comes first."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.records import LEGS, OPTION_MULTIPLIER, RATIOS, Records
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.book_risk import volatility_to_enter_at
from alo_lib.strategy.stress import SHOCKS, scenario_profits
from alo_lib.strategy.valuation import Valuation

__all__ = ["rank_order", "stress_losses"]

_LEAST_LOSS: Final = 1.0
"""Money: what a structure that hardly loses in any shock is taken to lose."""

Floats = NDArray[np.float64]


def rank_order(
    book: MarketBook, valuation: Valuation, signals: Records, settings: Settings, rate: float, time: int
) -> NDArray[np.intp]:
    """Places of an underlying's SIGNAL records, best first; equal ones by their legs.

    By edge over gross vega; with ``rank`` stress those whose edge suffices come first, by edge over their stress loss,
    which is told in the records.
    """
    per_vega = signals["edge_volatility"]
    keys = [*(signals[leg] for leg in reversed(LEGS)), -per_vega]
    if settings.rank == "stress":
        suffices = np.flatnonzero(per_vega >= settings.entry_edge)
        loss = stress_losses(book, valuation, signals[suffices], settings, rate, time)
        signals["stress_loss"][suffices] = loss
        per_loss = np.full(len(signals), -np.inf)
        per_loss[suffices] = signals["edge"][suffices] / np.maximum(loss, _LEAST_LOSS)
        keys.append(-per_loss)  # NaN, of a loss that cannot be told, comes after them all
    return np.asarray(np.lexsort(keys), np.intp)


def stress_losses(
    book: MarketBook, valuation: Valuation, signals: Records, settings: Settings, rate: float, time: int
) -> Floats:
    """What one structure of each signal (n,) loses at its worst in SHOCKS, unhedged, money; NaN without a price."""
    if not len(signals):
        return np.zeros(0)
    legs, ratios = (np.stack([signals[name] for name in names]) for names in (LEGS, RATIOS))  # (k, n)
    listed = np.unique(legs[ratios != 0])
    rows = np.array([book.row(leg) for leg in listed.tolist()], np.intp)
    volatility = volatility_to_enter_at(book, rows, valuation.volatility[rows], settings, rate, time)
    profits = scenario_profits(book, rows, volatility, rate, time, SHOCKS) * OPTION_MULTIPLIER
    at = np.searchsorted(listed, np.where(ratios != 0, legs, legs[0]))
    made = (signals["direction"] * ratios * profits[:, at]).sum(axis=1)  # a leg after the other, so that bits stay
    return np.asarray(np.max(-made, axis=0, initial=0.0))
