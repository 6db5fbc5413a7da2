"""Plain GARCH, and how well a sample tells parameters: against arch, and the likelihood maximized another way."""

import math
from dataclasses import replace

import numpy as np
import pytest
from arch import arch_model
from numpy.typing import NDArray
from scipy.optimize import minimize

from alo_lib.volatility import GjrGarch, GjrParameters

from .conftest import days

Array = NDArray[np.float64]

TRUTH = GjrParameters(4e-6, 0.06, 0.10, 0.85, 1e-4, mu=3e-4, nu=7.0)
PERCENT = {"mu": 100.0, "omega": 1e4}


def archs(returns: Array, distribution: str, leverage: bool):
    model = arch_model(100 * returns, p=1, o=int(leverage), q=1, dist=distribution, rescale=False)
    return model.fit(disp="off", tol=1e-12)


@pytest.mark.parametrize("leverage", [False, True])
def test_parameters_errors_and_covariance_are_archs(distribution: str, leverage: bool) -> None:
    returns = GjrGarch(TRUTH).simulate(5000, seed=8)[0]
    fitted = GjrGarch.fit(days(returns), distribution=distribution, leverage=leverage)  # type: ignore[arg-type]
    told, reference = fitted.uncertainty(days(returns)), archs(returns, distribution, leverage)
    expected = ["mu", "omega", "alpha", "gamma", "beta", "nu", "skew"]
    expected = expected[: 5 + ["normal", "t", "skewt"].index(distribution)]
    assert list(told.names) == [name for name in expected if leverage or name != "gamma"]
    units = np.array([PERCENT.get(name, 1.0) for name in told.names])
    # arch divides the scores' products by n - 1.
    theirs = reference.param_cov.to_numpy() * (returns.size - 1) / returns.size
    ours = told.covariance * np.outer(units, units)
    np.testing.assert_allclose(np.sqrt(np.diag(ours)), np.sqrt(np.diag(theirs)), rtol=1e-4)
    scale = np.sqrt(np.outer(np.diag(theirs), np.diag(theirs)))
    np.testing.assert_allclose(ours / scale, theirs / scale, atol=3e-4)
    values = units * [getattr(fitted.parameters, name) for name in told.names]
    np.testing.assert_allclose((values - reference.params) / np.sqrt(np.diag(theirs)), 0.0, atol=1e-3)
    log_likelihood = reference.loglikelihood + returns.size * math.log(100.0)
    assert fitted.calibration is not None
    assert fitted.calibration.log_likelihood == pytest.approx(log_likelihood, abs=1e-6)
    assert fitted.calibration.leverage is leverage
    assert told.standard_errors["gamma"] is None or leverage
    assert told.profiles == {}


def test_plain_garch_has_no_gamma_from_any_start(sample: Array) -> None:
    free = GjrGarch.fit(days(sample))
    plain = GjrGarch.fit(days(sample), leverage=False)
    warm = GjrGarch.fit(days(sample), leverage=False, warm_start=free)
    targeted = GjrGarch.fit(days(sample), leverage=False, variance_targeting="always")
    assert plain.parameters.gamma == warm.parameters.gamma == targeted.parameters.gamma == 0.0
    assert plain.parameters.persistence == plain.parameters.alpha + plain.parameters.beta
    assert targeted.parameters.long_run_variance == pytest.approx(float(np.var(sample)), rel=1e-9)
    assert not plain.leverage
    assert free.leverage
    best = [one.calibration.log_likelihood for one in (free, plain, warm) if one.calibration is not None]
    assert best[0] > best[1]
    assert best[2] == pytest.approx(best[1], abs=1e-3)


def test_on_a_bound_the_profile_falls_by_half_a_unit_at_one_error() -> None:
    returns = GjrGarch(GjrParameters(2e-6, 0.0, 0.14, 0.91, 1e-4)).simulate(3000, seed=3)[0]
    fitted = GjrGarch.fit(days(returns), distribution="normal")
    p, told = fitted.parameters, fitted.uncertainty(days(returns))
    assert p.alpha == 0.0
    assert "alpha" not in told.names
    profile = told.profiles["alpha"]
    assert told.standard_errors["alpha"] == profile.standard_error

    def best_at(alpha: float) -> float:
        def loss(x: Array) -> float:
            try:
                moved = replace(
                    p, alpha=alpha, mu=p.mu + 1e-4 * x[0], omega=p.omega * math.exp(x[1]), gamma=x[2], beta=x[3]
                )
            except ValueError:
                return math.inf
            return -GjrGarch(moved).filter(days(returns)).state.log_likelihood

        start = np.array([0.0, 0.0, p.gamma - alpha, p.beta])
        found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-7, "maxiter": 4000})
        return -float(found.fun)

    top = best_at(0.0)
    assert profile.standard_error is not None
    assert top - best_at(profile.standard_error) == pytest.approx(0.5, abs=1e-3)
    assert profile.interval[0] == 0.0
    # Half of 2.7055, the 90 % point of chi-squared with one degree.
    assert top - best_at(profile.interval[1]) == pytest.approx(1.35277, abs=2e-3)


def test_degrees_of_freedom_on_their_bound_are_told_from_below() -> None:
    returns = GjrGarch(GjrParameters(2e-6, 0.0, 0.14, 0.91, 1e-4)).simulate(3000, seed=3)[0]
    fitted = GjrGarch.fit(days(returns), distribution="t")
    assert fitted.parameters.nu == 500.0
    low, high = fitted.uncertainty(days(returns)).profiles["nu"].interval
    assert 10.0 < low < 490.0
    assert high == 500.0
