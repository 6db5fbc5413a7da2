"""What tests of several rooms share."""

import os
import threading
from collections.abc import Iterator
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


def _write_out() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "journal-sync"}


@pytest.fixture(scope="module", autouse=True)
def _journals_are_closed() -> Iterator[None]:
    """A journal that a file leaves open keeps a thread that looks for news, at the cost of every later test."""
    before = _write_out()
    yield
    left = len(_write_out() - before)
    assert not left, f"this file leaves {left} journals open: close the writers, the cores and the hosts it makes"


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
