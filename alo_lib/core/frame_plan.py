"""What runs in a frame of the trading core, and how long each task may take.

Budgets are worst cases on a processor of its own for a book of one underlying with some 500 contracts, such as GOOG
under the usual settings; docs/executive.md has the measurements. In logical time they only have to fit; in real time
they are watched.
"""

from typing import Final

from alo_lib.executive import MinorFrame, OverrunPolicy, TaskPlan
from alo_lib.records import MICROSECOND

__all__ = ["FRAME_PLAN"]


def _plan(
    name: str, minor_frame: MinorFrame, microseconds: int, on_overrun: OverrunPolicy = OverrunPolicy.FINISH
) -> TaskPlan:
    return TaskPlan(name, minor_frame, microseconds * MICROSECOND, on_overrun=on_overrun)


FRAME_PLAN: Final = (
    _plan("ingest", MinorFrame.INGEST, 800),
    _plan("forecast", MinorFrame.VOLATILITY, 400),
    _plan("value", MinorFrame.PRICING, 5_000),
    # A frame without signals opens no risk; everything that reduces risk still runs.
    _plan("signal", MinorFrame.STRATEGY, 1_500, OverrunPolicy.DEGRADE),
    _plan("target", MinorFrame.STRATEGY, 800),
    _plan("limit", MinorFrame.RISK, 200),
    _plan("execute", MinorFrame.EXECUTION, 300),
    _plan("publish", MinorFrame.PUBLISH, 500),
)
"""The tasks of every frame, released with it. An overrun is journaled and, but for the signals, the frame goes on: half
a frame would leave positions unhedged."""
