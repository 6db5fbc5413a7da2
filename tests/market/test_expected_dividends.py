from datetime import date, timedelta

import numpy as np
import pytest

from alo_lib.market.expected_dividends import days_again, dividends_again

# Apple's ex-dates and amounts, as paid.
PAID = [
    (date(2013, 2, 7), 2.65),
    (date(2013, 5, 9), 3.05),
    (date(2013, 8, 8), 3.05),
    (date(2013, 11, 6), 3.05),
    (date(2014, 2, 6), 3.05),
    (date(2014, 5, 8), 3.29),
]
SPLIT = (date(2014, 6, 9), 1 / 7)


def test_last_year_s_dates_are_right_to_the_day_a_year_on() -> None:
    expected = dividends_again(PAID[:4], [], date(2014, 1, 2))
    assert [day for day, _ in expected[:2]] == [PAID[4][0], PAID[5][0]]
    assert [amount for _, amount in expected] == [2.65, 3.05, 3.05, 3.05]


def test_amounts_follow_splits_since() -> None:
    before, after = (dividends_again(PAID, splits, date(2014, 6, 9)) for splits in ([], [SPLIT]))
    assert [day for day, _ in before] == [date(2014, 8, 7), date(2014, 11, 5), date(2015, 2, 5), date(2015, 5, 7)]
    assert [amount for _, amount in after] == pytest.approx([amount / 7 for _, amount in before])
    # A split of the ex-date's own morning is in the amount already.
    assert dividends_again([(SPLIT[0], 0.5)], [SPLIT], SPLIT[0]) == [(SPLIT[0] + timedelta(days=364), 0.5)]


@pytest.mark.parametrize(("early", "again"), [(0, False), (3, False), (21, False), (22, True)])
def test_what_was_paid_early_is_not_expected_again(early: int, again: bool) -> None:
    due = date(2014, 2, 6)
    paid = [(due - timedelta(days=364), 1.0), (due - timedelta(days=early), 1.1)]
    today = due - timedelta(days=early)
    assert (due in [day for day, _ in dividends_again(paid, [], today)]) is again


def test_a_monthly_payment_does_not_hide_the_next() -> None:
    paid = [(date(2013, 1, 15) + timedelta(days=28 * n), 0.1) for n in range(13)]
    expected = dividends_again(paid, [], date(2014, 1, 1))
    assert [day for day, _ in expected] == [date(2014, 1, 14) + timedelta(days=28 * n) for n in range(13)]


def test_today_s_is_still_expected_and_yesterday_s_is_not() -> None:
    paid = [(date(2013, 2, 7), 1.0)]
    assert dividends_again(paid, [], date(2014, 2, 6)) == [(date(2014, 2, 6), 1.0)]
    assert dividends_again(paid, [], date(2014, 2, 7)) == []


def test_who_has_not_paid_for_a_year_goes_on_in_the_rhythm_of_the_last_two() -> None:
    """Paid on days 0 and 91: 182 and 273 are expected, by the last amount, and then each 52 weeks later."""
    paid = [(0, 0.4), (91, 0.5)]
    assert days_again(paid, 100, 100 + 364) == [(day, 0.5) for day in (182, 273, 364, 455)]
    assert days_again(paid, 190, 300) == [(273, 0.5)]  # what failed to come is not made up for
    assert days_again([*paid, (182, 0.6)], 190, 300) == [(273, 0.6)]
    assert days_again([(0, 0.4), (10, 0.5)], 20, 400) == [(364, 0.4), (374, 0.5)]  # nearer than a month: no rhythm


def test_each_year_s_are_expected_again_for_as_long_as_is_asked() -> None:
    paid = [(91 * quarter, 0.1 * quarter) for quarter in range(1, 5)]
    expected = days_again(paid, 400, 400 + 2 * 364)
    assert [day for day, _ in expected] == [91 * quarter for quarter in range(5, 13)]
    np.testing.assert_allclose([amount for _, amount in expected], 2 * [0.1, 0.2, 0.3, 0.4])


# What is announced ----------------------------------------------------------------------------------------------------

QUARTERLY = [(91 * quarter, 0.5) for quarter in range(1, 5)]  # expected again on days 455, 546, 637, 728


def test_what_is_announced_takes_the_place_of_the_nearest_expected_one() -> None:
    for day in (455 - 21, 450, 455, 455 + 21):
        assert days_again(QUARTERLY, 400, 600, [(day, 0.7)]) == [(day, 0.7), (546, 0.5)]
    for day, both in ((455 - 22, [(433, 0.7), (455, 0.5)]), (455 + 22, [(455, 0.5), (477, 0.7)])):
        assert days_again(QUARTERLY, 400, 600, [(day, 0.7)]) == [*both, (546, 0.5)]
    assert days_again(QUARTERLY, 400, None, [(546, 0.7)]) == [(455, 0.5), (546, 0.7), (637, 0.5), (728, 0.5)]
    assert days_again([], 400, 600, [(500, 0.7), (601, 0.7)]) == [(500, 0.7)]  # the first ever


def test_a_suspended_dividend_is_not_expected_before_its_day_nor_until_the_expected_one_is_past() -> None:
    suspended = [(450, 0.0)]
    for today in (400, 450, 452, 455):  # announced for five days before last year's day
        ahead = days_again(QUARTERLY, today, 600, suspended)
        assert [each for each in ahead if each[1]] == [(546, 0.5)]
    assert days_again(QUARTERLY, 400, 452, suspended) == [(450, 0.0)]


def test_a_late_one_leaves_the_next_month_s_alone_though_its_own_day_is_past() -> None:
    """Paid each 28 days, the last of a year on day 364; that of 392 is paid eight days late, 20 before the next."""
    monthly = [(28 * month, 0.1) for month in range(1, 14)]
    for today in (380, 395):
        assert [day for day, _ in days_again(monthly, today, 450, [(400, 0.1)])] == [400, 420, 448]


def test_of_a_postponed_one_the_old_day_is_taken_back_and_the_new_one_replaces_the_same() -> None:
    assert days_again(QUARTERLY, 440, 600, [(455, 0.0), (462, 0.6)]) == [(455, 0.0), (462, 0.6), (546, 0.5)]


def test_one_announced_for_the_time_asked_replaces_one_that_is_expected_just_after_it() -> None:
    """Monthly: of day 420 and 448, 440 replaces the latter, whether that is asked for or not."""
    monthly = [(28 * month, 0.1) for month in range(1, 14)]
    assert [day for day, _ in days_again(monthly, 400, 441, [(440, 0.2)])] == [420, 440]


def test_the_following_year_s_go_on_from_what_was_paid() -> None:
    later = days_again(QUARTERLY, 400, 455 + 364, [(450, 0.7)])
    assert (450, 0.7) in later
    assert (455 + 364, 0.5) in later
    paid = days_again([*QUARTERLY, (450, 0.7)], 452, 455 + 364, [(450, 0.7)])
    assert [each for each in paid if each[0] > 800] == [(450 + 364, 0.7)]
