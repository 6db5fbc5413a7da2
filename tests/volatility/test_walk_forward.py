import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.volatility import (
    CalibrationError,
    HybridForecast,
    ObservationError,
    ParameterError,
    RegimeModel,
    RegimesNow,
    Walk,
    log_returns,
    walk_forward,
)

from .conftest import days, history_of
from .test_hybrid import make_bars

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def bars() -> Array:
    return make_bars(420, seed=2)


@pytest.fixture(scope="module")
def walk(bars: Array) -> Walk:
    return walk_forward(history_of(bars), regime_refit_days=63)


def test_each_day_s_values_are_those_of_models_of_the_past(bars: Array, walk: Walk) -> None:
    assert walk.first == 249
    assert walk.volatility.shape == walk.low.shape == walk.high.shape == (170, 4)
    # Day 355 is the fifth refit's, its warm starts aside; the last day is 1 + 170 % 21 days after another.
    row, last = 5 * 21, 250 + 5 * 21
    past = bars[: last + 1]
    fitted = HybridForecast.fit(history_of(past), horizons=walk.days)
    state = fitted.filter(history_of(past)).state
    model = RegimeModel.fit(days(log_returns(bars[: 250 + 64, 3])))
    now = RegimesNow(model, model.filter(days(log_returns(past[:, 3]))).state)
    centre, bands = fitted.forecast_fitted(state, regimes=now)
    said = [walk.volatility[row], walk.low[row], walk.high[row], walk.range_low[row], walk.range_high[row]]
    np.testing.assert_allclose(said, [centre, *bands["returns"], *bands["range"]], rtol=1e-3)
    mean = fitted.expected_volatility(state, np.array(walk.days, dtype=np.float64))
    np.testing.assert_allclose(walk.expected[row], mean, rtol=1e-3)
    assert walk.range_scale[row] == pytest.approx(fitted.range_scale, rel=1e-9)
    model = RegimeModel.fit(days(log_returns(bars[: 250 + 127, 3])))
    mix = model.filter(days(log_returns(bars[: 250 + 131, 3]))).state
    assert mix.probabilities is not None
    np.testing.assert_allclose(walk.probabilities[130], mix.probabilities, rtol=1e-12)
    np.testing.assert_array_equal(walk.regime_volatility[130], model.parameters.volatilities)


def test_the_future_changes_no_earlier_bit(bars: Array, walk: Walk) -> None:
    disturbed = bars.copy()
    disturbed[330:] *= 1.3
    disturbed[360:] *= 0.8
    for other in (
        walk_forward(history_of(disturbed), regime_refit_days=63),
        walk_forward(history_of(bars[:330]), regime_refit_days=63),
    ):
        for name in ("volatility", "low", "high", "probabilities", "regime_volatility"):
            assert getattr(other, name)[:80].tobytes() == getattr(walk, name)[:80].tobytes(), name


def test_a_fit_that_fails_later_leaves_the_last_one(bars: Array, walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    fit, calls = HybridForecast.fit, []

    def once(*arguments: object, **options: object) -> HybridForecast:
        calls.append(1)
        if len(calls) > 1:
            raise CalibrationError("not again")
        return fit(*arguments, **options)  # type: ignore[arg-type]

    def never(*_: object, **__: object) -> RegimeModel:
        raise CalibrationError("no regimes")

    monkeypatch.setattr(HybridForecast, "fit", once)
    monkeypatch.setattr(RegimeModel, "fit", never)
    held = walk_forward(history_of(bars[:300]))
    assert len(calls) == 3
    np.testing.assert_allclose(held.volatility[:21], walk.volatility[:21], rtol=1e-12)
    assert np.all(held.volatility > 0.0)
    assert np.all(np.isnan(held.probabilities))
    monkeypatch.setattr(HybridForecast, "fit", never)
    with pytest.raises(CalibrationError, match="no regimes"):
        walk_forward(history_of(bars[:300]))


def test_bad_input_is_refused(bars: Array) -> None:
    with pytest.raises(ObservationError, match="returns must be 250 or more, but there are 249"):
        walk_forward(history_of(bars[:250]))
    with pytest.raises(ParameterError, match="1 day or more apart"):
        walk_forward(history_of(bars), refit_days=0)
