"""Frames that are followed: what a journal says was decided is done, and nothing is decided.

So a program that decides otherwise comes to what another one has left behind: its trades and why they are closed, what
it sent, its money. Inputs are taken in, forecasts and values made and profits measured as ever.
"""

from typing import Final

import numpy as np

from alo_lib.core import overruling
from alo_lib.core.tasks import Decisions, Work, publish
from alo_lib.executive import Frame
from alo_lib.records import (
    LEGS,
    PROFIT_PARTS,
    RATIOS,
    Kind,
    Message,
    OrderReason,
    OrderType,
    Records,
    TargetStage,
    TradeState,
    legs_and_ratios,
    records,
)
from alo_lib.records.baskets import DISPERSION
from alo_lib.strategy.commands import note_decisions
from alo_lib.strategy.halts import follow_losses
from alo_lib.strategy.profit import Parts, TradeProfit
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["follow", "follow_profits", "nothing"]

_OPEN: Final = (OrderReason.ENTRY, OrderReason.HEDGE, OrderReason.EXTERNAL)
"""Reasons of targets and orders that end no trade."""


def nothing(work: Work, frame: Frame) -> Decisions:
    """In place of a task that decides: :func:`follow` does what all of them came to."""
    return ()


def follow(work: Work, frame: Frame) -> Decisions:
    """Do what was decided in the frame, in the order in which a core does."""
    state, strategy = work.state, work.state.strategy
    _end_trades(strategy, _rows(work, Kind.EXIT))
    signals = _rows(work, Kind.SIGNAL)
    basket = strategy.last_basket + 1
    for row in _rows(work, Kind.ENTRY):
        _open_trade(strategy, row, signals, frame.time, basket)
    for message in _messages(work, Kind.TARGET):
        _take_targets(work, message.records)
    for row in _rows(work, Kind.COMMAND):
        _undo_as_told(strategy, row)
    note_decisions(strategy)
    for row in _rows(work, Kind.COMMAND):
        _take_standing(strategy, row)
    for row in _rows(work, Kind.AMENDMENT):
        strategy.amend(row, frame.time)
    for row in _rows(work, Kind.INTENT):
        _send(strategy, row, frame.time)
    overruling.settle(state)
    follow_losses(strategy, _rows(work, Kind.LIMIT))
    return ()


def follow_profits(work: Work, frame: Frame) -> Decisions:
    """Publish as ever; then profits are what was told of them."""
    told = list(publish(work, frame))
    strategy = work.state.strategy
    for row in _rows(work, Kind.ATTRIBUTION):
        owner = strategy.underlyings.get(int(row["underlying"]))
        if owner is None:
            profit: TradeProfit | None = strategy.account_profit
        else:
            profit = owner.profit.trades.get(int(row["trade"]))
        if profit is not None:
            profit.parts = Parts(*(float(row[part]) for part in PROFIT_PARTS))
            profit.hedges, profit.shares = int(row["hedges"]), float(row["shares"])
            profit.share_fees = float(row["share_fees"])
    return told


def _messages(work: Work, kind: Kind) -> list[Message]:
    return [message for message in work.decided if message.kind is kind]


def _rows(work: Work, kind: Kind) -> Records:
    return np.concatenate([records(kind, 0), *(message.records for message in _messages(work, kind))])


def _trade(strategy: StrategyState, number: int) -> Trade | None:
    return next((trade for trade in strategy.trades if trade.number == number), None)


def _end_trades(strategy: StrategyState, exits: Records) -> None:
    for row in exits:
        trade = _trade(strategy, int(row["trade"]))
        if trade is not None:
            _undo(strategy, trade, OrderReason(row["reason"]))
            strategy.drop_trades([trade])


def _open_trade(strategy: StrategyState, entry: np.void, signals: Records, time: int, basket: int) -> None:
    """The trade of an ENTRY record, on the signal that it was opened on; one that was taken over is there already.

    ``basket`` is the number of the one that is opened in the frame.
    """
    if _trade(strategy, int(entry["trade"])) is not None:
        return
    number, (legs, ratios) = int(entry["underlying"]), legs_and_ratios(entry)
    book = strategy.underlyings[number].book
    expiries = tuple(
        int(book.contracts["expiry"][book.row(leg)]) if book.lists(leg) else int(entry["expiry"]) for leg in legs
    )
    structure, direction = bytes(entry["structure"]).decode(), int(entry["direction"])
    made = Trade(number, structure, legs, ratios, expiries, direction, int(entry["quantity"]), time)
    made.basket = basket if structure == DISPERSION else 0
    for name in made.signal.dtype.names or ():
        if name in (entry.dtype.names or ()):
            made.signal[name] = entry[name]
    same = ("underlying", "structure", "direction", "legs", *LEGS, *RATIOS)
    for signal in signals:
        if all(signal[name] == entry[name] for name in same):
            made.signal[0] = signal
    strategy.last_trade = int(entry["trade"]) - 1
    strategy.open_trades([made])


def _take_targets(work: Work, rows: Records) -> None:
    """What was wanted: why trades are closed that way, and what is told no second time."""
    state, strategy = work.state, work.state.strategy
    if (rows["stage"] == TargetStage.SIZED).all():
        state.told_targets = rows.copy()
    strategy.target_quantities |= dict(zip(rows["instrument"].tolist(), rows["quantity"].tolist(), strict=True))
    for row in rows:
        trade, reason = strategy.trade_with(int(row["instrument"])), OrderReason(row["reason"])
        if trade is not None and not row["quantity"] and reason not in _OPEN:
            _undo(strategy, trade, reason)


def _undo(strategy: StrategyState, trade: Trade, reason: OrderReason) -> None:
    """Close a trade for a reason, which also ends entries in its underlying for the session where the core did so."""
    if trade.undo(reason) and reason is not OrderReason.EXIT_EDGE:
        strategy.block_entries(trade.underlying)


def _undo_as_told(strategy: StrategyState, row: np.void) -> None:
    """Close a trade, or part of it, of which a COMMAND record says so and no target did."""
    trade, wanted = _trade(strategy, int(row["trade"])), int(row["wanted"])
    if trade is None or row["state"] != TradeState.UNDOING:
        return
    if not wanted:
        _undo(strategy, trade, OrderReason.REBALANCE)
    elif wanted < trade.quantity:
        trade.shrink(wanted)


def _take_standing(strategy: StrategyState, row: np.void) -> None:
    trade = _trade(strategy, int(row["trade"]))
    if trade is None:
        return
    progress, standing = trade.progress, TradeState(row["state"])
    if standing is TradeState.COMPLETE:
        progress.complete()
    progress.frames, progress.cost, progress.undo_cost = int(row["frames"]), float(row["cost"]), float(row["undo_cost"])
    progress.told = int(standing), int(row["structures"]), int(row["wanted"])


def _send(strategy: StrategyState, row: np.void, time: int) -> None:
    type_, number = OrderType(row["type"]), int(row["order"])
    limit = float(row["limit"]) if type_.has_limit else None
    quantity, group = int(row["quantity"]), int(row["group"])
    strategy.send(number, int(row["instrument"]), quantity, type=type_, limit=limit, group=group, time=time)
    strategy.last_order = max(strategy.last_order, number)
    trade, reason = strategy.trade_with(int(row["instrument"])), OrderReason(row["reason"])
    if trade is not None and reason not in (*_OPEN, OrderReason.REBALANCE):
        _undo(strategy, trade, reason)
