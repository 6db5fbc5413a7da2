"""In a research notebook the price model works as in an algorithm: with a QuantBook in its place."""

from pathlib import Path

import pytest

from tests.models.lean_run import kept_by

pytestmark = [pytest.mark.lean, pytest.mark.slow]


def test_a_quant_book_gives_the_greeks_that_an_algorithm_has(lean_data: Path, tmp_path: Path) -> None:
    kept = kept_by(Path(__file__).with_name("research_algorithm.py"), "research", tmp_path, lean_data)
    assert kept["same"]
    assert kept["contracts"] >= 6
    assert kept["rows"] == 30 * kept["contracts"]
    assert 0.1 < kept["lowest"] < kept["highest"] < 0.4
    assert 0.5 * kept["listed"] < kept["priced"] <= kept["listed"]
