"""A journal in LEAN's object store: whole values under numbered keys, one a segment, live two of each."""

from collections.abc import Callable, Iterable
from pathlib import Path

from alo_lib.journal.format import JOURNAL_FOLDER, OBJECT_STORE_KEY, JournalError, object_store_key, segment_name
from alo_lib.journal.reader import scan_segments

__all__ = ["best_copy", "segments_in_object_store", "segments_of", "take_from_object_store"]


def best_copy(copies: Iterable[bytes]) -> bytes | None:
    """The copy of a segment that holds the most entries; None where none is a segment.

    LEAN writes a value to the disk over the one before, so a process that is killed meanwhile leaves it torn: one of
    two copies at the most, because they are written one after the other.
    """
    best, most = None, -1
    for copy in copies:
        try:
            (segment,) = scan_segments([("a copy", copy)])
        except JournalError:
            continue
        if segment.stop > most:
            best, most = copy, segment.stop
    return best


def segments_of(read: Callable[[str], bytes | None]) -> list[bytes]:
    """The segments that an algorithm has left in its object store, in order; ``read`` gives a key's value, or None.

    Raises JournalError where no copy of one holds. One that was being written for the first time when LEAN was killed
    has one copy and nothing after it: the journal ends before it.
    """
    segments: list[bytes] = []

    def copies(number: int) -> list[bytes]:
        values = (read(object_store_key(number, copy=copy)) for copy in (False, True))
        return [value for value in values if value is not None]

    while found := copies(len(segments)):
        best = best_copy(found)
        if best is None and len(found) == 1 and not copies(len(segments) + 1):
            break
        if best is None:
            key = object_store_key(len(segments))
            raise JournalError(f"{key} in the object store is damaged, and so is its copy; remove it to begin anew")
        segments.append(best)
    return segments


def segments_in_object_store(store: Path) -> list[bytes]:
    """The segments in the folder of an object store, as an algorithm's next process would find them."""
    return segments_of(lambda key: (store / key).read_bytes() if (store / key).is_file() else None)


def take_from_object_store(store: Path, run: Path) -> int:
    """Copy the segments from the folder of an object store into a run's journal folder; returns how many there were."""
    numbers = sorted(int(path.suffix[1:]) for path in store.glob(f"{OBJECT_STORE_KEY}.*") if path.suffix[1:].isdigit())
    if numbers:
        (run / JOURNAL_FOLDER).mkdir(exist_ok=True)
    for number in numbers:
        (run / JOURNAL_FOLDER / segment_name(number)).write_bytes((store / object_store_key(number)).read_bytes())
    return len(numbers)
