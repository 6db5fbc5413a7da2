"""Calibrations: when they are asked for, when they count, and that a journal tells it whatever time they took."""

import datetime as dt
import json
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from alo_lib.core import Calibrator, LogicalCalibrator, Settings
from alo_lib.core.calibrator import PendingCalibration
from alo_lib.core.tasks import follow
from alo_lib.journal import message_digest
from alo_lib.records import Kind
from alo_lib.runtime import BackgroundCalibrator, replay
from alo_lib.strategy.forecast import Calibrated, CalibrationRequest, Due, VolatilityForecaster, calibrate
from alo_lib.volatility import CalibrationError, DailyHistory
from tests.core.script import FIRST, Script, at, closes
from tests.volatility.test_hybrid import make_bars

SECOND = 1_000_000_000
SETTINGS = Settings.of({"underlyings": "TEST"})
DAY = dt.timedelta(days=1)


def request_of(count: int = 400) -> CalibrationRequest:
    forecaster = VolatilityForecaster(SETTINGS)
    nan = float(np.nan)
    assert forecaster.follow([(nan, nan, nan, close) for close in closes(count)]) is None
    return forecaster.request()


def refuse(_: CalibrationRequest) -> Calibrated:
    raise CalibrationError("not today")


def test_a_logical_result_comes_after_its_delay_and_is_made_between_frames() -> None:
    made: list[int] = []

    def fit(request: CalibrationRequest) -> Calibrated:
        made.append(len(made))
        return calibrate(request)

    calibrator = LogicalCalibrator(SECOND, fit)
    pending = PendingCalibration(1, 10 * SECOND, request_of())
    calibrator.begin(pending)
    assert not calibrator.ready(pending, 11 * SECOND - 1)
    assert made == []
    assert calibrator.ready(pending, 11 * SECOND)
    assert made == [0]  # between frames; taking it costs nothing
    assert calibrator.take(pending) == calibrate(request_of())
    assert made == [0]
    assert calibrator.take(pending) == calibrate(request_of())  # a replay, which was told
    assert made == [0, 1]


def test_a_background_result_waits_for_its_delay_and_its_fit_and_no_frame_for_it() -> None:
    gate, made = threading.Event(), threading.Event()

    def slow(request: CalibrationRequest) -> Calibrated:
        assert gate.wait(20.0)
        result = calibrate(request)
        made.set()
        return result

    calibrator = BackgroundCalibrator(SECOND, slow)
    pending, later = (PendingCalibration(n, time, request_of()) for n, time in ((1, 0), (2, 6 * SECOND)))
    calibrator.begin(pending)
    assert not calibrator.ready(pending, 5 * SECOND)  # it is due, it is not done, and nobody waits
    gate.set()
    assert made.wait(20.0)
    while not calibrator.ready(pending, 6 * SECOND):  # the future is done a moment after the fit
        pass
    assert not calibrator.ready(later, 6 * SECOND)  # asked of another, before a restart: it begins now
    while not calibrator.ready(later, 7 * SECOND):
        pass
    assert calibrator.take(pending) == calibrator.take(later) == calibrate(request_of())
    calibrator.close()


@pytest.mark.parametrize("make", [lambda fit: LogicalCalibrator(0, fit), lambda fit: BackgroundCalibrator(0, fit)])
def test_a_failed_fit_is_told_to_whoever_takes_it(make: Callable[..., Calibrator]) -> None:
    calibrator = make(refuse)
    pending = PendingCalibration(1, 0, request_of())
    calibrator.begin(pending)
    while not calibrator.ready(pending, 0):
        pass
    with pytest.raises(CalibrationError, match="not today"):
        calibrator.take(pending)
    calibrator.close()


def script(calibrator: Calibrator, **settings: object) -> Script:
    """A market whose core leaves its fits to ``calibrator``, its first session begun."""
    market = Script(Settings.of({"underlyings": "TEST"}, settings))
    market.core.calibrate_with(calibrator)
    market.session()
    return market


def test_no_frame_fits_anything_and_the_result_counts_at_a_boundary() -> None:
    in_frame: list[bool] = []
    market: Script

    def fit(request: CalibrationRequest) -> Calibrated:
        in_frame.append(market.core.in_frame)
        return calibrate(request)

    calibrator = LogicalCalibrator(60 * SECOND, fit)
    market = script(calibrator)
    assert market.decisions(Kind.FORECAST) == []
    market.bar(9.6)
    assert in_frame == [False]
    told = [m for m in market.journal.messages if m.kind in (Kind.CALIBRATION, Kind.FORECAST, Kind.FRAME)]
    kinds = [message.kind for message in told]
    assert kinds[:4] == [Kind.FRAME, Kind.CALIBRATION, Kind.FRAME, Kind.FORECAST]
    assert told[1].time == told[2].time == told[3].time > at(FIRST, 9.6)


def journal_of(market: Script) -> str:
    market.bar(10, volatility=0.35)
    market.session(FIRST + DAY, [100.5])
    market.bar(10, volatility=0.35)
    market.bar(11, volatility=0.22)
    return message_digest(market.journal.messages)


def test_a_background_run_writes_the_same_journal_and_both_replay() -> None:
    class Finished(BackgroundCalibrator):
        """Waits, so that the wall clock of this machine cannot move a boundary."""

        def ready(self, pending: PendingCalibration, time: int) -> bool:
            self._running[pending.number].exception(20.0)
            return super().ready(pending, time)

    delay = SETTINGS.calibration_nanoseconds
    background = Finished(delay)
    one, two = script(LogicalCalibrator(delay)), script(background)
    assert journal_of(one) == journal_of(two)
    background.close()
    assert len(one.orders) > 0
    assert replay(one.journal).divergence is None


def test_a_late_result_counts_later_and_the_journal_replays_to_the_byte() -> None:
    class Late(LogicalCalibrator):
        def ready(self, pending: PendingCalibration, time: int) -> bool:
            return time >= at(FIRST, 10.5) and super().ready(pending, time)

    market = script(Late(0))
    assert [len(sent) for sent in market.bar(10, volatility=0.35)] == [0]
    assert np.isnan(market.decisions(Kind.FORECAST)[0]["volatility"]).all()
    market.bar(11, volatility=0.35)
    assert np.isfinite(market.decisions(Kind.FORECAST)[-1]["volatility"]).all()
    assert len(market.orders) > 0
    assert replay(market.journal).divergence is None


def test_a_failed_calibration_is_told_and_asked_for_again_the_next_session() -> None:
    asked = []

    def fit(request: CalibrationRequest) -> Calibrated:
        asked.append(request.why)
        if len(asked) == 1:
            raise CalibrationError("not today")
        return calibrate(request)

    market = script(LogicalCalibrator(0, fit))
    market.bar(10, volatility=0.35)
    assert market.notices() == ["TEST: not today"]
    assert len(market.orders) == 0
    market.session(FIRST + DAY, [100.0])
    market.bar(10, volatility=0.35)
    assert asked == [Due.FIRST, Due.FIRST]
    assert len(market.orders) > 0


def test_one_calibration_at_a_time_is_asked_for() -> None:
    class Never(LogicalCalibrator):
        def ready(self, pending: PendingCalibration, time: int) -> bool:
            return False

    market = script(Never(0))
    market.bar(10)
    market.session(FIRST + DAY, [100.0])
    market.bar(10)
    assert market.core._state.last_calibration == 1
    follow(market.core._state, at(FIRST + DAY, 12), Never(0))  # nothing new: nothing is asked for
    assert market.core._state.last_calibration == 1


# The policy, in the forecaster alone ------------------------------------------------------------------------------


def ranged(count: int, seed: int = 1) -> list[tuple[float, float, float, float]]:
    return [tuple(map(float, row)) for row in make_bars(count, seed)]  # type: ignore[misc]


def test_calibrations_are_due_at_first_by_schedule_and_on_a_change_of_regime() -> None:
    settings = Settings.of({"garch_refit_sessions": 5})
    forecaster = VolatilityForecaster(settings)
    bars = ranged(420)
    forecaster.follow(bars[:400])
    assert forecaster.due is Due.FIRST
    assert forecaster.calibrate_now() is None
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
    assert whole.volatility(21 / 252) == pytest.approx(hybrid.forecast_volatility(state, 21.0), rel=1e-12)

    short = VolatilityForecaster(settings)
    short.follow(bars[:400])
    short.calibrate_now()
    assert short.model is not None
    assert short.model.note == "399 returns are known, the hybrid needs 500"
    garch = short.model.garch
    returns = DailyHistory.from_returns(np.diff(np.log([bar[3] for bar in bars[:400]])))
    expected = garch.forecast_volatility(garch.filter(returns).state, 21.0)
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


def test_the_same_request_gives_the_same_bits_and_a_warm_start_nearly_them() -> None:
    settings = Settings.of({"hybrid_minimum": 500})
    forecaster = VolatilityForecaster(settings)
    forecaster.follow(ranged(600))
    request = forecaster.request()
    result = calibrate(request)
    assert calibrate(request) == result
    warm = calibrate(replace(request, earlier=result))
    assert warm.garch.parameters.persistence == pytest.approx(result.garch.parameters.persistence, abs=1e-3)


def test_a_bad_bar_is_told_left_out_and_changes_nothing() -> None:
    forecaster = VolatilityForecaster(SETTINGS)
    bars = ranged(420)
    forecaster.follow(bars[:400])
    forecaster.calibrate_now()
    before = forecaster.volatility(0.1)
    for bad in ((1.0, 1.0, 1.0, 1e9), (1.0, 1.0, 1.0, 0.0), (1.0, 1.0, 1.0, float("nan"))):
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
