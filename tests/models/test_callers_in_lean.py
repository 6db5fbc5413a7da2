"""Whoever asks the price model, in a real LEAN: several threads at once, events, contracts that nobody quotes."""

from pathlib import Path
from typing import Any

import pytest

from tests.models.lean_run import kept_by, native_lean

pytestmark = pytest.mark.lean

ALGORITHM = Path(__file__).with_name("callers_algorithm.py")
EMPTY = [0.0] * 8


@pytest.fixture(scope="module")
def told(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    native_lean()
    return kept_by(ALGORITHM, "callers", tmp_path_factory.mktemp("callers"), lean_data, {"slices": "16"})


def test_threads_that_read_at_once_get_the_bits_of_one_thread_and_no_exception(told: dict[str, Any]) -> None:
    assert told["failures"] == []
    assert told["different"] == []
    assert {way.partition(" ")[2] for way in told["read"]} == {"threads 2", "threads 4", "tasks 2", "tasks 4"}
    assert len(told["read"]) == 16
    for way, (read, priced) in told["read"].items():
        assert read >= 200 * int(way[-1])
        assert priced >= 0.8 * read


def test_a_contract_made_by_hand_has_the_bits_of_the_chains_with_and_without_a_slice(told: dict[str, Any]) -> None:
    rows = [row for row in told["lone"] if row["quotes"][:2] == row["security"][:2]]
    assert len(rows) >= 100
    assert {row["time"] for row in rows} == {"11:00", "11:30"}
    assert sum(row["chain"][2] != 0.0 for row in rows) >= 0.8 * len(rows)
    for row in rows:
        assert row["no slice"] == row["slice"] == row["chain"], row
        assert row["parity"] == row["parity chain"], row
    assert sum(row["parity"] != row["chain"] for row in rows) >= 0.5 * len(rows)


def test_a_contract_that_was_added_alone_is_priced_at_its_securitys_quotes(told: dict[str, Any]) -> None:
    for time in ("11:00", "11:30"):
        price, volatility, delta, *_ = told[f"added {time}"]
        assert 48.0 < price < 56.0  # 700 call, GOOG at 749
        assert 0.15 < volatility < 0.35
        assert 0.85 < delta < 0.95


def test_odd_questions_have_leans_empty_result_and_a_reason(told: dict[str, Any]) -> None:
    odd = told["odd"]
    unpriced = odd.pop("unpriced")
    assert set(odd) == {"no contract", "no security", "no price", "expired"}
    assert all(values == EMPTY for values in odd.values())
    assert unpriced == {"NO_QUOTE": 4}
