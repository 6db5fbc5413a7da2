"""LEAN's object store as the journal's place, and its portfolio as what a restarted core is held against."""

from AlgorithmImports import QCAlgorithm

from alo_lib.core import TradingCore, pack, program
from alo_lib.journal import (
    OBJECT_STORE_COPY,
    OBJECT_STORE_KEY,
    JournalWriter,
    encode_snapshot,
    object_store_key,
    segments_of,
)
from alo_lib.runtime import HostOrder, HostPosition
from models.marshalling import Marshal, order_number

__all__ = [
    "Keeper",
    "held_names",
    "host_orders",
    "host_positions",
    "remove_segments",
    "save_segment",
    "stored_segments",
    "stored_snapshots",
]

_COPIES_KEPT = 4
"""Segments that keep a second copy: LEAN has long written the older ones to the disk."""
_SNAPSHOT_KEYS = ("alo-snapshot.0", "alo-snapshot.1")
"""In turn, so that one is whole whatever becomes of the other."""
_SNAPSHOT_EVERY = 60_000_000_000
"""Nanoseconds: what has to be decided again after a restart is not much more."""


class Keeper:
    """Keeps a live core's journal, and from time to time its state, in LEAN's object store."""

    def __init__(self, algorithm: QCAlgorithm, core: TradingCore, writer: JournalWriter) -> None:
        self._algorithm = algorithm
        self._core = core
        self._writer = writer
        self._kept = -1  # messages of which all are saved
        self._next_snapshot = 0
        self._turn = 0

    def keep(self, time: int) -> None:
        """Save what has been journaled since, which is all that the next process would find."""
        if self._writer.sequence == self._kept:
            return
        self._kept = self._writer.sequence
        save_segment(self._algorithm, *self._writer.image)
        if time < self._next_snapshot or self._core.in_frame or self._core.owes:
            return
        self._next_snapshot, self._turn = time + _SNAPSHOT_EVERY, 1 - self._turn
        state = encode_snapshot(program(), self._kept, self._writer.checksum, pack(self._core.snapshot()))
        # The stubs ask for a list of numbers; LEAN takes bytes.
        self._algorithm.object_store.save_bytes(_SNAPSHOT_KEYS[self._turn], state)  # type: ignore[arg-type]


def stored_snapshots(algorithm: QCAlgorithm) -> list[bytes]:
    """The states that an earlier process has left; one may be torn, or be of messages that were not saved."""
    store = algorithm.object_store
    return [bytes(store.read_bytes(key)) for key in _SNAPSHOT_KEYS if store.contains_key(key)]


def save_segment(algorithm: QCAlgorithm, number: int, data: bytes) -> None:
    """Keep a segment, whole, as LEAN's object store has values; live twice, because LEAN may be killed writing one."""
    store = algorithm.object_store
    # The stubs ask for a list of numbers; LEAN takes bytes.
    store.save_bytes(object_store_key(number), data)  # type: ignore[arg-type]
    if algorithm.live_mode:
        store.save_bytes(object_store_key(number, copy=True), data)  # type: ignore[arg-type]
        old = object_store_key(number - _COPIES_KEPT, copy=True)
        if number >= _COPIES_KEPT and store.contains_key(old):
            store.delete(old)


def stored_segments(algorithm: QCAlgorithm) -> list[bytes]:
    """The segments that an earlier process has left, in order. Raises JournalError where no copy of one holds."""
    store = algorithm.object_store
    return segments_of(lambda key: bytes(store.read_bytes(key)) if store.contains_key(key) else None)


def remove_segments(algorithm: QCAlgorithm) -> None:
    """Begin with an empty journal: a backtest does not depend on what an earlier one has left."""
    ours = (*(f"{key}." for key in (OBJECT_STORE_KEY, OBJECT_STORE_COPY)), *_SNAPSHOT_KEYS)
    for key in sorted(key for key in algorithm.object_store.keys if key.startswith(ours)):
        algorithm.object_store.delete(key)


def held_names(algorithm: QCAlgorithm) -> list[str]:
    """Names of everything that LEAN holds."""
    return sorted(str(pair.value.symbol.value) for pair in algorithm.portfolio if pair.value.invested)


def host_positions(algorithm: QCAlgorithm, marshal: Marshal) -> tuple[dict[int, HostPosition], list[str]]:
    """LEAN's positions by instrument, and the names of those that the core knows nothing of."""
    known: dict[int, HostPosition] = {}
    others = []
    for pair in algorithm.portfolio:
        holding = pair.value
        if not holding.invested:
            continue
        number = marshal.number_or(holding.symbol, -1)
        if number < 0:
            others.append(str(holding.symbol.value))
        else:
            known[number] = HostPosition(int(holding.quantity), float(holding.average_price))
    return known, sorted(others)


def host_orders(algorithm: QCAlgorithm) -> dict[int, HostOrder]:
    """Orders of ours that LEAN still works, by the core's number."""
    orders = {}
    for order in algorithm.transactions.get_open_orders():
        number = order_number(order.tag)
        if number:
            ticket = algorithm.transactions.get_order_ticket(order.id)
            filled = 0 if ticket is None else int(ticket.quantity_filled)
            price = 0.0 if ticket is None else float(ticket.average_fill_price)
            orders[number] = HostOrder(int(order.quantity) - filled, price)
    return orders
