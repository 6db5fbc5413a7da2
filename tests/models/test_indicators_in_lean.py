"""Indicators of contracts and greeks of the portfolio in a real LEAN, against the chain's own greeks."""

from pathlib import Path
from typing import Any

import pytest

from tests.models.lean_run import kept_by

pytestmark = pytest.mark.lean

LAST_DIGIT = 2e-14
"""A .NET decimal of a double has fifteen digits, rounded by .NET; an indicator's seventeen, out of Python."""


@pytest.fixture(scope="module")
def kept(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    algorithm = Path(__file__).with_name("indicators_algorithm.py")
    return kept_by(algorithm, "indicators", tmp_path_factory.mktemp("indicators"), lean_data)


def test_each_value_is_the_chains_of_the_same_slice(kept: dict[str, Any]) -> None:
    assert len(kept["rows"]) > 200
    for row in kept["rows"]:
        assert row["own"] == pytest.approx(row["chain"], rel=LAST_DIGIT)
        assert row["own"] == pytest.approx(row["python"], rel=LAST_DIGIT)
    assert 0.4 < kept["rows"][0]["own"]["delta"] < 0.7


def test_the_mirrors_volatility_counts_where_the_call_is_in_the_money(kept: dict[str, Any]) -> None:
    sides = {row["spot"] > 745.0 for row in kept["rows"]}
    assert True in sides
    for row in kept["rows"]:
        expected = row["put"] if row["spot"] > 745.0 else row["chain"]["implied_volatility"]
        assert row["mirrored"] == pytest.approx(expected, rel=1e-9)


def test_it_is_warmed_up_where_there_is_a_past_and_has_a_history(kept: dict[str, Any]) -> None:
    ready, value, ended = kept["warm"]
    assert (ready, ended) == (True, "2015-12-23 16:00:00")
    assert 0.5 < value < 1.0  # 745 against 750.31 the day before expiry
    assert kept["cold"] is False  # that contract has no quotes before
    # LEAN's history has the underlying's trades alone, and tells a value when the next bar comes.
    assert kept["history"] == pytest.approx([row["own"]["delta"] for row in kept["rows"][-5:]], abs=0.02)


def test_registered_by_hand_it_has_what_leans_consolidators_give(kept: dict[str, Any]) -> None:
    """Trades, by LEAN's rule; the call was traded later that day."""
    ready, value = kept["rows"][-1]["by_hand"]
    assert ready
    assert value == pytest.approx(kept["rows"][-1]["own"]["delta"], abs=0.2)


def test_the_portfolios_greeks_are_quantities_times_the_chains(kept: dict[str, Any]) -> None:
    assert len(kept["positions"]) >= 3
    for told in kept["positions"]:
        row, spot = told["row"], told["spot"]
        assert {name: row[name] for name in told["expected"]} == pytest.approx(told["expected"], rel=1e-9, abs=1e-9)
        assert row["delta_dollars"] == pytest.approx(row["delta"] * spot)
        assert row["gamma_dollars"] == pytest.approx(row["gamma"] * spot * spot / 100.0)
        assert row["without_greeks"] == 0
