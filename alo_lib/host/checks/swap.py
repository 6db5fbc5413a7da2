"""Whether memory may be put on a disk."""

from alo_lib.host.finding import Finding, Standing
from alo_lib.host.machine import Machine

__all__ = ["swap"]


def swap(machine: Machine) -> Finding:
    """The core locks its memory; the engine beside it, and what it reads, do not."""
    name, wanted = "swap", "none"
    text = machine.text("proc/swaps")
    if text is None:
        return Finding.absent(name, "the kernel has none", wanted)
    places = [line.split() for line in text.splitlines()[1:]]
    if not places:
        return Finding.good(name, "none", wanted)
    kib = sum(int(place[2]) for place in places if len(place) > 2 and place[2].isdigit())
    cost = "an engine whose memory was put away answers late by the disk's time, for each page"
    return Finding(name, Standing.COSTS, f"{kib >> 10} MiB on {places[0][0]}", wanted, cost, "swapoff -a")
