"""The time axis of a run's charts: holidays and half days, and gaps where there were no data."""

import numpy as np

from alo_lib.records import Kind, Message, records
from alo_lib.views.drawing import Figure
from alo_lib.views.figures import trades_figure
from alo_lib.views.run import exchange_time
from alo_lib.views.session_clock import session_time, trading_days
from alo_lib.views.time_axis import TimeAxis, time_axis
from tests.views import kit

DAY = 24 * 60 * kit.MINUTE
HALF = 210 * kit.MINUTE  # to 13:00


def axis_of(*days: int, half: int | None = None) -> TimeAxis:
    """Sessions so many days after the second of January 2024, a Tuesday; ``half`` closes at 13:00."""
    opens = kit.OPEN + DAY * np.array(days)
    closes = np.array(
        [start + (HALF if day == half else kit.CLOSE - kit.OPEN) for start, day in zip(opens, days, strict=True)]
    )
    return TimeAxis(opens, closes, [text[:10] for text in exchange_time(opens)])


def test_weekdays_without_a_session_take_no_room():
    breaks = axis_of(0, 2).layout()["rangebreaks"]
    assert breaks[2:] == [{"values": ["2024-01-03 09:30"], "dvalue": 23_472_000}]
    assert len(axis_of(0, 1, 2).layout()["rangebreaks"]) == 2


def test_a_session_without_data_keeps_its_room():
    axis = axis_of(0, 1, 2)
    line = axis.line(np.array([kit.CLOSE, kit.CLOSE + 2 * DAY]), np.array([1.0, 2.0]), "price", "#000000")
    assert line["y"] == [1.0, None, 2.0]
    assert not line["connectgaps"]
    assert len(axis.layout()["rangebreaks"]) == 2


def test_a_line_goes_on_over_nights_holidays_and_what_is_not_known():
    axis, at = axis_of(0, 1, 3), np.array([0, 1, 3]) * DAY + kit.CLOSE
    assert axis.line(at, np.array([1.0, 2.0, 3.0]), "price", "#000000")["y"] == [1.0, 2.0, 3.0]
    within = np.array([0, 1, 2]) * kit.MINUTE + kit.OPEN
    assert axis.line(within, np.array([1.0, np.nan, 3.0]), "price", "#000000")["y"] == [1.0, 3.0]


def test_thinning_a_line_keeps_both_sides_of_its_gaps():
    axis, values = axis_of(0, 1, 2), np.arange(600.0)
    at = np.concatenate(
        [kit.OPEN + np.arange(1, 301) * kit.MINUTE, kit.OPEN + 2 * DAY + np.arange(1, 301) * kit.MINUTE]
    )
    line = axis.line(at, values, "price", "#000000", limit=20)
    gap = line["y"].index(None)
    assert len(line["y"]) < 30
    assert (line["y"][gap - 1], line["y"][gap + 1]) == (299.0, 300.0)


def test_half_days_are_half_as_wide():
    axis = axis_of(0, 1, 2, half=1)
    breaks = axis.layout()["rangebreaks"][2:]
    assert [one["values"] for one in breaks] == [["2024-01-03 13:01"]]
    night = 16.02 * 3_600_000
    assert (13 * 60 + 1) * 60_000 + breaks[0]["dvalue"] == night  # it ends where the night begins
    alone = axis_of(1, half=1).layout()
    assert alone["range"] == ["2024-01-03 09:30", "2024-01-03 13:01"]
    assert "rangebreaks" not in alone


def test_an_axis_has_the_hours_of_its_sessions():
    opens = kit.OPEN + 30 * kit.MINUTE + DAY * np.arange(2)
    axis = TimeAxis(opens, opens + 3 * 60 * kit.MINUTE, [text[:10] for text in exchange_time(opens)])
    assert axis.layout()["rangebreaks"][1] == {"bounds": [13.02, 10.0], "pattern": "hour"}


def test_on_the_clock_of_sessions_a_night_takes_no_time(tmp_path):
    messages = kit.quiet_messages()
    start = kit.OPEN + DAY
    messages.append(Message(Kind.SESSION, start, records(Kind.SESSION, open=start, close=start + HALF, date=20240103)))
    run = kit.run_of(tmp_path, messages)
    times = np.array([kit.OPEN - 5, kit.OPEN + 39 * kit.MINUTE, kit.CLOSE + 5, start + HALF // 2, start + DAY])
    minutes = [0.0, 39.0, 390.0, 390.0 + 105.0, 390.0 + 210.0]
    np.testing.assert_allclose(session_time(run, times) / kit.MINUTE, minutes)
    np.testing.assert_allclose(trading_days(run, times), [0.0, 0.1, 1.0, 1.5, 2.0])


def test_times_of_a_night_are_drawn_at_the_open_after_it():
    axis = axis_of(0, 1)
    times = np.array([kit.OPEN - 1, kit.CLOSE, kit.CLOSE + 8 * 60 * kit.MINUTE, kit.CLOSE + DAY + 8 * 60 * kit.MINUTE])
    assert axis.within(times).tolist() == [kit.OPEN, kit.CLOSE, kit.OPEN + DAY, kit.CLOSE + DAY + kit.MINUTE]


def test_days_without_option_quotes_are_shaded():
    axis = axis_of(0, 1, 2)
    figure: Figure = {"data": [], "layout": {}}
    axis.shade(figure, ["2024-01-03", "2024-01-04", "2024-01-09"])
    (shape,) = figure["layout"]["shapes"]
    assert (shape["x0"], shape["x1"]) == ("2024-01-03 09:30", "2024-01-04 16:01")
    assert [one["name"] for one in figure["data"]] == ["no option quotes"]
    axis.shade(figure, [])
    assert len(figure["data"]) == 1


def test_the_price_of_a_run_stops_before_a_session_without_bars(tmp_path):
    messages = kit.quiet_messages()
    for day in (1, 2):
        start = kit.OPEN + day * DAY
        told = records(Kind.SESSION, open=start, close=start + kit.CLOSE - kit.OPEN, date=20240102 + day)
        messages.append(Message(Kind.SESSION, start, told))
    bar = records(Kind.TRADE, instrument=0, close=101.0, volume=1)
    messages.append(Message(Kind.TRADE, kit.OPEN + 2 * DAY + kit.MINUTE, bar))
    run = kit.run_of(tmp_path, messages)
    assert trades_figure(time_axis(run), run, run.underlyings[0], [])["data"][0]["y"] == [100.0, None, 101.0]
