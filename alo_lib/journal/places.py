"""Where a run's journal is kept: what an earlier process left there, and the writer of what follows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from alo_lib.journal.files import Files
from alo_lib.journal.format import Durability
from alo_lib.journal.journal import Journal
from alo_lib.journal.reader import read_journal
from alo_lib.journal.recovery import Recovered, recover
from alo_lib.journal.segments import SegmentView
from alo_lib.journal.snapshots import Snapshots, SnapshotStore
from alo_lib.journal.store import FolderStore, segment_names
from alo_lib.journal.writer import Clocks, JournalWriter, WriterStart

__all__ = ["Found", "JournalFolder", "JournalPlace"]


class Found(NamedTuple):
    """A journal that can be gone on from, and what was found on the way, in sentences."""

    journal: Journal
    findings: Sequence[str]


class JournalPlace(Protocol):
    """A folder, or an object store. Methods raise JournalError."""

    @property
    def name(self) -> str:
        """What people know it by."""

    @property
    def snapshots(self) -> SnapshotStore | None:
        """The states that runs have left beside their journal; None where none is kept."""

    def recover(self) -> Found | None:
        """Make whole what an earlier process left; None where there is nothing, or nothing is gone on from."""

    def writer(self, settings: bytes, start: WriterStart, program: str = "") -> JournalWriter:
        """The writer of what follows from ``start``, under settings as JSON and decided by a program."""

    def release(self) -> None:
        """Let others write: no writer follows what was recovered. A writer lets go by itself."""

    def keep(self, writer: JournalWriter) -> None:
        """Make what was appended outlive this process, soon. Called between frames."""

    def settle(self, writer: JournalWriter) -> None:
        """Make what was appended outlive this process before anything else happens: orders are about to be sent."""

    def closed(self) -> Journal:
        """The whole journal, once its writer has closed it."""


class JournalFolder:
    """Segments as files. A ``fresh`` run begins a journal and refuses a folder that has one already.

    ``program`` names the code whose snapshots are taken up; :attr:`known` are segments that were checked before.
    """

    def __init__(
        self,
        folder: Path,
        program: str,
        *,
        durability: Durability = Durability.OS,
        clocks: Clocks | None = None,
        fresh: bool = False,
        files: Files | None = None,
    ) -> None:
        self.folder = folder
        self.name = str(folder)
        self.snapshots = Snapshots(folder, program, files)
        self._durability = durability
        self._clocks = clocks
        self._fresh = fresh
        self._files = Files() if files is None else files
        self._recovered: Recovered | None = None
        self.known: Sequence[SegmentView] = ()

    def recover(self) -> Found | None:
        """See :class:`JournalPlace`. Until there is a writer, the place keeps others from writing."""
        if self._fresh or not (self.folder.is_dir() and segment_names(self.folder, self._files)):
            return None
        self._recovered = recover(self.folder, files=self._files, known=self.known)
        return Found(self._recovered.journal, self._recovered.findings)

    def writer(self, settings: bytes, start: WriterStart, program: str = "") -> JournalWriter:
        """See :class:`JournalPlace`."""
        options: dict[str, Any] = {
            "settings": settings,
            "program": program,
            "durability": self._durability,
            "clocks": self._clocks,
        }
        if start == WriterStart():
            return JournalWriter.create(self.folder, files=self._files, **options)
        lock = None if self._recovered is None else self._recovered.lock
        self._recovered = None
        return JournalWriter(FolderStore(self.folder, self._files, lock), position=start, **options)

    def release(self) -> None:
        """See :class:`JournalPlace`."""
        if self._recovered is not None:
            self._recovered.release()
            self._recovered = None

    def keep(self, writer: JournalWriter) -> None:
        """Nothing: what is appended is in the operating system's hands."""

    def settle(self, writer: JournalWriter) -> None:
        """Nothing, likewise."""

    def closed(self) -> Journal:
        """See :class:`JournalPlace`."""
        return read_journal(self.folder)
