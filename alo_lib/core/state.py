"""The state that the tasks of a frame work on."""

from dataclasses import dataclass, field
from typing import Annotated

from alo_lib.core.calibrator import PendingCalibration
from alo_lib.records import Kind, Linked, Records, records
from alo_lib.settings import Settings
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.trade import Trade

__all__ = ["State"]


@dataclass
class State:
    """Everything the core knows: the strategy's state, and what the frames need besides."""

    run_settings: Annotated[Settings, Linked("settings")]  # that the run was started with
    strategy: StrategyState
    calibrations: dict[int, PendingCalibration] = field(default_factory=dict)  # not in force yet, by underlying
    last_calibration: int = 0
    proposals: list[Trade] = field(default_factory=list)  # wanted in this frame, subject to risk
    news: bool = False  # something arrived in this frame; without it no task does anything
    ranked: bool = False  # the signals of this frame were made as they should be: without them nothing is opened
    told_targets: Annotated[Records, Kind.TARGET] = field(
        default_factory=lambda: records(Kind.TARGET, 0)
    )  # as last journaled
    # What the frame publishes
    signals: Annotated[Records, Kind.SIGNAL] = field(default_factory=lambda: records(Kind.SIGNAL, 0))
    targets: Annotated[Records, Kind.TARGET] = field(default_factory=lambda: records(Kind.TARGET, 0))
    limited: Annotated[Records, Kind.TARGET] = field(default_factory=lambda: records(Kind.TARGET, 0))
    amendments: Annotated[Records, Kind.AMENDMENT] = field(default_factory=lambda: records(Kind.AMENDMENT, 0))
    intents: Annotated[Records, Kind.INTENT] = field(default_factory=lambda: records(Kind.INTENT, 0))

    @property
    def settings(self) -> Settings:
        """The settings in force: the run's, with the limits that a person has set in it."""
        return self.strategy.steering.in_force(self.run_settings)
