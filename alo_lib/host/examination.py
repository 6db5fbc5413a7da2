"""Every check of a host, in the order in which they are told."""

from collections.abc import Callable
from typing import Final

from alo_lib.host.checks.clock_offset import clock_offset
from alo_lib.host.checks.clock_source import clock_source
from alo_lib.host.checks.container import container_limits
from alo_lib.host.checks.disk import disk
from alo_lib.host.checks.explicit_huge_pages import explicit_huge_pages
from alo_lib.host.checks.governor import governor
from alo_lib.host.checks.idle_states import idle_states
from alo_lib.host.checks.interrupts import interrupts
from alo_lib.host.checks.isolated_processors import isolcpus, nohz_full, rcu_nocbs
from alo_lib.host.checks.neighbours import neighbours
from alo_lib.host.checks.numa import numa
from alo_lib.host.checks.preemption import preemption
from alo_lib.host.checks.process_limits import locked_memory, realtime_priority
from alo_lib.host.checks.swap import swap
from alo_lib.host.checks.throttling import realtime_throttling
from alo_lib.host.checks.transparent_huge_pages import defragmentation, transparent_huge_pages
from alo_lib.host.checks.turbo import turbo
from alo_lib.host.finding import Finding
from alo_lib.host.machine import Machine

__all__ = ["CHECKS", "examine"]

CHECKS: Final[tuple[Callable[[Machine], Finding], ...]] = (
    governor,
    idle_states,
    turbo,
    isolcpus,
    nohz_full,
    rcu_nocbs,
    interrupts,
    realtime_priority,
    locked_memory,
    explicit_huge_pages,
    transparent_huge_pages,
    defragmentation,
    swap,
    clock_source,
    numa,
    preemption,
    realtime_throttling,
    container_limits,
    neighbours,
    disk,
    clock_offset,
)


def examine(machine: Machine) -> list[Finding]:
    """What each check finds; nothing is changed."""
    return [check(machine) for check in CHECKS]
