"""The option price model over LEAN's ways to get contracts: each scenario is one run of a real LEAN."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from alo_lib.market import DataFolder, Resolution, take_snapshot
from alo_lib.pricing import greeks
from alo_lib.pricing.parity import parity_yields
from alo_lib.records import osi_symbol
from alo_lib.views.chain import chain_view
from tests.models.greeks_check import CHICAGO, CLOSE, NEW_YORK, at, check, columns, years
from tests.models.lean_run import kept_by, native_lean

pytestmark = pytest.mark.lean

ALGORITHM = Path(__file__).with_name("greeks_algorithm.py")

GOOG = {
    "start": [2015, 12, 24],
    "end": [2015, 12, 28],
    "warm_up_days": 1,
    "rate": 0.02,
    "times": ["10:00", "10:01", "12:59"],
    "history": "10:01",
    "kept": "2015-12-24 11:00",
    "options": [{"kind": "equity", "ticker": "GOOG", "resolution": "minute", "filter": [-2, 2, 0, 30]}],
}
AAPL = {
    "start": [2014, 6, 6],
    "end": [2014, 6, 9],
    "times": ["11:00", "16:00"],
    "history": "16:00",
    "history_minutes": 8 * 60,
    "history_resolution": "hour",
    "options": [
        {
            "kind": "equity",
            "ticker": "AAPL",
            "resolution": "hour",
            "filter": [-2, 2, 0, 60],
        },
        {
            "kind": "equity",
            "ticker": "TWX",
            "resolution": "minute",
            "having": {"delta": [-0.6, -0.2], "implied_volatility": [0.1, 0.5]},
            "model": {
                "price": "ask",
                "constant_yield": 0.015,
                "announced": [[[2014, 6, 25], 0.3175]],
                "max_quote_minutes": 20,
            },
        },
    ],
}
EXPECTED = {
    "start": [2014, 6, 6],
    "end": [2014, 6, 9],
    "times": ["11:00", "16:00"],
    "options": [
        {
            "kind": "equity",
            "ticker": "AAPL",
            "resolution": "hour",
            "filter": [-2, 2, 40, 140],
            "model": {"announced": "expected"},
        }
    ],
}
SPX = {
    "future_option": {"expiry": [2021, 3, 19], "strike": 3700.0, "bid": 120.0, "ask": 121.0, "future": 3650.0},
    "start": [2021, 1, 4],
    "end": [2021, 1, 5],
    "times": ["09:45", "15:00", "15:59"],
    "history": "09:45",
    "options": [
        {"kind": "index", "ticker": "SPX", "resolution": "minute", "lean_delta": [0.3, 0.7]},
        {"kind": "index", "ticker": "SPXW", "resolution": "minute", "filter": [-3, 3, 0, 5]},
    ],
}

DAILY = {
    "start": [2015, 12, 23],
    "end": [2015, 12, 24],
    "times": ["13:00", "16:00", "00:00"],
    "history": "13:00",
    "history_minutes": 24 * 60,
    "history_resolution": "daily",
    "options": [
        {
            "kind": "equity",
            "ticker": "GOOG",
            "resolution": "daily",
            "filter": [-8, 8, 20, 60],
            "model": {"dividend_yield": "parity"},
        }
    ],
}


@pytest.fixture(scope="module")
def seen(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """What a scenario's run wrote down; each runs once."""
    native_lean()
    kept: dict[str, Any] = {}

    def run(name: str) -> dict[str, Any]:
        if name not in kept:
            kept[name] = {"rows": [], "events": ["the run failed before"]}
            plan = {"goog": GOOG, "aapl": AAPL, "expected": EXPECTED, "spx": SPX, "daily": DAILY}[name]
            folder = tmp_path_factory.mktemp(name)
            given = {"plan": json.dumps(plan)}
            kept[name] = kept_by(ALGORITHM, "seen", folder, lean_data, given)
        found: dict[str, Any] = kept[name]
        return found

    return run


def goog_settlement(row: dict[str, Any]) -> dt.datetime:
    return at(row["expiry"], dt.time(13) if row["expiry"] == "2015-12-24" else CLOSE)  # the exchange closes early


def curve(row: dict[str, Any]) -> float:
    return 0.02 + 0.001 * (int(row["expiry"][:4]) - 2015)


def test_minute_bars_and_an_early_close_and_the_user_s_rate_curve(seen: Callable[[str], dict[str, Any]]) -> None:
    rows = [row for row in seen("goog")["rows"] if row["kind"] == "live" and row["time"] < "2015-12-25"]
    assert {row["expiry"] for row in rows} >= {"2015-12-24", "2015-12-31", "2016-01-15"}
    check(rows, goog_settlement, rate=curve)


def test_warm_up(seen: Callable[[str], dict[str, Any]]) -> None:
    rows = [row for row in seen("goog")["rows"] if row["kind"] == "warm-up"]
    assert len(rows) >= 5
    check(rows, goog_settlement, rate=curve)


def test_history_has_the_greeks_of_its_own_time(seen: Callable[[str], dict[str, Any]]) -> None:
    past = seen("goog")["past"]
    live = {(row["symbol"], row["time"]): row for row in seen("goog")["rows"] if row["kind"] == "live"}
    both = [(row, live[row["symbol"], row["time"]]) for row in past if (row["symbol"], row["time"]) in live]
    assert {row["time"] for row, _ in both} == {"2015-12-24 10:00", "2015-12-24 10:01"}
    assert len(both) >= 50
    # A side that is missing since before the history begins was carried over live; such contracts have no past.
    whole = [(row, then) for row, then in both if not np.isnan(row["implied_volatility"])]
    assert len(whole) >= 0.9 * sum(then["volatility"] > 0.0 for _, then in both)
    # One whose volatility was its mirror's, which has no past either, is in the limit of none.
    limit = [(row, then) for row, then in whole if row["implied_volatility"] == 0.0 < then["volatility"]]
    assert len(limit) < 0.1 * len(whole)
    assert all(abs(row["delta"]) > 0.99 and abs(then["delta"]) > 0.8 for row, then in limit)
    # An ask alone is valued by its mirror or half of it: live, where its bid was carried over, by both sides.
    told = [(row, then) for row, then in whole if (row, then) not in limit]
    same = [(row, then) for row, then in told if abs(row["implied_volatility"] - then["volatility"]) <= 1e-12]
    assert len(same) >= 0.9 * len(told)
    for row, then in same:
        assert row["implied_volatility"] == pytest.approx(then["volatility"], abs=1e-12)
        for name in ("delta", "gamma", "vega", "theta", "rho"):
            assert row[name] == pytest.approx(then[name], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "times", "zone", "least"),
    [
        ("aapl", {"2014-06-06 11:00", "2014-06-06 16:00", "2014-06-09 11:00", "2014-06-09 16:00"}, NEW_YORK, 20),
        ("daily", {"2015-12-24 13:00"}, NEW_YORK, 20),
        ("spx", {"2021-01-04 09:45"}, CHICAGO, 1),  # all that the data have
    ],
)
@pytest.mark.slow
def test_history_of_hours_days_and_an_index(
    seen: Callable[[str], dict[str, Any]], name: str, times: set[str], zone: ZoneInfo, least: int
) -> None:
    def here(row: dict[str, Any]) -> str:
        """A row's time, which a history has from the exchange, in the algorithm's zone."""
        there = dt.datetime.strptime(row["time"], "%Y-%m-%d %H:%M").replace(tzinfo=zone)
        return f"{there.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"

    live = {(row["symbol"], row["time"]): row for row in seen(name)["rows"] if row["volatility"]}
    past = {(row["symbol"], here(row)): row for row in seen(name)["past"]}
    both = [(past[key], then) for key, then in live.items() if key in past]
    assert {then["time"] for _, then in both} == times
    assert len(both) >= least
    for row, then in both:
        assert row["implied_volatility"] == pytest.approx(then["volatility"], abs=1e-12)
        assert row["delta"] == pytest.approx(then["delta"], abs=1e-12)


def test_a_contract_read_late_has_the_greeks_of_its_slice(seen: Callable[[str], dict[str, Any]]) -> None:
    rows = [row for row in seen("goog")["rows"] if row["kind"] == "kept"]
    assert {row["time"] for row in rows} == {"2015-12-24 11:00"}
    assert len(rows) >= 10
    check(rows, goog_settlement, rate=curve)


@pytest.mark.slow
def test_contracts_come_and_go(seen: Callable[[str], dict[str, Any]]) -> None:
    result = seen("goog")
    removed = {event.split(" 2015-")[0][len("removed ") :] for event in result["events"] if event.startswith("removed")}
    assert any("151224" in symbol for symbol in removed)
    later = [row for row in result["rows"] if row["time"] > "2015-12-25"]
    assert later
    assert not any(row["expiry"] == "2015-12-24" for row in later)
    check(later, goog_settlement, rate=curve)


def test_hour_bars_through_a_split(seen: Callable[[str], dict[str, Any]]) -> None:
    result = seen("aapl")
    assert any(event.startswith("split AAPL") for event in result["events"])
    rows = [row for row in result["rows"] if row["option"].endswith("AAPL")]
    before, after = ([row for row in rows if (row["time"] > "2014-06-07") is late] for late in (False, True))
    assert before
    assert after
    assert {row["spot"] > 300.0 for row in before} == {True}
    assert {row["spot"] < 150.0 for row in after} == {True}
    assert all(row["yield"] > 0.0 for row in rows)
    for some in (before, after):
        check(some, saturday_settlement)


def saturday_settlement(row: dict[str, Any]) -> dt.datetime:
    day = dt.date.fromisoformat(row["expiry"])
    last = (day - dt.timedelta(days=1)).isoformat() if day.weekday() == 5 else row["expiry"]
    return at(last, dt.time(13) if last == "2014-07-03" else CLOSE)  # the exchange closes early


@pytest.mark.slow
def test_another_underlying_with_its_own_filter_and_an_announced_dividend(
    seen: Callable[[str], dict[str, Any]],
) -> None:
    rows = [row for row in seen("aapl")["rows"] if row["option"].endswith("TWX")]
    assert len(rows) >= 10
    fresh = [row for row in rows if row["volatility"]]
    assert 0 < len(rows) - len(fresh) <= seen("aapl")["unpriced"][1]["STALE"]
    assert all(row["right"] == -1 and -0.75 < row["delta"] < -0.05 for row in fresh)  # a day after the filter's close
    for time in sorted({row["time"] for row in fresh}):
        now = [row for row in fresh if row["time"] == time]
        ex = years(now[0], at("2014-06-25", dt.time(9, 30)))

        def after_it(row: dict[str, Any], ex: float = ex) -> float:
            life = years(row, saturday_settlement(row))
            return 0.015 * max(life - ex, 0.0) / life

        announced = ([ex], [0.3175])
        check(now, saturday_settlement, market="ask", dividend_yield=after_it, scheme="accurate", dividends=announced)


@pytest.mark.parametrize(("late", "amount"), [(False, 3.05), (True, 3.05 / 7)])
@pytest.mark.slow
def test_dividends_of_the_past_year_are_expected_again(
    seen: Callable[[str], dict[str, Any]], late: bool, amount: float
) -> None:
    rows = [row for row in seen("expected")["rows"] if (row["time"] > "2014-06-07") is late]
    assert {row["expiry"] > "2014-08-08" for row in rows} == {False, True}
    for time in sorted({row["time"] for row in rows}):
        now = [row for row in rows if row["time"] == time]
        ex = years(now[0], at("2014-08-07", dt.time(9, 30)))  # 52 weeks after 8 August 2013; the next is in November
        # The yield that LEAN has counts beyond the last dividend expected, in May 2015.
        announced = ([ex], [amount])
        check(now, saturday_settlement, dividend_yield=lambda row: 0.0, scheme="accurate", dividends=announced)


def test_index_options_are_european_and_settle_in_the_morning(seen: Callable[[str], dict[str, Any]]) -> None:
    rows = [row for row in seen("spx")["rows"] if row["option"].endswith("SPX")]
    assert rows
    assert not any(row["american"] for row in rows)
    check(rows, spx_settlement)


def spx_settlement(row: dict[str, Any]) -> dt.datetime:
    day = dt.date.fromisoformat(row["expiry"])
    third_friday = day.weekday() == 4 and 15 <= day.day <= 21
    return at(row["expiry"], dt.time(8, 30) if third_friday else dt.time(15, 15), CHICAGO)


@pytest.mark.slow
def test_weeklies_settle_in_the_afternoon(seen: Callable[[str], dict[str, Any]]) -> None:
    rows = [row for row in seen("spx")["rows"] if row["option"].endswith("SPXW")]
    assert rows
    check(rows, lambda row: at(row["expiry"], dt.time(15), CHICAGO))


def test_daily_bars_with_the_yield_that_parity_implies(seen: Callable[[str], dict[str, Any]]) -> None:
    rows = seen("daily")["rows"]
    assert len({row["expiry"] for row in rows}) >= 4
    bid, ask, strike, rate, right = columns(rows, "bid", "ask", "strike", "rate", "right")
    time = np.array([years(row, at(row["expiry"], CLOSE)) for row in rows])
    implied = parity_yields(0.5 * (bid + ask), rows[0]["spot"], strike, rate, time, right)
    assert {row["yield"] for row in rows} == {0.0}
    assert (np.abs(implied) > 1e-4).any()
    given = {(row["symbol"], row["time"]): float(q) for row, q in zip(rows, implied, strict=True)}
    check(
        rows,
        lambda row: at(row["expiry"], CLOSE),
        dividend_yield=lambda row: given[row["symbol"], row["time"]],
    )


def test_parity_is_alo_chain_s_to_the_bit(seen: Callable[[str], dict[str, Any]], lean_data: Path) -> None:
    past = {row["symbol"]: row for row in seen("daily")["past"] if row["time"] == "2015-12-24 13:00"}
    at_close = {"at": dt.timedelta(hours=13), "resolution": Resolution.DAILY}
    snapshot = take_snapshot(DataFolder(lean_data), "GOOG", dt.date(2015, 12, 24), **at_close)  # type: ignore[arg-type]
    listed = [osi_symbol("GOOG", *contract) for contract in snapshot.contracts.tolist()]
    snapshot = snapshot.where(np.isin(listed, list(past)))
    view = chain_view(snapshot, rate=DataFolder(lean_data).interest_rates.rate_at(snapshot.day), carry="parity")
    rows = [row for row in view.rows() if row["status"] == "priced"]
    assert len(rows) >= 20
    assert view.mid.from_parity.all()
    for row in rows:
        told = past[row["symbol"]]
        assert (told["implied_volatility"], told["delta"]) == (row["mid_volatility"], row["delta"]), row["symbol"]


@pytest.mark.slow
def test_an_option_on_a_future_has_no_cost_of_carry(seen: Callable[[str], dict[str, Any]]) -> None:
    found = seen("spx")["future_option"]
    assert found["price"] == 120.5
    now, last = dt.datetime(2021, 1, 4, 10, tzinfo=NEW_YORK), at("2021-03-19", dt.time(17))
    time = (last.astimezone(dt.UTC) - now.astimezone(dt.UTC)).total_seconds() / (365 * 86_400)
    rate = seen("spx")["rows"][0]["rate"]
    value = greeks(3650.0, 3700.0, rate, rate, found["implied_volatility"], time, -1, scheme="high_precision")
    assert float(value.price) == pytest.approx(120.5, abs=1e-3)
    assert found["delta"] == pytest.approx(float(value.delta), abs=1e-5)
    assert found["rho"] == pytest.approx(0.01 * float(value.rho + value.epsilon), rel=1e-3)
