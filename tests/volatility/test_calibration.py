import numpy as np
import pytest
from arch import arch_model
from arch.univariate import SkewStudent
from numpy.typing import NDArray
from scipy.stats import kstest

from alo_lib.volatility import (
    CalibrationError,
    GjrGarch,
    GjrParameters,
    ObservationError,
    ParameterError,
    calibration,
    log_returns,
)
from alo_lib.volatility.innovations import downside_share, sample_shocks, shock_quantile
from alo_lib.volatility.likelihood import likelihood
from alo_lib.volatility.quasi_newton import maximize

from .conftest import PARAMETERS, days

Array = NDArray[np.float64]


def test_calibration_reaches_archs_likelihood(distribution: str, sample: Array) -> None:
    fitted = GjrGarch.fit(days(sample), distribution=distribution)  # type: ignore[arg-type]
    assert fitted.calibration is not None
    reference = arch_model(100 * sample, p=1, o=1, q=1, dist=distribution, rescale=False).fit(disp="off")
    expected = reference.loglikelihood + sample.size * np.log(100.0)
    assert fitted.calibration.log_likelihood > expected - 1e-3
    assert fitted.filter(days(sample)).state.log_likelihood == pytest.approx(
        fitted.calibration.log_likelihood, abs=1e-7
    )
    assert fitted.parameters.distribution == distribution


def test_known_parameters_are_recovered() -> None:
    truth = PARAMETERS["t"]
    returns = GjrGarch(truth).simulate(20_000, seed=1)[0]
    fitted = GjrGarch.fit(days(returns)).parameters
    assert fitted.alpha == pytest.approx(truth.alpha, abs=0.015)
    assert fitted.gamma == pytest.approx(truth.gamma, abs=0.03)
    assert fitted.beta == pytest.approx(truth.beta, abs=0.02)
    assert fitted.nu == pytest.approx(truth.nu, rel=0.15)
    assert fitted.long_run_variance == pytest.approx(truth.long_run_variance, rel=0.3)


def test_warm_start_reaches_the_same_optimum(sample: Array, distribution: str) -> None:
    cold = GjrGarch.fit(days(sample[:-50]), distribution=distribution)  # type: ignore[arg-type]
    fresh = GjrGarch.fit(days(sample), distribution=distribution)  # type: ignore[arg-type]
    warm = GjrGarch.fit(days(sample), distribution=distribution, warm_start=cold)  # type: ignore[arg-type]
    assert warm.calibration is not None
    assert fresh.calibration is not None
    assert warm.calibration.start == "warm"
    assert fresh.calibration.start == "cold"
    assert warm.calibration.log_likelihood == pytest.approx(fresh.calibration.log_likelihood, abs=1e-2)


def test_warm_start_of_another_distribution_is_moved_inside_the_bounds(sample: Array) -> None:
    warm = GjrGarch.fit(days(sample), distribution="skewt", warm_start=GjrGarch(PARAMETERS["normal"]))
    assert warm.calibration is not None
    assert 2.05 < warm.parameters.nu <= 300.0


def test_zero_mean(sample: Array) -> None:
    assert GjrGarch.fit(days(sample), mean="zero").parameters.mu == 0.0


def test_unusable_returns_are_refused(sample: Array) -> None:
    with pytest.raises(ObservationError, match="at least 250 observations, but there are 249"):
        GjrGarch.fit(days(sample[:249]))
    assert GjrGarch.fit(days(sample[:249]), min_observations=200).parameters.omega > 0.0
    with pytest.raises(ObservationError, match="must vary"):
        GjrGarch.fit(days(np.full(300, 0.01)))
    with pytest.raises(ObservationError, match="must vary"):
        GjrGarch.fit(days(np.zeros(300)))
    spoiled = sample[:400].copy()
    spoiled[17] = np.nan
    with pytest.raises(ObservationError, match="the value at 17 is nan"):
        GjrGarch.fit(days(spoiled))
    spoiled[17] = -1.5
    with pytest.raises(
        ObservationError, match=r"within 50 standard deviations of their mean, but the value at 17 is -1\.5"
    ):
        GjrGarch.fit(days(spoiled))


def test_unknown_choices_are_refused(sample: Array) -> None:
    with pytest.raises(ParameterError, match="distribution must be one of normal, t, skewt"):
        GjrGarch.fit(days(sample), distribution="cauchy")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="variance_targeting must be one of never, fallback, always"):
        GjrGarch.fit(days(sample), variance_targeting="sometimes")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="mean must be one of"):
        GjrGarch.fit(days(sample), mean="ar")  # type: ignore[arg-type]


def trending() -> Array:
    """Variance that grows a thousandfold over the sample has no level to return to."""
    rng = np.random.default_rng(6)
    return np.asarray(1e-3 * np.exp(np.linspace(0.0, 4.0, 2000)) * rng.standard_normal(2000))


def test_a_fit_without_a_long_run_variance_is_refused_or_targeted_and_says_so() -> None:
    returns = trending()
    with pytest.raises(CalibrationError, match=r"not stationary.*variance targeting may help"):
        GjrGarch.fit(days(returns), distribution="normal", variance_targeting="never")
    fitted = GjrGarch.fit(days(returns), distribution="normal")
    assert fitted.calibration is not None
    assert fitted.calibration.variance_targeted
    assert "not stationary" in fitted.calibration.note
    assert fitted.parameters.long_run_variance == pytest.approx(float(np.var(returns)), rel=1e-9)


def test_variance_targeting_meets_the_samples_variance(sample: Array, distribution: str) -> None:
    fitted = GjrGarch.fit(days(sample), distribution=distribution, variance_targeting="always")  # type: ignore[arg-type]
    free = GjrGarch.fit(days(sample), distribution=distribution, variance_targeting="never")  # type: ignore[arg-type]
    assert fitted.parameters.long_run_variance == pytest.approx(float(np.var(sample)), rel=1e-9)
    assert fitted.calibration is not None
    assert free.calibration is not None
    assert fitted.calibration.note == ""
    assert not free.calibration.variance_targeted
    assert free.calibration.log_likelihood > fitted.calibration.log_likelihood


def test_a_long_run_variance_far_from_the_samples_is_targeted(monkeypatch: pytest.MonkeyPatch, sample: Array) -> None:
    monkeypatch.setattr(calibration, "MAX_LONG_RUN_RATIO", 1.0 + 1e-9)
    fitted = GjrGarch.fit(days(sample))
    assert fitted.calibration is not None
    assert "times the sample's" in fitted.calibration.note


def test_a_search_that_never_converges_is_reported(sample: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "MAX_ITERATIONS", 1)
    starts = 2 * len(calibration._COLD_STARTS)  # free, and within the stationary models
    with pytest.raises(CalibrationError, match=rf"from any of {starts} starts: .*1 iterations were not enough"):
        GjrGarch.fit(days(sample))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("degrees", [5.0, 1e6])
def test_returns_without_any_memory_calibrate(seed: int, degrees: float, distribution: str) -> None:
    # Here beta is not identified: the search must end all the same, and forecast the sample's variance.
    returns = 0.01 * np.random.default_rng(seed).standard_t(degrees, 1500)
    fitted = GjrGarch.fit(days(returns), distribution=distribution)  # type: ignore[arg-type]
    assert fitted.forecast_volatility(fitted.filter(days(returns)).state, 21.0) == pytest.approx(
        float(np.std(returns)) * 252**0.5, rel=0.15
    )


@pytest.mark.parametrize("length", [504, 1260, 2520, 5848])
def test_real_returns_reach_archs_likelihood_or_say_why_not(daily_bars: Array, length: int) -> None:
    returns = log_returns(daily_bars[:, 3])[-length:]
    fitted = GjrGarch.fit(days(returns))
    assert fitted.calibration is not None
    reference = arch_model(100 * returns, p=1, o=1, q=1, dist="t", rescale=False).fit(disp="off")
    expected = reference.loglikelihood + returns.size * np.log(100.0)
    assert bool(fitted.calibration.note) == fitted.calibration.variance_targeted
    assert fitted.calibration.log_likelihood > expected - (3.0 if fitted.calibration.variance_targeted else 1e-3)
    assert 0.9 < fitted.parameters.persistence < 0.9999
    assert fitted.parameters.gamma > 0.0
    assert 0.1 < fitted.parameters.long_run_volatility < 0.7


def test_standard_errors_cover_the_truth_as_often_as_they_should() -> None:
    truth = GjrParameters(4e-6, 0.06, 0.10, 0.85, 1e-4, nu=7.0)
    inside = []
    for seed in range(60):
        returns = GjrGarch(truth).simulate(2500, seed=seed)[0]
        fitted = GjrGarch.fit(days(returns), mean="zero")
        errors = fitted.standard_errors(days(returns))
        assert errors["mu"] is None
        assert errors["beta"] is not None
        inside.append(abs(fitted.parameters.beta - truth.beta) < 1.96 * errors["beta"])
    assert float(np.mean(inside)) > 0.85


def test_standard_errors_of_a_target(sample: Array) -> None:
    targeted = GjrGarch.fit(days(sample), variance_targeting="always")
    free = GjrGarch.fit(days(sample), variance_targeting="never")
    known, unknown = targeted.standard_errors(days(sample))["omega"], free.standard_errors(days(sample))["omega"]
    assert known is not None
    assert unknown is not None
    assert 0.0 < known < 1.5 * unknown
    with pytest.raises(CalibrationError, match="has no maximum"):
        GjrGarch(GjrParameters(1e-9, 0.3, 0.2, 0.2, 1e-4)).standard_errors(days(sample))


POINTS = {
    "normal": [0.03, 0.02, 0.02, 0.14, 0.90, np.inf, 0.0],
    "t": [0.03, 0.02, 0.02, 0.14, 0.90, 6.0, 0.0],
    "skewt": [-0.03, 0.03, 0.05, 0.10, 0.85, 4.0, -0.3],
}


def test_gradient_equals_fourth_order_differences(sample: Array, distribution: str) -> None:
    theta, step = np.array(POINTS[distribution]), 1e-4
    returns = 100.0 * sample
    value, score, outer = likelihood(theta, returns, 1.0)
    assert outer.shape == (7, 7)
    assert np.array_equal(outer, outer.T)
    assert np.all(np.linalg.eigvalsh(outer) > -1e-6 * np.trace(outer))
    for i in range(7 if distribution != "normal" else 5):

        def along(k: float, i: int = i) -> float:
            moved = theta.copy()
            moved[i] += k * step
            return likelihood(moved, returns, 1.0)[0]

        slope = (8.0 * (along(1) - along(-1)) - (along(2) - along(-2))) / (12.0 * step)
        assert score[i] == pytest.approx(slope, rel=1e-6, abs=1e-5)
    assert value == along(0)


def test_likelihood_equals_the_filters(model: GjrGarch, sample: Array) -> None:
    p = model.parameters
    theta = np.array([p.mu, p.omega, p.alpha, p.alpha + p.gamma, p.beta, p.nu, p.skew])
    assert likelihood(theta, sample, p.backcast)[0] == pytest.approx(
        model.filter(days(sample)).state.log_likelihood, rel=1e-12
    )


@pytest.mark.parametrize("nu", [2.1, 3.0, 6.0, 100.0])
@pytest.mark.parametrize("skew", [-0.9, -0.4, -0.05, 0.0, 0.2])
def test_downside_share_agrees_with_arch(nu: float, skew: float) -> None:
    assert downside_share(nu, skew) == pytest.approx(SkewStudent().partial_moment(2, 0.0, [nu, skew]), rel=1e-11)


@pytest.mark.parametrize("skew", [-0.4, 0.0, 0.3])
@pytest.mark.parametrize("probability", [0.001, 0.01, 0.05, 0.5, 0.72, 0.99])
def test_quantiles_agree_with_arch(skew: float, probability: float) -> None:
    expected = float(SkewStudent().ppf(np.array([probability]), [6.0, skew])[0])
    assert shock_quantile(probability, 6.0, skew) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_skewed_shocks_follow_archs_distribution() -> None:
    shocks = sample_shocks(20_000, 5.0, -0.3, np.random.default_rng(4))
    assert kstest(shocks, lambda z: SkewStudent().cdf(z, [5.0, -0.3])).pvalue > 0.01


def test_the_search_climbs_to_a_bound_and_stops_there() -> None:
    def objective(x: Array) -> tuple[float, Array, Array]:
        away = x - np.array([2.0, 0.3])
        curvature = np.array([[2.0, 0.5], [0.5, 1.0]])
        return float(-0.5 * away @ curvature @ away), -curvature @ away, 5.0 * curvature

    box = np.zeros(2), np.ones(2)
    optimum = maximize(objective, np.array([0.1, 0.9]), *box, 50)
    assert not optimum.message
    # At the bound x = 1 the other coordinate solves its own equation: 0.3 + 0.5 * (2 - 1).
    np.testing.assert_allclose(optimum.point, [1.0, 0.8], atol=1e-3)
    assert maximize(objective, np.array([0.1, 0.9]), *box, 1).message
    outside = maximize(lambda x: (-np.inf, x, np.eye(2)), np.array([0.1, 0.9]), *box, 5)
    assert "outside" in outside.message
