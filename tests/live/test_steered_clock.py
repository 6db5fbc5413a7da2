"""Clocks that a test steers: processes wait by them, and they stand still at a limit."""

import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live.steered_clock import LIMIT, SteeredClock

pytestmark = pytest.mark.slow

BEGIN = 1_700_000_000.0
WAITS = """
import threading, time
wall, monotonic = time.time(), time.monotonic()
time.sleep(600)
threading.Event().wait(600)
threading.Lock().acquire() and threading.Semaphore(0).acquire(timeout=600)
print(wall, time.time() - wall, time.monotonic() - monotonic)
"""


def test_waits_end_when_a_steered_clock_has_come_so_far(tmp_path: Path) -> None:
    clock = SteeredClock(tmp_path, BEGIN)
    try:
        clock.run(2000.0)
        began = time.monotonic()
        output = subprocess.run(
            [sys.executable, "-c", WAITS], env=os.environ | clock.environment, check=True, capture_output=True
        ).stdout
        took = time.monotonic() - began
    finally:
        clock.close()
    wall, *passed = map(float, output.split())
    assert BEGIN <= wall < BEGIN + 2000 * took
    assert all(1800 <= each <= 2000 * took for each in passed)
    assert took < 600


def test_a_clock_in_step_is_slow_beyond_the_limit_and_does_not_make_up_for_it(tmp_path: Path) -> None:
    clock = SteeredClock(tmp_path, BEGIN)
    try:
        began = time.monotonic()
        clock.run(1e4, in_step=True)  # no limit was set yet
        time.sleep(0.01)
        assert BEGIN < clock.now() <= BEGIN + 1 + time.monotonic() - began
        with (tmp_path / "clock").open("r+b") as file:
            file.seek(LIMIT)
            file.write(struct.pack("<q", int((BEGIN + 1e3) * 1e9)))
        time.sleep(0.3)
        assert BEGIN + 1e3 < clock.now() < BEGIN + 1e3 + time.monotonic() - began + 1
        clock.run(0.0)
        clock.jump(BEGIN + 1e5)
        assert clock.now() == BEGIN + 1e5
        clock.jump(BEGIN)
        assert clock.now() == BEGIN + 1e5  # never back
    finally:
        clock.close()
