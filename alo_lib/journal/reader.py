"""Reading a journal back, trusting nothing."""

import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.files import Files
from alo_lib.journal.format import ENTRY_WORDS, HEADER, MAGIC, VERSION, WORD, JournalError, segment_name
from alo_lib.journal.kernels import find_beyond, scan
from alo_lib.journal.store import published_count, segment_names
from alo_lib.numerics.crc32c import crc32c
from alo_lib.records import LAYOUTS, SCHEMA_VERSION, HostEvent, Kind, Message

__all__ = [
    "ENTRY",
    "Break",
    "Journal",
    "Messages",
    "SegmentView",
    "read_journal",
    "scan_folder",
    "scan_segments",
    "still_being_written",
]

Words = NDArray[np.int64]
Image = bytes | mmap.mmap

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
_CHUNK: Final = 1 << 16


class Break(NamedTuple):
    """Where a segment stops to hold before its end."""

    word: int
    sequence: int  # that the entry there should have
    beyond: int  # entries after it that do hold
    durable: int  # the highest sequence below which one of those says that everything was on disk
    empty: bool  # nothing but zeros follows


@dataclass(frozen=True)
class SegmentView:
    """One segment, checked: its header, where its entries are, and whether it ends well."""

    name: str
    words: Words
    number: int
    epoch: int
    first: int  # sequence
    settings: bytes
    clocks: tuple[int, int]  # monotonic and UTC when it was begun; zeros in logical time
    offsets: Words
    end: int  # words in use
    durable: int  # the highest that its header or an entry before the break claims
    sealed: bool
    broken: Break | None

    @property
    def stop(self) -> int:
        """The sequence after its last entry."""
        return self.first + len(self.offsets)

    @cached_property
    def entries(self) -> NDArray[np.void]:
        """The entries' heads, dtype ENTRY."""
        heads = self.words[self.offsets[:, None] + np.arange(ENTRY_WORDS)]
        return np.ascontiguousarray(heads).view(ENTRY).reshape(-1)


class Messages(Sequence[Message]):
    """The messages of checked segments, decoded when they are asked for; their records are views of the segments."""

    def __init__(self, segments: Sequence[SegmentView]) -> None:
        self._segments = list(segments)
        self._starts = [segment.first for segment in self._segments]
        self._first = self._starts[0] if self._segments else 0
        self._stop = self._segments[-1].stop if self._segments else 0

    def __len__(self) -> int:
        return self._stop - self._first

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> "list[Message]": ...
    def __getitem__(self, index: int | slice) -> "Message | list[Message]":
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"message {index} of {len(self)}")
        sequence = self._first + index % len(self)
        place = int(np.searchsorted(self._starts, sequence, side="right")) - 1
        while self._segments[place].stop <= sequence:  # a segment without entries begins where the next one does
            place += 1
        segment = self._segments[place]
        return _decode(
            segment, segment.entries[sequence - segment.first], int(segment.offsets[sequence - segment.first])
        )

    def __iter__(self) -> Iterator[Message]:
        for segment in self._segments:
            for entry, offset in zip(segment.entries, segment.offsets.tolist(), strict=True):
                yield _decode(segment, entry, offset)

    @cached_property
    def entries(self) -> NDArray[np.void]:
        """The heads of all entries, dtype ENTRY."""
        return np.concatenate([np.zeros(0, ENTRY), *(segment.entries for segment in self._segments)])


@dataclass(frozen=True)
class Journal:
    """A whole journal: the settings it was written under, and its messages in order."""

    settings: bytes
    messages: Sequence[Message]
    segments: tuple[SegmentView, ...] = ()
    being_written: bool = False  # when it was read; its messages are those that were finished then

    @cached_property
    def left_out(self) -> frozenset[int]:
        """Sequences of the messages that count no more (:mod:`alo_lib.journal.left_out`)."""
        return _sequences_left_out(self.messages)

    @cached_property
    def counted(self) -> Sequence[Message]:
        """The messages that count, in order: all, but for those that are left out."""
        if not self.left_out:
            return self.messages
        return [message for sequence, message in enumerate(self.messages) if sequence not in self.left_out]

    @property
    def sealed(self) -> bool:
        """Whether its writer closed it."""
        return bool(self.segments) and self.segments[-1].sealed


def _sequences_left_out(messages: Sequence[Message]) -> frozenset[int]:
    """The sequences of the messages that a journal's remarks leave out."""
    places: Sequence[int] = range(len(messages))
    if isinstance(messages, Messages):
        places = np.flatnonzero(messages.entries["kind"] == Kind.EVENT).tolist()
    found: set[int] = set()
    for place in places:
        message = messages[place]
        if message.kind is Kind.EVENT:
            rows = message.records
            found.update(rows["order"][rows["event"] == HostEvent.LEFT_OUT].tolist())
    return frozenset(found)


def read_journal(source: Path | Sequence[bytes], *, unfinished: bool = False, files: Files | None = None) -> Journal:
    """Read and check a journal from its folder, or from the bytes of its segments in order.

    ``unfinished`` takes one that is still being written, or whose writer was killed. The first ends with what its
    writer has published; the second before the first entry that does not hold, when none follows that does.

    :raises JournalError: naming folder, segment and byte, when it is not a journal, has another version, breaks its
        sequence, fails a checksum, is being written or was not closed.
    """
    being_written = False
    if isinstance(source, Path):
        segments, being_written = scan_folder(source, Files() if files is None else files)
    else:
        segments = scan_segments((f"segment {place}", image) for place, image in enumerate(source))
    if not segments:
        where = str(source) if isinstance(source, Path) else "what was given"
        raise JournalError(f"{where} is not a journal: it holds no segment")
    if being_written and not unfinished:
        raise JournalError(f"{source} is still being written, {segments[-1].stop} messages so far")
    if problem := problem_of(segments, unfinished=unfinished):
        raise JournalError(f"journal {source}: {problem}" if isinstance(source, Path) else problem)
    return Journal(segments[0].settings, Messages(segments), tuple(segments), being_written)


def still_being_written(folder: Path) -> bool:
    """Whether a process writes the journal in a folder now.

    :raises JournalError: when the folder cannot be read.
    """
    try:
        return published_count(folder, Files()) is not None
    except OSError as error:
        raise JournalError(f"journal {folder} cannot be read: {error.strerror or error}") from error


def scan_folder(folder: Path, files: Files, numbers: Sequence[int] | None = None) -> tuple[list[SegmentView], bool]:
    """A folder's segments, all or those with these ``numbers``, and whether their journal is being written.

    Of one that is, nothing is looked at that its writer has not published: it may be half of an entry.

    :raises JournalError: when the folder cannot be read; for a header that does not hold.
    """
    try:
        stop = published_count(folder, files)  # before the names: what holds so many messages is among them
        names = segment_names(files.names(folder))
        segments = []
        for name in names if numbers is None else [segment_name(number) for number in numbers]:
            live = stop is not None and name == names[-1]  # the only one that may be cut meanwhile
            segments.append(_scan_segment(name, files.copy(folder / name) if live else files.read(folder / name), stop))
    except OSError as error:
        raise JournalError(f"journal {folder} cannot be read: {error.strerror or error}") from error
    except JournalError as error:
        raise JournalError(f"journal {folder}: {error}") from None
    return [each for each in segments if stop is None or each.first <= stop], stop is not None


def load_images(folder: Path, files: Files) -> Iterator[tuple[str, Image]]:
    """Names and bytes of a folder's segments, in order."""
    try:
        names = segment_names(files.names(folder))
        for name in names:
            yield name, files.read(folder / name)
    except OSError as error:
        raise JournalError(f"journal {folder} cannot be read: {error.strerror or error}") from error


def scan_segments(
    images: Iterable[tuple[str, Image]],
) -> list[SegmentView]:
    """Check every segment by itself.

    :raises JournalError: for a header that does not hold: no header can be torn.
    """
    return [_scan_segment(name, image) for name, image in images]


def problem_of(segments: Sequence[SegmentView], *, unfinished: bool) -> str:
    """The first thing that is wrong with a journal as a whole, in a sentence; empty when nothing is."""
    expected = segments[0].first
    for place, segment in enumerate(segments):
        last = place == len(segments) - 1
        if segment.number != segments[0].number + place:
            return f"{segment.name} has number {segment.number} where {segments[0].number + place} should follow"
        if segment.first != expected:
            return f"{segment.name} begins with entry {segment.first} where {expected} should follow"
        if place and segment.epoch < segments[place - 1].epoch:
            return f"{segment.name} is of epoch {segment.epoch}, before the last one's {segments[place - 1].epoch}"
        expected = segment.stop
        broken = segment.broken
        if broken is None:
            if last and not segment.sealed and not unfinished:
                return f"{segment.name} ends after entry {expected - 1} without a seal: its writer did not close it"
            continue
        where = f"entry {broken.sequence} at byte {broken.word * WORD} of {segment.name}"
        if broken.beyond:
            return f"{where} is damaged: its checksum or sequence does not hold, and {broken.beyond} entries follow"
        if last and not unfinished:
            return f"{where} is damaged, or was being written when its writer ended"
        if not last and segments[place + 1].first != expected:
            return f"{where} is damaged, and segments follow"
    return ""


def _scan_segment(name: str, image: Image, published: int | None = None) -> SegmentView:
    """Check a segment; of one that is being written, the entries below the sequence ``published``."""
    ragged = len(image) % WORD
    words = np.frombuffer(image, np.int64, len(image) // WORD)
    stop = len(words)
    header, settings, start = _read_header(name, words)
    found, chunks, at, sequence = np.zeros(3, np.int64), [np.zeros(0, np.int64)], start, int(header["first"])
    found[1] = header["durable"]
    room = (stop - at) // ENTRY_WORDS + 1
    wanted = room if published is None else min(room, max(0, published - sequence))
    while wanted:
        offsets = np.empty(min(_CHUNK, wanted), np.int64)
        count = int(scan(words, at, stop, sequence, int(header["epoch"]), int(found[1]), offsets, found))
        chunks.append(offsets[:count])
        at, sequence, wanted = int(found[0]), sequence + count, wanted - count
        if found[2] or count < len(offsets):
            break
    sealed, broken = bool(found[2]), None
    if published is not None and not wanted:
        pass  # what follows is the writer's
    elif not sealed and (at < stop or ragged):
        seen = np.zeros(2, np.int64)
        beyond = int(find_beyond(words, at, stop, sequence, int(header["epoch"]), seen))
        if seen[1] or ragged:
            broken = Break(at, sequence, beyond, int(seen[0]), empty=False)
    elif sealed and (at < stop or ragged):
        broken = Break(at, sequence, 0, 0, empty=not words[at:].any())
        broken = None if broken.empty else broken
    return SegmentView(
        name=name,
        words=words[:at],  # what is behind may be cut off
        number=int(header["number"]),
        epoch=int(header["epoch"]),
        first=int(header["first"]),
        settings=settings,
        clocks=(int(header["monotonic"]), int(header["utc"])),
        offsets=np.concatenate(chunks),
        end=at,
        durable=int(found[1]),
        sealed=sealed,
        broken=broken,
    )


def _read_header(name: str, words: Words) -> tuple[np.void, bytes, int]:
    data = words.tobytes() if len(words) * WORD < HEADER.itemsize else words[: HEADER.itemsize // WORD].tobytes()
    if len(data) < HEADER.itemsize or not data.startswith(MAGIC):
        raise JournalError(
            f"{name} is not a journal's segment: its {len(words) * WORD} bytes do not begin with {MAGIC!r}"
        )
    header = np.frombuffer(data, HEADER)[0]
    for what, value, known in (("layout", header["version"], VERSION), ("schema", header["schema"], SCHEMA_VERSION)):
        if value != known:
            raise JournalError(f"{name} has {what} version {value}; this program reads version {known}")
    length = int(header["settings_length"])
    start = HEADER.itemsize // WORD + (length + WORD - 1) // WORD
    settings = words[HEADER.itemsize // WORD : start].tobytes()
    checked = header.copy()
    checked["crc"] = 0
    if len(words) < start or header["crc"] != crc32c(checked.tobytes() + settings):
        raise JournalError(f"the header of {name} is damaged: its checksum does not hold")
    return header, settings[:length], start


def _decode(segment: SegmentView, entry: np.void, offset: int) -> Message:
    try:
        kind = Kind(int(entry["kind"]))
    except ValueError:
        raise JournalError(
            f"entry {entry['sequence']} of {segment.name} is of kind {entry['kind']}, which this program does not know"
        ) from None
    layout, start = LAYOUTS[kind], offset + ENTRY_WORDS
    length = int(entry["length"])
    data = segment.words[start : start + (length + WORD - 1) // WORD].view(np.uint8)[:length]
    if length != int(entry["count"]) * layout.itemsize:
        raise JournalError(f"entry {entry['sequence']} of {segment.name} does not have the layout of {kind.name}")
    rows = data.view(layout)
    rows.flags.writeable = False
    return Message(kind, int(entry["time"]), rows)
