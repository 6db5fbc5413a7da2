"""A journal in LEAN's object store: whole values under numbered keys, one a segment, live two of each.

LEAN keeps values in memory and writes what is new to its disk every few seconds, over what was there. So a live run
saves its open segment whole, again and again, in two copies of which a kill can tear one. A backtest's segments are
files from the first, where the store says that its values lie: they are whole whatever ends the run.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.files import Files
from alo_lib.journal.format import (
    JOURNAL_FOLDER,
    OBJECT_STORE_COPY,
    OBJECT_STORE_KEY,
    WORD,
    JournalError,
    object_store_key,
    segment_name,
)
from alo_lib.journal.journal import Journal
from alo_lib.journal.kernels import MARKS
from alo_lib.journal.lock import WriterLock
from alo_lib.journal.places import Found
from alo_lib.journal.reader import read_journal, scan_segments
from alo_lib.journal.segments import SegmentView
from alo_lib.journal.snapshots import Snapshot, decode_snapshot, encode_snapshot
from alo_lib.journal.store import JournalSegment, MemoryStore
from alo_lib.journal.writer import JournalWriter, WriterStart

__all__ = [
    "LiveObjectStoreJournal",
    "ObjectStore",
    "ObjectStoreJournal",
    "segments_in_object_store",
    "segments_of",
    "take_from_object_store",
]

_LIVE_SEGMENT: Final = 1 << 20
"""Bytes: live, the open segment is saved whole after every frame."""
_SEGMENT: Final = 1 << 24
_COPIES_KEPT: Final = 4
"""Segments that keep a second copy: LEAN has long written the older ones to the disk."""
_LOCK_KEY: Final = f"{OBJECT_STORE_KEY}-lock"
"""At whose path the lock of a backtest's writer is; it has no value."""
_TERM_KEY: Final = f"{OBJECT_STORE_KEY}-term"
"""The epoch of who writes a live run's journal."""
_SNAPSHOT_KEYS: Final = ("alo-snapshot.0", "alo-snapshot.1")
"""In turn, so that one is whole whatever becomes of the other."""
_LOOKS: Final = 20
_PAUSE: Final = 0.025
"""Seconds between two looks at what may be half written: a copy has 1 MiB at most, which takes milliseconds."""


class ObjectStore(Protocol):
    """Whole values under keys."""

    def read(self, key: str) -> bytes | None:
        """A key's value; None where it has none."""

    def save(self, key: str, value: bytes) -> None:
        """Give a key a value.

        :raises OSError: where it is not kept, in a sentence.
        """

    def save_file(self, key: str) -> None:
        """Take what lies at a key's path for its value."""

    def settle(self, key: str) -> None:
        """Have all that was saved on the disk, ``key`` for one."""

    def remove(self, key: str) -> None:
        """Remove a key that has a value."""

    def all_keys(self) -> list[str]:
        """The keys that have a value."""

    def path(self, key: str) -> Path:
        """Where on this machine a key's value lies, or will."""


def _save(store: ObjectStore, key: str, value: bytes) -> None:
    """Give a key a value, or end what cannot be journaled."""
    try:
        store.save(key, value)
    except OSError as error:
        raise JournalError(f"the journal cannot go on: {error}") from None


class LiveObjectStoreJournal:
    """The place of a live run's journal (:class:`~alo_lib.journal.JournalPlace`), gone on from after a kill.

    ``program`` names the code whose snapshots are taken up. A store keeps nobody out, so who goes on from a journal
    leaves its epoch there, on the disk, and who finds another one there than its own saves nothing more.
    """

    name = "in the object store"

    def __init__(self, store: ObjectStore, program: str) -> None:
        self.snapshots = _SnapshotValues(store, program)
        self._store = store
        self._kept = -1  # messages of which all are saved
        self._earlier: list[bytes] = []  # segments of the processes before this one
        self._memory = MemoryStore(self._save)
        self._term = b""
        self._term_at = Path()

    def recover(self) -> Found | None:
        """See :class:`~alo_lib.journal.JournalPlace`."""
        self._earlier = segments_of(self._store.read)
        if not self._earlier:
            return None
        journal = read_journal(self._earlier, unfinished=True)
        if journal.sealed:
            return Found(journal, ())
        epoch, count = journal.segments[-1].epoch, len(journal.messages)
        return Found(journal, (f"the writer of epoch {epoch} did not close the journal; {count} entries hold",))

    def writer(self, settings: bytes, start: WriterStart, program: str = "") -> JournalWriter:
        """See :class:`~alo_lib.journal.JournalPlace`."""
        self._term = str(start.epoch).encode()
        _save(self._store, _TERM_KEY, self._term)
        self._store.settle(_TERM_KEY)
        # On the disk: LEAN answers from its memory, whatever another process has changed.
        self._term_at = self._store.path(_TERM_KEY)
        self._mend()
        return JournalWriter(
            self._memory, settings=settings, program=program, position=start, segment_bytes=_LIVE_SEGMENT
        )

    def release(self) -> None:
        """Nothing: a store keeps nobody out, and who goes on from the journal ends this one (:meth:`writer`)."""

    def keep(self, writer: JournalWriter) -> None:
        """Save the open segment, where something was appended since.

        :raises JournalError: where the store does not keep it, or another process has gone on from the journal.
        """
        if writer.sequence != self._kept:
            self._kept = writer.sequence
            self._save(*writer.image)

    def settle(self, writer: JournalWriter) -> None:
        """See :class:`~alo_lib.journal.JournalPlace`: LEAN writes by itself only every few seconds.

        :raises JournalError: where another process has gone on from the journal: nothing may be sent.
        """
        self._require_term()
        self.keep(writer)
        self._store.settle(object_store_key(writer.image[0]))

    def closed(self) -> Journal:
        """The whole journal, once its writer has closed it."""
        return read_journal([*self._earlier, *self._memory.images()])

    def _mend(self) -> None:
        """Have what was read of each segment in both of its places again: a kill may have torn either.

        Once the second copy goes, the first is all that there is.
        """
        for number, image in enumerate(self._earlier):
            for key in (object_store_key(number), object_store_key(number, copy=True)):
                if (kept := self._store.read(key)) is not None and kept != image:
                    _save(self._store, key, image)

    def _require_term(self) -> None:
        try:
            found = self._term_at.read_bytes()
        except OSError as error:
            raise JournalError(
                f"{self._term_at} of the object store, which says who writes the journal there, cannot be read "
                f"({error.strerror}): this process saves and sends nothing more; start it again"
            ) from None
        if found != self._term:  # or half of it: whoever writes it is another
            raise JournalError(
                "another process has gone on from the journal in the object store: this one, of term "
                f"{self._term.decode()}, saves and sends nothing more"
            )

    def _save(self, number: int, data: bytes) -> None:
        self._require_term()
        _save(self._store, object_store_key(number), data)
        _save(self._store, object_store_key(number, copy=True), data)
        old = object_store_key(number - _COPIES_KEPT, copy=True)
        if number >= _COPIES_KEPT and self._store.read(old) is not None:
            self._store.remove(old)


class ObjectStoreJournal:
    """The place of a backtest's journal, which depends on nothing that an earlier one has left."""

    name = "in the object store"
    snapshots = None

    def __init__(self, store: ObjectStore, files: Files | None = None) -> None:
        self._store = store
        self._files = Files() if files is None else files
        self._segments = 0
        self._lock: WriterLock | None = None

    def recover(self) -> Found | None:
        """None: a backtest begins anew."""
        return None

    def writer(self, settings: bytes, start: WriterStart, program: str = "") -> JournalWriter:
        """See :class:`~alo_lib.journal.JournalPlace`."""
        self._lock = self._locked()
        self._clear()
        store = _FileStore(self._begun, self.release, self._files)
        return JournalWriter(store, settings=settings, program=program, position=start, segment_bytes=_SEGMENT)

    def release(self) -> None:
        """See :class:`~alo_lib.journal.JournalPlace`."""
        if self._lock is not None:
            self._lock.release()

    def keep(self, writer: JournalWriter) -> None:
        """Nothing: what is appended is in the operating system's hands."""

    def settle(self, writer: JournalWriter) -> None:
        """Nothing, likewise."""

    def closed(self) -> Journal:
        """The whole journal, once its writer has closed it; the store is told of its segments.

        Only then may another run clear them away.
        """
        keys = [object_store_key(number) for number in range(self._segments)]
        try:
            journal = read_journal([self._store.path(key).read_bytes() for key in keys])
            for key in keys:
                self._store.save_file(key)
        finally:
            self.release()
        return journal

    def take(self, segments: Iterable[bytes]) -> None:
        """Keep a journal that was written elsewhere."""
        self._lock = self._locked()
        try:
            self._clear()
            for number, segment in enumerate(segments):
                _save(self._store, object_store_key(number), segment)
        finally:
            self.release()

    def _locked(self) -> WriterLock:
        return WriterLock.take(self._store.path(_LOCK_KEY), "the journal in the object store", self._files)

    def _begun(self, number: int) -> Path:
        self._segments = number + 1
        return self._store.path(object_store_key(number))

    def _clear(self) -> None:
        ours = (*(f"{key}." for key in (OBJECT_STORE_KEY, OBJECT_STORE_COPY)), *_SNAPSHOT_KEYS)
        for key in sorted(key for key in self._store.all_keys() if key.startswith(ours)):
            self._store.remove(key)


class _FileStore:
    """Segments as files that somebody else names and keeps others from, appended to in memory mapped to them."""

    def __init__(self, path: Callable[[int], Path], release: Callable[[], None], files: Files) -> None:
        self._path = path
        self._release = release
        self._files = files

    def publish(self) -> NDArray[np.int64]:
        """Marks that nobody else sees."""
        return np.zeros(MARKS, np.int64)

    def gone_because(self, segment: JournalSegment) -> str:
        """Where the value's path leads to nothing, or to another file."""
        path = self._path(segment.number)
        return "" if self._files.is_at(path, segment.descriptor) else f"{path} was removed while it was written"

    def unpublish(self) -> None:
        """Nothing to do: its segments are still to be told to the store."""

    def release(self) -> None:
        """Let others write."""
        self._release()

    def begin(self, number: int, header: bytes, size: int) -> JournalSegment:
        """Make the file; a run that is killed before its header is written has not begun it.

        It is a value of the object store, and others may read it as they may its other values: LEAN's container is run
        by another user than who looks at its results.
        """
        descriptor = self._files.create_shared(self._path(number))
        self._files.allocate(descriptor, size * WORD)
        words = self._files.map(descriptor, size * WORD)
        words[: len(header) // WORD] = np.frombuffer(header, np.int64)
        return JournalSegment(number, words, descriptor)

    def sync(self, segment: JournalSegment) -> None:
        """Nothing: the machine that goes down takes the backtest with it."""

    def finish(self, segment: JournalSegment, size: int) -> None:
        """Cut the file."""
        self._files.truncate(segment.descriptor, size * WORD)

    def close(self, segment: JournalSegment) -> None:
        """Close the file."""
        self._files.close(segment.descriptor)

    def forget(self, segment: JournalSegment) -> None:
        """Close the file."""
        self.close(segment)


class _SnapshotValues:
    """Snapshots as two values in turn; see :class:`~alo_lib.journal.Snapshots`."""

    def __init__(self, store: ObjectStore, program: str) -> None:
        self._store = store
        self._program = program
        self._turn = 0

    def save(self, sequence: int, entry: int, state: bytes) -> None:
        """See :class:`~alo_lib.journal.Snapshots`."""
        self._turn = 1 - self._turn
        _save(self._store, _SNAPSHOT_KEYS[self._turn], encode_snapshot(self._program, sequence, entry, state))

    def latest(self, journal: Journal) -> Snapshot | None:
        """See :class:`~alo_lib.journal.Snapshots`."""
        values = (self._store.read(key) for key in _SNAPSHOT_KEYS)
        found = (decode_snapshot(value, self._program, journal) for value in values if value is not None)
        return max((each for each in found if each is not None), key=lambda each: each.sequence, default=None)


class _Copy(NamedTuple):
    """A copy of a segment."""

    image: bytes
    view: SegmentView

    def until(self, following: "_Copy") -> bytes:
        """What the writer of the segment that follows has gone on from."""
        first, view = following.view.first, self.view
        if view.epoch < following.view.epoch and view.first <= first < view.stop:
            return view.words[: int(view.offsets[first - view.first])].tobytes()
        return self.image


def _best_of(copies: Iterable[bytes]) -> _Copy | None:
    """The copy of a segment that holds the most entries; None where none is a segment.

    LEAN writes a value to the disk over the one before, so a process that is killed meanwhile leaves it torn: one of
    two copies at the most, because they are written one after the other.
    """
    best = None
    for copy in copies:
        try:
            (view,) = scan_segments([("a copy", copy)])
        except JournalError:
            continue
        if best is None or view.stop > best.view.stop:
            best = _Copy(copy, view)
    return best


def segments_of(read: Callable[[str], bytes | None], pause: Callable[[float], None] = time.sleep) -> list[bytes]:
    """The segments that an algorithm has left in its object store, in order; ``read`` gives a key's value, or None.

    One that was being written for the first time when LEAN was killed has one copy and nothing after it: the journal
    ends before it. What another process has not gone on from does not count: LEAN may write it when that has begun, if
    it was stopped before and is woken then.

    A reader beside the writer may meet both copies of the last segment half written, or the last but one as it was
    before it was full. It looks 20 times, 25 ms apart (``pause`` waits), before it takes such for what there is.

    :raises JournalError: where no copy of a segment holds.
    """
    for _ in range(_LOOKS - 1):
        with suppress(JournalError):
            copies = _copies_of(read)
            if not copies or (copies[-1].view.broken is None and all(_meet(*pair) for pair in pairwise(copies))):
                return _images(copies)
        pause(_PAUSE)
    return _images(_copies_of(read))


def _copies_of(read: Callable[[str], bytes | None]) -> list[_Copy]:
    """The best copy of each segment, as of one look."""
    segments: list[_Copy] = []

    def copies(number: int) -> list[bytes]:
        values = (read(object_store_key(number, copy=copy)) for copy in (False, True))
        return [value for value in values if value is not None]

    while found := copies(len(segments)):
        best = _best_of(found)
        if best is None and len(found) == 1 and not copies(len(segments) + 1):
            break
        if best is None:
            key = object_store_key(len(segments))
            raise JournalError(f"{key} in the object store is damaged, and so is its copy; remove it to begin anew")
        segments.append(best)
    return segments


def _meet(segment: _Copy, following: _Copy) -> bool:
    """Whether no entry is missing between two segments."""
    return following.view.first <= segment.view.stop


def _images(copies: Sequence[_Copy]) -> list[bytes]:
    """What counts of each."""
    return [*(each.until(following) for each, following in pairwise(copies)), *(each.image for each in copies[-1:])]


def segments_in_object_store(store: Path) -> list[bytes]:
    """The segments in the folder of an object store, as an algorithm's next process would find them."""

    def read(key: str) -> bytes | None:
        with suppress(FileNotFoundError):  # a copy that was removed since it was seen, as the oldest are
            return (store / key).read_bytes() if (store / key).is_file() else None
        return None

    return segments_of(read)


def take_from_object_store(store: Path, run: Path) -> int:
    """Copy the segments from the folder of an object store into a run's journal folder; returns how many there were.

    What a run that failed has left of its last segment is cut behind the entries that hold.
    """
    segments, folder, files = segments_in_object_store(store), run / JOURNAL_FOLDER, Files()
    if segments:
        files.make_folder(folder)
    for number, segment in enumerate(segments):
        (view,) = scan_segments([(segment_name(number), segment)])
        descriptor = files.create(folder / segment_name(number))
        try:
            files.append(descriptor, view.words.tobytes())
        finally:
            files.close(descriptor)
    return len(segments)
