"""The quotes of a slice, read by compiled code and bar by bar, in a real LEAN."""

from pathlib import Path

import pytest

from tests.models.lean_run import kept_by, native_lean

pytestmark = [pytest.mark.lean, pytest.mark.slow]


def test_compiled_code_reads_the_bytes_that_python_reads(lean_data: Path, tmp_path: Path) -> None:
    native_lean()
    told = kept_by(Path(__file__).with_name("quotes_algorithm.py"), "quotes", tmp_path, lean_data)
    assert told["different"] == 0
    assert told["slices"] >= 200
    assert told["rows"] >= 100_000
    assert min(told["one-sided"], told["filled forward"]) >= 1_000
    assert told["unknown"] >= 200
