"""LEAN's positions and orders: what a core that goes on is held against."""

from collections.abc import Mapping, Sequence

from AlgorithmImports import Order, QCAlgorithm, Symbol

from alo_lib.core import Core
from alo_lib.records import OrderType
from alo_lib.runtime import HostOrder, HostPosition, reconcile
from alo_lib.runtime.order_matching import Matching, TaglessOrder, WorkingOrder, match_orders
from alo_lib.runtime.settlements import Listed
from alo_lib.settings import SettingsError
from models.broker_orders import broker_identifiers, name_of_order, shown_tag
from models.marshalling import Marshal, order_term
from models.times import utc_nanoseconds

__all__ = ["held_contracts", "look_at_foreign_positions", "meet_portfolio"]


def meet_portfolio(
    algorithm: QCAlgorithm,
    core: Core,
    marshal: Marshal,
    findings: list[str],
    *,
    identifiers: Mapping[str, int] | None = None,
    cancels: bool = True,
    said: Sequence[str] = (),
    listed: Listed | None = None,
) -> Sequence[str]:
    """Hold a core that went on against LEAN's portfolio and open orders, tell it what differs, and say what was found.

    ``findings`` are what is known of its going on, in sentences. An order without a tag is known by the broker's
    ``identifiers``, with our numbers, or by what it is; one that may be several of ours is canceled, or left to people.
    What was ``said`` the last time is not said again. By the terms of what is ``listed`` it is told what was settled
    while nobody listened; foreign positions become trades where its settings take them over. Orders of ours that were
    sent by a process that led no more are canceled. Returns what was found.

    :raises JournalError: where this process leads no more.
    """
    time = utc_nanoseconds(algorithm.utc_time)
    fenced = _fenced(algorithm, marshal)
    positions, others = _positions(algorithm, marshal)
    orders = _orders(algorithm, marshal)
    matching = _matched(algorithm, core, marshal, orders, {} if identifiers is None else identifiers)
    unsure = {number for numbers in matching.unsure.values() for number in numbers}
    cash, take_over = float(algorithm.portfolio.cash), core.settings.take_over
    found = reconcile(core, positions, orders, time, cash=cash, unsure=unsure, listed=listed, take_over=take_over)
    found.findings[:0] = [*findings, *matching.findings]
    found.findings += [f"LEAN holds {name}, which the core knows nothing of" for name in others]
    what = "it is canceled" if cancels else "it is left to you: cancel it, or let it be filled"
    found.findings += [
        f"LEAN's order {host} has no tag and may be order {' or '.join(map(str, numbers))}: {what}"
        for host, numbers in matching.unsure.items()
    ]
    found.findings += fenced.values()
    if found.findings != list(said):
        for remark, finding in zip(found.remarks(time), found.findings, strict=True):
            core.remark(remark)
            algorithm.log(f"alo recovery: {finding}")
    for message in found.messages:
        core.accept(message)
    to_cancel = set(matching.unsure) if cancels else set[int]()
    to_cancel.update(fenced.keys() - marshal.fenced)
    for order in algorithm.transactions.get_open_orders(lambda each: _number(marshal, each) in found.to_cancel):
        to_cancel.add(int(order.id))
    marshal.fenced.update(fenced)
    for host in sorted(to_cancel):
        algorithm.transactions.cancel_order(host)
    return found.findings


def look_at_foreign_positions(algorithm: QCAlgorithm, marshal: Marshal, *, take_over: bool) -> None:
    """See to foreign positions, which LEAN holds as a core begins a journal; those of other underlyings are left alone.

    :raises SettingsError: where it holds what the core would trade, and does not ``take_over``.
    """
    ours: list[str] = []
    others: list[str] = []
    for pair in algorithm.portfolio:
        symbol = pair.value.symbol
        if pair.value.invested:
            underlying = symbol.underlying if symbol.has_underlying else symbol
            known = marshal.number_or(underlying, -1) >= 0
            (ours if known else others).append(str(symbol.value))
    for name in sorted(others):
        algorithm.log(f"alo: LEAN holds {name}, which no journal tells of; it is left alone")
    if ours and not take_over:
        raise SettingsError(
            f"the account holds {', '.join(sorted(ours))}, which no journal knows: set take-over to true to take it "
            "over as trades of the book, or close it first"
        )


def held_contracts(algorithm: QCAlgorithm, underlying: Symbol) -> list[Symbol]:
    """Contracts of an underlying that LEAN holds, by symbol."""
    held = [pair.value.symbol for pair in algorithm.portfolio if pair.value.invested]
    ours = [symbol for symbol in held if symbol.has_underlying and symbol.underlying == underlying]
    return sorted(ours, key=lambda symbol: str(symbol.value))


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
    return marshal.order_of(int(order.id), order.tag, order.symbol)


def _left(algorithm: QCAlgorithm, order: Order) -> HostOrder:
    ticket = algorithm.transactions.get_order_ticket(order.id)
    filled = 0 if ticket is None else int(ticket.quantity_filled)
    price = 0.0 if ticket is None else float(ticket.average_fill_price)
    return HostOrder(int(order.quantity) - filled, price)


def _fenced(algorithm: QCAlgorithm, marshal: Marshal) -> dict[int, str]:
    """Sentences by LEAN's number of orders that it works and whose term had ended when they were sent."""
    found = {}
    for order in algorithm.transactions.get_open_orders():
        marshal.terms.look(order_term(order.tag), name_of_order(order))
        if int(order.id) not in marshal.lost and marshal.is_fenced(order.tag, order.symbol):
            found[int(order.id)] = (
                f"LEAN's order {int(order.id)}, {shown_tag(order.tag)}, was sent by a process that led no more: "
                f"this is term {marshal.terms.now}; it is canceled"
            )
    return found


def _orders(algorithm: QCAlgorithm, marshal: Marshal) -> dict[int, HostOrder]:
    """Orders of ours that LEAN still works and that say so, by the core's number."""
    orders = {}
    for order in algorithm.transactions.get_open_orders():
        number = _number(marshal, order)
        if number and int(order.id) not in marshal.lost:
            orders[number] = _left(algorithm, order)
    return orders


def _matched(
    algorithm: QCAlgorithm,
    core: Core,
    marshal: Marshal,
    orders: dict[int, HostOrder],
    identifiers: Mapping[str, int],
) -> Matching:
    """Find orders of ours among those without a tag; what is found joins ``orders`` and is known from then on."""
    open_orders = {int(order.id): order for order in algorithm.transactions.get_open_orders()}
    tagless = [
        TaglessOrder(
            host,
            broker_identifiers(order),
            marshal.number_or(order.symbol, -1),
            OrderType(int(order.type)),
            _left(algorithm, order).remaining,
        )
        for host, order in open_orders.items()
        if not (order.tag or "").strip() and not _number(marshal, order)
    ]
    types = core.order_types
    working = {
        number: WorkingOrder(instrument, types[number], remaining)
        for number, (instrument, remaining) in core.orders_working.items()
        if number not in orders
    }
    matching = match_orders(tagless, working, identifiers)
    for host, number in matching.numbers.items():
        marshal.give_back(host, number)
        orders[number] = _left(algorithm, open_orders[host])
    return matching
