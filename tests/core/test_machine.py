"""A core that is driven with anything in any order; the machine says what must hold."""

import os
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from alo_lib.records import Kind
from alo_lib.runtime import reconcile
from tests.core.broker import Broker
from tests.core.killing import quick_calibrator
from tests.core.machine import CoreMachine
from tests.core.script import FIRST, at, script

SEQUENCES = int(os.environ.get("ALO_FUZZ_SEQUENCES", "100000"))
SECONDS = float(os.environ.get("ALO_FUZZ_SECONDS", "1800"))
"""Where the slow run ends, whichever comes first."""
BATCH = 200


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits are remembered: the same request gives the same bits."""
    monkeypatch.setattr("alo_lib.core.trading.LogicalCalibrator", quick_calibrator)


def drive(machine: type[CoreMachine], sequences: int, steps: int, *, again: bool = False) -> None:
    """Drive a machine through random sequences of steps; ``again``, through the same ones each time."""
    checks = list(HealthCheck)
    options = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=again,
        suppress_health_check=checks,
    )
    run_state_machine_as_test(machine, settings=options)


def drive_for_long(machine: type[CoreMachine]) -> None:
    """Through as many sequences as the environment asks for, or as there is time for."""
    end, before = time.monotonic() + SECONDS, machine.sequences
    while machine.sequences - before < SEQUENCES and time.monotonic() < end:
        drive(machine, sequences=BATCH, steps=40)
    print(f"{machine.sequences - before} sequences of {machine.__name__}")


def test_whatever_comes_the_core_lives_and_believes_what_is() -> None:
    drive(CoreMachine, sequences=15, steps=20, again=True)


def test_part_of_an_order_that_was_told_twice_is_put_right_by_reconciling() -> None:
    """No record says which fill it is of, so the order is canceled and its position told."""
    market = script()
    market.answer = lambda intent, time: None  # type: ignore[method-assign]
    order = market.bar(10, volatility=0.35)[0][0]
    broker = Broker()
    broker.receive(order)
    number, instrument, part = int(order["order"]), int(order["instrument"]), int(order["quantity"]) // 3
    row = broker.fill(number, 1 / 3)
    for _ in range(2):
        market.tell(at(FIRST, 10.1), Kind.ORDER_EVENT, row.copy())
    assert market.core.holdings == {instrument: 2 * part}
    for message in reconcile(market.core, *broker.told(), at(FIRST, 10.2)).messages:
        market.core.accept(message)
    assert market.core.holdings == broker.positions == {instrument: part}


@pytest.mark.slow
def test_a_hundred_thousand_sequences() -> None:
    drive_for_long(CoreMachine)
