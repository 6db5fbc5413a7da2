"""The cyclic executive: which task runs in which minor frame, in an order fixed before the first frame."""

from alo_lib.executive.cyclic import CyclicExecutive, Frame, LifecycleError, Phase
from alo_lib.executive.schedule import MinorFrame, Schedule, ScheduleError, Task

__all__ = ["CyclicExecutive", "Frame", "LifecycleError", "MinorFrame", "Phase", "Schedule", "ScheduleError", "Task"]
