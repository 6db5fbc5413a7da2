"""Clocks, releases and preparations. No test here depends on how punctual the host is."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace

import numpy as np
import pytest

from alo_lib.executive import (
    BudgetWatch,
    Cause,
    Frame,
    Lifecycle,
    LifecycleError,
    LogicalClock,
    MinorFrame,
    Overrun,
    OverrunPolicy,
    RealClock,
    Release,
    TaskPlan,
)
from alo_lib.executive.isolation import Isolation, isolate
from alo_lib.executive.releases import ReleaseLog, WhyLate


def test_a_real_clock_never_releases_early() -> None:
    clock = RealClock(spin=50_000)
    for wait in (0, 1_000, 49_000, 2_000_000, -5_000):
        deadline = clock.now() + wait
        release = clock.wait_until(deadline)
        assert release.released >= deadline
        assert release.began <= release.woken <= release.released <= clock.now()
        assert release.late == release.released - deadline


def test_a_sleep_goes_on_after_a_signal() -> None:
    caught = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: caught.append(number))
    try:
        clock = RealClock(spin=0)
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        deadline = clock.now() + 120_000_000
        assert clock.wait_until(deadline).released >= deadline
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert caught


def test_a_spin_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="spin -1 must not be below 0 nanoseconds"):
        RealClock(spin=-1)


def test_a_logical_clock_is_never_late_and_never_runs_backwards() -> None:
    clock = LogicalClock(5)
    assert clock.wait_until(20) == Release(20, 20, 20, 20)
    assert clock.now() == 20
    with pytest.raises(ValueError, match="time 19 lies before 20"):
        clock.wait_until(19)


def release(late: int, *, began: int = -1_000, woken: int = -500) -> Release:
    return Release(10_000, 10_000 + began, 10_000 + woken, 10_000 + late)


def test_quantiles_are_within_a_hundredth() -> None:
    log = ReleaseLog()
    with pytest.raises(ValueError, match="no frame has been released yet"):
        log.lateness()
    lates = np.random.default_rng(3).lognormal(6, 2, 20_000).astype(int)
    for number, late in enumerate(lates.tolist()):
        log.begin()
        log.add(number, release(late))
    found = log.lateness()
    for quantile, got in ((0.5, found.p50), (0.99, found.p99), (0.999, found.p999)):
        true = int(np.sort(lates)[int(np.ceil(len(lates) * quantile)) - 1])
        assert true <= got <= true * 1.01 + 1
    assert found.worst == lates.max()
    assert found.frames == len(lates)
    assert [each.late for each in log.worst] == sorted(lates.tolist())[:-11:-1]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (release(30_000, began=100), WhyLate.BUSY),
        (release(30_000, woken=100), WhyLate.SLEPT),
    ],
)
def test_causes_of_late_releases(told: Release, why: WhyLate) -> None:
    log = ReleaseLog()
    log.begin()
    log.add(1, told)
    log.add(2, release(24_999))
    assert dict(log.causes) == {why: 1}
    assert [each.frame for each in log.worst] == [1]


def test_a_release_held_in_its_spin_is_told_apart_by_the_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    switches = iter([3, 3, 3, 4])
    monkeypatch.setattr("alo_lib.executive.releases._switches", lambda: next(switches))
    log = ReleaseLog()
    for number in range(2):
        log.begin()
        log.add(number, release(30_000))
    assert [each.why for each in log.worst] == [WhyLate.HELD, WhyLate.PREEMPTED]


SCRIPT = """
import gc, json, os
from alo_lib.executive.isolation import Isolation, isolate
steps = isolate({wanted}, lambda: "warm")
print(json.dumps([[s.name, s.done, s.detail] for s in steps]))
print(json.dumps([gc.isenabled(), os.sched_getscheduler(0), sorted(os.sched_getaffinity(0))]))
"""


def prepared(wanted: str) -> tuple[dict[str, tuple[bool, str]], list[object]]:
    """The steps as a process of its own took them, and how it stands afterwards."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(wanted=wanted)], capture_output=True, text=True, check=True
    )
    steps, state = map(json.loads, done.stdout.splitlines())
    return {name: (granted, detail) for name, granted, detail in steps}, state


def test_each_step_is_taken_or_told_and_survived() -> None:
    cpu = max(os.sched_getaffinity(0))
    steps, (collecting, scheduler, cpus) = prepared(f"Isolation(cpu={cpu}, priority=1, heap=1 << 20)")
    names = ["compiled", "pinned", "heap kept", "huge pages", "memory locked", "collector frozen", "SCHED_FIFO"]
    assert list(steps) == names
    assert steps["compiled"] == (True, "warm")
    assert all(detail for _, detail in steps.values())
    assert (cpus == [cpu]) is steps["pinned"][0] is True
    assert collecting is False
    assert (scheduler == os.SCHED_FIFO) is steps["SCHED_FIFO"][0]


def test_what_is_refused_says_why() -> None:
    steps, (_, scheduler, cpus) = prepared("Isolation(cpu=4095, priority=0, heap=1 << 20)")
    assert steps["pinned"] == (False, "Invalid argument")
    assert steps["SCHED_FIFO"] == (False, "not asked for; --priority sets one")
    assert scheduler == os.SCHED_OTHER
    assert cpus == sorted(os.sched_getaffinity(0))
    steps, _ = prepared("Isolation(priority=1000, heap=1 << 20)")
    assert steps["pinned"] == (False, "not asked for; --cpu names a processor")
    assert steps["SCHED_FIFO"] == (False, "priority 1000 must lie between 1 and 99")


def test_nothing_is_taken_when_the_warm_up_fails() -> None:
    def fails() -> str:
        raise ArithmeticError("warm-up")

    with pytest.raises(ArithmeticError, match="warm-up"):
        isolate(Isolation(), fails)
    assert gc.isenabled()


# Lifecycles and watches ------------------------------------------------------------------------------------------


class Colour(Enum):
    RED = "red"
    GREEN = "green"


def test_a_lifecycle_moves_along_its_edges_and_along_nothing_else() -> None:
    light = Lifecycle("the light", Colour.RED, {(Colour.RED, "go"): Colour.GREEN})
    assert light.allows("go")
    assert not light.allows("stop")
    with pytest.raises(LifecycleError, match="the light cannot stop: it is red"):
        light.move("stop")
    assert light.phase is Colour.RED
    assert light.move("go") is light.phase is Colour.GREEN
    with pytest.raises(LifecycleError, match="the light cannot go: it is green"):
        light.move("go")


def watched(budget: int, work: Callable[[], object]) -> Overrun | None:
    watch = BudgetWatch()
    watch.begin()
    work()
    return watch.end(Frame(7, 70), TaskPlan("value", MinorFrame.PRICING, budget, on_overrun=OverrunPolicy.SKIP))


def compute(nanoseconds: int) -> None:
    end = time.thread_time_ns() + nanoseconds
    while time.thread_time_ns() < end:
        pass


def test_work_beyond_the_budget_is_an_overrun_of_its_own_making() -> None:
    found = watched(1_000_000, lambda: compute(3_000_000))
    assert found is not None
    assert (found.frame, found.task, found.cause, found.policy) == (7, "value", Cause.WORK, OverrunPolicy.SKIP)
    assert found.elapsed >= 3_000_000 > found.budget == 1_000_000


def test_waiting_beyond_the_budget_is_told_apart_from_work() -> None:
    found = watched(10_000_000, lambda: time.sleep(0.03))
    assert found is not None
    assert found.cause in (Cause.WAITED, Cause.PREEMPTED, Cause.PAGE_FAULT)


def test_what_stays_within_its_budget_is_no_overrun() -> None:
    assert watched(60 * 10**9, lambda: None) is None


@pytest.mark.parametrize(("faults", "switches", "cause"), [(1, 1, Cause.PAGE_FAULT), (0, 1, Cause.PREEMPTED)])
def test_causes_come_from_the_thread_s_own_account(
    monkeypatch: pytest.MonkeyPatch, faults: int, switches: int, cause: Cause
) -> None:
    usage = iter([(5, 5), (5 + faults, 5 + switches)])
    monkeypatch.setattr(
        "alo_lib.executive.overruns.resource.getrusage",
        lambda who: SimpleNamespace(**dict(zip(("ru_majflt", "ru_nivcsw"), next(usage), strict=True))),
    )
    found = watched(5_000_000, lambda: time.sleep(0.02))
    assert found is not None
    assert found.cause is cause


@pytest.mark.parametrize(
    ("rollup", "detail"),
    [("Private_Hugetlb:  169984 kB\n", "166 MiB of explicit ones in use"), ("Private_Hugetlb:  0 kB\n", None)],
)
def test_explicit_huge_pages_of_the_allocator_are_told(monkeypatch, rollup, detail):
    from alo_lib.executive import isolation

    read = isolation._read
    monkeypatch.setattr(isolation, "_read", lambda path: rollup if path.name == "smaps_rollup" else read(path))
    told = isolation._try("huge pages", isolation._huge_pages)
    assert (told.detail == detail) if detail else "explicit" not in told.detail
