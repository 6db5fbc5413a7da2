"""The trading core: its settings, its state, the tasks of its frames, calibrations between frames, and replay."""

from alo_lib.core.calibrator import BackgroundCalibrator, Calibrator, LogicalCalibrator, ToldCalibrator
from alo_lib.core.replay import Divergence, Replay, replay
from alo_lib.core.settings import Settings, SettingsError
from alo_lib.core.trading import TradingCore

__all__ = [
    "BackgroundCalibrator",
    "Calibrator",
    "Divergence",
    "LogicalCalibrator",
    "Replay",
    "Settings",
    "SettingsError",
    "ToldCalibrator",
    "TradingCore",
    "replay",
]
