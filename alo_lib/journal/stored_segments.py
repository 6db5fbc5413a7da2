"""Reading a journal in LEAN's object store: of each segment the better of two copies, packed or not."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from alo_lib.journal.files import Files
from alo_lib.journal.format import JOURNAL_FOLDER, JournalError, object_store_key, segment_name
from alo_lib.journal.packing import unpacked
from alo_lib.journal.reader import read_journal, scan_segments
from alo_lib.journal.segments import SegmentView
from alo_lib.journal.volumes import preface_of, volume_of
from alo_lib.records import Kind

__all__ = ["Copy", "best_of", "segments_in_object_store", "segments_of", "take_from_object_store"]

_LOOKS: Final = 20
_PAUSE: Final = 0.025
"""Seconds between two looks at what may be half written: a copy has 1 MiB at most, which takes milliseconds."""


class Copy(NamedTuple):
    """A copy of a segment, unpacked."""

    image: bytes
    view: SegmentView

    def until(self, following: "Copy") -> bytes:
        """What the writer of the segment that follows has gone on from."""
        first, view = following.view.first, self.view
        if view.epoch < following.view.epoch and view.first <= first < view.stop:
            return view.words[: int(view.offsets[first - view.first])].tobytes()
        return self.image


def best_of(copies: Iterable[bytes]) -> Copy | None:
    """The copy of a segment that holds the most entries; None where none is a segment.

    LEAN writes a value to the disk over the one before, so a process that is killed meanwhile leaves it torn: one of
    two copies at the most, because they are written one after the other.
    """
    best = None
    for copy in copies:
        try:
            image = unpacked(copy)
            (view,) = scan_segments([("a copy", image)])
        except JournalError:
            continue
        if best is None or view.stop > best.view.stop:
            best = Copy(image, view)
    return best


def segments_of(read: Callable[[str], bytes | None], pause: Callable[[float], None] = time.sleep) -> list[bytes]:
    """The segments that an algorithm has left in its object store, in order; ``read`` gives a key's value, or None.

    Of two volumes the later one counts, once it has what it goes on from, and before that the earlier one.

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


def _copies_of(read: Callable[[str], bytes | None]) -> list[Copy]:
    """The best copy of each segment of the volume that counts, as of one look."""
    looks = [_look_at(read, volume) for volume in (1, 2)]
    if not _goes_on(looks[0]):  # it may since, and the other one be removed
        looks[0] = _look_at(read, 1)
    problems = [each for each in looks if isinstance(each, JournalError)]  # being begun, or removed, if one holds
    held = [each for each in looks if each and not isinstance(each, JournalError)]
    if problems and not any(map(_number_of, held)):
        raise problems[0]
    if len(held) < 2:
        return held[0] if held else []
    earlier, later = sorted(held, key=_number_of)
    # One of an epoch that the earlier volume has come to as well was begun by who had lost the journal by then.
    return later if later[0].view.epoch > earlier[-1].view.epoch or not _number_of(earlier) else earlier


def _look_at(read: Callable[[str], bytes | None], volume: int) -> list[Copy] | JournalError:
    try:
        return _copies_at(read, volume)
    except JournalError as error:
        return error


def _goes_on(look: list[Copy] | JournalError) -> bool:
    """Whether a volume was met that is the first, or has what it goes on from."""
    if isinstance(look, JournalError) or not look:
        return False
    first = look[0].view
    is_first = not len(first.offsets) or volume_of([first.message(0)]).number == 1
    return is_first or any((each.view.kinds == Kind.ADOPTION).any() for each in look)


def _number_of(copies: Sequence[Copy]) -> int:
    """The number of a volume; 0 for one that has not what it goes on from."""
    try:
        messages = read_journal(_images(copies), unfinished=True).messages
        preface_of(messages)
    except JournalError:
        return 0
    return volume_of(messages).number


def _copies_at(read: Callable[[str], bytes | None], volume: int) -> list[Copy]:
    """The best copy of each segment under the keys of a volume, as of one look."""
    segments: list[Copy] = []

    def copies(number: int) -> list[bytes]:
        values = (read(object_store_key(number, copy=copy, volume=volume)) for copy in (False, True))
        return [value for value in values if value is not None]

    while found := copies(len(segments)):
        best = best_of(found)
        if best is None and len(found) == 1 and not copies(len(segments) + 1):
            break
        if best is None:
            key = object_store_key(len(segments), volume=volume)
            raise JournalError(f"{key} in the object store is damaged, and so is its copy; remove it to begin anew")
        segments.append(best)
    return segments


def _meet(segment: Copy, following: Copy) -> bool:
    """Whether no entry is missing between two segments."""
    return following.view.first <= segment.view.stop


def _images(copies: Sequence[Copy]) -> list[bytes]:
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
