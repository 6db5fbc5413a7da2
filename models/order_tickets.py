"""LEAN's orders of the core's: sent by themselves or as combinations, changed and canceled by their tickets."""

from math import gcd
from typing import Any

import numpy as np
from AlgorithmImports import Leg, OrderTicket, QCAlgorithm, UpdateOrderFields

from alo_lib.records import OrderType, Records
from models.marshalling import Marshal, combination_tag, order_tag

__all__ = ["amend_order", "send_orders"]


def send_orders(algorithm: QCAlgorithm, marshal: Marshal, intents: Records) -> None:
    """Send what stands in INTENT records that are sent together: an order, or the orders of a combination.

    Live, nothing waits for the broker: what becomes of an order comes as order events.

    :raises JournalError: where another process is known to lead.
    """
    first, live = intents[0], bool(algorithm.live_mode)
    type_, limit = OrderType(first["type"]), float(first["limit"])
    if type_.is_combo:
        _send_combination(algorithm, marshal, intents)
        return
    symbol, quantity = marshal.symbol(int(first["instrument"])), int(first["quantity"])
    number = int(first["order"])
    tag = order_tag(int(first["reason"]), number, marshal.terms.send([number]))
    if type_ is OrderType.OPTION_EXERCISE:
        algorithm.exercise_option(symbol, abs(quantity), live, tag)
    elif type_ is OrderType.LIMIT:
        algorithm.limit_order(symbol, quantity, limit, live, tag)
    else:
        algorithm.market_order(symbol, quantity, live, tag)


def amend_order(algorithm: QCAlgorithm, marshal: Marshal, amendment: np.void) -> None:
    """Change or cancel a working order as an AMENDMENT record says; one that LEAN works no more is left alone.

    :raises JournalError: where another process is known to lead.
    """
    marshal.terms.require_leading()
    number = int(amendment["order"])
    for ticket in algorithm.transactions.get_open_order_tickets(lambda each: _number(marshal, each) == number):
        if amendment["cancel"]:
            ticket.cancel()
        else:
            fields = UpdateOrderFields()
            fields.limit_price = float(amendment["limit"])
            ticket.update(fields)


def _number(marshal: Marshal, ticket: OrderTicket) -> int:
    return marshal.order_of(int(ticket.order_id), ticket.tag, ticket.symbol)


def _send_combination(algorithm: QCAlgorithm, marshal: Marshal, intents: Records) -> None:
    """As many units as all legs are multiples of, bought: LEAN wants the legs of one unit and how many."""
    live, quantities = bool(algorithm.live_mode), intents["quantity"].tolist()
    units = gcd(*quantities)
    symbols = [marshal.symbol(number) for number in intents["instrument"].tolist()]
    legs: list[Any] = [
        Leg.create(symbol, quantity // units) for symbol, quantity in zip(symbols, quantities, strict=True)
    ]
    orders = dict(zip(intents["order"].tolist(), intents["instrument"].tolist(), strict=True))
    tag = combination_tag(int(intents["reason"][0]), orders, marshal.terms.send(orders))
    if intents["type"][0] == OrderType.COMBO_LIMIT:
        algorithm.combo_limit_order(legs, units, float(intents["limit"][0]), live, tag)
    else:
        algorithm.combo_market_order(legs, units, live, tag)
