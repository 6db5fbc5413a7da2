"""Each check on pictures of hosts: one that is tuned, and the same with one thing wrong or missing."""

from pathlib import Path
from types import MappingProxyType

import pytest

from alo_lib.host import CHECKS, Change, Machine, Standing, examine
from alo_lib.host.checks.clock_offset import ClockState, judge
from alo_lib.host.machine import processors_of, ranges_of
from tests.host.trees import CLOCK, CPUS, HUGE, LIMITS, THP, tree

GOOD, COSTS, ABSENT = Standing.GOOD, Standing.COSTS, Standing.ABSENT
UNSHOWN = {"disk's fsync", "clock offset"}
"""What only a live host tells."""


def finding(root, name, changes=MappingProxyType({}), processor=3):
    found = {each.name: each for each in examine(Machine(tree(root, changes), processor=processor))}
    return found[name]


def test_a_tuned_host_costs_nothing(tmp_path):
    findings = examine(Machine(tree(tmp_path), processor=3))
    assert len(findings) == len(CHECKS) == len({each.name for each in findings})
    assert {each.name for each in findings if each.standing is not GOOD} == UNSHOWN
    assert not any(each.cost or each.mend or each.changes for each in findings)


def test_a_host_that_shows_nothing_is_not_said_to_be_good(tmp_path):
    findings = {each.name: each for each in examine(Machine(tmp_path, processor=3))}
    assert {name for name, each in findings.items() if each.standing is GOOD} == set()
    assert not any(each.changes for each in findings.values())


SLOW = dict.fromkeys((f"{CPUS}/cpu{n}/cpufreq/scaling_governor" for n in range(4)), "powersave")
DEEP = dict.fromkeys((f"{CPUS}/cpu{n}/cpuidle/state3/disable" for n in range(4)), "0")


@pytest.mark.parametrize(
    ("name", "changes", "found", "fixes"),
    [
        ("frequency governor", SLOW, "powersave", {f"{CPUS}/cpu3/cpufreq/scaling_governor": "performance"}),
        ("C-states", DEEP, "C6: up to 133 us to leave", {f"{CPUS}/cpu3/cpuidle/state3/disable": "1"}),
        ("turbo", {f"{CPUS}/intel_pstate/no_turbo": "0"}, "on", {}),
        ("turbo", {f"{CPUS}/intel_pstate/no_turbo": None, f"{CPUS}/cpufreq/boost": "1"}, "on", {}),
        ("isolcpus", {f"{CPUS}/isolated": ""}, "none", {}),
        ("isolcpus", {f"{CPUS}/isolated": "1-2"}, "1-2", {}),
        ("nohz_full", {f"{CPUS}/nohz_full": "(null)"}, "none", {}),
        ("rcu_nocbs", {"proc/cmdline": "quiet", f"{CPUS}/nohz_full": ""}, "none", {}),
        (
            "irq affinity",
            {"proc/irq/24/smp_affinity_list": "0-3", "proc/irq/131/smp_affinity_list": "3"},
            "2 of 2 may come there",
            {"proc/irq/24/smp_affinity_list": "0-2", "proc/irq/131/smp_affinity_list": "0-2"},
        ),
        ("rtprio limit", {"proc/self/limits": LIMITS.format(memlock="unlimited", rtprio="0")}, "0", {}),
        ("memlock limit", {"proc/self/limits": LIMITS.format(memlock="8388608", rtprio="99")}, "8 MiB", {}),
        ("huge pages, explicit", {f"{HUGE}/nr_hugepages": "3"}, "3, 128 free", {f"{HUGE}/nr_hugepages": "128"}),
        ("huge pages, transparent", {f"{THP}/enabled": "always [never]"}, "never", {f"{THP}/enabled": "madvise"}),
        ("THP defrag", {f"{THP}/defrag": "[always] defer madvise never"}, "always", {f"{THP}/defrag": "madvise"}),
        ("swap", {"proc/swaps": "Filename Type\n/dev/sda2 partition 2097152 0 -2"}, "2048 MiB on /dev/sda2", {}),
        ("clocksource", {f"{CLOCK}/current_clocksource": "hpet"}, "hpet", {f"{CLOCK}/current_clocksource": "tsc"}),
        (
            "clocksource",
            {f"{CLOCK}/current_clocksource": "hpet", f"{CLOCK}/available_clocksource": "hpet acpi_pm"},
            "hpet",
            {},
        ),
        ("preemption model", {"proc/sys/kernel/version": "#1 SMP Debian"}, "none", {}),
        (
            "preemption model",
            {"proc/sys/kernel/version": "#1 SMP PREEMPT_DYNAMIC"},
            "the default, chosen at boot",
            {},
        ),
        (
            "preemption model",
            {
                "proc/sys/kernel/version": "#1 SMP PREEMPT_DYNAMIC",
                "sys/kernel/debug/sched/preempt": "none (voluntary) full",
            },
            "voluntary",
            {"sys/kernel/debug/sched/preempt": "full"},
        ),
        (
            "RT throttling",
            {"proc/sys/kernel/sched_rt_runtime_us": "-1"},
            "none: all of a second",
            {"proc/sys/kernel/sched_rt_runtime_us": "950000"},
        ),
        (
            "RT throttling",
            {"proc/sys/kernel/sched_rt_runtime_us": "500000"},
            "50% of a second",
            {"proc/sys/kernel/sched_rt_runtime_us": "950000"},
        ),
        (
            "container limits",
            {"sys/fs/cgroup/desk.slice/cpu.max": "150000 100000", "sys/fs/cgroup/desk.slice/memory.max": "2147483648"},
            "1.5 processors, processors 0-3, 2048 MiB of memory",
            {},
        ),
        (
            "container limits",
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/1f",
                "sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_quota_us": "50000",
                "sys/fs/cgroup/cpu,cpuacct/docker/1f/cpu.cfs_period_us": "100000",
            },
            "0.5 processors",
            {},
        ),
        ("container limits", {"sys/fs/cgroup/desk.slice/cpuset.cpus.effective": "0-1"}, "no quota, processors 0-1", {}),
        (
            "neighbours' load",
            {"proc/pressure/cpu": "some avg10=9.00 avg60=40.50 avg300=1.00 total=1"},
            "load 0.20 on 4 processors, 40.5 % waiting, 0.00 % stolen",
            {},
        ),
        ("neighbours' load", {"proc/pressure/cpu": None, "proc/loadavg": "9.0 1 1"}, "load 9.0 on 4", {}),
        ("neighbours' load", {"proc/stat": "cpu  100 0 100 700 0 0 0 100 0 0"}, "10.00 % stolen", {}),
    ],
)  # fmt: skip
def test_what_costs_is_found_and_how_it_is_mended(tmp_path, name, changes, found, fixes):
    told = finding(tmp_path, name, changes)
    assert told.standing is COSTS
    assert found in told.found
    assert told.wanted
    assert told.cost
    assert told.mend
    assert told.changes == tuple(Change(path, value) for path, value in fixes.items())


@pytest.mark.parametrize(
    ("name", "changes", "standing"),
    [
        ("rtprio limit", {"proc/self/limits": LIMITS.format(memlock="1", rtprio="0"),
                          "proc/self/status": "CapEff:\t0000000000800000"}, GOOD),
        ("memlock limit", {"proc/self/limits": LIMITS.format(memlock="1", rtprio="0"),
                           "proc/self/status": "CapEff:\t0000000000004000"}, GOOD),
        ("memlock limit", {"proc/self/status": "CapEff:\t0000000000800000",
                           "proc/self/limits": LIMITS.format(memlock="1", rtprio="0")}, COSTS),
        ("isolcpus", {f"{CPUS}/isolated": None}, GOOD),  # a kernel that does not show it is taken by its word
        ("rcu_nocbs", {"proc/cmdline": "quiet"}, GOOD),  # nohz_full implies it
        ("isolcpus", {f"{CPUS}/online": "3", f"{CPUS}/isolated": ""}, ABSENT),
        ("irq affinity", {f"{CPUS}/online": "3"}, ABSENT),
        ("preemption model", {"proc/sys/kernel/version": "#1 PREEMPT_DYNAMIC", "proc/cmdline": "preempt=full"}, GOOD),
        ("preemption model", {"proc/sys/kernel/version": "#1 SMP", "sys/kernel/realtime": "1"}, GOOD),
        ("clocksource", {f"{CLOCK}/current_clocksource": "kvm-clock"}, GOOD),
        ("NUMA", {"sys/devices/system/node/node1/cpulist": "4-7"}, GOOD),  # the core is pinned
    ],
)  # fmt: skip
def test_what_only_looks_wrong(tmp_path, name, changes, standing):
    assert finding(tmp_path, name, changes).standing is standing


def test_without_a_processor_every_one_counts(tmp_path):
    told = finding(tmp_path, "frequency governor", SLOW, processor=None)
    assert [change.path for change in told.changes] == list(SLOW)
    assert finding(tmp_path, "irq affinity", processor=None).standing is ABSENT
    assert finding(tmp_path, "isolcpus", processor=None).standing is GOOD
    nodes = {"sys/devices/system/node/node1/cpulist": "4-7"}
    assert finding(tmp_path, "NUMA", nodes, processor=None).standing is COSTS


@pytest.mark.parametrize(
    ("state", "standing", "found"),
    [
        (ClockState(True, 0.42, 12.0), GOOD, "0.420 ms at the last look"),
        (ClockState(True, -80.0, 12.0), COSTS, "-80.000 ms"),
        (ClockState(False, 0.0, 16000.0), COSTS, "nothing synchronizes"),
    ],
)
def test_a_clock_is_judged_by_what_the_kernel_was_told(state, standing, found):
    told = judge(state)
    assert told.standing is standing
    assert found in told.found


def test_this_machine_tells_its_disk_and_clock(tmp_path):
    found = {each.name: each for each in examine(Machine(journal=tmp_path / "not" / "yet" / "made"))}
    assert str(tmp_path) in found["disk's fsync"].found
    assert found["clock offset"].standing is not ABSENT
    assert " ns a reading" in found["clocksource"].found or found["clocksource"].standing is ABSENT


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", set()), ("3", {3}), ("0-2,5", {0, 1, 2, 5}), ("managed_irq,domain,2-3", {2, 3}), ("(null)", set())],
)
def test_lists_of_processors(text, numbers):
    assert processors_of(text) == numbers
    assert processors_of(ranges_of(numbers)) == numbers


def test_ranges_are_as_short_as_can_be():
    assert ranges_of({7, 0, 1, 2, 5}) == "0-2,5,7"


def test_interrupts_and_processors_are_told_in_the_order_of_their_numbers(tmp_path):
    tree(tmp_path)
    numbers = [path.split("/")[2] for path in Machine(tmp_path).matching("proc/irq/[0-9]*/smp_affinity_list")]
    assert numbers == ["24", "131"]


def test_a_root_may_be_named_by_another_path():
    assert Machine(Path("/proc/..")).live
    assert not Machine(Path("/proc")).live


@pytest.mark.parametrize("load", ["abc", "", "nan 1 1", "1"])
def test_a_load_that_is_none_is_not_told(tmp_path, load):
    told = finding(tmp_path, "neighbours' load", {"proc/loadavg": load})
    assert "load" not in told.found
    assert "stolen" in told.found
