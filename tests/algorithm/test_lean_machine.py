"""LEAN's driver, driven with anything in any order; the machine says what must hold.

Faults that it has found stand here as the few steps that show each.
"""

import sys
from importlib import import_module
from typing import Any

import pytest

from tests.algorithm.lean_machine import LeanMachine
from tests.algorithm.lean_world import lean_names
from tests.core.killing import quick_calibrator
from tests.core.test_machine import drive, drive_for_long

PLUGGED = {
    "host_events": ("HostEvents", "JournaledAlgorithm"),
    "host": ("LeanHost",),
    "execution_model": ("TouchExecutionModel",),
    "external_execution_model": ("ExternalExecutionModel",),
    "framework": ("Framework",),
    "alpha_model": ("VolatilityAlphaModel",),
    "marshalling": ("Marshal",),
    "portfolio_construction_model": ("VegaBudgetPortfolioConstructionModel",),
    "risk_management_model": ("GreeksRiskManagementModel",),
}


def set_up(lean: Any) -> None:
    """Import the algorithm over a LEAN that is not there."""
    lean_names(lean)
    models = sys.modules["models"]
    for module, names in PLUGGED.items():
        for name in names:
            setattr(models, name, getattr(import_module(f"models.{module}"), name))
    for name in ("AloMarginInterestRateModel", "AloOptionPriceModel", "AloVolatilityModel"):
        setattr(models, name, lambda *given: None)
    host: Any = import_module("models.host")
    host.split_adjusted_bars = lambda algorithm, symbol, count: algorithm.world.closes[symbol.value][-count:]


@pytest.fixture(autouse=True)
def hosted(lean: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The algorithm can be imported, fits are remembered and made between frames, and no frame is measured."""
    monkeypatch.setattr("alo_lib.core.trading.LogicalCalibrator", quick_calibrator)
    monkeypatch.setattr("alo_lib.runtime.hosting.BackgroundCalibrator", quick_calibrator)
    monkeypatch.setattr("alo_lib.runtime.hosting.BudgetWatch", lambda: None)
    set_up(lean)
    return lean


def test_whatever_lean_tells_and_whenever_it_is_killed_the_core_believes_what_is() -> None:
    drive(LeanMachine, sequences=4, steps=15, again=True)


@pytest.mark.slow
def test_many_sequences() -> None:
    drive_for_long(LeanMachine)
