"""Orders and changes of orders as records: numbered, and kept in the ledger as sent."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from alo_lib.records import Kind, OrderReason, OrderType, Records, records
from alo_lib.strategy.state import StrategyState

__all__ = ["Amendment", "Order", "ask", "send"]


class Order(NamedTuple):
    """An order for a signed quantity, and why. Those of one ``combination`` (0: none) are filled together."""

    instrument: int
    quantity: int
    reason: OrderReason
    type: OrderType = OrderType.MARKET
    limit: float | None = None  # price a share, of a combination that of one unit
    combination: int = 0


class Amendment(NamedTuple):
    """Another limit for a working order, or (None) its end; of a combination's first order, for all of it."""

    order: int
    limit: float | None = None


def send(state: StrategyState, orders: Sequence[Order], time: int) -> Records:
    """Number orders, keep them as sent at ``time``, and return their INTENT records."""
    intents = records(Kind.INTENT, len(orders), limit=np.nan)
    first_of: dict[int, int] = {}  # order number by combination
    for row, order in zip(intents, orders, strict=True):
        number = state.last_order + 1
        group = first_of.setdefault(order.combination, number) if order.combination else 0
        row["order"], row["group"], row["instrument"], row["quantity"] = number, group, order.instrument, order.quantity
        row["type"], row["reason"] = order.type, order.reason
        if order.limit is not None:
            row["limit"] = order.limit
        state.new_order(order.instrument, order.quantity, type=order.type, limit=order.limit, group=group, time=time)
    return intents


def ask(state: StrategyState, amendments: Sequence[Amendment], time: int) -> Records:
    """Keep changes as asked for at ``time``, and return their AMENDMENT records."""
    rows = records(Kind.AMENDMENT, len(amendments), limit=np.nan)
    for row, amendment in zip(rows, amendments, strict=True):
        row["order"], row["cancel"] = amendment.order, amendment.limit is None
        row["instrument"] = state.working[amendment.order].instrument
        if amendment.limit is not None:
            row["limit"] = amendment.limit
        state.amend(row, time)
    return rows
