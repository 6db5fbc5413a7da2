"""Snapshots: what a run had become of a journal's first entries, so that only the rest has to be gone through again.

A snapshot is an aid and never the truth: one that is torn, that another program wrote, or that belongs to entries
which are not in the journal is passed over, and recovery starts from an earlier one or from the beginning.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from alo_lib.journal.files import Files
from alo_lib.journal.format import JournalError
from alo_lib.journal.journal import Journal
from alo_lib.numerics.crc32c import crc32c

__all__ = ["Snapshot", "SnapshotStore", "Snapshots", "decode_snapshot", "encode_snapshot", "entry_checksum"]

_SUFFIX: Final = ".snapshot"
_MAGIC: Final = b"ALOSNAP\n"
_HEADER: Final = np.dtype(
    [
        ("magic", "S8"),
        ("sequence", "<i8"),  # of the first message that it does not account for
        ("program", "S64"),
        ("entry", "<u4"),  # checksum of the last entry that it accounts for
        ("crc", "<u4"),
        ("length", "<i8"),
    ]
)
_KEPT: Final = 2


@dataclass(frozen=True)
class Snapshot:
    """A state, and the number of messages that led to it."""

    sequence: int
    state: bytes


class SnapshotStore(Protocol):
    """Where snapshots are kept."""

    def save(self, sequence: int, entry: int, state: bytes) -> None:
        """Keep a state that follows from the messages below ``sequence``; ``entry`` is the last one's checksum."""

    def latest(self, journal: Journal) -> Snapshot | None:
        """The newest snapshot that belongs to a journal's messages; None where none does."""


class Snapshots:
    """The snapshots in a journal's folder; ``program`` names the code whose states they are."""

    def __init__(self, folder: Path, program: str, files: Files | None = None) -> None:
        self._folder = folder
        self._program = program
        self._files = Files() if files is None else files

    def save(self, sequence: int, entry: int, state: bytes) -> None:
        """Keep a state that follows from the messages below ``sequence``; the two newest are kept.

        ``entry`` is the checksum of the last of them. Nothing is synced: a snapshot that the disk lost or tore is
        passed over, and the journal alone has to be there.

        :raises JournalError: when it cannot be written.
        """
        data = encode_snapshot(self._program, sequence, entry, state)
        files = self._files
        path = self._folder / f"{sequence:012d}{_SUFFIX}"
        new = path.with_suffix(".unfinished")
        try:
            if new.name in files.names(self._folder):
                files.remove(new)
            descriptor = files.create(new)
            try:
                files.append(descriptor, data)
            finally:
                files.close(descriptor)
            files.rename(new, path)
            for name in self._names()[:-_KEPT]:
                files.remove(self._folder / name)
        except OSError as error:
            raise JournalError(f"snapshot {path} cannot be written: {error.strerror or error}") from error

    def latest(self, journal: Journal) -> Snapshot | None:
        """The newest snapshot that belongs to a journal's messages; None where none does."""
        for name in reversed(self._names()):
            try:
                data = self._files.read(self._folder / name)
            except OSError:  # one that cannot be read is passed over as one that is torn
                continue
            snapshot = decode_snapshot(data, self._program, journal)
            if snapshot is not None:
                return snapshot
        return None

    def clear(self) -> None:
        """Remove all: the run is over."""
        for name in self._names():
            self._files.remove(self._folder / name)

    def _names(self) -> list[str]:
        return [name for name in self._files.names(self._folder) if name.endswith(_SUFFIX)]


def encode_snapshot(program: str, sequence: int, entry: int, state: bytes) -> bytes:
    """A snapshot as it is kept; arguments as of :meth:`Snapshots.save`."""
    row = np.zeros(1, _HEADER)
    row["magic"], row["sequence"], row["program"], row["entry"] = _MAGIC, sequence, program.encode(), entry
    row["length"] = len(state)
    row["crc"] = crc32c(row.tobytes() + state)
    return row.tobytes() + state


def decode_snapshot(data: bytes, program: str, journal: Journal) -> Snapshot | None:
    """The snapshot; None where it is torn, another program's, or does not belong to the journal's messages."""
    if len(data) < _HEADER.itemsize or not data.startswith(_MAGIC):
        return None
    header = np.frombuffer(data, _HEADER, 1).copy()
    state, sequence = data[_HEADER.itemsize :], int(header["sequence"][0])
    crc, header["crc"] = int(header["crc"][0]), 0
    if header["length"][0] != len(state) or crc != crc32c(header.tobytes() + state):
        return None
    if header["program"][0] != program.encode() or not 0 < sequence <= len(journal.messages):
        return None
    return Snapshot(sequence, state) if entry_checksum(journal, sequence) == header["entry"][0] else None


def entry_checksum(journal: Journal, sequence: int) -> int:
    """The checksum of the last entry below ``sequence``, which a snapshot of that sequence names."""
    for segment in journal.segments:
        if segment.first < sequence <= segment.stop:
            return int(segment.entry(sequence - 1 - segment.first)["crc"])
    raise JournalError(f"message {sequence - 1} is not in the journal")
