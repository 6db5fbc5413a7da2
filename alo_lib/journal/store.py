"""Where segments live: files in a folder, or memory that somebody else keeps."""

import contextlib
import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.files import Files
from alo_lib.journal.format import NEW_SUFFIX, SEGMENT_SUFFIX, WORD, JournalError, segment_name, shown
from alo_lib.journal.kernels import APPENDED, MARKS, STATE
from alo_lib.journal.lock import WriterLock, lock_folder
from alo_lib.journal.sync_times import SyncTimes
from alo_lib.records.processes import Process, this_process

__all__ = ["FolderStore", "JournalSegment", "MemoryStore", "Spare", "Store", "mark_writer", "published_count"]

Words = NDArray[np.int64]

PUBLISHED_NAME = "published"
"""The writer's marks, mapped: for whoever wants to know what is appended and what is durable. Recovery ignores it."""

_PROCESS: Final = slice(10, 13)
_INODE: Final = 13
"""Marks that kernels leave alone: which process the writer is, and which file they are in: a copy's marks are nobody's.
"""
_SPARE: Final = "spare" + NEW_SUFFIX


@dataclass
class JournalSegment:
    """A segment that is being written: its words, and its file's descriptors (-1 in memory)."""

    number: int
    words: Words
    descriptor: int = -1
    claim: int = -1  # by which others are kept from it


@dataclass
class Spare:
    """A file that is to become a segment: zeros, mapped, under a name that nobody reads."""

    path: Path
    words: Words
    descriptor: int
    claim: int

    @property
    def bytes(self) -> int:
        """Its size."""
        return len(self.words) * WORD


class Store(Protocol):
    """What a writer needs of the place where its segments live. Methods raise OSError."""

    def publish(self) -> Words:
        """The words that the writer keeps its marks in."""

    def gone_because(self, segment: JournalSegment) -> str:
        """Why who reads the journal now does not find this segment, in words; empty where he does."""

    def unpublish(self) -> None:
        """The writer has closed its journal: its marks tell nothing any more, and it writes no more."""

    def release(self) -> None:
        """The writer writes no more, though it has not closed its journal: another one may. Twice is once."""

    def begin(self, number: int, header: bytes, size: int) -> JournalSegment:
        """A new segment of ``size`` words that begins with ``header``, on disk before it has its name."""

    def sync(self, segment: JournalSegment) -> None:
        """Return when all that was appended to the segment is on disk."""

    def finish(self, segment: JournalSegment, size: int) -> None:
        """Cut a segment to the words that are in use; nothing is appended to it any more."""

    def close(self, segment: JournalSegment) -> None:
        """Let go of a segment."""

    def forget(self, segment: JournalSegment) -> None:
        """In a process that was forked: close what it has of a segment, and leave it its parent's."""


class FolderStore:
    """Segments as files of one folder, appended to in memory that is mapped to them.

    What is appended is in the operating system's hands at once: it survives the process, and after a sync the machine.
    ``lock`` is that of who recovered the journal; without one, publishing takes it.
    """

    def __init__(self, folder: Path, files: Files | None = None, lock: WriterLock | None = None) -> None:
        self.folder = folder
        self.files = Files() if files is None else files
        self.times: SyncTimes | None = None
        """Where the times of write-outs are recorded."""
        self._lock = lock

    def lock(self) -> None:
        """Become the journal's only writer.

        :raises JournalError: when there is another; when the journal was recovered and let go of before this writer.
        """
        if self._lock is None:
            self._lock = lock_folder(self.folder, self.files)
        elif not self._lock.held:
            raise JournalError(f"journal {self.folder} was let go of after it was recovered; recover it again")

    def publish(self) -> Words:
        """Marks in a file that others can map to read."""
        self.lock()
        path = self.folder / PUBLISHED_NAME
        self._remove_left_over(path)
        descriptor = self.files.create(path)
        try:
            self.files.allocate(descriptor, MARKS * WORD)
            marks = self.files.map(descriptor, MARKS * WORD)
            marks[_INODE] = self.files.inode(descriptor)
            return marks
        finally:
            self.files.close(descriptor)

    def gone_because(self, segment: JournalSegment) -> str:
        """Where the segment's name leads to nothing, or to another file: its folder was moved, removed or replaced."""
        path = self.folder / segment_name(segment.number)
        if self.files.is_at(path, segment.descriptor):
            return ""
        return f"{path} was moved, removed or replaced while it was written; a restart would not find it"

    def unpublish(self) -> None:
        """Remove the marks' file, and let go of the lock."""
        self.files.remove(self.folder / PUBLISHED_NAME)
        self.release()

    def release(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            self._lock.release()

    def begin(self, number: int, header: bytes, size: int, spare: Spare | None = None) -> JournalSegment:
        """Make the file under another name, write its header, put both on disk; so a name always has a header.

        A ``spare`` of this store becomes the segment, whatever its size.
        """
        path = self.folder / segment_name(number)
        file = self.create_file(number, size) if spare is None else spare
        try:
            file.words[: len(header) // WORD] = np.frombuffer(header, np.int64)
            self.files.sync(file.descriptor)
            if path.name in self.files.names(self.folder):  # another writer's: its folder is there now
                raise FileExistsError(errno.EEXIST, f"{path} exists, and this writer has not made it")
            self.files.rename(file.path, path)
            self.files.sync_directory(self.folder)
        except BaseException:
            self.close(file)
            raise
        return JournalSegment(number, file.words, file.descriptor, file.claim)

    def create_file(self, number: int, size: int) -> Spare:
        """A file of ``size`` words that :meth:`begin` can take for that segment at once."""
        return self._new((self.folder / segment_name(number)).with_suffix(NEW_SUFFIX), size)

    def create_spare(self, size: int) -> Spare:
        """A file of ``size`` words that :meth:`begin` can take, once zeros are written to all of it."""
        return self._new(self.folder / _SPARE, size)

    def write_zeros(self, spare: Spare, at: int, size: int) -> None:
        """Write zeros to ``size`` bytes of a spare file, and return when they are on disk."""
        self.files.write_zeros(spare.descriptor, at, size)
        self.files.sync(spare.descriptor)

    def drop(self, spare: Spare, *, remove: bool) -> None:
        """Let go of a spare file, and ``remove`` it."""
        self.close(spare)
        if remove:
            self.files.remove(spare.path)

    def _new(self, path: Path, size: int) -> Spare:
        """Make a file of ``size`` words, all zero."""
        self._remove_left_over(path)
        descriptor = self.files.create(path)
        try:
            self.files.allocate(descriptor, size * WORD)
            return Spare(path, self.files.map(descriptor, size * WORD), descriptor, self.files.hold(path))
        except BaseException as error:
            self.files.close(descriptor)
            if isinstance(error, OSError):  # it may hold what room there was
                with contextlib.suppress(OSError):
                    self.files.remove(path)
            raise

    def _remove_left_over(self, path: Path) -> None:
        """Remove what a writer that was killed has left under a name that nobody reads."""
        if path.name in self.files.names(self.folder):
            self.files.remove(path)

    def sync(self, segment: JournalSegment) -> None:
        """Write the file's new pages to the disk."""
        began = time.monotonic_ns()
        self.files.sync(segment.descriptor)
        if self.times is not None:
            self.times.take(began)

    def finish(self, segment: JournalSegment, size: int) -> None:
        """Cut the file."""
        self.files.truncate(segment.descriptor, size * WORD)

    def close(self, segment: JournalSegment | Spare) -> None:
        """Let others have the file, and close it."""
        self.files.let_go(segment.claim)
        self.files.close(segment.descriptor)

    def forget(self, segment: JournalSegment | Spare) -> None:
        """Close the file, and leave it locked."""
        self.files.close(segment.claim)
        self.files.close(segment.descriptor)


class MemoryStore:
    """Segments in memory; ``saved`` is told each one that is finished, to keep it elsewhere."""

    def __init__(self, saved: Callable[[int, bytes], None] | None = None) -> None:
        self._segments: dict[int, tuple[Words, int]] = {}
        self._saved = saved

    def publish(self) -> Words:
        """Marks that nobody else sees."""
        return np.zeros(MARKS, np.int64)

    def gone_because(self, segment: JournalSegment) -> str:
        """Empty: nobody else can take it away."""
        return ""

    def unpublish(self) -> None:
        """Nothing to do."""

    def release(self) -> None:
        """Nothing to do: nobody else can write here."""

    def begin(self, number: int, header: bytes, size: int) -> JournalSegment:
        """Take memory for a segment; its pages cost nothing until they are written."""
        words = np.zeros(size, np.int64)
        words[: len(header) // WORD] = np.frombuffer(header, np.int64)
        self._segments[number] = words, size
        return JournalSegment(number, words)

    def sync(self, segment: JournalSegment) -> None:
        """Nothing: memory is as safe as it gets."""

    def finish(self, segment: JournalSegment, size: int) -> None:
        """Remember how long the segment is, and tell it."""
        self._segments[segment.number] = segment.words[:size].copy(), size
        if self._saved is not None:
            self._saved(segment.number, self._segments[segment.number][0].tobytes())

    def close(self, segment: JournalSegment) -> None:
        """Nothing to do."""

    def forget(self, segment: JournalSegment) -> None:
        """Nothing: memory is the forked process's own."""

    def image(self, number: int) -> bytes:
        """One segment's bytes."""
        return self._segments[number][0].tobytes()

    def images(self) -> list[bytes]:
        """Every segment's bytes, in order; zeros follow the entries of the one being written."""
        return [words.tobytes() for _, (words, _) in sorted(self._segments.items())]


def mark_writer(marks: Words) -> None:
    """Put this process's identity into the marks of its writer."""
    marks[_PROCESS] = this_process()


def published_count(folder: Path, files: Files) -> int | None:
    """Messages of a journal that its writer has finished so far; None where no process writes it.

    A writer in another container counts as one that lives, and nobody writes a copy. OSError when the folder cannot be
    read.
    """
    if PUBLISHED_NAME not in files.names(folder):
        return None
    try:
        file = files.contents(folder / PUBLISHED_NAME)
    except FileNotFoundError:  # closed just now
        return None
    told = file.read(0, file.size)
    if len(told) != MARKS * WORD:
        return None
    marks = np.frombuffer(told, np.int64)
    living = marks[STATE] == 0 and marks[_INODE] == file.inode
    if not living or Process(*marks[_PROCESS].tolist()).alive is False:
        return None
    return int(marks[APPENDED])


def segment_names(folder: Path, files: Files) -> list[str]:
    """The names of a folder's segments, in order. OSError when it cannot be read.

    :raises JournalError: for a name that only looks like one: nobody can say what that file is of the journal.
    """
    names = [name for name in files.names(folder) if name.endswith(SEGMENT_SUFFIX)]
    for name in names:
        number = name.removesuffix(SEGMENT_SUFFIX)
        if not (number.isascii() and number.isdigit() and name == segment_name(int(number))):
            raise JournalError(f"journal {folder}: {shown(name)} is no name of a segment, such as {segment_name(0)}")
    return sorted(names, key=len)  # of one length they are in order; beyond 99,999,999 they get longer
