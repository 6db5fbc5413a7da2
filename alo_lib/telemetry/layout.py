"""What a run publishes of itself while it runs: two files, its state and its histograms."""

from enum import Enum
from typing import Final

import numpy as np

from alo_lib.executive import Cause
from alo_lib.records import LAYOUTS, PROFIT_PARTS, Kind, OrderStatus

__all__ = [
    "COUNTERS",
    "HISTOGRAMS_NAME",
    "LATENCIES",
    "MOST_LIMITS",
    "MOST_TASKS_SHOWN",
    "MOST_UNDERLYINGS",
    "NOT_SUPPORTED",
    "OVERRUN_CAUSES",
    "STATE",
    "STATE_NAME",
    "TELEMETRY_FOLDER",
    "UNKNOWN_HALTS",
    "EngineKind",
    "RunPhase",
    "task_histogram",
]

TELEMETRY_FOLDER: Final = "telemetry"
"""Within a run's folder, or a folder of LEAN's results. A core process publishes beside its rings."""

STATE_NAME: Final = "telemetry.state"
"""The file of the sequence lock with a STATE record."""

HISTOGRAMS_NAME: Final = "telemetry.histograms"

LATENCIES: Final = ("frame", "release_lateness", "data_to_decision", "decision_to_order", "order_to_fill", "fsync")
"""Histograms of every run, in the order of their rows; those of tasks follow. ``docs/telemetry.md`` says what of."""

COUNTERS: Final = ("cycles", "instructions", "cache_misses", "branch_misses")
"""Hardware counters, by their place in STATE."""

NOT_SUPPORTED: Final = -1
"""In the place of a hardware counter that the host does not have, or does not let this process read."""

UNKNOWN_HALTS: Final = -1
"""In the place of halts, before there is a core that could be asked."""

OVERRUN_CAUSES: Final = (Cause.WORK, Cause.PREEMPTED, Cause.PAGE_FAULT, Cause.WAITED)

MOST_TASKS_SHOWN: Final = 16
MOST_UNDERLYINGS: Final = 32
MOST_LIMITS: Final = 128
"""Rows that STATE has room for; ``exposures_told`` and ``limits_told`` count also those beyond."""


class RunPhase(Enum):
    """Where a run stands, as it says itself."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"


class EngineKind(Enum):
    """Whose process the core is in."""

    CORE = "core"
    LEAN = "lean"
    EMBEDDED = "embedded"


def task_histogram(task: str) -> str:
    """The name of the histogram of a task's times."""
    return f"task_{task}"


_COUNTS: Final = (
    "released",  # frames; 0 where time is logical
    "run",  # frames that had news
    "missed",
    "late",
    "refused",  # of hosts, records and messages
    "conflated",
    "undelivered",
    "sequence",  # messages journaled, over all processes of the journal
    "durable",  # of which on disk
    "trades_open",
)

STATE: Final["np.dtype[np.void]"] = np.dtype(
    [
        ("name", "S64"),  # of the core or the run
        ("journal", "S1024"),  # folder of the journal, or of the object store that has it
        ("engine", "<i8"),  # EngineKind, by its place
        ("phase", "<i8"),  # RunPhase, by its place
        ("real", "<i8"),  # 1 where frames are released by the machine's clock
        ("length", "<i8"),  # of a frame, ns
        ("started", "<i8"),  # ns UTC
        ("published", "<i8"),  # when this was written, CLOCK_MONOTONIC
        ("frame", "<i8"),  # number of the last frame with news
        ("time", "<i8"),  # its time, ns UTC, of the run's own clock
        ("data_at", "<i8"),  # when a trade or quote was last taken in, CLOCK_MONOTONIC; 0 for never
        ("session_open", "<i8"),  # of the session that was told last, ns UTC; 0 for none
        ("session_close", "<i8"),
        ("broker", "<i8"),  # 1 unless the host told of a disconnect since its last reconnect
        ("halts", "<i8"),  # 1 << HaltCause of each that stands, or UNKNOWN_HALTS
        *((name, "<i8") for name in _COUNTS),
        ("tasks", "S64", (MOST_TASKS_SHOWN,)),
        ("budgets", "<i8", (MOST_TASKS_SHOWN,)),  # ns
        ("overruns", "<i8", (MOST_TASKS_SHOWN, len(OVERRUN_CAUSES))),
        ("degraded", "<i8", (MOST_TASKS_SHOWN,)),
        ("skipped", "<i8", (MOST_TASKS_SHOWN,)),
        ("messages", "<i8", (max(Kind) + 1,)),  # by kind
        ("orders", "<i8", (max(OrderStatus) + 1,)),  # by last status
        ("profit", "<f8", (len(PROFIT_PARTS),)),
        ("usage", "<i8", (7,)),  # alo_lib.telemetry.usage.Usage
        ("counters", "<i8", (len(COUNTERS),)),
        ("exposures_told", "<i8"),
        ("exposures", LAYOUTS[Kind.EXPOSURE], (MOST_UNDERLYINGS,)),
        ("symbols", "S24", (MOST_UNDERLYINGS,)),  # of the underlyings of these
        ("limits_told", "<i8"),
        ("limits", LAYOUTS[Kind.LIMIT], (MOST_LIMITS,)),
    ]
)
