"""What runs a core: replay, going on after a kill, a process of its own, and its host's side of that."""

from alo_lib.runtime.background_calibrator import BackgroundCalibrator
from alo_lib.runtime.host_position import HostPosition
from alo_lib.runtime.hosting import HostedCore, Opened, open_core
from alo_lib.runtime.market_record import MarketRecord, market_record_of
from alo_lib.runtime.reconcile import HostOrder, Reconciliation, reconcile
from alo_lib.runtime.remote import RemoteCore
from alo_lib.runtime.replay import Continuation, Divergence, DivergenceError, FrameReplayed, Replay, Replayer, replay
from alo_lib.runtime.resumption import Beginning, begin
from alo_lib.runtime.same_settings import SETTINGS_OF_PLACE
from alo_lib.runtime.steering import Answer, command_of, steer
from alo_lib.runtime.teller import DIVIDENDS_LOOKED_BACK, SessionHost, Teller, ToldCore
from alo_lib.runtime.timetable import Timetable

__all__ = [
    "DIVIDENDS_LOOKED_BACK",
    "SETTINGS_OF_PLACE",
    "Answer",
    "BackgroundCalibrator",
    "Beginning",
    "Continuation",
    "Divergence",
    "DivergenceError",
    "FrameReplayed",
    "HostOrder",
    "HostPosition",
    "HostedCore",
    "MarketRecord",
    "Opened",
    "Reconciliation",
    "RemoteCore",
    "Replay",
    "Replayer",
    "SessionHost",
    "Teller",
    "Timetable",
    "ToldCore",
    "begin",
    "command_of",
    "market_record_of",
    "open_core",
    "reconcile",
    "replay",
    "steer",
]
