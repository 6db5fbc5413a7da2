"""LEAN's positions and orders: what a core that goes on is held against."""

from AlgorithmImports import Order, QCAlgorithm

from alo_lib.core import Core
from alo_lib.runtime import HostOrder, HostPosition, reconcile
from models.marshalling import Marshal, order_number
from models.times import utc_nanoseconds

__all__ = ["meet_portfolio", "tell_of_others"]


def meet_portfolio(algorithm: QCAlgorithm, core: Core, marshal: Marshal, findings: list[str]) -> None:
    """Hold a core that went on against LEAN's portfolio and open orders, tell it what differs, and say what was found.

    ``findings`` are what is known of its going on, in sentences.
    """
    time = utc_nanoseconds(algorithm.utc_time)
    positions, others = _positions(algorithm, marshal)
    found = reconcile(core, positions, _orders(algorithm, marshal), time, cash=float(algorithm.portfolio.cash))
    found.findings[:0] = findings
    found.findings += [f"LEAN holds {name}, which the core knows nothing of" for name in others]
    for remark, finding in zip(found.remarks(time), found.findings, strict=True):
        core.remark(remark)
        algorithm.log(f"alo recovery: {finding}")
    for message in found.messages:
        core.accept(message)
    for order in algorithm.transactions.get_open_orders(lambda each: _number(marshal, each) in found.to_cancel):
        algorithm.transactions.cancel_order(order.id)


def tell_of_others(algorithm: QCAlgorithm) -> None:
    """Say what LEAN holds when a core begins with an empty journal."""
    for name in sorted(str(pair.value.symbol.value) for pair in algorithm.portfolio if pair.value.invested):
        algorithm.log(f"alo: LEAN holds {name}, which no journal tells of; it is left alone")


def _positions(algorithm: QCAlgorithm, marshal: Marshal) -> tuple[dict[int, HostPosition], list[str]]:
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


def _number(marshal: Marshal, order: Order) -> int:
    return order_number(order.tag, marshal.number_or(order.symbol, -1))


def _orders(algorithm: QCAlgorithm, marshal: Marshal) -> dict[int, HostOrder]:
    """Orders of ours that LEAN still works, by the core's number."""
    orders = {}
    for order in algorithm.transactions.get_open_orders():
        number = _number(marshal, order)
        if number:
            ticket = algorithm.transactions.get_order_ticket(order.id)
            filled = 0 if ticket is None else int(ticket.quantity_filled)
            price = 0.0 if ticket is None else float(ticket.average_fill_price)
            orders[number] = HostOrder(int(order.quantity) - filled, price)
    return orders
