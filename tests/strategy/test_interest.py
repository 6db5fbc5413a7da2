"""Interest and borrow fees, counted by hand."""

import datetime as dt
from decimal import Decimal

import pytest

from alo_lib.records import ACCOUNT_CASH, Kind
from alo_lib.settings import Settings
from alo_lib.strategy.interest import Accrual, AccrualSpan, borrow_fee, interest_on_cash

SETTINGS = Settings()
BENCHMARK = 0.055


@pytest.mark.parametrize(
    ("dates", "days"),
    [
        (("2024-01-10", "2024-01-11"), 1),
        (("2024-01-05", "2024-01-08"), 3),  # a weekend
        (("2024-01-12", "2024-01-16"), 4),  # a weekend and a holiday
        (("2024-03-08", "2024-03-11"), 3),  # in which clocks go forward: 71 hours
        (("2024-11-01", "2024-11-04"), 3),  # and back: 73 hours
        (("2024-02-28", "2024-03-01"), 2),  # over a leap day
    ],
)
def test_calendar_days_accrue_whatever_the_clock_does(dates: tuple[str, str], days: int) -> None:
    first, second = map(dt.date.fromisoformat, dates)
    accrual = Accrual()
    assert accrual.span(first, BENCHMARK).days == 0
    assert accrual.span(second, BENCHMARK) == (days, BENCHMARK)
    assert accrual.span(second, BENCHMARK).days == 0


def test_the_rate_of_a_span_is_that_of_its_beginning() -> None:
    accrual = Accrual()
    friday = dt.date(2007, 8, 17)
    accrual.span(friday, 0.0625)
    assert accrual.span(friday + dt.timedelta(3), 0.0575) == (3, 0.0625)
    assert accrual.span(friday + dt.timedelta(4), 0.0525) == (1, 0.0575)


@pytest.mark.parametrize(
    ("cash", "shorts", "days", "amount", "rate"),
    [
        (100_000.0, [], 1, "13.89", "0.05"),  # 100,000 x 5 % / 360 = 13.888...
        (100_000.0, [], 4, "55.56", "0.05"),  # 55.555...
        (100_000.0, [30_000.0, 10_000.0], 3, "25.00", "0.05"),  # 60,000 x 5 % x 3 / 360
        (-50_000.0, [], 1, "-9.72", "0.07"),  # -50,000 x 7 % / 360 = -9.722...
        (30_000.0, [40_000.0], 3, "-5.83", "0.07"),  # the lender is owed 10,000 more: -5.8333...
        (36.0, [], 1, "0.00", "0.05"),  # half a cent, to the even one
        (108.0, [], 1, "0.02", "0.05"),  # a cent and a half, too
        (-36.0, [], 1, "-0.01", "0.07"),  # -0.7 cents
        (0.0, [], 3, "0.00", "0.05"),
    ],
)
def test_interest_on_cash(cash: float, shorts: list[float], days: int, amount: str, rate: str) -> None:
    booking = interest_on_cash(cash, shorts, AccrualSpan(days, BENCHMARK), SETTINGS)
    assert booking == (ACCOUNT_CASH, days, Decimal(amount), Decimal(rate))


def test_cash_earns_nothing_where_the_benchmark_is_below_the_spread() -> None:
    booking = interest_on_cash(1e6, [], AccrualSpan(3, 0.0025), SETTINGS)
    assert (booking.amount, booking.rate) == (0, 0)
    owed = interest_on_cash(-1e6, [], AccrualSpan(3, 0.0025), SETTINGS)
    assert owed.amount == Decimal("-145.83")  # 1,000,000 x 1.75 % x 3 / 360
    assert interest_on_cash(1e6, [], AccrualSpan(3, BENCHMARK), Settings(cash_spread=1)).amount == 0


@pytest.mark.parametrize(
    ("value", "days", "amount"),
    [(40_000.0, 1, "-0.28"), (40_000.0, 3, "-0.83"), (123_456.78, 4, "-3.43"), (0.0, 3, "0.00")],
)
def test_borrowed_shares_cost_a_fee_on_their_value(value: float, days: int, amount: str) -> None:
    booking = borrow_fee(2, value, AccrualSpan(days, BENCHMARK), SETTINGS)
    assert booking == (2, days, Decimal(amount), Decimal("0.0025"))


def test_settings_say_how_much() -> None:
    settings = Settings(cash_spread=0.01, debit_spread=0.02, borrow_fee=0.36)
    span = AccrualSpan(2, 0.04)
    assert interest_on_cash(36_000.0, [], span, settings).amount == 6  # 36,000 x 3 % x 2 / 360
    assert interest_on_cash(-36_000.0, [], span, settings).amount == -12
    assert borrow_fee(0, 36_000.0, span, settings).amount == -72


def test_the_core_is_told_what_was_booked() -> None:
    message = borrow_fee(2, 40_000.0, AccrualSpan(3, BENCHMARK), SETTINGS).told(77)
    assert (message.kind, message.time) == (Kind.INTEREST, 77)
    assert message.records[0].tolist() == (2, 3, -0.83, 0.0025)
