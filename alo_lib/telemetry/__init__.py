"""Logs and metrics of a run."""

from alo_lib.telemetry.log import LogOutput, open_log
from alo_lib.telemetry.metrics import RunMetrics

__all__ = ["LogOutput", "RunMetrics", "open_log"]
