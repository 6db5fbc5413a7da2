"""Margin cases worked out by hand from the exchange's rules; spot 100, contracts of 100 shares."""

import datetime as dt
from decimal import Decimal

import pytest

from alo_lib.simulation import Instrument, Leg, margin, naked_margin, premium
from tests.simulation.desk import DAY, at

SPOT = Decimal(100)
LATER = DAY + dt.timedelta(days=30)
SHARES = Instrument(0, "TEST", 0, 0, Decimal(0), 1, 0, False)


def option(strike: int, right: int, number: int = 1, expiry: dt.date = DAY) -> Instrument:
    return Instrument(number, "TEST", 0, right, Decimal(strike), 100, at(16, day=expiry), True)


def leg(instrument: Instrument, quantity: int, price: str = "0") -> Leg:
    return Leg(instrument, quantity, Decimal(price))


def total(*legs: Leg) -> Decimal:
    return margin(legs, {0: SPOT})


@pytest.mark.parametrize(
    ("strike", "right", "premium", "expected"),
    [
        (100, +1, "3", 300 + 2000),  # at the money: 20 % of the underlying
        (105, +1, "1", 100 + 1500),  # less what it is out of the money
        (120, +1, "0.1", 10 + 1000),  # but at least 10 % of the underlying
        (90, -1, "1", 100 + 1000),
        (80, -1, "0.2", 20 + 800),  # at least 10 % of a put's strike
        (110, -1, "11", 1100 + 2000),  # in the money: no deduction
    ],
)
def test_naked_options_need_premium_and_a_share_of_the_underlying(
    strike: int, right: int, premium: str, expected: int
) -> None:
    assert naked_margin(option(strike, right), Decimal(premium), SPOT) == expected
    assert total(leg(option(strike, right), -3, premium)) == 3 * expected


def test_shares_need_half_their_value_on_both_sides() -> None:
    assert total(leg(SHARES, 300)) == 15_000
    assert total(leg(SHARES, -300)) == 15_000


def test_long_options_need_no_margin_but_are_paid_when_they_are_bought() -> None:
    assert total(leg(option(100, +1), 2, "3")) == 0
    assert premium(option(100, +1), 2, Decimal(3)) == 600
    assert premium(option(100, +1), -2, Decimal(3)) == 0
    assert premium(SHARES, 2, Decimal(3)) == 0


def test_a_straddle_needs_its_greater_side_and_the_other_premium() -> None:
    call, put = leg(option(100, +1, 1), -2, "3"), leg(option(100, -1, 2), -2, "2")
    assert total(call, put) == 2 * ((300 + 2000) + 200)


def test_what_is_no_strangle_is_naked() -> None:
    call, put = leg(option(95, +1, 1), -1, "6"), leg(option(105, -1, 2), -1, "6")
    assert total(call, put) == total(call) + total(put) == 2 * (600 + 2000)
    late = leg(option(95, -1, 2, LATER), -1, "1")
    assert total(call, late) == total(call) + total(late)


def test_shares_are_asked_after_a_condor_is_found() -> None:
    puts = [leg(option(95, -1, 1), -2, "2"), leg(option(90, -1, 2), 2, "1")]
    calls = [leg(option(105, +1, 3), -2, "2"), leg(option(110, +1, 4), 2, "1")]
    assert total(leg(SHARES, 250), *puts, *calls) == 12_500 + 2 * 500


def test_a_strangle_with_uneven_sides_has_naked_ones_left() -> None:
    call, put = leg(option(105, +1, 1), -1, "1"), leg(option(90, -1, 2), -3, "1")
    # one strangle at the call's 1,600 plus the put's premium, two puts naked
    assert total(call, put) == (1600 + 100) + 2 * 1100


def test_shares_cover_short_calls_and_lend_nothing_in_the_money() -> None:
    assert total(leg(SHARES, 200), leg(option(105, +1), -2, "1")) == 10_000
    assert total(leg(SHARES, 200), leg(option(95, +1), -2, "6")) == 10_000 + 2 * 500
    assert total(leg(SHARES, 150), leg(option(105, +1), -2, "1")) == 7_500 + 1_600


def test_short_shares_cover_short_puts() -> None:
    assert total(leg(SHARES, -100), leg(option(95, -1), -1, "1")) == 5_000


@pytest.mark.parametrize(
    ("right", "short", "long", "loss"),
    [(+1, 100, 105, 500), (+1, 105, 100, 0), (-1, 100, 95, 500), (-1, 95, 100, 0)],
)
def test_a_vertical_spread_needs_what_it_can_lose(right: int, short: int, long: int, loss: int) -> None:
    legs = [leg(option(short, right, 1), -2, "3"), leg(option(long, right, 2), 2, "1")]
    assert total(*legs) == 2 * loss


def test_a_long_option_that_dies_first_protects_nothing() -> None:
    later_short = leg(option(100, +1, 1, LATER), -1, "4")
    assert total(later_short, leg(option(100, +1, 2), 1, "2")) == total(later_short)
    assert total(leg(option(100, +1, 1), -1, "2"), leg(option(100, +1, 2, LATER), 1, "4")) == 0


def test_a_long_option_at_another_strike_covers_only_what_expires_with_it() -> None:
    short = leg(option(105, +1, 1), -1, "1")
    assert total(short, leg(option(105, +1, 2, LATER), 1, "4")) == 0
    assert total(short, leg(option(110, +1, 2, LATER), 1, "3")) == total(short) == 1_600


@pytest.mark.parametrize(
    ("puts", "calls", "loss"),
    [
        ((90, 95), (105, 110), 500),  # one width: both cannot be lost
        ((80, 95), (105, 110), 1_500),
        ((90, 95), (105, 120), 500),  # the calls' 1,500 are not asked for
        ((90, 100), (100, 110), 1_000),  # a butterfly
        ((90, 100), (100, 105), 1_000 + 500),  # which with uneven wings is two verticals
        ((90, 105), (100, 110), 1_500 + 1_000),  # as they are where the strikes overlap
    ],
)
def test_a_condor_needs_the_width_of_its_puts_alone(puts: tuple[int, int], calls: tuple[int, int], loss: int) -> None:
    short = [leg(option(puts[1], -1, 1), -2, "3"), leg(option(calls[0], +1, 2), -2, "3")]
    wings = [leg(option(puts[0], -1, 3), 2, "1"), leg(option(calls[1], +1, 4), 2, "1")]
    assert total(*short, *wings) == 2 * loss


def test_underlyings_do_not_help_each_other() -> None:
    other = Instrument(7, "OTHER", 7, 0, Decimal(0), 1, 0, False)
    call = leg(option(105, +1), -1, "1")
    assert margin([call, leg(other, 100)], {0: SPOT, 7: Decimal(10)}) == 1_600 + 500
