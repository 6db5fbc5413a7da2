"""What runs in a frame of the trading core, and how long each task may take: the one table of it.

Budgets are worst cases on a processor of its own for a book of one underlying with some 500 contracts, such as GOOG
under the usual settings; docs/executive.md has the measurements. In logical time they only have to fit; in real time
they are watched.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

from alo_lib.core import following, tasks
from alo_lib.core.tasks import Decisions, Work
from alo_lib.executive import Frame, MinorFrame, OverrunPolicy, TaskPlan
from alo_lib.records import MICROSECOND, MILLISECOND

__all__ = ["FRAME_PLAN", "PLANNED_FRAME", "FrameTask", "Step"]

Step = Callable[[Work, Frame], Decisions]
"""What a task runs."""
PLANNED_FRAME: Final = 10 * MILLISECOND
"""The frame that the budgets are parts of."""


_FOLLOWED: Final[dict[Step, Step]] = {
    tasks.signal: following.nothing,
    tasks.target: following.nothing,
    tasks.limit: following.nothing,
    tasks.execute: following.follow,
    tasks.publish: following.follow_profits,
}
"""What runs in the place of what decides or tells, where a journal says what was decided."""


class FrameTask(Enum):
    """The tasks of every frame, released with it: minor frame, budget in microseconds, what runs, and after an overrun.

    An overrun is journaled and, but for the signals, the frame goes on: half a frame would leave positions unhedged.
    """

    INGEST = MinorFrame.INGEST, 800, tasks.take_in
    FORECAST = MinorFrame.VOLATILITY, 400, tasks.forecast
    VALUE = MinorFrame.PRICING, 5_000, tasks.value
    # A frame without signals opens no risk; everything that reduces risk still runs.
    SIGNAL = MinorFrame.STRATEGY, 1_500, tasks.signal, OverrunPolicy.DEGRADE, tasks.rank_nothing
    TARGET = MinorFrame.STRATEGY, 800, tasks.target
    LIMIT = MinorFrame.RISK, 200, tasks.limit
    EXECUTE = MinorFrame.EXECUTION, 300, tasks.execute
    PUBLISH = MinorFrame.PUBLISH, 500, tasks.publish

    def __init__(
        self,
        minor_frame: MinorFrame,
        microseconds: int,
        step: Step,
        on_overrun: OverrunPolicy = OverrunPolicy.FINISH,
        degraded: Step | None = None,
    ) -> None:
        self.step = step
        self.followed = _FOLLOWED.get(step, step)
        """What runs in a frame that is followed: of all that decide, one does what was decided."""
        self.degraded = degraded
        """The cheaper form that runs after an overrun, where the plan's policy is to degrade."""
        self.plan = TaskPlan(self.name.lower(), minor_frame, microseconds * MICROSECOND, on_overrun=on_overrun)

    @classmethod
    def of(cls, plan: TaskPlan) -> "FrameTask":
        """The task that a plan, perhaps of another budget or policy, is of.

        :raises ValueError: for none.
        """
        for task in cls:
            if task.plan.name == plan.name:
                return task
        raise ValueError(f"{plan.name!r} is no task of the frame; its tasks are {', '.join(t.plan.name for t in cls)}")


FRAME_PLAN: Final = tuple(task.plan for task in FrameTask)
"""The tasks as the executive's schedule sees them."""
