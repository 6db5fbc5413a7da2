"""Events: which bars hold one, and what one adds to variance, on surfaces that are made with a known event."""

import math

import numpy as np
import pytest

from alo_lib.volatility import (
    ParameterError,
    event_mask,
    implied_event_variance,
    move_of_variance,
    past_event_variance,
    variance_of_move,
)

DAYS = np.array([5.0, 10.0, 15.0, 30.0, 60.0])
YEARS = DAYS * 1.4 / 365


def surface(daily: float, event: float, holds: np.ndarray, years: np.ndarray = YEARS) -> np.ndarray:
    """At-the-money volatilities of a flat daily variance and an event."""
    return np.sqrt((daily * DAYS[: len(years)] + event * holds) / years)


@pytest.mark.parametrize("move", [0.0, 0.03, 0.15])
@pytest.mark.parametrize("held", [(0, 1, 1, 1, 1), (0, 0, 0, 1, 1), (1, 1, 1, 1, 1), (0, 0, 0, 0, 1)])
def test_the_term_structure_tells_an_event_that_it_was_made_with(move: float, held: tuple[int, ...]) -> None:
    holds = np.array(held, bool)
    volatility = surface(0.015**2, move**2, holds)
    assert implied_event_variance(volatility, YEARS, DAYS, holds) == pytest.approx(move**2, abs=1e-12)
    wide = implied_event_variance(volatility * [1.0, 1.01, 0.99, 1.01, 1.0], YEARS, DAYS, holds)
    assert math.sqrt(wide) == pytest.approx(move, abs=0.025)


def test_a_calm_after_the_event_is_no_negative_variance() -> None:
    holds = np.array([0, 1, 1, 1, 1], bool)
    falling = surface(0.015**2, 0.0, holds) * [1.3, 1.2, 1.1, 1.0, 1.0]
    assert implied_event_variance(falling, YEARS, DAYS, holds) == 0.0


def test_what_does_not_tell_is_none() -> None:
    holds = np.array([0, 1], bool)
    two = surface(0.015**2, 0.04**2, holds, YEARS[:2])
    assert implied_event_variance(two, YEARS[:2], DAYS[:2], holds) == pytest.approx(0.04**2)
    assert math.isnan(implied_event_variance(two[1:], YEARS[1:2], DAYS[1:2], holds[1:]))
    assert math.isnan(implied_event_variance([math.nan, 0.3], YEARS[:2], DAYS[:2], holds))
    assert math.isnan(implied_event_variance(two, YEARS[:2], DAYS[:2], [False, False]))
    assert math.isnan(implied_event_variance(two, YEARS[:2], [5.0, 5.0], [True, True]))
    assert math.isnan(implied_event_variance([], [], [], []))
    with pytest.raises(ParameterError, match="positive"):
        implied_event_variance(two, [0.0, 0.1], DAYS[:2], holds)
    with pytest.raises(ParameterError, match="shapes"):
        implied_event_variance(two, YEARS, DAYS[:2], holds)


def test_past_moves_count_over_what_was_usual() -> None:
    assert math.isnan(past_event_variance([0.05, -0.05], [1e-4, 1e-4]))
    assert past_event_variance([0.05, -0.05, 0.02], [1e-4, 1e-4, 4e-4]) == pytest.approx((0.0054 - 0.0006) / 3)
    assert past_event_variance([0.001] * 3, [1e-4] * 3) == 0.0
    generator = np.random.default_rng(1)
    moves = generator.normal(0.0, math.sqrt(0.06**2 + 0.015**2), 20_000)
    found = past_event_variance(moves.tolist(), [0.015**2] * moves.size)
    assert found == pytest.approx(0.06**2, rel=0.05)
    assert np.mean(np.abs(generator.normal(0.0, math.sqrt(variance_of_move(0.05)), 20_000))) == pytest.approx(
        0.05, rel=0.03
    )


def test_a_bar_holds_what_comes_after_the_close_before_it() -> None:
    closes = [10, 20, 30, 40]
    assert event_mask(closes, []).tolist() == [False] * 4
    assert event_mask(closes, [9, 10]).tolist() == [False] * 4
    assert event_mask(closes, [11, 30]).tolist() == [False, True, True, False]
    assert event_mask(closes, [31, 41]).tolist() == [False, False, False, True]
    assert event_mask([], [5]).tolist() == []


def test_the_move_of_a_variance_is_its_mean_absolute_one() -> None:
    deviation = 0.04
    x = np.linspace(0.0, 10.0 * deviation, 200_001)
    density = np.exp(-0.5 * np.square(x / deviation)) / (deviation * math.sqrt(2.0 * math.pi))
    assert move_of_variance(deviation**2) == pytest.approx(2.0 * (x[1] - x[0]) * np.sum(x * density), rel=1e-6)
    assert move_of_variance(variance_of_move(0.05)) == pytest.approx(0.05)
    assert math.isnan(move_of_variance(math.nan))
