"""What else the machine is doing."""

import re
from typing import Final

from alo_lib.host.finding import Finding, Standing
from alo_lib.host.machine import Machine

__all__ = ["neighbours"]

MOST_PRESSURE: Final = 5.0
"""Percent of the last minute in which somebody waited for a processor."""
MOST_STOLEN: Final = 0.5
"""Percent of all time since the machine started that its own host took away."""
_ACCOUNTED: Final = 8
"""Of a line of /proc/stat: the kinds of time that add up to all of it; the last is what was stolen."""


def neighbours(machine: Machine) -> Finding:
    """How long processes waited for a processor, and what a virtual machine's own host took."""
    name = "neighbours' load"
    wanted = f"waiting at most {MOST_PRESSURE:g} % of the time, at most {MOST_STOLEN:g} % stolen"
    pressure = re.search(r"^some .*avg60=([\d.]+)", machine.text("proc/pressure/cpu") or "", re.MULTILINE)
    load = re.match(r"\d+\.\d+(?= )", machine.text("proc/loadavg") or "")
    stolen = _stolen(machine)
    if pressure is None and load is None and stolen is None:
        return Finding.absent(name, "the kernel does not show it", wanted)
    waiting = float(pressure[1]) if pressure else None
    parts = [
        f"load {load[0]} on {len(machine.processors)} processors" if load else "",
        f"{waiting:g} % waiting" if waiting is not None else "",
        f"{stolen:.2f} % stolen" if stolen is not None else "",
    ]
    found = ", ".join(filter(None, parts))
    overloaded = waiting is not None and waiting > MOST_PRESSURE
    overloaded |= waiting is None and load is not None and float(load[0]) > len(machine.processors)
    if stolen is not None and stolen > MOST_STOLEN:
        cost = "frames are held for as long as the machine's host runs others, which nothing in it can prevent"
        return Finding(name, Standing.COSTS, found, wanted, cost, "an instance whose processors are its own")
    if overloaded:
        cost = "the engine beside the core waits for a processor, and caches are others' when a frame begins"
        return Finding(name, Standing.COSTS, found, wanted, cost, "move what else runs to another machine or processor")
    return Finding.good(name, found, wanted)


def _stolen(machine: Machine) -> float | None:
    """Percent of all processors' time that the machine's host took."""
    found = re.search(r"^cpu +([\d ]+)$", machine.text("proc/stat") or "", re.MULTILINE)
    times = [int(part) for part in found[1].split()] if found else []
    total = sum(times[:_ACCOUNTED])
    return 100.0 * times[_ACCOUNTED - 1] / total if len(times) >= _ACCOUNTED and total else None
