"""Hourly bars from files of hours or of minutes: LEAN's own hours of the same days are the peer."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from alo_lib.market import DataFolder, Resolution
from alo_lib.market.bars import TRADE_BAR
from alo_lib.market.hourly_bars import by_the_hour, hourly_bars

FIRST, LAST = dt.date(2014, 6, 5), dt.date(2014, 6, 9)  # a split of 7 for 1 takes place on the last


@pytest.fixture(scope="module")
def folder(lean_data: Path) -> DataFolder:
    return DataFolder(lean_data)


def test_minutes_summed_by_the_hour_are_leans_own_hours(folder: DataFolder) -> None:
    theirs = folder.split_adjusted_bars("AAPL", FIRST, LAST, Resolution.HOUR)
    ours = by_the_hour(folder.split_adjusted_bars("AAPL", FIRST, LAST, Resolution.MINUTE))
    assert len(ours) == 3 * 7
    assert ours["time"].tolist() == theirs["time"].tolist()
    assert ours["volume"].tolist() == theirs["volume"].tolist()
    for name in ("open", "high", "low", "close"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-4)  # files round prices by themselves
    assert np.all(np.abs(np.diff(np.log(ours["close"]))) < 0.02)  # the split is no move


def test_days_that_no_file_of_hours_has_come_from_minutes_and_nothing_is_missed(folder: DataFolder) -> None:
    assert folder.spans_with_bars("GOOG", dt.date(2010, 1, 1), dt.date(2016, 1, 1), Resolution.HOUR) == []
    days = dt.date(2015, 12, 23), dt.date(2015, 12, 28)
    found = hourly_bars(folder, "GOOG", dt.date(2015, 12, 1), dt.date(2016, 1, 1))
    assert folder.spans_with_bars("GOOG", dt.date(2015, 12, 1), dt.date(2016, 1, 1), Resolution.MINUTE) == [days]
    assert len(found) == 7 + 4 + 7  # the 24th is a half day
    assert np.all(np.diff(found["time"]) > 0)
    assert not folder.faults
    hours = hourly_bars(folder, "AAPL", FIRST, LAST)
    assert hours.tobytes() == folder.split_adjusted_bars("AAPL", FIRST, LAST, Resolution.HOUR).tobytes()
    assert len(hourly_bars(folder, "NOBODY", FIRST, LAST)) == 0


def test_an_hour_has_its_first_open_and_last_close(folder: DataFolder) -> None:
    minute = 60_000_000_000
    minutes = np.zeros(4, TRADE_BAR)
    minutes["time"] = [59 * minute, 60 * minute, 61 * minute, 150 * minute]
    for name, values in {
        "open": (1, 2, 3, 4),
        "high": (5, 7, 6, 9),
        "low": (1, 0.5, 2, 3),
        "close": (2, 3, 4, 8),
    }.items():
        minutes[name] = values
    minutes["volume"] = 10
    hours = by_the_hour(minutes)
    told = [tuple(bar) for bar in hours[["time", "open", "high", "low", "close", "volume"]].tolist()]
    assert told == [
        (60 * minute, 1, 7, 0.5, 3, 20),
        (61 * minute, 3, 6, 2, 4, 10),
        (150 * minute, 4, 9, 3, 8, 10),
    ]
    assert len(by_the_hour(minutes[:0])) == 0
