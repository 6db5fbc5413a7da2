"""Calibrations: when they are asked for, when they count, and that a journal tells it whatever time they took."""

import datetime as dt
import threading
from collections.abc import Callable

import numpy as np
import pytest

from alo_lib.core import Calibrator, LogicalCalibrator
from alo_lib.core.calibrator import PendingCalibration
from alo_lib.journal import message_digest
from alo_lib.records import Kind
from alo_lib.runtime import BackgroundCalibrator, replay
from alo_lib.strategy.calibration import Calibrated, CalibrationRequest, Due, calibrate
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.volatility import CalibrationError
from tests.core.script import FIRST, Script, at, closes, of_test

SECOND = 1_000_000_000
SETTINGS = of_test()
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
    market = Script(of_test(**settings))
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


def test_regimes_are_told_with_each_forecast_calmest_first() -> None:
    market = script(LogicalCalibrator(60 * SECOND))
    market.bar(9.6)
    market.session(FIRST + DAY, [100.5])
    market.bar(10)
    told = [m for m in market.journal.messages if m.kind in (Kind.FORECAST, Kind.REGIME)]
    known = [m for m in told if np.isfinite(m.records[0]["volatility"])]
    assert [m.kind for m in known] == [Kind.FORECAST, Kind.REGIME] * 2
    for forecast, regimes in zip(known[::2], known[1::2], strict=True):
        assert forecast.time == regimes.time
        rows = regimes.records
        assert (rows["underlying"] == forecast.records["underlying"][0]).all()
        assert rows["regime"].tolist() == [0, 1]
        assert rows["volatility"][0] < rows["volatility"][1]
        assert rows["probability"].sum() == pytest.approx(1.0)
    assert known[1].records["volatility"].tolist() == known[3].records["volatility"].tolist()  # one fit
    assert known[1].records["probability"].tolist() != known[3].records["probability"].tolist()  # one more close


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
