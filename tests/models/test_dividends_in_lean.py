"""The option price model over an ex-dividend date, in a real LEAN, on a market made for it."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.market.generator import MarketTruth, NameTruth, generate_market
from tests.models.greeks_check import CLOSE, at, check, columns, years
from tests.models.lean_run import kept_by, native_lean
from tests.pricing.dividend_grid import Terms, converged

pytestmark = [pytest.mark.lean, pytest.mark.slow]

ALGORITHM = Path(__file__).with_name("greeks_algorithm.py")
EVE, EX, NEXT_EX = "2024-01-11", "2024-01-12", "2024-04-12"
AMOUNT, LATER_YIELD = 1.5, 0.02
OPTIONS = {"kind": "equity", "resolution": "minute", "filter": [-6, 6, 0, 120]}
PLAN = {
    "start": [2024, 1, 11],
    "end": [2024, 1, 12],
    "times": ["09:31", "10:30", "15:30"],
    "history": "10:30",
    "history_minutes": 24 * 60,
    "listed": "10:30",
    "options": [
        OPTIONS | {"ticker": "YLD"},
        OPTIONS
        | {
            "ticker": "ANN",
            "model": {
                "constant_yield": LATER_YIELD,
                "announced": [[[2024, 1, 12], AMOUNT], [[2024, 4, 12], AMOUNT]],
            },
        },
    ],
}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two stocks that go ex-dividend on one day."""
    native_lean()
    data = tmp_path_factory.mktemp("market")
    stocks = [NameTruth(ticker=ticker, price=100.0, dividend=AMOUNT) for ticker in ("YLD", "ANN")]
    generate_market(
        data,
        MarketTruth(
            seed=3,
            start=dt.date(2024, 1, 3),
            end=dt.date(2024, 1, 12),
            history_days=160,  # two dividends of three months before, and not four: the ex-date changes the year's sum
            quote_minutes=60,
            names=tuple(stocks),
        ),
    )
    return data


@pytest.fixture(scope="module")
def seen(market: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One stock is priced by LEAN's yield, the other's dividends are announced."""
    return kept_by(ALGORITHM, "seen", tmp_path_factory.mktemp("run"), market, {"plan": json.dumps(PLAN)})


def rows_of(seen: dict[str, Any], ticker: str, day: str) -> list[dict[str, Any]]:
    """What was read of an option on a day."""
    return [row for row in seen["rows"] if row["option"] == f"?{ticker}" and row["time"].startswith(day)]


def settlement(row: dict[str, Any]) -> dt.datetime:
    return at(row["expiry"], CLOSE)


def test_lean_pays_the_dividend(seen: dict[str, Any]) -> None:
    paid = [event for event in seen["events"] if event.startswith("dividend")]
    assert sorted(paid) == [f"dividend {ticker} {AMOUNT} {EX}" for ticker in ("ANN", "YLD")]


def test_the_yield_takes_the_dividend_in_on_the_day_it_goes_ex(seen: dict[str, Any]) -> None:
    for day, paid in ((EVE, 2 * AMOUNT), (EX, 3 * AMOUNT)):  # in the past year, as LEAN counts
        rows = rows_of(seen, "YLD", day)
        assert {row["time"][-5:] for row in rows} == {"09:31", "10:30", "15:30"}

        def over_spot(row: dict[str, Any], paid: float = paid) -> float:
            return paid / float(row["spot"])

        check(rows, settlement, dividend_yield=over_spot)


@pytest.mark.parametrize(("day", "ahead"), [(EVE, (EX, NEXT_EX)), (EX, (NEXT_EX,))])
def test_an_announced_dividend_counts_until_it_goes_ex(seen: dict[str, Any], day: str, ahead: tuple[str, ...]) -> None:
    rows = rows_of(seen, "ANN", day)
    for time in sorted({row["time"] for row in rows}):
        now = [row for row in rows if row["time"] == time]
        ex = [years(now[0], at(date, dt.time(9, 30))) for date in ahead]

        def after_the_last(row: dict[str, Any], last: float = ex[-1]) -> float:
            life = years(row, settlement(row))
            return LATER_YIELD * max(life - last, 0.0) / life

        announced = (ex, [AMOUNT] * len(ex))
        check(now, settlement, dividend_yield=after_the_last, scheme="accurate", dividends=announced)


@pytest.mark.parametrize("moment", [f"{EVE} 15:30", f"{EX} 09:31"])
def test_values_on_both_sides_of_the_ex_time_are_a_peer_s(seen: dict[str, Any], moment: str) -> None:
    """By finite differences that share nothing with the library: the last quotes cum, and the first ones ex."""
    rows = [row for row in rows_of(seen, "ANN", moment) if row["volatility"] and row["time"] == moment]
    near = [row for row in rows if abs(row["strike"] / row["spot"] - 1.0) < 0.06 and row["expiry"] > EX]
    sample = near[:: max(len(near) // 12, 1)]
    assert {row["right"] for row in sample} == {1, -1}
    for row in sample:
        left = years(row, settlement(row))
        ahead = [years(row, at(date, dt.time(9, 30))) for date in (EX, NEXT_EX)]
        times = tuple(time for time in ahead if time > 0.0)
        dividend_yield = LATER_YIELD * max(left - ahead[-1], 0.0) / left
        terms = Terms(row["strike"], row["rate"], dividend_yield, row["volatility"], left, row["right"], True, times,
                      (AMOUNT,) * len(times))  # fmt: skip
        peer = converged([row["spot"]], terms)
        assert 0.5 * (row["bid"] + row["ask"]) == pytest.approx(peer.value[0], abs=2e-3)
        assert row["delta"] == pytest.approx(peer.delta[0], abs=5e-4)


def test_calls_and_puts_agree_on_volatility_over_the_ex_date(seen: dict[str, Any]) -> None:
    """To 0.1 they would not if prices were not raw, or the dividend missing before its ex-date or counted after it."""
    for time in (f"{EVE} 10:30", f"{EVE} 15:30", f"{EX} 10:30", f"{EX} 15:30"):
        pairs: dict[tuple[str, float], dict[int, float]] = {}
        for row in rows_of(seen, "ANN", time):
            near = abs(row["strike"] / row["spot"] - 1.0) < 0.04
            # Beyond the second dividend the market's own prices leave out that calls are exercised early for it.
            if near and "2024-01-26" <= row["expiry"] < NEXT_EX and row["volatility"]:
                pairs.setdefault((row["expiry"], row["strike"]), {})[row["right"]] = row["volatility"]
        apart = [abs(pair[1] - pair[-1]) for pair in pairs.values() if len(pair) == 2]
        assert len(apart) >= 10
        assert np.median(apart) < 0.02, time


def test_history_over_the_ex_date_has_what_was_known_then(seen: dict[str, Any]) -> None:
    live = {(row["symbol"], row["time"]): row for row in seen["rows"] if row["option"] == "?YLD"}
    both = [(row, live[row["symbol"], row["time"]]) for row in seen["past"] if (row["symbol"], row["time"]) in live]
    priced = [(row, then) for row, then in both if then["volatility"]]
    assert {row["time"][:10] for row, _ in priced} == {EVE, EX}
    assert len(priced) >= 100
    for row, then in priced:
        assert row["implied_volatility"] == pytest.approx(then["volatility"], abs=1e-12)
        assert row["delta"] == pytest.approx(then["delta"], abs=1e-12)


def test_history_of_a_stock_that_nobody_subscribed_to_is_of_raw_prices(
    seen: dict[str, Any], market: Path, tmp_path: Path
) -> None:
    """LEAN would give an equity's history adjusted, by the dividend that was still to come."""
    plan = PLAN | {"start": [2024, 1, 12], "options": [], "unsubscribed": "YLD"}
    past = kept_by(ALGORITHM, "seen", tmp_path, market, {"plan": json.dumps(plan)})["past"]
    told = {(row["symbol"], row["time"]): row["implied_volatility"] for row in past}
    live = [row for row in rows_of(seen, "YLD", EVE) if row["volatility"]]
    assert len(live) >= 100
    for row in live:
        assert told[row["symbol"], row["time"]] == pytest.approx(row["volatility"], abs=1e-12)


def test_what_option_chain_lists_is_priced_at_the_last_close(seen: dict[str, Any]) -> None:
    """On the ex-date it lists prices of the day before, when the dividend was to come."""
    listed = [
        row | {"time": f"{EVE} 16:00", "volatility": row["implied_volatility"]}
        for row in seen["listed"]
        if row["option"] == "?YLD" and row["time"].startswith(EX)
    ]
    assert len(listed) >= 100
    explained = [row for row in listed if not np.isnan(row["volatility"])]
    assert len(explained) >= 0.7 * len(listed)
    check(explained, settlement, dividend_yield=lambda row: 2 * AMOUNT / row["spot"])
    theirs, ours = columns(explained, "lean_delta", "delta")
    assert (theirs != ours).all()  # LEAN's are the file's, and its theoretical price is none
    assert {row["lean_price"] for row in listed} == {0.0}
