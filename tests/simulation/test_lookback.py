"""Days that daily bars lack, of those that a forecast looks back on."""

import datetime as dt

from alo_lib.simulation.lookback import Gap, measure_lookback
from tests.simulation import tiny

DAYS = tiny.HOURS.trading_days(dt.date(2023, 1, 3), dt.date(2024, 3, 14))
SESSION = dt.date(2024, 3, 15)


def test_whole_histories_lack_nothing() -> None:
    assert measure_lookback(tiny.HOURS, [SESSION], DAYS, 100) == (100, 100, [])
    # A history that begins later than a forecast would look back is whole, too.
    assert measure_lookback(tiny.HOURS, [SESSION], DAYS, 1000) == (len(DAYS), len(DAYS), [])


def test_gaps_are_named_by_their_ends() -> None:
    without = [day for day in DAYS if day not in (DAYS[-100], DAYS[-9], DAYS[-8], DAYS[-1])]
    found = measure_lookback(tiny.HOURS, [SESSION], without, 100)
    assert (found.bars, found.days, found.missing) == (96, 100, 4)
    assert found.gaps == [
        Gap(DAYS[-100], DAYS[-100], 1),
        Gap(DAYS[-9], DAYS[-8], 2),
        Gap(DAYS[-1], DAYS[-1], 1),
    ]
    assert [str(gap) for gap in found.gaps][1] == "2024-03-04 to 2024-03-05"
    assert str(found.gaps[2]) == "2024-03-14"


def test_what_no_forecast_looks_back_on_is_not_missed() -> None:
    without = [day for day in DAYS if day not in DAYS[20:40]]
    assert measure_lookback(tiny.HOURS, [SESSION], without, 100).gaps == []


def test_the_session_that_sees_least_counts() -> None:
    """Ten days are missing; 2024-02-01 looks back on all of them, 2024-03-15 with 31 days more on none."""
    first, last = DAYS.index(dt.date(2024, 2, 1)), len(DAYS)
    assert last - first == 30
    without = [day for day in DAYS if day not in DAYS[first - 20 : first - 10]]
    found = measure_lookback(tiny.HOURS, [DAYS[first], SESSION], without, 20)
    assert (found.bars, found.days) == (10, 20)
    assert found.gaps == [Gap(DAYS[first - 20], DAYS[first - 11], 10)]
