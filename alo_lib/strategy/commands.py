"""Trades as commands: what becomes of one that is half executed, how one stands, and what is told of it.

Executing a trade is to order what its legs lack, undoing it to order what is held of them; both go on from frame to
frame. One whose legs are not all filled may be completed for ``leg-patience`` as long as that leaves ``entry-edge``.
Then it is given up, as it is at once where the book may only reduce: no more of it is ordered, what works is canceled,
and once nothing works it is cut to the structures that every leg holds, or undone, as ``incomplete`` says. Whatever is
to be closed stays so until it is.

The trades of a basket are one command: its patience begins with the first fill of any, and where one is given up all
are, cut to the largest basket that is held whole, or undone.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated

import numpy as np

from alo_lib.records import LAYOUTS, SECOND, BookMode, Kind, OrderReason, Records, Stage, TradeState
from alo_lib.settings import Settings
from alo_lib.strategy.baskets import by_basket, largest_size, quantities_at
from alo_lib.strategy.limit_prices import most_for, unit_cost
from alo_lib.strategy.near_close import closes_soon
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["command_rows", "follow_commands", "may_enter", "note_decisions", "state_of", "whole_structures"]


def follow_commands(state: StrategyState, settings: Settings, time: int) -> None:
    """See what has come of each trade, and give up those that are half executed for too long.

    What models of the host execute, or want in a leg, takes its own time.
    """
    working = state.instruments_working()
    theirs = state.external.decides(Stage.EXECUTION)
    for together in by_basket(state.trades):
        for trade in together:
            progress = trade.progress
            if trade.undone_by is None and _is_complete(state, trade, working):
                progress.complete()
            elif trade.undone_by is not None or progress.shrinking:
                _tell_unclosed(state, settings, trade, time)
            elif progress.gave_up or not (theirs or any(leg in state.external.targets for leg in trade.legs)):
                _carry_on(state, settings, trade, together, time, at_work=not working.isdisjoint(trade.legs))
        _settle_given_up(state, settings, together, working)


def may_enter(state: StrategyState, instrument: int) -> bool:
    """Whether more may be opened of what has the instrument as a leg."""
    trade = state.trade_with(instrument)
    return trade is None or (trade.undone_by is None and trade.progress.may_enter)


def note_decisions(state: StrategyState) -> None:
    """Note, before orders are sent, the mids that decisions saw, and that a frame more is spent on each trade.

    A leg that has none is given the first that is told.
    """
    working = state.instruments_working()
    for trade in state.trades:
        progress, standing = trade.progress, state_of(state, trade, working)
        if standing is TradeState.COMPLETE:
            continue
        progress.frames += 1
        mids = progress.exit_mids if standing is TradeState.UNDOING else progress.entry_mids
        book = state.underlyings[trade.underlying].book
        missing = [leg for leg in trade.legs if leg not in mids and book.lists(leg)]
        if missing:
            mid = book.mid()[[book.row(leg) for leg in missing]].tolist()
            mids.update((leg, each) for leg, each in zip(missing, mid, strict=True) if math.isfinite(each))


def state_of(state: StrategyState, trade: Trade, working: set[int]) -> TradeState:
    """How a trade stands, where orders work in some instruments."""
    if trade.finished(state.portfolio, working):
        return TradeState.DONE
    if trade.undone_by is not None or trade.progress.shrinking:
        return TradeState.UNDOING
    return TradeState.COMPLETE if _is_complete(state, trade, working) else TradeState.OPENING


def whole_structures(state: StrategyState, trade: Trade) -> int:
    """The most structures of a trade that every leg is held for."""
    return max(min(state.portfolio.quantity(leg) // count for leg, count in trade.unit.items()), 0)


def command_rows(state: StrategyState) -> Annotated[Records, Kind.COMMAND]:
    """How trades stand, of those that stand otherwise than was last told; those that were let go are done."""
    working = state.instruments_working()
    rows = [row for trade in state.trades for row in _row(state, trade, state_of(state, trade, working))]
    rows += [row for trade in state.ended for row in _row(state, trade, TradeState.DONE)]
    return np.array(rows, LAYOUTS[Kind.COMMAND])


def _row(state: StrategyState, trade: Trade, standing: TradeState) -> Iterable[tuple[float, ...]]:
    progress, whole = trade.progress, whole_structures(state, trade)
    wanted = trade.quantity if trade.undone_by is None else 0
    if progress.told != (standing, whole, wanted):
        progress.told = (int(standing), whole, wanted)
        costs = progress.cost, progress.undo_cost
        yield trade.number, trade.underlying, standing, progress.frames, whole, wanted, *costs


# What is half executed ------------------------------------------------------------------------------------------------


def _is_complete(state: StrategyState, trade: Trade, working: set[int]) -> bool:
    held = all(state.portfolio.quantity(leg) == trade.wanted(leg) for leg in trade.legs)
    return held and working.isdisjoint(trade.legs)


def _carry_on(
    state: StrategyState, settings: Settings, trade: Trade, together: list[Trade], time: int, *, at_work: bool
) -> None:
    """Complete a trade or give it up.

    Its patience begins with the first fill of what is opened ``together``; before, when no limit of it waits. While
    nothing may be ordered at all it does not begin.
    """
    progress = trade.progress
    begun = _any_held(state, together)
    waits = any(order.instrument in trade.legs and order.type.has_limit for order in state.working.values())
    stopped = state.mode is BookMode.HALTED
    if progress.incomplete_since is None or begun is not progress.begun or (waits and not begun) or stopped:
        progress.incomplete_since = time
    progress.begun = begun
    progress.gave_up = progress.gave_up or _is_over(state, settings, trade, time, at_work=at_work)


def _is_over(state: StrategyState, settings: Settings, trade: Trade, time: int, *, at_work: bool) -> bool:
    """Whether the time to complete a trade is over: its patience, or where the book may not add what it lacks.

    Of one that is half executed, or does not wait for a better price any more, the edge counts, too; of one that is
    half executed the end of the session.
    """
    progress, since = trade.progress, trade.progress.incomplete_since
    if state.mode is BookMode.REDUCE_ONLY or (since is not None and time - since >= settings.leg_patience * SECOND):
        return True
    if progress.begun and closes_soon(state, settings, time):
        return True
    missing = {leg: trade.wanted(leg) - state.portfolio.quantity(leg) for leg in trade.legs}
    missing = {leg: count for leg, count in missing.items() if count}
    patient = settings.order_type != "market"
    waited = patient and (
        not state.impatient.keys().isdisjoint(missing) or closes_soon(state, settings, time, settings.limit_patience)
    )
    if at_work or not (progress.begun or waited):
        return False
    return _edge_is_gone(state, settings, trade, missing, time, at_mid=patient and not waited)


def _edge_is_gone(
    state: StrategyState, settings: Settings, trade: Trade, missing: Mapping[int, int], time: int, *, at_mid: bool
) -> bool:
    """Whether what is missing costs too much now, at mid or at the touch; False where the market does not tell."""
    book = state.underlyings[trade.underlying].book
    if not (missing and all(map(book.lists, trade.legs))):
        return False
    cost, most = unit_cost(book, missing, settings, time), most_for(state, settings, trade, missing, time)
    return cost is not None and most is not None and (cost.mid if at_mid else cost.touch) > most


def _settle_given_up(state: StrategyState, settings: Settings, together: list[Trade], working: set[int]) -> None:
    """Where a trade is given up, all are that are opened with it; they are settled once nothing of them works."""
    opening = [trade for trade in together if trade.undone_by is None and not trade.progress.shrinking]
    if not any(trade.progress.gave_up for trade in opening):
        return
    lacking = [trade for trade in opening if not _is_complete(state, trade, working)]
    for trade in lacking:
        trade.progress.gave_up = True
    if all(working.isdisjoint(trade.legs) for trade in opening):
        _settle_incomplete(state, settings, opening, lacking)


def _settle_incomplete(state: StrategyState, settings: Settings, opening: list[Trade], lacking: list[Trade]) -> None:
    """Cut trades that are opened as one, and of which nothing works, to what is held of all, or undo them."""
    wanted, begun = [trade.quantity for trade in opening], _any_held(state, opening)
    whole = [whole_structures(state, trade) for trade in opening]
    size = largest_size(wanted, lambda asked: all(most <= held for most, held in zip(asked, whole, strict=True)))
    if settings.incomplete == "shrink" and size:
        for trade, quantity in zip(opening, quantities_at(size, wanted), strict=True):
            if quantity < trade.quantity or trade in lacking:
                about = f"is cut from {trade.quantity} to {quantity}: legs were not filled"
                _tell_of(state, trade, about)
                trade.shrink(quantity)
        return
    for trade in opening:
        trade.undo(OrderReason.REBALANCE)
        if begun:
            state.block_entries(trade.underlying)
            _tell_of(state, trade, "is undone: legs were not filled")


def _any_held(state: StrategyState, trades: Iterable[Trade]) -> bool:
    return any(state.portfolio.quantity(leg) for trade in trades for leg in trade.legs)


def _tell_of(state: StrategyState, trade: Trade, what: str) -> None:
    ticker = state.underlyings[trade.underlying].book.ticker
    state.notice(trade.underlying, f"{ticker}: trade {trade.number} {what}")


def _tell_unclosed(state: StrategyState, settings: Settings, trade: Trade, time: int) -> None:
    """Tell once what is to be closed and could not be for as long as legs are waited for."""
    progress = trade.progress
    if progress.undoing_since is None:
        progress.undoing_since = time
    if progress.unclosed_told or time - progress.undoing_since < settings.leg_patience * SECOND:
        return
    left = sum(abs(state.portfolio.quantity(leg) - trade.wanted(leg)) for leg in trade.legs)
    if left:
        progress.unclosed_told = True
        ticker = state.underlyings[trade.underlying].book.ticker
        what = f"{left} contract{'s' if left > 1 else ''} of trade {trade.number}"
        state.notice(trade.underlying, f"{ticker}: {what} could not be closed yet")
