from dataclasses import replace

from alo_lib.journal import order_digest, orders_of
from alo_lib.records import InstrumentTable, Kind, Message, OrderReason, OrderStatus, OrderType, records


def event(order: int, quantity: int, price: float, fee: float, status: OrderStatus, type_: int = 0) -> Message:
    columns = {"order": order, "quantity": quantity, "price": price, "fee": fee, "status": status, "type": type_}
    return Message(Kind.ORDER_EVENT, 20, records(Kind.ORDER_EVENT, **columns))


def history() -> list[Message]:
    table = InstrumentTable()
    intent = records(Kind.INTENT, order=1, instrument=0, type=OrderType.MARKET, reason=OrderReason.HEDGE, quantity=-10)
    return [
        Message(Kind.INSTRUMENT, 1, table.add_equity("GOOG")),
        Message(Kind.INTENT, 10, intent),
        event(1, 0, 0.0, 0.0, OrderStatus.SUBMITTED),
        event(1, -4, 100.0, 0.0, OrderStatus.PARTIALLY_FILLED),
        event(1, -6, 101.0, 1.0, OrderStatus.FILLED),
        event(0, 5, 99.0, 0.0, OrderStatus.FILLED, OrderType.OPTION_EXERCISE),
    ]


def test_fills_add_up_to_their_order() -> None:
    sent, made = orders_of(history())
    assert (sent.number, sent.symbol, sent.side, sent.quantity, sent.filled) == (1, "GOOG", "sell", -10, -10)
    assert (sent.time, sent.price, sent.fee, sent.status) == (10, 100.6, 1.0, OrderStatus.FILLED)
    assert sent.tag == "hedge"
    assert (made.number, made.time, made.tag, made.quantity) == (0, 20, "option exercise", 5)


def test_a_single_fill_keeps_its_price_to_the_last_bit() -> None:
    messages = [*history()[:2], event(1, -10, 12.8, 1.95, OrderStatus.FILLED)]
    assert orders_of(messages)[0].price == 12.8


def test_the_digest_sees_every_field_it_names() -> None:
    orders = orders_of(history())
    digest = order_digest(orders)
    changes = [
        {"symbol": "AAPL"},
        {"time": 11},
        {"type": OrderType.LIMIT},
        {"quantity": 10},
        {"price": 100.7},
        {"fee": 1.01},
    ]
    for change in changes:
        assert order_digest([replace(orders[0], **change), orders[1]]) != digest  # type: ignore[arg-type]
    assert order_digest(orders[::-1]) != digest
    assert order_digest([replace(orders[0], tag="another"), orders[1]]) == digest
