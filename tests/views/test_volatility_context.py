"""Days of bars against the exchange's sessions, events that a user keeps, and figures of a fit's residuals."""

import datetime as dt
import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from scipy.stats import norm

from alo_lib.market.bars import TRADE_BAR
from alo_lib.market.event_files import DatedEvent, When
from alo_lib.market.generator.exchange import equity_hours
from alo_lib.views.kept_events import kept_events, variance_time_of
from alo_lib.views.residual_figures import autocorrelation_figure, quantile_figure
from alo_lib.volatility import GjrParameters

if TYPE_CHECKING:
    from alo_lib.market import DataFolder

NORMAL = GjrParameters(1e-6, 0.05, 0.0, 0.9, 1e-4)
HOURS = equity_hours(2022, 2024)


def test_kept_events_have_the_return_of_their_day_and_what_tells_the_coming_ones() -> None:
    sessions = HOURS.sessions(dt.date(2022, 6, 1), dt.date(2023, 12, 29))
    days = [session.day for session in sessions]
    bars = np.zeros(len(sessions), TRADE_BAR)
    bars["time"] = [session.close for session in sessions]
    # Every other day a percent up, then down; after each of three reports a move of its own.
    moves = np.where(np.arange(len(days)) % 2 == 0, 0.01, -0.01)
    reported = {dt.date(2023, 1, 31): 0.08, dt.date(2023, 5, 2): -0.06, dt.date(2023, 8, 1): 0.07}
    for day, move in reported.items():
        moves[days.index(day) + 1] = move
    bars["close"] = 100.0 * np.exp(np.cumsum(moves))
    bars["open"] = bars["close"]
    dated = [
        DatedEvent(days[0], When.BEFORE, "before all bars"),
        *(DatedEvent(day, When.AFTER, "earnings", 0.5) for day in reported),
        DatedEvent(dt.date(2023, 9, 30), When.DURING, "a Saturday", 0.1),
        DatedEvent(dt.date(2024, 2, 1), When.AFTER, "earnings", 0.5),
        DatedEvent(dt.date(2024, 2, 5), When.DURING, "a ruling", 0.03),
        DatedEvent(dt.date(2024, 2, 6), When.BEFORE, "a launch"),
        DatedEvent(dt.date(2024, 2, 7), When.BEFORE, "not known yet", 0.1, dt.date(2024, 1, 2)),
    ]
    folder = cast("DataFolder", SimpleNamespace(hours=lambda: HOURS, dated_events=lambda ticker: dated))
    found = kept_events(variance_time_of(folder, "ONE", bars, days[-1]), bars)
    assert [one.name for one in found] == ["earnings"] * 3 + ["a Saturday", "earnings", "a ruling", "a launch"]
    assert [one.made for one in found[:3]] == pytest.approx([0.08, -0.06, 0.07])
    assert [str(one.day) for one in found[:4]] == ["2023-02-01", "2023-05-03", "2023-08-02", "2023-10-02"]
    assert [one.ahead for one in found] == [False] * 4 + [True] * 3
    past, said, unknown = found[4:]
    assert (past.tells, said.tells, unknown.tells) == ("its past", "its file", "")
    assert said.size == pytest.approx(0.03)
    assert math.isnan(unknown.size)
    # Of a normal move with the variance that three reports had over the usual squared percent.
    variance = np.mean(np.square([0.08, -0.06, 0.07])) - 0.01**2
    assert past.size == pytest.approx(math.sqrt(2.0 / math.pi * variance), rel=0.01)
    assert past.to_dict() == {
        "day": "2024-02-02",
        "name": "earnings",
        "ahead": True,
        "made": None,
        "size": pytest.approx(past.size, abs=1e-6),
        "tells": "its past",
    }


def test_quantiles_are_the_densitys_and_their_band_holds_what_it_should() -> None:
    generator = np.random.default_rng(2)
    inside = []
    for count in (150, 3000):
        residuals = generator.standard_normal(count)
        low, high, _, drawn = quantile_figure(residuals, NORMAL)["data"]
        assert len(drawn["x"]) == min(count, 400)
        assert drawn["x"][0] == pytest.approx(norm.ppf(0.5 / count), rel=1e-6)
        assert drawn["x"][-1] == pytest.approx(norm.ppf(1.0 - 0.5 / count), rel=1e-6)
        assert drawn["y"][0] == pytest.approx(residuals.min(), rel=1e-9)
        inside += [a <= y <= b for a, y, b in zip(low["y"], drawn["y"], high["y"], strict=True)]
    assert np.mean(inside) > 0.85
    # The least of 150 normals: its 2.5 % and 97.5 % by 1 - (1 - p)^150.
    low, high, *_ = quantile_figure(generator.standard_normal(150), NORMAL)["data"]
    ends = [norm.ppf(1.0 - (1.0 - p) ** (1.0 / 150)) for p in (0.025, 0.975)]
    assert [low["y"][0], high["y"][0]] == pytest.approx(ends, rel=1e-6)


def test_autocorrelations_stand_in_the_band_of_white_noise() -> None:
    residuals = np.random.default_rng(3).standard_normal(2500)
    low, high, plain, squares = autocorrelation_figure(residuals)["data"]
    assert high["y"] == pytest.approx([1.96 / 50.0] * 2, rel=1e-4)
    assert low["y"] == [-value for value in high["y"]]
    for bars in (plain, squares):
        assert len(bars["y"]) == 30
        assert np.mean(np.abs(bars["y"]) < high["y"][0]) > 0.8
    residuals[1:] += 0.5 * residuals[:-1]
    assert autocorrelation_figure(residuals)["data"][2]["y"][0] == pytest.approx(0.4, abs=0.05)
