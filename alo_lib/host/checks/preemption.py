"""Whether the kernel lets go of a processor while it works for somebody."""

from typing import Final

from alo_lib.host.finding import Change, Finding, Standing
from alo_lib.host.machine import Machine

__all__ = ["preemption"]

_DYNAMIC: Final = "sys/kernel/debug/sched/preempt"


def preemption(machine: Machine) -> Finding:
    """A kernel that does not preempt itself holds a wake-up for as long as somebody's system call takes."""
    name, wanted = "preemption model", "PREEMPT_RT, or full"
    if machine.text("sys/kernel/realtime") == "1":
        return Finding.good(name, "PREEMPT_RT", wanted)
    version = machine.text("proc/sys/kernel/version") or ""
    cost = "a wake-up waits for whatever system call is under way, up to milliseconds"
    dynamic = machine.chosen(_DYNAMIC)
    asked = machine.boot_options.get("preempt")
    if "PREEMPT_RT" in version:
        return Finding.good(name, "PREEMPT_RT", wanted)
    if dynamic is not None:
        if dynamic == "full":
            return Finding.good(name, "full", wanted)
        return Finding.mended_by(name, dynamic, wanted, cost, (Change(_DYNAMIC, "full"),))
    if "PREEMPT_DYNAMIC" in version:
        if asked == "full":
            return Finding.good(name, "full, as booted", wanted)
        found = f"{asked or 'the default'}, chosen at boot"
        return Finding(name, Standing.COSTS, found, wanted, cost, "boot with preempt=full")
    if "PREEMPT" in version:
        return Finding.good(name, "full", wanted)
    if not version:
        return Finding.absent(name, "the kernel does not show it", wanted)
    return Finding(name, Standing.COSTS, "none", wanted, cost, "use a kernel with PREEMPT_DYNAMIC or PREEMPT_RT")
