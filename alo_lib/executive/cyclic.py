"""Running frames, one after the other, each through its row of the table."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final

from alo_lib.executive.lifecycle import Lifecycle, LifecycleError
from alo_lib.executive.overruns import Overrun, OverrunError, Watch, describe
from alo_lib.executive.plan import Frame, OverrunPolicy
from alo_lib.executive.schedule import Schedule, Task
from alo_lib.executive.table import Slot
from alo_lib.executive.trace import Form, SlotTrace

__all__ = ["CyclicExecutive", "Phase"]


class Phase(Enum):
    """Where the executive stands."""

    IDLE = "idle"
    IN_FRAME = "in a frame"
    STOPPED = "stopped"


_EDGES: Final[dict[tuple[Phase, str], Phase]] = {
    (Phase.IDLE, "open"): Phase.IN_FRAME,
    (Phase.IN_FRAME, "close"): Phase.IDLE,
    (Phase.IDLE, "stop"): Phase.STOPPED,
    (Phase.IN_FRAME, "fail"): Phase.STOPPED,
}


class CyclicExecutive:
    """Opens a frame, runs its slots in the table's order, closes it.

    An engine that lets somebody else's pipeline call between the tasks, as LEAN's framework does, runs the frame in
    stages with :meth:`run_through`; the order of the tasks is the same either way. A task that raises stops the
    executive for good: a core that failed half-way through a frame has no state to go on from.

    A ``watch`` finds overruns. Each that is new is handed to ``on_overrun`` before anything else runs; then its policy
    holds.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        watch: Watch | None = None,
        on_overrun: Callable[[Frame, Overrun], None],
    ) -> None:
        self.schedule = schedule
        self.trace = SlotTrace()
        self._length = schedule.table.frame_length
        self._lifecycle = Lifecycle("the executive", Phase.IDLE, _EDGES)
        self._frame = Frame(-1, -1)
        self._slots: Iterator[Slot] = iter(())
        self._slot: Slot | None = None  # the next to run
        self.watch = watch
        self._on_overrun = on_overrun
        self._instead: dict[int, OverrunPolicy] = {}  # what to do at a task's next release, by its place

    @property
    def phase(self) -> Phase:
        """Where the executive stands."""
        return self._lifecycle.phase

    @property
    def frame(self) -> Frame:
        """The frame that is open, or the last that was."""
        return self._frame

    @property
    def owes(self) -> bool:
        """Whether an overrun has yet to be made up for, by a task that is left out or degraded."""
        return bool(self._instead)

    @property
    def place(self) -> int:
        """How many of the schedule's tasks the open frame is through with, all of them where none is open."""
        return len(self.schedule.tasks) if self._slot is None else self._slot.task

    def resume(self, frame: Frame) -> None:
        """Go on after a frame that another executive ran last; only before any frame was opened here."""
        if self.phase is not Phase.IDLE or self._frame.number >= 0:
            raise LifecycleError(f"the executive cannot resume: it has run frame {self._frame.number} itself")
        self._frame = frame

    def open(self, time: int) -> Frame:
        """Open the frame that begins at ``time``, later than the last one's.

        :raises LifecycleError: when a frame is open or the executive has stopped.
        :raises ValueError: when time runs backwards.
        """
        if time <= self._frame.time:
            raise ValueError(f"frame time {time} is not after the last frame's {self._frame.time}")
        self._lifecycle.move("open")
        self._frame = Frame(time // self._length, time)
        self._slots = iter(self.schedule.table.row(self._frame.number))
        self._slot = next(self._slots, None)
        return self._frame

    def run_through(self, name: str) -> None:
        """Run the open frame's slots that have not run yet, up to and including the task's.

        :raises OverrunError: when a task overran whose policy is to stop.
        """
        if self.phase is not Phase.IN_FRAME:
            raise LifecycleError(f"task {name!r} needs an open frame; the executive is {self.phase.value}")
        self.run_to(self.schedule.position(name) + 1)

    def run_to(self, place: int) -> None:
        """Run the open frame's slots that have not run yet of the schedule's first ``place`` tasks."""
        while self._slot is not None and self._slot.task < place:
            slot, self._slot = self._slot, next(self._slots, None)
            try:
                self._run(slot.task)
            except BaseException:
                self._lifecycle.move("fail")
                raise

    def close(self) -> None:
        """Run what is left of the frame and close it."""
        self.run_through(self.schedule.tasks[-1].name)
        self._lifecycle.move("close")

    def stop(self) -> None:
        """End for good, between two frames."""
        self._lifecycle.move("stop")

    def _run(self, place: int) -> None:
        task = self.schedule.tasks[place]
        instead = self._instead.pop(place, OverrunPolicy.FINISH)
        if instead is OverrunPolicy.SKIP:
            self.trace.add(self._frame.number, place, Form.SKIPPED)
            return
        step = task.run
        if instead is OverrunPolicy.DEGRADE and task.degraded is not None:
            step = task.degraded
        self.trace.add(self._frame.number, place, Form.RUN if step is task.run else Form.DEGRADED)
        if self.watch is None:
            step(self._frame)
            return
        self.watch.begin()
        step(self._frame)
        overrun = self.watch.end(self._frame, task.plan)
        if overrun is not None:
            self._handle(place, task, overrun)

    def _handle(self, place: int, task: Task, overrun: Overrun) -> None:
        if self.watch is not None and self.watch.live:
            self._on_overrun(self._frame, overrun)
        if overrun.policy is OverrunPolicy.STOP:
            raise OverrunError(f"{describe(overrun)}; its policy is to stop")
        if overrun.policy is not OverrunPolicy.FINISH:
            self._instead[place] = overrun.policy
