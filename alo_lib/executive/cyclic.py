"""Running frames, one after the other, each through the whole table."""

from enum import Enum
from typing import Final

from alo_lib.executive.schedule import Frame, Schedule

__all__ = ["CyclicExecutive", "LifecycleError", "Phase"]


class LifecycleError(RuntimeError):
    """The executive was asked for a step that its phase does not allow."""


class Phase(Enum):
    """Where the executive stands."""

    IDLE = "idle"
    IN_FRAME = "in a frame"
    STOPPED = "stopped"


_TRANSITIONS: Final[dict[tuple[Phase, str], Phase]] = {
    (Phase.IDLE, "open"): Phase.IN_FRAME,
    (Phase.IN_FRAME, "close"): Phase.IDLE,
    (Phase.IDLE, "stop"): Phase.STOPPED,
    (Phase.IN_FRAME, "fail"): Phase.STOPPED,
}


class CyclicExecutive:
    """Opens a frame, runs its tasks in the schedule's order, closes it.

    An engine that lets somebody else's pipeline call between the tasks, as LEAN's framework does, runs the frame in
    stages with :meth:`run_through`; the order of the tasks is the same either way. A task that raises stops the
    executive for good: a core that failed half-way through a frame has no state to go on from.
    """

    def __init__(self, schedule: Schedule, *, frame_length: int) -> None:
        if frame_length <= 0:
            raise ValueError(f"frame_length {frame_length} must be above 0 nanoseconds")
        self._schedule = schedule
        self._length = frame_length
        self._phase = Phase.IDLE
        self._frame = Frame(-1, -1)
        self._next = 0

    @property
    def phase(self) -> Phase:
        """Where the executive stands."""
        return self._phase

    @property
    def frame(self) -> Frame:
        """The frame that is open, or the last that was."""
        return self._frame

    def open(self, time: int) -> Frame:
        """Open the frame that begins at ``time``, later than the last one's.

        Raises LifecycleError when a frame is open or the executive has stopped, ValueError when time runs backwards.
        """
        if time <= self._frame.time:
            raise ValueError(f"frame time {time} is not after the last frame's {self._frame.time}")
        self._move("open")
        self._frame = Frame(time // self._length, time)
        self._next = 0
        return self._frame

    def run_through(self, name: str) -> None:
        """Run the open frame's tasks that have not run yet, up to and including ``name``."""
        if self._phase is not Phase.IN_FRAME:
            raise LifecycleError(f"task {name!r} needs an open frame; the executive is {self._phase.value}")
        last = self._schedule.position(name)
        while self._next <= last:
            task = self._schedule.tasks[self._next]
            self._next += 1
            try:
                task.run(self._frame)
            except BaseException:
                self._move("fail")
                raise

    def close(self) -> None:
        """Run what is left of the frame and close it."""
        self.run_through(self._schedule.tasks[-1].name)
        self._move("close")

    def stop(self) -> None:
        """End for good, between two frames."""
        self._move("stop")

    def _move(self, step: str) -> None:
        try:
            self._phase = _TRANSITIONS[self._phase, step]
        except KeyError:
            raise LifecycleError(f"the executive cannot {step}: it is {self._phase.value}") from None
