"""What tests of several rooms share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def lean_data() -> Path:
    """LEAN's own sample data, read only; the test is skipped where it is not at hand."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "lean-data"
    if not folder.is_dir():
        pytest.skip(f"LEAN's sample data is not at {folder}")
    return folder
