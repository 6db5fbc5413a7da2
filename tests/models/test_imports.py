"""What a program imports that asks ``models`` for one of its names, in a process of its own."""

import subprocess
import sys

import pytest

from alo_lib.cli.project import ROOT

CODE = """
import sys
from types import ModuleType
from unittest.mock import MagicMock
from tests.models.conftest import NET, Lean
sys.modules.update({name: MagicMock() for name in NET}, AlgorithmImports=Lean("AlgorithmImports"))
for name in [name for name in sys.modules if name.partition(".")[0] == "alo_lib"]:
    del sys.modules[name]  # those that the stand-ins needed
"""


def imported(line: str) -> set[str]:
    """Our modules that a process holds once it has run a line."""
    show = "print(*(name for name in sys.modules if name.partition('.')[0] in ('models', 'alo_lib')))"
    done = subprocess.run(
        [sys.executable, "-c", f"{CODE}\n{line}\n{show}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_greeks_import_the_pricer_and_nothing_that_trades() -> None:
    modules = imported("from models import AloOptionPriceModel, greeks_filter")
    assert len(modules) <= 66
    rooms = {name.split(".")[1] for name in modules if name.startswith("alo_lib.")}
    assert rooms == {"exports", "numerics", "pricing", "records", "sources"}


@pytest.mark.parametrize(
    ("name", "absent"),
    [("AloVolatilityModel", "models.option_price_model"), ("expected_dividends", "alo_lib.runtime")],
)
def test_other_names_import_no_more_of_the_models_than_they_need(name: str, absent: str) -> None:
    assert absent not in imported(f"from models import {name}; assert callable({name})")


def test_every_name_is_what_its_module_has() -> None:
    line = (
        "import models; from models import *\n"
        "import models.universe_greeks, models.greeks_history, models.expected_dividends\n"
        "assert all(callable(getattr(models, name)) for name in models.__all__), models.__all__"
    )
    assert "models.alpha_model" in imported(line)
