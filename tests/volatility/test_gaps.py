"""Dates of closes: duplicates, missing sessions and days that are none are known, by counts made another way."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.holiday import USFederalHolidayCalendar

from alo_lib.volatility import ObservationError, log_returns
from alo_lib.volatility.gaps import dated_returns

WEEKDAYS = pd.bdate_range("2020-01-01", "2021-12-31")
CLOSES = 100.0 * np.exp(np.cumsum(np.random.default_rng(0).normal(0.0, 0.01, WEEKDAYS.size)))


@pytest.mark.parametrize(
    "as_dates", [np.asarray, list, lambda days: [day.date() for day in days], lambda d: d.strftime("%Y-%m-%d")]
)
def test_whole_series_are_nothing_odd(as_dates) -> None:
    made = dated_returns(as_dates(WEEKDAYS), CLOSES)
    assert made.notes == ()
    assert (made.sessions == 1).all()
    assert made.returns.tobytes() == log_returns(CLOSES).tobytes()
    assert made.dates[0] == np.datetime64("2020-01-02")


def test_a_half_year_is_not_one_day() -> None:
    kept = np.r_[0:100, 220 : WEEKDAYS.size]
    made = dated_returns(WEEKDAYS[kept], CLOSES[kept])
    assert made.sessions[99] == 121
    assert np.delete(made.sessions, 99).max() == 1
    assert made.notes == (
        f"120 sessions missing in 1 gap, over each of which one return stands for several days: "
        f"120 after {WEEKDAYS[99].date()}",
    )


def test_holidays_are_no_gap_and_the_calendar_knows_them() -> None:
    holidays = USFederalHolidayCalendar().holidays("2020-01-01", "2021-12-31")
    traded = ~WEEKDAYS.isin(holidays)
    assert dated_returns(WEEKDAYS[traded], CLOSES[traded]).notes == ()
    made = dated_returns(WEEKDAYS[traded], CLOSES[traded], calendar=WEEKDAYS[traded])
    assert made.notes == ()
    # One session that only the calendar misses, and a close on a holiday.
    some = np.delete(np.flatnonzero(traded), 60)
    made = dated_returns(WEEKDAYS[some], CLOSES[some], calendar=WEEKDAYS[traded])
    assert [int(covered) for covered in made.sessions[made.sessions > 1]] == [2]
    assert made.notes[0].startswith("1 session missing in 1 gap")
    made = dated_returns(WEEKDAYS, CLOSES, calendar=WEEKDAYS[traded])
    assert made.notes[0].startswith(f"{(~traded).sum()} closes on a day that is no session of the calendar: 2020-01-01")


def test_seven_days_a_week_are_sessions_where_weekends_are_traded() -> None:
    every = pd.date_range("2022-01-01", periods=400)
    closes = np.linspace(1.0, 2.0, 400)
    assert dated_returns(every, closes).notes == ()
    kept = np.r_[0:50, 55:400]
    assert dated_returns(every[kept], closes[kept]).sessions[49] == 6


def test_of_two_closes_on_a_day_the_last_counts() -> None:
    days = np.sort(np.append(WEEKDAYS.to_numpy(), WEEKDAYS[[3, 3, 9]].to_numpy()))
    closes = np.insert(CLOSES, [4, 4, 10], [1.0, CLOSES[3] * 1.01, CLOSES[9]])
    made = dated_returns(days, closes)
    assert made.kept.size == WEEKDAYS.size
    assert made.notes == (
        "3 closes on a day that has one already, 2 of them at another close, of which the last counts: "
        "2020-01-06, 2020-01-06, 2020-01-14",
    )
    assert made.returns[2] == pytest.approx(np.log(CLOSES[3] * 1.01 / CLOSES[2]))


def test_days_of_each_kind_are_named_one_by_one() -> None:
    sessions = np.array(["2023-12-18", "2023-12-20", "2023-12-21", "2023-12-22", "2023-12-26", "2023-12-27"], "M8[D]")
    # A Wednesday, one of two closes on Thursday, Christmas, the day after it; no Friday.
    days = np.array(["2023-12-20", "2023-12-21", "2023-12-21", "2023-12-21", "2023-12-25", "2023-12-26"], "M8[D]")
    made = dated_returns(days, np.arange(1.0, 7.0), calendar=sessions)
    assert made.missing.tolist() == [dt.date(2023, 12, 22)]
    assert made.closed.tolist() == [dt.date(2023, 12, 25)]
    assert made.repeated.tolist() == [dt.date(2023, 12, 21)]
    assert [int(each) for each in made.sessions] == [1, 2, 1]
    kept = np.r_[0:100, 220 : WEEKDAYS.size]
    made = dated_returns(WEEKDAYS[kept], CLOSES[kept])
    assert made.missing.tolist() == [day.date() for day in WEEKDAYS[100:220]]
    assert made.closed.size == made.repeated.size == 0
    # A holiday without a calendar is no session, and none is missing.
    assert dated_returns(np.delete(WEEKDAYS, 60), np.delete(CLOSES, 60)).missing.size == 0


def test_bad_dates_are_named() -> None:
    days = WEEKDAYS.to_numpy()
    bad: list[tuple[Any, Any, str]] = [
        (days[::-1], CLOSES, "2021-12-30 follows 2021-12-31 at 1"),
        (days[:5], CLOSES, r"as many, but are \(5,\)"),
        ([dt.date(2020, 1, 1)], [1.0], "at least 2 days make a return, but there are 1"),
        ([dt.date(2020, 1, 1)] * 2, [1.0, 1.0], "but there are 1"),
        (np.array(["2020-01-01", "NaT"], "M8[D]"), [1.0, 1.0], "there is none at 1"),
        (["spring", "summer"], [1.0, 1.0], "must be days"),
        (np.arange(2.0), [1.0, 1.0], "must be days, but they are numbers"),
        (days[:2], [1.0, -1.0], "closes must be finite and positive, but the value at 1 is -1"),
        ([], [], "must be days"),
    ]
    for dates, closes, told in bad:
        with pytest.raises(ObservationError, match=told):
            dated_returns(dates, closes)
    with pytest.raises(
        ObservationError, match="calendar must reach from 2020-01-01 to 2021-12-31, but it reaches from"
    ):
        dated_returns(days, CLOSES, calendar=days[5:])
