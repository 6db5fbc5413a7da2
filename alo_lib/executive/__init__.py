"""The cyclic executive: which task runs in which minor frame, in an order fixed before the first frame."""

from alo_lib.executive.cyclic import CyclicExecutive, LifecycleError, Phase
from alo_lib.executive.schedule import Frame, MinorFrame, Schedule, ScheduleError, Task

__all__ = ["CyclicExecutive", "Frame", "LifecycleError", "MinorFrame", "Phase", "Schedule", "ScheduleError", "Task"]
