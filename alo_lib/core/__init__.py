"""The trading core: its settings, its state, the tasks of its frames, and replay."""

from alo_lib.core.calibrator import BackgroundCalibrator, Calibrator, LogicalCalibrator
from alo_lib.core.deciding import program
from alo_lib.core.frame_plan import FRAME_PLAN
from alo_lib.core.reconcile import HostOrder, HostPosition, Reconciliation, reconcile
from alo_lib.core.recovery import Continued, Told, continue_core, inputs_waiting, told_by
from alo_lib.core.remote import RemoteCore
from alo_lib.core.replay import Continuation, Divergence, DivergenceError, FrameReplayed, Replay, Replayer, replay
from alo_lib.core.settings import Settings, SettingsError
from alo_lib.core.snapshot import pack, unpack
from alo_lib.core.trading import CoreState, TradingCore

__all__ = [
    "FRAME_PLAN",
    "BackgroundCalibrator",
    "Calibrator",
    "Continuation",
    "Continued",
    "Core",
    "CoreState",
    "Divergence",
    "DivergenceError",
    "FrameReplayed",
    "HostOrder",
    "HostPosition",
    "LogicalCalibrator",
    "Reconciliation",
    "RemoteCore",
    "Replay",
    "Replayer",
    "Settings",
    "SettingsError",
    "Told",
    "TradingCore",
    "continue_core",
    "inputs_waiting",
    "pack",
    "program",
    "reconcile",
    "replay",
    "told_by",
    "unpack",
]

Core = TradingCore | RemoteCore
"""What an engine drives, in its own process or in one of its own."""
