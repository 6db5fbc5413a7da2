"""Expiry, exercise, assignment, splits and dividends."""

import datetime as dt
from decimal import Decimal

import pytest

from alo_lib.records import OrderStatus, OrderType
from alo_lib.simulation import TradeBuilder
from tests.simulation.desk import DAY, HOUR, MINUTE, Desk, at, contract

CLOSE = at(16)
MIDNIGHT = at(0, day=DAY + dt.timedelta(days=1))


@pytest.mark.parametrize(
    ("right", "held", "spot", "shares", "win", "message"),
    [
        # exercised: buys
        (+1, 2, 103.0, 200, True, "Automatic Exercise. Underlying: 103.0000. Loss: -400.0"),
        # exercised, yet it paid more than it got
        (+1, 2, 101.0, 200, False, "Automatic Exercise. Underlying: 101.0000. Loss: -400.0"),
        # exercised: sells
        (-1, 2, 97.0, -200, True, "Automatic Exercise. Underlying: 97.0000. Loss: -400.0"),
        # assigned: delivers, takes
        (+1, -2, 103.0, -200, False, "Assigned. Underlying: 103.0000. Profit: +400.0"),
        (-1, -2, 97.0, 200, False, "Assigned. Underlying: 97.0000. Profit: +400.0"),
        # a cent is enough, less is not
        (+1, 2, 100.01, 200, False, "Automatic Exercise. Underlying: 100.0100. Loss: -400.0"),
        (+1, 2, 100.0, 0, False, "OTM. Underlying: 100.0000. Loss: -400.0"),
        (-1, 2, 100.004, 0, False, "OTM. Underlying: 100.0040. Loss: -400.0"),
        # worthless
        (-1, -2, 101.0, 0, True, "OTM. Underlying: 101.0000. Profit: +400.0"),
        # assigned, yet it got more than it paid
        (+1, -2, 101.0, -200, True, "Assigned. Underlying: 101.0000. Profit: +400.0"),
    ],
)
def test_expiry(right: int, held: int, spot: float, shares: int, win: bool, message: str) -> None:
    desk = Desk(contract(100.0, right))
    desk.hold(1, held, "2.0")
    desk.trade(CLOSE, spot)
    assert desk.settlement.expire(CLOSE - MINUTE) == []
    cash = desk.account.cash
    events = desk.settlement.expire(MIDNIGHT)
    assert all(event.time == MIDNIGHT for event in events)
    assert (events[0].message, desk.broker.orders[-1].tag) == (message, "")
    assert [event.type for event in events] == [OrderType.OPTION_EXERCISE] * (2 if shares else 1)
    assert (events[0].instrument, events[0].quantity, events[0].price, events[0].fee) == (1, -held, 0, 0)
    assert all(event.status is OrderStatus.FILLED and event.intent == 0 for event in events)
    if shares:
        assert (events[1].instrument, events[1].quantity, events[1].price) == (0, shares, Decimal("100.0"))
    assert (desk.holding(0), desk.holding(1)) == (shares, 0)
    assert desk.account.cash == cash - shares * 100
    assert events[0].is_assignment == (held < 0 and shares != 0)
    assert desk.account.profits[-1].is_win is win
    assert desk.settlement.expire(MIDNIGHT + MINUTE) == []


def test_expiry_cancels_what_waits() -> None:
    desk = Desk(contract(100.0, +1))
    desk.trade(at(15), 105.0)
    desk.quote(at(15), 1, bid=5.0, ask=5.2, sizes=(1, 1))
    desk.order(1, 2, at(15))
    events = desk.settlement.expire(MIDNIGHT)
    assert [event.status.name for event in events] == ["FILLED", "FILLED", "CANCELED"]
    assert desk.holding(0) == 100


def test_what_expires_at_one_time_is_settled_by_symbol() -> None:
    """OSI symbols put calls before puts; the numbers, and what the dictionary holds, go by strike."""
    desk = Desk(*(contract(strike, right) for strike in (95.0, 105.0) for right in (-1, +1)))
    desk.trade(CLOSE, 100.0)
    for number in (4, 1, 2, 3):
        desk.hold(number, 1, "2")
    settled = [event for event in desk.settlement.expire(MIDNIGHT) if event.instrument]
    assert [desk.listing[event.instrument].symbol[12:] for event in settled] == [
        "C00095000",
        "C00105000",
        "P00095000",
        "P00105000",
    ]


def assignable(right: int, spot: float, *, days: int, held: int = -1, american: bool = True) -> Desk:
    desk = Desk(contract(100.0, right, expiry=DAY + dt.timedelta(days=days), american=american))
    desk.hold(1, held, "3.0")
    desk.trade(at(10), spot)
    desk.quote(at(10), 1, bid=abs(spot - 100.0) - 0.1, ask=abs(spot - 100.0) + 0.1)
    return desk


@pytest.mark.parametrize(
    ("right", "spot", "days", "held", "assigned"),
    [
        (+1, 106.0, 4, -1, True),
        (-1, 94.0, 4, -1, True),
        (+1, 105.0, 4, -1, False),  # not beyond 5 % of the underlying
        (+1, 94.0, 4, -1, False),
        (+1, 106.0, 5, -1, False),  # too long to live
        (+1, 106.0, 4, +1, False),  # long positions are ours to exercise
    ],
)
def test_deep_short_options_are_assigned_shortly_before_expiry(
    right: int, spot: float, days: int, held: int, assigned: bool
) -> None:
    desk = assignable(right, spot, days=days, held=held)
    events = desk.settlement.assign(at(10))
    assert bool(events) is assigned
    if assigned:
        assert desk.holding(0) == -right * 100
        assert events[0].is_assignment


def test_an_assignment_cancels_what_waits() -> None:
    desk = assignable(+1, 110.0, days=2, held=-3)
    desk.quote(at(10), 1, bid=10.0, ask=10.2, sizes=(1, 1))
    assert [event.status.name for event in desk.order(1, 2, at(10))] == ["SUBMITTED", "PARTIALLY_FILLED"]
    events = desk.settlement.assign(at(10))
    assert [event.status.name for event in events] == ["CANCELED", "FILLED", "FILLED"]
    assert (events[0].time, events[0].message) == (at(10), "the option was assigned")
    assert (desk.holding(1), desk.holding(0)) == (0, -200)


@pytest.mark.parametrize(("bid", "assigned"), [(999.0, True), (1003.0, False)])
@pytest.mark.parametrize(("right", "touch"), [(+1, 110.0), (-1, 90.0)])
def test_only_a_bid_a_hundredfold_the_worth_keeps_an_option_from_being_assigned(
    right: int, touch: float, bid: float, assigned: bool
) -> None:
    """LEAN counts the multiplier twice on the exercised side, at the side of the underlying that it trades."""
    desk = assignable(right, 100.0 + 10.5 * right, days=2)
    bid_of, ask_of = (touch, touch + 1.0) if right > 0 else (touch - 1.0, touch)
    desk.quote(at(10), 0, bid=bid_of, ask=ask_of)
    desk.quote(at(10), 1, bid=bid, ask=bid + 0.2)
    assert bool(desk.settlement.assign(at(10))) is assigned


def test_assignments_at_one_time_follow_leans_securities() -> None:
    """A contract that comes back takes the place that was freed last; places go before numbers."""
    later = DAY + dt.timedelta(days=3)
    desk = Desk(*(contract(strike, +1, expiry=later) for strike in (70.0, 80.0, 90.0)))
    desk.settlement.begin_session([3])  # frees 70's place, then 80's
    desk.settlement.begin_session([1, 2, 3])  # 70 comes first and takes 80's
    desk.trade(at(10), 100.0)
    for number, strike in ((1, 70.0), (2, 80.0), (3, 90.0)):
        desk.quote(at(10), number, bid=99.9 - strike, ask=100.1 - strike)
        desk.hold(number, -1, "3.0")
    assert [event.instrument for event in desk.settlement.assign(at(10)) if event.instrument] == [2, 1, 3]


def test_european_options_are_assigned_on_their_last_day_alone() -> None:
    assert not assignable(+1, 110.0, days=1, american=False).settlement.assign(at(10))
    assert assignable(+1, 110.0, days=0, american=False).settlement.assign(at(10))


def test_assignment_is_looked_for_once_an_hour() -> None:
    desk = assignable(+1, 101.0, days=4)
    assert desk.settlement.assign(at(10, 1)) == []
    desk.trade(at(10, 30), 110.0)
    assert desk.settlement.assign(at(10, 30)) == []
    assert desk.settlement.assign(at(11))


@pytest.mark.parametrize(("bar", "sent"), [(MINUTE, at(15, 44)), (HOUR, at(15))])
def test_options_are_liquidated_on_the_close_before_a_split(bar: int, sent: int) -> None:
    later = DAY + dt.timedelta(days=30)
    desk = Desk(contract(100.0, -1, expiry=later), contract(100.0, +1, expiry=later), bar=bar)
    desk.trade(at(10), 100.0)
    desk.quote(at(10), 1, bid=2.0, ask=2.2)
    desk.quote(sent, 2, bid=2.0, ask=2.2, sizes=(1, 1))
    desk.hold(1, -3, "2.0")
    desk.hold(2, 5, "2.0")
    desk.settlement.warn_of_split(0)
    assert desk.settlement.liquidate_before_split(sent - bar, CLOSE) == []
    desk.broker.submit(2, -2, sent)  # half of it waits
    events = desk.settlement.liquidate_before_split(sent, CLOSE)
    assert [(event.instrument, event.ordered, event.status.name) for event in events] == [
        (2, -2, "CANCELED"),  # LEAN goes by symbol: calls come first
        (2, -4, "SUBMITTED"),
        (1, 3, "SUBMITTED"),
    ]
    assert desk.settlement.liquidate_before_split(sent + bar, CLOSE) == []
    assert desk.broker.submit(2, 1, sent)[0].status is OrderStatus.INVALID
    desk.quote(CLOSE, 1, bid=1.9, ask=2.1)
    desk.quote(CLOSE, 2, bid=1.9, ask=2.1)
    fills = desk.broker.scan(CLOSE)
    assert [(fill.instrument, fill.quantity, fill.price) for fill in fills] == [
        (2, -4, Decimal("1.9")),
        (1, 3, Decimal("2.1")),
    ]
    assert (desk.holding(1), desk.holding(2)) == (0, 0)


def test_a_split_restates_shares_prices_and_open_trades() -> None:
    desk = Desk()
    desk.trade(at(16), 651.0)
    trades = TradeBuilder(desk.listing)
    trades.fill(desk.order(0, 100, at(15))[1])
    desk.settlement.split(0, 0.1428571429)  # what a factor file has for 1/7
    trades.split(0, Decimal("0.1428571429"))
    assert desk.holding(0) == 699  # a whole share short, as in LEAN; its value is in cash
    assert desk.prices.price(0) == pytest.approx(Decimal("93.0"), abs=Decimal("0.0001"))
    assert desk.account.equity(desk.prices) == pytest.approx(Decimal(100_000) - 1, abs=Decimal("0.001"))
    desk.trade(at(16) + MINUTE, 94.0)
    desk.broker.begin_session(at(9, 30), at(20))
    trades.fill(desk.order(0, -699, at(17))[1])
    assert trades.closed[0].profit == pytest.approx(Decimal(699), abs=Decimal("0.01"))


def test_dividends_follow_the_position() -> None:
    desk = Desk()
    desk.hold(0, 50, "10")
    cash = desk.account.cash
    desk.settlement.dividend(0, 0.47)
    assert desk.account.cash == cash + Decimal("23.5")
