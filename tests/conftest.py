"""What tests of several rooms share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def lean_data() -> Path:
    """LEAN's own sample data, read only, or what LEAN_DATA names; the test is skipped where it is not at hand."""
    given = os.environ.get("LEAN_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[1].parent / "shared" / "lean-data"
    if not folder.is_dir():
        pytest.skip(f"LEAN's sample data is not at {folder}")
    return folder
