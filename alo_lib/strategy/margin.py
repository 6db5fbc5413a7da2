"""Margin that short options are estimated to tie up, for limits."""

import numpy as np

from alo_lib.records import OPTION_MULTIPLIER
from alo_lib.settings import Settings
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.trade import Trade

__all__ = ["short_margin", "trade_margin"]


def short_margin(spot: float, quantity: int, settings: Settings) -> float:
    """Margin estimated for ``quantity`` short structures: the greater side of a short straddle or strangle.

    A fifth of the underlying's value, the default, is FINRA rule 4210 (f)(2)(E) at the money.
    """
    return settings.short_margin * spot * OPTION_MULTIPLIER * quantity


def trade_margin(trade: Trade, book: MarketBook, settings: Settings) -> float:
    """Margin estimated for all of a trade: the greater of its short sides, but no more than its worst loss at expiry.

    The loss is of intrinsic values, premium aside, with long legs that live at least as long as every short one (FINRA
    rule 4210 (f)(2)(H)); calls that are short beyond these have no worst. A leg that is not listed is a side by itself
    where it is short, and covers nothing.
    """
    short: dict[int, int] = {}
    for leg, ratio in zip(trade.legs, trade.signed_ratios, strict=True):
        if ratio < 0:
            side = int(book.contracts["right"][book.row(leg)]) if book.lists(leg) else 0
            short[side] = short.get(side, 0) - ratio
    if not short:
        return 0.0
    naked = short_margin(book.spot, trade.quantity * max(short.values()), settings)
    worst = _worst_loss(trade, book)
    return naked if worst is None else min(naked, worst * OPTION_MULTIPLIER * trade.quantity)


def _worst_loss(trade: Trade, book: MarketBook) -> float | None:
    """Money a share of one structure that has short legs; None where there is no bound, or none is known."""
    last = max(trade.expiry_of(leg) for leg, ratio in zip(trade.legs, trade.signed_ratios, strict=True) if ratio < 0)
    counted = [
        (leg, ratio)
        for leg, ratio in zip(trade.legs, trade.signed_ratios, strict=True)
        if ratio < 0 or (trade.expiry_of(leg) >= last and book.lists(leg))
    ]
    if not all(book.lists(leg) for leg, _ in counted):
        return None
    contracts = book.contracts[[book.row(leg) for leg, _ in counted]]
    ratios, right, strike = np.array([ratio for _, ratio in counted]), contracts["right"], contracts["strike"]
    if np.sum(ratios[right > 0]) < 0:
        return None
    spots = np.concatenate([[0.0], strike])  # between which a loss goes in straight lines, and beyond grows no more
    values = np.sum(ratios * np.maximum(right * (spots[:, None] - strike), 0.0), axis=1)
    return max(float(-values.min()), 0.0)
