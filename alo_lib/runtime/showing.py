"""Showing how a core stands while it runs, for hosts that may be asked not to."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from alo_lib.core.frame_plan import FRAME_PLAN
from alo_lib.core.trading import Sink, TradingCore
from alo_lib.executive import Release, Watch
from alo_lib.journal import Journal, JournalWriter, messages_of
from alo_lib.records import Message
from alo_lib.settings import Settings
from alo_lib.telemetry import EngineKind, Recorder, RunPhase, RunTold, open_recorder
from alo_lib.telemetry.layout import TELEMETRY_FOLDER
from alo_lib.telemetry.tally import STANDING

__all__ = ["Showing"]


class Showing:
    """What a host does around its core so that others see, in a ``folder``, how it stands; without one nothing.

    ``hear`` hears, in a sentence, why nobody sees it where the folder cannot be had.
    """

    def __init__(self, folder: Path | None, told: RunTold, hear: Callable[[str], None]) -> None:
        self.recorder: Recorder | None = None
        if folder is not None:
            self.recorder, unseen = open_recorder(folder, told)
            if unseen:
                hear(unseen)

    @classmethod
    def in_results(
        cls, results: Path | None, engine: EngineKind, settings: Settings, journal: Path, hear: Callable[[str], None]
    ) -> Self:
        """Of a run that leaves its results in a folder, in which frames are not released by the machine's clock."""
        told = RunTold(
            "" if results is None else results.name, engine, False, settings.frame_nanoseconds, FRAME_PLAN, journal
        )
        if results is not None and not results.is_dir():
            hear(f"nothing shows how this run stands while it runs: there is no folder {results}")
            results = None
        return cls(None if results is None else results / TELEMETRY_FOLDER, told, hear)

    def know(self, recorded: Sequence[Message]) -> None:
        """Know how the run stands by what earlier processes have journaled, and still counts."""
        if self.recorder is not None:
            left_out = Journal(b"", recorded).left_out
            told = messages_of(recorded, *STANDING)
            self.recorder.know(message for sequence, message in told if sequence not in left_out)

    def sink(self, writer: JournalWriter, inner: Sink | None = None) -> Sink:
        """What a core writes to in the place of a journal's writer, or of ``inner``, which stands before that."""
        inner = writer if inner is None else inner
        if self.recorder is None:
            return inner
        self.recorder.journal(writer)
        return self.recorder.sink(inner)

    def begin(self, core: TradingCore, watch: Watch | None) -> None:
        """The core is about to run, its tasks watched by ``watch``, where there is one."""
        core.watch_with(watch if self.recorder is None else self.recorder.watch(watch))
        if self.recorder is not None:
            self.recorder.halts = lambda: core.halts

    def count_durable(self, durable: Callable[[], int]) -> None:
        """Know who counts the messages that outlive the process, where the journal's writer does not."""
        if self.recorder is not None:
            self.recorder.durable = durable

    def run(self) -> None:
        """Frames are about to be opened."""
        if self.recorder is not None:
            self.recorder.publish(RunPhase.RUNNING)

    def released(self, release: Release, missed: int) -> None:
        """A frame was released by the machine's clock, ``missed`` others before it never."""
        if self.recorder is not None:
            self.recorder.released(release, missed)

    def sent(self) -> None:
        """The last frame's orders are handed to who sends them."""
        if self.recorder is not None:
            self.recorder.sent()

    def rest(self) -> None:
        """Between two frames, where there is time."""
        if self.recorder is not None:
            self.recorder.rest()

    def end(self, phase: RunPhase) -> None:
        """The run has ended. Twice is once."""
        if self.recorder is not None:
            self.recorder.close(phase)
