"""Each model's own band, against simulation with other random numbers and against exact quantiles; and the coverage."""

import math
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from alo_lib.volatility import (
    DailyHistory,
    GjrGarch,
    GjrParameters,
    GjrState,
    HarModel,
    HybridForecast,
    ObservationError,
    ParameterError,
    Proxy,
    RegimeModel,
    RegimeParameters,
    RegimeState,
    VolatilityModel,
    model_named,
)
from alo_lib.volatility.variance_distribution import LEVELS, unknown_of_garch

from .test_contract import HISTORY

Array = NDArray[np.float64]

TRUTH = GjrParameters(1e-6, 0.02, 0.10, 0.90, 1e-4, nu=8.0)
EDGES = [LEVELS.index(level) for level in (0.05, 0.5, 0.95)]


def t_days(generator: np.random.Generator, variance: Array, nu: float) -> tuple[Array, Array]:
    """Close-to-close returns and Parkinson's measure of Brownian days without a night, each a t of its own variance."""
    drawn = variance * (nu - 2.0) / generator.chisquare(nu, variance.size)
    steps = generator.standard_normal((variance.size, 60)) / math.sqrt(60.0)
    path = np.cumsum(steps, axis=1)
    width = np.maximum(path.max(axis=1), 0.0) - np.minimum(path.min(axis=1), 0.0)
    square = np.square(width) / np.mean(np.square(width))  # at the level of squared returns
    return np.sqrt(drawn) * path[:, -1], drawn * square


def test_the_range_of_gjr_garch_against_brute_force() -> None:
    model, state, generator = GjrGarch(TRUTH), GjrState(2.0 * TRUTH.long_run_variance), np.random.default_rng(4)
    now = np.full(5000, state.variance)
    squares, ranges = np.zeros((2, now.size))
    for day in range(1, 22):
        returns, measure = t_days(generator, now, TRUTH.nu)
        squares += np.square(returns)
        ranges += measure
        weight = np.where(returns < 0.0, TRUTH.alpha + TRUTH.gamma, TRUTH.alpha)
        now = TRUTH.omega + weight * np.square(returns) + TRUTH.beta * now
        if day not in (1, 5, 21):
            continue
        expected = float(model.forecast(state, float(day)))
        for proxy, total in (("range", ranges), ("returns", squares)):
            force = np.log(np.quantile(total / day / expected, [0.05, 0.5, 0.95]))
            said = model.log_quantiles(state, float(day), proxy)[EDGES]  # type: ignore[arg-type]
            slack = 0.4 if (proxy, day) == ("returns", 1) else 0.12  # the least of squares is near nothing
            assert np.all(np.abs(said - force) <= [slack, 0.12, 0.12]), (proxy, day, said, force)


def test_a_fit_is_known_less_than_a_process_that_is_given() -> None:
    fitted = GjrGarch.fit(HISTORY[:1500])
    given, state = GjrGarch(fitted.parameters), fitted.filter(HISTORY[:1500]).state
    for proxy in get_args(Proxy):
        for days in (1.0, 21.0, 252.0):
            low, high = fitted.forecast_band(state, days, proxy=proxy)
            inner_low, inner_high = given.forecast_band(state, days, proxy=proxy)
            assert low < inner_low < inner_high < high
    # By so much: the distance from the median, which is the same.
    far, near = (model.log_quantiles(state, 63.0)[EDGES] for model in (fitted, given))
    assert far[1] == pytest.approx(near[1], abs=1e-12)
    widths = (far[2] - far[1]) / (near[2] - near[1])
    assert widths == pytest.approx(1.0 + unknown_of_garch(63.0, 1500, "returns"), rel=1e-9)
    assert widths == pytest.approx(1.0 + (63 / 1500) ** 0.75, rel=1e-9)


def test_har_on_days_of_one_variance_has_the_quantiles_of_chi_squared() -> None:
    generator, count = np.random.default_rng(6), 4000
    steps = np.cumsum(generator.standard_normal((count, 100)) * 0.001, axis=1)
    bars = np.stack([np.zeros(count), np.maximum(steps.max(axis=1), 0), np.minimum(steps.min(axis=1), 0), steps[:, -1]])
    closes = np.append(0.0, np.cumsum(steps[:, -1])[:-1])
    history = DailyHistory.from_bars(*np.exp(bars + closes))
    model = HarModel.fit(history)
    state = model.filter(history).state
    for days in (5, 21):
        said = np.exp(model.log_quantiles(state, float(days))[EDGES])
        exact = chi2.ppf([0.05, 0.5, 0.95], days) / days
        assert np.all(np.abs(np.log(said / exact)) < [0.25, 0.08, 0.25]), (days, said, exact)
        assert said[0] < exact[0]  # what a fit leaves unknown is in it
        assert said[2] > exact[2]


def test_regimes_that_are_given_have_the_quantiles_of_their_paths() -> None:
    model = RegimeModel(RegimeParameters((0.0, 0.0), (0.5e-4, 4e-4), ((0.99, 0.01), (0.03, 0.97))))
    state = RegimeState((0.4, 0.6), 0.0, 100)
    came = np.square(model.simulate_paths(state, 21, paths=10_000, seed=8)).mean(axis=1)
    low, high = model.forecast_band(state, 21.0)
    np.testing.assert_allclose([low, high], np.sqrt(252.0 * np.quantile(came, [0.05, 0.95])), rtol=0.04)


@pytest.mark.parametrize("name", ["GJR-GARCH", "HAR", "regimes", "GARCH by regime", "hybrid"])
def test_every_model_has_a_band_of_either_proxy(name: str) -> None:
    model = model_named(name).fit(HISTORY[:1500])
    state = model.filter(HISTORY[:1500]).state
    for days in (0.5, 1.0, 13.5, 63.0, 252.0, 400.0):
        centre = model.forecast_volatility(state, days)
        for proxy in get_args(Proxy):
            edges = [model.forecast_band(state, days, level, proxy=proxy) for level in (0.98, 0.9, 0.5)]
            lows, highs = ([edge[i] for edge in edges] for i in (0, 1))
            assert 0.0 < lows[0] < lows[1] < lows[2] < highs[2] < highs[1] < highs[0]
            assert lows[1] < centre < highs[1]
        if days < 21.0:  # a range is less noisy than squared returns
            assert model.forecast_band(state, days)[0] < model.forecast_band(state, days, proxy="range")[0]
    assert model.forecast_band(state, 21) == model.forecast_band(state, 21.0)
    for level in (0.0, 0.99, math.nan):
        with pytest.raises(ParameterError, match=r"level must be in \[0.1, 0.98\], but it is"):
            model.forecast_band(state, 21.0, level)
    for days in (0.0, -5.0, math.nan, math.inf):
        for proxy in get_args(Proxy):
            with pytest.raises(ParameterError, match="trading_days must be finite and positive"):
                model.forecast_band(state, days, proxy=proxy)
            with pytest.raises(ParameterError, match="trading_days must be finite and positive"):
                model.log_quantiles(state, days, proxy)
    if name in ("HAR", "hybrid"):
        with pytest.raises(ObservationError, match="22 days or more"):
            model.forecast_band(model.start(), 21.0)


def test_a_model_that_says_no_percentiles_has_those_of_brownian_days_with_its_share() -> None:
    # Of a variance that stands still they are chi-squared, of regimes that are no worlds apart nearly their own.
    mix = RegimeState((0.5, 0.5), 0.0, 9)
    still = RegimeModel(RegimeParameters((0.0, 0.0), (1e-4, 1e-4), ((0.5, 0.5), (0.5, 0.5))))
    with pytest.raises(ParameterError, match="trading_days must be finite and positive"):
        VolatilityModel.log_quantiles(still, mix, math.nan)
    said = VolatilityModel.log_quantiles(still, mix, 21.0)[EDGES]
    assert np.exp(said) == pytest.approx(chi2.ppf([0.05, 0.5, 0.95], 21) / 21, rel=0.02)
    moving = RegimeModel(RegimeParameters((0.0, 0.0), (1e-4, 2.5e-4), ((0.98, 0.02), (0.02, 0.98))))
    for proxy in get_args(Proxy):
        own = moving.log_quantiles(mix, 21.0, proxy)[EDGES]
        assert VolatilityModel.log_quantiles(moving, mix, 21.0, proxy)[EDGES] == pytest.approx(own, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("proxy", get_args(Proxy))
def test_a_fitted_gjr_garch_holds_nine_of_ten_days_of_its_own_kind(proxy: Proxy) -> None:
    """At every horizon to a year, on 60 made-up markets of 1,250 days and 200 futures of each."""
    horizons, held = (1, 5, 21, 63, 126, 252), []
    for seed in range(60):
        generator = np.random.default_rng([seed, 77])
        now, past = np.full(1, TRUTH.long_run_variance), np.empty((1250, 2))

        def day(variance: Array, generator: np.random.Generator = generator) -> tuple[Array, Array, Array]:
            returns, measure = t_days(generator, variance, TRUTH.nu)
            weight = np.where(returns < 0.0, TRUTH.alpha + TRUTH.gamma, TRUTH.alpha)
            return returns, measure, TRUTH.omega + weight * np.square(returns) + TRUTH.beta * variance

        for row in past:
            returns, measure, now = day(now)
            row[:] = returns[0], measure[0]
        history = DailyHistory(past[:, 0], past[:, 1], np.full(1250, math.nan))
        model = GjrGarch.fit(history)
        state = model.filter(history).state
        # The range's level beside squared returns, as the past shows it.
        scale = float(np.mean(np.square(past[:, 0])) / np.mean(past[:, 1])) if proxy == "range" else 1.0
        futures, total, shares = np.repeat(now, 200), np.zeros(200), []
        for ahead in range(1, horizons[-1] + 1):
            returns, measure, futures = day(futures)
            total += np.square(returns) if proxy == "returns" else scale * measure
            if ahead in horizons:
                low, high = model.forecast_band(state, float(ahead), proxy=proxy)
                volatility = np.sqrt(252.0 * total / ahead)
                shares.append(float(np.mean((low <= volatility) & (volatility <= high))))
        held.append(shares)
    mean, error = np.mean(held, axis=0), np.std(held, axis=0) / math.sqrt(len(held))
    assert np.all(mean >= 0.88 - 2.0 * error), mean
    assert np.all(mean <= 0.92 + 2.0 * error), mean


def test_a_hybrid_of_plain_garch_alone_has_both_bands() -> None:
    unquoted = DailyHistory(HISTORY.returns[:700], HISTORY.measures[:700], np.full(700, math.nan))
    alone = HybridForecast.fit(unquoted, parts={"GJR-GARCH": {"leverage": False}})
    state = alone.filter(unquoted).state
    for days in (21.0, 252.0):
        low, high = alone.forecast_band(state, days)
        range_low, range_high = alone.forecast_band(state, days, proxy="range")
        assert low < alone.forecast_volatility(state, days) < high
        assert range_low < alone.forecast_volatility(state, days) < range_high
    quantiles = alone.log_quantiles(state, 21.0, "range")
    ratios = alone.band_ratios(state, 21.0, proxy="range")
    assert ratios == pytest.approx(tuple(np.exp(0.5 * quantiles[[4, 94]])), rel=1e-9)
