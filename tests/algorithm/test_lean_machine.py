"""LEAN's driver, driven with anything in any order; the machine says what must hold.

Faults that it has found stand here as the few steps that show each.
"""

import datetime as dt
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.algorithm.lean_machine import LeanMachine
from tests.algorithm.lean_world import lean_names
from tests.core.chains import SETTINGS, TICKERS
from tests.core.killing import Killed, quick_calibrator
from tests.core.test_machine import drive, drive_for_long

DAY = dt.timedelta(days=1)
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
def hosted(lean: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The algorithm can be imported, fits are remembered and made between frames, and no frame is measured."""
    monkeypatch.setattr("alo_lib.core.trading.LogicalCalibrator", quick_calibrator)
    monkeypatch.setattr("alo_lib.runtime.hosting.BackgroundCalibrator", quick_calibrator)
    monkeypatch.setattr("alo_lib.runtime.hosting.BudgetWatch", lambda scale: None)
    set_up(lean)
    lean.Globals.results_destination_folder = str(tmp_path / "results")
    return lean


def test_whatever_lean_tells_and_whenever_it_is_killed_the_core_believes_what_is() -> None:
    drive(LeanMachine, sequences=4, steps=15, again=True)


def test_an_order_that_was_sent_just_before_a_kill_is_known_and_its_number_is_not_used_again() -> None:
    machine = LeanMachine()
    machine.begin(SETTINGS[0], trading=False)
    send = machine.world.send

    def die_after(*order: Any) -> None:
        machine.world.send = send  # type: ignore[method-assign]
        send(*order)
        raise Killed

    machine.world.send = die_after  # type: ignore[method-assign, assignment]
    machine.a_bar(TICKERS[0], 1.0, 0.35, 50, 0.2)
    (number,) = machine.broker.orders
    assert machine.core.orders_working == machine.broker.working != {}
    machine.fill_working()
    machine.a_bar(TICKERS[0], 1.0, 0.35, 50, 0.2)
    assert min(machine.broker.orders.keys() - {number}) > number
    assert machine.core.orders_working == machine.broker.working
    # Its trade's other leg, sent since, was not filled within the patience of legs: it is to be undone.
    (canceled,) = machine.world.asked_to_cancel
    assert canceled in machine.broker.working
    assert machine.broker.working[max(machine.broker.working)] == (machine.broker.orders[number].instrument, 17)


def test_what_is_decided_on_data_that_came_before_the_session_was_told_is_sent() -> None:
    machine = LeanMachine()
    machine.begin(SETTINGS[0], trading=False)
    machine.date += DAY
    machine.hour = 10.0
    machine.a_bar(TICKERS[0], 1.0, 0.35, 50, 0.2)  # LEAN looks at its schedule only after it
    assert machine.core.orders_working == machine.broker.working != {}


@pytest.mark.slow
def test_many_sequences() -> None:
    drive_for_long(LeanMachine)
