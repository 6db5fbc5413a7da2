"""How the kernel chooses a processor's frequency."""

from alo_lib.host.finding import Change, Finding
from alo_lib.host.machine import Machine

__all__ = ["governor"]


def governor(machine: Machine) -> Finding:
    """Frequencies that follow the load are low when a frame begins."""
    name, wanted = "frequency governor", "performance"
    files = machine.of_watched("cpufreq/scaling_governor")
    found = {path: machine.text(path) or "unknown" for path in files}
    if not found:
        return Finding.absent(name, "the kernel does not choose the frequency here", wanted)
    shown = ", ".join(sorted(set(found.values())))
    changes = tuple(Change(path, wanted) for path, now in found.items() if now != wanted)
    if not changes:
        return Finding.good(name, shown, wanted)
    cost = "a frame that follows idle milliseconds runs at a fraction of the speed until the frequency has risen"
    return Finding.mended_by(name, shown, wanted, cost, changes)
