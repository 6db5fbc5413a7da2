"""What is declared of a task before anything runs: when it is released, how long it may take, what then."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from alo_lib.records import DAY, MILLISECOND

__all__ = [
    "LONGEST_HYPERPERIOD",
    "MOST_TASKS",
    "Frame",
    "MinorFrame",
    "OverrunPolicy",
    "ScheduleError",
    "TaskPlan",
    "check_set",
    "milliseconds",
    "shown",
]

LONGEST_HYPERPERIOD: Final = 100_000
"""Frames: a quarter of an hour at 10 ms. Periods that have no common multiple below it are refused."""

MOST_TASKS: Final = 4_096
"""Tasks of one schedule; its proof takes about a second at the most."""

_LONGEST_BUDGET: Final = DAY
_LARGEST_RANK: Final = 1_000_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SHOWN: Final = 60


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

    :raises ScheduleError: naming the task, the field, its value and what is allowed: for a name that is not 1 to 64
        letters, digits, dashes and underscores, a period outside [1, LONGEST_HYPERPERIOD], an offset outside [0,
        period), a deadline outside [1, period], a budget below 0 or above a day, a rank beyond a million, and whatever
        is not of its field's type.
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
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ScheduleError(
                f"a task has the name {shown(self.name)}; it must be 1 to 64 letters, digits, '-' and '_', a letter or "
                "a digit first"
            )
        self._check_kind("minor_frame", MinorFrame)
        self._check_kind("on_overrun", OverrunPolicy)
        self._check("budget", " ns", 0, _LONGEST_BUDGET)
        self._check("period", " frames", 1, LONGEST_HYPERPERIOD)
        self._check("offset", " frames", 0, self.period - 1)
        if self.deadline is not None:
            self._check("deadline", " frames", 1, self.period)
        self._check("rank", "", -_LARGEST_RANK, _LARGEST_RANK)

    def _check(self, field: str, unit: str, least: int, most: int) -> None:
        value = getattr(self, field)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ScheduleError(f"task {self.name!r} has the {field} {shown(value)}; it must be a whole number")
        if not least <= value <= most:
            raise ScheduleError(
                f"task {self.name!r} has {'an' if field == 'offset' else 'a'} {field} of {shown(value)}{unit}; it must "
                f"lie in [{least}, {most}]"
            )

    def _check_kind(self, field: str, kind: type[IntEnum]) -> None:
        value = getattr(self, field)
        if not isinstance(value, kind):
            known = ", ".join(member.name.lower() for member in kind)
            raise ScheduleError(f"task {self.name!r} has the {field} {shown(value)}; it must be one of {known}")

    @property
    def frames_allowed(self) -> int:
        """Frames from release to deadline."""
        return self.period if self.deadline is None else self.deadline

    @property
    def priority(self) -> tuple[int, int, int]:
        """Sorts tasks by rate-monotonic priority, highest first; what flows first goes first among equals."""
        return self.period, self.rank, self.minor_frame


def check_set(plans: Sequence[TaskPlan]) -> None:
    """Refuse a set that is none, by its number of tasks or by their names.

    :raises ScheduleError: for no task, more than MOST_TASKS, or a name that stands twice.
    """
    if not 1 <= len(plans) <= MOST_TASKS:
        raise ScheduleError(f"a schedule of {len(plans):,} tasks cannot be made; it must have 1 to {MOST_TASKS:,}")
    name, times = Counter(plan.name for plan in plans).most_common(1)[0]
    if times > 1:
        raise ScheduleError(f"task {name!r} is in the schedule {times} times; once is allowed")


def shown(value: object) -> str:
    """A value that is refused, as a sentence has it: the beginning of what it is, however long that may be."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # more digits than are written out, or lists in lists without end
        return f"{type(value).__name__} too long to show"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def milliseconds(nanoseconds: float) -> str:
    """A span in milliseconds as people read it, to a microsecond.

    >>> milliseconds(1_250_000)
    '1.25'
    """
    return f"{round(nanoseconds / MILLISECOND, 3):g}"
