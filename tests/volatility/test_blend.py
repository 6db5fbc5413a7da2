"""The level of a combination and the percentiles of its errors."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.volatility.blend import Blend, combined, fit_blend
from alo_lib.volatility.har import future_means
from alo_lib.volatility.variance_distribution import LEVELS, PROXIES, Proxy

Array = NDArray[np.float64]

DAYS = 3000
HORIZONS = (1, 21)


def fitted(bias: float, *, crash: float = 0.0, unknown: int = 0) -> tuple[Blend, Array]:
    """A blend of one part that forecasts ``bias`` times the true variance, and that part's forecasts."""
    generator = np.random.default_rng(4)
    variance = 1e-4 * np.exp(0.3 * generator.standard_normal(DAYS + 1))
    squares = variance[:-1] * np.square(generator.standard_normal(DAYS))
    if crash:
        squares[-100] = crash
    # The next day's variance is known, and no more of the days after it than their mean.
    mean = float(np.mean(variance))
    forecasts = bias * np.stack([variance[1:], (variance[1:] + 20.0 * mean) / 21.0], axis=1)
    known = np.ones(DAYS, dtype=np.bool_)
    known[:unknown] = False
    forecasts[:unknown] = math.nan
    realized = [future_means(variance[:-1], horizon) for horizon in HORIZONS]
    return fit_blend({"one": forecasts}, realized, squares, known, known), forecasts


@pytest.mark.parametrize("bias", [0.5, 1.0, 1.6])
def test_three_quarters_of_a_bias_are_taken_off_the_logarithm(bias: float) -> None:
    blend, forecasts = fitted(bias)
    assert np.log(blend.levels).tolist() == pytest.approx([-0.75 * math.log(bias)] * 2, abs=0.08)
    np.testing.assert_allclose(combined(blend, {"one": forecasts}), forecasts * np.array(blend.levels), rtol=1e-12)


def test_one_crash_does_not_rule_the_level() -> None:
    (calm, *_), (shaken, *_) = fitted(1.0)[0].levels, fitted(1.0, crash=0.09)[0].levels
    # A fall of 30 %, 900 times the day's variance, counts as 100 times it: a tenth of the days' total since.
    assert 1.0 < shaken / calm < 1.13


def test_days_without_a_forecast_say_nothing() -> None:
    whole, part = fitted(0.5)[0], fitted(0.5, unknown=2000)[0]
    assert part.days == DAYS - 2000
    assert np.log(part.levels).tolist() == pytest.approx(np.log(whole.levels).tolist(), abs=0.08)


def test_errors_are_those_of_the_forecast_at_its_level() -> None:
    blend, _ = fitted(0.5)
    middle = LEVELS.index(0.5)
    # The range knows the true variance here: what is left of the bias is what the level did not take.
    assert blend.log_errors[0][middle] == pytest.approx(-math.log(0.5 * blend.levels[0]), abs=0.02)
    # The median of a squared normal is 0.455.
    assert blend.return_errors[0][middle] == pytest.approx(math.log(0.455 / 0.5 / blend.levels[0]), abs=0.12)
    between = blend.percentiles(HORIZONS, math.sqrt(21.0), "returns")
    np.testing.assert_allclose(between, np.mean(np.array(blend.return_errors), axis=0), rtol=1e-9)
    for days, row in ((0.5, 0), (1.0, 0), (21.0, 1), (100.0, 1)):
        assert blend.percentiles(HORIZONS, days, "range").tolist() == pytest.approx(list(blend.log_errors[row]))


def test_paths_count_where_windows_are_few() -> None:
    blend, _ = fitted(1.0)
    zero, paths = np.zeros(99), np.linspace(-1.0, 1.0, 99)
    widths = [float(np.ptp(blend.with_paths(zero, paths, days, "returns"))) for days in (1.0, 21.0, 252.0)]
    assert widths[0] < 0.1 < widths[1] < 1.5 < widths[2]
    ranges = [float(np.ptp(blend.with_paths(zero, paths, days, "range"))) for days in (1.0, 21.0, 252.0)]
    assert all(own < other for own, other in zip(ranges, widths, strict=True))


def test_a_band_is_widened_by_horizon_over_history_up_to_a_third_of_a_year() -> None:
    # Without a window that was judged the paths stand alone, and what they are widened by is what is unknown.
    paths = np.linspace(-1.0, 1.0, 99)

    def widened(history: int, days: float, proxy: Proxy) -> float:
        blend = replace(fitted(1.0)[0], judged=0, days=history)
        return float(np.ptp(blend.with_paths(paths, paths, days, proxy))) / 2.0 - 1.0

    def by_regimes(history: int, days: float) -> float:
        blend = replace(fitted(1.0)[0], judged=0, days=history)
        return float(np.ptp(blend.with_regimes(paths, paths, days))) / 2.0 - 1.0

    assert widened(900, 63.0, "returns") == pytest.approx((63 / 900) ** 0.75)
    assert widened(900, 63.0, "range") == pytest.approx((63 / 900) ** 0.5)
    for proxy in PROXIES:
        month, third, half, year = (widened(1229, days, proxy) for days in (21.0, 84.0, 126.0, 252.0))
        assert 0.0 < month < third == pytest.approx(half) == pytest.approx(year)
        assert widened(2458, 252.0, proxy) == pytest.approx(widened(1229, 42.0, proxy))
    assert by_regimes(1229, 21.0) == pytest.approx(by_regimes(1229, 252.0)) == pytest.approx(0.08)
    assert by_regimes(2458, 252.0) == pytest.approx(0.04)
