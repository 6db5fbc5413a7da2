"""Limit orders and combinations by LEAN's rules, on bars whose prices are set here."""

from decimal import Decimal

import pytest

from alo_lib.records import Kind, OrderType, records
from alo_lib.records import OrderStatus as S
from alo_lib.simulation.broker import OrderLeg
from tests.simulation.desk import MINUTE, Desk, at, contract, quote_bar, trade_bar

NOW = at(10)
PUT, CALL = 1, 2
BID, ASK = (2.0, 1.9, 2.1, 2.05), (2.2, 2.1, 2.4, 2.25)  # what a bar's sides took, one after the other


@pytest.fixture
def desk() -> Desk:
    desk = Desk(contract(100.0, -1), contract(100.0, +1))
    desk.trade(NOW, 100.0)
    for option in (PUT, CALL):
        desk.quote(NOW, option, bid=2.0, ask=2.2)
    return desk


def bar(desk: Desk, instrument: int, time: int, bid: tuple[float, ...] = BID, ask: tuple[float, ...] = ASK) -> None:
    row = records(Kind.QUOTE, instrument=instrument, bid=bid[-1], ask=ask[-1], bid_size=10, ask_size=10)
    desk.prices.quote(time, row, quote_bar(bid, ask))


def limit(desk: Desk, instrument: int, quantity: int, price: float, time: int = NOW + 10) -> list[S]:
    events = desk.broker.submit(instrument, quantity, time, intent=1, type=OrderType.LIMIT, limit=price)
    return [event.status for event in events]


@pytest.mark.parametrize(
    ("quantity", "price", "filled"),
    [
        (1, 2.1, None),  # the low of the ask, touched and not passed
        (1, 2.11, "2.11"),
        (1, 2.5, "2.4"),  # beyond the bar: at its worst
        (-1, 2.1, None),  # the high of the bid
        (-1, 2.09, "2.09"),
        (-1, 1.5, "1.9"),
    ],
)
def test_an_option_fills_where_a_bar_after_it_was_sent_went_beyond_its_limit(
    desk: Desk, quantity: int, price: float, filled: str | None
) -> None:
    assert limit(desk, CALL, quantity, price) == [S.SUBMITTED]  # the quote before it fills nothing, however good
    assert desk.broker.scan(NOW + 20) == []
    bar(desk, CALL, NOW + MINUTE)
    events = desk.broker.scan(NOW + MINUTE)
    assert [(each.status, each.quantity, str(each.price)) for each in events] == (
        [] if filled is None else [(S.FILLED, quantity, filled)]
    )


@pytest.mark.parametrize(
    ("quantity", "price", "filled"),
    [(100, 99.5, None), (100, 99.51, "99.51"), (100, 100.2, "100.0"), (-100, 100.4, None), (-100, 99.9, "100.0")],
)
def test_shares_fill_by_trades_at_the_limit_or_at_a_better_opening(
    desk: Desk, quantity: int, price: float, filled: str | None
) -> None:
    assert limit(desk, 0, quantity, price) == [S.SUBMITTED]
    time, prices = NOW + MINUTE, (100.0, 99.5, 100.4, 100.1)
    desk.prices.trade(time, records(Kind.TRADE, instrument=0, close=prices[-1], volume=100), trade_bar(prices))
    events = desk.broker.scan(time)
    assert [Decimal(each.price) for each in events] == ([] if filled is None else [Decimal(filled)])


def test_a_limit_is_rounded_to_the_tick_halves_to_even_and_sets_the_fee(desk: Desk) -> None:
    desk.broker.submit(CALL, 10, NOW + 10, intent=1, type=OrderType.LIMIT, limit=0.085)
    assert desk.broker.orders[0].limit == Decimal("0.08")
    bar(desk, CALL, NOW + MINUTE, ask=(0.07, 0.07))
    (event,) = desk.broker.scan(NOW + MINUTE)
    assert (event.price, event.fee) == (Decimal("0.07"), 10 * Decimal("0.5"))  # by the limit of 8 cents, not the bid


def test_a_change_comes_into_force_with_the_next_bar_and_a_cancel_before_it(desk: Desk) -> None:
    limit(desk, CALL, 1, 1.0)
    assert desk.broker.amend(1, NOW + 20, 2.11) == []
    bar(desk, CALL, NOW + MINUTE)
    assert [each.status for each in desk.broker.scan(NOW + MINUTE)] == [S.UPDATE_SUBMITTED, S.FILLED]
    limit(desk, CALL, 1, 2.11, NOW + MINUTE + 10)
    (pending,) = desk.broker.amend(1, NOW + MINUTE + 20, None)
    assert pending.status is S.CANCEL_PENDING
    bar(desk, CALL, NOW + 2 * MINUTE)
    assert [each.status for each in desk.broker.scan(NOW + 2 * MINUTE)] == [S.CANCELED]
    assert desk.broker.amend(1, NOW + 2 * MINUTE, None) == []  # it is done


def test_what_is_sent_at_the_time_of_a_change_lets_it_meet_the_bar_before(desk: Desk) -> None:
    limit(desk, CALL, 1, 1.0)
    bar(desk, CALL, NOW + MINUTE)
    assert desk.broker.scan(NOW + MINUTE) == []
    desk.broker.amend(1, NOW + MINUTE + 10, 2.5)
    events = desk.broker.submit(PUT, 1, NOW + MINUTE + 10, intent=2)
    assert [(each.intent, each.status) for each in events] == [
        (1, S.UPDATE_SUBMITTED), (1, S.FILLED), (2, S.SUBMITTED), (2, S.FILLED)
    ]  # fmt: skip


def test_a_combination_fills_whole_where_a_unit_costs_less_than_its_limit(desk: Desk) -> None:
    legs = [OrderLeg(CALL, 4, 1), OrderLeg(PUT, -2, 2)]  # two units of two calls bought and one put sold
    cost = 2 * 2.1 - 1.9  # at the lowest of both bars' sides
    for price, statuses in ((round(cost, 2), []), (round(cost + 0.01, 2), [S.FILLED, S.FILLED])):
        time = NOW + 10
        sent = desk.broker.submit_combination(legs, time, type=OrderType.COMBO_LIMIT, limit=price)
        assert [each.status for each in sent] == [S.SUBMITTED, S.SUBMITTED]
        for option in (CALL, PUT):
            bar(desk, option, time + MINUTE)
        events = desk.broker.scan(time + MINUTE)
        assert [each.status for each in events] == statuses
        desk.broker.cancel(CALL, time + MINUTE, "of the test")
    assert [(each.quantity, str(each.price)) for each in events] == [(4, "2.1"), (-2, "1.9")]


def test_a_combination_waits_for_the_leg_that_nobody_trades_and_is_canceled_with_it(desk: Desk) -> None:
    legs = [OrderLeg(CALL, 1, 1), OrderLeg(PUT, 1, 2)]
    desk.broker.submit_combination(legs, NOW + 10, type=OrderType.COMBO_LIMIT, limit=9.0)
    bar(desk, CALL, NOW + MINUTE)
    assert desk.broker.scan(NOW + MINUTE) == []  # the put's last bar is older than the order
    events = desk.broker.cancel(PUT, NOW + 2 * MINUTE, "the option has expired")
    assert [(each.intent, each.status) for each in events] == [(1, S.CANCELED), (2, S.CANCELED)]
    assert desk.broker.open_orders() == {}


def test_a_combination_at_market_fills_at_the_touch_at_once_beyond_what_is_displayed(desk: Desk) -> None:
    desk.quote(NOW, CALL, bid=2.0, ask=2.2, sizes=(1, 1))
    legs = [OrderLeg(CALL, 5, 1), OrderLeg(PUT, -5, 2)]
    events = desk.broker.submit_combination(legs, NOW + 10, type=OrderType.COMBO_MARKET)
    assert [(each.status, each.quantity, each.price) for each in events[2:]] == [
        (S.FILLED, 5, Decimal("2.2")), (S.FILLED, -5, Decimal("2.0"))
    ]  # fmt: skip


def test_a_limit_order_that_the_account_cannot_carry_any_more_ends(desk: Desk) -> None:
    limit(desk, CALL, 400, 2.0)
    desk.account.cash = Decimal(50_000)
    (event,) = desk.broker.scan(NOW + MINUTE)
    assert (event.status, desk.broker.open_orders()) == (S.INVALID, {})
    assert "would need" in event.message


@pytest.mark.parametrize(("type_", "price"), [(OrderType.LIMIT, None), (OrderType.MARKET, 2.0), (OrderType.LIMIT, 0.0)])
def test_limits_that_are_none(desk: Desk, type_: OrderType, price: float | None) -> None:
    with pytest.raises(ValueError, match="limit orders have one that is not 0"):
        desk.broker.submit(CALL, 1, NOW + 10, type=type_, limit=price)
    with pytest.raises(ValueError, match="for two legs are"):
        desk.broker.submit_combination([OrderLeg(CALL, 1)], NOW + 10, type=OrderType.COMBO_MARKET)
