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


@pytest.hookimpl(trylast=True)  # when the order is drawn, and what is not run is gone
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files that start LEAN, the longest, in the middle: with kernels compiled, and short files to end with."""
    files = list(dict.fromkeys(item.path for item in items))
    native = {item.path for item in items if item.get_closest_marker("lean")}
    others = [file for file in files if file not in native]
    half = len(others) // 2
    order = [*others[:half], *(file for file in files if file in native), *others[half:]]
    place = {file: number for number, file in enumerate(order)}
    items.sort(key=lambda item: place[item.path])
