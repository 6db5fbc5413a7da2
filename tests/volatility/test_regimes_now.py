"""Bands by regimes: the distribution that paths have, when it is taken, and what it does to a band."""

import math

import numpy as np
import pytest

from alo_lib.volatility import (
    DailyHistory,
    GjrGarch,
    GjrParameters,
    HybridForecast,
    ParameterError,
    RegimeModel,
    RegimeParameters,
    RegimesNow,
    RegimeState,
)
from alo_lib.volatility.variance_distribution import LEVELS

from .conftest import days

SWITCHING = RegimeModel(RegimeParameters((0.0, 0.0), (0.5e-4, 4e-4), ((0.99, 0.01), (0.03, 0.97))))
LOW, MIDDLE, HIGH = (LEVELS.index(level) for level in (0.05, 0.5, 0.95))


@pytest.mark.parametrize("mix", [(1.0, 0.0), (0.3, 0.7)])
@pytest.mark.parametrize("horizon", [21, 100, 252])
def test_percentiles_are_those_of_simulated_returns(mix: tuple[float, float], horizon: int) -> None:
    state = RegimeState(mix, 0.0, 1)
    came = np.square(SWITCHING.simulate_paths(state, horizon, paths=20_000, seed=3)).mean(axis=1)
    told = RegimesNow(SWITCHING, state).log_quantiles(float(horizon), "returns")
    assert np.all(np.diff(told) >= 0.0)
    expected = np.log(np.quantile(came, LEVELS))
    assert told[[LOW, MIDDLE, HIGH]].tolist() == pytest.approx(expected[[LOW, MIDDLE, HIGH]].tolist(), abs=0.1)


def test_a_range_is_told_more_exactly_and_a_longer_horizon_than_a_year_too() -> None:
    now = RegimesNow(SWITCHING, RegimeState((1.0, 0.0), 0.0, 1))

    def width(horizon: float, proxy: str) -> float:
        told = now.log_quantiles(horizon, proxy)  # type: ignore[arg-type]
        return float(told[HIGH] - told[LOW])

    assert width(21.0, "range") < width(21.0, "returns")
    assert width(1008.0, "returns") == pytest.approx(0.5 * width(252.0, "returns"), rel=1e-9)
    assert now.log_quantiles(0.5, "range").tolist() == now.log_quantiles(1.0, "range").tolist()


def test_regimes_are_taken_where_they_tell_the_days_better() -> None:
    switching = SWITCHING.simulate_paths(RegimeState((1.0, 0.0), 0.0, 1), 1250, paths=1, seed=1)[0]
    clustered = GjrGarch(GjrParameters(2e-6, 0.03, 0.10, 0.90, 1e-4, nu=6.0)).simulate(1250, seed=1)[0]
    for returns, better in ((switching, True), (clustered, False)):
        history = DailyHistory(returns, np.square(returns) + 1e-6, np.full(returns.size, math.nan))
        hybrid, regimes = HybridForecast.fit(history), RegimeModel.fit(history)
        state, now = hybrid.filter(history).state, RegimesNow(regimes, regimes.filter(history).state)
        garch = hybrid.parts["GJR-GARCH"]
        assert isinstance(garch, GjrGarch)
        assert now.tell_more_than(garch, garch.filter(history).state) is better
        changed = hybrid.forecast_band(state, 252.0, regimes=now) != hybrid.forecast_band(state, 252.0)
        assert changed is better
        if better:
            # A year holds both regimes or one: in the calm one it may stay there, or see the wild one for most of it.
            low, high = hybrid.band_ratios(state, 252.0, proxy="range", regimes=now)
            assert low < 0.85
            assert high > 1.1


def test_regimes_of_other_days_are_refused() -> None:
    returns = SWITCHING.simulate_paths(RegimeState((1.0, 0.0), 0.0, 1), 600, paths=1, seed=2)[0]
    history = DailyHistory(returns, np.square(returns) + 1e-6, np.full(returns.size, math.nan))
    hybrid = HybridForecast.fit(history)
    now = RegimesNow(SWITCHING, SWITCHING.filter(days(returns[:-1])).state)
    with pytest.raises(ParameterError, match="must have seen the same days, but they have seen 599 and 600"):
        hybrid.band_ratios(hybrid.filter(history).state, 21.0, regimes=now)
