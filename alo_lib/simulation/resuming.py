"""A run's journal: a new one, or one that a killed run left and this one continues."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from alo_lib.core import program
from alo_lib.journal import Durability, JournalError, JournalWriter, Snapshot, Snapshots, recover
from alo_lib.records import Message
from alo_lib.runtime import Continuation, inputs_waiting

__all__ = ["RunJournal"]

_RUN: Final = ("alo_lib.simulation.engine",)
"""What decides a run: the broker and the account as well as the core."""


@dataclass
class RunJournal:
    """Where a run writes, and where it begins."""

    writer: JournalWriter
    sink: Continuation
    snapshots: Snapshots
    snapshot: Snapshot | None
    findings: Sequence[str]  # what recovery found, in sentences

    @classmethod
    def open(cls, folder: Path, settings: bytes, durability: Durability, *, resume: bool) -> Self:
        """A new journal in a folder, or with ``resume`` the one that is there. Raises JournalError."""
        snapshots = Snapshots(folder, program(_RUN))
        if not resume or not any(folder.glob("*.segment")):
            writer = JournalWriter.create(folder, settings=settings, durability=durability)
            return cls(writer, Continuation((), 0, writer), snapshots, None, ())
        recovered = recover(folder)
        if recovered.journal.settings != settings:
            raise JournalError(f"{folder} was written under other settings than these; a run goes on under its own")
        messages = recovered.journal.messages
        snapshot = snapshots.latest(recovered.journal)
        start = 0 if snapshot is None else snapshot.sequence
        writer = recovered.writer(durability=durability)
        found = (*recovered.findings, f"{len(messages)} messages hold, of which {start} are in a snapshot")
        return cls(writer, Continuation(messages, start, writer), snapshots, snapshot, found)

    def waiting(self) -> Iterator[Message]:
        """The inputs before the snapshot that no frame had taken in yet."""
        return inputs_waiting(self.sink.recorded, self.sink.place)

    def save(self, state: Callable[[], bytes]) -> None:
        """Take a snapshot, unless the run still goes through what is recorded."""
        if self.sink.at_end and self.writer.sequence:
            self.snapshots.save(self.writer.sequence, self.writer.checksum, state())

    def close(self) -> None:
        """Seal the journal; a finished run needs no snapshots."""
        self.writer.close()
        self.snapshots.clear()
