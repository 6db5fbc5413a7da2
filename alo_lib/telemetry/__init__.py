"""What is measured of a run while it runs, and said when it has: histograms, state, logs, metrics."""

from typing import TYPE_CHECKING

from alo_lib.exports import export_lazily

if TYPE_CHECKING:
    from alo_lib.telemetry.layout import EngineKind, RunPhase
    from alo_lib.telemetry.log import LogOutput, open_log
    from alo_lib.telemetry.metrics import RunMetrics
    from alo_lib.telemetry.recorder import Recorder, RunTold, open_recorder

__all__ = ["EngineKind", "LogOutput", "Recorder", "RunMetrics", "RunPhase", "RunTold", "open_log", "open_recorder"]
export_lazily(__name__)
