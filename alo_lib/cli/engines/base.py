"""What every engine offers to the backtest command."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from alo_lib.market import DataFindings, FaultLog
from alo_lib.settings import Settings

__all__ = ["Engine", "EngineRun", "EngineState", "Progress"]

Progress = Callable[[dt.date, float], None]
"""Told the simulated date and the share of the run that is done, from 0 to 1."""


@dataclass(frozen=True)
class EngineRun:
    """What an engine has to say beside the files it left: journal/ and results in LEAN's format."""

    faults: FaultLog  # data left out; of LEAN, which keeps no account of it, by the same reading of the same files
    lean_version: str | None = None
    order_list_hash: str | None = None


class EngineState(NamedTuple):
    """Whether an engine is there, and where; or what is missing."""

    name: str
    ready: bool
    detail: str


class Engine(Protocol):
    """An engine that is there."""

    @property
    def name(self) -> str:
        """Its name on the command line."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    @property
    def shows_progress(self) -> bool:
        """Whether it calls ``progress``; LEAN shows its log instead."""

    @property
    def goes_on(self) -> bool:
        """Whether a run of it that was cut short can be continued in its folder."""

    def run(
        self, settings: Settings, data: Path, findings: DataFindings, folder: Path, progress: Progress
    ) -> EngineRun:
        """Run a backtest over ``data``, which holds ``findings``, and leave journal/ and LEAN's results in ``folder``.

        :raises RunFailedError: when it was started and failed.
        """
