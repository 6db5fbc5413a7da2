"""Writing a journal, append before dispatch."""

import contextlib
import errno
import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.beginning import Clocks, WriterStart, no_clock
from alo_lib.journal.files import Files
from alo_lib.journal.format import (
    ENTRY_WORDS,
    LAST,
    SEGMENT_SUFFIX,
    WORD,
    Durability,
    JournalError,
    segment_header,
    words_for,
)
from alo_lib.journal.kernels import (
    AHEAD,
    APPENDED,
    CHECKSUM,
    DURABLE,
    EPOCH,
    LIMIT,
    OFFSET,
    STATE,
    STOPPED,
    TOUCHED,
    append,
    seal,
)
from alo_lib.journal.preparing import Preparer
from alo_lib.journal.store import FolderStore, JournalSegment, MemoryStore, Store, mark_writer
from alo_lib.journal.sync_times import SyncTimes
from alo_lib.journal.syncing import Syncer
from alo_lib.records import SCHEMA_VERSION, Message

__all__ = ["DEFAULT_SEGMENT", "Clocks", "JournalWriter", "WriterStart"]

DEFAULT_SEGMENT: Final = 1 << 26
"""Bytes a segment."""
_CLOSED: Final = -1
_AHEAD: Final = {Durability.EVERY: 8, Durability.GROUP: 8, Durability.OS: 64}
"""Pages touched at once: less than one append of 128 bytes in a hundred meets faults, with ``os`` in a thousand."""
_UNSYNCED: Final = 8
"""Full segments that ``os`` leaves to the operating system before it asks for the oldest."""
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_NONE: Final = np.zeros(0, np.int64)


class JournalWriter:
    """Appends messages to segments, and stops for good at the first failure.

    ``append`` returns once the message is safe as far as ``durability`` goes: on disk (``every``), in the operating
    system's hands and on disk within a major frame (``group``), or in its hands (``os``). ``durable`` says how far the
    disk is. A write or a sync that fails raises JournalError, from then on every call does, and the core stops with
    it; nothing is tried again, because a disk that failed once has lost what it was given.

    One thread appends. Compiled callers use :func:`alo_lib.journal.kernels.append` on :attr:`words` and
    :attr:`marks`, and call :meth:`begin_segment` when it says FULL.
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        settings: bytes = b"{}",
        program: str = "",
        durability: Durability = Durability.OS,
        clocks: Clocks | None = None,
        segment_bytes: int = DEFAULT_SEGMENT,
        position: WriterStart | None = None,
    ) -> None:
        self.store: Store = MemoryStore() if store is None else store
        self.settings = settings
        self._program = program
        self.durability = durability
        self._clocks = clocks
        self._clock: Callable[[], int] = no_clock if clocks is None else clocks.monotonic
        self._size = words_for(segment_bytes)
        position = position or WriterStart()
        self._number = position.number
        self._unsynced: list[JournalSegment] = []
        self._segment: JournalSegment | None = None
        self._syncer: Syncer | None = None
        self._preparer: Preparer | None = None
        self._prepared = True
        self._problem = ""
        self.marks: NDArray[np.int64] = _NONE
        try:
            self._begin_journal(position)
        except BaseException:
            self.store.release()
            raise
        _writers.add(self)

    def _begin_journal(self, position: WriterStart) -> None:
        """Publish where the writer stands, and begin its first segment."""
        with self._stopping_on_failure():
            self.marks = self.store.publish()
        self.marks[APPENDED] = self.marks[DURABLE] = position.sequence
        self.marks[EPOCH], self.marks[CHECKSUM] = position.epoch, position.checksum
        self.marks[AHEAD] = _AHEAD[self.durability]
        mark_writer(self.marks)
        if self.durability is Durability.GROUP and isinstance(self.store, FolderStore):
            self._syncer = Syncer(self.marks, self.store.sync, self.store.close, self.store.files.sync_address)
            self._preparer, self._prepared = Preparer(self.store, self._size), False
        self.begin_segment()

    @classmethod
    def create(cls, folder: Path, *, files: Files | None = None, **options: Any) -> Self:
        """Begin a journal in a folder, which is made where its parent is and it is not.

        :raises JournalError: when the folder holds a journal already: :func:`alo_lib.journal.recover` continues one;
            when another process has begun to write there.
        """
        store = FolderStore(folder, files)
        try:
            store.files.make_folder(folder)
            store.lock()
            names = sorted(path.name for path in folder.iterdir())
        except OSError as error:
            store.release()
            raise JournalError(f"journal {folder} cannot be made: {error.strerror}") from error
        if any(name.endswith(SEGMENT_SUFFIX) for name in names):
            store.release()
            raise JournalError(f"{folder} holds a journal already; continue it, or name another folder")
        return cls(store, **options)

    # What others read ------------------------------------------------------------------------------------------------

    @property
    def sequence(self) -> int:
        """Messages appended, over all epochs."""
        return int(self.marks[APPENDED])

    @property
    def durable(self) -> int:
        """Messages on disk: every sequence below this."""
        return int(self.marks[DURABLE])

    @property
    def prepared(self) -> bool:
        """Whether the segment is one whose syncs have no metadata to write; with ``group`` the first is not."""
        return self._prepared

    @property
    def unprepared_because(self) -> str:
        """Why the next segment's file could not be made ahead of its time, in words; empty where it could.

        The journal goes on without: its syncs wait longer. It is tried again with each segment.
        """
        problem = None if self._preparer is None else self._preparer.problem
        return "" if problem is None else f"no segment is prepared ahead: {problem.strerror or problem}"

    @property
    def gone_because(self) -> str:
        """Why who looks for the journal does not find it, in words; empty where he does.

        Such a journal is still written where it is, and stops with its segment.
        """
        return "" if self._segment is None else self.store.gone_because(self._segment)

    @property
    def epoch(self) -> int:
        """Which writer of this journal this is, from 1."""
        return int(self.marks[EPOCH])

    @property
    def checksum(self) -> int:
        """Checksum of the last message's entry; 0 before the first."""
        return int(self.marks[CHECKSUM])

    @property
    def words(self) -> NDArray[np.int64]:
        """The segment that is appended to now."""
        return _NONE if self._segment is None else self._segment.words

    @property
    def image(self) -> tuple[int, bytes]:
        """Number and bytes of the segment that is appended to now, for a store that takes whole values only."""
        assert self._segment is not None
        return self._segment.number, self.words[: int(self.marks[OFFSET])].tobytes()

    def time_syncs(self, times: SyncTimes) -> None:
        """Record how long each write-out to the disk takes, from now on."""
        if isinstance(self.store, FolderStore):
            self.store.times = times
        if self._syncer is not None:
            self._syncer.time_by(times)

    # What the core does ----------------------------------------------------------------------------------------------

    def append(self, message: Message) -> int:
        """Write one message; returns its sequence.

        :raises JournalError: when that fails, and then for ever.
        """
        rows = np.ascontiguousarray(message.records)
        return self._append(message.time, int(message.kind), len(rows), rows.nbytes, rows.view(np.int64))

    def flush(self) -> None:
        """The end of a frame: hear of a failure that happened since the last append.

        With ``group`` this is also when the first segment is left for one whose file was prepared meanwhile.
        """
        if self._preparer is not None and not self._prepared and self._preparer.ready and self.marks[STATE] == 0:
            self.begin_segment()
        if self.marks[STATE] != 0:
            self._stopped()

    def wait(self, sequence: int, timeout: float = 10.0) -> None:
        """Return when every message below ``sequence`` is on disk, syncing it where no thread does.

        :raises JournalError: on failure.
        :raises TimeoutError: after ``timeout`` seconds.
        """
        end = time.monotonic() + timeout
        self.flush()
        if self._syncer is None:
            self._sync_all()
        while self.durable < sequence:
            self.flush()
            if time.monotonic() > end:
                raise TimeoutError(f"message {sequence - 1} is not on disk after {timeout} s; {self.durable} are")
            time.sleep(1e-4)

    def close(self) -> None:
        """Put everything on disk and seal the journal; nothing can be appended afterwards. Twice is once.

        :raises JournalError: on failure; for a journal that nobody would find (:attr:`gone_because`), when all of it
            is on disk.
        """
        if self.marks[STATE] == _CLOSED:
            return
        if self._preparer is not None:
            with self._stopping_on_failure():
                self._preparer.stop(remove=not self.gone_because)
        self.flush()
        if self._syncer is not None:
            self._syncer.stop()
            self.flush()
        self._sync_all()
        self._seal()
        assert self._segment is not None
        with self._stopping_on_failure():
            self.store.sync(self._segment)
            self._require_in_place()
            self.store.close(self._segment)
            self.store.unpublish()
        self.marks[STATE] = _CLOSED
        self.marks = self.marks.copy()  # those that others could map, and their descriptor, go with the file
        self._problem = "the journal is closed; nothing can follow"
        self._segment = None

    def leave(self) -> None:
        """Put what was appended on disk and let go of the journal unsealed: its run is cut short and may go on.

        A journal that has failed is let go of as it is.
        """
        if self.marks[STATE] == 0:
            with contextlib.suppress(JournalError, TimeoutError):  # what cut the run short is what is told
                self.wait(self.sequence)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files as they are, as a process does that is killed. For tests and failed runs."""
        if self.marks[STATE] == 0:
            self.marks[STATE] = _CLOSED
            self._problem = "the journal was abandoned; nothing can follow"
        try:
            if self._preparer is not None:
                self._preparer.stop(remove=False)
            if self._syncer is not None:
                self._syncer.stop()
            for segment in [*self._unsynced, *([] if self._segment is None else [self._segment])]:
                self.store.close(segment)
            self._unsynced, self._segment = [], None
        finally:
            self.store.release()

    def begin_segment(self, at_least: int = 0) -> None:
        """Seal the segment, if there is one, and begin the next, with room for an entry of ``at_least`` bytes."""
        if self.marks[STATE] != 0:
            self._stopped()
        old = self._segment
        if old is not None:
            with self._stopping_on_failure():
                self._require_in_place()
            self._seal()
        self._require_room_to_count()
        header = segment_header(
            self.settings,
            schema=SCHEMA_VERSION,
            number=self._number,
            epoch=self.epoch,
            first=self.sequence,
            durable=self.durable,
            program=self._program,
            clocks=(0, 0) if self._clocks is None else (self._clocks.monotonic(), self._clocks.utc()),
        )
        used = len(header) // WORD
        size = max(self._size, used + words_for(at_least) + 2 * ENTRY_WORDS)
        with self._stopping_on_failure():
            self._segment = self._begin(header, size)
        self._number += 1
        self.marks[OFFSET] = used
        self.marks[LIMIT] = len(self._segment.words) - ENTRY_WORDS  # one entry is kept for the seal
        self.marks[TOUCHED] = used
        if self._syncer is not None:
            self._syncer.add(self._segment, self.sequence)
        elif old is not None:
            self._unsynced.append(old)
            if self.durability is not Durability.OS or len(self._unsynced) > _UNSYNCED:
                self._sync_oldest()

    # Within ----------------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        """In a process that was forked: the files are its parent's, which goes on writing them."""
        if self._segment is None or self._segment.descriptor < 0:  # memory is this process's own
            return
        for segment in [*self._unsynced, self._segment]:
            self.store.forget(segment)
        if self._syncer is not None:
            self._syncer.forget(self.store.forget)
        if self._preparer is not None:
            self._preparer.forget()
        self._unsynced, self._segment, self._syncer, self._preparer = [], None, None, None
        self.marks = self.marks.copy()
        self.marks[STATE] = _CLOSED
        self._problem = "the journal is written by the process that this one was forked from"

    def _require_room_to_count(self) -> None:
        """JournalError, for good, where a header cannot tell where its segment begins."""
        for what, value in (("sequence", self.sequence), ("segment", self._number), ("epoch", self.epoch)):
            if value > LAST:
                raise self.fail(OSError(errno.EOVERFLOW, f"it has come to {what} {value}, and ends at {LAST}"))

    def _require_in_place(self) -> None:
        """OSError where nobody would find what is written: what follows could be another journal's folder."""
        if why := self.gone_because:
            raise OSError(errno.ESTALE, why)

    def _begin(self, header: bytes, size: int) -> JournalSegment:
        """The next segment, of a prepared file where there is one."""
        if self._preparer is None or not isinstance(self.store, FolderStore):
            return self.store.begin(self._number, header, size)
        file = self._preparer.take(size)
        self._prepared = file is not None
        if file is None:
            try:
                file = self.store.create_file(self._number, size)
            except OSError as error:
                if error.errno not in _NO_ROOM or (file := self._preparer.take_last(size)) is None:
                    raise
                self._prepared = True
        segment = self.store.begin(self._number, header, size, file)
        self._preparer.begin()
        return segment

    def _append(self, when: int, kind: int, count: int, length: int, payload: NDArray[np.int64]) -> int:
        for _ in range(2):
            sequence = int(append(self.words, self.marks, when, self._clock(), kind, count, length, payload))
            if sequence >= 0:
                if self.durability is Durability.EVERY:
                    self._sync_all()
                return sequence
            if sequence == STOPPED:
                self._stopped()
            self.begin_segment(length)
        raise AssertionError("a new segment has room for the entry it was made for")

    def _seal(self) -> None:
        """End the segment with the entry that says so, and cut its file."""
        segment = self._segment
        assert segment is not None
        seal(segment.words, self.marks, self._clock())
        with self._stopping_on_failure():
            self.store.finish(segment, int(self.marks[OFFSET]))

    def _sync_all(self) -> None:
        """Put everything on disk, in order, and publish that it is."""
        while self._unsynced:
            self._sync_oldest()
        appended = self.sequence
        assert self._segment is not None
        with self._stopping_on_failure():
            self.store.sync(self._segment)
        self.marks[DURABLE] = appended

    def _sync_oldest(self) -> None:
        with self._stopping_on_failure():
            self.store.sync(self._unsynced[0])
        self.store.close(self._unsynced.pop(0))

    @contextmanager
    def _stopping_on_failure(self) -> Iterator[None]:
        """Turns an OSError into the end of the journal."""
        try:
            yield
        except OSError as error:
            raise self.fail(error) from error

    def fail(self, error: OSError) -> JournalError:
        """Stop for good; returns what to raise."""
        if len(self.marks):
            self.marks[STATE] = error.errno or 1
        self._problem = f"the journal cannot be written: {error.strerror or error}"
        return JournalError(self._problem)

    def _stopped(self) -> None:
        if self._syncer is not None and self._syncer.problem is not None and not self._problem:
            problem = self._syncer.problem
            self._problem = f"the journal cannot be written: {problem.strerror or problem}"
            raise JournalError(self._problem)
        raise JournalError(f"{self._problem or 'the journal has stopped'}; nothing can follow it")


_writers: Final[weakref.WeakSet[JournalWriter]] = weakref.WeakSet()


def _forget_all() -> None:
    for writer in list(_writers):
        writer._forget()


os.register_at_fork(after_in_child=_forget_all)
