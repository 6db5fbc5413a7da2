"""What single figures of a run's page are drawn of."""

from itertools import combinations

import numpy as np

from alo_lib.records import PROFIT_PARTS, Kind, Message, records
from alo_lib.views.attribution import AttributionSeries
from alo_lib.views.drawing import thinned
from alo_lib.views.figures import attribution_figure, equity_figure, trades_figure, waterfall_figure
from alo_lib.views.margin import MarginSeries
from alo_lib.views.performance import EquityCurve
from alo_lib.views.run import exchange_time
from alo_lib.views.time_axis import TimeAxis, time_axis
from tests.views import kit


def test_a_waterfall_has_the_parts_that_are_not_zero():
    (trace,) = waterfall_figure({"delta": 2.0, "rho": 0.0, "fees": -3.5})["data"]
    assert trace["x"] == ["delta", "fees", "total"]
    assert trace["y"] == [2.0, -3.5, None]
    assert trace["measure"] == ["relative", "relative", "total"]


def test_no_two_parts_of_the_profit_are_drawn_alike():
    time = np.arange(2) + kit.OPEN
    series = AttributionSeries(time, {name: np.array([0.0, 1.0]) for name in PROFIT_PARTS})
    axis = TimeAxis(np.array([kit.OPEN]), np.array([kit.CLOSE]), ["2024-01-02"])
    looks = [(trace["line"]["color"], trace["line"]["dash"]) for trace in attribution_figure(axis, series)["data"]]
    assert len(set(looks)) == len(PROFIT_PARTS)
    colors = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in {color for color, _ in looks}]
    apart = [sum(abs(a - b) for a, b in zip(one, two, strict=True)) for one, two in combinations(colors, 2)]
    assert min(apart) > 100  # of 765: the eye tells them apart
    series.parts["delta"][:] = 0.0  # one that made nothing is not drawn, and the others keep their look
    fewer = [(trace["line"]["color"], trace["line"]["dash"]) for trace in attribution_figure(axis, series)["data"]]
    assert fewer == looks[:1] + looks[2:]


def test_a_split_does_not_break_the_line(tmp_path):
    day = 24 * 60 * kit.MINUTE
    messages = [
        *kit.quiet_messages(),
        Message(Kind.SPLIT, kit.OPEN + 2 * kit.MINUTE, records(Kind.SPLIT, instrument=0, warning=1, factor=0.25)),
        Message(Kind.SPLIT, kit.OPEN + day, records(Kind.SPLIT, instrument=0, warning=0, factor=0.25)),
        Message(Kind.TRADE, kit.OPEN + day + kit.MINUTE, records(Kind.TRADE, instrument=0, close=25.5, volume=1)),
    ]
    run = kit.run_of(tmp_path, messages)
    drawn = trades_figure(time_axis(run), run, run.underlyings[0], [])
    assert drawn["data"][0]["y"] == [25.0, 25.5]
    assert "split-adjusted" in drawn["layout"]["yaxis"]["title"]


def test_samples_of_the_night_are_drawn_at_the_close_before():
    hour, day = 60 * kit.MINUTE, 24 * 60 * kit.MINUTE
    half = kit.OPEN + day + 210 * kit.MINUTE  # 13:00
    times = [kit.OPEN - 9 * hour, kit.CLOSE + 8 * hour, half - hour, half + hour, half + 11 * hour]
    curve = EquityCurve(np.array(times), np.arange(1.0, 6.0))
    none = MarginSeries(np.zeros(0, np.int64), np.zeros(0))
    axis = TimeAxis(np.array([kit.OPEN, kit.OPEN + day]), np.array([kit.CLOSE, half]), ["2024-01-02", "2024-01-03"])
    drawn = equity_figure(axis, curve, none)["data"][0]["x"]
    assert drawn == [
        "2024-01-02 09:30:00.000",
        "2024-01-02 16:00:00.000",
        "2024-01-03 12:00:00.000",
        "2024-01-03 13:00:00.000",
        "2024-01-03 13:00:00.000",
    ]


def test_thinning_keeps_ends_and_extremes():
    values = kit.noise(20_000)
    values[[7_777, 12_345]] = 9.0, -9.0
    kept = thinned(values, 500)
    assert len(kept) <= 502
    assert {0, 7_777, 12_345, 19_999} <= set(kept.tolist())
    assert np.all(np.diff(kept) > 0)
    np.testing.assert_array_equal(thinned(values[:10]), np.arange(10))


def test_times_are_the_exchanges():
    summer = 1_402_061_400 * 1_000_000_000  # 2014-06-06 13:30 UTC
    assert exchange_time(np.array([kit.OPEN, summer])) == ["2024-01-02 09:30:00.000", "2014-06-06 09:30:00.000"]
    assert exchange_time(np.zeros(0, np.int64)) == []
