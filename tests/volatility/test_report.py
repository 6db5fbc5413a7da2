import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.volatility import (
    CalibrationError,
    GjrGarch,
    ObservationError,
    RegimeModel,
    VolatilityReport,
    log_returns,
    report_volatility,
    yang_zhang,
)

from .conftest import days
from .test_hybrid import make_bars

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def bars() -> Array:
    return make_bars(700, seed=4)


@pytest.fixture(scope="module")
def report(bars: Array) -> VolatilityReport:
    return report_volatility(*bars.T)


def test_series_are_those_of_the_models(bars: Array, report: VolatilityReport) -> None:
    returns = log_returns(bars[:, 3])
    path = report.garch.filter(days(returns))
    np.testing.assert_array_equal(report.conditional, np.sqrt(252 * path.conditional_variance))
    assert report.next_day_volatility == path.state.volatility
    assert report.regimes is not None
    np.testing.assert_array_equal(report.probabilities, report.regimes.filter(days(returns)).probabilities)
    np.testing.assert_array_equal(report.changes, report.garch.detect_regime_change(days(returns)))
    assert np.all(np.isnan(report.realized[:20]))
    assert report.realized[20] == float(yang_zhang(*bars[:22].T))
    assert report.realized[-1] == float(yang_zhang(*bars[-22:].T))
    errors = {row.name: row.standard_error for row in report.summary.parameters}
    assert errors == report.garch.standard_errors(days(returns))
    assert report.garch.parameters.distribution == "skewt"
    assert report.hybrid.notes == ()


def test_the_cone_is_the_hybrids_and_its_band_surrounds_it(bars: Array, report: VolatilityReport) -> None:
    returns = log_returns(bars[:, 3])
    for point in report.cone:
        assert point.low < point.volatility < point.high
        assert point.volatility == report.hybrid.forecast_volatility(report.state, float(point.days))
    month = next(point for point in report.cone if point.days == 21)
    windows = [float(np.mean(returns[i : i + 21] ** 2)) for i in range(returns.size - 20)]
    assert month.usual == pytest.approx(float(np.sqrt(252 * np.median(windows))), rel=1e-12)
    short = report_volatility(*bars[:400].T)
    assert short.cone[-1].usual is None


def test_the_same_bars_give_the_same_bits(bars: Array, report: VolatilityReport) -> None:
    again = report_volatility(*bars.T)
    assert again.cone == report.cone
    assert again.probabilities.tobytes() == report.probabilities.tobytes()


def test_what_cannot_be_had_is_noted(bars: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise CalibrationError("it would not")

    monkeypatch.setattr(RegimeModel, "fit", fail)
    monkeypatch.setattr(GjrGarch, "uncertainty", fail)
    one = report_volatility(*bars[:300].T)
    assert one.regimes is None
    assert one.probabilities.shape == (299, 0)
    assert {row.standard_error for row in one.summary.parameters} == {None}
    assert "without regimes: it would not" in one.notes
    assert "without standard errors: it would not" in one.notes
    assert any(note.startswith("without HAR: HAR at 63 days needs") for note in one.notes)


def test_bars_that_no_model_can_use_are_refused(bars: Array) -> None:
    with pytest.raises(ObservationError, match="at least 250 observations, but there are 199"):
        report_volatility(*bars[:200].T)
    with pytest.raises(ObservationError, match="must vary"):
        report_volatility(*np.full((4, 400), 50.0))
    spoiled = bars.copy()
    spoiled[17, 3] = np.nan
    with pytest.raises(ObservationError, match="close must be finite and positive, but the value at 17 is nan"):
        report_volatility(*spoiled.T)
