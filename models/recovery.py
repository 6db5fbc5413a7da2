"""LEAN's object store as the journal's place, and its portfolio as what a restarted core is held against."""

from AlgorithmImports import Market, OptionRight, OptionStyle, QCAlgorithm, Symbol

from alo_lib.core import HostOrder, HostPosition
from alo_lib.journal import OBJECT_STORE_COPY, OBJECT_STORE_KEY, JournalError, best_copy, object_store_key
from alo_lib.market.instruments import Contract
from models.marshalling import Marshal, order_number

__all__ = ["host_orders", "host_positions", "option_symbol", "remove_segments", "save_segment", "stored_segments"]

_COPIES_KEPT = 4
"""Segments that keep a second copy: LEAN has long written the older ones to the disk."""


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
    segments: list[bytes] = []
    while True:
        keys = [object_store_key(len(segments), copy=copy) for copy in (False, True)]
        copies = [bytes(store.read_bytes(key)) for key in keys if store.contains_key(key)]
        if not copies:
            return segments
        segment = best_copy(copies)
        if segment is None:
            raise JournalError(f"{keys[0]} in the object store is damaged, and so is its copy; remove it to begin anew")
        segments.append(segment)


def remove_segments(algorithm: QCAlgorithm) -> None:
    """Begin with an empty journal: a backtest does not depend on what an earlier one has left."""
    ours = tuple(f"{key}." for key in (OBJECT_STORE_KEY, OBJECT_STORE_COPY))
    for key in sorted(key for key in algorithm.object_store.keys if key.startswith(ours)):
        algorithm.object_store.delete(key)


def option_symbol(underlying: Symbol, contract: Contract) -> Symbol:
    """LEAN's symbol of a contract."""
    style = OptionStyle.AMERICAN if contract.american else OptionStyle.EUROPEAN
    right = OptionRight.CALL if contract.right > 0 else OptionRight.PUT
    return Symbol.create_option(underlying, Market.USA, style, right, contract.strike, contract.expiry)


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
