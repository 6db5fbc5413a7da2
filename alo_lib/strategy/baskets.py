"""Trades in several underlyings that are one: opened together or not at all, in one size, and closed together.

The trades of a basket have its number in common (:attr:`~alo_lib.strategy.trade.Trade.basket`). Its size is that of the
trade with most structures; at a smaller size each has its share of it, rounded to whole structures.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from alo_lib.records import OrderReason
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import PATIENT_EXITS, Trade

__all__ = ["by_basket", "largest_size", "least_size", "quantities_at", "undo_together"]


def by_basket(trades: Iterable[Trade]) -> Iterator[list[Trade]]:
    """Trades by what is opened and closed as one, in the order of the first of each: a basket's, or one by itself."""
    found: dict[int, list[Trade]] = {}
    for place, trade in enumerate(trades):
        found.setdefault(trade.basket or -1 - place, []).append(trade)
    yield from found.values()


def quantities_at(size: int, quantities: Sequence[int]) -> tuple[int, ...]:
    """Structures of each trade of a basket of some size, which at its whole size has these; halves count as one."""
    whole = max(quantities)
    return tuple((2 * quantity * size + whole) // (2 * whole) for quantity in quantities)


def least_size(quantities: Sequence[int]) -> int:
    """The smallest size at which each trade of a basket has a structure."""
    whole, least = max(quantities), min(quantities)
    return -(-whole // (2 * least))


def largest_size(quantities: Sequence[int], keeps: Callable[[tuple[int, ...]], bool]) -> int:
    """The largest size up to the whole one whose quantities are kept; 0 where none with a structure of each is."""
    sizes = range(max(quantities), least_size(quantities) - 1, -1)
    return next((size for size in sizes if keeps(quantities_at(size, quantities))), 0)


def undo_together(state: StrategyState) -> None:
    """Undo what is left of each basket of which a trade is undone, for its reason; of several the first grave one."""
    for trades in by_basket(state.trades):
        reasons = [trade.undone_by for trade in trades if trade.undone_by is not None]
        if not reasons or len(trades) == 1:
            continue
        reason = next((each for each in reasons if each not in PATIENT_EXITS), reasons[0])
        for trade in trades:
            if trade.undo(reason) and reason is not OrderReason.EXIT_EDGE:
                state.block_entries(trade.underlying)
