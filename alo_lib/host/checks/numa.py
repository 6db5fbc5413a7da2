"""Where memory is near."""

from alo_lib.host.finding import Finding, Standing
from alo_lib.host.machine import Machine, processors_of

__all__ = ["numa"]


def numa(machine: Machine) -> Finding:
    """A process gets memory of the node that it runs on when it touches it first: so it has to stay there."""
    name, wanted = "NUMA", "one node, or the core pinned to a processor of one"
    lists = machine.matching("sys/devices/system/node/node[0-9]*/cpulist")
    nodes = {path.split("/")[-2].removeprefix("node"): processors_of(machine.text(path) or "") for path in lists}
    if not nodes:
        return Finding.absent(name, "the kernel does not show nodes", wanted)
    if len(nodes) == 1:
        return Finding.good(name, "one node", wanted)
    if machine.processor is not None:
        own = next((number for number, members in nodes.items() if machine.processor in members), None)
        return Finding.good(name, f"{len(nodes)} nodes, processor {machine.processor} in node {own}", wanted)
    cost = "memory of another node takes half as long again to reach, and twice where the link is busy"
    return Finding(name, Standing.COSTS, f"{len(nodes)} nodes", wanted, cost, "alo core --cpu N pins the core")
