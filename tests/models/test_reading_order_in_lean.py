"""Whole LEAN runs that read a chain's contracts in different orders, or the same run again: the same bits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.models.lean_run import kept_by, native_lean

pytestmark = [pytest.mark.lean, pytest.mark.slow]

ALGORITHM = Path(__file__).with_name("greeks_algorithm.py")
PLAN = {
    "start": [2015, 12, 24],
    "end": [2015, 12, 24],
    "times": ["10:00", "10:01", "11:30", "11:31", "12:58", "12:59"],
    "options": [
        {
            "kind": "equity",
            "ticker": "GOOG",
            "resolution": "minute",
            "filter": [-20, 20, 0, 180],
            "moving_volatility": True,
        }
    ],
}
Value = dict[str, Any]


@pytest.fixture(scope="module")
def run(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], str]:
    """What a run in one order kept, as LEAN stored it; each runs once."""
    native_lean()
    kept: dict[tuple[str, int], str] = {}

    def stored(order: str, number: int) -> str:
        if (order, number) not in kept:
            folder = tmp_path_factory.mktemp(order)
            kept_by(ALGORITHM, "seen", folder, lean_data, {"plan": json.dumps(PLAN | {"order": order})})
            kept[order, number] = (folder / "store" / "seen").read_text()
        return kept[order, number]

    return stored


def values(stored: str) -> tuple[dict[tuple[str, str], Value], list[str]]:
    """What each contract had in each slice, and how each was read; JSON gives a double back to the bit."""
    rows = json.loads(stored)["rows"]
    kinds = [row.pop("kind") for row in rows]
    return {(row["symbol"], row["time"]): {k: v for k, v in row.items() if k != "option"} for row in rows}, kinds


def test_a_run_repeated_gives_the_same_bytes(run: Callable[[str, int], str]) -> None:
    assert run("forwards", 1) == run("forwards", 2)


@pytest.mark.parametrize("order", ["backwards", "late"])
def test_every_order_gives_the_same_numbers(run: Callable[[str, int], str], order: str) -> None:
    forwards, _ = values(run("forwards", 1))
    other, kinds = values(run(order, 1))
    assert len(forwards) >= 1000
    assert sum(row["volatility"] > 0.0 for row in forwards.values()) >= 0.7 * len(forwards)
    assert (
        len({row["price"] == 0.5 * (row["bid"] + row["ask"]) for row in forwards.values()}) == 2
    )  # the model's volatility counts
    if order == "late":  # every other contract was read in the plan's next slice, the last slice's never
        assert 0.4 < kinds.count("kept") / len(kinds) < 0.5
        forwards = {key: row for key, row in forwards.items() if key in other}
    else:
        assert list(other) != list(forwards)
    assert other == forwards
