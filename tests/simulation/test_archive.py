"""Lists that only grow, in snapshots."""

from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from alo_lib.core import SnapshotError, pack, unpack
from alo_lib.core.columns import column_of
from alo_lib.core.streams import Streams
from alo_lib.records import OrderStatus, OrderType
from alo_lib.simulation import engine
from alo_lib.simulation.archive import Archive
from alo_lib.simulation.orders import OrderArchive, SimulatedOrder

Row = tuple[int, Decimal]


class Held(NamedTuple):
    rows: Archive[Row]


def order(number: int) -> SimulatedOrder:
    price = Decimal(number)
    return SimulatedOrder(number, number, 1, OrderType.MARKET, 5, number, "entry", price, price, price)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 200])
def test_what_is_packed_comes_back_and_goes_on(count: int) -> None:
    archive: Archive[Row] = Archive([(n, Decimal(n) / 3) for n in range(count)])
    for _ in range(3):
        assert archive == [(n, Decimal(n) / 3) for n in range(len(archive))]
        archive = unpack(Held, pack(Held(archive))).rows
        assert type(archive) is Archive
        archive.extend((n, Decimal(n) / 3) for n in range(len(archive), len(archive) + 20))


def test_what_is_settled_is_packed_once() -> None:
    asked: list[int] = []

    class Counting(Archive[int]):
        def settled(self, item: int) -> bool:
            asked.append(item)
            return True

    column, archive = Counting.stored_as(int), Counting(range(64))
    column.write([archive], first := Streams())
    archive.extend(range(64, 100))
    column.write([archive], second := Streams())
    assert asked == list(range(96))
    assert second.blobs[:2] == first.blobs[:2]


def test_an_open_order_is_not_settled() -> None:
    orders = OrderArchive(order(n) for n in range(40))
    for each in orders:
        each.happens(each.number, OrderStatus.FILLED, quantity=5, price=each.ask)
    orders[3].status = OrderStatus.PARTIALLY_FILLED
    assert [orders.settled(each) for each in orders] == [place != 3 for place in range(40)]
    again: OrderArchive = unpack(OrderArchive, pack(orders))
    again[3].happens(9, OrderStatus.FILLED)
    last: OrderArchive = unpack(OrderArchive, pack(again))
    assert [each.status for each in last] == [OrderStatus.FILLED] * 40
    assert last == list(again)
    assert last[:3] + last[4:] == orders[:3] + orders[4:]


def test_a_chunk_that_holds_anything_else_is_refused() -> None:
    archive: Archive[Row] = Archive([(n, Decimal(n)) for n in range(40)])
    data = pack(Held(archive))
    chunk = archive._chunks[0]
    at = data.index(chunk)
    for changed in (chunk[:24] + bytes([*chunk[24:-1], 255]), bytes(24) + chunk[24:], b"\1" + chunk[1:]):
        with pytest.raises(SnapshotError, match="a snapshot is no Held"):
            unpack(Held, data[:at] + changed + data[at + len(chunk) :])


@pytest.mark.parametrize("kind", [engine._State, engine._SessionStart])
def test_every_part_of_a_run_can_be_stored(kind: Any) -> None:
    assert column_of(kind).text.startswith(f"{kind.__name__} (")
