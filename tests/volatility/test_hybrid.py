import math

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.volatility import (
    CalibrationError,
    DataError,
    HarModel,
    HybridForecast,
    ParameterError,
    VolatilityError,
    calibration,
    har_features,
    log_returns,
    range_variance,
)
from alo_lib.volatility.har import future_means

Array = NDArray[np.float64]


def make_bars(days: int, seed: int) -> Array:
    """Bars (days, 4) whose volatility wanders, from 60 steps a day and a night."""
    rng = np.random.default_rng(seed)
    log_sigma = np.empty(days)
    level = 0.0
    for t in range(days):
        level = 0.97 * level + 0.12 * rng.standard_normal()
        log_sigma[t] = math.log(0.01) + level
    steps = rng.standard_normal((days, 61)) * np.exp(log_sigma)[:, None] / math.sqrt(61)
    path = np.cumsum(steps.ravel()).reshape(days, 61)
    prices = 100.0 * np.exp(path)
    return np.stack([prices[:, 0], prices.max(axis=1), prices.min(axis=1), prices[:, -1]], axis=1)


@pytest.fixture(scope="module")
def bars() -> Array:
    return make_bars(1200, seed=1)


@pytest.fixture(scope="module")
def hybrid(bars: Array) -> HybridForecast:
    return HybridForecast.fit(*bars[:1000].T, regimes=2)


def test_the_measure_is_the_range_and_the_night(bars: Array) -> None:
    o, h, lo, c = bars[:10].T
    x = range_variance(o, h, lo, c)
    expected = math.log(h[4] / lo[4]) ** 2 / (4 * math.log(2)) + math.log(o[4] / c[3]) ** 2
    assert x[3] == pytest.approx(expected, rel=1e-12)
    returns = log_returns(bars[:, 3])
    assert float(np.mean(range_variance(*bars.T))) == pytest.approx(float(np.mean(returns**2)), rel=0.25)


def test_a_false_print_hardly_moves_the_measure(bars: Array) -> None:
    spoiled = bars.copy()
    spoiled[100, 2] *= 0.2
    clean, robust = range_variance(*bars.T), range_variance(*spoiled.T)
    deviation = math.sqrt(float(np.median(clean[36:99])))
    assert math.log(1 / 0.2) ** 2 / (4 * math.log(2)) > 5000 * clean[99]
    assert robust[99] < (8.0 * deviation) ** 2
    # A measure is never less than a day without trades would give.
    assert float(np.min(range_variance(*np.full((4, 30), 50.0)))) == 1e-8


def test_features_written_out(bars: Array) -> None:
    x, r = range_variance(*bars.T)[:60], log_returns(bars[:, 3])[:60]
    row = har_features(x, r)[40 - 21]
    deviation = math.sqrt(float(np.mean(x[19:41])))
    losses = np.minimum(r, 0.0)
    expected = [
        1.0,
        math.log(x[40]),
        float(np.mean(np.log(x[36:41]))),
        float(np.mean(np.log(x[19:41]))),
        losses[40] / deviation,
        float(np.mean(losses[36:41])) / deviation,
        float(np.mean(losses[19:41])) / deviation,
    ]
    np.testing.assert_allclose(row, expected, rtol=1e-12)
    assert future_means(x, 5)[10] == pytest.approx(float(np.mean(x[11:16])), rel=1e-14)


def test_har_is_least_squares_of_the_future_on_the_past(bars: Array) -> None:
    x, r = range_variance(*bars.T), log_returns(bars[:, 3])
    fitted = HarModel.fit(x, r, horizons=(1, 10))
    target = np.log(future_means(x, 10)[21:])
    features = har_features(x, r)[: target.size]
    residual = target - features @ np.array(fitted.coefficients[1])
    np.testing.assert_allclose(features.T @ residual, 0.0, atol=1e-6)
    forecast = fitted.forecast(features)
    realized = fitted.scale * future_means(x, 10)[21:]
    assert float(np.mean(forecast[:, 1])) == pytest.approx(float(np.mean(realized)), rel=0.1)
    assert float(np.corrcoef(np.log(forecast[:, 1]), np.log(realized))[0, 1]) > 0.5


def test_streaming_equals_batch_and_path(bars: Array, hybrid: HybridForecast) -> None:
    state = hybrid.filter(*bars[:900].T)
    for bar in bars[900:]:
        state = hybrid.update(state, *(float(price) for price in bar))
    whole = hybrid.filter(*bars.T)
    assert state.garch == whole.garch
    assert state.measures == whole.measures
    assert state.returns == whole.returns
    assert state.regimes is not None
    assert whole.regimes is not None
    assert state.regimes.probabilities == whole.regimes.probabilities
    np.testing.assert_allclose(hybrid.path(*bars.T)[-1], hybrid.forecast_variance(state), rtol=1e-12)


def test_the_future_changes_no_earlier_bit(bars: Array, hybrid: HybridForecast) -> None:
    disturbed = bars.copy()
    disturbed[800:] *= 1.1
    disturbed[900:] *= 0.9
    known = 800 - 22
    expected = hybrid.path(*bars.T)[:known].tobytes()
    assert hybrid.path(*disturbed.T)[:known].tobytes() == expected
    assert hybrid.path(*bars[:800].T).tobytes() == expected
    fitted = HybridForecast.fit(*bars[:800].T)
    assert HybridForecast.fit(*disturbed[:800].T) == fitted


def test_weights_are_on_the_simplex_and_the_combination_is_no_worse_than_its_parts(
    bars: Array, hybrid: HybridForecast
) -> None:
    assert hybrid.notes == ()
    assert hybrid.blend.parts == ("garch", "har", "regimes")
    for weights in hybrid.blend.weights:
        assert math.fsum(weights) == pytest.approx(1.0)
        assert min(weights) >= 0.0
    x = range_variance(*bars.T)
    scale = float(np.mean(log_returns(bars[:, 3]) ** 2) / np.mean(x))
    realized = scale * future_means(x, 5)[21:]
    forecast = hybrid.path(*bars.T)[: realized.size, 1]
    assert hybrid.garch is not None
    path = hybrid.garch.path(log_returns(bars[:, 3]))
    alone = hybrid.garch.mean_variance(path.conditional_variance[22:], 5.0)[: realized.size]

    def loss(f: Array) -> float:
        return float(np.mean(realized / f - np.log(realized / f) - 1.0))

    assert loss(forecast) < loss(alone)


def test_forecast_interpolates_total_variance_and_the_band_surrounds_it(bars: Array, hybrid: HybridForecast) -> None:
    state = hybrid.filter(*bars[:1000].T)
    means = hybrid.forecast_variance(state)
    for horizon, mean in zip(hybrid.horizons, means, strict=True):
        assert hybrid.forecast_volatility(state, float(horizon)) == pytest.approx(math.sqrt(252 * mean), rel=1e-12)
    total = 5 * means[1] + (21 * means[2] - 5 * means[1]) * 0.5
    assert hybrid.forecast_volatility(state, 13.0) == pytest.approx(math.sqrt(252 * total / 13.0), rel=1e-12)
    assert hybrid.forecast_volatility(state, 0.5) == hybrid.forecast_volatility(state, 1.0)
    assert 0.05 < hybrid.forecast_volatility(state, 252.0) < 0.5
    near, far = hybrid.forecast_volatility(state, 63.0), hybrid.forecast_volatility(state, 63.0001)
    assert near == pytest.approx(far, rel=1e-4)
    low, high = hybrid.forecast_band(state, 21.0)
    wide_low, wide_high = hybrid.forecast_band(state, 21.0, level=0.98)
    assert wide_low < low < hybrid.forecast_volatility(state, 21.0) < high < wide_high
    centre, lower, upper = hybrid.forecast_fitted(state)
    assert centre[2] == pytest.approx(hybrid.forecast_volatility(state, 21.0), rel=1e-12)
    assert (lower[2], upper[2]) == pytest.approx((low, high), rel=1e-12)
    # Between fitted horizons the band's width lies between theirs.
    widths = [math.log(edge[1] / edge[0]) for edge in (hybrid.forecast_band(state, days) for days in (5.0, 10.0, 21.0))]
    assert min(widths[0], widths[2]) <= widths[1] <= max(widths[0], widths[2])


def test_implied_volatility_is_weighed_when_its_history_is_long_enough(bars: Array) -> None:
    # A quote that knows the coming month but for noise and a premium must get weight, and lose its premium.
    x = range_variance(*bars.T)
    coming = np.append(future_means(x, 21), np.full(21, np.nan))
    noise = np.exp(0.05 * np.random.default_rng(3).standard_normal(coming.size))
    implied = np.append(np.nan, np.sqrt(252 * 1.5 * coming) * noise)
    fitted = HybridForecast.fit(*bars[:1000].T, implied=implied[:1000])
    assert fitted.implied_blend is not None
    assert fitted.implied_blend.parts == ("garch", "har", "implied")
    assert fitted.implied_blend.weights[2][2] > 0.2
    assert fitted.har is not None
    assert fitted.implied_ratios[2] == pytest.approx(fitted.har.scale / 1.5, rel=0.03)
    without = fitted.filter(*bars[:1000].T)
    with_quote = fitted.filter(*bars[:1000].T, implied=0.5)
    assert not fitted.uses_implied(without)
    assert fitted.uses_implied(with_quote)
    assert fitted.forecast_volatility(with_quote, 21.0) > fitted.forecast_volatility(without, 21.0)
    low, high = fitted.forecast_band(with_quote, 21.0)
    assert low < high
    short = np.full(1000, np.nan)
    short[-100:] = 0.2
    fallback = HybridForecast.fit(*bars[:1000].T, implied=short)
    assert fallback.implied_blend is None
    assert "without implied volatility: 37 days of it, 250 are needed" in fallback.notes[0]


def test_parts_that_cannot_be_fitted_are_left_out_and_named(bars: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    short = HybridForecast.fit(*bars[:300].T)
    assert short.blend.parts == ("garch",)
    assert short.notes[0].startswith("without HAR: HAR at 63 days needs")
    state = short.filter(*bars[:300].T)
    assert short.forecast_volatility(state, 21.0) > 0.0
    monkeypatch.setattr(calibration, "MAX_ITERATIONS", 1)
    alone = HybridForecast.fit(*bars[:1000].T)
    assert alone.blend.parts == ("har",)
    assert alone.notes[0].startswith("without GJR-GARCH")
    state = alone.filter(*bars[:1000].T)
    assert alone.forecast_volatility(state, 126.0) == alone.forecast_volatility(state, 63.0)
    with pytest.raises(CalibrationError, match="no forecast can be fitted to 299 returns"):
        HybridForecast.fit(*bars[:300].T)


def test_bad_input_is_refused(bars: Array, hybrid: HybridForecast) -> None:
    state = hybrid.filter(*bars[:1000].T)
    cases: list[tuple[type[VolatilityError], str, object]] = [
        (DataError, "low", lambda: hybrid.update(state, 100.0, 101.0, math.nan, 100.0)),
        (DataError, "close must lie between", lambda: hybrid.update(state, 100.0, 101.0, 99.0, 105.0)),
        (DataError, "implied must be finite", lambda: hybrid.filter(*bars[:1000].T, implied=-0.2)),
        (DataError, "bars must be 23 or more", lambda: hybrid.filter(*bars[:10].T)),
        (DataError, "implied must have one value a bar", lambda: HybridForecast.fit(*bars.T, implied=[0.2])),
        (DataError, "implied must be positive", lambda: HybridForecast.fit(*bars.T, implied=np.zeros(1200))),
        (ParameterError, "horizons must be ascending", lambda: HybridForecast.fit(*bars.T, horizons=(5, 1))),
        (ParameterError, "trading_days", lambda: hybrid.forecast_volatility(state, 0.0)),
        (ParameterError, "level must be in", lambda: hybrid.forecast_band(state, 5.0, level=1.0)),
        (DataError, "one-dimensional, 2 or more", lambda: range_variance([1.0], [1.0], [1.0], [1.0])),
        (DataError, "22 or more", lambda: har_features(np.ones(5), np.ones(5))),
        (DataError, "measures must be positive", lambda: har_features(np.zeros(30), np.ones(30))),
        (ParameterError, "horizons must be ascending", lambda: HarModel.fit(np.ones(30), np.ones(30), horizons=())),
        (CalibrationError, "rank", lambda: HarModel.fit(np.ones(400), np.zeros(400), horizons=(1,))),
    ]
    for kind, message, action in cases:
        with pytest.raises(kind, match=message):
            action()  # type: ignore[operator]


def test_real_bars_with_false_prints_give_sane_forecasts(daily_bars: Array) -> None:
    hybrid = HybridForecast.fit(*daily_bars[:-21].T)
    assert hybrid.notes == ()
    state = hybrid.filter(*daily_bars.T)
    for days in (1.0, 21.0, 126.0, 365.0):
        assert 0.08 < hybrid.forecast_volatility(state, days) < 0.6
    again = HybridForecast.fit(*daily_bars.T, warm_start=hybrid)
    assert again.garch is not None
    assert again.garch.calibration is not None
    assert again.garch.calibration.start == "warm"
