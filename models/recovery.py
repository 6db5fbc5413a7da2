"""LEAN's object store as the journal's place, and its portfolio as what a restarted core is held against."""

from AlgorithmImports import Market, OptionRight, OptionStyle, QCAlgorithm, Symbol

from alo_lib.core import HostOrder, HostPosition
from alo_lib.journal import OBJECT_STORE_KEY, object_store_key
from alo_lib.market.instruments import Contract
from models.marshalling import Marshal, order_number

__all__ = ["host_orders", "host_positions", "option_symbol", "remove_segments", "stored_segments"]


def stored_segments(algorithm: QCAlgorithm) -> list[bytes]:
    """The segments that an earlier process has left, in order."""
    segments: list[bytes] = []
    while algorithm.object_store.contains_key(key := object_store_key(len(segments))):
        segments.append(bytes(algorithm.object_store.read_bytes(key)))
    return segments


def remove_segments(algorithm: QCAlgorithm) -> None:
    """Begin with an empty journal: a backtest does not depend on what an earlier one has left."""
    keys = [key for key in algorithm.object_store.keys if key.startswith(f"{OBJECT_STORE_KEY}.")]
    for key in sorted(keys):
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
