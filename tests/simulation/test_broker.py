"""Fills at the touch, partial fills, waiting, refusals."""

import math
from decimal import Decimal

import pytest

from alo_lib.records import OrderStatus as S
from alo_lib.records import OrderType
from tests.simulation.desk import HOUR, MINUTE, Desk, at, contract

NOW = at(10)


@pytest.fixture
def desk() -> Desk:
    desk = Desk(contract(100.0, -1), contract(100.0, +1))
    desk.trade(NOW, 100.0)
    desk.quote(NOW, 2, bid=2.0, ask=2.2, sizes=(5, 4))
    return desk


def statuses(events: list) -> list[S]:
    return [event.status for event in events]


@pytest.mark.parametrize(("quantity", "price"), [(4, "2.2"), (-5, "2.0")])
def test_a_market_order_fills_at_the_touch_at_once(desk: Desk, quantity: int, price: str) -> None:
    events = desk.order(2, quantity, NOW + 10)
    assert statuses(events) == [S.SUBMITTED, S.FILLED]
    assert (events[0].quantity, events[0].price, events[0].fee) == (0, 0, 0)
    assert (events[1].quantity, events[1].price, events[1].time) == (quantity, Decimal(price), NOW + 10)
    assert events[1].fee == abs(quantity) * Decimal("0.65")
    assert desk.holding(2) == quantity
    told = events[1].told().records[0]
    assert (told["order"], told["instrument"], told["price"]) == (1, 2, float(price))


def test_what_exceeds_the_displayed_size_waits_for_the_next_quote(desk: Desk) -> None:
    events = desk.order(2, 10, NOW + 10)
    assert statuses(events) == [S.SUBMITTED, S.PARTIALLY_FILLED]
    assert (events[1].quantity, events[1].fee) == (4, 0)
    assert desk.broker.scan(NOW + MINUTE) == []  # the same quote does not fill it twice
    desk.quote(NOW + 2 * MINUTE, 2, bid=2.1, ask=2.3, sizes=(5, 5))
    (second,) = desk.broker.scan(NOW + 2 * MINUTE)
    assert (second.status, second.quantity, second.price) == (S.PARTIALLY_FILLED, 5, Decimal("2.3"))
    desk.quote(NOW + 3 * MINUTE, 2, bid=2.1, ask=2.4, sizes=(5, 5))
    (last,) = desk.broker.scan(NOW + 3 * MINUTE)
    assert (last.status, last.quantity, last.fee) == (S.FILLED, 1, Decimal("6.50"))
    assert desk.broker.orders[0].average_price == (4 * Decimal("2.2") + 5 * Decimal("2.3") + Decimal("2.4")) / 10
    assert desk.account.fees == Decimal("6.50")
    assert str(last.fee) == "6.5"  # LEAN normalizes an order's fee; totals are written with the decimals left
    assert desk.broker.scan(NOW + 4 * MINUTE) == []


def test_a_size_that_the_data_does_not_give_limits_nothing(desk: Desk) -> None:
    desk.quote(NOW, 1, bid=1.0, ask=1.1, sizes=(0, 0))
    assert statuses(desk.order(1, 50, NOW + 10)) == [S.SUBMITTED, S.FILLED]


def test_an_equity_prefers_a_fresh_quote_to_a_newer_trade(desk: Desk) -> None:
    desk.quote(NOW, 0, bid=99.9, ask=100.1, sizes=(500, 500))
    desk.trade(NOW + 30 * MINUTE, 101.0)
    assert desk.order(0, 100, NOW + 31 * MINUTE)[1].price == Decimal("100.1")
    # once the quote is more than an hour old the trade counts
    assert desk.order(0, 100, NOW + 61 * MINUTE)[1].price == Decimal("101.0")


def test_an_equity_without_quotes_fills_at_the_last_trade_whatever_the_size(desk: Desk) -> None:
    event = desk.order(0, 5000 // 100, NOW + 10)[1]
    assert (event.status, event.price) == (S.FILLED, Decimal("100.0"))


def test_a_stale_quote_makes_an_order_wait_for_a_newer_one(desk: Desk) -> None:
    assert statuses(desk.order(2, 1, NOW + HOUR)) == [S.SUBMITTED, S.FILLED]
    late = NOW + HOUR + MINUTE
    assert statuses(desk.order(2, 1, late)) == [S.SUBMITTED]
    assert desk.broker.scan(late + MINUTE) == []
    desk.quote(late + 2 * MINUTE, 2, bid=2.5, ask=2.6)
    (event,) = desk.broker.scan(late + 2 * MINUTE)
    assert (event.status, event.price, event.time) == (S.FILLED, Decimal("2.6"), late + 2 * MINUTE)


def test_on_hour_bars_an_order_older_than_the_bar_fills_at_its_opening() -> None:
    desk = Desk(contract(100.0, +1), bar=HOUR)
    desk.trade(at(12), 100.0)
    desk.quote(at(10), 1, bid=2.0, ask=2.2)
    assert statuses(desk.order(1, 1, at(12) + 10)) == [S.SUBMITTED]
    desk.quote(at(13), 1, bid=2.5, ask=2.7, opens=(2.3, 2.4))
    assert desk.broker.scan(at(13))[0].price == Decimal("2.7")  # sent while the bar was under way
    assert statuses(desk.order(1, 1, at(14) + HOUR // 2)) == [S.SUBMITTED]
    desk.quote(at(16), 1, bid=3.0, ask=3.2, opens=(2.8, 2.9))
    assert desk.broker.scan(at(16))[0].price == Decimal("2.9")


def test_on_close_orders_fill_at_the_close_and_not_before(desk: Desk) -> None:
    assert statuses(desk.order(2, 3, at(15, 44), OrderType.MARKET_ON_CLOSE)) == [S.SUBMITTED]
    assert statuses(desk.order(0, -7, at(15, 44), OrderType.MARKET_ON_CLOSE)) == [S.SUBMITTED]
    desk.quote(at(15, 59), 2, bid=1.0, ask=1.2, sizes=(1, 1))
    assert desk.broker.scan(at(15, 59)) == []
    desk.trade(at(16), 100.4)
    option, equity = desk.broker.scan(at(16))
    assert (option.quantity, option.price) == (3, Decimal("1.2"))
    assert (equity.quantity, equity.price) == (-7, Decimal("100.4"))


@pytest.mark.parametrize(
    ("instrument", "quantity", "time", "reason"),
    [
        (2, 1, at(9, 29), "closed"),
        (2, 1, at(16), "closed"),
        (1, 1, NOW, "has no price yet"),
        (2, -1000, NOW, "would need 10230000.00 where the account is worth"),
        (0, 5000, NOW, "would need 250000.00 where the account is worth"),
        (2, 500, NOW, "would need 105000.00 where the account is worth 99675.00"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    desk: Desk, instrument: int, quantity: int, time: int, reason: str
) -> None:
    if quantity == -1000:
        desk.quote(NOW, 2, bid=82.0, ask=82.6)
    (event,) = desk.order(instrument, quantity, time)
    assert event.status is S.INVALID
    assert reason in event.message
    assert desk.holding(instrument) == 0
    assert desk.account.cash == 100_000


@pytest.mark.parametrize(("bid", "ask", "quantity", "missing"), [(2.0, math.nan, 1, "ask"), (math.nan, 2.0, -1, "bid")])
def test_a_missing_side_is_no_price(desk: Desk, bid: float, ask: float, quantity: int, missing: str) -> None:
    desk.quote(NOW, 2, bid=bid, ask=ask)
    (event,) = desk.order(2, quantity, NOW)
    assert event.status is S.INVALID
    assert f"has no {missing}" in event.message


def test_what_lowers_the_requirement_is_never_refused() -> None:
    desk = Desk(contract(100.0, +1), cash=1_000.0)
    desk.trade(NOW, 100.0)
    desk.quote(NOW, 1, bid=30.0, ask=31.0)
    desk.hold(1, -1, "1.0")  # the account is worth less than nothing now
    assert desk.account.equity(desk.prices) < 0
    assert statuses(desk.order(1, 1, NOW)) == [S.SUBMITTED, S.FILLED]


@pytest.mark.parametrize(("shares", "status"), [(79, S.FILLED), (80, S.INVALID)])
def test_what_long_options_are_worth_carries_other_positions(shares: int, status: S) -> None:
    desk = Desk(contract(100.0, +1), cash=4_000.0)
    desk.trade(NOW, 100.0)
    desk.quote(NOW, 1, bid=2.95, ask=3.05)
    desk.hold(1, 10, "3.0")  # 1,000 in cash and 3,000 in options, of which a fee of 1 leaves 3,999
    assert desk.order(0, shares, NOW)[-1].status is status


def test_canceled_and_frozen(desk: Desk) -> None:
    desk.order(2, 10, NOW)
    (canceled,) = desk.broker.cancel(2, NOW + 1, "no more")
    assert (canceled.status, canceled.message) == (S.CANCELED, "no more")
    desk.broker.freeze(2)
    assert desk.order(2, 1, NOW + 2)[0].status is S.INVALID
    desk.broker.begin_session(at(9, 30), at(16))
    assert desk.order(2, 1, NOW + 3)[-1].status is S.FILLED


@pytest.mark.parametrize(("quantity", "type"), [(0, OrderType.MARKET), (1, OrderType.STOP_MARKET)])
def test_orders_that_are_none(desk: Desk, quantity: int, type: OrderType) -> None:
    with pytest.raises(ValueError, match="MARKET, LIMIT, MARKET_ON_CLOSE for some quantity"):
        desk.order(2, quantity, NOW, type)
