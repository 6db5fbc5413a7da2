"""Checked segments and the messages in them, which are read when they are asked for."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.contents import Contents
from alo_lib.journal.format import ENTRY_WORDS, WORD, JournalError
from alo_lib.records import LAYOUTS, READ_SCHEMAS, Kind, Message, layout_of, records_of

__all__ = ["ENTRY", "Break", "Messages", "SegmentView", "messages_of", "places_of"]

Words = NDArray[np.int64]

ENTRY: Final = np.dtype(
    [
        ("sequence", "<i8"),
        ("time", "<i8"),
        ("clock", "<i8"),
        ("durable", "<i8"),
        ("kind", "<u2"),
        ("schema", "<u2"),
        ("count", "<u4"),
        ("length", "<u4"),
        ("crc", "<u4"),
    ]
)
"""An entry's six words by name."""
_BLOCK: Final = 1 << 13
"""Words read at once when messages are gone through: what is kept of one message keeps no more."""


class Break(NamedTuple):
    """Where a segment stops to hold before its end."""

    word: int
    sequence: int  # that the entry there should have
    beyond: int  # entries after it that do hold
    durable: int  # the highest sequence below which one of those says that everything was on disk
    empty: bool  # nothing but zeros follows


class _Block(NamedTuple):
    """Entries of a segment that were read together."""

    name: str  # of the segment
    first: int  # sequence
    heads: NDArray[np.void]
    words: Words
    offsets: Words  # of the entries in the words

    @property
    def stop(self) -> int:
        return self.first + len(self.offsets)

    def message(self, place: int) -> Message:
        return _decode(self.name, self.heads[place], self.words, int(self.offsets[place]))

    def messages(self) -> Iterator[Message]:
        for entry, offset in zip(self.heads, self.offsets.tolist(), strict=True):
            yield _decode(self.name, entry, self.words, offset)


@dataclass(frozen=True)
class SegmentView:
    """One segment, checked: its header, where its entries are, and whether it ends well.

    What is behind its end may be cut off at any time; what is before it stays, and is read when it is asked for.
    """

    name: str
    contents: Contents
    number: int
    epoch: int
    first: int  # sequence
    settings: bytes
    program: str  # that decides what is in it; empty where nobody says
    clocks: tuple[int, int]  # monotonic and UTC when it was begun; zeros in logical time
    offsets: Words
    kinds: NDArray[np.uint16]  # of each entry
    end: int  # words in use
    durable: int  # the highest that its header or an entry before the break claims
    sealed: bool
    broken: Break | None

    @property
    def stop(self) -> int:
        """The sequence after its last entry."""
        return self.first + len(self.offsets)

    @property
    def words(self) -> Words:
        """All words in use."""
        return self._read(0, self.end)

    @property
    def entries(self) -> NDArray[np.void]:
        """The entries' heads, dtype ENTRY, read anew each time."""
        return np.concatenate([np.zeros(0, ENTRY), *(block.heads for block in self.blocks(0, len(self.offsets)))])

    def entry(self, place: int) -> np.void:
        """One entry's head, dtype ENTRY, by its place among the segment's own."""
        found: np.void = self._read(int(self.offsets[place]), ENTRY_WORDS).view(ENTRY)[0]
        return found

    def message(self, place: int) -> Message:
        """One message, by its place among the segment's own."""
        at = int(self.offsets[place])
        words = self._read(at, self._end_of(place) - at)
        return _decode(self.name, words[:ENTRY_WORDS].view(ENTRY)[0], words, 0)

    def messages(self, first: int, stop: int) -> Iterator[Message]:
        """The messages of the places from ``first`` to ``stop``, read some at a time."""
        for block in self.blocks(first, stop):
            yield from block.messages()

    def blocks(self, first: int, stop: int) -> Iterator["_Block"]:
        """The entries of the places from ``first`` to ``stop``, some at a time."""
        while first < stop:
            begin = int(self.offsets[first])
            last = first + int(np.searchsorted(self.offsets[first:stop], begin + _BLOCK, side="right")) - 1
            until = max(first + 1, last + (self._end_of(last) <= begin + _BLOCK))
            words, offsets = self._read(begin, self._end_of(until - 1) - begin), self.offsets[first:until] - begin
            heads = np.ascontiguousarray(words[offsets[:, None] + np.arange(ENTRY_WORDS)]).view(ENTRY).reshape(-1)
            yield _Block(self.name, self.first + first, heads, words, offsets)
            first = until

    def _end_of(self, place: int) -> int:
        return int(self.offsets[place + 1]) if place + 1 < len(self.offsets) else self.end

    def _read(self, at: int, count: int) -> Words:
        try:
            data = self.contents.read(at * WORD, count * WORD)
        except OSError as error:
            raise JournalError(f"{self.name} cannot be read: {error.strerror or error}") from error
        if len(data) != count * WORD:
            raise JournalError(f"{self.name} was cut at byte {at * WORD + len(data)} after it was checked")
        return np.frombuffer(data, np.int64)


class Messages(Sequence[Message]):
    """The messages of checked segments, read and decoded when they are asked for.

    Going through them in order, by their places too, reads some at a time; one out of order is a read of its own.

    :raises JournalError: for an entry that is none of a kind's; when a segment cannot be read any more.
    """

    def __init__(self, segments: Sequence[SegmentView]) -> None:
        self._segments = list(segments)
        self._starts = [segment.first for segment in self._segments]
        self._first = self._starts[0] if self._segments else 0
        self._stop = self._segments[-1].stop if self._segments else 0
        self._asked = self._first - 1  # the last sequence that was asked for by its place
        self._recent: _Block | None = None  # read ahead, when they are gone through by their places

    def __len__(self) -> int:
        return self._stop - self._first

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> "list[Message]": ...
    def __getitem__(self, index: int | slice) -> "Message | list[Message]":
        if isinstance(index, slice):
            first, stop, step = index.indices(len(self))
            return (
                list(self._between(first, stop)) if step == 1 else [self[place] for place in range(first, stop, step)]
            )
        if not -len(self) <= index < len(self):
            raise IndexError(f"message {index} of {len(self)}")
        sequence = self._first + index % len(self)
        recent, in_order, self._asked = self._recent, sequence == self._asked + 1, sequence
        if recent is None or not recent.first <= sequence < recent.stop:
            place = int(np.searchsorted(self._starts, sequence, side="right")) - 1
            segment = self._segments[place]  # of several that begin there the last, which has an entry
            if not in_order:
                return segment.message(sequence - segment.first)
            self._recent = recent = next(segment.blocks(sequence - segment.first, len(segment.offsets)))
        return recent.message(sequence - recent.first)

    def __iter__(self) -> Iterator[Message]:
        return self._between(0, len(self))

    def _between(self, first: int, stop: int) -> Iterator[Message]:
        for segment in self._segments:
            begin = segment.first - self._first
            yield from segment.messages(max(0, first - begin), min(len(segment.offsets), stop - begin))

    def of(self, kinds: Collection[Kind], first: int = 0) -> Iterator[tuple[int, Message]]:
        """The messages of some kinds from place ``first`` on, each with its place; no other is read."""
        wanted = np.array(sorted(kinds), np.uint16)
        for segment in self._segments:
            begin = segment.first - self._first
            passed = max(0, first - begin)
            for place in np.flatnonzero(np.isin(segment.kinds[passed:], wanted)).tolist():
                yield begin + passed + place, segment.message(passed + place)

    def places(self, kinds: Collection[Kind]) -> NDArray[np.int64]:
        """The places of the messages of some kinds; none is read."""
        wanted = np.array(sorted(kinds), np.uint16)
        found = (
            segment.first - self._first + np.flatnonzero(np.isin(segment.kinds, wanted)) for segment in self._segments
        )
        return np.concatenate([np.zeros(0, np.int64), *found])

    @property
    def entries(self) -> NDArray[np.void]:
        """The heads of all entries, dtype ENTRY, read anew each time."""
        return np.concatenate([np.zeros(0, ENTRY), *(segment.entries for segment in self._segments)])


def messages_of(messages: Sequence[Message], *kinds: Kind, first: int = 0) -> Iterator[tuple[int, Message]]:
    """The messages of some kinds from place ``first`` on, each with its place; of a journal no other is read."""
    if isinstance(messages, Messages):
        yield from messages.of(kinds, first)
        return
    for place in range(first, len(messages)):
        if messages[place].kind in kinds:
            yield place, messages[place]


def places_of(messages: Sequence[Message], *kinds: Kind) -> NDArray[np.int64]:
    """The places of the messages of some kinds, in order; of a journal none is read."""
    if isinstance(messages, Messages):
        return messages.places(kinds)
    return np.array([place for place, message in enumerate(messages) if message.kind in kinds], np.int64)


def _decode(name: str, entry: np.void, words: Words, offset: int) -> Message:
    """The message of an entry of segment ``name`` that begins at a word of ``words``."""
    try:
        kind = Kind(int(entry["kind"]))
    except ValueError:
        raise JournalError(
            f"entry {entry['sequence']} of {name} is of kind {entry['kind']}, which this program does not know"
        ) from None
    schema = int(entry["schema"])
    if schema not in READ_SCHEMAS:
        raise JournalError(f"entry {entry['sequence']} of {name} has schema version {schema}, which is not read")
    layout, start = layout_of(kind, schema), offset + ENTRY_WORDS
    length = int(entry["length"])
    data = words[start : start + (length + WORD - 1) // WORD].view(np.uint8)[:length]
    if length != int(entry["count"]) * layout.itemsize:
        raise JournalError(f"entry {entry['sequence']} of {name} does not have the layout of {kind.name}")
    rows = data.view(layout)
    if layout is not LAYOUTS[kind]:
        rows = records_of(kind, rows)
    rows.flags.writeable = False
    return Message(kind, int(entry["time"]), rows)
