import math

import numpy as np
import pytest

from alo_lib.volatility import DailyHistory, Walk, verify_forecasts, verify_walk
from alo_lib.volatility.errors import ObservationError, ParameterError
from alo_lib.volatility.verification import level_interval, level_of

from .conftest import history_of
from .test_hybrid import make_bars


def walk_of(history: DailyHistory, variance: float, first: int, days: tuple[int, ...]) -> Walk:
    """A walk that always said ``variance``, with bands from half to twice its root."""
    shape = (len(history) - first, len(days))
    volatility = np.full(shape, math.sqrt(252.0 * variance))
    none = np.empty((shape[0], 0))
    scale = np.full(shape[0], 2.0)
    low, high, range_low, range_high = (factor * volatility for factor in (0.5, 2.0, 0.9, 1.1))
    return Walk(first, days, volatility, volatility, low, high, range_low, range_high, scale, none, none)


def test_level_and_coverage_written_out() -> None:
    returns = np.array([0.0, 0.01, 0.03, -0.01, 0.02, 0.01])
    history = DailyHistory(returns, np.full(6, 0.5e-4), np.full(6, math.nan))
    one, two = verify_walk(walk_of(history, 1e-4, 1, (1, 2, 9)), history)  # nine days are complete nowhere
    assert (one.days, one.count, two.days, two.count) == (1, 4, 2, 3)
    assert one.level["returns"] == pytest.approx(1e-4 / np.mean(returns[2:] ** 2))
    assert two.level["returns"] == pytest.approx(1e-4 / np.mean([(9 + 1) / 2, (1 + 4) / 2, (4 + 1) / 2]) / 1e-4)
    # The range at twice its measure is what was said.
    assert one.level["range"] == pytest.approx(1.0)
    assert (one.inside["range"], one.below["range"]) == (1.0, 0.0)
    # Volatilities of 3, 1, 2 and 1 % a day against a band from 0.5 to 2 %.
    assert (one.inside["returns"], one.below["returns"]) == (0.75, 0.0)
    assert math.isnan(one.level_error["returns"])


def test_bars_within_the_days_are_a_third_measure_where_every_day_of_the_future_has_them() -> None:
    history = DailyHistory(np.full(6, 0.01), np.full(6, 0.5e-4), np.full(6, math.nan))
    intraday = np.array([math.nan, 1.0, 2.0, math.nan, 4.0, 5.0]) * 1e-4
    one, two = verify_walk(walk_of(history, 1e-4, 1, (1, 2)), history, intraday)
    # At twice the measure, as the range: the days after the first known one are 2, unknown, 4 and 5.
    assert one.level["intraday"] == pytest.approx(1e-4 / (2.0 * np.mean([2.0, 4.0, 5.0]) * 1e-4))
    assert two.level["intraday"] == pytest.approx(1.0 / (2.0 * 4.5))
    assert set(one.inside) == set(one.below) == {"returns", "range"}  # there is no band of it
    assert "intraday" not in verify_walk(walk_of(history, 1e-4, 1, (1,)), history, np.full(6, math.nan))[0].level
    with pytest.raises(ObservationError, match="one value a day, 6"):
        verify_walk(walk_of(history, 1e-4, 1, (1,)), history, intraday[1:])


def test_the_standard_error_is_that_of_repeated_samples() -> None:
    generator = np.random.default_rng(3)
    levels, errors = [], []
    for _ in range(400):
        forecast = np.full(2000, 1.0)
        level, error = level_of(forecast, np.square(generator.standard_normal(2000)), 1)
        levels.append(level)
        errors.append(error)
    assert np.mean(levels) == pytest.approx(1.0, abs=0.01)
    assert np.mean(errors) == pytest.approx(np.std(levels), rel=0.15)


def test_the_interval_holds_the_true_level_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        level = np.empty(1500)
        level[0] = 0.0
        shocks = generator.standard_normal((2, 1500))
        for t in range(1, 1500):
            level[t] = 0.9 * level[t - 1] + 0.15 * shocks[0, t]
        forecast = np.exp(level)  # the variance itself: unbiased
        low, high = level_interval(forecast, forecast * np.square(shocks[1]), 1, 0.9)
        held += low <= 1.0 <= high
    assert 0.86 <= held / 400 <= 0.94


def test_the_interval_is_that_of_the_draws_written_out() -> None:
    generator = np.random.default_rng(6)
    forecast, realized = generator.uniform(1.0, 2.0, (2, 85))
    begins = np.random.default_rng(3).integers(0, 85, (2000, 5))
    days = (begins[:, :, None] + np.arange(21)) % 85
    ratios = forecast[days].sum(axis=(1, 2)) / realized[days].sum(axis=(1, 2))
    assert level_interval(forecast, realized, 5, 0.8, seed=3) == pytest.approx(np.quantile(ratios, [0.1, 0.9]))
    assert all(map(math.isnan, level_interval(forecast[:83], realized[:83], 5)))
    with pytest.raises(ParameterError, match="probability must be in"):
        level_interval(forecast, realized, 5, 1.0)


def test_forecasts_of_a_simulated_past_mean_what_they_say() -> None:
    checks = verify_forecasts(history_of(make_bars(1300, seed=2)), refit_days=210)
    assert [check.days for check in checks] == [1, 5, 21, 63]
    assert checks[0].count == 1299 - 1 - 249
    day = checks[0]
    assert abs(day.level["returns"] - 1.0) < 3.0 * day.level_error["returns"]
    for proxy in ("returns", "range"):
        assert 0.85 < day.inside[proxy] < 0.95
        assert 0.0 < day.below[proxy] < 1.0 - day.inside[proxy]
