"""What is told of trades at the end of a frame: which were opened, what is held, where profit came from, what ended."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from alo_lib.records import ACCOUNT_CASH, LAYOUTS, Kind, Records
from alo_lib.strategy.commands import command_rows
from alo_lib.strategy.entries import entry_record
from alo_lib.strategy.profit import TradeProfit, UnderlyingProfit
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["reports"]


def reports(state: StrategyState) -> list[tuple[Kind, Records]]:
    """What came of trades since the last time: ENTRY, COMMAND, POSITION, ATTRIBUTION, EXIT records, each told once."""
    positions, parts = [], []
    for number, underlying in state.underlyings.items():
        profit = underlying.profit
        if underlying.market_news or profit.untold:
            positions += _position_rows(state, number, profit)
            profit.untold = False
        parts += _attribution_rows(number, [*profit.trades.values(), *profit.ended])
        profit.ended = []
    parts += _attribution_rows(ACCOUNT_CASH, [state.account_profit])
    tables = [(Kind.POSITION, _table(Kind.POSITION, positions)), (Kind.ATTRIBUTION, _table(Kind.ATTRIBUTION, parts))]
    tables.insert(0, (Kind.COMMAND, command_rows(state)))
    if state.opened:
        tables.insert(0, (Kind.ENTRY, np.concatenate([entry_record(state, trade) for trade in state.opened])))
    if state.ended:
        tables.append((Kind.EXIT, _table(Kind.EXIT, list(map(_exit_row, state.ended)))))
    state.opened, state.ended = [], []
    return tables


def _table(kind: Kind, rows: Sequence[tuple[float, ...]]) -> Records:
    return np.array(rows, LAYOUTS[kind])


def _exit_row(trade: Trade) -> tuple[float, ...]:
    """Why a trade ended and what was seen of it then; what was settled ended on no market, and so has no figures."""
    seen = None if trade.settled_by is not None else trade.seen
    figures = (math.nan,) * 4
    if seen is not None:
        figures = seen.implied_volatility, seen.forecast_volatility, seen.remaining_gain, seen.remaining_edge
    return trade.number, trade.underlying, trade.ended_by, 0, *figures


def _position_rows(state: StrategyState, number: int, profit: UnderlyingProfit) -> list[tuple[float, ...]]:
    rows: list[tuple[float, ...]] = []
    if shares := state.portfolio.quantity(number):
        rows.append((number, 0, shares, profit.spot, math.nan, 1.0, 0.0, 0.0, 0.0, 0.0, math.nan))
    for instrument, leg in profit.legs.items():
        if (at := leg.mark) is not None:
            greeks = at.delta, at.gamma, at.vega, at.theta, at.rho
            rows.append((instrument, leg.trade, leg.quantity, at.mark, at.implied, *greeks, at.dividend_yield))
    return rows


def _attribution_rows(underlying: int, trades: Iterable[TradeProfit]) -> list[tuple[float, ...]]:
    rows = []
    for trade in trades:
        if trade.changed:
            trade.changed = False
            rows.append(
                (underlying, trade.number, trade.hedges, 0, trade.shares, trade.share_fees, *trade.parts.values)
            )
    return rows
