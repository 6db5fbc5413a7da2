"""The trading core, which decides: its settings, its state, and the tasks of its frames."""

from alo_lib.core.calibrator import Calibrator, LogicalCalibrator
from alo_lib.core.deciding import program
from alo_lib.core.frame_plan import FRAME_PLAN, FrameTask
from alo_lib.core.protocol import Core
from alo_lib.core.snapshot import SnapshotError, pack, unpack
from alo_lib.core.trading import CoreState, TradingCore

__all__ = [
    "FRAME_PLAN",
    "Calibrator",
    "Core",
    "CoreState",
    "FrameTask",
    "LogicalCalibrator",
    "SnapshotError",
    "TradingCore",
    "pack",
    "program",
    "unpack",
]
