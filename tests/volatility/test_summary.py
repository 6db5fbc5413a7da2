"""Summaries of fits against arch, and the tests of residuals against their formulas and peers."""

import math

import numpy as np
import pytest
import scipy.stats
from arch import arch_model
from numpy.typing import NDArray

from alo_lib.volatility import (
    DailyHistory,
    GjrGarch,
    GjrParameters,
    ObservationError,
    ParameterError,
    arch_lm,
    autocorrelation,
    jarque_bera,
    ljung_box,
    log_returns,
)

from .conftest import days, read_daily_bars

Array = NDArray[np.float64]

TRUTH = GjrParameters(4e-6, 0.06, 0.10, 0.85, 1e-4, mu=3e-4, nu=7.0)
RETURNS = GjrGarch(TRUTH).simulate(4000, seed=8)[0]


def check_against_arch(returns: Array, distribution: str, leverage: bool, rtol: float) -> None:
    summary = GjrGarch.fit(
        days(returns),
        distribution=distribution,  # type: ignore[arg-type]
        leverage=leverage,
        variance_targeting="never",
    ).summary(days(returns))
    peer = arch_model(100 * returns, p=1, o=int(leverage), q=1, dist=distribution, rescale=False)
    fitted = peer.fit(disp="off", tol=1e-12)
    assert summary.note == ""
    told = {row.name: row for row in summary.parameters}
    assert len(told) == fitted.params.size
    # arch divides the scores' products by n - 1.
    factor = math.sqrt((returns.size - 1) / returns.size)
    for row, value, error, t, p in zip(
        summary.parameters, fitted.params, fitted.std_err, fitted.tvalues, fitted.pvalues, strict=True
    ):
        unit = {"mu": 100.0, "omega": 1e4}.get(row.name, 1.0)
        assert row.standard_error is not None
        assert row.t is not None
        assert row.interval is not None
        assert abs(unit * row.value - value) < 2e-3 * error, row.name
        assert unit * row.standard_error == pytest.approx(factor * error, rel=rtol), row.name
        assert row.t == pytest.approx(t / factor, rel=2e-3, abs=2e-3), row.name
        assert row.p_value == pytest.approx(p, rel=0.02, abs=2e-3), row.name
        half = 0.5 * (row.interval[1] - row.interval[0])
        assert half == pytest.approx(scipy.stats.norm.ppf(0.975) * row.standard_error, rel=1e-9)
    decimals = returns.size * math.log(100.0)
    assert summary.log_likelihood == pytest.approx(fitted.loglikelihood + decimals, abs=1e-5)
    assert summary.akaike == pytest.approx(fitted.aic - 2.0 * decimals, abs=1e-4)
    assert summary.bayes == pytest.approx(fitted.bic - 2.0 * decimals, abs=1e-4)
    np.testing.assert_allclose(summary.residuals, fitted.std_resid, rtol=2e-3, atol=2e-3)
    lm = fitted.arch_lm_test(lags=10, standardized=True)
    ours = next(one for one in summary.tests if one.name == "ARCH-LM" and one.lags == 10)
    # arch multiplies by all days, Engle's test by those that have every lag.
    share = (returns.size - 10) / returns.size
    assert ours.statistic == pytest.approx(share * lm.stat, rel=2e-3)
    assert ours.p_value == pytest.approx(scipy.stats.chi2.sf(share * lm.stat, 10), rel=5e-3, abs=1e-6)


@pytest.mark.parametrize("leverage", [False, True])
def test_a_summary_says_what_archs_does(distribution: str, leverage: bool) -> None:
    check_against_arch(RETURNS, distribution, leverage, rtol=1e-4)


@pytest.mark.parametrize("distribution", ["normal", "t"])
def test_a_summary_of_real_returns_says_what_archs_does(lean_data, distribution: str) -> None:
    check_against_arch(log_returns(read_daily_bars(lean_data, "ibm")[:, 3]), distribution, leverage=True, rtol=3e-4)


def test_it_is_a_table_a_frame_and_an_object() -> None:
    dates = np.datetime64("2010-01-04") + np.arange(RETURNS.size)
    history = DailyHistory.from_returns(RETURNS, dates=dates)
    summary = GjrGarch.fit(history).summary(history)
    text = str(summary)
    for words in ("GJR-GARCH(1,1), skewt", "2010-01-04", str(dates[-1]), "AIC", "BIC", "std. error", "Ljung-Box"):
        assert words in text
    frame = summary.to_frame()
    assert list(frame.index) == ["mu", "omega", "alpha", "gamma", "beta", "nu", "skew"]
    assert frame.loc["beta", "t"] == frame.loc["beta", "value"] / frame.loc["beta", "standard error"]
    told = summary.to_dict()
    assert told["aic"] == summary.akaike
    assert told["covariance"]["names"] == list(frame.index)
    errors = np.sqrt(np.diag(told["covariance"]["values"]))
    np.testing.assert_allclose(errors, frame["standard error"], rtol=1e-12)


def test_a_parameter_on_its_bound_is_told_by_its_profile() -> None:
    returns = GjrGarch(GjrParameters(2e-6, 0.0, 0.14, 0.91, 1e-4)).simulate(3000, seed=3)[0]
    model = GjrGarch.fit(days(returns), distribution="normal")
    summary = model.summary(days(returns))
    alpha = next(row for row in summary.parameters if row.name == "alpha")
    assert alpha.on_bound
    assert alpha[1:] == (
        0.0,
        alpha.standard_error,
        0.0,
        1.0,
        model.uncertainty(days(returns)).profiles["alpha"].interval,
        True,
    )
    assert summary.covariance_names == ("mu", "omega", "gamma", "beta")
    assert summary.covariance.shape == (4, 4)
    assert "alpha (on its bound)" in str(summary)
    assert summary.akaike == 2.0 * 5 - 2.0 * summary.log_likelihood


def test_parameters_of_another_sample_have_no_errors_and_a_note() -> None:
    summary = GjrGarch(GjrParameters(1e-9, 0.3, 0.2, 0.2, 1e-4)).summary(days(RETURNS[:400]))
    assert summary.note.startswith("without standard errors: the likelihood of these returns has no maximum")
    assert {row.standard_error for row in summary.parameters} == {None}
    assert summary.covariance.shape == (0, 0)
    assert summary.covariance_names == ()
    assert "Note: without standard errors" in str(summary)


def test_ljung_box_and_autocorrelations_are_their_sums() -> None:
    x = np.random.default_rng(3).standard_normal(200)
    x[1:] += 0.4 * x[:-1]
    mean, n = sum(x) / 200, 200
    whole = sum((value - mean) ** 2 for value in x)
    rho = [sum((x[t] - mean) * (x[t - k] - mean) for t in range(k, n)) / whole for k in range(1, 6)]
    np.testing.assert_allclose(autocorrelation(x, 5), rho, rtol=1e-12)
    q = n * (n + 2) * sum(r * r / (n - k) for k, r in enumerate(rho, 1))
    found = ljung_box(x, 5)
    assert found.statistic == pytest.approx(q, rel=1e-12)
    assert found.p_value == pytest.approx(scipy.stats.chi2.sf(q, 5), rel=1e-10)


def test_jarque_bera_is_scipys() -> None:
    x = np.random.default_rng(4).standard_t(8, 700)
    found, peer = jarque_bera(x), scipy.stats.jarque_bera(x)
    assert found.statistic == pytest.approx(peer.statistic, rel=1e-12)
    assert found.p_value == pytest.approx(peer.pvalue, rel=1e-9)


def test_white_noise_is_refused_as_often_as_it_should_be_and_clusters_always() -> None:
    generator = np.random.default_rng(5)
    refused = np.zeros(4)
    for _ in range(400):
        x = generator.standard_normal(500)
        said = (ljung_box(x, 5), ljung_box(x * x, 5), arch_lm(x, 5), jarque_bera(x))
        refused += [test.p_value < 0.05 for test in said]
    assert np.all((refused > 8) & (refused < 36))  # twenty expected, their deviation is 4.4
    clustered = GjrGarch(GjrParameters(2e-5, 0.3, 0.0, 0.5, 1e-4)).simulate(3000, seed=1)[0]
    assert arch_lm(clustered, 5).p_value < 1e-6
    assert ljung_box(clustered**2, 5).p_value < 1e-6


def test_too_few_or_constant_residuals_and_no_lags_are_refused() -> None:
    x = np.random.default_rng(6).standard_normal(12)
    with pytest.raises(ObservationError, match="residuals must be more than 13 for 12 lags, but there are 12"):
        ljung_box(x, 12)
    with pytest.raises(ObservationError, match="residuals must be 14 or more for 6 lags, but there are 12"):
        arch_lm(x, 6)
    with pytest.raises(ObservationError, match=r"residuals must vary, but all are 1\.0"):
        jarque_bera(np.ones(30))
    with pytest.raises(ParameterError, match="lags must be 1 or more, but they are 0"):
        autocorrelation(x, 0)


def test_a_halt_counts_for_nothing_in_the_summary() -> None:
    halted = np.concatenate([RETURNS[:1500], np.zeros(60), RETURNS[1500:]])
    model = GjrGarch.fit(days(halted))
    summary, without = model.summary(days(halted)), model.summary(days(RETURNS))
    assert model.calibration is not None
    assert summary.observations == model.calibration.observations == RETURNS.size
    assert summary.log_likelihood == pytest.approx(model.calibration.log_likelihood, abs=1e-6)
    assert summary.to_dict() == without.to_dict()
