"""What the messages of a run add up to: orders, book, limits, profit, frames; as a journal tells it.

It is asked at the end of every frame, so what is asked for costs the same however long the run has been.
"""

from collections.abc import Hashable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.executive import Cause, OverrunPolicy
from alo_lib.records import (
    PROFIT_PARTS,
    HostEvent,
    InstrumentKind,
    Kind,
    Message,
    OrderStatus,
    Records,
    records,
)
from alo_lib.telemetry.layout import MOST_TASKS_SHOWN, OVERRUN_CAUSES

__all__ = ["STANDING", "Tally"]

STANDING = (
    *(Kind.INSTRUMENT, Kind.SESSION, Kind.INTENT, Kind.ORDER_EVENT, Kind.EXPOSURE, Kind.LIMIT),
    *(Kind.ATTRIBUTION, Kind.ENTRY, Kind.EXIT, Kind.EVENT),
)
"""Kinds that tell how a run stands, also those of the processes before this one."""

_HOST_COUNTS = {
    HostEvent.REFUSED: "refused",
    HostEvent.FLOOD: "conflated",
}
"""Events whose quantity is counted: records that were not taken in."""

_BLOCK: Final = 256
"""Rows that are summed together."""


class _Sums:
    """Sums of rows that replace each other, by column.

    Rows are summed by blocks, and the blocks' sums then, always in the order in which rows first came: nothing is
    taken away from a sum, so none drifts, and one that was NaN need not stay so.
    """

    def __init__(self, columns: int) -> None:
        self._rows: NDArray[np.float64] = np.zeros((_BLOCK, columns))
        self._blocks: NDArray[np.float64] = np.zeros((1, columns))
        self._places: dict[Hashable, int] = {}
        self._changed: set[int] = set()  # blocks

    def put(self, key: Hashable, row: NDArray[np.float64]) -> None:
        """A row, in the place of the one that ``key`` had."""
        place = self._places.setdefault(key, len(self._places))
        if place == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
            self._blocks = np.concatenate([self._blocks, np.zeros_like(self._blocks)])
        self._rows[place] = row
        self._changed.add(place // _BLOCK)

    @property
    def total(self) -> NDArray[np.float64]:
        """The sums of all rows."""
        for block in self._changed:
            self._blocks[block] = self._rows[block * _BLOCK : (block + 1) * _BLOCK].sum(axis=0)
        self._changed.clear()
        total: NDArray[np.float64] = self._blocks.sum(axis=0)
        return total


class Tally:
    """Takes messages in, in their order. ``tasks`` are the schedule's, by name."""

    def __init__(self, tasks: tuple[str, ...]) -> None:
        self.messages: NDArray[np.int64] = np.zeros(max(Kind) + 1, np.int64)
        self.counts = dict.fromkeys(("late", "refused", "conflated", "undelivered"), 0)
        self.overruns: NDArray[np.int64] = np.zeros((MOST_TASKS_SHOWN, len(OVERRUN_CAUSES)), np.int64)
        self.degraded: NDArray[np.int64] = np.zeros(MOST_TASKS_SHOWN, np.int64)
        self.skipped: NDArray[np.int64] = np.zeros(MOST_TASKS_SHOWN, np.int64)
        self.exposures: dict[int, Records] = {}  # by underlying
        self.limits = records(Kind.LIMIT, 0)
        self.symbols: dict[int, bytes] = {}  # of underlyings
        self.session = (0, 0)
        self.broker = True
        self.trades: set[int] = set()  # open
        self._tasks = {name.encode(): place for place, name in enumerate(tasks)}
        self.orders: NDArray[np.int64] = np.zeros(max(OrderStatus) + 1, np.int64)  # how many have each status
        self._orders: dict[int, int] = {}  # last status by number
        self._profit = _Sums(len(PROFIT_PARTS))  # of each trade, and of each underlying beside trades
        self._handlers = {
            Kind.INSTRUMENT: self._instruments,
            Kind.SESSION: self._session,
            Kind.INTENT: self._intents,
            Kind.ORDER_EVENT: self._order_events,
            Kind.EXPOSURE: self._exposures,
            Kind.LIMIT: self._limits,
            Kind.ATTRIBUTION: self._attributions,
            Kind.ENTRY: self._entries,
            Kind.EXIT: self._exits,
            Kind.EVENT: self._connection,
        }

    def take(self, message: Message) -> None:
        """Count a message of this process, and know what it tells."""
        self.messages[message.kind] += 1
        if message.kind is Kind.EVENT:
            self._count(message.records)
        elif message.kind is Kind.OVERRUN:
            self._overrun(message.records)
        self.know(message)

    def know(self, message: Message) -> None:
        """Know what a message tells of how the run stands, of whatever process it is; nothing is counted."""
        handler = self._handlers.get(message.kind)
        if handler is not None:
            handler(message.records)

    @property
    def profit(self) -> NDArray[np.float64]:
        """Profit by part over all trades and the account, money."""
        return self._profit.total

    def _instruments(self, rows: Records) -> None:
        for row in rows[rows["kind"] == InstrumentKind.EQUITY]:
            self.symbols[int(row["instrument"])] = bytes(row["symbol"])

    def _session(self, rows: Records) -> None:
        self.session = int(rows[-1]["open"]), int(rows[-1]["close"])

    def _intents(self, rows: Records) -> None:
        for order in rows["order"].tolist():
            self._order(order, OrderStatus.NEW)

    def _order_events(self, rows: Records) -> None:
        for order, status in zip(rows["order"].tolist(), rows["status"].tolist(), strict=True):
            if order:
                self._order(order, status)

    def _order(self, order: int, status: int) -> None:
        before = self._orders.get(order)
        if before is not None:
            self.orders[before] -= 1
        self._orders[order] = status
        self.orders[status] += 1

    def _exposures(self, rows: Records) -> None:
        for place, underlying in enumerate(rows["underlying"].tolist()):
            self.exposures[underlying] = rows[place : place + 1].copy()

    def _limits(self, rows: Records) -> None:
        self.limits = rows.copy()

    def _attributions(self, rows: Records) -> None:
        parts = np.stack([rows[part] for part in PROFIT_PARTS], axis=1)
        for place, key in enumerate(zip(rows["underlying"].tolist(), rows["trade"].tolist(), strict=True)):
            self._profit.put(key, parts[place])

    def _entries(self, rows: Records) -> None:
        self.trades.update(rows["trade"].tolist())

    def _exits(self, rows: Records) -> None:
        self.trades.difference_update(rows["trade"].tolist())

    def _count(self, rows: Records) -> None:
        for event, quantity in zip(rows["event"].tolist(), rows["quantity"].tolist(), strict=True):
            if (name := _HOST_COUNTS.get(event)) is not None:
                self.counts[name] += int(quantity)
            self.counts["undelivered"] += event == HostEvent.UNDELIVERED  # an answer, of however many orders

    def _connection(self, rows: Records) -> None:
        for event in rows["event"].tolist():
            if event in (HostEvent.BROKERAGE_DISCONNECT, HostEvent.BROKERAGE_RECONNECT):
                self.broker = event == HostEvent.BROKERAGE_RECONNECT

    def _overrun(self, rows: Records) -> None:
        for row in rows:
            if row["cause"] == Cause.LATE:
                self.counts["late"] += 1
                continue
            place = self._tasks.get(bytes(row["task"]))
            if place is None or place >= MOST_TASKS_SHOWN:
                continue
            self.overruns[place, OVERRUN_CAUSES.index(Cause(row["cause"]))] += 1
            self.degraded[place] += row["policy"] == OverrunPolicy.DEGRADE
            self.skipped[place] += row["policy"] == OverrunPolicy.SKIP
