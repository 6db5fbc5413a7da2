"""Reading a journal back, trusting nothing."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.contents import Contents, HeldContents
from alo_lib.journal.eras import settings_in_force
from alo_lib.journal.files import Files
from alo_lib.journal.format import (
    ALL_ONES,
    ENTRY_WORDS,
    HEADERS,
    KIND_MASK,
    KIND_WORD,
    LAST,
    LENGTH_WORD,
    MAGIC,
    WORD,
    JournalError,
    segment_name,
    shown,
    words_for,
)
from alo_lib.journal.journal import Journal
from alo_lib.journal.kernels import find_beyond, scan
from alo_lib.journal.segments import Break, Messages, SegmentView
from alo_lib.journal.store import published_count, segment_names
from alo_lib.numerics.crc32c import crc32c
from alo_lib.records import READ_SCHEMAS

__all__ = [
    "SegmentScan",
    "open_segments",
    "problem_of",
    "read_journal",
    "reason_of",
    "scan_folder",
    "scan_segments",
    "still_being_written",
]

Words = NDArray[np.int64]

_WINDOW: Final = 1 << 17
"""Words that are checked at once."""
_ZEROS: Final = 1 << 13
"""Words that are looked at at once where there should be none: few enough for their memory to be used again."""
_HELD: Final = 1 << 20
"""Bytes of a segment that is held in memory once it is checked; of a bigger one the file is held open."""
_TRIES: Final = 20
"""Times that a folder is read whose files change meanwhile."""
_PAUSE: Final = 0.005
"""Seconds between two of them."""


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
    return Journal(settings_in_force(segments), Messages(segments), tuple(segments), being_written)


def still_being_written(folder: Path) -> bool:
    """Whether a process writes the journal in a folder now.

    :raises JournalError: when the folder cannot be read.
    """
    try:
        return published_count(folder, Files()) is not None
    except OSError as error:
        raise JournalError(f"journal {folder} cannot be read: {reason_of(error, folder)}") from error


def reason_of(error: OSError, folder: Path) -> str:
    """Why a journal's folder cannot be read or written, naming the file in it where it is one."""
    name = "" if error.filename is None else Path(os.fsdecode(error.filename)).name
    why = error.strerror or str(error)
    return why if name in ("", folder.name) else f"{shown(name)}: {why}"


def scan_folder(folder: Path, files: Files, numbers: Sequence[int] | None = None) -> tuple[list[SegmentView], bool]:
    """A folder's segments, all or those with these ``numbers``, and whether their journal is being written.

    Of one that is, nothing is looked at that its writer has not published: it may be half of an entry. One that a
    writer begins, seals or cuts while it is read is read again.

    :raises JournalError: when the folder cannot be read; for a header that does not hold.
    """
    for _ in range(_TRIES):
        try:
            stop = published_count(folder, files)  # before the names: what holds so many messages is among them
            names = segment_names(folder, files)
            wanted = names if numbers is None else [segment_name(number) for number in numbers]
            problem: JournalError | None = None
            try:
                segments = [_scan_segment(name, files.contents(folder / name), stop) for name in wanted]
            except JournalError as error:
                problem = error
            if stop is None and (names != segment_names(folder, files) or published_count(folder, files) is not None):
                time.sleep(_PAUSE)  # a writer has come meanwhile, and what was read may be half of what it wrote
                continue
        except FileNotFoundError as error:
            if not folder.is_dir():
                raise JournalError(f"journal {folder} cannot be read: {reason_of(error, folder)}") from error
            time.sleep(_PAUSE)
            continue
        except OSError as error:
            raise JournalError(f"journal {folder} cannot be read: {reason_of(error, folder)}") from error
        if problem is not None:
            raise JournalError(f"journal {folder}: {problem}")
        return [each for each in segments if stop is None or each.first <= stop], stop is not None
    raise JournalError(f"journal {folder} changed each of the {_TRIES} times that it was read; read it again")


def open_segments(folder: Path, files: Files) -> Iterator[tuple[str, Contents]]:
    """Names and contents of a folder's segments, in order. OSError when one cannot be opened.

    :raises JournalError: as of segment_names.
    """
    for name in segment_names(folder, files):
        yield name, files.contents(folder / name)


def scan_segments(
    segments: Iterable[tuple[str, bytes | Contents]],
) -> list[SegmentView]:
    """Check every segment by itself.

    :raises JournalError: for a header that does not hold: no header can be torn.
    """
    return [_scan_segment(name, HeldContents(each) if isinstance(each, bytes) else each) for name, each in segments]


def problem_of(segments: Sequence[SegmentView], *, unfinished: bool, part: bool = False) -> str:
    """The first thing that is wrong with a journal as a whole, in a sentence; empty when nothing is.

    A ``part`` of a journal may begin anywhere.
    """
    expected, begins = segments[0].first, segments[0].number
    if not part and (expected or begins):
        return f"its beginning is missing: {segments[0].name} has number {begins} and begins with entry {expected}"
    for place, segment in enumerate(segments):
        last = place == len(segments) - 1
        if segment.number != begins + place:
            return f"{segment.name} has number {segment.number} where {begins + place} should follow"
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


def _scan_segment(name: str, contents: Contents, published: int | None = None) -> SegmentView:
    """Check a segment; of one that is being written, the entries below the sequence ``published``."""
    found = SegmentScan(name, contents)
    found.go_on(published)
    total = contents.size // WORD
    broken = None
    if published is not None and found.count >= max(0, published - found.first):
        pass  # what follows is the writer's
    elif found.at < total or contents.size % WORD:
        empty = _is_empty(contents, found.at, total)
        if not found.sealed and (contents.size % WORD or not empty):
            seen, rest = np.zeros(2, np.int64), _words(contents, found.at, total - found.at)
            beyond = int(find_beyond(rest, 0, len(rest), found.first + found.count, found.epoch, seen))
            broken = Break(found.at, found.first + found.count, beyond, int(seen[0]), empty=False)
        elif found.sealed and not empty:
            broken = Break(found.at, found.first + found.count, 0, 0, empty=False)
    if not isinstance(contents, HeldContents) and found.at * WORD <= _HELD:
        contents = HeldContents(bytes(contents.read(0, found.at * WORD)))
    return replace(found.view(), contents=contents, broken=broken)


class SegmentScan:
    """A segment as far as it was checked, which can be gone on with as its writer publishes more.

    :raises JournalError: for a header that does not hold.
    """

    def __init__(self, name: str, contents: Contents) -> None:
        self._header, self._settings, self.at = _read_header(name, contents)
        self.name, self.contents = name, contents
        self.epoch, self.first = int(self._header["epoch"]), int(self._header["first"])
        self.count = 0
        self.sealed = False
        self._durable = int(self._header["durable"])
        self._offsets, self._kinds = np.zeros(0, np.int64), np.zeros(0, np.uint16)

    def go_on(self, published: int | None) -> None:
        """Check entries, a window at a time, until one does not hold or the segment is sealed.

        Of a segment that is being written only those below the sequence ``published``.
        """
        total = self.contents.size // WORD
        wanted = total // ENTRY_WORDS + 1 if published is None else max(0, published - self.first)
        offsets, kinds = [self._offsets], [self._kinds]
        size, ends = _WINDOW, np.zeros(3, np.int64)
        while self.count < wanted and not self.sealed and self.at < total:
            words = _words(self.contents, self.at, min(size, total - self.at))
            places = np.empty(min(len(words) // ENTRY_WORDS + 1, wanted - self.count), np.int64)
            count = int(scan(words, 0, len(words), self.first + self.count, self.epoch, self._durable, places, ends))
            places = places[:count]
            kinds.append((words[places + KIND_WORD] & KIND_MASK).astype(np.uint16))
            offsets.append(places + self.at)
            self.at, self._durable, self.sealed = self.at + int(ends[0]), int(ends[1]), bool(ends[2])
            self.count += count
            if ends[0]:
                size = _WINDOW
            elif len(words) < size:  # the segment has no more
                break
            else:
                # Nothing holds: unless its entry is longer than the window, it is where the segment breaks.
                needed = ENTRY_WORDS + words_for(int(words[LENGTH_WORD]) & ALL_ONES)
                if needed <= size or needed > total - self.at:
                    break
                size = needed
        self._offsets, self._kinds = np.concatenate(offsets), np.concatenate(kinds)

    def view(self) -> SegmentView:
        """What was checked."""
        header = self._header
        return SegmentView(
            name=self.name,
            contents=self.contents,
            number=int(header["number"]),
            epoch=self.epoch,
            first=self.first,
            settings=self._settings,
            program=header["program"].decode("ascii", "replace") if "program" in (header.dtype.names or ()) else "",
            clocks=(int(header["monotonic"]), int(header["utc"])),
            offsets=self._offsets,
            kinds=self._kinds,
            end=self.at,
            durable=self._durable,
            sealed=self.sealed,
            broken=None,
        )


def _is_empty(contents: Contents, at: int, total: int) -> bool:
    """Whether nothing but zeros follows."""
    return not any(_words(contents, place, min(_ZEROS, total - place)).any() for place in range(at, total, _ZEROS))


def _words(contents: Contents, at: int, count: int) -> Words:
    """``count`` words from word ``at`` on; fewer where there are no more now."""
    data = contents.read(at * WORD, count * WORD)
    return np.frombuffer(data, np.int64, len(data) // WORD)


def _read_header(name: str, contents: Contents) -> tuple[np.void, bytes, int]:
    shortest = min(layout.itemsize for layout in HEADERS.values())
    data = bytes(contents.read(0, shortest))
    if len(data) < shortest or not data.startswith(MAGIC):
        raise JournalError(f"{name} is not a journal's segment: its {contents.size} bytes do not begin with {MAGIC!r}")
    version, schema = np.frombuffer(data, "<u2", 2, len(MAGIC)).tolist()
    for what, value, known in (("layout", version, tuple(HEADERS)), ("schema", schema, READ_SCHEMAS)):
        if value not in known:
            read = f"{min(known)} to {max(known)}"
            raise JournalError(f"{name} has {what} version {value}; this program reads versions {read}")
    layout = HEADERS[version]
    data = bytes(contents.read(0, layout.itemsize))
    if len(data) < layout.itemsize:
        raise JournalError(f"the header of {name} is damaged: it is cut")
    header = np.frombuffer(data, layout)[0]
    length = int(header["settings_length"])
    start = layout.itemsize // WORD + words_for(length)
    checked = header.copy()
    checked["crc"] = 0
    settings = (
        bytes(contents.read(layout.itemsize, start * WORD - layout.itemsize)) if start * WORD <= contents.size else b""
    )
    if start * WORD > contents.size or header["crc"] != crc32c(checked.tobytes() + settings):
        raise JournalError(f"the header of {name} is damaged: its checksum does not hold")
    for what, value in (("number", header["number"]), ("epoch", header["epoch"]), ("first entry", header["first"])):
        if not 0 <= value <= LAST:
            raise JournalError(f"the header of {name} tells of {what} {value}; it must be from 0 to {LAST}")
    return header, settings[:length], start
