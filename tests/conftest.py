"""What tests of several rooms share."""

import os
from pathlib import Path

import pytest

from alo_lib.cli.project import DATA

os.environ.setdefault("DOTNET_TieredPGO", "0")  # LEAN's runs in tests end before .NET's profile of them is worth it
_PART_OF_IT = Path("option", "usa", "minute", "goog")


@pytest.fixture(scope="session")
def lean_data() -> Path:
    """LEAN's own sample data, read only: what LEAN_DATA names, or the project's data folder where it holds it."""
    given = os.environ.get("LEAN_DATA")
    folder = Path(given).absolute() if given else DATA
    if not (folder / _PART_OF_IT).is_dir():
        pytest.skip(f"LEAN's sample data is not in {folder}; set LEAN_DATA to the Data folder of LEAN's repository")
    return folder
