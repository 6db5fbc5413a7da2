import warnings

import numpy as np
import pytest
from arch import arch_model
from numpy.typing import NDArray

from alo_lib.volatility import CalibrationError, DataError, GjrGarch, GjrParameters, ParameterError, log_returns

from .conftest import PARAMETERS

Array = NDArray[np.float64]


def test_calibration_reaches_archs_likelihood(distribution: str, sample: Array) -> None:
    fitted = GjrGarch.calibrate(sample, distribution=distribution)  # type: ignore[arg-type]
    assert fitted.calibration is not None
    reference = arch_model(100 * sample, p=1, o=1, q=1, dist=distribution, rescale=False).fit(disp="off")  # type: ignore[arg-type]
    expected = reference.loglikelihood + sample.size * np.log(100.0)
    assert fitted.calibration.log_likelihood > expected - 1e-3
    assert fitted.filter(sample).log_likelihood == pytest.approx(fitted.calibration.log_likelihood, abs=1e-7)
    assert fitted.parameters.distribution == distribution


def test_known_parameters_are_recovered() -> None:
    truth = PARAMETERS["t"]
    returns = GjrGarch(truth).simulate(20_000, seed=1)[0]
    fitted = GjrGarch.calibrate(returns).parameters
    assert fitted.alpha == pytest.approx(truth.alpha, abs=0.015)
    assert fitted.gamma == pytest.approx(truth.gamma, abs=0.03)
    assert fitted.beta == pytest.approx(truth.beta, abs=0.02)
    assert fitted.nu == pytest.approx(truth.nu, rel=0.15)
    assert fitted.long_run_variance == pytest.approx(truth.long_run_variance, rel=0.3)


def test_calibrating_twice_gives_the_same_bits_and_leaves_the_process_alone(sample: Array, distribution: str) -> None:
    filters = list(warnings.filters)
    state = np.random.get_state()[1].tobytes()  # type: ignore[index,union-attr]  # noqa: NPY002
    first = GjrGarch.calibrate(sample, distribution=distribution)  # type: ignore[arg-type]
    second = GjrGarch.calibrate(sample, distribution=distribution)  # type: ignore[arg-type]
    assert first == second
    assert list(warnings.filters) == filters
    assert np.random.get_state()[1].tobytes() == state  # type: ignore[index,union-attr]  # noqa: NPY002


def test_warm_start_reaches_the_same_optimum(sample: Array, distribution: str) -> None:
    cold = GjrGarch.calibrate(sample[:-50], distribution=distribution)  # type: ignore[arg-type]
    fresh = GjrGarch.calibrate(sample, distribution=distribution)  # type: ignore[arg-type]
    warm = GjrGarch.calibrate(sample, distribution=distribution, warm_start=cold.parameters)  # type: ignore[arg-type]
    assert warm.calibration is not None
    assert fresh.calibration is not None
    assert warm.calibration.start == "warm"
    assert fresh.calibration.start == "cold"
    assert warm.calibration.log_likelihood == pytest.approx(fresh.calibration.log_likelihood, abs=1e-2)


def test_warm_start_of_another_distribution_is_moved_inside_the_bounds(sample: Array) -> None:
    warm = GjrGarch.calibrate(sample, distribution="skewt", warm_start=PARAMETERS["normal"])
    assert warm.calibration is not None
    assert warm.parameters.nu < 300.0


def test_zero_mean(sample: Array) -> None:
    assert GjrGarch.calibrate(sample, mean="zero").parameters.mu == 0.0


def test_unusable_returns_are_refused(sample: Array) -> None:
    with pytest.raises(DataError, match="at least 250 observations, but there are 249"):
        GjrGarch.calibrate(sample[:249])
    assert GjrGarch.calibrate(sample[:249], min_observations=200).parameters.omega > 0.0
    with pytest.raises(DataError, match="must vary"):
        GjrGarch.calibrate(np.full(300, 0.01))
    with pytest.raises(DataError, match="must vary"):
        GjrGarch.calibrate(np.zeros(300))
    spoiled = sample[:400].copy()
    spoiled[17] = np.nan
    with pytest.raises(DataError, match="the value at 17 is nan"):
        GjrGarch.calibrate(spoiled)
    spoiled[17] = -1.5
    with pytest.raises(DataError, match=r"within 50 standard deviations of their mean, but the value at 17 is -1\.5"):
        GjrGarch.calibrate(spoiled)


def test_unknown_choices_are_refused(sample: Array) -> None:
    with pytest.raises(ParameterError, match="distribution must be one of normal, t, skewt"):
        GjrGarch.calibrate(sample, distribution="cauchy")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="mean must be one of"):
        GjrGarch.calibrate(sample, mean="ar")  # type: ignore[arg-type]


def test_a_sample_without_a_long_run_variance_is_refused() -> None:
    # Variance that grows a thousandfold over the sample has no level to return to.
    rng = np.random.default_rng(6)
    returns = 1e-3 * np.exp(np.linspace(0.0, 4.0, 2000)) * rng.standard_normal(2000)
    with pytest.raises(CalibrationError, match="persistence"):
        GjrGarch.calibrate(returns, distribution="normal")


def test_an_optimizer_that_never_converges_is_reported(sample: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    from alo_lib.volatility import calibration

    monkeypatch.setattr(calibration, "MAX_ITERATIONS", 1)
    with pytest.raises(CalibrationError, match=r"did not converge on 3000 returns from any of 3 starts.*[Ii]teration"):
        GjrGarch.calibrate(sample)


def test_real_returns_calibrate(daily_bars: Array) -> None:
    returns = log_returns(daily_bars[-2520:, 3])
    fitted = GjrGarch.calibrate(returns).parameters
    assert isinstance(fitted, GjrParameters)
    assert 0.9 < fitted.persistence < 0.9999
    assert fitted.gamma > 0.0
    assert 0.1 < fitted.long_run_volatility < 0.7
    reference = arch_model(100 * returns, p=1, o=1, q=1, dist="t", rescale=False).fit(disp="off")
    likelihood = GjrGarch(fitted).filter(returns).log_likelihood
    assert likelihood > reference.loglikelihood + returns.size * np.log(100.0) - 1e-3
