"""Tasks with what they run, in the table that was built of their plans."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alo_lib.executive.plan import Frame, OverrunPolicy, ScheduleError, TaskPlan
from alo_lib.executive.table import FrameTable, build_table

__all__ = ["Schedule", "Task"]


@dataclass(frozen=True)
class Task:
    """A planned step of the frame and what it runs. It takes its time from the frame and from nowhere else.

    ``degraded`` is the cheaper form that runs instead after an overrun; the policy DEGRADE needs one, and only it.
    """

    plan: TaskPlan
    run: Callable[[Frame], None]
    degraded: Callable[[Frame], None] | None = None

    def __post_init__(self) -> None:
        if (self.plan.on_overrun is OverrunPolicy.DEGRADE) != (self.degraded is not None):
            raise ScheduleError(f"task {self.name!r} needs a degraded form if, and only if, its policy is to degrade")

    @property
    def name(self) -> str:
        """The task's name."""
        return self.plan.name


class Schedule:
    """The tasks in the order in which frames run them, with their table.

    :raises ScheduleError: naming the task, for what :func:`build_table` refuses.
    """

    def __init__(self, tasks: Sequence[Task], *, frame_length: int) -> None:
        self.table: FrameTable = build_table([task.plan for task in tasks], frame_length)
        by_name = {task.name: task for task in tasks}
        self.tasks = tuple(by_name[plan.name] for plan in self.table.tasks)
        self._position = {task.name: position for position, task in enumerate(self.tasks)}

    def position(self, name: str) -> int:
        """Where in the frame the task stands.

        :raises ScheduleError: for a name that is not in the schedule.
        """
        try:
            return self._position[name]
        except KeyError:
            known = ", ".join(self._position)
            raise ScheduleError(f"task {name!r} is not in the schedule; its tasks are {known}") from None
