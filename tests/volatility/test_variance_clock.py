"""The variance clock: days by hand, weights from simulated nights, lives whose variance is summed up another way."""

import datetime as dt
import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad

from alo_lib.market.generator.exchange import equity_hours
from alo_lib.numerics.compilation import python_original
from alo_lib.records import DAY, HOUR, YEAR
from alo_lib.volatility import (
    PRIOR_WEIGHTS,
    NightState,
    NightWeights,
    ParameterError,
    VarianceClock,
    calendar_volatility,
    follow_nights,
    session_share,
    variance_clock,
)
from alo_lib.volatility.variance_clock import FULL_SESSION

HOURS = equity_hours(2010, 2030)
S, N, C = PRIOR_WEIGHTS.session, PRIOR_WEIGHTS.night, PRIOR_WEIGHTS.closed
HALF = 3.5 / 6.5


def clock(first: dt.date, last: dt.date, weights: NightWeights = PRIOR_WEIGHTS) -> VarianceClock:
    return VarianceClock.of_sessions([(each.open, each.close) for each in HOURS.sessions(first, last)], weights)


def close(day: dt.date) -> int:
    return HOURS.session(day).close


def test_an_ordinary_week_is_five_days_wherever_it_begins() -> None:
    week = clock(dt.date(2015, 3, 2), dt.date(2015, 3, 20))  # the clocks go forward on the 8th
    assert pytest.approx(5.0) == 5 * S + 4 * N + C
    for day in (3, 4, 5, 6):
        start = dt.date(2015, 3, day)
        assert week.trading_days(close(start), close(start + dt.timedelta(7))) == pytest.approx(5.0, abs=1e-12)
        at, opened = HOURS.session(start).open + 2 * HOUR, HOURS.session(start + dt.timedelta(7)).open
        assert week.trading_days(at, opened + 2 * HOUR) == pytest.approx(5.0, abs=1e-12)
        # The same hour of the night: one of a weekday each time.
        if day < 6:
            assert week.trading_days(close(start) + HOUR, close(start + dt.timedelta(7)) + HOUR) == pytest.approx(5.0)


def test_days_by_hand() -> None:
    """Christmas 2015, Thanksgiving 2015 and a weekend, from LEAN's calendar: 24 December and 27 November close at one.

    From Friday the 18th to Thursday the 31st, 13 days, there are 7 sessions and a half day, six nights, two weekends.
    """
    year = clock(dt.date(2015, 11, 2), dt.date(2016, 1, 29))
    assert year.trading_days(close(dt.date(2015, 12, 18)), close(dt.date(2015, 12, 31))) == pytest.approx(
        (7 + HALF) * S + 6 * N + 2 * C, abs=1e-12
    )
    assert pytest.approx(7.7435, abs=1e-4) == (7 + HALF) * S + 6 * N + 2 * C  # where 13 x 252 / 365 is 8.98
    eve = HOURS.session(dt.date(2015, 12, 24))
    assert (eve.close - eve.open) / HOUR == 3.5
    before = close(dt.date(2015, 11, 25))  # Wednesday; Thursday is closed, Friday a half day
    assert year.trading_days(before, close(dt.date(2015, 11, 27))) == pytest.approx(C + HALF * S)
    assert year.trading_days(before, close(dt.date(2015, 11, 30))) == pytest.approx(2 * C + (1 + HALF) * S)
    friday, monday = close(dt.date(2015, 12, 4)), close(dt.date(2015, 12, 7))
    assert year.trading_days(friday, monday) == pytest.approx(C + S)
    saturday = friday + (HOURS.session(dt.date(2015, 12, 7)).open - friday) // 2
    assert year.trading_days(friday, saturday) == pytest.approx(C / 2)
    assert year.trading_days(monday, friday) == -year.trading_days(friday, monday)


def test_what_is_left_of_a_day_is_by_the_profile() -> None:
    day = HOURS.session(dt.date(2015, 12, 8))
    week = clock(dt.date(2015, 12, 7), dt.date(2015, 12, 9))
    for hours in (0.0, 1.0, 3.25, 6.0, 6.5):
        left = week.trading_days(day.open + round(hours * HOUR), day.close)
        assert left == pytest.approx(S * (1.0 - session_share(hours / 6.5)))

    def squared(u: float) -> float:
        return float((0.88929198 + 0.75 * math.exp(-10.0 * u) + 0.25 * math.exp(-10.0 * (1.0 - u))) ** 2)

    whole = quad(squared, 0.0, 1.0)[0]
    assert whole == pytest.approx(1.0, abs=5e-5)
    for u in (0.01, 0.1, 0.5, 0.9, 1.0):
        assert session_share(u) == pytest.approx(quad(squared, 0.0, u)[0] / whole, abs=1e-12)


def test_a_clock_says_where_it_does_not_reach() -> None:
    week = clock(dt.date(2015, 12, 7), dt.date(2015, 12, 9))
    start, end = HOURS.session(dt.date(2015, 12, 7)).open, close(dt.date(2015, 12, 9))
    assert week.trading_days(start, end) == pytest.approx(3 * S + 2 * N)
    assert math.isnan(week.trading_days(start, end + 1))
    assert math.isnan(week.trading_days(start - 1, end))
    with pytest.raises(ParameterError, match="in order"):
        VarianceClock.of_sessions([(DAY, 2 * DAY), (2 * DAY - 1, 3 * DAY)])
    with pytest.raises(ParameterError, match="needs sessions"):
        VarianceClock.of_sessions([])
    with pytest.raises(ParameterError, match="not negative"):
        NightWeights.of_ratios(-0.1, 0.5)


def test_the_even_forecast_of_a_life_at_christmas_was_a_tenth_off() -> None:
    """Thirteen days, by 252 a year 8.98 trading days: at 20 % it was 1.4 points too high."""
    year = clock(dt.date(2015, 11, 2), dt.date(2016, 1, 29))
    start, expiry = close(dt.date(2015, 12, 18)), close(dt.date(2016, 1, 1) - dt.timedelta(1))
    years = (expiry - start) / YEAR
    ours = calendar_volatility(0.20, year.trading_days(start, expiry), years)
    assert ours == pytest.approx(0.20 * math.sqrt(7.7435 / 252 / (13 / 365)), abs=1e-5)
    assert 0.20 - ours == pytest.approx(0.0142, abs=1e-4)


# What nights have ---------------------------------------------------------------------------------------------------


def simulated(
    days: int, seed: int, night: float, closed: float, jump: Callable[[int], float] = lambda day: 0.0
) -> tuple[list[int], NDArray[np.float64], NDArray[np.float64]]:
    """Closes' times, opens and closes of a market whose variance wanders, with these ratios of nights to sessions."""
    generator = np.random.default_rng(seed)
    sessions = HOURS.sessions(dt.date(2010, 1, 4), dt.date(2029, 12, 31))[:days]
    log_level, level = 0.0, 0.0
    opens, closes = [], []
    for number, session in enumerate(sessions):
        log_level = 0.98 * log_level + 0.08 * generator.standard_normal()
        scale = 0.01 * math.exp(log_level)
        gap = 0 if number == 0 else round((session.open - sessions[number - 1].open) / DAY)
        level += scale * math.sqrt(closed if gap > 1 else night) * generator.standard_normal() + jump(number)
        opens.append(math.exp(level))
        length = math.sqrt((session.close - session.open) / (6.5 * HOUR))
        level += scale * length * generator.standard_normal()
        closes.append(math.exp(level))
    return [session.close for session in sessions], np.array(opens), np.array(closes)


@pytest.mark.parametrize(("night", "closed"), [(0.2, 0.25), (0.45, 0.6), (0.9, 1.6)])
def test_weights_of_simulated_nights_come_back(night: float, closed: float) -> None:
    found = []
    for seed in range(8):
        times, opens, closes = simulated(5000, seed, night, closed)
        weights = follow_nights(NightState(), times, opens.tolist(), closes.tolist()).weights
        assert 5 * weights.session + 4 * weights.night + weights.closed == pytest.approx(5.0)
        found.append((weights.night / weights.session, weights.closed / weights.session))
    means, errors = np.mean(found, axis=0), np.std(found, axis=0) / math.sqrt(len(found))
    # Some 1,000 nights and 270 weekends are remembered, beside 63 of each that were believed before.
    believed = np.array([N / S, C / S])
    expected = (np.array([night, closed]) * [970, 270] + 63 * believed) / (np.array([970, 270]) + 63)
    assert np.all(np.abs(means - expected) < 4 * errors + 0.02 * expected)


def test_few_bars_leave_what_is_believed_and_bad_prints_change_little() -> None:
    times, opens, closes = simulated(1200, 3, 0.3, 0.4)
    assert follow_nights(NightState(), times[:20], opens[:20].tolist(), closes[:20].tolist()).weights == PRIOR_WEIGHTS
    clean = follow_nights(NightState(), times, opens.tolist(), closes.tolist()).weights
    wild = opens.copy()
    wild[700] *= 1.5  # a false print: the session takes back what the night gave
    weights = follow_nights(NightState(), times, wild.tolist(), closes.tolist()).weights
    assert weights.night == pytest.approx(clean.night, rel=0.1)
    halted, stopped = opens.copy(), closes.copy()
    halted[600:650] = stopped[600:650] = closes[599]
    weights = follow_nights(NightState(), times, halted.tolist(), stopped.tolist()).weights
    assert weights.night == pytest.approx(clean.night, rel=0.1)
    silent = follow_nights(NightState(), times, [math.nan] * 1200, closes.tolist())
    assert silent.weights == PRIOR_WEIGHTS
    assert silent.days == 1199


def test_a_stream_repeats_a_batch_and_the_kernel_its_original() -> None:
    times, opens, closes = simulated(400, 5, 0.3, 0.4)
    batch = follow_nights(NightState(), times, opens.tolist(), closes.tolist())
    state = NightState()
    for day in range(1, 400):
        two = slice(day - 1, day + 1)
        state = follow_nights(state, times[two], opens[two].tolist(), closes[two].tolist())
    assert state == batch
    table = np.array([[each / DAY for each in times], opens, closes])
    numbers = np.array(NightState())
    python_original(variance_clock._follow_nights)(numbers, *table)
    assert numbers == pytest.approx(np.array(batch), rel=1e-12)


@pytest.mark.parametrize(
    ("times", "opens", "closes"), [([1, 2], [1.0], [1.0, 1.0]), ([1, 2], [1.0, 1.0], [1.0, math.nan])]
)
def test_bars_that_are_none_are_refused(times: list[int], opens: list[float], closes: list[float]) -> None:
    with pytest.raises(ParameterError):
        follow_nights(NightState(), times, opens, closes)


def test_a_life_holds_the_variance_that_paths_through_it_have() -> None:
    """Squared returns of simulated paths over lives across a holiday, a half day and parts of two sessions."""
    weights = NightWeights.of_ratios(0.35, 0.7)
    first, last = dt.date(2015, 11, 20), dt.date(2015, 12, 4)
    sessions = HOURS.sessions(first, last)
    year = VarianceClock.of_sessions([(each.open, each.close) for each in sessions], weights)
    start, expiry = sessions[0].open + 2 * HOUR, sessions[-1].open + 5 * HOUR
    daily = 0.012**2
    generator = np.random.default_rng(11)
    total = np.zeros(40_000)
    for before, session in pairwise([None, *sessions]):
        assert session is not None
        if before is not None:
            gap = round((session.open - before.open) / DAY)
            share = weights.closed if gap > 1 else weights.night
            total += math.sqrt(daily * share) * generator.standard_normal(total.size)
        steps = np.linspace(0.0, 1.0, 79)
        middles = 0.5 * (steps[1:] + steps[:-1])
        length = (session.close - session.open) / (6.5 * HOUR)
        variance = (0.88929198 + 0.75 * np.exp(-10 * middles) + 0.25 * np.exp(-10 * (1 - middles))) ** 2 / 78
        ends = session.open + steps[1:] * (session.close - session.open)
        held = (ends > start + 60 * 10**9) & (ends <= expiry + 60 * 10**9)
        deviation = math.sqrt(daily * weights.session * length * float(variance[held].sum()))
        total += deviation * generator.standard_normal(total.size)
    realized = float(np.mean(total**2))
    expected = daily * year.trading_days(start, expiry)
    assert realized == pytest.approx(expected, rel=4 * math.sqrt(2 / total.size))
    years = (expiry - start) / YEAR
    assert calendar_volatility(math.sqrt(252 * daily), year.trading_days(start, expiry), years) == pytest.approx(
        math.sqrt(realized / years), rel=0.015
    )


def test_the_share_of_a_day_that_has_gone_by() -> None:
    opens = [n * DAY for n in range(3)]
    clock = VarianceClock.of_sessions([(each, each + FULL_SESSION) for each in opens])
    night = PRIOR_WEIGHTS.night
    assert clock.gone(opens[1]) == pytest.approx(night / (night + PRIOR_WEIGHTS.session))
    assert clock.gone(opens[1] + FULL_SESSION - 1) == pytest.approx(1.0)
    times = [opens[2] + n * FULL_SESSION // 10 for n in range(10)]
    shares = [clock.gone(time) for time in times]
    assert shares == sorted(shares)
    for unknown in (opens[0] + 1, opens[1] - 1, opens[2] + 2 * DAY, -1):
        assert math.isnan(clock.gone(unknown))
