"""A journal in LEAN's object store: whole values under numbered keys, one a segment.

A live run's are saved again and again as it grows (:mod:`alo_lib.journal.stored_volume`). A backtest's segments are
files from the first, where the store says that its values lie: they are whole whatever ends the run.
"""

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.files import Files
from alo_lib.journal.format import (
    OBJECT_STORE_BESIDE,
    OBJECT_STORE_KEY,
    WORD,
    JournalError,
    object_store_key,
)
from alo_lib.journal.journal import Journal
from alo_lib.journal.kernels import MARKS
from alo_lib.journal.lock import WriterLock
from alo_lib.journal.places import Found
from alo_lib.journal.reader import read_journal
from alo_lib.journal.snapshots import Snapshot, decode_snapshot, encode_snapshot
from alo_lib.journal.store import JournalSegment
from alo_lib.journal.stored_segments import segments_of
from alo_lib.journal.stored_volume import ObjectStore, StoredVolume, StoreFullError, save_value
from alo_lib.journal.volumes import preface_of, volume_of
from alo_lib.journal.writer import JournalWriter, WriterStart
from alo_lib.records import Message

__all__ = ["LiveObjectStoreJournal", "ObjectStoreJournal"]

_SEGMENT: Final = 1 << 24
_LOCK_KEY: Final = f"{OBJECT_STORE_KEY}-lock"
"""At whose path the lock of a backtest's writer is; it has no value."""
_TERM_KEY: Final = f"{OBJECT_STORE_KEY}-term"
"""The epoch of who writes a live run's journal, and what tells it from others that would write in the same."""
_SNAPSHOT_KEYS: Final = ("alo-snapshot.0", "alo-snapshot.1")
"""In turn, so that one is whole whatever becomes of the other."""


class LiveObjectStoreJournal:
    """The place of a live run's journal (:class:`~alo_lib.journal.JournalPlace`), gone on from after a kill.

    ``program`` names the code whose snapshots are taken up. A store keeps nobody out, so who goes on from a journal
    leaves its epoch there, on the disk, and who finds another one there than its own saves nothing more. A journal that
    has become too long for the store goes on in another volume (:meth:`turn`).
    """

    name = "in the object store"

    def __init__(self, store: ObjectStore, program: str) -> None:
        self.snapshots = _SnapshotValues(store, program)
        self._store = store
        self._volume = StoredVolume(store, 1, self._require_term)
        self._mark = secrets.token_hex(8)
        self._epoch = 0
        self._term = b""
        self._term_at = Path()
        self._met: bytes | None = None  # the term of who wrote when the journal was read

    def recover(self) -> Found | None:
        """See :class:`~alo_lib.journal.JournalPlace`."""
        sizes: dict[str, int] = {}
        self._met = self._term_on_disk()

        def read(key: str) -> bytes | None:
            if (value := self._store.read(key)) is not None:
                sizes[key] = len(value)
            return value

        earlier = segments_of(read)
        if not earlier:
            return None
        journal = read_journal(earlier, unfinished=True)
        number, preface = volume_of(journal.messages).number, preface_of(journal.messages)
        begun = next(place for place, each in enumerate(journal.segments) if preface <= each.stop)
        self._volume = StoredVolume(self._store, number, self._require_term, earlier, sizes, begun)
        if journal.sealed:
            return Found(journal, ())
        epoch, count = journal.segments[-1].epoch, len(journal.messages)
        return Found(journal, (f"the writer of epoch {epoch} did not close the journal; {count} entries hold",))

    def writer(self, settings: bytes, start: WriterStart, program: str = "") -> JournalWriter:
        """See :class:`~alo_lib.journal.JournalPlace`.

        :raises JournalError: where another process has begun to write since the journal was read: it may have gone on
            in another volume, which this one would remove.
        """
        if self._met is not None and self._term_on_disk() != self._met:
            raise JournalError(
                "another process has gone on from the journal in the object store since this one read it: this one "
                "begins nothing; where that is wanted, start it again"
            )
        self._claim(start.epoch)
        self._other(-1).remove()  # what is left where a turn was killed
        return self._volume.writer(settings, start, program)

    def release(self) -> None:
        """Nothing: a store keeps nobody out, and who goes on from the journal ends this one (:meth:`writer`)."""

    def keep(self, writer: JournalWriter) -> None:
        """Save the open segment, where something was appended since, and pack an older one, where there is any.

        :raises JournalError: where the store does not keep it, or another process has gone on from the journal.
        """
        self._volume.keep(writer)

    def settle(self, writer: JournalWriter) -> None:
        """See :class:`~alo_lib.journal.JournalPlace`: LEAN writes by itself only every few seconds.

        :raises JournalError: where another process has gone on from the journal: nothing may be sent.
        """
        self._require_term()
        self._volume.settle(writer)

    def closed(self) -> Journal:
        """The whole journal, once its writer has closed it."""
        return read_journal(self._volume.images)

    @property
    def is_full(self) -> bool:
        """Whether the journal has come to half of what the store keeps, and another volume should begin."""
        return self._volume.is_full

    @property
    def is_overfull(self) -> bool:
        """Whether it has come to three quarters of that."""
        return self._volume.is_overfull

    def so_far(self) -> Journal:
        """The volume that is being written."""
        return read_journal(self._volume.images, unfinished=True)

    def turn(self, writer: JournalWriter, preface: Iterable[Message], program: str) -> JournalWriter:
        """Begin another volume with its preface, under the settings of ``writer``, and remove the one that this wrote.

        At each instant one of the two is whole on the disk. Returns the writer of what follows, in the next epoch.

        :raises StoreFullError: where the store does not keep it; then the volume that is there is gone on with.
        :raises JournalError: where another process has gone on from the journal.
        """
        self._require_term()
        following = self._other(1)
        following.remove()
        new = following.writer(writer.settings, WriterStart(epoch=writer.epoch + 1), program)
        try:
            following.write_preface(new, preface)
            self._require_term()
            self._claim(new.epoch)
        except StoreFullError:
            new.abandon()
            following.remove()
            self._volume.put_off()
            raise
        ended, self._volume = self._volume, following
        writer.abandon()
        ended.remove()
        return new

    def _other(self, step: int) -> StoredVolume:
        return StoredVolume(self._store, self._volume.number + step, self._require_term)

    def _claim(self, epoch: int) -> None:
        """Be who writes the journal, in the eyes of all that look."""
        term = f"{epoch} {self._mark}".encode()
        save_value(self._store, _TERM_KEY, term)
        self._store.settle(_TERM_KEY)
        self._epoch, self._term = epoch, term
        # On the disk: LEAN answers from its memory, whatever another process has changed.
        self._term_at = self._store.path(_TERM_KEY)

    def _term_on_disk(self) -> bytes:
        """What says who writes the journal; empty where nothing does."""
        try:
            return self._store.path(_TERM_KEY).read_bytes()
        except OSError:
            return b""

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
                f"{self._epoch}, saves and sends nothing more"
            )


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
                save_value(self._store, self._key(number), segment)
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
            runs = {object_store_key(0, copy=copy, volume=volume) for copy in (False, True) for volume in (1, 2)}
            ours += (*(f"{key.partition('.')[0]}." for key in runs), *_SNAPSHOT_KEYS)
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
        value = encode_snapshot(self._program, sequence, entry, state)
        save_value(self._store, _SNAPSHOT_KEYS[self._turn], value)

    def latest(self, journal: Journal) -> Snapshot | None:
        """See :class:`~alo_lib.journal.Snapshots`."""
        values = (self._store.read(key) for key in _SNAPSHOT_KEYS)
        found = (decode_snapshot(value, self._program, journal) for value in values if value is not None)
        return max((each for each in found if each is not None), key=lambda each: each.sequence, default=None)
