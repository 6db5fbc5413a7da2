"""LEAN's own option algorithms with the one line: same orders, no error that they have not without it."""

from pathlib import Path

import pytest

from alo_lib.cli.failures import EngineError
from benchmarks.lean_algorithms import ALGORITHMS, algorithms_of, run_theirs
from tests.models.lean_run import native_lean

pytestmark = pytest.mark.lean

NAMES = [name for names in ALGORITHMS.values() for name in names]
LEANS_DEFAULT = "IndicatorBasedOptionPriceModel"
MORE_MEMORY = 300.0
"""Megabytes, for kernels, NumPy and pandas."""


def check(name: str, data: Path, folder: Path) -> None:
    engine = native_lean()
    try:
        algorithms_of(engine)
    except EngineError as error:
        pytest.skip(str(error))
    outcomes = []
    for with_line in (False, True):
        own = folder / f"{with_line}"
        own.mkdir()
        outcomes.append(run_theirs(engine, name, data, own, with_line=with_line))
    without, ours = outcomes
    assert ours.order_list_hash == without.order_list_hash is not None
    assert set(ours.faults) <= set(without.faults)
    assert LEANS_DEFAULT not in ours.models
    assert (ours.contracts, ours.quoted) == (without.contracts, without.quoted)
    assert ours.zeros <= sum(ours.unpriced.values())  # a delta of 0 is one that was counted, with its reason
    assert ours.memory < without.memory + MORE_MEMORY


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_orders_are_the_same(name: str, lean_data: Path, tmp_path: Path) -> None:
    check(name, lean_data, tmp_path)


def test_there_are_enough_of_every_kind() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 25
