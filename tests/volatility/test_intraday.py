"""A day's variance from bars within it: written out, on a known process, without its future, and streamed."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from alo_lib.volatility import (
    BarState,
    DailyHistory,
    IntradayState,
    ObservationError,
    ParameterError,
    intraday_variance,
    joined_measures,
    observe_intraday,
    range_variance,
)
from alo_lib.volatility.intraday import levelled_measures, sessions_measured

Array = NDArray[np.float64]

BARS_A_DAY, STEPS = 7, 60
TRUE = 1e-4


def market(days: int, seed: int) -> tuple[NDArray[np.datetime64], Array, Array]:
    """Dates (m,) and prices (m, 4) of bars within ``days`` sessions of variance 1e-4, a fifth at night; daily bars."""
    generator = np.random.default_rng(seed)
    steps = generator.standard_normal((days, BARS_A_DAY * STEPS)) * math.sqrt(0.8 * TRUE / (BARS_A_DAY * STEPS))
    nights = generator.standard_normal(days) * math.sqrt(0.2 * TRUE)
    path = np.empty((days, steps.shape[1] + 1))
    last = math.log(50.0)
    for day in range(days):
        path[day] = last + nights[day] + np.append(0.0, np.cumsum(steps[day]))
        last = path[day, -1]
    prices = np.exp(path)
    bars = []
    for day in prices:
        for bar in range(BARS_A_DAY):
            window = day[bar * STEPS : (bar + 1) * STEPS + 1]
            bars.append((window[0], window.max(), window.min(), window[-1]))
    daily = np.stack([prices[:, 0], prices.max(axis=1), prices.min(axis=1), prices[:, -1]], axis=1)
    dates = np.datetime64("2020-01-01") + np.arange(days)
    return np.repeat(dates, BARS_A_DAY), np.array(bars), daily


DATES, BARS, DAILY = market(400, 1)


def test_a_day_written_out() -> None:
    days, measures = intraday_variance(DATES, *BARS.T)
    assert days[0] == np.datetime64("2020-01-02")
    assert measures.shape == (399,)
    second = BARS[BARS_A_DAY : 2 * BARS_A_DAY]
    night = math.log(second[0, 0] / BARS[BARS_A_DAY - 1, 3])
    ranges = np.square(np.log(second[:, 1] / second[:, 2])) / (4.0 * math.log(2.0))
    # Bars of one path begin where the last ended: there are no gaps.
    assert measures[0] == pytest.approx(night**2 + float(np.sum(ranges)), rel=1e-12)
    _, coarse = intraday_variance(DATES, *BARS.T, step=4)
    first, rest = second[:4], second[4:]
    spans = [math.log(part[:, 1].max() / part[:, 2].min()) for part in (first, rest)]
    assert coarse[0] == pytest.approx(night**2 + sum(span**2 for span in spans) / (4.0 * math.log(2.0)), rel=1e-12)


def test_seven_ranges_tell_a_day_better_than_one() -> None:
    _, measures = intraday_variance(DATES, *BARS.T)
    once = range_variance(*DAILY.T)
    # A path of 60 steps a bar is seen 8 % too narrow; both are near the truth and the sum is less noisy.
    assert float(np.mean(measures)) == pytest.approx(TRUE, rel=0.2)
    # Its night is one square either way: of the rest a sum of seven has a seventh of the variance.
    night = np.square(np.log(DAILY[1:, 0] / DAILY[:-1, 3]))
    assert float(np.var(measures - night)) < 0.2 * float(np.var(once - night))


def test_a_print_out_of_the_way_hardly_counts() -> None:
    spoiled = BARS.copy()
    spoiled[200 * BARS_A_DAY + 3, 2] *= 0.5
    clean, robust = (intraday_variance(DATES, *bars.T)[1] for bars in (BARS, spoiled))
    assert math.log(2.0) ** 2 / (4.0 * math.log(2.0)) > 1000 * clean[199]
    assert clean[199] < robust[199] < clean[199] + (7.0**2 / 7.0) * 2.0 * TRUE
    np.testing.assert_array_equal(clean[:199], robust[:199])


def test_nothing_rests_on_later_days() -> None:
    cut = 300 * BARS_A_DAY
    changed = BARS.copy()
    changed[cut:] *= np.exp(0.3 * np.random.default_rng(2).standard_normal((BARS.shape[0] - cut, 1)))
    _, whole = intraday_variance(DATES, *BARS.T)
    _, other = intraday_variance(DATES, *changed.T)
    _, short = intraday_variance(DATES[:cut], *BARS[:cut].T)
    assert whole[:299].tobytes() == other[:299].tobytes() == short.tobytes()
    ranges = range_variance(*DAILY.T)
    joined = joined_measures(ranges, whole)
    assert joined[:299].tobytes() == joined_measures(ranges[:299], short).tobytes()


def test_days_of_either_kind_have_one_level() -> None:
    ranges = np.full(200, 2.0)
    intraday = np.where(np.arange(200) % 2 == 0, 3.0, np.nan)
    joined = joined_measures(ranges, intraday)
    np.testing.assert_allclose(joined, 2.0, rtol=1e-12)
    intraday[150] = 6.0
    assert joined_measures(ranges, intraday)[150] == pytest.approx(4.0)
    # With fewer than 21 earlier days the range stands.
    early = joined_measures(
        ranges, np.where(np.arange(200) < 21, np.append(np.full(20, 3.0), np.full(180, 9.0)), np.nan)
    )
    assert early[20] == 2.0
    whole = joined_measures(np.full(60, 2.0), np.append(np.full(40, 3.0), np.full(20, 9.0)))
    assert whole[40] == pytest.approx(6.0)


def test_a_level_is_that_of_the_mean_where_logarithms_lie_low() -> None:
    generator = np.random.default_rng(4)
    # A range of one day is gamma distributed about what the day had; the sum of hours tells that itself.
    true = 1e-4 * np.exp(generator.standard_normal(3000))
    ranges = true * generator.gamma(2.5, 1.0 / 2.5, 3000)
    within = np.where(generator.random(3000) < 0.9, 0.7 * true, np.nan)
    level = levelled_measures(ranges, within)
    known = np.isfinite(level)
    assert np.mean(level[known] / true[known]) == pytest.approx(1.0, abs=0.02)
    assert np.mean((joined_measures(ranges, within) / true)[known]) < 0.85  # digamma(2.5) - log(2.5) is -.21
    assert not np.any(known & np.isnan(within))
    assert np.flatnonzero(known)[0] == np.flatnonzero(np.cumsum(~np.isnan(within)) == 22)[0]
    changed = within.copy()
    changed[1500:] *= 9.0
    assert levelled_measures(ranges, changed)[:1500].tobytes() == level[:1500].tobytes()
    with pytest.raises(ObservationError, match="one shape"):
        levelled_measures(ranges, within[1:])


def test_sessions_stand_beside_their_days() -> None:
    days = np.array(["2020-01-02", "2020-01-03", "2020-01-06"], "datetime64[D]")
    column = sessions_measured(days, ["2020-01-03", "2020-01-05"], [0.5, 0.7])
    assert np.array_equal(column, [np.nan, 0.5, np.nan], equal_nan=True)


def test_a_stream_comes_to_the_bits_of_a_history() -> None:
    _, measures = intraday_variance(DATES, *BARS.T)
    known = np.append(np.nan, measures)
    known[np.random.default_rng(3).random(known.size) < 0.2] = np.nan
    history = DailyHistory.from_bars(*DAILY.T, intraday=known)
    state = IntradayState(BarState(float(DAILY[0, 3])))
    streamed = []
    for bar, measure in zip(DAILY[1:].tolist(), known[1:].tolist(), strict=True):
        state, day = observe_intraday(state, *bar, intraday=measure)
        streamed.append(day.measure)
    assert np.array(streamed).tobytes() == history.measures.tobytes()
    assert np.count_nonzero(history.measures != range_variance(*DAILY.T)) > 200


def test_bad_input_is_refused() -> None:
    with pytest.raises(ParameterError, match="step must be at least 1"):
        intraday_variance(DATES, *BARS.T, step=0)
    with pytest.raises(ObservationError, match="ascending dates"):
        intraday_variance(DATES[::-1], *BARS.T)
    with pytest.raises(ObservationError, match="2 sessions or more"):
        intraday_variance(DATES[:7], *BARS[:7].T)
    with pytest.raises(ObservationError, match="one shape"):
        joined_measures(np.ones(3), np.ones(4))
    with pytest.raises(ObservationError, match="finite and positive"):
        joined_measures(np.ones(3), np.array([1.0, -1.0, 1.0]))
    with pytest.raises(ObservationError, match="one value a bar"):
        DailyHistory.from_bars(*DAILY.T, intraday=np.ones(3))
    with pytest.raises(ObservationError, match="intraday must be finite and positive"):
        observe_intraday(IntradayState(BarState(50.0)), *DAILY[1].tolist(), intraday=0.0)
