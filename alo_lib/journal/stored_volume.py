"""One volume of a live run's journal in an object store: its segments are saved, packed and, once it is over, removed.

LEAN keeps values in memory and writes what is new to its disk every few seconds, over what was there. So the open
segment is saved whole, again and again, in two copies of which a kill can tear one, and the older ones are packed: the
store counts bytes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from alo_lib.journal.format import JournalError, object_store_key
from alo_lib.journal.packing import is_packed, packed
from alo_lib.journal.store import MemoryStore
from alo_lib.journal.stored_segments import best_of
from alo_lib.journal.writer import JournalWriter, WriterStart
from alo_lib.records import Message

__all__ = ["ObjectStore", "StoreFullError", "StoredVolume", "save_value"]

_LIVE_SEGMENT: Final = 1 << 20
"""Bytes at the most: the open segment is saved whole after every frame."""
_LEAST_SEGMENT: Final = 1 << 14
_IN_A_STORE: Final = 64
"""Segments that a store has room for at the least: those at work are there twice."""
_COPIES_KEPT: Final = 4
"""Segments that keep a second copy: LEAN has long written the older ones to the disk, and they are packed."""
_FEWEST: Final = 8
"""Segments that a volume has beside twice those of its preface before another one is worth it."""


class StoreFullError(JournalError):
    """An object store does not keep a value; ``why`` says so in a sentence."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the journal cannot go on: {why}")
        self.why = why


class ObjectStore(Protocol):
    """Whole values under keys."""

    @property
    def limits(self) -> tuple[int, int]:
        """Bytes and values that it keeps at the most; 0 where it does not say."""

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


def save_value(store: ObjectStore, key: str, value: bytes) -> None:
    """Give a key a value.

    :raises StoreFullError: for what cannot be journaled.
    """
    try:
        store.save(key, value)
    except OSError as error:
        raise StoreFullError(str(error)) from None


class StoredVolume:
    """The segments of the volume ``number``; ``require`` raises where another process has gone on from it."""

    def __init__(
        self,
        store: ObjectStore,
        number: int,
        require: Callable[[], None],
        earlier: Sequence[bytes] = (),
        sizes: Mapping[str, int] | None = None,
        begun: int = 0,
    ) -> None:
        """``earlier`` are segments of the processes before this one, ``sizes`` bytes of what is stored, by key.

        ``begun`` is the segment in which the volume's preface ends.
        """
        self.number = number
        self._store = store
        self._require = require
        self._earlier = list(earlier)
        self._memory = MemoryStore(self._save)
        self._kept = -1  # messages of which all are saved
        self._open = len(self._earlier)  # the segment that was saved last
        self._begun = begun
        self._least = 0  # segments that it has before another one is tried again
        self._others = 0  # values in the store that are not this volume's, as of when a segment was begun
        self._unpacked = 0  # the first segment that may have to be packed yet
        prefixes = tuple(f"{self._key(0, copy=copy).partition('.')[0]}." for copy in (False, True))
        self._prefixes = prefixes
        self._sizes = {key: size for key, size in (sizes or {}).items() if key.startswith(prefixes)}

    def writer(self, settings: bytes, start: WriterStart, program: str) -> JournalWriter:
        """The writer of what follows from ``start``, under settings as JSON and decided by a program."""
        self._open = start.number
        self._count_others()
        most, _ = self._store.limits
        size = max(_LEAST_SEGMENT, min(_LIVE_SEGMENT, most // _IN_A_STORE)) if most else _LIVE_SEGMENT
        return JournalWriter(self._memory, settings=settings, program=program, position=start, segment_bytes=size)

    @property
    def images(self) -> list[bytes]:
        """The bytes of all segments, in order."""
        return [*self._earlier, *self._memory.images()]

    @property
    def is_full(self) -> bool:
        """Whether it has half of the store: the other half is for the volume that follows."""
        return self._share >= 0.5 and self._open >= max(_FEWEST + 2 * self._begun, self._least)

    @property
    def is_overfull(self) -> bool:
        """Whether it has three quarters of the store."""
        return self._share >= 0.75

    @property
    def _share(self) -> float:
        """Of what the store keeps, bytes or values, that which there is more of."""
        most, count = self._store.limits
        shares = [sum(self._sizes.values()) / most] if most > 0 else []
        shares += [(self._others / 2 + len(self._sizes)) / count] if count > 0 else []
        return max(shares, default=0.0)

    def put_off(self) -> None:
        """Do without another volume for now, for which there was no room."""
        self._least = self._open + max(_FEWEST, 1)

    def keep(self, writer: JournalWriter) -> None:
        """Save the open segment, where something was appended since, and pack an older one, where there is any.

        :raises JournalError: where the store does not keep it, or another process has gone on from the journal.
        """
        self._keep(writer)
        if self._unpacked + _COPIES_KEPT <= self._open:
            self._pack_before(self._unpacked + 1)

    def write_preface(self, writer: JournalWriter, preface: Iterable[Message]) -> None:
        """Have a volume's preface on the disk, packed, which ``writer`` begins with. Errors as of :meth:`keep`."""
        for message in preface:
            writer.append(message)
            self._pack_before(self._open)
        self.settle(writer)
        self._pack_before(self._open)
        self._begun = self._open

    def settle(self, writer: JournalWriter) -> None:
        """Have all that was appended on the disk. Errors as of :meth:`keep`."""
        self._keep(writer)
        self._store.settle(self._key(writer.image[0]))

    def remove(self) -> None:
        """Remove all of it, and what was left of another one under the same keys.

        :raises JournalError: where another process has gone on from the journal: it may keep its own under them.
        """
        for key in sorted(key for key in self._store.all_keys() if key.startswith(self._prefixes)):
            self._require()
            self._store.remove(key)
        self._sizes.clear()

    def _key(self, number: int, *, copy: bool = False) -> str:
        return object_store_key(number, copy=copy, volume=self.number)

    def _keep(self, writer: JournalWriter) -> None:
        if writer.sequence != self._kept:
            self._kept = writer.sequence
            self._save(*writer.image)

    def _save(self, number: int, data: bytes) -> None:
        self._require()
        if number != self._open:  # on the disk before what follows: LEAN writes what is new in any order
            self._store.settle(self._key(self._open))
            self._count_others()
        self._give(self._key(number), data)
        self._give(self._key(number, copy=True), data)
        self._open = number

    def _count_others(self) -> None:
        """Know how many values are in the store beside this volume's: it keeps so many at the most.

        How long they are only who reads them knows, and the cloud fetches what is read.
        """
        self._others = sum(not key.startswith(self._prefixes) for key in self._store.all_keys())

    def _give(self, key: str, value: bytes) -> None:
        save_value(self._store, key, value)
        self._sizes[key] = len(value)

    def _pack_before(self, number: int) -> None:
        while self._unpacked < number:
            self._require()
            self._pack(self._unpacked)
            self._unpacked += 1

    def _pack(self, number: int) -> None:
        """Have a segment packed, as one value. At each instant one of its two values is whole on the disk."""
        key, copy = self._key(number), self._key(number, copy=True)
        value, other = self._store.read(key), self._store.read(copy)
        if value is None or not (is_packed(value) and best_of([value])):
            ours = number >= len(self._earlier)
            image = self._memory.image(number) if ours else self._earlier[number]
            if _holds(other, image):
                self._store.settle(copy)
            else:
                other = packed(image)
                self._give_now(copy, other)
            self._give_now(key, packed(image))
        if other is not None:
            self._store.remove(copy)
            self._sizes.pop(copy, None)

    def _give_now(self, key: str, value: bytes) -> None:
        """Give a key a value, on the disk."""
        self._give(key, value)
        self._store.settle(key)


def _holds(value: bytes | None, image: bytes) -> bool:
    """Whether a value has all entries of a segment."""
    found, whole = (None if each is None else best_of([each]) for each in (value, image))
    return found is not None and whole is not None and found.view.stop >= whole.view.stop
