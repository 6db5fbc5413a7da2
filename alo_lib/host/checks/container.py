"""What a container, or a unit of systemd, leaves of the host."""

import re
from pathlib import PurePosixPath
from typing import Final

from alo_lib.host.finding import Finding, Standing
from alo_lib.host.machine import Machine, processors_of

__all__ = ["container_limits"]

_NO_LIMIT: Final = 1 << 50
"""Bytes; version 1 shows a number beyond it where there is no limit."""


def container_limits(machine: Machine) -> Finding:
    """A quota of processor time stops everything in the group for the rest of a period once it is used up."""
    name, wanted = "container limits", "no quota of processor time; the core's processor among the group's"
    groups = _groups(machine)
    if not groups:
        return Finding.absent(name, "there are no control groups", wanted)
    quota = _quota(machine, groups)
    members = _members(machine, groups)
    memory = _memory(machine, groups)
    parts = (f"{quota:g} processors" if quota else "no quota", f"processors {members}" * bool(members), memory)
    found = ", ".join(filter(None, parts))
    if quota:
        cost = f"stopped for what is left of each 100 ms once {quota:g} processors' time of it is used up"
        mend = "a whole number of processors by cpuset in the place of --cpus; on Kubernetes the static CPU manager"
        return Finding(name, Standing.COSTS, found, wanted, cost, mend)
    if machine.processor is not None and members and machine.processor not in processors_of(members):
        cost = f"the core cannot be pinned to processor {machine.processor}, which is not in its group"
        return Finding(name, Standing.COSTS, found, wanted, cost, f"--cpuset-cpus {machine.processor}")
    return Finding.good(name, found, wanted)


def _groups(machine: Machine) -> list[str]:
    """Folders of this process's control groups, nearest first: of version 2, or of the controllers of version 1."""
    found: list[str] = []
    for line in (machine.text("proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        base = PurePosixPath("sys/fs/cgroup", controllers) if controllers else PurePosixPath("sys/fs/cgroup")
        own = base / path.lstrip("/")
        found += [each.as_posix() for each in (own, *own.parents) if each == base or base in each.parents]
    return found


def _quota(machine: Machine, groups: list[str]) -> float | None:
    """Processors' worth of time, by the tightest group; None without a quota."""
    quotas = []
    for group in groups:
        if limit := re.fullmatch(r"(\d+) (\d+)", machine.text(f"{group}/cpu.max") or ""):
            quotas.append(int(limit[1]) / int(limit[2]))
        runtime, period = machine.number(f"{group}/cpu.cfs_quota_us"), machine.number(f"{group}/cpu.cfs_period_us")
        if runtime is not None and runtime > 0 and period:
            quotas.append(runtime / period)
    return min(quotas, default=None)


def _members(machine: Machine, groups: list[str]) -> str:
    files = ("cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus")
    return next(filter(None, (machine.text(f"{group}/{file}") for group in groups for file in files)), "")


def _memory(machine: Machine, groups: list[str]) -> str:
    files = ("memory.max", "memory.limit_in_bytes")
    numbers = (machine.number(f"{group}/{file}") for group in groups for file in files)
    least = min((number for number in numbers if number is not None and number < _NO_LIMIT), default=None)
    return "" if least is None else f"{least >> 20} MiB of memory"
