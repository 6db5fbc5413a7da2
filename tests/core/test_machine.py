"""A core that is driven with anything in any order; the machine says what must hold."""

import os
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.core.machine import CoreMachine, quick_calibrator

SEQUENCES = int(os.environ.get("ALO_FUZZ_SEQUENCES", "100000"))
SECONDS = float(os.environ.get("ALO_FUZZ_SECONDS", "1800"))
"""Where the slow run ends, whichever comes first."""
BATCH = 200


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits are remembered: the same request gives the same bits."""
    monkeypatch.setattr("alo_lib.core.trading.LogicalCalibrator", quick_calibrator)


def drive(sequences: int, steps: int) -> None:
    """Drive a core through random sequences of steps."""
    checks = list(HealthCheck)
    options = settings(
        max_examples=sequences, stateful_step_count=steps, deadline=None, database=None, suppress_health_check=checks
    )
    run_state_machine_as_test(CoreMachine, settings=options)


def test_whatever_comes_the_core_lives_and_believes_what_is() -> None:
    drive(sequences=60, steps=20)


@pytest.mark.slow
def test_a_hundred_thousand_sequences() -> None:
    end, before = time.monotonic() + SECONDS, CoreMachine.sequences
    while CoreMachine.sequences - before < SEQUENCES and time.monotonic() < end:
        drive(sequences=BATCH, steps=40)
    print(f"{CoreMachine.sequences - before} sequences")
