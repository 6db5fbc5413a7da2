"""Limits that no trade may exceed."""

from dataclasses import dataclass

from alo_lib.records import OPTION_MULTIPLIER
from alo_lib.strategy.settings import StrategySettings
from alo_lib.strategy.sizing import VOLATILITY_POINT

__all__ = ["BookRisk", "drawdown_exceeded", "exceeded_limit", "short_margin"]


@dataclass(frozen=True, slots=True)
class BookRisk:
    """Totals over all underlyings, money."""

    vega: float  # per 1.00 of volatility
    margin: float
    equity: float


def short_margin(spot: float, quantity: int, settings: StrategySettings) -> float:
    """Margin estimated for ``quantity`` short structures: the greater side of a short straddle or strangle.

    A fifth of the underlying's value, the default, is FINRA rule 4210 (f)(2)(E) at the money.
    """
    return settings.short_margin * spot * OPTION_MULTIPLIER * quantity


def exceeded_limit(book: BookRisk, settings: StrategySettings) -> str | None:
    """Which limit the book would exceed, in one sentence; None when it keeps them all."""
    points = abs(book.vega) * VOLATILITY_POINT / book.equity
    if points > settings.max_vega:
        return f"vega of {points:.4%} of equity a volatility point would exceed max_vega {settings.max_vega:.4%}"
    if book.margin > settings.max_margin * book.equity:
        return f"margin of {book.margin / book.equity:.1%} of equity would exceed max_margin {settings.max_margin:.1%}"
    return None


def drawdown_exceeded(equity: float, peak: float, settings: StrategySettings) -> bool:
    """Whether equity has fallen from its peak by more than is allowed."""
    return equity < peak * (1.0 - settings.max_drawdown)
