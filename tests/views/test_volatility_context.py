"""Days of bars against the exchange's sessions, and figures of a fit's residuals."""

import datetime as dt
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from scipy.stats import norm

from alo_lib.market.generator.exchange import equity_hours
from alo_lib.views.residual_figures import autocorrelation_figure, quantile_figure
from alo_lib.views.volatility_context import _calendar
from alo_lib.volatility import GjrParameters

if TYPE_CHECKING:
    from alo_lib.market import DataFolder

NORMAL = GjrParameters(1e-6, 0.05, 0.0, 0.9, 1e-4)


def calendar_of(*days: str):
    hours = equity_hours(2023, 2024)
    folder = SimpleNamespace(hours=lambda: hours)
    found = np.array(days, dtype="datetime64[D]")
    return _calendar(cast("DataFolder", folder), found, found[0].astype(dt.date), found[-1].astype(dt.date))


def test_missing_sessions_closed_days_and_repeated_ones_are_told_by_date() -> None:
    # A Wednesday, one of two bars on Thursday, Christmas, the day after it; no Friday.
    found = calendar_of("2023-12-20", "2023-12-21", "2023-12-21", "2023-12-25", "2023-12-26")
    assert found.sessions == 4
    assert found.missing == (dt.date(2023, 12, 22),)
    assert found.closed == (dt.date(2023, 12, 25),)
    assert found.repeated == (dt.date(2023, 12, 21),)
    missing, closed, repeated = found.notes
    assert missing == "1 day of 4 sessions without a bar, over which one return spans several days: 2023-12-22"
    assert closed == "1 day with a bar on which the exchange was closed: 2023-12-25"
    assert repeated == "1 day with more than one bar: 2023-12-21"
    long = calendar_of("2023-12-01", "2023-12-29")
    assert long.notes == [
        "18 days of 20 sessions without a bar, over which one return spans several days: "
        "2023-12-04, 2023-12-05, 2023-12-06, 2023-12-07, 2023-12-08, ..."
    ]
    assert calendar_of("2023-12-22", "2023-12-26").notes == []


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
