"""When the simulated broker books interest, and how the account keeps it."""

import datetime as dt
from decimal import Decimal

from alo_lib.runtime import MarketRecord
from alo_lib.settings import Settings
from alo_lib.simulation.interest import MarginInterest
from tests.simulation.desk import Desk, at

FRIDAY, MONDAY = dt.date(2024, 3, 15), dt.date(2024, 3, 18)


def booked(interest: MarginInterest, told: MarketRecord, day: dt.date) -> list[tuple[int, int, float]]:
    """Instrument, days and money of what is booked at a day's second minute."""
    told.session = day
    messages = interest.scan(told, at(9, 31, day=day))
    assert all(message.time == at(9, 31, day=day) for message in messages)
    rows = [message.records[0] for message in messages]
    return [(int(row["instrument"]), int(row["days"]), float(row["amount"])) for row in rows]


def test_cash_and_short_shares_are_charged_once_a_session_for_the_days_before_it() -> None:
    desk = Desk(cash=90_000.0)
    desk.trade(at(9, 31), 100.0)
    desk.hold(0, -100, "100")
    told = MarketRecord(underlyings={"TEST": 0}, rate=0.055)
    interest = MarginInterest(Settings(), desk.prices, desk.account)
    assert booked(interest, told, FRIDAY) == []
    told.rate = 0.045  # from Monday on
    desk.trade(at(9, 31, day=MONDAY), 160.0)
    # 100,000 less shares of 16,000, at 5 %, and 16,000 at a quarter of a percent, for three days
    assert booked(interest, told, MONDAY) == [(-1, 3, 35.0), (0, 3, -0.33)]
    assert booked(interest, told, MONDAY) == []
    assert desk.account.cash == 100_000 + Decimal("34.67")
    assert (desk.account.interest, desk.account.borrow) == (35, Decimal("-0.33"))
    assert (desk.account.realized, desk.account.fees) == (0, 0)
    # 84,034.67 at 4 % for a day is 9.337; 16,000 at a quarter of a percent 0.111
    assert booked(interest, told, MONDAY + dt.timedelta(1)) == [(-1, 1, 9.34), (0, 1, -0.11)]


def test_nothing_is_booked_before_a_session_is_told_nor_where_it_is_switched_off() -> None:
    desk, told = Desk(), MarketRecord(underlyings={"TEST": 0}, rate=0.055)
    interest = MarginInterest(Settings(), desk.prices, desk.account)
    assert interest.scan(told, at(6)) == []
    off = MarginInterest(Settings(interest=False), desk.prices, desk.account)
    assert booked(off, told, FRIDAY) == booked(off, told, MONDAY) == []
    assert desk.account.cash == 100_000


def test_shares_held_long_cost_no_fee_and_what_paid_for_them_earns_nothing() -> None:
    desk = Desk(cash=100_000.0)
    desk.trade(at(9, 31), 100.0)
    desk.hold(0, 1_200, "100")
    told, interest = (
        MarketRecord(underlyings={"TEST": 0}, rate=0.055),
        MarginInterest(Settings(), desk.prices, desk.account),
    )
    booked(interest, told, FRIDAY)
    assert booked(interest, told, MONDAY) == [(-1, 3, -11.67)]  # 20,000 owed at 7 %
