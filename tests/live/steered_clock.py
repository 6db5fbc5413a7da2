"""Clocks of processes that a test steers: they say another day, and run at any speed."""

import mmap
import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

__all__ = ["LIMIT", "SteeredClock"]

_SOURCE: Final = Path(__file__).with_name("steered_clock.c")
_VALUES: Final = struct.Struct("<qqqdq")  # as in steered_clock.c, twice behind the version
LIMIT: Final = 8 + 2 * _VALUES.size
"""Where the file has the limit."""
_SECOND: Final = 1_000_000_000
_LOOK: Final = 0.002


class SteeredClock:
    """The wall clock and the monotonic clock of all processes that have its ``environment``.

    Both run at the same speed, 1 at first. Where they run ``in_step``, that is the machine's beyond a limit, which one
    of those processes sets ahead as long as it keeps up: however busy the machine, what is done is soon done by these
    clocks. Skips the test where they cannot be made.
    """

    def __init__(self, folder: Path, start: float, limit: Callable[[], int] = lambda: 0) -> None:
        """``limit`` is asked every two milliseconds for a second limit, nanoseconds UTC, or 0."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("no C compiler: the clocks cannot be steered")
        library, path = folder / "steered_clock.so", folder / "clock"
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, _SOURCE], check=True)
        path.write_bytes(bytes(LIMIT + 16))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._version, self._other_limit = 0, limit
        self._gate, self._closed = threading.RLock(), threading.Event()
        now = time.monotonic_ns()
        self._machine, self._wall, self._monotonic = now, round(start * _SECOND), now
        self._speed, self._in_step = 1.0, False
        self._write()
        self._thread = threading.Thread(target=self._fall_behind, daemon=True)
        self._thread.start()
        self.environment = {"LD_PRELOAD": str(library), "ALO_CLOCK_FILE": str(path)}

    def now(self) -> float:
        """What the wall clock says, seconds UTC."""
        with self._gate:
            return (self._wall + self._passed(time.monotonic_ns())) / _SECOND

    def run(self, speed: float, *, in_step: bool = False) -> None:
        """Let both clocks run so many times as fast as the machine's from now on."""
        with self._gate:
            self._set_ahead(0)
            self._speed, self._in_step = speed, in_step
            self._write()

    def jump(self, to: float) -> None:
        """Set the wall clock ahead, and the monotonic clock as far."""
        with self._gate:
            self._set_ahead(max(round((to - self.now()) * _SECOND), 0))
            self._write()

    def forget_limit(self) -> None:
        """Who set it has ended."""
        self._map[LIMIT : LIMIT + 8] = bytes(8)

    @property
    def is_kept_up_with(self) -> bool:
        """Whether there is a limit, and the clock is before it."""
        return self._limit > self.now() * _SECOND

    def close(self) -> None:
        """Write no more; who has mapped the file reads on."""
        self._closed.set()
        self._thread.join()
        self._map.close()

    @property
    def _limit(self) -> int:
        limit, other = struct.unpack("<qq", self._map[LIMIT : LIMIT + 16])
        return min(int(limit), int(other)) if other else int(limit)

    def _passed(self, machine: int) -> int:
        """Nanoseconds since the state was true, when the machine's clock says ``machine``."""
        passed = int((machine - self._machine) * self._speed)
        if self._in_step:
            limit = max(self._limit - self._wall, 0)
            if passed > limit:
                return limit + machine - self._machine - int(limit / self._speed)
        return passed

    def _set_ahead(self, ahead: int) -> None:
        machine = time.monotonic_ns()
        passed = self._passed(machine) + ahead
        self._machine = machine
        self._wall, self._monotonic = self._wall + passed, self._monotonic + passed

    def _fall_behind(self) -> None:
        """Do not make up for what passed slowly."""
        while not self._closed.wait(_LOOK):
            with self._gate:
                self._map[LIMIT + 8 : LIMIT + 16] = struct.pack("<q", self._other_limit())
                machine = time.monotonic_ns()
                if self._in_step and self._passed(machine) < (machine - self._machine) * self._speed - _SECOND:
                    self._set_ahead(0)
                    self._write()

    def _write(self) -> None:
        self._version += 1
        place = 8 + self._version % 2 * _VALUES.size
        state = (self._machine, self._wall, self._monotonic, self._speed, int(self._in_step))
        self._map[place : place + _VALUES.size] = _VALUES.pack(*state)
        self._map[:8] = struct.pack("<q", self._version)
