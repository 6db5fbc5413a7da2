"""Sessions, early closes, daylight saving and expiries against dates of the real exchange."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from alo_lib.market import DataError, MarketHours, SecurityType
from alo_lib.market.calendar import local_to_utc
from alo_lib.market.hours_database import MarketHoursDatabase
from alo_lib.records import YEAR, years_between

NEW_YORK = ZoneInfo("America/New_York")
HOUR = 3_600_000_000_000


def instant(year: int, month: int, day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.fixture(scope="module")
def equity(lean_data: Path) -> MarketHours:
    return MarketHoursDatabase.load(lean_data).hours()


@pytest.fixture(scope="module")
def option(lean_data: Path) -> MarketHours:
    return MarketHoursDatabase.load(lean_data).hours(SecurityType.OPTION)


def test_sessions_follow_daylight_saving(equity: MarketHours) -> None:
    assert equity.session(date(2024, 3, 8))[1:] == (instant(2024, 3, 8, 14, 30), instant(2024, 3, 8, 21))
    assert equity.session(date(2024, 3, 11))[1:] == (instant(2024, 3, 11, 13, 30), instant(2024, 3, 11, 20))


def test_holidays_and_weekends_are_closed(equity: MarketHours, option: MarketHours) -> None:
    expected = [date(2015, 12, 24), date(2015, 12, 28)]
    for hours in (equity, option):  # the option's come from its underlying
        assert hours.trading_days(date(2015, 12, 24), date(2015, 12, 28)) == expected
    with pytest.raises(ValueError, match="closed on 2015-12-25"):
        equity.session(date(2015, 12, 25))


def test_early_close(equity: MarketHours, option: MarketHours) -> None:
    assert equity.session(date(2015, 12, 24)).close == instant(2015, 12, 24, 18)
    assert option.session(date(2015, 12, 24)).close == instant(2015, 12, 24, 18)
    assert [session.day for session in equity.sessions(date(2015, 12, 24), date(2015, 12, 27))] == [date(2015, 12, 24)]


def test_neighbouring_trading_days(equity: MarketHours) -> None:
    assert equity.previous_trading_day(date(2015, 12, 28)) == date(2015, 12, 24)
    assert equity.next_trading_day(date(2015, 12, 24)) == date(2015, 12, 28)


@pytest.mark.parametrize(
    ("expiry", "close"),
    [
        (date(2016, 1, 15), instant(2016, 1, 15, 21)),
        (date(2015, 12, 24), instant(2015, 12, 24, 18)),  # early close
        (date(2015, 1, 17), instant(2015, 1, 16, 21)),  # a Saturday, as monthly contracts had until 2015
        (date(2014, 4, 18), instant(2014, 4, 17, 20)),  # Good Friday
    ],
)
def test_expiry_time_is_the_last_close(option: MarketHours, expiry: date, close: int) -> None:
    assert option.expiry_time(expiry) == close


def test_index_options_have_their_own_hours(lean_data: Path) -> None:
    hours = MarketHoursDatabase.load(lean_data).hours(SecurityType.INDEX_OPTION, "SPX")
    assert hours.session(date(2021, 1, 4))[1:] == (instant(2021, 1, 4, 14, 30), instant(2021, 1, 4, 21, 15))
    assert not hours.is_trading_day(date(2021, 1, 1))
    assert hours.exchange_zone.key == "America/Chicago"
    assert hours.data_zone.key == "America/New_York"


def test_bars_that_touch_the_session(equity: MarketHours) -> None:
    day = date(2024, 1, 3)
    minute = HOUR // 60
    opening, closing = equity.session(day)[1:]
    ends = np.array([opening, opening + minute, closing, closing + minute])
    assert equity.in_session(ends, day, minute).tolist() == [False, True, True, False]
    assert equity.in_session(ends, day, minute, extended=True).all()


def test_repeated_and_skipped_hours() -> None:
    midnight = (date(2024, 11, 3) - date(1970, 1, 1)).days * 24 * HOUR
    repeated = local_to_utc(np.array([midnight + HOUR + 1, midnight + 2 * HOUR]), NEW_YORK)
    assert repeated.tolist() == [instant(2024, 11, 3, 5) + 1, instant(2024, 11, 3, 7)]
    midnight = (date(2024, 3, 10) - date(1970, 1, 1)).days * 24 * HOUR
    assert local_to_utc(np.array([midnight + 2 * HOUR]), NEW_YORK).tolist() == [instant(2024, 3, 10, 7)]


def test_years_between_counts_days_over_365() -> None:
    assert years_between(0, YEAR) == 1.0
    assert years_between([0, 24 * HOUR], 365 * 24 * HOUR).tolist() == [1.0, 364 / 365]


def write_database(folder: Path, entries: object) -> Path:
    path = folder / "market-hours" / "market-hours-database.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"entries": entries}))
    return folder


def entry(**more: object) -> dict[str, object]:
    week = {"monday": [{"start": "09:30:00", "end": "16:00:00", "state": "market"}]}
    return {"dataTimeZone": "America/New_York", "exchangeTimeZone": "America/New_York", **week, **more}


def test_symbol_entries_add_the_markets_holidays(tmp_path: Path) -> None:
    common = entry(holidays=["1/1/2024"], earlyCloses={"1/8/2024": "13:00:00", "1/15/2024": "13:00:00"})
    own = entry(holidays=["1/22/2024"], earlyCloses={"1/8/2024": "12:00:00"})
    folder = write_database(tmp_path, {"Equity-usa-[*]": common, "Equity-usa-ABC": own})
    hours = MarketHoursDatabase.load(folder).hours(symbol="abc")
    assert [hours.is_trading_day(date(2024, 1, day)) for day in (1, 8, 15, 22, 29)] == [False, True, True, False, True]
    closes = [hours.segments(date(2024, 1, day))[-1].end for day in (8, 15, 29)]
    assert closes == [timedelta(hours=12), timedelta(hours=13), timedelta(hours=16)]


def test_late_open_and_midday_break(tmp_path: Path) -> None:
    day = date(2024, 1, 8)
    late = entry(lateOpens={"1/8/2024": "11:00:00"})
    hours = MarketHoursDatabase.load(write_database(tmp_path / "late", {"Equity-usa-[*]": late})).hours()
    assert [part[:2] for part in hours.segments(day)] == [(timedelta(hours=11), timedelta(hours=16))]
    resumed = entry(earlyCloses={"1/8/2024": "10:00:00"}, lateOpens={"1/8/2024": "14:00:00"})
    hours = MarketHoursDatabase.load(write_database(tmp_path / "resumed", {"Equity-usa-[*]": resumed})).hours()
    expected = [(timedelta(hours=9.5), timedelta(hours=10)), (timedelta(hours=14), timedelta(hours=16))]
    assert [part[:2] for part in hours.segments(day)] == expected


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({}, "no entry for Equity-usa"),
        ({"Equity-usa-[*]": entry(exchangeTimeZone="Mars/Olympus")}, "unusable"),
        ({"Equity-usa-[*]": entry(holidays=["2024-01-01"])}, "unusable"),
        ({"Equity-usa-[*]": entry(monday=[])}, "regular session"),
        ([], "is no object"),
    ],
)
def test_unusable_databases_are_named(tmp_path: Path, entries: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        MarketHoursDatabase.load(write_database(tmp_path, entries)).hours()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", r'json is no object with "entries", which LEAN\'s has'),
        ("[]", r'json is no object with "entries"'),
        ('{"entries": 3}', r'"entries" of the market-hours database .*json is no object'),
        ("{", r"json is not JSON: "),
        ('{"entries": {"Equity-usa-[*]": {}}}', r"json is unusable: an entry lacks '\w+'"),
    ],
)
def test_databases_of_another_form_are_named(tmp_path: Path, text: str, message: str) -> None:
    write_database(tmp_path, {}).joinpath("market-hours", "market-hours-database.json").write_text(text)
    with pytest.raises(DataError, match=message):
        MarketHoursDatabase.load(tmp_path).hours()


def test_missing_database(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no market-hours database"):
        MarketHoursDatabase.load(tmp_path).hours()
