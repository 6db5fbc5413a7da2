import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.volatility import (
    CalibrationError,
    DailyHistory,
    DailyObservation,
    GjrGarch,
    HarModel,
    HybridForecast,
    ObservationError,
    ParameterError,
    VolatilityError,
    calibration,
    har_features,
    log_returns,
    range_variance,
)
from alo_lib.volatility.har import future_means
from alo_lib.volatility.hybrid import PARTS
from alo_lib.volatility.ranges import far_ranges

from .conftest import days, history_of

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
    return HybridForecast.fit(history_of(bars[:1000]), parts={**PARTS, "GARCH by regime": {}})


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
    far = far_ranges(*spoiled.T)
    assert np.flatnonzero(far).tolist() == [99]
    reach = math.log(min(spoiled[100, 0], spoiled[100, 3]) / spoiled[100, 2])
    assert far[99] == pytest.approx(reach - 6.0 * deviation, rel=1e-12)
    assert not far_ranges(*bars.T).any()
    # A measure is never less than a day without trades would give.
    assert float(np.min(range_variance(*np.full((4, 30), 50.0)))) == 1e-8


def test_an_open_that_both_closes_deny_is_limited_and_one_that_the_close_confirms_is_not(bars: Array) -> None:
    clean = range_variance(*bars.T)
    deviation = math.sqrt(float(np.median(clean[36:99])))
    false = bars.copy()
    false[100, 0] = false[100, 1] = 2.0 * bars[99, 3]  # as IBM's on 23 December 2002
    limited = range_variance(*false.T)[99]
    assert math.log(2.0) ** 2 > 1000 * clean[99]
    assert limited < 2.0 * (8.0 * deviation) ** 2
    gap = bars.copy()
    gap[100:] *= 2.0
    night = math.log(gap[100, 0] / gap[99, 3])
    span = math.log(gap[100, 1] / gap[100, 2])
    assert range_variance(*gap.T)[99] == pytest.approx(span**2 / (4 * math.log(2)) + night**2, rel=1e-9)


def test_a_day_with_hardly_a_trade_counts_a_share_of_the_usual_day(bars: Array) -> None:
    still = bars.copy()
    still[100] = still[99, 3]
    measures = range_variance(*still.T)
    assert measures[99] == pytest.approx(0.02 * float(np.median(measures[36:99])), rel=1e-9)


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
    history = history_of(bars)
    x, r = history.measures, history.returns
    fitted = HarModel.fit(history, horizons=(1, 10))
    target = np.log(future_means(x, 10)[21:])
    features = har_features(x, r)[: target.size]
    residual = target - features @ np.array(fitted.coefficients[1])
    np.testing.assert_allclose(features.T @ residual, 0.0, atol=1e-6)
    forecast = fitted.forecast_path(fitted.filter(history), (1, 10))[21:][: target.size]
    realized = fitted.scale * future_means(x, 10)[21:]
    assert float(np.mean(forecast[:, 1])) == pytest.approx(float(np.mean(realized)), rel=0.1)
    assert float(np.corrcoef(np.log(forecast[:, 1]), np.log(realized))[0, 1]) > 0.5


def test_weights_are_on_the_simplex_and_the_combination_is_no_worse_than_its_parts(
    bars: Array, hybrid: HybridForecast
) -> None:
    assert hybrid.notes == ()
    assert hybrid.blend.parts == ("GJR-GARCH", "HAR", "GARCH by regime")
    for weights in hybrid.blend.weights:
        assert math.fsum(weights) == pytest.approx(1.0)
        assert min(weights) >= 0.0
    x = range_variance(*bars.T)
    scale = float(np.mean(log_returns(bars[:, 3]) ** 2) / np.mean(x))
    realized = scale * future_means(x, 5)[21:]
    history = history_of(bars)
    forecast = hybrid.forecast_path(hybrid.filter(history), (5.0,))[21:][: realized.size, 0]
    garch = hybrid.parts["GJR-GARCH"]
    alone = garch.forecast_path(garch.filter(history), (5.0,))[21:][: realized.size, 0]

    def loss(f: Array) -> float:
        return float(np.mean(realized / f - np.log(realized / f) - 1.0))

    assert loss(forecast) < loss(alone)


def test_forecast_interpolates_total_variance_and_the_band_surrounds_it(bars: Array, hybrid: HybridForecast) -> None:
    state = hybrid.filter(history_of(bars[:1000])).state
    means = hybrid.fitted_variance(state)
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
    centre, bands = hybrid.forecast_fitted(state)
    assert centre[2] == pytest.approx(hybrid.forecast_volatility(state, 21.0), rel=1e-12)
    assert bands["returns"][:, 2].tolist() == pytest.approx([low, high], rel=1e-12)
    range_band = hybrid.forecast_band(state, 21.0, proxy="range")
    assert bands["range"][:, 2].tolist() == pytest.approx(range_band, rel=1e-12)
    # A range is less noisy than squared returns.
    assert low < range_band[0] < range_band[1] < high
    # Between fitted horizons the band's width lies between theirs.
    widths = [math.log(edge[1] / edge[0]) for edge in (hybrid.forecast_band(state, days) for days in (5.0, 10.0, 21.0))]
    assert min(widths[0], widths[2]) <= widths[1] <= max(widths[0], widths[2])


def test_implied_volatility_is_weighed_when_its_history_is_long_enough(bars: Array) -> None:
    # A quote that knows the coming month but for noise and a premium must get weight, and lose its premium.
    x = range_variance(*bars.T)
    coming = np.append(future_means(x, 21), np.full(21, np.nan))
    noise = np.exp(0.05 * np.random.default_rng(3).standard_normal(coming.size))
    implied = np.append(np.nan, np.sqrt(252 * 1.5 * coming) * noise)
    fitted = HybridForecast.fit(DailyHistory.from_bars(*bars[:1000].T, implied=implied[:1000]))
    assert fitted.implied_blend is not None
    assert fitted.implied_blend.parts == ("GJR-GARCH", "HAR", "implied")
    assert fitted.implied_blend.weights[2][2] > 0.2
    har = fitted.parts["HAR"]
    assert isinstance(har, HarModel)
    assert fitted.implied_ratios[2] == pytest.approx(har.scale / 1.5, rel=0.03)
    without = fitted.filter(history_of(bars[:1000])).state
    last = np.append(np.full(999, np.nan), 0.5)
    path = fitted.filter(DailyHistory.from_bars(*bars[:1000].T, implied=last))
    with_quote = path.state
    assert (without.implied, with_quote.implied) == (None, 0.5)
    # Of a history, the days with a quote are forecast with it and the others without.
    means = fitted.forecast_path(path, (21.0,))[-2:, 0]
    before = fitted.filter(history_of(bars[:999])).state
    expected = [float(fitted.forecast(state, 21.0)) for state in (before, with_quote)]
    np.testing.assert_allclose(means, expected, rtol=1e-12)
    assert fitted.forecast_volatility(with_quote, 21.0) > fitted.forecast_volatility(without, 21.0)
    low, high = fitted.forecast_band(with_quote, 21.0)
    assert low < high
    short = np.full(1000, np.nan)
    short[-100:] = 0.2
    fallback = HybridForecast.fit(DailyHistory.from_bars(*bars[:1000].T, implied=short))
    assert fallback.implied_blend is None
    assert "without implied volatility: 37 days of it, 250 are needed" in fallback.notes[0]


def test_parts_that_cannot_be_fitted_are_left_out_and_named(bars: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    short = HybridForecast.fit(history_of(bars[:300]))
    assert short.blend.parts == ("GJR-GARCH",)
    assert short.notes[0].startswith("without HAR: HAR at 63 days needs")
    state = short.filter(history_of(bars[:300])).state
    assert short.forecast_volatility(state, 21.0) > 0.0
    monkeypatch.setattr(calibration, "MAX_ITERATIONS", 1)
    alone = HybridForecast.fit(history_of(bars[:1000]))
    assert alone.blend.parts == ("HAR",)
    assert alone.notes[0].startswith("without GJR-GARCH")
    state = alone.filter(history_of(bars[:1000])).state
    assert alone.forecast_volatility(state, 126.0) == alone.forecast_volatility(state, 63.0)
    with pytest.raises(CalibrationError, match="no forecast can be fitted to 299 returns"):
        HybridForecast.fit(history_of(bars[:300]))


def test_bad_input_is_refused(bars: Array, hybrid: HybridForecast) -> None:
    state = hybrid.filter(history_of(bars[:1000])).state
    flat = DailyHistory(np.zeros(400), np.ones(400), np.full(400, math.nan))
    cases: list[tuple[type[VolatilityError], str, Callable[[], object]]] = [
        (ObservationError, "implied must be finite", lambda: hybrid.update(state, DailyObservation(0.0, 1e-4, -0.2))),
        (ObservationError, "HAR needs a finite return", lambda: hybrid.update(state, DailyObservation(0.0))),
        (ObservationError, "22 days or more, but has seen 9", lambda: forecast_after(hybrid, bars[:10])),
        (ObservationError, "measures must be finite", lambda: HybridForecast.fit(days(log_returns(bars[:, 3])))),
        (ParameterError, "horizons must be ascending", lambda: HybridForecast.fit(history_of(bars), horizons=(5, 1))),
        (ParameterError, "level must be in", lambda: hybrid.forecast_band(state, 5.0, level=1.0)),
        (ParameterError, "a state of this hybrid", lambda: hybrid.restore({"states": [], "implied": None})),
        (ObservationError, "one-dimensional, 2 or more", lambda: range_variance([1.0], [1.0], [1.0], [1.0])),
        (ObservationError, "22 or more", lambda: har_features(np.ones(5), np.ones(5))),
        (ObservationError, "measures must be finite and positive", lambda: har_features(np.zeros(30), np.ones(30))),
        (ParameterError, "horizons must be ascending", lambda: HarModel.fit(history_of(bars), horizons=())),
        (CalibrationError, "rank", lambda: HarModel.fit(flat, horizons=(1,))),
        (
            CalibrationError,
            "over 63 days needs 85 or more",
            lambda: HybridForecast.fit(history_of(bars[:60]), min_observations=20),
        ),
    ]
    for kind, message, action in cases:
        with pytest.raises(kind, match=message):
            action()


def forecast_after(hybrid: HybridForecast, bars: Array) -> Array:
    return hybrid.forecast(hybrid.filter(history_of(bars)).state, 5.0)


def test_real_bars_with_false_prints_give_sane_forecasts(daily_bars: Array) -> None:
    hybrid = HybridForecast.fit(history_of(daily_bars[:-21]))
    assert hybrid.notes == ()
    state = hybrid.filter(history_of(daily_bars)).state
    for horizon in (1.0, 21.0, 126.0, 365.0):
        assert 0.08 < hybrid.forecast_volatility(state, horizon) < 0.6
    again = HybridForecast.fit(history_of(daily_bars), warm_start=hybrid)
    garch = again.parts["GJR-GARCH"]
    assert isinstance(garch, GjrGarch)
    assert garch.calibration is not None
    assert garch.calibration.start == "warm"
