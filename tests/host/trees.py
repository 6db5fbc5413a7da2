"""Pictures of hosts: the files of /sys and /proc that the checks read, in a folder."""

from collections.abc import Mapping
from pathlib import Path

CPUS = "sys/devices/system/cpu"
HUGE = "sys/kernel/mm/hugepages/hugepages-2048kB"
THP = "sys/kernel/mm/transparent_hugepage"
CLOCK = "sys/devices/system/clocksource/clocksource0"

LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max locked memory         {memlock}              {memlock}              bytes
Max realtime priority     {rtprio}                    {rtprio}
"""

TUNED = {
    f"{CPUS}/online": "0-3",
    f"{CPUS}/isolated": "3",
    f"{CPUS}/nohz_full": "3",
    "proc/cmdline": "quiet isolcpus=3 nohz_full=3 rcu_nocbs=3 irqaffinity=0-2",
    **{f"{CPUS}/cpu{n}/cpufreq/scaling_governor": "performance" for n in range(4)},
    **{f"{CPUS}/cpu{n}/cpuidle/state0/{file}": text for n in range(4) for file, text in
       {"name": "POLL", "latency": "0", "disable": "0"}.items()},
    **{f"{CPUS}/cpu{n}/cpuidle/state3/{file}": text for n in range(4) for file, text in
       {"name": "C6", "latency": "133", "disable": "1"}.items()},
    f"{CPUS}/intel_pstate/no_turbo": "1",
    "proc/irq/24/smp_affinity_list": "0-2",
    "proc/irq/131/smp_affinity_list": "1",
    "proc/self/limits": LIMITS.format(memlock="unlimited", rtprio="99"),
    "proc/self/status": "Name:\tpython\nCapEff:\t0000000000000000\n",
    f"{HUGE}/nr_hugepages": "128",
    f"{HUGE}/free_hugepages": "128",
    f"{THP}/enabled": "always [madvise] never",
    f"{THP}/defrag": "always defer defer+madvise [madvise] never",
    "proc/swaps": "Filename\tType\tSize\tUsed\tPriority",
    f"{CLOCK}/current_clocksource": "tsc",
    f"{CLOCK}/available_clocksource": "tsc hpet acpi_pm",
    "sys/devices/system/node/node0/cpulist": "0-3",
    "proc/sys/kernel/version": "#1 SMP PREEMPT_RT Tue Jan 2 2024",
    "proc/sys/kernel/osrelease": "6.1.0-rt",
    "proc/sys/kernel/sched_rt_runtime_us": "950000",
    "proc/sys/kernel/sched_rt_period_us": "1000000",
    "proc/sys/kernel/random/boot_id": "first",
    "proc/self/cgroup": "0::/desk.slice/core.service",
    "sys/fs/cgroup/desk.slice/core.service/cpu.max": "max 100000",
    "sys/fs/cgroup/desk.slice/cpuset.cpus.effective": "0-3",
    "proc/pressure/cpu": "some avg10=0.00 avg60=0.31 avg300=0.00 total=1",
    "proc/loadavg": "0.20 0.10 0.05 1/100 4242",
    "proc/stat": "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3",
}  # fmt: skip
"""A host of four processors of which the last is the core's, set up as the documents say."""


def tree(root: Path, changes: Mapping[str, str | None] = {}) -> Path:
    """Lay out the tuned host with some files changed, or left out where they are None."""
    for path, text in {**TUNED, **changes}.items():
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(f"{text}\n")
    return root
