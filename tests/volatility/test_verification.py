import math

import numpy as np
import pytest

from alo_lib.volatility import DailyHistory, Walk, verify_forecasts, verify_walk
from alo_lib.volatility.verification import level_of

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


def test_forecasts_of_a_simulated_past_mean_what_they_say() -> None:
    checks = verify_forecasts(history_of(make_bars(1300, seed=2)), refit_days=210)
    assert [check.days for check in checks] == [1, 5, 21, 63]
    assert checks[0].count == 1299 - 1 - 249
    day = checks[0]
    assert abs(day.level["returns"] - 1.0) < 3.0 * day.level_error["returns"]
    for proxy in ("returns", "range"):
        assert 0.85 < day.inside[proxy] < 0.95
        assert 0.0 < day.below[proxy] < 1.0 - day.inside[proxy]
