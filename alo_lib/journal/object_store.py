"""A journal in LEAN's object store: whole values under numbered keys, one a segment, live two of each.

LEAN keeps values in memory and writes what is new to its disk every few seconds, over what was there. So a live run
saves its open segment whole, again and again, in two copies of which a kill can tear one, and packs the older ones: the
store counts bytes. A backtest's segments are files from the first, where the store says that its values lie: they are
whole whatever ends the run.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.files import Files
from alo_lib.journal.format import (
    OBJECT_STORE_BESIDE,
    OBJECT_STORE_COPY,
    OBJECT_STORE_KEY,
    WORD,
    JournalError,
    object_store_key,
)
from alo_lib.journal.journal import Journal
from alo_lib.journal.kernels import MARKS
from alo_lib.journal.lock import WriterLock
from alo_lib.journal.packing import is_packed, packed
from alo_lib.journal.places import Found
from alo_lib.journal.reader import read_journal
from alo_lib.journal.snapshots import Snapshot, decode_snapshot, encode_snapshot
from alo_lib.journal.store import JournalSegment, MemoryStore
from alo_lib.journal.stored_segments import best_of, segments_of
from alo_lib.journal.writer import JournalWriter, WriterStart

__all__ = ["LiveObjectStoreJournal", "ObjectStore", "ObjectStoreJournal"]

_LIVE_SEGMENT: Final = 1 << 20
"""Bytes: live, the open segment is saved whole after every frame."""
_SEGMENT: Final = 1 << 24
_COPIES_KEPT: Final = 4
"""Segments that keep a second copy: LEAN has long written the older ones to the disk, and they are packed."""
_LOCK_KEY: Final = f"{OBJECT_STORE_KEY}-lock"
"""At whose path the lock of a backtest's writer is; it has no value."""
_TERM_KEY: Final = f"{OBJECT_STORE_KEY}-term"
"""The epoch of who writes a live run's journal."""
_SNAPSHOT_KEYS: Final = ("alo-snapshot.0", "alo-snapshot.1")
"""In turn, so that one is whole whatever becomes of the other."""


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


def _holds(value: bytes | None, image: bytes) -> bool:
    """Whether a value has all entries of a segment."""
    found, whole = (None if each is None else best_of([each]) for each in (value, image))
    return found is not None and whole is not None and found.view.stop >= whole.view.stop


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
        self._open = 0  # the segment that was saved last
        self._unpacked = 0  # the first segment that may have to be packed yet
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
        self._open = start.number
        self._term = str(start.epoch).encode()
        _save(self._store, _TERM_KEY, self._term)
        self._store.settle(_TERM_KEY)
        # On the disk: LEAN answers from its memory, whatever another process has changed.
        self._term_at = self._store.path(_TERM_KEY)
        return JournalWriter(
            self._memory, settings=settings, program=program, position=start, segment_bytes=_LIVE_SEGMENT
        )

    def release(self) -> None:
        """Nothing: a store keeps nobody out, and who goes on from the journal ends this one (:meth:`writer`)."""

    def keep(self, writer: JournalWriter) -> None:
        """Save the open segment, where something was appended since, and pack an older one, where there is any.

        :raises JournalError: where the store does not keep it, or another process has gone on from the journal.
        """
        self._keep(writer)
        if self._unpacked + _COPIES_KEPT <= self._open:
            self._require_term()
            self._pack(self._unpacked)
            self._unpacked += 1

    def _keep(self, writer: JournalWriter) -> None:
        if writer.sequence != self._kept:
            self._kept = writer.sequence
            self._save(*writer.image)

    def settle(self, writer: JournalWriter) -> None:
        """See :class:`~alo_lib.journal.JournalPlace`: LEAN writes by itself only every few seconds.

        :raises JournalError: where another process has gone on from the journal: nothing may be sent.
        """
        self._require_term()
        self._keep(writer)
        self._store.settle(object_store_key(writer.image[0]))

    def closed(self) -> Journal:
        """The whole journal, once its writer has closed it."""
        return read_journal([*self._earlier, *self._memory.images()])

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
        if number != self._open:  # on the disk before what follows: LEAN writes what is new in any order
            self._store.settle(object_store_key(self._open))
        _save(self._store, object_store_key(number), data)
        _save(self._store, object_store_key(number, copy=True), data)
        self._open = number

    def _pack(self, number: int) -> None:
        """Have a segment packed, as one value. At each instant one of its two values is whole on the disk."""
        key, copy = object_store_key(number), object_store_key(number, copy=True)
        value, other = self._store.read(key), self._store.read(copy)
        if value is None or not (is_packed(value) and best_of([value])):
            ours = number >= len(self._earlier)
            image = self._memory.image(number) if ours else self._earlier[number]
            if _holds(other, image):
                self._store.settle(copy)
            else:
                other = self._save_now(copy, packed(image))
            self._save_now(key, packed(image))
        if other is not None:
            self._store.remove(copy)

    def _save_now(self, key: str, value: bytes) -> bytes:
        """Give a key a value, on the disk; returns it."""
        _save(self._store, key, value)
        self._store.settle(key)
        return value


class ObjectStoreJournal:
    """The place of a backtest's journal, which depends on nothing that an earlier one has left.

    The cloud has one store for all runs of an organization: the journal of a live one is left alone, and ``hear`` hears
    of it, in a sentence.
    """

    name = "in the object store"
    snapshots = None

    def __init__(
        self, store: ObjectStore, files: Files | None = None, hear: Callable[[str], None] = lambda sentence: None
    ) -> None:
        self._store = store
        self._hear = hear
        self._beside = False  # a live run's
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
        keys = [self._key(number) for number in range(self._segments)]
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
                _save(self._store, self._key(number), segment)
        finally:
            self.release()

    def _locked(self) -> WriterLock:
        return WriterLock.take(self._store.path(_LOCK_KEY), "the journal in the object store", self._files)

    def _begun(self, number: int) -> Path:
        self._segments = number + 1
        return self._store.path(self._key(number))

    def _key(self, number: int) -> str:
        return object_store_key(number, beside=self._beside)

    def _clear(self) -> None:
        keys = self._store.all_keys()
        self._beside = _TERM_KEY in keys
        ours: tuple[str, ...] = (f"{OBJECT_STORE_BESIDE}.",)
        if self._beside:
            self._hear(
                "the object store holds the journal of a live run, which this backtest leaves alone: its own is kept "
                f"under {self._key(0)} and what follows"
            )
        else:
            ours += (f"{OBJECT_STORE_KEY}.", f"{OBJECT_STORE_COPY}.", *_SNAPSHOT_KEYS)
        for key in sorted(key for key in keys if key.startswith(ours)):
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
