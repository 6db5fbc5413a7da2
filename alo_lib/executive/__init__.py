"""The cyclic executive: which task runs in which minor frame, in an order fixed and proven before the first frame."""

from alo_lib.executive.clocks import Clock, LogicalClock, RealClock, Release
from alo_lib.executive.cyclic import CyclicExecutive, Phase
from alo_lib.executive.lifecycle import Lifecycle, LifecycleError
from alo_lib.executive.overruns import BudgetWatch, Cause, Overrun, OverrunError, RecordedWatch, Watch
from alo_lib.executive.plan import (
    MOST_TASKS,
    Frame,
    MinorFrame,
    OverrunPolicy,
    ScheduleError,
    TaskPlan,
    check_set,
    milliseconds,
    shown,
)
from alo_lib.executive.schedule import Schedule, Task
from alo_lib.executive.table import Assessment, FrameTable, Slot, build_table
from alo_lib.executive.trace import Form, SlotTrace

__all__ = [
    "MOST_TASKS",
    "Assessment",
    "BudgetWatch",
    "Cause",
    "Clock",
    "CyclicExecutive",
    "Form",
    "Frame",
    "FrameTable",
    "Lifecycle",
    "LifecycleError",
    "LogicalClock",
    "MinorFrame",
    "Overrun",
    "OverrunError",
    "OverrunPolicy",
    "Phase",
    "RealClock",
    "RecordedWatch",
    "Release",
    "Schedule",
    "ScheduleError",
    "Slot",
    "SlotTrace",
    "Task",
    "TaskPlan",
    "Watch",
    "build_table",
    "check_set",
    "milliseconds",
    "shown",
]
