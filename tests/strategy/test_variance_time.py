"""Variance time of an underlying: lives by the clock and with events, their sizes, and theta by what has passed."""

import datetime as dt
import math

import numpy as np
import pytest

from alo_lib.market.generator.exchange import equity_hours
from alo_lib.pricing import price
from alo_lib.records import DAY, HOUR, YEAR, Contract, InstrumentTable, Kind, records
from alo_lib.strategy.book import MarketBook
from alo_lib.strategy.event_sizes import events_told, imply_events
from alo_lib.strategy.profit import Parts, explain_leg, leg_marks
from alo_lib.strategy.valuation import LegMarket, leg_greeks, value_chain
from alo_lib.strategy.variance_time import Life, PastEvent, ScheduledEvent, VarianceTime
from tests.strategy.kit import NOW, RATE, state_of
from tests.volatility.test_variance_clock import simulated

HOURS = equity_hours(2010, 2026)
SESSIONS = [(each.open, each.close) for each in HOURS.sessions(dt.date(2024, 3, 1), dt.date(2024, 5, 31))]
TODAY = HOURS.session(dt.date(2024, 3, 4))
EARNINGS = ScheduledEvent(HOURS.session(dt.date(2024, 3, 12)).open, "earnings", 0.05)


def told(*events: ScheduledEvent) -> VarianceTime:
    made = VarianceTime(events=list(events))
    made.set_clock(SESSIONS)
    return made


def close(month: int, day: int) -> int:
    return HOURS.session(dt.date(2024, month, day)).close


def test_a_life_holds_the_events_until_its_expiry() -> None:
    variance_time = told(EARNINGS)
    before, after = (variance_time.life(TODAY.open, close(3, day)) for day in (11, 15))
    assert before.event_variance == 0.0
    assert after.event_variance == pytest.approx(0.05**2 * math.pi / 2)
    assert variance_time.life(EARNINGS.time, close(3, 15)).event_variance == 0.0  # it has moved the price already
    assert after.trading_days == pytest.approx(variance_time.clock.trading_days(TODAY.open, close(3, 15)))  # type: ignore[union-attr]
    expected = math.sqrt((0.2**2 / 252 * after.trading_days + after.event_variance) / after.years)
    assert after.calendar_volatility(0.2) == pytest.approx(expected)
    assert math.isnan(after.calendar_volatility(math.nan))
    assert math.isnan(Life(0.1, math.nan, 0.0).calendar_volatility(0.2))
    assert math.isnan(told(EARNINGS._replace(move=math.nan)).life(TODAY.open, close(3, 15)).event_variance)
    assert math.isnan(VarianceTime().life(TODAY.open, close(3, 15)).trading_days)


def test_a_life_is_that_of_the_clock_as_it_is_now() -> None:
    variance_time = told()
    before = variance_time.life(TODAY.open, close(3, 15)).trading_days
    variance_time.set_clock(
        [(open_, end) for open_, end in SESSIONS if open_ != HOURS.session(dt.date(2024, 3, 6)).open]
    )
    after = variance_time.life(TODAY.open, close(3, 15)).trading_days
    assert after == variance_time.clock.trading_days(TODAY.open, close(3, 15))  # type: ignore[union-attr]
    assert before - after > 0.5  # a day without a session has a night's variance alone
    variance_time.clock = None
    assert math.isnan(variance_time.life(TODAY.open, close(3, 15)).trading_days)


def test_an_events_own_past_counts_before_what_a_file_expects() -> None:
    sessions = HOURS.sessions(dt.date(2020, 1, 2), dt.date(2024, 3, 1))
    generator = np.random.default_rng(2)
    events, level, times, opens, closes = [], 0.0, [], [], []
    for number, session in enumerate(sessions):
        level += 0.005 * generator.standard_normal()
        if number % 63 == 40:
            events.append(ScheduledEvent(session.open, "earnings", 0.01))
            level += 0.08 * (-1) ** number
        opens.append(math.exp(level))
        level += 0.01 * generator.standard_normal()
        times.append(session.close)
        closes.append(math.exp(level))
    variance_time = told(*events, EARNINGS, ScheduledEvent(EARNINGS.time, "a court's ruling", 0.02))
    variance_time.follow(times[:500], opens[:500], closes[:500])
    held = variance_time.follow(times[500:], opens[500:], closes[500:])
    assert len(variance_time.past) == len(events) == 16
    assert math.sqrt(variance_time.sized(EARNINGS)) == pytest.approx(0.08, abs=0.006)
    assert variance_time.sized(variance_time.events[-1]) == pytest.approx(0.02**2 * math.pi / 2)
    whole = told(*events, EARNINGS)
    whole.follow(times, opens, closes)
    assert (whole.nights, whole.past) == (variance_time.nights, variance_time.past)
    holds = [
        any(earlier < event.time <= later for event in events)
        for earlier, later in zip([0, *times], times, strict=False)
    ]
    assert held == holds[500:]


def test_event_days_are_no_ordinary_ones() -> None:
    events = [day % 63 == 40 for day in range(1200)]
    times, opens, closes = simulated(1200, 7, 0.3, 0.4, lambda day: 0.08 * (-1) ** day * events[day])
    _, quiet_opens, quiet_closes = simulated(1200, 7, 0.3, 0.4)
    dated = [ScheduledEvent(time, "earnings", math.nan) for time, held in zip(times, events, strict=True) if held]
    known = VarianceTime(events=dated)
    assert known.follow(times, opens.tolist(), closes.tolist()) == events
    unknown, quiet = VarianceTime(), VarianceTime()
    unknown.follow(times, opens.tolist(), closes.tolist())
    quiet.follow(times, quiet_opens.tolist(), quiet_closes.tolist())
    assert known.nights.weights.night == pytest.approx(quiet.nights.weights.night, rel=0.02)
    assert unknown.nights.weights.night > 1.1 * quiet.nights.weights.night


def test_options_tell_the_size_of_an_event_that_nobody_else_does() -> None:
    underlying = state_of().underlyings[0]
    book, unsized = underlying.book, EARNINGS._replace(move=math.nan)
    variance_time = told(unsized)
    assert math.isnan(variance_time.added(unsized))
    imply_events(variance_time, book, RATE, NOW)  # one expiry alone, which holds it
    assert math.isnan(variance_time.added(unsized))
    assert "of unknown size" in events_told(variance_time, NOW)
    known = told(unsized, ScheduledEvent(EARNINGS.time, "a court's ruling", 0.02))
    known.past = [PastEvent("earnings", move, 1e-4) for move in (0.05, -0.06, 0.04)]
    said = events_told(known, NOW)
    assert said.startswith("earnings by 2024-03-12 (4.0%), a court's ruling by 2024-03-12 (2.0%)")
    assert events_told(told(), NOW) == ""


def test_a_chain_whose_term_structure_holds_an_event_tells_its_size() -> None:
    """Quotes of four expiries at 1.2 % a trading day, and earnings of 5 % in all but the first."""
    unsized = EARNINGS._replace(move=math.nan)
    variance_time = told(unsized)
    table = InstrumentTable()
    table.add_equity("TEST")
    book = MarketBook(0, "TEST")
    dates = [dt.date(2024, 3, 8), dt.date(2024, 3, 15), dt.date(2024, 3, 22), dt.date(2024, 4, 19)]
    listed = [
        Contract(date, strike, right, close(date.month, date.day), 10)
        for date in dates
        for strike in (95.0, 100.0, 105.0)
        for right in (1, -1)
    ]
    book.list_contracts(table.add_contracts("TEST", listed))
    book.take_quotes(records(Kind.QUOTE, instrument=0, bid=99.99, ask=100.01, bid_size=500, ask_size=400), NOW)
    lives = [variance_time.life(NOW, expiry) for expiry in book.contracts["expiry"].tolist()]
    held = book.contracts["expiry"] > unsized.time
    volatility = np.array(
        [
            math.sqrt((0.012**2 * life.trading_days + 0.05**2 * holds) / life.years)
            for life, holds in zip(lives, held.tolist(), strict=True)
        ]
    )
    mid = value_chain(book, volatility, RATE, NOW).at_forecast.price
    quotes = records(Kind.QUOTE, len(mid), instrument=book.contracts["instrument"], bid_size=50, ask_size=50)
    quotes["bid"], quotes["ask"] = mid - 0.001, mid + 0.001
    book.take_quotes(quotes, NOW)
    imply_events(variance_time, book, RATE, NOW)
    assert math.sqrt(variance_time.added(unsized)) == pytest.approx(0.05, rel=1e-3)
    life = variance_time.life(NOW, close(4, 19))
    assert life.calendar_volatility(0.012 * math.sqrt(252)) == pytest.approx(volatility[-1], rel=1e-3)
    sized = ScheduledEvent(HOURS.session(dt.date(2024, 3, 6)).close, "a ruling", 0.01)  # in every life
    both = told(sized, unsized)
    imply_events(both, book, RATE, NOW)
    assert math.sqrt(both.added(unsized)) == pytest.approx(0.05, rel=0.1)


def test_theta_is_what_variance_time_takes_and_parts_still_sum_up() -> None:
    """Over a weekend at a constant variance of a trading day nothing is left for vega, and the sum stays."""
    state = state_of()
    book = state.underlyings[0].book
    row = np.array([book.row(5)], np.intp)
    friday, monday = close(3, 8), HOURS.session(dt.date(2024, 3, 11)).open
    variance_time = told()
    expiry = int(book.contracts["expiry"][row[0]])
    start_volatility = 0.3
    end_volatility = variance_time.volatility_after(start_volatility, friday, monday, expiry)
    days = [variance_time.life(time, expiry) for time in (friday, monday)]
    assert end_volatility**2 * days[1].years / days[1].trading_days == pytest.approx(
        start_volatility**2 * days[0].years / days[0].trading_days
    )
    assert end_volatility > start_volatility  # three days of the calendar have gone, and .4 trading days
    marks = []
    for time, volatility in ((friday, start_volatility), (monday, end_volatility)):
        greeks = leg_greeks(book, row, np.array([volatility]), RATE, time)
        marks += leg_marks(time, LegMarket(100.0, math.nan, RATE, 0.0), greeks.price, np.array([volatility]), greeks)
    by_calendar, by_clock = Parts(), Parts()
    explain_leg(by_calendar, 1, marks[0], marks[1])
    explain_leg(by_clock, 1, marks[0], marks[1], passing=end_volatility - start_volatility)
    assert sum(by_clock.values) == pytest.approx(sum(by_calendar.values), abs=1e-9)
    assert abs(by_clock.vega) < 0.02 * by_calendar.vega
    strike, right = book.contracts["strike"][row[0]], book.contracts["right"][row[0]]
    worth = [
        float(price(100.0, strike, RATE, 0.0, volatility, (expiry - time) / YEAR, right))
        for time, volatility in ((friday, start_volatility), (monday, end_volatility))
    ]
    assert by_clock.theta == pytest.approx(100.0 * (worth[1] - worth[0]), rel=0.02)
    assert by_calendar.theta < 3.0 * by_clock.theta < 0.0


def test_no_time_and_no_clock_pass_nothing() -> None:
    variance_time = told(EARNINGS)
    expiry = close(3, 15)
    assert variance_time.volatility_after(0.3, TODAY.open, TODAY.open, expiry) == pytest.approx(0.3)
    assert math.isnan(VarianceTime().volatility_after(0.3, TODAY.open, TODAY.close, expiry))
    assert math.isnan(variance_time.volatility_after(0.3, TODAY.open, expiry, expiry))
    assert math.isnan(variance_time.volatility_after(0.3, SESSIONS[0][0] - DAY, TODAY.open, expiry))
    over = variance_time.volatility_after(0.6, EARNINGS.time - HOUR, EARNINGS.time, expiry)
    assert over < 0.6  # the event's variance has gone
