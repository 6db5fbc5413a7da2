"""Far moves: found by the days before alone, dropped or brought to the level since, and none where there is none."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.volatility import (
    DailyHistory,
    GjrGarch,
    ObservationError,
    log_returns,
    report_volatility,
    walk_forward,
)
from alo_lib.volatility.jumps import Day, condition, judge_days, jumps_of, refit_days

from .conftest import days
from .test_hybrid import make_bars

Array = NDArray[np.float64]


def quiet(seed: int, count: int = 250, deviation: float = 0.0015) -> Array:
    return np.random.default_rng(seed).normal(0.0, deviation, count)


def test_what_is_not_far_is_given_back_as_it_is() -> None:
    history = DailyHistory.from_bars(*make_bars(700, seed=8).T)
    made = condition(history)
    assert made.history is history
    assert made.jumps == ()
    assert (made.factors == 1.0).all()


def test_no_sample_series_holds_a_far_move(daily_bars: Array) -> None:
    returns = log_returns(daily_bars[:, 3])
    assert (judge_days(returns)[0] == Day.USUAL).all()


def test_a_level_is_confirmed_and_a_print_taken_back() -> None:
    fall = math.log(0.7)
    for after, kind, told in (
        ([], Day.LEVEL, "unless the next close takes it back"),
        ([0.002], Day.LEVEL, "is a new level"),
        ([0.5 * -fall], Day.LEVEL, "is a new level"),
        ([-fall + 0.001], Day.PRINT, "dropped as a false print"),
    ):
        returns = np.concatenate([quiet(1), [fall], after])
        kinds, scales = judge_days(returns)
        assert kinds[250] == kind
        (jump,) = jumps_of(returns, kinds, scales)
        assert told in str(jump)
        assert "-30.0%" not in str(jump)
        assert jump.moves == pytest.approx(-fall / 0.0015, rel=0.15)


def test_a_dropped_print_leaves_the_history_without_it() -> None:
    clean = quiet(2, 300)
    spoiled = clean.copy()
    spoiled[200] += math.log(0.6)
    spoiled[201] -= math.log(0.6)
    made = condition(days(spoiled)).history.returns
    assert made[200] == 0.0
    assert made[201] == pytest.approx(clean[200] + clean[201], abs=1e-12)
    np.testing.assert_array_equal(np.delete(made, [200, 201]), np.delete(clean, [200, 201]))


@pytest.mark.parametrize("since", [0, 1, 5, 21, 120])
def test_days_before_a_jump_are_brought_to_the_volatility_since(since: int) -> None:
    after = np.random.default_rng(5).normal(0.0, 0.03, since)
    made = condition(days(np.concatenate([quiet(4), [-0.4], after])))
    before, usual = quiet(4), math.sqrt(math.pi / 2.0) * np.mean(np.abs(quiet(4)))
    # What RiskMetrics' weights make of a move of fifty counts as one of the days since.
    expected = math.sqrt(0.06 * 50.0**2 + 0.94) * usual
    level = (expected + math.sqrt(math.pi / 2.0) * np.sum(np.abs(after))) / (1 + since)
    assert made.history.returns[:250] == pytest.approx(before * level / usual)
    assert made.factors[:250] == pytest.approx(level / usual)
    assert (made.factors[250:] == 1.0).all()
    assert made.history.returns[250] == pytest.approx(-level)
    np.testing.assert_array_equal(made.history.returns[251:], after)


def test_two_levels_are_brought_to_the_last() -> None:
    returns = np.concatenate([quiet(6), [-0.4], quiet(7, 250, 0.02), [1.8], quiet(8, 250, 0.05)])
    made = condition(days(returns))
    assert [jump.day for jump in made.jumps] == [250, 501]
    for part in (slice(0, 250), slice(251, 501), slice(502, 752)):
        assert np.std(made.history.returns[part]) == pytest.approx(0.05, rel=0.15)


@pytest.mark.parametrize("known", [252, 253, 300])
def test_the_future_changes_no_earlier_judgement(known: int) -> None:
    returns = np.concatenate([quiet(1), [math.log(0.7), 0.01], quiet(3, 100, 0.03)])
    kinds, scales = judge_days(returns)
    for future in (quiet(9, 50, 1.0), np.empty(0), np.full(40, -0.4)):
        other_kinds, other_scales = judge_days(np.concatenate([returns[:known], future]))
        assert other_kinds[:known].tobytes() == kinds[:known].tobytes()
        assert other_scales[: known + 1].tobytes() == scales[: known + 1].tobytes()


def test_models_are_fitted_anew_where_a_jump_asks_for_it() -> None:
    kinds = np.zeros(80, dtype=np.int8)
    kinds[[10, 40, 41]] = Day.LEVEL, Day.PRINT, Day.BACK
    assert np.flatnonzero(refit_days(kinds)).tolist() == [*range(10, 32), 40, 41]


def jumped(seed: int, before: int = 400, after: int = 60) -> Array:
    """Bars of a calm stock that falls by 60 % and is three times as wild since."""
    bars = make_bars(before + after, seed)
    base = bars[before - 1, 3]
    calm, wild = bars[:before], bars[before:]
    return np.concatenate([base * (calm / base) ** 0.2, 0.4 * base * (wild / base) ** 0.6])


def test_a_report_shows_each_day_at_its_own_level() -> None:
    bars = jumped(3)
    report = report_volatility(*bars.T)
    assert any("return 399 of 459" in note and "is a new level" in note for note in report.notes)
    realized = np.sqrt(252.0) * np.abs(log_returns(bars[:, 3]))
    assert np.median(report.conditional[100:399]) == pytest.approx(np.median(realized[100:399]) / 0.6745, rel=0.4)
    assert np.median(report.conditional[-40:]) == pytest.approx(np.median(realized[-40:]) / 0.6745, rel=0.5)


def test_a_walk_goes_through_a_jump_without_looking_ahead() -> None:
    bars = jumped(3)
    history = DailyHistory.from_bars(*bars.T)
    walk = walk_forward(history, days=(1, 21), refit_days=63)
    at = 399 - walk.first
    assert walk.volatility[at, 0] > 3.0 * walk.volatility[at - 1, 0]
    cut = walk_forward(history[:405], days=(1, 21), refit_days=63)
    assert cut.volatility.tobytes() == walk.volatility[: len(cut.volatility)].tobytes()
    # The same from a model fitted to what was known on the evening of the jump.
    level = condition(history[:400]).history
    garch = GjrGarch.fit(level)
    evening = garch.forecast_volatility(garch.filter(level).state, 21.0)
    assert walk.volatility[at, 1] == pytest.approx(evening, rel=0.6)


def test_the_day_of_a_known_event_is_not_judged_and_tells_nothing_of_what_is_usual() -> None:
    returns = quiet(11, 300)
    clean, held = returns.copy(), np.zeros(300, np.bool_)
    held[[100, 220]] = True
    returns[held] = np.array([30.0, -40.0]) * float(np.std(clean))
    kinds, scales = judge_days(returns, held)
    assert [Day(kind) for kind in kinds[held].tolist()] == [Day.EVENT, Day.EVENT]
    assert (kinds[~held] == Day.USUAL).all()
    others = judge_days(clean[~held])[1]
    np.testing.assert_allclose(np.delete(scales, [100, 220]), others, rtol=1e-12)
    # As far as a jump is a jump, whatever was to come that day.
    returns[held] = [0.2, -0.3]
    assert [Day(kind) for kind in judge_days(returns, held)[0][held].tolist()] == [Day.LEVEL, Day.LEVEL]
    with pytest.raises(ObservationError, match="one value a return, 300"):
        judge_days(returns, held[1:])


def test_the_day_of_a_known_event_counts_as_a_usual_day_with_its_sign() -> None:
    bars = make_bars(300, seed=4)
    bars[200:] *= 0.6
    held = np.zeros(299, np.bool_)
    held[199] = True
    plain = DailyHistory.from_bars(*bars.T)
    made = condition(plain, held)
    assert made.jumps == ()
    usual = math.sqrt(math.pi / 2) * float(np.abs(plain.returns[:199]).mean())
    assert made.history.returns[199] == pytest.approx(-usual, rel=1e-12)
    assert made.history.measures[199] == float(np.median(plain.measures[136:199]))
    np.testing.assert_array_equal(np.delete(made.history.returns, 199), np.delete(plain.returns, 199))
    np.testing.assert_array_equal(np.delete(made.history.measures, 199), np.delete(plain.measures, 199))
    # Before a month has told what is usual, it is what is told first.
    early = np.zeros(299, np.bool_)
    early[0] = True
    first = condition(plain, early).history
    assert abs(first.returns[0]) == pytest.approx(math.sqrt(math.pi / 2) * float(np.abs(plain.returns[1:22]).mean()))
    assert first.measures[0] == float(np.median(plain.measures[1:]))
    # It is brought to a later level as its neighbours are.
    fall = np.concatenate([plain.returns[:250], [-20.0 * usual * 5.0], plain.returns[250:]])
    both = condition(days(fall), np.append(held, False))
    assert [jump.day for jump in both.jumps] == [250]
    assert both.history.returns[199] == pytest.approx(-usual * both.factors[199], rel=1e-12)
    assert both.factors[199] == both.factors[200] != 1.0


def test_an_event_that_takes_a_print_back_leaves_no_level() -> None:
    returns, held = quiet(12, 300), np.zeros(300, np.bool_)
    returns[200] -= 0.4
    returns[201] += 0.45
    held[201] = True
    kinds, _ = judge_days(returns, held)
    assert [Day(kind) for kind in kinds[199:203].tolist()] == [Day.USUAL, Day.PRINT, Day.BACK, Day.USUAL]
    made = condition(days(returns), held).history.returns
    assert made[200] == 0.0
    assert made[201] == pytest.approx(math.sqrt(math.pi / 2) * float(np.abs(returns[:200]).mean()))
