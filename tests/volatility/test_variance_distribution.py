"""What a model says of the variance to come, against brute force, exact values and simulated markets."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.volatility import (
    DailyHistory,
    GarchByRegime,
    GjrGarch,
    GjrParameters,
    GjrState,
    HybridForecast,
    RegimeModel,
    RegimeParameters,
    RegimeState,
    model_named,
)
from alo_lib.volatility.garch_by_regime import GarchByRegimeState
from alo_lib.volatility.innovations import sample_shocks
from alo_lib.volatility.variance_distribution import gjr_distribution
from alo_lib.volatility.variance_paths import DAYS, PATHS, gjr_paths

from .test_contract import HISTORY

Array = NDArray[np.float64]

SP500 = GjrParameters(1.442e-6, 0.0, 0.1707, 0.8986, 1.8e-4, mu=2.5e-4, nu=8.78, skew=-0.114)
"""As fitted to the S&P 500 of 1999 to 2018: persistence 0.990."""
PATHS_BY_FORCE = 60_000


def volatility_by_force(p: GjrParameters, variance: float, days: tuple[int, ...], seed: int = 5) -> list[float]:
    """Annualized mean of volatility by simulation with random shocks, each moment of them independent of ours."""
    generator = np.random.default_rng(seed)
    now, total, means = np.full(PATHS_BY_FORCE, variance), np.zeros(PATHS_BY_FORCE), []
    for day in range(1, days[-1] + 1):
        total += now
        if day in days:
            means.append(float(np.mean(np.sqrt(252.0 * total / day))))
        z = sample_shocks(PATHS_BY_FORCE, p.nu, p.skew, generator)
        now = p.omega + (np.where(z < 0.0, p.alpha + p.gamma, p.alpha) * z * z + p.beta) * now
    return means


@pytest.mark.parametrize("ratio", [0.4, 1.0, 4.0])
def test_mean_of_volatility_of_gjr_against_brute_force(ratio: float) -> None:
    model, days = GjrGarch(SP500), (21, 63, 126)
    state = GjrState(ratio * SP500.long_run_variance)
    said = [model.expected_volatility(state, float(day)) for day in days]
    np.testing.assert_allclose(said, volatility_by_force(SP500, state.variance, days), rtol=1e-2)
    root = [model.forecast_volatility(state, float(day)) for day in days]
    assert all(low < high for low, high in zip(said, root, strict=True))
    assert said[1] < 0.96 * root[1]  # nearly a point of 20 %: what an edge would be overstated by


def test_the_fitted_index_is_right_to_a_tenth_of_a_point() -> None:
    model, state = GjrGarch(SP500), GjrState(SP500.long_run_variance)
    # 400,000 paths of numpy's own shocks over 63 days; standard error 0.012 points.
    generator = np.random.default_rng(11)
    now, total = np.full(400_000, state.variance), np.zeros(400_000)
    for _ in range(63):
        total += now
        z = sample_shocks(now.size, SP500.nu, SP500.skew, generator)
        now = SP500.omega + (np.where(z < 0.0, SP500.alpha + SP500.gamma, SP500.alpha) * z * z + SP500.beta) * now
    force = float(np.mean(np.sqrt(252.0 * total / 63)))
    assert model.expected_volatility(state, 63.0) == pytest.approx(force, abs=1e-3)


def test_paths_keep_the_mean_of_the_process() -> None:
    paths = gjr_paths(SP500)
    assert paths.slope.shape == (PATHS, len(DAYS))
    for place, day in enumerate(DAYS[:7]):
        for ratio in (0.3, 1.0, 5.0):
            mean = 1.0 + (1.0 - SP500.persistence**day) / (1.0 - SP500.persistence) / day * (ratio - 1.0)
            assert float(np.mean(paths.slope[:, place] * ratio + paths.intercept[:, place])) == pytest.approx(
                mean, rel=0.01
            )
    # A day's squared return has the day's variance.
    assert float(np.mean(paths.return_slope[:, 0])) == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("ratio", [0.5, 3.0])
def test_what_the_process_may_realize_against_brute_force(ratio: float) -> None:
    tables, generator = gjr_distribution(SP500), np.random.default_rng(9)
    now = np.full(40_000, ratio)
    variance, squares = np.zeros((2, now.size))
    for day in range(1, 127):
        z = sample_shocks(now.size, SP500.nu, SP500.skew, generator)
        variance += now
        squares += now * z * z
        keep = np.where(z < 0.0, SP500.alpha + SP500.gamma, SP500.alpha) * z * z + SP500.beta
        now = 1.0 - SP500.persistence + keep * now
        if day not in (1, 21, 126):
            continue
        mean = 1.0 + (1.0 - SP500.persistence**day) / (1.0 - SP500.persistence) / day * (ratio - 1.0)
        # Means of measures of mean one and variance 0.41 (Parkinson).
        ranges = variance * generator.gamma(day / 0.41, 0.41 / day, now.size)
        for proxy, total, off in (("returns", squares, 0.04), ("range", ranges, 0.04))[: 1 if day == 1 else 2]:
            force = np.log(np.quantile(total / day / mean, [0.05, 0.5, 0.95]))
            said = tables.quantiles(ratio, float(day), proxy)[[4, 49, 94]]  # type: ignore[arg-type]
            slack = np.array([4.0, 1.0, 1.0]) if day == 1 else np.ones(3)  # the least of squares is near nothing
            assert np.all(np.abs(said - force) <= off * slack + 0.02), (proxy, day)


def two_regimes() -> RegimeModel:
    transition = ((0.985, 0.015), (0.04, 0.96))
    return RegimeModel(RegimeParameters((0.0, 0.0), (0.08**2 / 252, 0.32**2 / 252), transition))


def regimes_exactly(model: RegimeModel, probabilities: tuple[float, ...], days: int) -> float:
    """The mean of volatility from the distribution of the days that are spent in the wild regime."""
    (stay, _), (_, keep) = model.parameters.transition
    calm, wild = model.parameters.variances
    # chance[r, n]: in regime r after a day, n of the days so far in the wild one.
    chance = np.zeros((2, days + 1))
    chance[:, 0] = probabilities
    for _ in range(days):
        moved = np.zeros_like(chance)
        moved[0] = stay * chance[0] + (1.0 - keep) * chance[1]
        moved[1, 1:] = (1.0 - stay) * chance[0, :-1] + keep * chance[1, :-1]
        chance = moved
    share = np.arange(days + 1) / days
    return float(np.sum(chance.sum(axis=0) * np.sqrt(252.0 * (calm + share * (wild - calm)))))


@pytest.mark.parametrize("probabilities", [(1.0, 0.0), (0.3, 0.7), (0.0, 1.0)])
def test_mean_of_volatility_of_regimes_is_exact(probabilities: tuple[float, float]) -> None:
    model, state = two_regimes(), RegimeState(probabilities, 0.0, 100)
    for days in (1, 21, 63, 126, 252):
        expected = regimes_exactly(model, probabilities, days)
        assert model.expected_volatility(state, float(days)) == pytest.approx(expected, abs=1e-3)
    # Between the tabulated days, and beyond the last.
    for days in (30, 75, 160, 400):
        expected = regimes_exactly(model, probabilities, days)
        assert model.expected_volatility(state, float(days)) == pytest.approx(expected, abs=2e-3)


def test_garch_by_regime_scales_the_paths_of_its_garch() -> None:
    garch, regimes = GjrGarch(SP500), two_regimes()
    model = GarchByRegime(garch, regimes, (1, 63), ((0.9, 1.2), (0.8, 1.4)))
    state = GarchByRegimeState(GjrState(2e-4), RegimeState((0.25, 0.75), 0.0, 100))
    factor = 0.25 * 0.8 + 0.75 * 1.4
    (force,) = volatility_by_force(SP500, 2e-4, (63,))
    assert model.expected_volatility(state, 63.0) == pytest.approx(math.sqrt(factor) * force, abs=1e-3)


def test_the_share_is_smooth_between_tabulated_days_and_states() -> None:
    model = GjrGarch(SP500)
    for ratio in (0.45, 1.35, 3.1):
        force = volatility_by_force(SP500, ratio * SP500.long_run_variance, (10, 30, 75))
        said = model.expected_volatility(GjrState(ratio * SP500.long_run_variance), np.array([10.0, 30.0, 75.0]))
        np.testing.assert_allclose(said, force, atol=2.5e-3)
    state = GjrState(SP500.long_run_variance)
    shares = [model.log_share(state, days) for days in (252.0, 252.001, 504.0, 5040.0)]
    assert shares[0] == pytest.approx(shares[1], rel=1e-4)
    assert shares[0] < shares[2] < shares[3] < 0.0
    assert model.log_share(state, 1.0) == pytest.approx(0.0, abs=1e-12)
    for extreme in (1e-4, 1e4):
        assert model.log_share(GjrState(extreme * SP500.long_run_variance), 63.0) < 0.0


@pytest.mark.parametrize("name", ["GJR-GARCH", "HAR", "regimes", "GARCH by regime", "hybrid"])
def test_every_model_says_less_than_the_root_of_mean_variance(name: str) -> None:
    model = model_named(name).fit(HISTORY[:1500])
    state = model.filter(HISTORY[:1500]).state
    days = np.array([0.5, 1.0, 10.0, 63.0, 200.0, 500.0])
    said, root = model.expected_volatility(state, days), model.forecast_volatility(state, days)
    assert said.shape == (6,)
    assert np.all(said <= root * (1.0 + 1e-12))
    assert said[3] < root[3]
    assert [model.expected_volatility(state, float(day)) for day in days] == said.tolist()
    assert model.expected_volatility(state, days.reshape(2, 3)).shape == (2, 3)


def test_the_hybrid_s_share_is_near_the_true_process_s() -> None:
    returns = HISTORY[:2500]
    unquoted = DailyHistory(returns.returns, returns.measures, np.full(2500, math.nan))
    hybrid = HybridForecast.fit(unquoted)
    state = hybrid.filter(unquoted).state
    truth = GjrParameters(2e-6, 0.02, 0.12, 0.90, 1e-4, nu=6.0)
    garch = state.states[0]
    assert isinstance(garch, GjrState)
    (force,) = volatility_by_force(truth, garch.variance, (63,))
    root = GjrGarch(truth).forecast_volatility(GjrState(garch.variance), 63.0)
    share = hybrid.expected_volatility(state, 63.0) / hybrid.forecast_volatility(state, 63.0)
    # Of a volatility of 16 %, a tenth of a point.
    assert share == pytest.approx(force / root, abs=0.001 / 0.16)
