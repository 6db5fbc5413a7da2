"""When sessions are prepared, and when their frames open."""

import pytest

from alo_lib.records import MILLISECOND, MINUTE
from alo_lib.runtime import Timetable
from alo_lib.settings import Settings
from tests.runtime.scripted_host import THURSDAY, WEDNESDAY, session_of, utc


def test_frames_follow_each_bar_of_a_session() -> None:
    settings = Settings.of({"resolution": "hour", "frames_per_bar": 2, "frame_milliseconds": 20})
    events = Timetable(settings).events(session_of(THURSDAY))
    length = 20 * MILLISECOND
    bars = [utc(THURSDAY, hour) for hour in (15, 16, 17, 18)]
    assert events == [utc(THURSDAY, 14), *(time + n * length for time in bars for n in (1, 2))]


def test_minute_bars_end_with_the_session() -> None:
    ends = Timetable(Settings()).bar_ends(session_of(THURSDAY))
    assert len(ends) == 210
    assert (ends[0], ends[-1]) == (utc(THURSDAY, 14.5) + MINUTE, utc(THURSDAY, 18))


def test_a_session_is_prepared_before_it_opens() -> None:
    timetable = Timetable(Settings.of({"frame_milliseconds": 10}))
    told = timetable.begin(session_of(WEDNESDAY))
    assert timetable.preparation(told) == utc(WEDNESDAY, 14) + 10 * MILLISECOND


@pytest.mark.parametrize(
    ("time", "live"),
    [
        (utc(THURSDAY, 14) - 1, False),
        (utc(THURSDAY, 14), True),
        (utc(THURSDAY, 18) + 2 * MINUTE - 1, True),
        (utc(THURSDAY, 18) + 2 * MINUTE, False),
    ],
)
def test_live_frames_may_open_until_the_last_fills_are_in(time: int, live: bool) -> None:
    assert Timetable(Settings()).may_open(session_of(THURSDAY), time) is live
