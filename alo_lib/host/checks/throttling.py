"""How much of a second the kernel grants processes of real time."""

from typing import Final

from alo_lib.host.finding import Change, Finding
from alo_lib.host.machine import Machine

__all__ = ["realtime_throttling"]

_RUNTIME, _PERIOD = "proc/sys/kernel/sched_rt_runtime_us", "proc/sys/kernel/sched_rt_period_us"
LEAST: Final = 0.9
"""Of a second: what a core with every budget used up, and its spinning, may take."""


def realtime_throttling(machine: Machine) -> Finding:
    """The rest is what saves a machine from a process that never ends; so some has to be left."""
    name, wanted = "RT throttling", f"from {LEAST:.0%} of a second to less than all of it"
    runtime, period = machine.number(_RUNTIME), machine.number(_PERIOD)
    if runtime is None or not period:
        return Finding.absent(name, "the kernel does not throttle", wanted)
    share = runtime / period
    found = "none: all of a second" if runtime < 0 else f"{share:.0%} of a second"
    if LEAST <= share < 1.0:
        return Finding.good(name, found, wanted)
    late = "the core is stopped for the rest of each second once it has had its share"
    cost = late if 0 <= share < LEAST else "a process of real time that never ends takes the machine with it"
    return Finding.mended_by(name, found, wanted, cost, (Change(_RUNTIME, str(round(0.95 * period))),))
