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
