"""What is declared of a task before anything runs: when it is released, how long it may take, what then."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from alo_lib.records import MILLISECOND

__all__ = ["Frame", "MinorFrame", "OverrunPolicy", "ScheduleError", "TaskPlan", "milliseconds"]


class ScheduleError(ValueError):
    """A set of tasks cannot be scheduled; the message names the task."""


class MinorFrame(IntEnum):
    """The parts of a frame, in the order in which they run."""

    INGEST = 0
    VOLATILITY = 1
    PRICING = 2
    STRATEGY = 3
    RISK = 4
    EXECUTION = 5
    PUBLISH = 6


class OverrunPolicy(IntEnum):
    """What happens when a task has taken more than its budget. The overrun is journaled under each of them."""

    FINISH = 0  # the frame goes on as planned
    SKIP = 1  # the task is left out at its next release
    DEGRADE = 2  # the task's cheaper form runs at its next release
    STOP = 3  # the executive stops for good


class Frame(NamedTuple):
    """A frame's number since the epoch, and its time in nanoseconds UTC: the only clock a task sees."""

    number: int
    time: int


@dataclass(frozen=True)
class TaskPlan:
    """A task as the schedule sees it. Periods, offsets and deadlines count frames, the budget is in nanoseconds.

    The task is released at the start of every frame whose number is ``offset`` modulo ``period``, and has to end within
    ``deadline`` frames of that (its period when None). Shorter periods have the higher priority; ``rank`` decides
    between equal ones, smaller first.

    :raises ScheduleError: naming the task, for a period below 1, an offset outside [0, period), a deadline outside [1,
        period] or a budget below 0.
    """

    name: str
    minor_frame: MinorFrame
    budget: int
    period: int = 1
    offset: int = 0
    deadline: int | None = None
    rank: int = 0
    on_overrun: OverrunPolicy = OverrunPolicy.FINISH

    def __post_init__(self) -> None:
        if self.period < 1:
            raise ScheduleError(f"task {self.name!r} has a period of {self.period} frames; it must be at least 1")
        if not 0 <= self.offset < self.period:
            raise ScheduleError(
                f"task {self.name!r} has an offset of {self.offset} frames; it must lie in [0, {self.period})"
            )
        if self.deadline is not None and not 1 <= self.deadline <= self.period:
            raise ScheduleError(
                f"task {self.name!r} has a deadline of {self.deadline} frames; it must lie in [1, {self.period}]"
            )
        if self.budget < 0:
            raise ScheduleError(f"task {self.name!r} has a budget of {self.budget} ns; it must not be below 0")

    @property
    def frames_allowed(self) -> int:
        """Frames from release to deadline."""
        return self.period if self.deadline is None else self.deadline

    @property
    def priority(self) -> tuple[int, int, int]:
        """Sorts tasks by rate-monotonic priority, highest first; what flows first goes first among equals."""
        return self.period, self.rank, self.minor_frame


def milliseconds(nanoseconds: float) -> str:
    """A span in milliseconds as people read it, to a microsecond.

    >>> milliseconds(1_250_000)
    '1.25'
    """
    return f"{round(nanoseconds / MILLISECOND, 3):g}"
