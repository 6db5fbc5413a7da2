"""Nothing that is said of a day rests on a later one: for every estimator, filter and feature, to the bit.

Each entry of the registry turns bars into rows of which the last belongs to the last bar. Whatever happens after a
day (other prices, or no prices at all), and however the bars lie in memory, its rows keep their bytes.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.volatility import (
    MODELS,
    BarState,
    ChangeDetector,
    ChangeState,
    GjrGarch,
    HybridForecast,
    Proxy,
    close_to_close,
    garman_klass,
    har_features,
    log_returns,
    observe,
    parkinson,
    range_variance,
    realized_variance,
    rogers_satchell,
    rolling,
    walk_forward,
    yang_zhang,
)
from alo_lib.volatility.registry import AnyModel
from alo_lib.volatility.variance_distribution import PROXIES
from tests.sampled import sampled

from .conftest import PARAMETERS, days, history_of
from .test_hybrid import make_bars

Array = NDArray[np.float64]
Series = Callable[[Array], Array]

DAYS = 420
BARS = make_bars(DAYS, seed=6)
GARCH = GjrGarch(PARAMETERS["skewt"])
DETECTOR = ChangeDetector(6.0, -0.1, 1.5, 3.0)
HYBRID = HybridForecast.fit(history_of(make_bars(500, seed=7)))
FITTED = {name: model.fit(history_of(make_bars(500, seed=7))) for name, model in MODELS.items()}


def bars_rolled(estimator: Callable[..., Array], columns: tuple[int, ...], bars: Array) -> Array:
    return rolling(estimator, 21, *(bars[:, column] for column in columns))


def features(bars: Array) -> Array:
    return har_features(range_variance(*bars.T), log_returns(bars[:, 3]))


def forecast(model: AnyModel, bars: Array) -> Array:
    return model.forecast_path(model.filter(history_of(bars)), (1.0, 13.0, 21.0))


def expected(model: AnyModel, bars: Array) -> Array:
    """The mean of volatility, day by day, as a stream comes to it."""
    state, said = model.start(), []
    for day, observation in enumerate(history_of(bars).observations()):
        state = model.update(state, observation)
        said.append(model.expected_volatility(state, 13.0) if day >= 21 else math.nan)
    return np.array(said)


def banded(hybrid: HybridForecast, proxy: Proxy, bars: Array) -> Array:
    """Both edges of a band, day by day."""
    state, said = hybrid.start(), []
    for day, observation in enumerate(history_of(bars).observations()):
        state = hybrid.update(state, observation)
        said.append(hybrid.forecast_band(state, 30.0, proxy=proxy) if day >= 21 else (math.nan, math.nan))
    return np.array(said)


def walked(bars: Array) -> Array:
    """All that a walk says of volatility, its refits included."""
    walk = walk_forward(history_of(bars), days=(1, 5), refit_days=60, regime_refit_days=10_000)
    said = [walk.volatility, walk.expected, walk.low, walk.high, walk.range_low, walk.range_high]
    return np.concatenate([*said, walk.range_scale[:, None]], axis=1)


def observed(bars: Array) -> Array:
    state, said = BarState(float(bars[0, 3])), []
    for bar in bars[1:].tolist():
        state, observation = observe(state, *bar)
        said.append(observation[:2])
    return np.array(said)


def alarms_streamed(bars: Array) -> Array:
    state, said = ChangeState(), []
    for residual in GARCH.filter(days(log_returns(bars[:, 3]))).standardized_residuals.tolist():
        state = DETECTOR.update(state, residual)
        said.append((state.wider, state.narrower, state.alarm))
    return np.array(said)


def traded_on(bars: Array) -> Array:
    """The strategy's forecast after each session, its calibrations by schedule and on change included."""
    forecaster = VolatilityForecaster(Settings(garch_history=400, hybrid_minimum=350, garch_refit_sessions=18))
    rows = [tuple(bar) for bar in bars.tolist()]
    assert forecaster.follow(rows[:360]) is None
    said = []
    for row in rows[360:]:
        forecaster.calibrate_now()
        assert forecaster.follow([row]) is None
        said.append((forecaster.volatility(0.1), *forecaster.band_over(25.2), float(forecaster.due is not None)))
    return np.array(said)


REGISTRY: dict[str, Series] = {
    "returns": lambda bars: log_returns(bars[:, 3]),
    "close to close": partial(bars_rolled, close_to_close, (3,)),
    "Parkinson": partial(bars_rolled, parkinson, (1, 2)),
    "Garman-Klass": partial(bars_rolled, garman_klass, (0, 1, 2, 3)),
    "Rogers-Satchell": partial(bars_rolled, rogers_satchell, (0, 1, 2, 3)),
    "Yang-Zhang": partial(bars_rolled, yang_zhang, (0, 1, 2, 3)),
    "realized variance": lambda bars: realized_variance(bars[1:], step=2, previous_close=bars[:-1, 3]),
    "range measure": lambda bars: range_variance(*bars.T),
    "HAR features": features,
    "observations stream": observed,
    "GJR variance": lambda bars: GARCH.filter(days(log_returns(bars[:, 3]))).conditional_variance,
    "GJR residuals": lambda bars: GARCH.filter(days(log_returns(bars[:, 3]))).standardized_residuals,
    "changes": lambda bars: DETECTOR.watch(GARCH.filter(days(log_returns(bars[:, 3]))).standardized_residuals),  # type: ignore[dict-item,return-value]
    "changes stream": alarms_streamed,
    **{name: partial(forecast, model) for name, model in FITTED.items()},
    **{f"mean of volatility, {name}": partial(expected, model) for name, model in FITTED.items()},
    **{f"band of {proxy}": partial(banded, HYBRID, proxy) for proxy in PROXIES},
    "walk": walked,
    "strategy's forecast": traded_on,
}


@pytest.fixture(scope="module")
def whole() -> dict[str, Array]:
    return {name: series(BARS) for name, series in REGISTRY.items()}


@pytest.mark.parametrize(("known", "factor"), sampled([(381, 1.1), (419, 0.9)], every=2))
@pytest.mark.parametrize("name", list(REGISTRY))
def test_the_future_changes_no_earlier_bit(name: str, known: int, factor: float, whole: dict[str, Array]) -> None:
    series, expected = REGISTRY[name], whole[name]
    rows = expected.shape[0] - (DAYS - known)
    assert rows > 0
    after = make_bars(DAYS - known, seed=known)
    disturbed = np.concatenate([BARS[:known], factor * BARS[known - 1, 3] / after[0, 0] * after])
    strided = np.repeat(disturbed, 3, axis=0)[::3]
    for other in (strided, np.asfortranarray(disturbed), BARS[:known].copy()):
        assert series(other)[:rows].tobytes() == expected[:rows].tobytes()


@pytest.mark.parametrize("name", list(REGISTRY))
def test_each_series_follows_the_day_it_belongs_to(name: str, whole: dict[str, Array]) -> None:
    # Otherwise a series that said the same of every day would pass the test above.
    if name == "GJR variance":
        pytest.skip("it is the variance expected of a day, not after it")
    disturbed = BARS.copy()
    disturbed[-1] *= (1.05, 1.15, 0.92, 1.1)
    assert REGISTRY[name](disturbed)[-1].tobytes() != whole[name][-1].tobytes()
