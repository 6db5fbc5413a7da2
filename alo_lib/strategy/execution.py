"""Which orders the market can fill now."""

from collections.abc import Iterable

from alo_lib.records import OrderReason
from alo_lib.settings import Settings
from alo_lib.strategy.sending import Order
from alo_lib.strategy.sizing import displayed
from alo_lib.strategy.staleness import is_fresh
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.targets import Target, latest_targets

__all__ = ["adds_risk", "fillable", "orders_toward"]


def orders_toward(state: StrategyState, settings: Settings, targets: Iterable[Target], time: int) -> list[Order]:
    """Orders for the distance between what is held and what is wanted, as far as they can be filled now.

    Nothing is ordered outside the session, nor while an order works in the instrument, nor what adds risk while there
    is a halt. Options go first. The hedge of
    an underlying whose options are traded now waits for the next time, which their fills bring: it would be sized for a
    position that is about to change.
    """
    if state.session is None or not state.session.is_open(time):
        return []
    wanted = latest_targets(targets)
    busy = state.instruments_working()
    traded: set[int] = set()  # underlyings whose options are
    orders: list[Order] = []
    for instrument in sorted(wanted, key=lambda number: (number in state.underlyings, number)):
        if instrument in busy or instrument in traded:
            continue
        if state.halts and adds_risk(state, wanted[instrument]):
            continue
        distance = wanted[instrument].quantity - state.portfolio.quantity(instrument)
        if size := fillable(state, settings, instrument, distance, time):
            orders.append(Order(instrument, size, wanted[instrument].reason))
            traded.add(state.underlying_of[instrument])
    return orders


def adds_risk(state: StrategyState, target: Target) -> bool:
    """Whether a target leads away from holding nothing, or beyond it; a hedge's does not count."""
    held = state.portfolio.quantity(target.instrument)
    return target.reason is not OrderReason.HEDGE and not min(held, 0) <= target.quantity <= max(held, 0)


def fillable(state: StrategyState, settings: Settings, instrument: int, distance: int, time: int) -> int:
    """The signed part of ``distance`` that the last quote can fill now."""
    if distance == 0:
        return 0
    direction = 1 if distance > 0 else -1
    book = state.underlyings[state.underlying_of[instrument]].book
    if (instrument, direction) in book.refused:
        return 0
    if instrument != book.instrument:
        if not book.lists(instrument):
            return 0
        quoted_at = int(book.quote_time[book.row(instrument)])
    elif book.quote_at < book.trade_time:  # bars of trades alone show no size
        return distance if is_fresh(book.trade_time, settings, time) else 0
    else:
        quoted_at = book.quote_at
    if not is_fresh(quoted_at, settings, time):
        return 0
    return direction * min(abs(distance), displayed(book, instrument, direction, settings))
