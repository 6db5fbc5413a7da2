"""Lists that only grow, in snapshots."""

from decimal import Decimal

import pytest

from alo_lib.core import pack, unpack
from alo_lib.records import OrderStatus, OrderType
from alo_lib.simulation.archive import Archive
from alo_lib.simulation.orders import OrderArchive, SimulatedOrder


def order(number: int) -> SimulatedOrder:
    price = Decimal(number)
    return SimulatedOrder(number, number, 1, OrderType.MARKET, 5, number, "entry", price, price, price)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 200])
def test_what_is_packed_comes_back_and_goes_on(count: int) -> None:
    archive = Archive([(n, Decimal(n) / 3) for n in range(count)])
    for _ in range(3):
        assert archive == [(n, Decimal(n) / 3) for n in range(len(archive))]
        archive = unpack(pack(archive))
        assert type(archive) is Archive
        archive.extend((n, Decimal(n) / 3) for n in range(len(archive), len(archive) + 20))


def test_what_is_settled_is_packed_once() -> None:
    asked: list[int] = []

    class Counting(Archive[int]):
        def settled(self, item: int) -> bool:
            asked.append(item)
            return True

    archive = Counting(range(64))
    archive.__reduce_ex__(5)
    archive.extend(range(64, 100))
    archive.__reduce_ex__(5)
    assert asked == list(range(96))


def test_an_open_order_stays_the_one_that_the_broker_holds() -> None:
    orders = OrderArchive(order(n) for n in range(40))
    for each in orders:
        each.happens(each.number, OrderStatus.FILLED, quantity=5, price=each.ask)
    orders[3].status = OrderStatus.PARTIALLY_FILLED
    orders, held = unpack(pack((orders, [orders[3]])))
    assert orders[3] is held[0]
    held[0].happens(9, OrderStatus.FILLED)
    again = unpack(pack(orders))
    assert [each.status for each in again] == [OrderStatus.FILLED] * 40
    assert again == list(orders)
