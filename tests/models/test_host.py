"""LEAN's answers to a teller, where there is no LEAN."""

import datetime as dt
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.market import DataError
from alo_lib.records import DAY
from alo_lib.settings import Settings, SettingsError
from tests.models.kit import Algorithm, History, Hours, Identity, Symbol, equity

TINY = equity("TINY")
TODAY = dt.date(2024, 3, 4)


def event(day: int, **given: Any) -> SimpleNamespace:
    return SimpleNamespace(time=dt.datetime(2024, 3, day), **given)


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def host(lean: Any, history: History) -> Any:
    lean.Resolution = SimpleNamespace(DAILY="daily")
    lean.DataNormalizationMode = SimpleNamespace(SPLIT_ADJUSTED="adjusted")
    rates = SimpleNamespace(get_interest_rate=lambda time: 0.01 * time.day)
    algorithm = Algorithm(history=history, risk_free_interest_rate_model=rates)
    settings = Settings(underlyings=["TINY"], min_days_to_expiry=10, max_days_to_expiry=60, strike_range=0.1)
    host = import_module("models.host").LeanHost(algorithm, settings)
    host.add("TINY", SimpleNamespace(symbol=TINY, exchange=SimpleNamespace(hours=Hours())))
    return host


def listed(days: int, strike: float, right: int = 0) -> SimpleNamespace:
    expiry = dt.datetime.combine(TODAY, dt.time()) + dt.timedelta(days)
    identity = Identity(f"{days} {strike:g} {right}", right, 0, strike, expiry)
    return SimpleNamespace(symbol=Symbol(identity.text, identity, 2, TINY), open_interest=5)


class Universe(list):
    underlying = SimpleNamespace(price=100.0)


def test_the_filter_selects_as_the_scanner_and_keeps_it_for_the_session(host: Any) -> None:
    assert host.contracts("TINY", TODAY) == []
    rows = [listed(45, 105.0, 1), listed(45, 105.0), listed(46, 95.0), listed(9, 100.0), listed(45, 111.0)]
    chosen = host.select("TINY", Universe(rows))
    assert [symbol.value for symbol in chosen] == ["45 105 1", "45 105 0", "46 95 0"]
    contracts = host.contracts("TINY", TODAY)
    assert [(each.strike, each.right, each.open_interest) for each in contracts] == [
        (105, -1, 5),
        (105, 1, 5),
        (95, 1, 5),
    ]
    friday = int(dt.datetime(2024, 4, 18, 20, tzinfo=dt.UTC).timestamp()) * 10**9
    assert contracts[0].expiry_time == friday


def test_live_says_when_more_is_subscribed_to_than_a_broker_sends(host: Any) -> None:
    few = Universe([listed(45, 91.0 + strike / 10, right) for strike in range(50) for right in (0, 1)])
    host.select("TINY", few)
    host._algorithm.live_mode = True
    host.select("TINY", few)
    assert host._algorithm.logged == []
    host.select("TINY", Universe([*few, listed(45, 99.0)]))
    (told,) = host._algorithm.logged
    assert told.startswith("alo subscribes to 101 contracts of TINY")
    assert "max-contracts" in told


def test_sessions_and_rates_are_those_of_the_day(host: Any) -> None:
    session = host.session(TODAY)
    opened = int(dt.datetime(2024, 3, 4, 14, 30, tzinfo=dt.UTC).timestamp()) * 10**9
    assert session == (TODAY, opened, opened + int(6.5 * 3600) * 10**9)
    assert host.interest_rate(TODAY) == pytest.approx(0.04)


EXPIRIES = {1: dt.date(2024, 3, 15), 2: dt.date(2024, 4, 19)}


def with_curve(host: Any, name: str, *, start: dt.date = TODAY) -> Any:
    settings = Settings(underlyings=["TINY"], rate_curve=name, start=start, end=TODAY)
    made = import_module("models.host").LeanHost(host._algorithm, settings)
    made.add("TINY", host._equities["TINY"])
    return made


def test_a_model_is_asked_for_expiries_where_the_setting_says_so_and_never_leans_history(host: Any) -> None:
    assert host.rates_to(host.session(TODAY), EXPIRIES) is None
    asking = with_curve(host, "model")
    module: Any = import_module("models.host")
    assert asking.rates_to(host.session(TODAY), EXPIRIES) == pytest.approx([0.15, 0.19])
    module.InterestRateProvider = type(host._algorithm.risk_free_interest_rate_model)
    with pytest.raises(SettingsError, match=r"rate-curve is 'model'.* would tell what nobody knew"):
        asking.rates_to(host.session(TODAY), EXPIRIES)


def test_rates_to_expiries_come_from_the_data_folder_or_the_object_store(host: Any, lean: Any, tmp_path: Path) -> None:
    stored: dict[str, bytes] = {}
    lean.Globals.data_folder = str(tmp_path)
    host._algorithm.object_store = SimpleNamespace(contains_key=stored.__contains__, read_bytes=lambda key: stored[key])
    with pytest.raises(DataError, match=r"there is no file of interest rates .*mine\.csv"):
        with_curve(host, "mine")
    stored["alo-rates-mine.csv"] = b"2024-03-05, 30: 2%"
    with pytest.raises(DataError, match=r"begin on 2024-03-05, after the run, which ends on 2024-03-04"):
        with_curve(host, "mine")
    stored["alo-rates-mine.csv"] = b"2024-03-01, 30: 2%"
    with_curve(host, "mine", start=dt.date(2024, 2, 1))
    assert host._algorithm.logged[-1].endswith("from 2024-02-01 on, the one rate counts for all expiries")
    session = host.session(TODAY)
    years = {session.open + 30 * DAY: TODAY + dt.timedelta(days=30)}
    told = with_curve(host, "mine")
    assert told.rates_to(session, years) == [0.02]
    path = tmp_path / "alternative" / "alo" / "rates" / "mine.csv"
    path.parent.mkdir(parents=True)
    path.write_text("2024-03-01, 30: 3%")
    assert told.rates_to(session, years) == [0.02]  # what a backtest has read stays
    host._algorithm.live_mode = True
    assert told.rates_to(session, years) == [0.03]
    path.write_text("2024-03-01, 30: much")
    assert told.rates_to(session, years) == [0.03]
    assert "alo keeps the interest rates that it knew" in host._algorithm.logged[-1]


def test_the_last_day_is_the_one_of_which_lean_warns(lean: Any, host: Any) -> None:
    lean.DelistingType = SimpleNamespace(WARNING=0, DELISTED=1)
    module: Any = import_module("models.host")
    module.DelistingType = lean.DelistingType
    other, day = SimpleNamespace(id="another"), dt.datetime(2024, 3, 5)
    host.note_delistings(
        [SimpleNamespace(symbol=symbol, type=kind, time=day) for symbol, kind in ((other, 0), (TINY, 1))]
    )
    assert not host.trades_no_more_after("TINY", day.date())
    host.note_delistings([SimpleNamespace(symbol=TINY, type=0, time=day)])
    assert [host.trades_no_more_after("TINY", dt.date(2024, 3, each)) for each in (4, 5, 6)] == [False, True, True]


def test_corporate_actions_are_those_within_the_span_ends_included(lean: Any, host: Any, history: History) -> None:
    history.events[lean.Dividend] = [event(day, distribution=day / 4, reference_price=50) for day in (1, 4, 6, 7)]
    since, until = dt.date(2024, 3, 4), dt.date(2024, 3, 6)
    assert host.dividends("TINY", since, until) == [(since, 1.0, 50.0), (until, 1.5, 50.0)]
    ((symbol, start, end, resolution), _) = history.asked[0]
    assert (symbol, end, resolution) == (TINY, dt.datetime(2024, 3, 4, 10, 0, 0, 250), "daily")
    assert start == dt.datetime(2024, 2, 23)  # LEAN finds an action from the session before it
    warned, split = lean.SplitType.WARNING, lean.SplitType.SPLIT_OCCURRED
    history.events[lean.Split] = [event(4, type=warned, split_factor=0.5), event(5, type=split, split_factor=0.25)]
    assert host.splits("TINY", since, until) == [(dt.date(2024, 3, 5), 0.25)]
    assert host.split_ahead("TINY", since) == 0.5
    assert host.split_ahead("TINY", dt.date(2024, 3, 5)) is None


def test_daily_bars_are_split_adjusted_and_timed_in_utc(lean: Any, host: Any, history: History) -> None:
    prices = {"open": 1.0000004, "high": 3, "low": 0.5, "close": 2.5}
    history.events[lean.TradeBar] = [SimpleNamespace(end_time=dt.datetime(2024, 3, 1, 16), **prices)]
    closed = int(dt.datetime(2024, 3, 1, 21, tzinfo=dt.UTC).timestamp()) * 10**9
    assert host.daily_bars("TINY", TODAY, 7) == [(closed, (1.0, 3.0, 0.5, 2.5))]
    assert history.asked == [((TINY, 7, "daily"), {"data_normalization_mode": "adjusted"})]


def test_dividends_are_expected_again_a_year_later_once_a_day(lean: Any, history: History) -> None:
    lean.Resolution = SimpleNamespace(DAILY="daily")
    made = import_module("models.expected_dividends").expected_dividends(Algorithm(history=history))
    ex_date = dt.datetime(2023, 6, 5)
    history.events[lean.Dividend] = [
        SimpleNamespace(time=ex_date, distribution=1.0, reference_price=100.0),
        SimpleNamespace(time=ex_date + dt.timedelta(days=20), distribution=12.0, reference_price=100.0),  # spun off
    ]
    split = SimpleNamespace(end_time=dt.datetime(2023, 9, 1), type=lean.SplitType.SPLIT_OCCURRED, split_factor=0.5)
    warning = SimpleNamespace(end_time=dt.datetime(2023, 8, 31), type=lean.SplitType.WARNING, split_factor=0.5)
    history.events[lean.Split] = [warning, split]
    now = dt.datetime(2024, 3, 4, 10)
    # Fifty-two weeks later, the same weekday, in shares after the split.
    assert made(TINY, now) == [(dt.date(2024, 6, 3), 0.5)]
    assert made(TINY, now + dt.timedelta(hours=3)) == [(dt.date(2024, 6, 3), 0.5)]
    assert len(history.asked) == 2  # dividends and splits, for the day
    assert history.asked[0] == ((TINY, dt.datetime(2023, 3, 5) - dt.timedelta(days=731), now, "daily"), {})
    made(TINY, now + dt.timedelta(days=1))
    assert len(history.asked) == 4
    index = Symbol("SPX", Identity("SPX"), lean.SecurityType.BASE)
    assert made(index, now) == []


def test_the_first_session_from_a_day_on(host: Any) -> None:
    saturday = dt.date(2024, 3, 9)
    assert host.session_from(saturday) == host.session(dt.date(2024, 3, 11))
    assert host.session_from(TODAY) == host.session(TODAY)


def test_events_come_from_the_data_folder_or_the_object_store(host: Any, lean: Any, tmp_path: Path) -> None:
    stored: dict[str, bytes] = {}
    lean.Globals.data_folder = str(tmp_path)
    host._algorithm.object_store = SimpleNamespace(contains_key=stored.__contains__, read_bytes=lambda key: stored[key])
    assert host.dated_events("TINY") == ()
    stored["alo-events-tiny.csv"] = b"2024-03-12,after,earnings,5%"
    assert host.dated_events("TINY") == ()  # what a backtest has read stays
    host._algorithm.live_mode = True
    (stored_event,) = host.dated_events("TINY")
    path = tmp_path / "alternative" / "alo" / "events" / "tiny.csv"
    path.parent.mkdir(parents=True)
    path.write_text("2024-03-13,before,earnings")
    (event,) = host.dated_events("TINY")
    assert (stored_event.day.day, event.day.day) == (12, 13)
    path.write_text("tomorrow,before,earnings")
    assert host.dated_events("TINY") == (event,)
    assert "alo keeps the events of TINY that it knew" in host._algorithm.logged[-1]
    host._dated.clear()
    with pytest.raises(DataError, match=r"tiny\.csv:1"):
        host.dated_events("TINY")
