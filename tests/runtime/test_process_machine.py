"""A core process and its host, driven with anything in any order; the machine says what must hold.

Faults that it has found stand here as the few steps that show each.
"""

from collections.abc import Iterator

import pytest

from alo_lib.records import HaltCause, Kind, OrderStatus, Stage, records
from alo_lib.runtime.link import Link
from tests.core.broker import order_event
from tests.core.chains import SETTINGS
from tests.core.killing import quick_calibrator
from tests.core.odd import likely
from tests.core.script import FIRST, at
from tests.core.test_machine import drive, drive_for_long
from tests.runtime.process_machine import NAPS, ProcessMachine


@pytest.fixture(autouse=True)
def in_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides are of one thread's time, journals are in memory, and fits are remembered."""
    monkeypatch.setattr("alo_lib.core.trading.LogicalCalibrator", quick_calibrator)
    monkeypatch.setattr("alo_lib.runtime.process.BackgroundCalibrator", quick_calibrator)
    monkeypatch.setattr("alo_lib.runtime.process.JournalFolder", lambda *given, **named: NAPS.place)
    monkeypatch.setattr("alo_lib.runtime.remote.clocks", NAPS)
    monkeypatch.setattr("alo_lib.runtime.remote.read_journal", lambda path, unfinished: NAPS.place.journal())
    monkeypatch.setattr(Link, "watch", lambda link: None)


def test_whatever_comes_and_is_killed_both_sides_believe_what_is() -> None:
    drive(ProcessMachine, sequences=4, steps=15, again=True)


@pytest.mark.slow
def test_many_sequences() -> None:
    drive_for_long(ProcessMachine)


@pytest.fixture(params=[True, False], ids=["paced", "of its own time"])
def machine(request: pytest.FixtureRequest) -> Iterator[ProcessMachine]:
    made = ProcessMachine()
    made.begin(settings=SETTINGS[0], trading=True, keeping=True, paced=request.param)
    yield made
    made.teardown()


def told_of_nothing_sent(machine: ProcessMachine) -> None:
    """The broker says that it filled an order that it was never sent."""
    machine.tell(Kind.ORDER_EVENT, order_event(10**6, 0, 1, OrderStatus.FILLED), true=False)
    assert machine.core.wants_reconciliation
    machine.the_host_believes_what_the_core_believes()


def test_a_cause_to_reconcile_is_told_from_one_of_a_process_before(machine: ProcessMachine) -> None:
    told_of_nothing_sent(machine)
    machine.reconcile()
    machine.kill()
    told_of_nothing_sent(machine)


def halt(machine: ProcessMachine, halted: int) -> None:
    machine.tell(Kind.HALT, records(Kind.HALT, cause=HaltCause.RECONCILIATION, halted=halted))


@pytest.mark.parametrize("killed", [False, True])
def test_what_is_refused_while_a_host_reconciles_is_another_cause(machine: ProcessMachine, killed: bool) -> None:
    told_of_nothing_sent(machine)
    halt(machine, 1)
    told_of_nothing_sent(machine)
    if killed:
        machine.kill()
    halt(machine, 0)
    assert machine.core.wants_reconciliation
    machine.the_host_believes_what_the_core_believes()
    machine.reconcile()


def test_a_new_host_reconciles_for_causes_that_the_one_before_had_not(machine: ProcessMachine) -> None:
    if machine.paced:
        pytest.skip("its run ends with its host")
    told_of_nothing_sent(machine)
    machine.reconcile()
    told_of_nothing_sent(machine)
    machine.new_host()
    assert not machine.core.wants_reconciliation


def test_a_host_knows_the_instruments_that_it_tells_of_whoever_numbered_them(machine: ProcessMachine) -> None:
    (odd,) = likely(Kind.INSTRUMENT, 1)["instrument"].tolist()
    machine.tell(Kind.INSTRUMENT, likely(Kind.INSTRUMENT, 1))
    assert odd in machine.believed.owner
    machine.broker.trade(odd, 3)  # of which nobody tells
    machine.reconcile()
    assert machine.core.holdings[odd] == 3


@pytest.mark.parametrize("time", [0, at(FIRST, -48)])
def test_a_host_believes_what_the_core_does_of_what_it_tells_of_another_time(
    machine: ProcessMachine, time: int
) -> None:
    machine.broker.trade(0, 100 - machine.broker.positions.get(0, 0))
    machine.reconcile()
    for kind, columns in (
        (Kind.SPLIT, {"time": time, "factor": 0.5}),
        (Kind.EXTERNAL_STAGE, {"stage": Stage.RISK, "external": 1}),
        (Kind.ORDER_EVENT, {"quantity": 7, "price": 1.0, "status": OrderStatus.FILLED}),
    ):
        machine.tell(kind, records(kind, **columns), time, true=False)
        machine.a_frame(1)
        machine.the_host_believes_what_the_core_believes()
    assert machine.core.holdings[0] == 207
    machine.reconcile()


def test_a_host_does_not_believe_what_it_says_of_within_a_frame(machine: ProcessMachine) -> None:
    machine.tell(Kind.EXTERNAL_STAGE, records(Kind.EXTERNAL_STAGE, stage=Stage.RISK, external=1, within=1), true=False)
    machine.a_frame(1)
    machine.the_host_believes_what_the_core_believes()
    assert not machine.core.external.stages
