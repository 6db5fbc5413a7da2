import math

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from numpy.typing import NDArray

from alo_lib.volatility import (
    CalibrationError,
    DailyObservation,
    ObservationError,
    ParameterError,
    RegimeModel,
    RegimeParameters,
    log_returns,
)
from alo_lib.volatility.baum_welch import baum_welch

from .conftest import days

Array = NDArray[np.float64]

TRUTH = RegimeParameters((8e-4, -1e-3), (5e-5, 5e-4), ((0.985, 0.015), (0.04, 0.96)))
THREE = RegimeParameters(
    (5e-4, 0.0, -2e-3), (3e-5, 1e-4, 9e-4), ((0.97, 0.02, 0.01), (0.02, 0.96, 0.02), (0.01, 0.09, 0.90))
)


def simulate(p: RegimeParameters, days: int, seed: int) -> tuple[Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    regimes = np.empty(days, dtype=np.int64)
    regimes[0] = 0
    uniforms = rng.random(days)
    for t in range(1, days):
        regimes[t] = int(np.searchsorted(np.cumsum(p.transition[regimes[t - 1]])[:-1], uniforms[t]))
    returns = np.array(p.means)[regimes] + np.sqrt(np.array(p.variances))[regimes] * rng.standard_normal(days)
    return returns, regimes


def peer(p: RegimeParameters) -> GaussianHMM:
    model = GaussianHMM(n_components=len(p.means), covariance_type="diag")
    model.startprob_ = p.stationary
    model.transmat_ = np.array(p.transition)
    model.means_ = np.array(p.means).reshape(-1, 1)
    model.covars_ = np.array(p.variances).reshape(-1, 1)
    return model


@pytest.mark.parametrize("p", [TRUTH, THREE])
def test_likelihood_and_last_day_agree_with_hmmlearn(p: RegimeParameters) -> None:
    returns, _ = simulate(p, 1500, seed=1)
    model, reference = RegimeModel(p), peer(p)
    state = model.filter(days(returns)).state
    assert state.log_likelihood == pytest.approx(reference.score(returns.reshape(-1, 1)), rel=1e-10)
    # On the last day there is no future, so that smoothed and filtered are one.
    assert state.probabilities is not None
    np.testing.assert_allclose(state.probabilities, reference.predict_proba(returns.reshape(-1, 1))[-1], rtol=1e-8)


def test_filtered_probabilities_ignore_the_future_and_smoothed_ones_do_not() -> None:
    returns, _ = simulate(TRUTH, 800, seed=2)
    disturbed = returns.copy()
    disturbed[500:] *= 3.0
    model = RegimeModel(TRUTH)
    whole, other = model.filter(days(returns)).probabilities, model.filter(days(disturbed)).probabilities
    assert whole[:500].tobytes() == other[:500].tobytes()
    assert model.filter(days(returns[:500])).probabilities.tobytes() == whole[:500].tobytes()
    smoothed, moved = (peer(TRUTH).predict_proba(r.reshape(-1, 1)) for r in (returns, disturbed))
    assert float(np.max(np.abs(smoothed[450:500] - moved[450:500]))) > 0.05


def test_fit_recovers_regimes_in_order_of_variance() -> None:
    returns, regimes = simulate(TRUTH, 6000, seed=4)
    fitted = RegimeModel.fit(days(returns))
    p = fitted.parameters
    np.testing.assert_allclose(p.variances, TRUTH.variances, rtol=0.1)
    np.testing.assert_allclose(p.expected_days, TRUTH.expected_days, rtol=0.3)
    probabilities = fitted.filter(days(returns)).probabilities
    assert float(np.mean((probabilities[:, 1] > 0.5) == (regimes == 1))) > 0.93
    assert fitted.log_likelihood is not None
    assert fitted.log_likelihood >= RegimeModel(TRUTH).filter(days(returns)).state.log_likelihood


def test_the_iteration_agrees_with_hmmlearn_from_the_same_first_guess() -> None:
    returns, _ = simulate(TRUTH, 900, seed=8)
    sample = returns / np.std(returns)
    means, variances, transition = np.array([0.1, -0.1]), np.array([0.2, 4.0]), np.array([[0.95, 0.05], [0.1, 0.9]])
    peer = GaussianHMM(2, n_iter=500, tol=1e-3, init_params="", covars_prior=0.0, covars_weight=0.0)
    peer.startprob_, peer.transmat_ = np.array([0.5, 0.5]), transition
    peer.means_, peer.covars_ = means.reshape(-1, 1), variances.reshape(-1, 1)
    peer.fit(sample.reshape(-1, 1))
    fit = baum_welch(sample, means, variances, transition, most_iterations=500, tolerance=1e-3)
    assert fit is not None
    np.testing.assert_allclose(fit.means, peer.means_.ravel(), rtol=1e-9)
    np.testing.assert_allclose(fit.variances, peer.covars_.ravel(), rtol=1e-9)
    np.testing.assert_allclose(fit.transition, peer.transmat_, rtol=1e-9)
    assert fit.log_likelihood == pytest.approx(peer.score(sample.reshape(-1, 1)), rel=1e-11)
    np.testing.assert_allclose(fit.shares, peer.predict_proba(sample.reshape(-1, 1)).mean(axis=0), rtol=1e-9)


def test_an_iteration_that_does_not_end_or_shrinks_to_days_alike_gives_no_fit() -> None:
    returns, _ = simulate(TRUTH, 900, seed=8)
    guess = np.array([0.1, -0.1]), np.array([0.2, 4.0]), np.array([[0.95, 0.05], [0.1, 0.9]])
    assert baum_welch(returns / np.std(returns), *guess, most_iterations=3, tolerance=1e-3) is None
    still = np.where(np.arange(900) < 300, 0.0, returns / np.std(returns))  # a third of the days without a trade
    assert baum_welch(still, np.zeros(2), np.array([1e-3, 1.0]), guess[2], most_iterations=500, tolerance=1e-3) is None


def test_labels_keep_their_meaning_over_refits_and_seeds() -> None:
    returns, _ = simulate(THREE, 3000, seed=5)
    fits = [RegimeModel.fit(days(returns[:length]), regimes=3, seed=seed) for length in (2900, 3000) for seed in (0, 1)]
    for fit in fits:
        assert list(fit.parameters.variances) == sorted(fit.parameters.variances)
        np.testing.assert_allclose(fit.parameters.variances, fits[0].parameters.variances, rtol=0.15)
    again = RegimeModel.fit(days(returns), regimes=3, seed=1)
    assert again == fits[3]


def test_mix_and_variance_forecast() -> None:
    model = RegimeModel(THREE)
    state = model.filter(days(simulate(THREE, 200, seed=6)[0])).state
    assert state.probabilities is not None
    power = np.linalg.matrix_power(np.array(THREE.transition), 5)
    np.testing.assert_allclose(model.mix(state, 5), np.array(state.probabilities) @ power, rtol=1e-12)
    np.testing.assert_allclose(model.mix(state, 3000), THREE.stationary, rtol=1e-9)
    means, variances = np.array(THREE.means), np.array(THREE.variances)
    mixes = [model.mix(state, day) for day in range(1, 31)]
    path = np.array([one @ (variances + means**2) - (one @ means) ** 2 for one in mixes])
    horizon = 20.4
    average = (path[:20].sum() + 0.4 * path[20]) / horizon
    assert model.forecast_volatility(state, horizon) == pytest.approx(math.sqrt(252 * average), rel=1e-12)
    assert model.forecast_volatility(state, 0.5) == pytest.approx(math.sqrt(252 * path[0]), rel=1e-12)
    np.testing.assert_allclose(model.forecast(state, np.arange(1, 31)), np.cumsum(path) / np.arange(1, 31), rtol=1e-12)


def test_derived_quantities_and_the_state_before_any_return() -> None:
    np.testing.assert_allclose(TRUTH.stationary, [0.04 / 0.055, 0.015 / 0.055], rtol=1e-12)
    assert TRUTH.expected_days == pytest.approx((1 / 0.015, 25.0))
    assert TRUTH.volatilities[0] == pytest.approx(math.sqrt(252 * 5e-5))
    model = RegimeModel(TRUTH)
    assert model.start().regime is None
    np.testing.assert_array_equal(model.mix(model.start(), 1), TRUTH.stationary)
    assert model.update(model.start(), DailyObservation(0.06)).regime == 1
    absorbing = RegimeParameters((0.0, 0.0), (1e-4, 2e-4), ((1.0, 0.0), (0.5, 0.5)))
    assert absorbing.expected_days[0] == math.inf


def test_bad_input_is_refused() -> None:
    model = RegimeModel(TRUTH)
    returns, _ = simulate(TRUTH, 400, seed=7)
    with pytest.raises(ObservationError, match="must be finite"):
        model.update(model.start(), DailyObservation(math.nan))
    with pytest.raises(ObservationError, match=r"observation 1 is 9\.0"):
        model.filter(days([0.01, 9.0]))
    with pytest.raises(ObservationError, match="at least 250"):
        RegimeModel.fit(days(returns[:100]))
    with pytest.raises(ParameterError, match="regimes must be 2 or more"):
        RegimeModel.fit(days(returns), regimes=1)
    with pytest.raises(ParameterError, match="restarts must be 1 or more"):
        RegimeModel.fit(days(returns), restarts=0)
    with pytest.raises(ParameterError, match="horizon_days"):
        model.mix(model.start(), -1)
    with pytest.raises(ParameterError, match="ascending"):
        RegimeParameters((0.0, 0.0), (2e-4, 1e-4), TRUTH.transition)
    with pytest.raises(ParameterError, match="sum to 1"):
        RegimeParameters((0.0, 0.0), (1e-4, 2e-4), ((0.9, 0.2), (0.5, 0.5)))
    with pytest.raises(ParameterError, match="means must be finite"):
        RegimeParameters((0.0, math.nan), (1e-4, 2e-4), TRUTH.transition)
    with pytest.raises(ParameterError, match="2 or more means"):
        RegimeParameters((0.0,), (1e-4,), ((1.0,),))
    with pytest.raises(ParameterError, match="a state of 2 regimes has as many probabilities"):
        model.restore({"probabilities": [0.2, 0.3, 0.5], "log_likelihood": 0.0, "observations": 1})
    with pytest.raises(ParameterError, match="a state of regimes lacks log_likelihood, observations"):
        model.restore({"probabilities": 3})


def test_regimes_that_the_data_do_not_hold_are_reported() -> None:
    # One freak day is not a regime.
    returns = 0.01 * np.random.default_rng(1).uniform(-1.0, 1.0, 300)
    returns[10] = 0.2
    with pytest.raises(CalibrationError, match="fewer regimes may do"):
        RegimeModel.fit(days(returns), regimes=2)


def test_real_returns_have_a_calm_and_a_wild_regime(daily_bars: Array) -> None:
    fitted = RegimeModel.fit(days(log_returns(daily_bars[:, 3])))
    calm, wild = fitted.parameters.volatilities
    assert wild > 2.0 * calm
    assert min(fitted.parameters.expected_days) > 10.0
