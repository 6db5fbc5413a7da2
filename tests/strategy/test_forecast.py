"""The forecaster: when calibrations are due, what they give, and how the forecast follows the bars in between."""

import json
from dataclasses import replace

import numpy as np
import pytest

from alo_lib.settings import Settings
from alo_lib.strategy.calibration import Due, calibrate
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.volatility import (
    DailyHistory,
    GjrGarch,
    HybridState,
    RegimeModel,
    RegimeParameters,
    VolatilityError,
)
from alo_lib.volatility.variance_distribution import LEVELS
from tests.volatility.test_hybrid import make_bars

SETTINGS = Settings.of({"underlyings": "TEST"})


def ranged(count: int, seed: int = 1) -> list[tuple[float, float, float, float]]:
    return [tuple(map(float, row)) for row in make_bars(count, seed)]  # type: ignore[misc]


def test_calibrations_are_due_at_first_by_schedule_and_on_a_change_of_regime() -> None:
    settings = Settings.of({"garch_refit_sessions": 5})
    forecaster = VolatilityForecaster(settings)
    bars = ranged(420)
    forecaster.follow(bars[:400])
    assert forecaster.due is Due.FIRST
    assert not forecaster.ready
    assert forecaster.calibrate_now() is None
    assert forecaster.ready
    assert forecaster.due is None
    dues = []
    for bar in bars[400:405]:
        forecaster.follow([bar])
        dues.append(forecaster.due)
    assert dues == [None, None, None, None, Due.SCHEDULE]
    # Days three times as wild as the model expects, whatever it has learnt of the days before.
    for wary in (True, False):
        forecaster = VolatilityForecaster(Settings.of({"refit_on_change": wary, "garch_refit_sessions": 252}))
        forecaster.follow(bars[:400])
        forecaster.calibrate_now()
        close, found = bars[399][3], []
        for day in range(30):
            previous, close = close, close * (1.07 if day % 2 else 1 / 1.07)
            forecaster.follow([(previous, max(close, previous), min(close, previous), close)])
            found.append(forecaster.due)
        assert (Due.CHANGE in found) is wary


def test_with_enough_ranges_the_hybrid_forecasts_and_without_garch_says_why() -> None:
    settings = Settings.of({"hybrid_minimum": 500})
    bars = ranged(700)
    whole = VolatilityForecaster(settings)
    whole.follow(bars[:690])
    assert whole.calibrate_now() is None
    assert whole.model is not None
    assert whole.model.hybrid is not None
    assert whole.model.note == ""
    assert whole.follow(bars[690:]) is None
    hybrid = whole.model.hybrid
    state = hybrid.filter(DailyHistory.from_bars(*np.array(bars).T)).state
    assert whole.volatility(21 / 252) == pytest.approx(hybrid.expected_volatility(state, 21.0), rel=1e-12)

    short = VolatilityForecaster(settings)
    short.follow(bars[:400])
    short.calibrate_now()
    assert short.model is not None
    assert short.model.note == "399 returns are known, the hybrid needs 500"
    garch = short.model.garch
    returns = DailyHistory.from_returns(np.diff(np.log([bar[3] for bar in bars[:400]])))
    expected = garch.expected_volatility(garch.filter(returns).state, 21.0)
    assert short.volatility(21 / 252) == pytest.approx(expected, rel=1e-9)

    closes_alone = VolatilityForecaster(settings)
    assert closes_alone.update([bar[3] for bar in bars]) is None
    assert closes_alone.model is not None
    assert closes_alone.model.note == "700 of 700 days have no range, which the hybrid needs"
    # A few days without a range, and prints outside one, are borne.
    nan = float(np.nan)
    torn = [(nan, nan, nan, bar[3]) if n % 40 == 0 else bar for n, bar in enumerate(bars)]
    torn[5] = (torn[5][0], torn[5][3] * 0.99, torn[5][2], torn[5][3])
    borne = VolatilityForecaster(settings)
    borne.follow(torn)
    assert borne.calibrate_now() is None
    assert borne.model is not None
    assert borne.model.hybrid is not None
    assert borne.volatility(0.1) == pytest.approx(whole.volatility(0.1), rel=0.1)


@pytest.mark.parametrize("ranges", [True, False])
def test_without_the_hybrid_the_band_is_how_far_garch_was_off_on_days_that_it_had_not_seen(ranges: bool) -> None:
    bars = np.array(ranged(400))
    forecaster = VolatilityForecaster(SETTINGS)
    assert np.isnan(forecaster.band_over(25.2)).all()
    nan = float(np.nan)
    forecaster.follow([tuple(bar) if ranges else (nan, nan, nan, bar[3]) for bar in bars.tolist()])
    forecaster.calibrate_now()
    assert forecaster.model is not None
    assert forecaster.model.hybrid is None
    garch = forecaster.model.garch
    returns = np.diff(np.log(bars[:, 3]))
    history = DailyHistory.from_returns(returns)
    # GARCH is fitted to 250 returns or more: 5/8 of 399 are too few, so that 3/4 and 7/8 are what it had not seen.
    alone = forecaster.model.alone
    assert alone is not None
    month = alone.horizons.index(21)
    realized = np.array([(returns[t + 1 : t + 22] ** 2).mean() for t in range(378)])
    errors = []
    for begin, end in ((299, 349), (349, 378)):
        old = GjrGarch.fit(history[:begin], warm_start=garch)
        said = old.forecast_path(old.filter(history[:end]), (21,))[begin:, 0]
        errors += np.log(realized[begin:end] / said / alone.blend.levels[month]).tolist()
    kept = np.interp([0.05, 0.95], LEVELS, alone.blend.return_errors[month])
    assert kept.tolist() == pytest.approx(np.quantile(errors, [0.05, 0.95]).tolist(), rel=1e-5)
    # Those are few: what the fitted process itself may do counts, too.
    low, high = forecaster.band_over(21.0)
    state = HybridState((garch.filter(history).state,))
    assert (low, high) == pytest.approx(alone.forecast_band(state, 21.0), rel=1e-5)
    assert 0.0 < low < forecaster.volatility(21 / 252) < high


def test_regimes_follow_the_closes_and_no_forecast_rests_on_them() -> None:
    forecaster, bars = VolatilityForecaster(SETTINGS), ranged(403)
    assert forecaster.regimes == []
    forecaster.follow(bars[:400])
    fitted = calibrate(forecaster.request())
    forecaster.install(fitted)
    returns = np.diff(np.log([bar[3] for bar in bars]))
    expected = RegimeModel.fit(DailyHistory.from_returns(returns[:399]))
    for count, more in ((399, bars[400:]), (402, [])):
        state = expected.filter(DailyHistory.from_returns(returns[:count])).state
        volatilities, probabilities = zip(*forecaster.regimes, strict=True)
        assert volatilities == pytest.approx(expected.parameters.volatilities, rel=1e-10)
        assert probabilities == pytest.approx(state.probabilities, rel=1e-12)
        forecaster.follow(more)
    # Regimes that cannot explain a day are told no more, and the forecast goes on.
    strict = RegimeModel(RegimeParameters((0.0, 0.0), (1e-14, 2e-14), ((0.9, 0.1), (0.1, 0.9))))
    other, twin = VolatilityForecaster(SETTINGS), VolatilityForecaster(SETTINGS)
    for each, models in ((other, replace(fitted, regimes=strict, regime_state=strict.start())), (twin, fitted)):
        each.follow(bars[:400])
        each.request()
        each.install(models)
        assert each.follow(bars[400:]) is None
    assert other.regimes == []
    assert other.volatility(0.1) == twin.volatility(0.1)


def test_returns_without_regimes_are_told_of() -> None:
    rng = np.random.default_rng(1)
    closes = 100.0 * np.exp(np.cumsum(np.append(0.01 * rng.uniform(-1.0, 1.0, 300), 0.2)))
    forecaster = VolatilityForecaster(SETTINGS)
    assert forecaster.update(closes.tolist()) is None
    assert forecaster.model is not None
    assert "fewer regimes may do" in forecaster.model.regime_note
    assert forecaster.regimes == []


def test_the_same_request_gives_the_same_bits_and_a_warm_start_nearly_them() -> None:
    settings = Settings.of({"hybrid_minimum": 500})
    forecaster = VolatilityForecaster(settings)
    forecaster.follow(ranged(600))
    request = forecaster.request()
    result = calibrate(request)
    assert calibrate(request) == result
    warm = calibrate(replace(request, earlier=result))
    assert warm.garch.parameters.persistence == pytest.approx(result.garch.parameters.persistence, abs=1e-3)


def test_a_calibration_that_comes_late_counts_the_days_since_it_was_asked_for() -> None:
    forecaster, bars = VolatilityForecaster(SETTINGS), ranged(403)
    forecaster.follow(bars[:400])
    request = forecaster.request()
    for bar in bars[400:]:
        assert forecaster.follow([bar]) is None
    forecaster.install(calibrate(request))
    assert forecaster.model is not None
    garch = forecaster.model.garch
    state = garch.filter(DailyHistory.from_returns(np.diff(np.log([bar[3] for bar in bars])))).state
    assert forecaster.volatility(21 / 252) == pytest.approx(garch.expected_volatility(state, 21.0), rel=1e-9)


def test_models_that_refuse_the_days_since_do_not_come_into_force() -> None:
    forecaster, bars = VolatilityForecaster(SETTINGS), ranged(402)
    forecaster.follow(bars[:400])
    first = calibrate(forecaster.request())
    forecaster.install(first)
    before = forecaster.volatility(0.1)
    forecaster.due = Due.SCHEDULE
    late = replace(calibrate(forecaster.request()), last=(1e-9,) * 4)  # from which the next day is too far away
    assert forecaster.follow(bars[400:401]) is None
    followed = forecaster.volatility(0.1)
    assert followed != before
    with pytest.raises(VolatilityError):
        forecaster.install(late)
    assert forecaster.model is first
    assert forecaster.volatility(0.1) == followed


def test_a_bad_bar_is_told_left_out_and_changes_nothing() -> None:
    forecaster = VolatilityForecaster(SETTINGS)
    bars = ranged(420)
    forecaster.follow(bars[:400])
    forecaster.calibrate_now()
    before = forecaster.volatility(0.1)
    for bad in ((1.0, 1.0, 1.0, float("inf")), (1.0, 1.0, 1.0, 0.0), (1.0, 1.0, 1.0, float("nan"))):
        assert forecaster.follow([bad]) is not None
        assert forecaster.volatility(0.1) == before
    assert forecaster.follow(bars[400:401]) is None
    twin = VolatilityForecaster(SETTINGS)
    twin.follow(bars[:400])
    twin.calibrate_now()
    twin.follow(bars[400:401])
    assert forecaster.volatility(0.1) == twin.volatility(0.1)


def test_requests_are_made_only_when_due() -> None:
    forecaster = VolatilityForecaster(SETTINGS)
    with pytest.raises(RuntimeError, match="no calibration is due"):
        forecaster.request()
    assert forecaster.calibrate_now() is None
    assert json.loads(SETTINGS.model_dump_json())["calibration_frames"] == 100


def walk(count: int) -> list[float]:
    return [float(x) for x in 100 * np.exp(np.cumsum(np.random.default_rng(1).standard_normal(count) * 0.01))]


def test_between_calibrations_the_forecast_follows_the_returns() -> None:
    closes = walk(420)
    calm, wild = VolatilityForecaster(SETTINGS), VolatilityForecaster(SETTINGS)
    for forecaster in (calm, wild):
        assert np.isnan(forecaster.volatility(0.1))
        assert forecaster.update(closes) is None
    assert calm.volatility(0.1) == wild.volatility(0.1)
    assert calm.update([closes[-1]]) is None
    assert wild.update([closes[-1] * 0.92]) is None
    assert wild.volatility(0.02) > calm.volatility(0.02)


def test_a_bad_close_is_told_and_changes_nothing() -> None:
    forecaster = VolatilityForecaster(SETTINGS)
    forecaster.update(walk(420))
    before = forecaster.volatility(0.1)
    assert "must be finite and positive, but it is -1.0" in str(forecaster.update([-1.0]))
    assert forecaster.volatility(0.1) == before


def test_within_a_session_its_move_counts_and_its_rest_is_expected() -> None:
    """At the close it is the forecast of the day after; at the open, on average, what was forecast all along."""
    bars = ranged(400)
    forecaster = VolatilityForecaster(SETTINGS)
    assert forecaster.outlook(0.0, 0.5) is None
    forecaster.follow(bars)
    assert forecaster.calibrate_now() is None
    for move in (-0.04, 0.001, 0.03):
        after = followed(bars, bars[-1][3] * float(np.exp(move)))
        ended = forecaster.outlook(move, 1.0)
        assert ended is not None
        assert ended.volatility_over(21.0) == pytest.approx(after.volatility_over(21.0), rel=1e-12)
    opened = forecaster.outlook(0.0, 0.0)
    assert opened is not None
    for days in (0.5, 1.0, 5.0, 60.0):
        assert opened.volatility_over(days) == pytest.approx(forecaster.volatility_over(days), rel=0.01)
    fallen, quiet = forecaster.outlook(-0.05, 0.6), forecaster.outlook(0.0, 0.6)
    assert fallen is not None
    assert quiet is not None
    assert fallen.volatility_over(5.0) > 1.1 * forecaster.volatility_over(5.0) > quiet.volatility_over(5.0)
    assert fallen.volatility_over(0.3) == pytest.approx(forecaster.volatility_over(1.0), rel=1e-12)
    assert np.isnan(opened.volatility_over(float("nan")))
    assert forecaster.outlook(14.0, 0.5) is None
    assert forecaster.outlook(float("nan"), 0.5) is None


def followed(bars: list[tuple[float, float, float, float]], close: float) -> VolatilityForecaster:
    """A forecaster that has seen bars, and a close more."""
    forecaster, nan = VolatilityForecaster(SETTINGS), float("nan")
    forecaster.follow(bars)
    assert forecaster.calibrate_now() is None
    assert forecaster.follow([(nan, nan, nan, close)]) is None
    return forecaster
