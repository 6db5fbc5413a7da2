"""What this user may have of priority and of memory that stays."""

import re
from typing import Final

from alo_lib.host.finding import Finding, Standing
from alo_lib.host.machine import Machine

__all__ = ["locked_memory", "realtime_priority"]

CORE_PRIORITY: Final = 80
"""SCHED_FIFO's priority that the core asks for by default."""
_NICE, _LOCK = 23, 14
"""Bits of CAP_SYS_NICE and CAP_IPC_LOCK."""


def realtime_priority(machine: Machine) -> Finding:
    """SCHED_FIFO is granted up to a limit, or to whoever has CAP_SYS_NICE."""
    name, wanted = "rtprio limit", f"at least {CORE_PRIORITY}, or CAP_SYS_NICE"
    limit = machine.limit("Max realtime priority")
    if _capable(machine, _NICE):
        return Finding.good(name, f"{limit or 'no limit shown'}, and CAP_SYS_NICE", wanted)
    if limit is None:
        return Finding.absent(name, "the kernel does not show it", wanted)
    if limit == "unlimited" or int(limit) >= CORE_PRIORITY:
        return Finding.good(name, limit, wanted)
    cost = "the core runs beside everybody else: any process may hold a frame for milliseconds"
    return Finding(name, Standing.COSTS, limit, wanted, cost, "LimitRTPRIO=99 in the unit, or rtprio 99 in limits.conf")


def locked_memory(machine: Machine) -> Finding:
    """Memory that is locked is never paged out."""
    name, wanted = "memlock limit", "unlimited, or CAP_IPC_LOCK"
    limit = machine.limit("Max locked memory")
    shown = f"{int(limit) >> 20} MiB" if limit and limit.isdigit() else limit
    if _capable(machine, _LOCK):
        return Finding.good(name, f"{shown or 'no limit shown'}, and CAP_IPC_LOCK", wanted)
    if limit is None or shown is None:
        return Finding.absent(name, "the kernel does not show it", wanted)
    if limit == "unlimited":
        return Finding.good(name, limit, wanted)
    cost = "a page that was taken away comes back from the disk within a frame: 0.1 to 10 ms"
    mend = "LimitMEMLOCK=infinity in the unit, or memlock unlimited in limits.conf"
    return Finding(name, Standing.COSTS, shown, wanted, cost, mend)


def _capable(machine: Machine, bit: int) -> bool:
    found = re.search(r"^CapEff:\s*([0-9a-fA-F]+)$", machine.text("proc/self/status") or "", re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> bit & 1)
