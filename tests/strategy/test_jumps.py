"""A jump: followed within a session, told, not traded on until models know of it; a false print is dropped."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.settings import Settings
from alo_lib.strategy.calibration import Due, calibrate
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.volatility import GjrGarch, GjrParameters, VolatilityError
from tests.sampled import sampled

Array = NDArray[np.float64]
SETTINGS = Settings.of({"underlyings": "TEST"})
BEFORE, AFTER = 0.0015, 0.03
A_YEAR = math.sqrt(252.0)
NAN = float("nan")


def pinned(seed: int, count: int = 250) -> list[float]:
    """Closes of a merger target: ``count`` sessions that move 0.15 % a day."""
    moves = BEFORE * np.random.default_rng(seed).standard_normal(count)
    return [float(close) for close in 100.0 * np.exp(np.cumsum(np.append(0.0, moves)))]


def broken(close: float, seed: int, count: int = 250) -> list[float]:
    """Closes after the deal broke: a fall of 30 %, then 3 % a day."""
    moves = AFTER * np.random.default_rng(1000 + seed).standard_normal(count)
    return [float(each) for each in 0.7 * close * np.exp(np.cumsum(np.append(0.0, moves)))]


@pytest.mark.parametrize("seed", sampled(range(2), every=2))
def test_the_forecast_follows_a_jump_within_a_session(seed: int) -> None:
    forecaster, closes = VolatilityForecaster(SETTINGS), pinned(seed)
    assert forecaster.update(closes) is None
    assert forecaster.volatility(0.1) == pytest.approx(BEFORE * A_YEAR, rel=0.2)
    said, told = [], []
    for close in broken(closes[-1], seed):
        told.append(forecaster.update([close]))
        said.append(forecaster.volatility(0.1) / (AFTER * A_YEAR))
    assert "is taken for a new level, unless the next close takes it back" in str(told[0])
    assert "is a new level" in str(told[1])
    assert not any(told[2:])
    # On the first evening by the jump alone; then a day, a week and a month tell more, as far as they can.
    assert 0.4 < said[0] < 2.5
    assert all(0.2 < each < 3.0 for each in said[1:5])
    assert all(each == pytest.approx(1.0, abs=0.6) for each in said[5:21])
    assert all(each == pytest.approx(1.0, abs=0.4) for each in said[21:])


def test_nothing_is_opened_until_models_that_know_of_the_jump_are_in_force() -> None:
    forecaster, closes = VolatilityForecaster(SETTINGS), pinned(1)
    forecaster.update(closes)
    assert not forecaster.unsettled
    first, second, third = broken(closes[-1], 1, 2)
    told = str(forecaster.follow([(NAN, NAN, NAN, first)]))
    assert told.splitlines()[1:] == ["nothing is opened until models that know of it are in force"]
    assert forecaster.due is Due.JUMP
    assert forecaster.unsettled
    assert forecaster.calibrate_now() is None
    assert forecaster.unsettled  # the next close may take it back
    forecaster.follow([(NAN, NAN, NAN, second)])
    assert forecaster.due is Due.JUMP
    request = forecaster.request()
    assert forecaster.unsettled
    forecaster.install(calibrate(request))
    assert not forecaster.unsettled
    assert forecaster.due is None
    # The level is young: models are fitted anew, and meanwhile those in force are good enough.
    forecaster.follow([(NAN, NAN, NAN, third)])
    assert forecaster.due is Due.JUMP
    assert not forecaster.unsettled


def test_a_jump_that_comes_while_models_are_fitted_is_not_known_to_them() -> None:
    forecaster, closes = VolatilityForecaster(SETTINGS), pinned(1, 260)
    forecaster.update(closes[:-1])
    forecaster.due = Due.SCHEDULE
    late = forecaster.request()
    forecaster.follow([(NAN, NAN, NAN, 0.7 * closes[-2])])
    forecaster.follow([(NAN, NAN, NAN, 0.68 * closes[-2])])
    forecaster.install(calibrate(late))
    assert forecaster.unsettled
    assert forecaster.due is Due.JUMP
    forecaster.calibrate_now()
    assert not forecaster.unsettled


def test_a_print_that_comes_back_is_dropped() -> None:
    forecaster, twin, closes = VolatilityForecaster(SETTINGS), VolatilityForecaster(SETTINGS), pinned(2, 300)
    forecaster.update(closes[:280])
    assert forecaster.update([0.7 * closes[280]]) is not None
    wild = forecaster.volatility(0.1)
    told = str(forecaster.update([closes[281]]))
    assert "was taken back by the next close: dropped as a false print" in told
    assert not forecaster.unsettled
    for close in closes[282:]:
        nan = float("nan")
        assert forecaster.follow([(nan, nan, nan, close)]) is None
        assert forecaster.due is None  # no level has begun, whose volatility is still to be learned
    twin.update([*closes[:280], *closes[281:]])
    assert forecaster.volatility(0.1) == pytest.approx(twin.volatility(0.1), rel=0.03)
    assert wild > 5.0 * forecaster.volatility(0.1)


@pytest.mark.parametrize("days", sampled([1, 2, 60], every=3))
def test_after_a_restart_there_is_the_same_forecast(days: int) -> None:
    closes = pinned(3)
    closes += broken(closes[-1], 3)[:days]
    streamed, restarted = VolatilityForecaster(SETTINGS), VolatilityForecaster(SETTINGS)
    streamed.update(closes[:251])
    for close in closes[251:]:
        streamed.update([close])
    streamed.due = Due.SCHEDULE
    streamed.calibrate_now()
    told = restarted.update(closes)
    assert "new level" in str(told)
    assert restarted.unsettled is (days == 1)
    assert restarted.volatility(0.1) == pytest.approx(streamed.volatility(0.1), rel=0.01)


def test_a_day_that_the_models_refuse_is_kept_and_makes_others_due() -> None:
    forecaster, closes = VolatilityForecaster(SETTINGS), pinned(4)
    forecaster.follow([(NAN, NAN, NAN, close) for close in closes])
    fitted = calibrate(forecaster.request())
    quiet = GjrGarch(GjrParameters(1e-12, 0.0, 0.0, 0.5, 1e-10))
    forecaster.install(replace(fitted, garch=quiet, garch_state=quiet.start()))
    before = forecaster.volatility(0.1)
    told = str(forecaster.follow([(NAN, NAN, NAN, closes[-1] * 1.002)]))
    assert "standard deviations" in told
    assert forecaster.volatility(0.1) == before
    assert forecaster.unsettled
    assert forecaster.due is Due.JUMP
    assert forecaster.calibrate_now() is None
    assert not forecaster.unsettled
    assert forecaster.volatility(0.1) == pytest.approx(BEFORE * A_YEAR, rel=0.25)


def test_where_nothing_can_be_fitted_the_jump_stays_unsettled() -> None:
    forecaster, closes = VolatilityForecaster(SETTINGS), pinned(5)
    forecaster.update(closes)
    forecaster.follow([(NAN, NAN, NAN, 0.7 * closes[-1])])
    forecaster.follow([(NAN, NAN, NAN, 0.69 * closes[-1])])
    request = forecaster.request()
    with pytest.raises(VolatilityError):
        calibrate(replace(request, bars=request.bars[:100], held_event=request.held_event[:100], earlier=None))
    assert forecaster.follow([(NAN, NAN, NAN, 0.7 * closes[-1])]) is None
    assert forecaster.due is Due.JUMP
    assert forecaster.unsettled
