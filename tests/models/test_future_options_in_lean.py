"""Options on a future at their real quotes, in a real LEAN: the E-mini S&P 500, 6 January 2020."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.pricing import greeks, implied_volatility
from tests.models.greeks_check import CHICAGO, at, columns, years
from tests.models.lean_run import kept_by, native_lean

pytestmark = pytest.mark.lean

ALGORITHM = Path(__file__).with_name("greeks_algorithm.py")
DAY, LAST_CLOSE = "2020-01-06", "2020-01-03 17:00"  # New York
PLAN = {
    "start": [2020, 1, 5],
    "end": [2020, 1, 6],
    "times": ["10:00", "14:30"],
    "listed": "10:00",
    "history": "10:00",
    "options": [{"kind": "future", "ticker": "ES", "resolution": "minute", "futures": [0, 182], "strikes": [-15, 15]}],
}


FILTERED = {
    **PLAN,
    "listed": None,
    "history": None,
    "options": [
        {
            "kind": "future",
            "ticker": "ES",
            "resolution": "minute",
            "futures": [0, 182],
            "having": {"delta": [-0.4, -0.2]},
        }
    ],
}


def ran(plan: dict[str, Any], lean_data: Path, folder: Path) -> dict[str, Any]:
    native_lean()
    quotes = Path("future/cme/minute/es/20200106_quote.zip")
    if not (lean_data / quotes).is_file():
        pytest.skip(f"the quotes of the future, {quotes} of LEAN's repository, are not in {lean_data}")
    return kept_by(ALGORITHM, "seen", folder, lean_data, {"plan": json.dumps(plan)})


@pytest.fixture(scope="module")
def seen(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return ran(PLAN, lean_data, tmp_path_factory.mktemp("es"))


def settlement(row: dict[str, Any]) -> dt.datetime:
    return at(row["expiry"], dt.time(16), CHICAGO)


def check(rows: list[dict[str, Any]], volatility: str) -> None:
    """Volatilities and greeks are those of a future: it costs nothing to carry, so its yield is the rate."""
    bid, ask, future, strike, rate, right, found = columns(
        rows, "bid", "ask", "spot", "strike", "rate", "right", volatility
    )
    time = np.array([years(row, settlement(row)) for row in rows])
    market = 0.5 * (bid + ask)
    sigma = implied_volatility(market, future, strike, rate, rate, time, right, scheme="high_precision")
    np.testing.assert_allclose(found, sigma, atol=2e-6)
    value = greeks(future, strike, rate, rate, sigma, time, right, scheme="high_precision")
    for name, expected in (
        ("delta", value.delta),
        ("gamma", value.gamma),
        ("vega", 0.01 * value.vega),
        ("theta", value.theta),
        ("rho", 0.01 * (value.rho + value.epsilon)),
    ):
        np.testing.assert_allclose(columns(rows, name)[0], expected, rtol=2e-4, atol=1e-5, err_msg=name)


def test_every_quoted_contract_has_the_greeks_of_an_option_on_a_future(seen: dict[str, Any]) -> None:
    rows = seen["rows"]
    assert {(row["option"], row["time"][-5:]) for row in rows} == {
        (option, time) for option in ("?ES20H20", "?ES19M20") for time in ("10:00", "14:30")
    }
    assert len(rows) >= 200
    assert seen["unpriced"] == [{}]
    assert {row["american"] for row in rows} == {True}
    check(rows, "volatility")


def test_calls_and_puts_of_one_strike_agree(seen: dict[str, Any]) -> None:
    """To the quotes' spread: a cost of carry that the future does not have would set them apart by a hundredth."""
    pairs: dict[tuple[str, ...], dict[int, float]] = {}
    for row in seen["rows"]:
        if abs(row["strike"] / row["spot"] - 1.0) < 0.02:
            pairs.setdefault((row["option"], row["time"], str(row["strike"])), {})[row["right"]] = row["volatility"]
    apart = [abs(pair[1] - pair[-1]) for pair in pairs.values() if len(pair) == 2]
    assert len(apart) >= 20
    assert np.median(apart) < 2e-3


def test_option_chain_on_a_future_has_greeks_of_its_close(seen: dict[str, Any]) -> None:
    listed = [row | {"time": LAST_CLOSE} for row in seen["listed"]]
    assert len(listed) >= 200
    assert {row["lean_delta"] for row in listed} == {0.0}  # LEAN's universe files have none
    priced = [row for row in listed if not np.isnan(row["implied_volatility"])]
    assert len(priced) >= 0.95 * len(listed)
    check(priced, "implied_volatility")


def test_history_has_the_greeks_that_were_read(seen: dict[str, Any]) -> None:
    live = {row["symbol"]: row for row in seen["rows"] if row["time"] == f"{DAY} 10:00"}
    past = [row for row in seen["past"] if row["time"] == f"{DAY} 10:00"]
    assert len(past) >= 40
    for row in past:
        then = live[row["symbol"]]
        assert row["implied_volatility"] == pytest.approx(then["volatility"], abs=1e-12)
        assert row["delta"] == pytest.approx(then["delta"], abs=1e-12)


def test_a_filter_by_greeks_chooses_options_on_futures(seen: dict[str, Any], lean_data: Path, tmp_path: Path) -> None:
    """LEAN's own filters by greeks refuse them."""
    wanted = {row["symbol"] for row in seen["listed"] if -0.4 <= row["delta"] <= -0.2}
    rows = ran(FILTERED, lean_data, tmp_path)["rows"]
    assert len(wanted) >= 20
    assert {row["symbol"] for row in rows} == wanted
    assert all(-0.45 < row["delta"] < -0.15 for row in rows)  # a weekend after the close that they were chosen at
