"""What every volatility model of the registry must do; a new one is tested here as soon as it is registered."""

import json
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.cli.project import ROOT
from alo_lib.volatility import (
    MODELS,
    CalibrationError,
    DailyHistory,
    DailyObservation,
    GjrGarch,
    HybridForecast,
    ObservationError,
    ParameterError,
    VolatilityError,
    model_named,
)
from alo_lib.volatility.registry import AnyModel, register

from .conftest import PARAMETERS

Array = NDArray[np.float64]

FITTED_DAYS, DAYS = 1500, 2500
HORIZONS = np.array([0.3, 1.0, 2.0, 5.0, 13.5, 21.0, 63.0, 90.25, 252.0])
STEPS = 60


def simulated(days: int, seed: int) -> tuple[DailyHistory, Array]:
    """Days of a GJR-GARCH process and their true variances; prices go through each day as a Brownian bridge."""
    returns, variances = GjrGarch(PARAMETERS["t"]).simulate(days, seed)
    generator = np.random.default_rng(seed)
    steps = generator.standard_normal((days, STEPS)) * np.sqrt(variances / STEPS)[:, None]
    steps += ((returns - steps.sum(axis=1)) / STEPS)[:, None]
    prices = 100.0 * np.exp(np.cumsum(steps.ravel())).reshape(days, STEPS)
    bars = [prices[:, 0], prices.max(axis=1), prices.min(axis=1), prices[:, -1]]
    bars = [np.append(100.0, column) for column in bars]
    implied = np.sqrt(252.0 * 1.2 * np.append(np.nan, variances))
    implied[generator.random(days + 1) < 0.2] = np.nan
    return DailyHistory.from_bars(*bars, implied=implied), variances


HISTORY, VARIANCES = simulated(DAYS, seed=1)


def test_the_package_registers_its_models_by_itself() -> None:
    """In a process that imports nothing else: without any, the tests by model below would all be none."""
    code = "from alo_lib.volatility import MODELS; print(*MODELS, sep='\\n')"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["GJR-GARCH", "HAR", "regimes", "GARCH by regime", "hybrid"]


@pytest.fixture(scope="module", params=list(MODELS))
def kind(request: pytest.FixtureRequest) -> type[AnyModel]:
    return model_named(str(request.param))


@pytest.fixture(scope="module")
def model(kind: type[AnyModel]) -> AnyModel:
    return kind.fit(HISTORY[:FITTED_DAYS])


def state_json(state: object) -> str:
    return json.dumps(state.to_dict())  # type: ignore[attr-defined]


def test_streaming_equals_batch_to_the_bit(model: AnyModel) -> None:
    state = model.start()
    for day, observation in enumerate(HISTORY[:400].observations(), 1):
        state = model.update(state, observation)
        if day in (1, 21, 22, 63, 64, 400):
            assert state == model.filter(HISTORY[:day]).state
    assert model.filter(HISTORY[400:700], state).state == model.filter(HISTORY[:700]).state
    assert model.filter(HISTORY[:0], state).state == state


def test_a_path_says_of_each_day_what_its_state_says(model: AnyModel) -> None:
    said = model.forecast_path(model.filter(HISTORY[:60]), HORIZONS)
    assert said.shape == (60, HORIZONS.size)
    state, known = model.start(), 0
    for row, observation in zip(said, HISTORY[:60].observations(), strict=True):
        state = model.update(state, observation)
        if np.isnan(row).any():
            assert not known  # once there is a forecast, there always is
            assert np.isnan(row).all()
            with pytest.raises(ObservationError, match="22 days or more, but has seen"):
                model.forecast(state, HORIZONS)
        else:
            known += 1
            np.testing.assert_allclose(model.forecast(state, HORIZONS), row, rtol=1e-12)
    assert known >= 60 - 21


def test_the_future_changes_no_earlier_bit(model: AnyModel) -> None:
    other, _ = simulated(200, seed=2)
    disturbed = DailyHistory(
        np.append(HISTORY.returns[:600], 1.5 * other.returns),
        np.append(HISTORY.measures[:600], 2.0 * other.measures),
        np.append(HISTORY.implied[:600], 1.4 * other.implied),
    )
    whole = model.forecast_path(model.filter(HISTORY[:800]), HORIZONS)
    changed = model.forecast_path(model.filter(disturbed), HORIZONS)
    assert whole[:600].tobytes() == changed[:600].tobytes()
    assert np.all(np.any(whole[600:] != changed[600:], axis=1))  # a forecast that never moved would pass the above


def test_a_saved_state_goes_on_to_the_bit(model: AnyModel) -> None:
    for days in (0, 10, 500):
        state = model.filter(HISTORY[:days]).state
        restored = model.restore(json.loads(state_json(state)))
        assert restored == state
        assert model.filter(HISTORY[days:700], restored).state == model.filter(HISTORY[:700]).state
    with pytest.raises(ParameterError):
        model.restore({"nothing": 1.0})
    with pytest.raises(ParameterError):
        model.restore({})


def test_forecasts_are_positive_and_finite(model: AnyModel) -> None:
    said = model.forecast_path(model.filter(HISTORY), HORIZONS)[30:]
    assert np.all(np.isfinite(said) & (said > 0.0))
    crash = model.update(model.filter(HISTORY).state, DailyObservation(-0.15, 0.02))
    calm = model.filter(HISTORY).state
    for _ in range(100):
        calm = model.update(calm, DailyObservation(0.0, 1e-8))
    for state in (crash, calm):
        forecasts = model.forecast(state, HORIZONS)
        assert np.all(np.isfinite(forecasts) & (forecasts > 0.0))
    assert np.all(model.forecast(crash, HORIZONS) > model.forecast(calm, HORIZONS))


def test_horizons_have_any_shape_and_volatility_is_the_annualized_root(model: AnyModel) -> None:
    state = model.filter(HISTORY[:1000]).state
    means = model.forecast(state, HORIZONS)
    np.testing.assert_array_equal(model.forecast(state, HORIZONS.reshape(3, 3)), means.reshape(3, 3))
    assert model.forecast(state, 21.0).shape == ()
    assert model.forecast(state, []).shape == (0,)
    for days, mean in zip(HORIZONS.tolist(), means.tolist(), strict=True):
        assert model.forecast_volatility(state, days) == pytest.approx(math.sqrt(252 * mean), rel=1e-12)
    many = model.forecast_volatility(state, HORIZONS)
    np.testing.assert_allclose(many, np.sqrt(252 * means), rtol=1e-12)
    # A fraction of the first day takes that fraction of its variance.
    assert means[0] == pytest.approx(means[1], rel=1e-12)
    for days in (0.0, -1.0, math.nan, math.inf):
        for asked in (days, [5.0, days]):
            with pytest.raises(ParameterError, match="trading_days must be finite and positive, but they are"):
                model.forecast(state, asked)


@pytest.mark.parametrize("return_", [math.nan, math.inf, -math.inf])
def test_a_day_that_cannot_be_used_is_refused(model: AnyModel, return_: float) -> None:
    state = model.filter(HISTORY[:300]).state
    before = state_json(state)
    with pytest.raises(ObservationError, match=r"finite.* (nan|-?inf)") as refused:
        model.update(state, DailyObservation(return_, 1e-4))
    assert "\n" not in str(refused.value)
    assert ". " not in str(refused.value)
    assert state_json(state) == before


def test_a_history_that_cannot_be_used_is_refused(kind: type[AnyModel]) -> None:
    with pytest.raises(VolatilityError, match=r"at least 250 observations, but there are 249|days or more"):
        kind.fit(HISTORY[:249])
    still = DailyHistory.from_bars(*np.full((4, 600), 50.0))
    with pytest.raises(VolatilityError, match=r"must vary|that vary"):
        kind.fit(still)


def test_the_same_history_gives_the_same_model_and_leaves_the_process_alone(
    kind: type[AnyModel], model: AnyModel
) -> None:
    filters = list(warnings.filters)
    state = np.random.get_state()[1].tobytes()  # type: ignore[index]  # noqa: NPY002
    assert kind.fit(HISTORY[:FITTED_DAYS]) == model
    assert list(warnings.filters) == filters
    assert np.random.get_state()[1].tobytes() == state  # type: ignore[index]  # noqa: NPY002


def test_a_warm_start_says_nearly_the_same(kind: type[AnyModel], model: AnyModel) -> None:
    warm = kind.fit(HISTORY[:FITTED_DAYS], warm_start=kind.fit(HISTORY[: FITTED_DAYS - 21]))
    state, other = (one.filter(HISTORY[:FITTED_DAYS]).state for one in (model, warm))
    np.testing.assert_allclose(warm.forecast(other, HORIZONS), model.forecast(state, HORIZONS), rtol=1e-2)


def test_the_unconditional_level_is_tended_to(model: AnyModel) -> None:
    path = model.forecast_path(model.filter(HISTORY), [1.0, 63.0])
    calm, wild = int(np.nanargmin(path[:, 0])), int(np.nanargmax(path[:, 0]))
    states = [model.filter(HISTORY[: day + 1]).state for day in (calm, wild)]
    near, month, year, far = np.log([model.forecast(state, [1.0, 21.0, 252.0, 5000.0]) for state in states]).T
    spread = [abs(float(pair[1] - pair[0])) for pair in (near, month, year, far)]
    assert spread[0] > max(spread[1:])
    level = PARAMETERS["t"].long_run_variance
    if model.name in ("HAR", "GARCH by regime"):
        assert spread[3] < 0.7 * spread[0]  # regressions, and levels by regime, hold their longest horizon beyond it
    else:
        assert spread[3] < 0.05 * spread[0]  # what is recursive forgets where it started
        np.testing.assert_allclose(np.exp(far), level, rtol=0.5)
    fitted_to = float(np.mean(VARIANCES[:FITTED_DAYS]))
    assert float(np.nanmean(path[:, 1])) == pytest.approx(fitted_to, rel=0.25)


def test_a_fit_forecasts_days_that_it_did_not_see(model: AnyModel) -> None:
    said = model.forecast_path(model.filter(HISTORY), [1.0])[FITTED_DAYS - 1 : -1, 0]
    true = VARIANCES[FITTED_DAYS:]
    assert float(np.mean(said)) == pytest.approx(float(np.mean(true)), rel=0.25)
    assert float(np.corrcoef(np.log(said), np.log(true))[0, 1]) > 0.7
    constant = float(np.mean(VARIANCES[:FITTED_DAYS]))

    def qlike(forecast: Array | float) -> float:
        return float(np.mean(true / forecast - np.log(true / forecast) - 1.0))

    assert qlike(said) < 0.6 * qlike(constant)


def test_models_are_found_by_name_and_names_are_not_given_twice() -> None:
    assert all(model_named(name) is kind and kind.name == name for name, kind in MODELS.items())
    with pytest.raises(ParameterError, match=r"there is no volatility model 'GARHC'; there are .*GJR-GARCH.*hybrid"):
        model_named("GARHC")
    with pytest.raises(ValueError, match="two volatility models are called 'HAR'"):
        register(MODELS["HAR"])


@pytest.mark.parametrize("name", list(MODELS))
def test_the_hybrid_takes_any_model_by_its_name(name: str) -> None:
    unquoted = DailyHistory(HISTORY.returns[:700], HISTORY.measures[:700], np.full(700, math.nan))
    hybrid = HybridForecast.fit(unquoted, parts={name: {}}, horizons=(1, 5))
    alone = model_named(name).fit(unquoted, horizons=(1, 5))
    assert hybrid.parts == {name: alone}
    np.testing.assert_allclose(hybrid.blend.weights, 1.0)
    expected = alone.forecast(alone.filter(unquoted).state, (1, 5)) * np.array(hybrid.blend.levels)
    np.testing.assert_allclose(hybrid.fitted_variance(hybrid.filter(unquoted).state), expected, rtol=1e-12)


def test_a_part_without_a_model_or_with_bad_settings_is_an_error() -> None:
    with pytest.raises(ParameterError, match="there is no volatility model 'garch'"):
        HybridForecast.fit(HISTORY[:400], parts={"garch": {}})
    with pytest.raises(ParameterError, match="distribution must be one of"):
        HybridForecast.fit(HISTORY[:400], parts={"GJR-GARCH": {"distribution": "cauchy"}})
    with pytest.raises(CalibrationError, match="no forecast can be fitted to 249 returns: without GJR-GARCH"):
        HybridForecast.fit(HISTORY[:249])
