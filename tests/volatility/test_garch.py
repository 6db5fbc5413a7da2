import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
from arch import arch_model
from arch.univariate.base import ARCHModelFixedResult
from numpy.typing import NDArray

from alo_lib.numerics.compilation import python_original
from alo_lib.volatility import (
    DailyObservation,
    GjrGarch,
    GjrParameters,
    GjrState,
    ObservationError,
    ParameterError,
    garch,
    log_returns,
)
from alo_lib.volatility.innovations import sample_shocks

from .conftest import PARAMETERS, days

Array = NDArray[np.float64]


def arch_values(p: GjrParameters) -> list[float]:
    values = [100 * p.mu, 1e4 * p.omega, p.alpha, p.gamma, p.beta]
    if not math.isinf(p.nu):
        values.append(p.nu)
    if p.distribution == "skewt":
        values.append(p.skew)
    return values


def arch_fixed(p: GjrParameters, returns: Array) -> ARCHModelFixedResult:
    """The peer at our parameters, its recursion started from our backcast."""
    reference = arch_model(100 * returns, p=1, o=1, q=1, dist=p.distribution, rescale=False)
    reference.volatility.backcast = lambda resids: 1e4 * p.backcast
    return reference.fix(arch_values(p))


def test_variance_and_likelihood_agree_with_arch(model: GjrGarch, sample: Array) -> None:
    reference = arch_fixed(model.parameters, sample)
    path = model.filter(days(sample))
    np.testing.assert_allclose(path.conditional_variance, (reference.conditional_volatility / 100) ** 2, rtol=1e-10)
    np.testing.assert_allclose(path.standardized_residuals, reference.std_resid, rtol=1e-10, atol=1e-12)
    expected = reference.loglikelihood + sample.size * math.log(100.0)
    assert path.state.log_likelihood == pytest.approx(expected, rel=1e-12)
    assert abs(path.state.log_likelihood - expected) < 1e-7


def test_single_day_likelihood_agrees_with_arch_to_1e_10(model: GjrGarch, sample: Array) -> None:
    p = model.parameters
    state = model.start()
    reference = arch_model(100 * sample, p=1, o=1, q=1, dist=p.distribution, rescale=False).distribution
    for value in sample[:200]:
        following = model.update(state, DailyObservation(float(value)))
        expected = reference.loglikelihood(
            arch_values(p)[5:], np.array([value - p.mu]), np.array([state.variance]), individual=True
        )
        assert following.log_likelihood - state.log_likelihood == pytest.approx(float(expected[0]), rel=1e-10)
        state = following


@pytest.mark.parametrize("name", ["normal", "t"])
def test_forecasts_agree_with_arch(name: str) -> None:
    model = GjrGarch(PARAMETERS[name])
    returns = model.simulate(2000, seed=5)[0]
    reference = arch_fixed(model.parameters, returns).forecast(horizon=63)
    horizons = np.arange(1, 64)
    expected = np.cumsum(reference.variance.to_numpy()[-1] / 1e4) / horizons
    np.testing.assert_allclose(model.forecast(model.filter(days(returns)).state, horizons), expected, rtol=1e-8)


def test_persistence_of_a_skewed_model_is_that_of_its_shocks() -> None:
    p = GjrParameters(2e-6, 0.01, 0.14, 0.88, 1e-4, nu=8.0, skew=-0.4)
    shocks = sample_shocks(400_000, p.nu, p.skew, np.random.default_rng(9))
    assert float(np.mean(shocks)) == pytest.approx(0.0, abs=0.01)
    assert float(np.var(shocks)) == pytest.approx(1.0, abs=0.02)
    share = float(np.mean(np.where(shocks < 0, shocks**2, 0.0)))
    assert share > 0.55
    assert p.persistence == pytest.approx(p.alpha + p.gamma * share + p.beta, abs=0.14 * 0.01)


def test_a_forecast_is_the_mean_of_the_variance_path(model: GjrGarch, sample: Array) -> None:
    state, p = model.filter(days(sample)).state, model.parameters
    path = [state.variance]
    while len(path) < 40:  # what is expected of a day follows from what is expected of the day before
        path.append(p.omega + p.persistence * path[-1])
    for horizon in (1, 2, 21, 40):
        assert float(model.forecast(state, horizon)) == pytest.approx(float(np.mean(path[:horizon])), rel=1e-12)
    fractional = (float(np.sum(path[:20])) + 0.25 * path[20]) / 20.25
    assert model.forecast_volatility(state, 20.25) == pytest.approx(math.sqrt(252 * fractional), rel=1e-12)
    assert model.forecast_volatility(state, 0.3) == pytest.approx(state.volatility, rel=1e-12)
    assert model.forecast_volatility(state, 1e6) == pytest.approx(p.long_run_volatility, rel=1e-3)


def test_the_python_original_of_the_recursion_gives_the_same_numbers(model: GjrGarch, sample: Array) -> None:
    p = model.parameters
    path = model.filter(days(sample[:300]))
    variance = p.omega + (p.alpha + 0.5 * p.gamma + p.beta) * p.backcast
    for t, value in enumerate(sample[:300]):
        assert path.conditional_variance[t] == pytest.approx(variance, rel=1e-13)
        step = python_original(garch._step)(p.coefficients, variance, float(value))
        residual = float(value) - p.mu
        variance = p.omega + (p.alpha + p.gamma * (residual < 0)) * residual**2 + p.beta * variance
        assert step[0] == pytest.approx(variance, rel=1e-13)


def test_simulation_is_fixed_by_its_seed_and_has_the_models_variance(model: GjrGarch) -> None:
    returns, variances = model.simulate(200_000, seed=3)
    again = model.simulate(200_000, seed=3)[0]
    assert returns.tobytes() == again.tobytes()
    assert model.simulate(10, seed=4)[0].tobytes() != returns[:10].tobytes()
    assert float(np.mean(variances)) == pytest.approx(model.parameters.long_run_variance, rel=0.1)
    shocks = (returns - model.parameters.mu) / np.sqrt(variances)
    assert float(np.var(shocks)) == pytest.approx(1.0, rel=0.03)
    start = GjrState(variance=4e-4)
    assert model.simulate(5, seed=3, state=start)[1][0] == 4e-4


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_returns_that_are_not_finite_are_named(bad: float) -> None:
    model = GjrGarch(PARAMETERS["t"])
    with pytest.raises(ObservationError, match="must be finite"):
        model.update(model.start(), DailyObservation(bad))
    with pytest.raises(ObservationError, match="the value at 1 is"):
        model.filter(days([0.01, bad]))


def test_returns_fall_below_their_quantile_as_often_as_it_says(model: GjrGarch) -> None:
    returns, variances = model.simulate(50_000, seed=12)
    for probability in (0.01, 0.05, 0.5):
        shock = (model.quantile(GjrState(1.0), probability) - model.parameters.mu) / 1.0
        below = returns < model.parameters.mu + np.sqrt(variances) * shock
        assert float(np.mean(below)) == pytest.approx(probability, abs=4 * math.sqrt(probability / 50_000))
    with pytest.raises(ParameterError, match="probability must be in"):
        model.quantile(GjrState(1.0), 1.0)


def test_far_outliers_are_refused_with_their_place() -> None:
    model = GjrGarch(PARAMETERS["t"])
    state = model.filter(days([0.001, 0.002])).state
    with pytest.raises(ObservationError, match=r"observation 2 is -1\.5, which is -"):
        model.update(state, DailyObservation(-1.5))
    with pytest.raises(ObservationError, match=r"observation 3 is 1\.9"):
        model.filter(days([0.001, 1.9]), state)
    with pytest.raises(ObservationError, match="one-dimensional"):
        days(0.01)


def test_a_count_of_no_days_is_refused() -> None:
    with pytest.raises(ParameterError, match="count"):
        GjrGarch(PARAMETERS["t"]).simulate(0, seed=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"omega": 0.0}, "omega must be positive"),
        ({"alpha": -0.01}, "alpha must be 0 or more"),
        ({"gamma": -0.05}, "gamma must be -alpha or more"),
        ({"beta": 1.0}, r"beta must be in \[0, 1\)"),
        ({"nu": 2.0}, "nu must be above 2"),
        ({"skew": 1.0}, "skew must be in"),
        ({"omega": math.nan}, "omega must be finite"),
        ({"alpha": 0.2}, "persistence must be below 1"),
    ],
)
def test_parameters_outside_their_domain_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        replace(PARAMETERS["t"], **changes)


def test_saved_forms_with_other_names_are_refused() -> None:
    model = GjrGarch(PARAMETERS["t"])
    with pytest.raises(ParameterError, match="a state of GJR-GARCH lacks"):
        model.restore({"variance": 1.0})
    with pytest.raises(ParameterError, match="variance must be"):
        model.restore({"variance": -1.0, "log_likelihood": 0.0, "observations": 1})


def test_derived_quantities() -> None:
    p = PARAMETERS["normal"]
    assert p.persistence == pytest.approx(0.98)
    assert p.long_run_variance == pytest.approx(1e-4)
    assert p.long_run_volatility == pytest.approx(math.sqrt(252e-4))
    assert p.persistence**p.half_life == pytest.approx(0.5)
    assert GjrParameters(1e-4, 0.0, 0.0, 0.0, 1e-4).half_life == 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert p.distribution == "normal"


def test_real_returns_filter_without_refusal(daily_bars: Array) -> None:
    returns = log_returns(daily_bars[:, 3])
    path = GjrGarch(PARAMETERS["t"]).filter(days(returns))
    assert path.state.observations == returns.size
    assert 0.5 < float(np.var(path.standardized_residuals)) < 6.0
