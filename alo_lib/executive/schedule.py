"""Tasks, the minor frames they belong to, and the table that is built of them once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

__all__ = ["Frame", "MinorFrame", "Schedule", "ScheduleError", "Task"]


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


class Frame(NamedTuple):
    """A frame's number since the epoch, and its time in nanoseconds UTC: the only clock a task sees."""

    number: int
    time: int


@dataclass(frozen=True)
class Task:
    """A named step of the frame. It takes its time from the frame and from nowhere else."""

    name: str
    minor_frame: MinorFrame
    run: Callable[[Frame], None]


class Schedule:
    """The tasks in the order in which every frame runs them: by minor frame, then as they were given."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        names = [task.name for task in tasks]
        for name in names:
            if names.count(name) > 1:
                raise ScheduleError(f"task {name!r} is in the schedule {names.count(name)} times; once is allowed")
        self.tasks = tuple(sorted(tasks, key=lambda task: task.minor_frame))
        self._position = {task.name: position for position, task in enumerate(self.tasks)}

    def position(self, name: str) -> int:
        """Where in the frame the task stands. Raises ScheduleError for a name that is not in the schedule."""
        try:
            return self._position[name]
        except KeyError:
            known = ", ".join(self._position)
            raise ScheduleError(f"task {name!r} is not in the schedule; its tasks are {known}") from None
