"""What the kernel reads the time from."""

import time
from statistics import median
from typing import Final

from alo_lib.host.finding import Change, Finding, Standing
from alo_lib.host.machine import Machine

__all__ = ["clock_source"]

_FOLDER: Final = "sys/devices/system/clocksource/clocksource0"
_FAST: Final = ("tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter")
"""Read without entering the kernel."""
_ROUNDS, _READINGS = 9, 2_000


def clock_source(machine: Machine) -> Finding:
    """A core reads the clock all the time while it spins."""
    name, wanted = "clocksource", "tsc"
    now, offered = machine.text(f"{_FOLDER}/current_clocksource"), machine.text(f"{_FOLDER}/available_clocksource")
    if now is None:
        return Finding.absent(name, "the kernel does not show it", wanted)
    found = f"{now}, {_reading():.0f} ns a reading" if machine.live else now
    if now in _FAST:
        return Finding.good(name, found, wanted)
    cost = "about a microsecond a reading in the place of 20 to 50 ns, thousands of times a frame"
    if wanted in (offered or "").split():
        return Finding.mended_by(name, found, wanted, cost, (Change(f"{_FOLDER}/current_clocksource", wanted),))
    return Finding(name, Standing.COSTS, found, wanted, cost, "boot with tsc=reliable, if the processor's is")


def _reading() -> float:
    """Nanoseconds that reading the clock takes here, the call from Python included."""
    read = time.monotonic_ns
    took = []
    for _ in range(_ROUNDS):
        began = read()
        for _ in range(_READINGS):
            read()
        took.append((read() - began) / _READINGS)
    return median(took)
