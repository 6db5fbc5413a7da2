"""Whether the processor may run above its base frequency."""

from alo_lib.host.finding import Change, Finding
from alo_lib.host.machine import Machine

__all__ = ["turbo"]

_OFF = (("sys/devices/system/cpu/intel_pstate/no_turbo", "1"), ("sys/devices/system/cpu/cpufreq/boost", "0"))
"""The file of each driver, and what it says when turbo is off."""


def turbo(machine: Machine) -> Finding:
    """Turbo is faster on the whole and unsteady: what it gives depends on what the other processors do.

    It is never switched off by itself, because the whole machine would be slower for it.
    """
    name, wanted = "turbo", "off, where the tail of a frame matters more than its median"
    for path, off in _OFF:
        if (now := machine.text(path)) is None:
            continue
        if now == off:
            return Finding.good(name, "off", wanted)
        cost = "frames take longer whenever the other processors are busy or hot; halts of some 10 us as it changes"
        return Finding.mended_by(name, "on", wanted, cost, (Change(path, off),))._replace(changes=())
    return Finding.absent(name, "the kernel does not show it here", wanted)
