"""A typed `lean backtest .` over data that carry no result: LEAN's log says what is missing and what to do."""

import shutil
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alo_lib.cli.project import ROOT
from alo_lib.market import DATA_MEASURED
from alo_lib.settings import Settings
from tests.models.conftest import lean
from tests.models.lean_run import run_in_lean

__all__ = ["lean"]

_DATABASES = ("market-hours", "symbol-properties")


@pytest.fixture
def bare(lean_data: Path, tmp_path: Path) -> Path:
    """What LEAN itself needs of a data folder, and no prices."""
    for name in _DATABASES:
        shutil.copytree(lean_data / name, tmp_path / "data" / name)
    return tmp_path / "data"


@pytest.mark.lean
def test_a_run_without_prices_is_refused_in_a_sentence(bare: Path, tmp_path: Path) -> None:
    console = run_in_lean(ROOT / "main.py", tmp_path, bare)
    assert "ALFA has no minute bars from 2024-01-02 to 2024-01-31" in console
    assert "'./alo generate' makes a market in data/" in console
    assert "NullReferenceException" not in console.partition("no minute bars")[0]


def test_what_is_fetched_as_it_is_asked_for_is_not_looked_for(lean: Any, tmp_path: Path) -> None:
    asked = {"data-provider": "QuantConnect.Lean.Engine.DataFeeds.ApiDataProvider"}
    lean.Config, lean.Globals = asked, SimpleNamespace(data_folder=str(tmp_path))
    look_at_data = import_module("models.data_on_disk").look_at_data
    assert look_at_data(Settings()) == ()
    asked["data-provider"] = "DefaultDataProvider"
    with pytest.raises(ValueError, match=r"no market-hours database at .*alo generate"):
        look_at_data(Settings())


def test_what_the_engine_has_measured_is_not_measured_again(lean: Any, tmp_path: Path) -> None:
    lean.Config = {"data-provider": "DefaultDataProvider", DATA_MEASURED: "True"}
    lean.Globals = SimpleNamespace(data_folder=str(tmp_path))
    assert import_module("models.data_on_disk").look_at_data(Settings()) == ()
