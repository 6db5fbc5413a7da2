"""Which processors devices interrupt."""

from alo_lib.host.finding import Change, Finding, Standing
from alo_lib.host.machine import Machine, processors_of, ranges_of

__all__ = ["interrupts"]


def interrupts(machine: Machine) -> Finding:
    """Devices should interrupt other processors than the core's."""
    name, core = "irq affinity", machine.processor
    files = machine.matching("proc/irq/[0-9]*/smp_affinity_list")
    if core is None:
        return Finding.absent(name, f"{len(files)} interrupts", "off the core's processor, which --cpu names")
    wanted = f"none on processor {core}"
    others = set(machine.processors) - {core}
    if not files:
        return Finding.absent(name, "no interrupts that can be moved", wanted)
    if not others:
        return Finding.absent(name, "there is one processor", wanted)
    allowed = {path: processors_of(machine.text(path) or "") for path in files}
    on_core = {path: rest for path, rest in allowed.items() if core in rest}
    if not on_core:
        return Finding.good(name, f"none of {len(files)}", wanted)
    changes = tuple(Change(path, ranges_of(rest - {core} or others)) for path, rest in on_core.items())
    found = f"{len(on_core)} of {len(files)} may come there"
    cost = "each interrupt takes 2 to 20 us out of the frame that it meets"
    mend = f"boot with irqaffinity={ranges_of(others)}, or echo that to each /proc/irq/*/smp_affinity_list"
    return Finding(name, Standing.COSTS, found, wanted, cost, mend, changes)
