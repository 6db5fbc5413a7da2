"""Simulated paths: their shape and bits, their level against forecasts, their shocks against the density."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from arch.univariate import SkewStudent
from numpy.typing import NDArray
from scipy.stats import kstest

from alo_lib.volatility import (
    MODELS,
    DailyHistory,
    DailyObservation,
    GjrGarch,
    GjrParameters,
    GjrState,
    HarModel,
    HybridForecast,
    ObservationError,
    ParameterError,
    RegimeModel,
    RegimeParameters,
    RegimeState,
    VolatilityModel,
)
from alo_lib.volatility.paths import forward_variances

from .test_contract import FITTED_DAYS, HISTORY

Array = NDArray[np.float64]

DAYS = 21


@pytest.fixture(scope="module", params=list(MODELS))
def model(request: pytest.FixtureRequest):
    return MODELS[str(request.param)].fit(HISTORY[:FITTED_DAYS])


def test_any_model_simulates_and_a_seed_fixes_the_bits(model) -> None:
    state = model.filter(HISTORY).state
    one = model.simulate_paths(state, DAYS, paths=50, seed=3)
    assert one.shape == (50, DAYS)
    assert np.all(np.isfinite(one))
    assert one.tobytes() == model.simulate_paths(state, DAYS, paths=50, seed=3).tobytes()
    assert not np.any(one == model.simulate_paths(state, DAYS, paths=50, seed=4))
    assert len({row.tobytes() for row in one}) == 50
    for days, paths in ((0, 5), (5, 0)):
        with pytest.raises(ParameterError, match=r"must be a whole number, [01] or more, but it is"):
            model.simulate_paths(state, days, paths=paths, seed=0)
    for horizon, seed in ((1.5, 0), (True, 0), (2, -1), (2, 0.5)):
        with pytest.raises(ParameterError, match=r"must be a whole number, [01] or more, but it is"):
            model.simulate_paths(state, horizon, paths=2, seed=seed)
    with pytest.raises(ParameterError, match="paths times days must be 100,000,000 at most"):
        model.simulate_paths(state, 10**6, paths=10**6, seed=0)


def test_paths_have_the_forecast_variance_on_every_day(model) -> None:
    for seen in (400, 900, 1600):
        state = model.filter(HISTORY[:seen]).state
        if type(model).simulate_paths is VolatilityModel.simulate_paths:
            pytest.skip("a model that is asked day by day takes minutes for so many paths")
        paths = model.simulate_paths(state, DAYS, paths=40_000, seed=1)
        forward = forward_variances(model, state, DAYS)
        assert math.fsum(forward) == pytest.approx(DAYS * float(model.forecast(state, float(DAYS))), rel=1e-9)
        ratios = np.mean(np.square(paths - np.mean(paths, axis=0)), axis=0) / forward
        assert ratios[0] == pytest.approx(1.0, abs=0.06)
        if model.name == "HAR":
            assert float(np.mean(ratios)) == pytest.approx(1.0, abs=0.25)  # one day iterated, not a month looked ahead
        else:
            np.testing.assert_allclose(ratios, 1.0, atol=0.12)
            assert float(np.mean(ratios)) == pytest.approx(1.0, abs=0.03)


def test_paths_of_garch_have_its_shocks_and_its_memory() -> None:
    parameters = GjrParameters(4e-6, 0.05, 0.12, 0.86, 1e-4, mu=3e-4, nu=5.0, skew=-0.3)
    model, state = GjrGarch(parameters), GjrState(2e-4)
    paths = model.simulate_paths(state, 40, paths=500, seed=2)
    shocks = [model.filter(DailyHistory.from_returns(path), state).standardized_residuals for path in paths]
    assert kstest(np.concatenate(shocks), lambda z: SkewStudent().cdf(z, [5.0, -0.3])).pvalue > 0.01
    # The first day's variance is the state's own.
    np.testing.assert_allclose([one[0] for one in shocks], (paths[:, 0] - 3e-4) / math.sqrt(2e-4), rtol=1e-12)


def test_paths_of_regimes_stay_as_long_as_they_should() -> None:
    model = RegimeModel(RegimeParameters((0.0, 0.0), (1e-8, 1e-2), ((0.9, 0.1), (0.3, 0.7))))
    paths = model.simulate_paths(RegimeState((1.0, 0.0)), 400, paths=2000, seed=6)
    wild = np.abs(paths) > 6e-4  # six deviations of the calm, and nearly all of the wild
    assert float(np.mean(wild[:, 0])) == pytest.approx(0.1, abs=0.02)
    assert float(np.mean(wild[:, 200:])) == pytest.approx(0.25, abs=0.01)
    assert float(np.mean(wild[:, 1:][wild[:, :-1]])) == pytest.approx(0.7, abs=0.02)


def test_har_needs_its_regression_over_a_day_and_a_month_of_days() -> None:
    model = HarModel.fit(HISTORY[:600], horizons=(5, 21))
    state = model.filter(HISTORY).state
    with pytest.raises(ParameterError, match=r"by its regression over 1 day, but its horizons are \(5, 21\)"):
        model.simulate_paths(state, 5, paths=2, seed=0)
    model = HarModel.fit(HISTORY[:600])
    with pytest.raises(ObservationError, match="after 22 days or more, but has seen 21"):
        model.simulate_paths(model.filter(HISTORY[:21]).state, 5, paths=2, seed=0)


def test_a_hybrid_without_garch_simulates_its_first_part() -> None:
    unquoted = DailyHistory(HISTORY.returns[:800], HISTORY.measures[:800], np.full(800, math.nan))
    hybrid = HybridForecast.fit(unquoted, parts={"HAR": {}})
    state = hybrid.filter(unquoted).state
    alone = hybrid.parts["HAR"].simulate_paths(state.states[0], 10, paths=5, seed=1)
    # The same shocks, at the level of the combination.
    level = hybrid.simulate_paths(state, 10, paths=5, seed=1) / alone
    np.testing.assert_allclose(level, np.broadcast_to(level[0], level.shape), rtol=1e-9)
    assert level[0, 0] == pytest.approx(math.sqrt(hybrid.blend.levels[0]), rel=1e-9)


@dataclass(frozen=True)
class SeenState:
    squares: tuple[float, ...] = ()

    def to_dict(self):
        return {}


class LastSquare(VolatilityModel):
    """The next day's variance is the mean of one and the last squared return: its mean never changes."""

    name: ClassVar[str] = "last square"

    def start(self):
        return SeenState()

    def update(self, state, observation: DailyObservation):
        return SeenState((*state.squares, observation.return_**2))

    def forecast(self, state, trading_days):
        return np.full(np.shape(trading_days), 0.5 + 0.5 * (state.squares[-1] if state.squares else 1.0))

    fit = filter = forecast_path = log_share = restore = None  # type: ignore[assignment]


def test_a_model_that_says_nothing_is_asked_day_by_day() -> None:
    LastSquare.__abstractmethods__ = frozenset()
    paths = LastSquare().simulate_paths(SeenState(), 4, paths=4000, seed=1)
    assert float(np.mean(np.square(paths))) == pytest.approx(1.0, abs=0.05)
    shocks = np.random.default_rng(1).standard_normal((4000, 4))
    expected = np.sqrt(0.5 + 0.5 * paths[:, :-1] ** 2) * shocks[:, 1:]
    np.testing.assert_allclose(paths[:, 1:], expected, rtol=1e-12)
