"""The table of a cyclic executive: which task runs in which frame and when, laid out once for a whole hyperperiod."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm
from typing import Final, NamedTuple

from alo_lib.executive.plan import ScheduleError, TaskPlan, milliseconds
from alo_lib.executive.schedulability import (
    Timing,
    blocking,
    liu_layland_bound,
    passes_liu_layland,
    response_time,
    utilization,
)

__all__ = ["Assessment", "FrameTable", "Slot", "build_table"]

LONGEST_HYPERPERIOD: Final = 100_000
"""Frames: a quarter of an hour at 10 ms. Periods that have no common multiple below it are refused."""


class Slot(NamedTuple):
    """One job in the table. Times are in nanoseconds from the start of the frame it runs in."""

    task: int  # index into the table's tasks
    start: int
    end: int
    waited: int  # frames since its release


class Assessment(NamedTuple):
    """What is known of one task before it runs, nanoseconds."""

    task: TaskPlan
    blocking: int  # longest wait for a job of lower priority
    response: int  # exact worst case over all phasings
    in_table: int  # worst end of a slot after its release
    deadline: int


@dataclass(frozen=True)
class FrameTable:
    """What runs in each frame of the hyperperiod, and the proof that it fits.

    ``tasks`` are in the order of their minor frames, the order in which a frame runs them.
    """

    frame_length: int
    tasks: tuple[TaskPlan, ...]
    rows: tuple[tuple[Slot, ...], ...]
    assessments: tuple[Assessment, ...]  # highest priority first
    utilization: float
    bound: float
    bound_holds: bool

    @property
    def hyperperiod(self) -> int:
        """Frames after which the table repeats."""
        return len(self.rows)

    def row(self, number: int) -> tuple[Slot, ...]:
        """The slots of a frame, by its number since the epoch."""
        return self.rows[number % len(self.rows)]


def build_table(plans: Sequence[TaskPlan], frame_length: int) -> FrameTable:
    """Lay the tasks out and prove that each meets its deadline when every job takes its whole budget.

    A frame takes the jobs that are released and not done, by rate-monotonic priority, as long as their budgets fit into
    ``frame_length`` nanoseconds; what does not fit waits for the next frame. Inside a frame jobs run one after the
    other without preemption, by minor frame and, in one, by priority.

    :raises ScheduleError: naming the task, when a name stands twice, when a response time exceeds its deadline under
        some phasing, or when a job finds no frame in time.
    """
    if frame_length <= 0:
        raise ScheduleError(f"frame length {frame_length} must be above 0 nanoseconds")
    names = [plan.name for plan in plans]
    for name in names:
        if names.count(name) > 1:
            raise ScheduleError(f"task {name!r} is in the schedule {names.count(name)} times; once is allowed")
    ranked = sorted(plans, key=lambda plan: plan.priority)
    tasks = tuple(sorted(ranked, key=lambda plan: plan.minor_frame))
    timings = [Timing(plan.period * frame_length, plan.budget, plan.frames_allowed * frame_length) for plan in ranked]
    _refuse_misses(ranked, timings)
    rows, worst = _lay_out(ranked, tasks, frame_length)
    return FrameTable(
        frame_length,
        tasks,
        rows,
        tuple(
            Assessment(
                plan,
                blocking(timings, index),
                response_time(timings, index, preemptive=False),
                worst[plan.name],
                timings[index].deadline,
            )
            for index, plan in enumerate(ranked)
        ),
        float(utilization(timings)),
        liu_layland_bound(len(ranked)),
        passes_liu_layland(timings, preemptive=False),
    )


def _refuse_misses(ranked: Sequence[TaskPlan], timings: Sequence[Timing]) -> None:
    for index, (plan, timing) in enumerate(zip(ranked, timings, strict=True)):
        response = response_time(timings, index, preemptive=False)
        if response > timing.deadline:
            wait = ""
            if delay := blocking(timings, index):
                longest = max(ranked[index + 1 :], key=lambda other: other.budget)
                wait = f", {milliseconds(delay)} ms of it waiting for {longest.name!r}"
            raise ScheduleError(
                f"task {plan.name!r} cannot be scheduled: it may end {milliseconds(response)} ms or more after its "
                f"release{wait}, and must within {milliseconds(timing.deadline)} ms; "
                "shorten budgets or lengthen the frame"
            )


def _lay_out(
    ranked: Sequence[TaskPlan], tasks: tuple[TaskPlan, ...], length: int
) -> tuple[tuple[tuple[Slot, ...], ...], dict[str, int]]:
    """The rows of the third hyperperiod, when what offsets postponed has settled, and each task's worst response."""
    hyperperiod = lcm(*(plan.period for plan in ranked))
    if hyperperiod > LONGEST_HYPERPERIOD:
        slowest = max(ranked, key=lambda plan: plan.period)
        raise ScheduleError(
            f"task {slowest.name!r} with its period of {slowest.period} frames makes a table of {hyperperiod} frames; "
            f"at most {LONGEST_HYPERPERIOD} are allowed, so choose periods that divide each other"
        )
    place = {plan.name: position for position, plan in enumerate(tasks)}
    waiting: dict[str, int] = {}  # release of the job that is not done, by task
    worst = dict.fromkeys(place, 0)
    rows = []
    for number in range(3 * hyperperiod):
        for plan in ranked:
            if number % plan.period == plan.offset:
                waiting[plan.name] = number
        left, chosen = length, []
        for plan in ranked:
            if plan.name not in waiting:
                continue
            if plan.budget <= left:
                left -= plan.budget
                chosen.append(plan.name)
            elif number + 1 >= waiting[plan.name] + plan.frames_allowed:
                raise ScheduleError(
                    f"task {plan.name!r} cannot be scheduled: its budget of {milliseconds(plan.budget)} ms finds no "
                    f"room in a frame of {milliseconds(length)} ms within its deadline of {plan.frames_allowed} frames"
                )
        row, begin = [], 0
        for name in sorted(chosen, key=place.__getitem__):
            position, waited = place[name], number - waiting.pop(name)
            row.append(Slot(position, begin, begin + tasks[position].budget, waited))
            begin = row[-1].end
            worst[name] = max(worst[name], waited * length + begin)
        rows.append(tuple(row))
    return tuple(rows[2 * hyperperiod :]), worst
