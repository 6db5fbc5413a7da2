"""A core that follows the journal of the one that leads: it decides again what that decides, as it does so."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from alo_lib.core.adoption import AdoptionError
from alo_lib.core.deciding import program
from alo_lib.executive import TaskPlan
from alo_lib.journal import Found, GrowingJournal, Journal, JournalError, JournalFolder
from alo_lib.journal.segments import SegmentView
from alo_lib.runtime.replay import DivergenceError, Replayer
from alo_lib.runtime.resumption import behind
from alo_lib.settings import Settings, SettingsError

__all__ = ["Follower"]


class Follower:
    """Warm to the last frame that it was told is whole, as a core is that has recovered so far.

    Where it cannot follow, it hears why and waits for the next process that writes the journal; whoever takes over
    meanwhile goes on from a snapshot, as after any restart.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        plans: Sequence[TaskPlan],
        *,
        adopts: bool,
        hear: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.folder = folder
        self._settings, self._plans, self._adopts, self._hear = settings, plans, adopts, hear
        self._growing = GrowingJournal(folder)
        self._replayer: Replayer | None = None
        self._lost = 0  # epoch of the journal's writer that cannot be followed

    @property
    def warm(self) -> Replayer | None:
        """What has decided again as far as it was followed; None where nothing was."""
        return self._replayer

    @property
    def checked(self) -> tuple[SegmentView, ...]:
        """The segments of the journal so far."""
        return self._growing.checked

    @property
    def followed(self) -> int:
        """Messages that are decided again; -1 while none can be."""
        return -1 if self._replayer is None else self._replayer.place

    def follow(self, whole: int, seconds: float) -> None:
        """Decide again what is below the sequence ``whole``, which begins a frame, for so many seconds at most."""
        end = time.monotonic() + seconds
        try:
            journal = self._growing.look()
            if journal is not None:
                self._know(journal)
            if self._replayer is not None:
                for _ in self._replayer.frames(until=whole):
                    if time.monotonic() > end:
                        return
        except (JournalError, DivergenceError, SettingsError, AdoptionError) as error:
            self._lose(error)

    def _know(self, journal: Journal) -> None:
        last = journal.segments[-1]
        if last.epoch == self._lost:
            return
        if self._replayer is not None:
            self._replayer.grow(journal)
            return
        if last.program not in ("", program()):
            raise JournalError(f"the core that leads is another program, {last.program[:8]}, and may decide otherwise")
        place = JournalFolder(self.folder, program())
        beginning = behind(self._settings, place, Found(journal, ()), adopts=self._adopts)
        self._replayer = beginning.replayer(self._plans)

    def _lose(self, error: Exception) -> None:
        checked = self._growing.checked
        again = self._replayer is not None and isinstance(error, JournalError)
        self._replayer, self._growing = None, GrowingJournal(self.folder)
        if again:  # another era, another file: it is followed anew
            return
        self._lost = checked[-1].epoch if checked else 0
        self._hear(f"the standby is not warm: {error}; it would go on as after a restart")
