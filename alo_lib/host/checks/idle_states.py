"""How deep an idle processor sleeps."""

from typing import Final

from alo_lib.host.finding import Change, Finding
from alo_lib.host.machine import Machine

__all__ = ["idle_states"]

LONGEST_EXIT: Final = 10
"""Microseconds to leave a state, up to which it may stay on: a tenth of what the executive spins at the least."""


def idle_states(machine: Machine) -> Finding:
    """A processor that sleeps deep takes long to wake."""
    name, wanted = "C-states", f"none that takes more than {LONGEST_EXIT} us to leave"
    deep: dict[str, int] = {}
    states = machine.of_watched("cpuidle/state*")
    for state in states:
        exit_time = machine.number(f"{state}/latency")
        if exit_time is not None and exit_time > LONGEST_EXIT and machine.number(f"{state}/disable") == 0:
            deep[state] = exit_time
    if not states:
        return Finding.absent(name, "the kernel has no idle states to choose from here", wanted)
    if not deep:
        return Finding.good(name, "no deep one is on", wanted)
    names = sorted({machine.text(f"{state}/name") or state.rpartition("/")[2] for state in deep})
    longest = max(deep.values())
    return Finding.mended_by(
        name,
        f"{', '.join(names)}: up to {longest} us to leave",
        wanted,
        f"up to {longest} us of release lateness wherever the core sleeps, unless it spins for longer than that",
        tuple(Change(f"{state}/disable", "1") for state in deep),
    )
