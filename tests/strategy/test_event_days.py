"""Days of dated events: passed over by models in force, usual days to a calibration, the same after a restart."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.core.snapshot import pack, unpack
from alo_lib.settings import Settings
from alo_lib.strategy.calibration import Due, calibrate
from alo_lib.strategy.daily_bars import DailyBar
from alo_lib.strategy.forecast import VolatilityForecaster
from alo_lib.volatility import DailyHistory, GjrGarch

SETTINGS = Settings.of({"underlyings": "TEST"})
MOVE = 0.08
A_YEAR = math.sqrt(252.0)
COUNT = 600


def market(seed: int, deviation: float = 0.01, ranges: bool = False) -> tuple[list[DailyBar], list[bool]]:
    """Bars of normal days, and of four a year that move by 8 % besides; which those are."""
    generator = np.random.default_rng(seed)
    held = np.arange(COUNT) % 63 == 40
    shocks = deviation * generator.standard_normal((COUNT, 26)) / math.sqrt(26.0)
    shocks[held, 0] += MOVE * generator.choice([-1.0, 1.0], np.count_nonzero(held))  # before the open
    paths = np.exp(np.cumsum(shocks.reshape(-1))).reshape(COUNT, 26)
    bars = [(float(p[0]), float(p.max()), float(p.min()), float(p[-1])) for p in 100.0 * paths]
    return [bar if ranges else (math.nan, math.nan, math.nan, bar[3]) for bar in bars], held.tolist()


def without_days(bars: list[DailyBar], held: list[bool]) -> list[DailyBar]:
    """The bars with the marked days cut out: what follows is as far above the close before as it was above theirs."""
    scale, kept = 1.0, []
    for n, (bar, cut) in enumerate(zip(bars, held, strict=True)):
        if cut:
            scale *= bars[n - 1][3] / bar[3]
        else:
            kept.append(tuple(scale * price for price in bar))
    return kept  # type: ignore[return-value]


def streamed(
    bars: list[DailyBar], held: list[bool] | None, first: int
) -> tuple[VolatilityForecaster, list[Due | None]]:
    """A forecaster that was told ``first`` bars at once and then one a session; what was due after each of these."""
    forecaster, dues = VolatilityForecaster(SETTINGS), []
    marks = [False] * len(bars) if held is None else held
    forecaster.follow(bars[:first], marks[:first])
    assert forecaster.calibrate_now() is None
    for n in range(first, len(bars)):
        forecaster.follow(bars[n : n + 1], marks[n : n + 1])
        dues.append(forecaster.due)
        assert forecaster.calibrate_now() is None
    return forecaster, dues


def test_between_events_whose_dates_are_known_the_forecast_is_the_quiet_one() -> None:
    bars, held = market(1)
    knowing, dues = streamed(bars, held, 400)
    assert set(dues) <= {None, Due.SCHEDULE}
    assert knowing.volatility(0.1) == pytest.approx(0.01 * A_YEAR, rel=0.08)
    assert knowing.volatility(0.5) == pytest.approx(0.01 * A_YEAR, rel=0.08)
    # Without dates the moves count among the days, as they always did.
    unknowing = VolatilityForecaster(SETTINGS)
    unknowing.follow(bars)
    unknowing.calibrate_now()
    returns = DailyHistory.from_returns(np.diff(np.log([bar[3] for bar in bars])))
    garch = GjrGarch.fit(returns)
    expected = garch.expected_volatility(garch.filter(returns).state, 126.0)
    assert unknowing.volatility(0.5) == pytest.approx(expected, rel=1e-9)
    assert unknowing.volatility(0.5) > 1.15 * knowing.volatility(0.5)


@pytest.mark.parametrize("ranges", [False, True])
def test_models_in_force_pass_an_event_over_as_if_there_had_been_no_such_day(ranges: bool) -> None:
    settings = with_hybrid_of(350) if ranges else SETTINGS
    bars, held = market(2, ranges=ranges)
    known, more = slice(0, 410), slice(410, COUNT)
    fitted = VolatilityForecaster(settings)
    fitted.follow(bars[known], held[known])
    models = calibrate(fitted.request())
    assert (models.hybrid is not None) is ranges
    knowing, twin = VolatilityForecaster(settings), VolatilityForecaster(settings)
    cut = without_days(bars[409:], [False, *held[more]])[1:]
    for forecaster, later, marks in ((knowing, bars[more], held[more]), (twin, cut, None)):
        forecaster.follow(bars[known], held[known])
        forecaster.request()
        forecaster.install(models)
        assert forecaster.follow(later, marks) is None
        assert forecaster.due is None
    assert sum(held[more]) == 3
    assert knowing.volatility(0.1) == pytest.approx(twin.volatility(0.1), rel=1e-3 if ranges else 1e-9)
    assert (knowing._filtered.change.wider, knowing._filtered.change.narrower) == pytest.approx(
        (twin._filtered.change.wider, twin._filtered.change.narrower), rel=1e-9
    )
    for one, other in zip(knowing.regimes, twin.regimes, strict=True):
        assert one == pytest.approx(other, rel=1e-9)


def with_hybrid_of(returns: int) -> Settings:
    return Settings.of({"underlyings": "TEST", "hybrid_minimum": returns})


def test_to_a_calibration_an_event_is_a_usual_day_that_went_the_same_way() -> None:
    bars, held = market(3)
    forecaster = VolatilityForecaster(SETTINGS)
    forecaster.follow(bars, held)
    model = calibrate(forecaster.request())
    returns: NDArray[np.float64] = np.diff(np.log([bar[3] for bar in bars]))
    plain = returns.copy()
    for day in np.flatnonzero(held[1:]).tolist():
        usual = [abs(move) for n, move in enumerate(returns[:day].tolist()) if not held[n + 1]][-250:]
        plain[day] = math.copysign(math.sqrt(math.pi / 2.0) * sum(usual) / len(usual), returns[day])
    expected = GjrGarch.fit(DailyHistory.from_returns(plain))
    assert model.garch.parameters.persistence == pytest.approx(expected.parameters.persistence, abs=1e-4)
    level = expected.expected_volatility(expected.filter(DailyHistory.from_returns(plain)).state, 21.0)
    assert model.garch.expected_volatility(model.garch_state, 21.0) == pytest.approx(level, rel=1e-5)


def test_an_event_as_far_as_a_jump_is_one() -> None:
    # A merger that is called off on the day of its vote: what was usual before is gone, whatever the calendar said.
    bars, held = market(4, deviation=0.001)
    first = 63 * 6 + 40
    for marks in (held, [False] * COUNT):
        forecaster = VolatilityForecaster(SETTINGS)
        forecaster.follow(bars[:first], held[:first])
        assert forecaster.calibrate_now() is None
        told = forecaster.follow(bars[first : first + 1], marks[first : first + 1])
        assert told is not None
        assert (forecaster.due, forecaster.unsettled) == (Due.JUMP, True)


def test_a_stream_asks_for_what_a_restart_asks_for_and_a_snapshot_goes_on_alike() -> None:
    bars, held = market(5)
    settings = Settings.of({"underlyings": "TEST", "garch_history": 450})
    going, restarted = VolatilityForecaster(settings), VolatilityForecaster(settings)
    going.follow(bars[:480], held[:480])
    assert going.calibrate_now() is None
    again = unpack(VolatilityForecaster, pack(going), settings=settings)
    for forecaster in (going, again):
        for n in range(480, COUNT):
            forecaster.follow(bars[n : n + 1], held[n : n + 1])
    assert again.volatility(0.1) == going.volatility(0.1)
    assert pack(again) == pack(going)
    restarted.follow(bars, held)
    going.due = Due.FIRST
    request, fresh = replace(going.request(), earlier=None), restarted.request()
    assert request == fresh
    assert len(request.held_event) == len(request.bars) == 451
    assert request.held_event == tuple(held[-451:])
    going.install(calibrate(request))
    restarted.install(calibrate(fresh))
    assert going.volatility(0.1) == restarted.volatility(0.1)


def test_the_bar_after_one_that_is_left_out_holds_its_event() -> None:
    forecaster = VolatilityForecaster(SETTINGS)
    bars: list[DailyBar] = [(math.nan, math.nan, math.nan, close) for close in (100.0, math.nan, 108.0, 109.0)]
    forecaster.follow(bars[:2], [False, True])
    forecaster.follow(bars[2:], [False, False])
    assert forecaster.request().held_event == (False, True, False)
