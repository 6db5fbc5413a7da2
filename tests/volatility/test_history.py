import math

import numpy as np
import pytest

from alo_lib.volatility import BarState, DailyHistory, DailyObservation, ObservationError, observe

from .conftest import history_of
from .test_hybrid import make_bars

BARS = make_bars(200, seed=5)


def test_a_stream_of_bars_makes_the_batchs_observations_to_the_bit() -> None:
    implied = np.where(np.arange(200) % 3 == 0, np.nan, 0.2)
    history = DailyHistory.from_bars(*BARS.T, implied=implied)
    state = BarState.after(history[:100], BARS[100, 3])
    for day in range(101, 200):
        state, observation = observe(state, *BARS[day].tolist(), implied=float(implied[day]))
        expected = history.observations()[day - 1]
        assert observation[:2] == expected[:2]
        assert math.isnan(observation.implied) == (day % 3 == 0)
    assert state == BarState.after(history, BARS[-1, 3])
    assert len(state.measures) == 63


def test_of_returns_alone_nothing_else_is_known() -> None:
    history = DailyHistory.from_returns([0.01, -0.02])
    assert [day.return_ for day in history.observations()] == [0.01, -0.02]
    assert all(math.isnan(day.measure) and math.isnan(day.implied) for day in history.observations())
    assert len(history) == 2
    assert [len(history[days]) for days in (slice(1), slice(1, None), slice(2, None))] == [1, 1, 0]
    assert math.isnan(DailyObservation(0.01).measure)


def test_bad_bars_and_quotes_are_refused() -> None:
    state = BarState.after(history_of(BARS), BARS[-1, 3])
    with pytest.raises(ObservationError, match="low must be finite and positive"):
        observe(state, 100.0, 101.0, math.nan, 100.0)
    with pytest.raises(ObservationError, match="close must lie between"):
        observe(state, 100.0, 101.0, 99.0, 105.0)
    for implied in (0.0, -0.2, math.inf):
        with pytest.raises(ObservationError, match="implied must be finite and positive"):
            observe(state, 100.0, 101.0, 99.0, 100.0, implied=implied)
        with pytest.raises(ObservationError, match="implied must be finite and positive"):
            DailyHistory.from_bars(*BARS.T, implied=np.full(200, implied))
    with pytest.raises(ObservationError, match="implied must have one value a bar, 200, but the shape is"):
        DailyHistory.from_bars(*BARS.T, implied=[0.2])
    with pytest.raises(ObservationError, match="one-dimensional"):
        DailyHistory.from_returns(0.01)
