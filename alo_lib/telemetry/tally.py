"""What the messages of a run add up to: orders, book, limits, profit, frames; as a journal tells it."""

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
    *(Kind.ATTRIBUTION, Kind.ENTRY, Kind.EXIT),
)
"""Kinds that tell how a run stands, also those of the processes before this one."""

_HOST_COUNTS = {
    HostEvent.REFUSED: "refused",
    HostEvent.FLOOD: "conflated",
    HostEvent.UNDELIVERED: "undelivered",
}


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
        self._orders: dict[int, int] = {}  # last status by number
        self._profit: dict[tuple[int, int], NDArray[np.float64]] = {}
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
            Kind.EVENT: self._events,
            Kind.OVERRUN: self._overrun,
        }

    def take(self, message: Message) -> None:
        """Count a message of this process, and know what it tells."""
        self.messages[message.kind] += 1
        self.know(message)

    def know(self, message: Message) -> None:
        """Know what a message tells, of whatever process it is."""
        handler = self._handlers.get(message.kind)
        if handler is not None:
            handler(message.records)

    @property
    def orders(self) -> NDArray[np.int64]:
        """How many orders have each status, by its number."""
        return np.bincount(list(self._orders.values()), minlength=max(OrderStatus) + 1).astype(np.int64)

    @property
    def profit(self) -> NDArray[np.float64]:
        """Profit by part over all trades and the account, money."""
        total = np.zeros(len(PROFIT_PARTS))
        for key in sorted(self._profit):
            total += self._profit[key]
        return total

    def _instruments(self, rows: Records) -> None:
        for row in rows[rows["kind"] == InstrumentKind.EQUITY]:
            self.symbols[int(row["instrument"])] = bytes(row["symbol"])

    def _session(self, rows: Records) -> None:
        self.session = int(rows[-1]["open"]), int(rows[-1]["close"])

    def _intents(self, rows: Records) -> None:
        self._orders.update((order, OrderStatus.NEW) for order in rows["order"].tolist())

    def _order_events(self, rows: Records) -> None:
        for order, status in zip(rows["order"].tolist(), rows["status"].tolist(), strict=True):
            if order:
                self._orders[order] = status

    def _exposures(self, rows: Records) -> None:
        for place, underlying in enumerate(rows["underlying"].tolist()):
            self.exposures[underlying] = rows[place : place + 1].copy()

    def _limits(self, rows: Records) -> None:
        self.limits = rows.copy()

    def _attributions(self, rows: Records) -> None:
        for row in rows:
            parts = np.array([row[part] for part in PROFIT_PARTS], np.float64)
            self._profit[int(row["underlying"]), int(row["trade"])] = parts

    def _entries(self, rows: Records) -> None:
        self.trades.update(rows["trade"].tolist())

    def _exits(self, rows: Records) -> None:
        self.trades.difference_update(rows["trade"].tolist())

    def _events(self, rows: Records) -> None:
        for event, quantity in zip(rows["event"].tolist(), rows["quantity"].tolist(), strict=True):
            if (name := _HOST_COUNTS.get(event)) is not None:
                self.counts[name] += int(quantity)
            elif event in (HostEvent.BROKERAGE_DISCONNECT, HostEvent.BROKERAGE_RECONNECT):
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
