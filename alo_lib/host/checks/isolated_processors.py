"""What the kernel was booted with to leave a processor alone: the scheduler, the tick, and the callbacks of RCU."""

from typing import Final

from alo_lib.host.finding import Finding, Standing
from alo_lib.host.machine import Machine, processors_of, ranges_of

__all__ = ["isolcpus", "nohz_full", "rcu_nocbs"]

_SYS: Final = "sys/devices/system/cpu"


def isolcpus(machine: Machine) -> Finding:
    """The scheduler puts nothing on a processor that is isolated."""
    shown = machine.text(f"{_SYS}/isolated")  # where the kernel tells, that counts, not what it was asked for
    asked = shown if shown is not None else machine.boot_options.get("isolcpus", "")
    cost = "whatever else is ready may run on the core's processor, and be in its caches when a frame begins"
    return _finding(machine, "isolcpus", processors_of(asked), cost)


def nohz_full(machine: Machine) -> Finding:
    """A processor with one thing to run has no tick."""
    shown = machine.text(f"{_SYS}/nohz_full")
    asked = shown if shown is not None else machine.boot_options.get("nohz_full", "")
    cost = "the tick interrupts a frame up to a thousand times a second, for some 5 us each"
    return _finding(machine, "nohz_full", processors_of(asked), cost)


def rcu_nocbs(machine: Machine) -> Finding:
    """What the kernel puts off is done on other processors; ``nohz_full`` implies it."""
    named = processors_of(machine.boot_options.get("rcu_nocbs", ""))
    named |= processors_of(machine.text(f"{_SYS}/nohz_full") or "")
    cost = "the kernel's deferred work runs on the core's processor, up to hundreds of us at a time"
    return _finding(machine, "rcu_nocbs", named, cost)


def _finding(machine: Machine, option: str, named: set[int], cost: str) -> Finding:
    found, core = ranges_of(named) or "none", machine.processor
    wanted = "the core's processor, which --cpu names" if core is None else f"processor {core}"
    if (core in named) if core is not None else named:
        return Finding.good(option, found, wanted)
    if len(machine.processors) < 2:
        return Finding.absent(option, "there is one processor, which all have to share", wanted)
    example = machine.processors[-1] if core is None else core
    return Finding(option, Standing.COSTS, found, wanted, cost, f"boot with {option}={example}")
