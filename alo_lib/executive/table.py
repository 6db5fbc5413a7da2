"""The table of a cyclic executive: which task runs in which frame and when, laid out once for a whole hyperperiod."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm
from typing import Final, NamedTuple

from alo_lib.executive.plan import LONGEST_HYPERPERIOD, ScheduleError, TaskPlan, check_set, milliseconds, shown
from alo_lib.executive.schedulability import (
    MOST_TERMS,
    ProofError,
    Timing,
    blocking,
    liu_layland_bound,
    passes_liu_layland,
    response_times,
    utilization,
)
from alo_lib.records import DAY

__all__ = ["Assessment", "FrameTable", "Slot", "build_table"]

MOST_JOBS: Final = 300_000
"""Slots of one table."""

LONGEST_FRAME: Final = DAY


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

    :raises ScheduleError: naming the task, for what :func:`~alo_lib.executive.plan.check_set` refuses, when a response
        time exceeds its deadline under some phasing, when a job finds no frame in time, or when the table or the proof
        would be too large.
    """
    if not isinstance(frame_length, int) or isinstance(frame_length, bool) or not 0 < frame_length <= LONGEST_FRAME:
        raise ScheduleError(
            f"frame length {shown(frame_length)} must be a whole number of nanoseconds above 0, at most {LONGEST_FRAME}"
        )
    check_set(plans)
    hyperperiod = _hyperperiod(plans)
    ranked = sorted(plans, key=lambda plan: plan.priority)
    tasks = tuple(sorted(ranked, key=lambda plan: plan.minor_frame))
    timings = [Timing(plan.period * frame_length, plan.budget, plan.frames_allowed * frame_length) for plan in ranked]
    delays = blocking(timings)
    responses = _responses(ranked, timings, delays)
    rows, worst = _lay_out(ranked, tasks, frame_length, hyperperiod)
    return FrameTable(
        frame_length,
        tasks,
        rows,
        tuple(
            Assessment(plan, delay, response, worst[plan.name], timing.deadline)
            for plan, timing, delay, response in zip(ranked, timings, delays, responses, strict=True)
        ),
        float(utilization(timings)),
        liu_layland_bound(len(ranked)),
        passes_liu_layland(timings, preemptive=False),
    )


def _hyperperiod(plans: Sequence[TaskPlan]) -> int:
    """Frames after which the releases repeat, found before anything is made of their number."""
    hyperperiod = 1
    for plan in sorted(plans, key=lambda plan: plan.period):
        hyperperiod = lcm(hyperperiod, plan.period)
        if hyperperiod > LONGEST_HYPERPERIOD:
            raise ScheduleError(
                f"task {plan.name!r} with its period of {plan.period} frames makes a table of {hyperperiod} frames or "
                f"more; at most {LONGEST_HYPERPERIOD} are allowed, so choose periods that divide each other"
            )
    jobs = sum(hyperperiod // plan.period for plan in plans)
    if jobs > MOST_JOBS:
        slowest = max(plans, key=lambda plan: plan.period)
        raise ScheduleError(
            f"task {slowest.name!r} with its period of {slowest.period} frames makes a table of {jobs:,} slots in "
            f"{hyperperiod:,} frames; at most {MOST_JOBS:,} slots are allowed, so choose shorter periods or fewer tasks"
        )
    return hyperperiod


def _responses(ranked: Sequence[TaskPlan], timings: Sequence[Timing], delays: Sequence[int]) -> list[int]:
    """The response times, all within their deadlines."""
    found: list[int] = []
    try:
        for response in response_times(timings, preemptive=False):
            found.append(response)
            index = len(found) - 1
            if response > timings[index].deadline:
                raise _miss(ranked, index, response, delays[index], timings[index].deadline)
    except ProofError as error:
        raise ScheduleError(
            f"task {ranked[error.index].name!r} cannot be proven: its response time takes more than {MOST_TERMS:,} "
            "terms; shorten budgets or choose periods that divide each other"
        ) from None
    return found


def _miss(ranked: Sequence[TaskPlan], index: int, response: int, delay: int, deadline: int) -> ScheduleError:
    wait = ""
    if delay:
        longest = max(ranked[index + 1 :], key=lambda other: other.budget)
        wait = f", {milliseconds(delay)} ms of it waiting for {longest.name!r}"
    return ScheduleError(
        f"task {ranked[index].name!r} cannot be scheduled: it may end {milliseconds(response)} ms or more after its "
        f"release{wait}, and must within {milliseconds(deadline)} ms; shorten budgets or lengthen the frame"
    )


def _lay_out(
    ranked: Sequence[TaskPlan], tasks: tuple[TaskPlan, ...], length: int, hyperperiod: int
) -> tuple[tuple[tuple[Slot, ...], ...], dict[str, int]]:
    """Each task's worst response, and the rows of a hyperperiod in which what offsets postponed has settled.

    That is at the latest the third, and sooner where one ends with what it began with.
    """
    place = {plan.name: position for position, plan in enumerate(tasks)}
    places = [place[plan.name] for plan in ranked]
    releases: list[list[int]] = [[] for _ in range(hyperperiod)]  # of tasks by their rank, in each frame
    for rank, plan in enumerate(ranked):
        for number in range(plan.offset, hyperperiod, plan.period):
            releases[number].append(rank)
    worst = dict.fromkeys(place, 0)
    late: dict[int, int] = {}  # frames since the release of a job that is not done, by the rank of its task
    for _ in range(3):
        before, rows = late, []
        for released in releases:
            waited = {rank: frames + 1 for rank, frames in late.items()} | dict.fromkeys(released, 0)
            chosen, late = _take(ranked, waited, length)
            row, begin = [], 0
            for position, rank in sorted((places[rank], rank) for rank in chosen):
                row.append(Slot(position, begin, begin + ranked[rank].budget, waited[rank]))
                begin = row[-1].end
                name = ranked[rank].name
                worst[name] = max(worst[name], waited[rank] * length + begin)
            rows.append(tuple(row))
        if late == before:
            break
    return tuple(rows), worst


def _take(ranked: Sequence[TaskPlan], waited: dict[int, int], length: int) -> tuple[list[int], dict[int, int]]:
    """Which of the jobs that wait a frame takes, and which are left with time to wait."""
    left, chosen, late = length, [], {}
    for rank in sorted(waited):
        plan = ranked[rank]
        if plan.budget <= left:
            left -= plan.budget
            chosen.append(rank)
        elif waited[rank] + 1 >= plan.frames_allowed:
            raise ScheduleError(
                f"task {plan.name!r} cannot be scheduled: its budget of {milliseconds(plan.budget)} ms finds no "
                f"room in a frame of {milliseconds(length)} ms within its deadline of {plan.frames_allowed} frames"
            )
        else:
            late[rank] = waited[rank]
    return chosen, late
