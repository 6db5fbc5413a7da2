"""Bad data at every entrance: one clear error of the room's family, never a silent number."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.volatility import (
    MODELS,
    GjrParameters,
    ParameterError,
    VolatilityError,
    close_to_close,
    garman_klass,
    har_features,
    log_returns,
    parkinson,
    range_variance,
    realized_variance,
    report_volatility,
    rogers_satchell,
    walk_forward,
    yang_zhang,
)

from .conftest import history_of
from .test_hybrid import make_bars

Array = NDArray[np.float64]
GOOD = make_bars(700, seed=8)
HISTORY = history_of(make_bars(500, seed=7))
MODELS_FITTED = {name: model.fit(HISTORY) for name, model in MODELS.items()}


ESTIMATORS: dict[str, Callable[[Array], object]] = {
    "close to close": lambda bars: close_to_close(bars[:, 3]),
    "Parkinson": lambda bars: parkinson(bars[:, 1], bars[:, 2]),
    "Garman-Klass": lambda bars: garman_klass(*bars.T),
    "Rogers-Satchell": lambda bars: rogers_satchell(*bars.T),
    "Yang-Zhang": lambda bars: yang_zhang(*bars.T),
    "realized variance": lambda bars: realized_variance(bars[:, 3]),
    "range": lambda bars: range_variance(*bars.T),
    "features": lambda bars: har_features(range_variance(*bars.T), log_returns(bars[:, 3])),
}
FILTERS: dict[str, Callable[[Array], object]] = {
    f"{name} filter": lambda bars, model=model: model.filter(history_of(bars))  # type: ignore[misc]
    for name, model in MODELS_FITTED.items()
}
FITS: dict[str, Callable[[Array], object]] = {
    **{name: lambda bars, model=model: model.fit(history_of(bars)) for name, model in MODELS.items()},  # type: ignore[misc]
    "report": lambda bars: report_volatility(*bars.T),
    "walk": lambda bars: walk_forward(history_of(bars)),
}


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -5.0])
@pytest.mark.parametrize("entrance", [*ESTIMATORS, *FILTERS, *FITS])
def test_prices_that_are_none_are_named(entrance: str, bad: float) -> None:
    bars = GOOD.copy()
    bars[100] = bad
    with pytest.raises(VolatilityError, match=r"must be finite and positive, but the value at 100 is (nan|inf|0|-5)"):
        (ESTIMATORS | FILTERS | FITS)[entrance](bars)


@pytest.mark.parametrize("entrance", ["report", "walk"])
def test_too_few_days_are_counted(entrance: str) -> None:
    with pytest.raises(VolatilityError, match=r"\d+"):
        FITS[entrance](GOOD[:120])


@pytest.mark.parametrize("entrance", ["report", "walk"])
def test_a_constant_price_has_no_volatility_to_fit(entrance: str) -> None:
    with pytest.raises(VolatilityError, match=r"must vary|that vary"):
        FITS[entrance](np.full((600, 4), 50.0))


@pytest.mark.parametrize("entrance", [name for name in [*FILTERS, *MODELS] if not name.startswith("HAR")])
def test_an_unadjusted_split_is_suspected(entrance: str) -> None:
    bars = GOOD.copy()
    bars[300:] /= 20.0
    with pytest.raises(VolatilityError, match="an unadjusted split or a wrong price"):
        (FILTERS | FITS)[entrance](bars)


@pytest.mark.parametrize("entrance", ["Garman-Klass", "Rogers-Satchell", "Yang-Zhang", "range", "hybrid", "walk"])
def test_a_close_outside_its_bar_is_named(entrance: str) -> None:
    bars = GOOD.copy()
    bars[100, 3] = bars[100, 1] * 1.01
    with pytest.raises(VolatilityError, match="close must lie between low and high"):
        (ESTIMATORS | FITS)[entrance](bars)


@pytest.mark.parametrize("gamma", [0.2, 0.16])
def test_parameters_that_explode_are_refused(gamma: float) -> None:
    with pytest.raises(ParameterError, match=r"persistence must be below 1 \(stationary\), but it is 1"):
        GjrParameters(2e-6, 0.02, gamma, 0.90, 1e-4)


def test_the_strategy_is_told_and_never_given_a_number() -> None:
    for bad in (np.full(400, 50.0), GOOD[:120, 3], np.full(400, math.nan)):
        forecaster = VolatilityForecaster(Settings())
        assert forecaster.update(bad.tolist())
        assert math.isnan(forecaster.volatility(0.1))


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -5.0])
def test_the_strategy_leaves_out_a_close_that_is_none_and_says_so(bad: float) -> None:
    told, clean = VolatilityForecaster(Settings()), VolatilityForecaster(Settings())
    assert told.update([*GOOD[:300, 3].tolist(), bad, *GOOD[300:400, 3].tolist()]) == (
        f"a daily close must be finite and positive, but it is {bad!r}: its bar is left out"
    )
    assert clean.update(GOOD[:400, 3].tolist()) is None
    assert told.volatility(0.1) == clean.volatility(0.1)
