import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.volatility import (
    CalibrationError,
    DataError,
    GjrGarch,
    RegimeModel,
    VolatilityAnalysis,
    analyse,
    log_returns,
    yang_zhang,
)

from .test_hybrid import make_bars

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def bars() -> Array:
    return make_bars(700, seed=4)


@pytest.fixture(scope="module")
def analysis(bars: Array) -> VolatilityAnalysis:
    return analyse(*bars.T)


def test_series_are_those_of_the_models(bars: Array, analysis: VolatilityAnalysis) -> None:
    returns = log_returns(bars[:, 3])
    path = analysis.garch.path(returns)
    np.testing.assert_array_equal(analysis.conditional, np.sqrt(252 * path.conditional_variance))
    assert analysis.next_day_volatility == path.state.volatility
    assert analysis.regimes is not None
    np.testing.assert_array_equal(analysis.probabilities, analysis.regimes.path(returns).probabilities)
    np.testing.assert_array_equal(analysis.changes, analysis.garch.detect_regime_change(returns))
    assert np.all(np.isnan(analysis.realized[:20]))
    assert analysis.realized[20] == float(yang_zhang(*bars[:22].T))
    assert analysis.realized[-1] == float(yang_zhang(*bars[-22:].T))
    assert analysis.standard_errors == analysis.garch.standard_errors(returns)
    assert analysis.garch.parameters.distribution == "skewt"
    assert analysis.hybrid.notes == ()


def test_the_cone_is_the_hybrids_and_its_band_surrounds_it(bars: Array, analysis: VolatilityAnalysis) -> None:
    returns = log_returns(bars[:, 3])
    for point in analysis.cone:
        assert point.low < point.volatility < point.high
        assert point.volatility == analysis.hybrid.forecast_volatility(analysis.state, float(point.days))
    month = next(point for point in analysis.cone if point.days == 21)
    windows = [float(np.mean(returns[i : i + 21] ** 2)) for i in range(returns.size - 20)]
    assert month.usual == pytest.approx(float(np.sqrt(252 * np.median(windows))), rel=1e-12)
    short = analyse(*bars[:400].T)
    assert short.cone[-1].usual is None


def test_the_same_bars_give_the_same_bits(bars: Array, analysis: VolatilityAnalysis) -> None:
    again = analyse(*bars.T)
    assert again.cone == analysis.cone
    assert again.probabilities.tobytes() == analysis.probabilities.tobytes()


def test_what_cannot_be_had_is_noted(bars: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise CalibrationError("it would not")

    monkeypatch.setattr(RegimeModel, "fit", fail)
    monkeypatch.setattr(GjrGarch, "standard_errors", fail)
    one = analyse(*bars[:300].T)
    assert one.regimes is None
    assert one.probabilities.shape == (299, 0)
    assert set(one.standard_errors.values()) == {None}
    assert "without regimes: it would not" in one.notes
    assert "without standard errors: it would not" in one.notes
    assert any(note.startswith("without HAR: HAR at 63 days needs") for note in one.notes)


def test_bars_that_no_model_can_use_are_refused(bars: Array) -> None:
    with pytest.raises(DataError, match="at least 250 observations, but there are 199"):
        analyse(*bars[:200].T)
    with pytest.raises(DataError, match="must vary"):
        analyse(*np.full((4, 400), 50.0))
    spoiled = bars.copy()
    spoiled[17, 3] = np.nan
    with pytest.raises(DataError, match="closes must be finite and positive, but the value at 17 is nan"):
        analyse(*spoiled.T)
