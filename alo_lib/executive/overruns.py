"""Overruns: what is told of a task that took more than its budget, who finds them, and why they happened."""

import resource
import time
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple, Protocol

from alo_lib.executive.plan import Frame, OverrunPolicy, TaskPlan

__all__ = ["BudgetWatch", "Cause", "Overrun", "OverrunError", "RecordedWatch", "Watch", "describe"]


class Cause(IntEnum):
    """Why something took too long."""

    WORK = 0  # it computed for that long
    PREEMPTED = 1  # the processor was given to somebody else
    PAGE_FAULT = 2  # memory had to be read from a disk
    WAITED = 3  # it slept: on a file, a lock, or a processor that its host took away
    LATE = 4  # the frame was released late, and those before it not at all

    @property
    def words(self) -> str:
        """The cause as people read it."""
        return _WORDS[self]


_WORDS = {
    Cause.WORK: "its own work",
    Cause.PREEMPTED: "preempted",
    Cause.PAGE_FAULT: "page fault",
    Cause.WAITED: "waited, or its host did",
    Cause.LATE: "released late",
}


class Overrun(NamedTuple):
    """A task that ran beyond its budget, nanoseconds, and what is done about it."""

    frame: int
    task: str
    cause: Cause
    policy: OverrunPolicy
    elapsed: int
    budget: int


class OverrunError(RuntimeError):
    """A task whose policy is to stop ran beyond its budget."""


class Watch(Protocol):
    """Looks at each task of a frame while it runs. ``live`` tells whether what it finds is new, and not on record."""

    live: bool

    def begin(self) -> None:
        """A task begins."""

    def end(self, frame: Frame, plan: TaskPlan) -> Overrun | None:
        """The task that began last has ended: its overrun, if it was one."""


class BudgetWatch:
    """Compares each task's time on the monotonic clock with its budget.

    Budgets are shares of a frame; where frames come at a longer interval, ``scale`` times as long, they are longer by
    as much. The cause is read from the thread's own account: page faults that went to a disk, involuntary switches to
    other threads, and otherwise whether the processor time alone exceeds the budget.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self.live = True
        self._scale = scale
        self._began = self._processor = 0
        self._faults = self._switches = 0

    def begin(self) -> None:
        """Read the clocks."""
        usage = resource.getrusage(resource.RUSAGE_THREAD)
        self._faults, self._switches = usage.ru_majflt, usage.ru_nivcsw
        self._processor = time.thread_time_ns()
        self._began = time.monotonic_ns()

    def end(self, frame: Frame, plan: TaskPlan) -> Overrun | None:
        """Read them again; only an overrun costs more than that."""
        elapsed = time.monotonic_ns() - self._began
        budget = round(plan.budget * self._scale)
        if elapsed <= budget:
            return None
        return Overrun(frame.number, plan.name, self._cause(budget), plan.on_overrun, elapsed, budget)

    def _cause(self, budget: int) -> Cause:
        if time.thread_time_ns() - self._processor > budget:
            return Cause.WORK
        usage = resource.getrusage(resource.RUSAGE_THREAD)
        if usage.ru_majflt > self._faults:
            return Cause.PAGE_FAULT
        return Cause.PREEMPTED if usage.ru_nivcsw > self._switches else Cause.WAITED


class RecordedWatch:
    """Finds the overruns that a journal tells of, where it tells of them, so that a replay degrades as the run did."""

    def __init__(self, recorded: Iterable[Overrun], *, live: bool = False) -> None:
        self.live = live
        self._recorded: dict[tuple[int, str], Overrun] = {}
        self.know(recorded)

    def know(self, recorded: Iterable[Overrun]) -> None:
        """Find these as well."""
        self._recorded.update(((overrun.frame, overrun.task), overrun) for overrun in recorded)

    def begin(self) -> None:
        """Nothing: time does not matter here."""

    def end(self, frame: Frame, plan: TaskPlan) -> Overrun | None:
        """What was recorded of this task in this frame."""
        return self._recorded.get((frame.number, plan.name))


def describe(overrun: Overrun) -> str:
    """The overrun in one sentence."""
    times = f"{overrun.elapsed / 1e6:.3f} ms of its {overrun.budget / 1e6:.3f} ms"
    return f"task {overrun.task!r} took {times} in frame {overrun.frame} ({overrun.cause.words})"
