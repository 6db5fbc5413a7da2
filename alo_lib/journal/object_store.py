"""A journal in LEAN's object store: whole values under numbered keys, one a segment, live two of each."""

from collections.abc import Iterable
from pathlib import Path

from alo_lib.journal.format import JOURNAL_FOLDER, OBJECT_STORE_KEY, JournalError, object_store_key, segment_name
from alo_lib.journal.reader import scan_segments

__all__ = ["best_copy", "segments_in_object_store", "take_from_object_store"]


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


def segments_in_object_store(store: Path) -> list[bytes]:
    """The segments in the folder of a live algorithm's object store, as its next process would find them."""
    segments: list[bytes] = []
    while True:
        paths = [store / object_store_key(len(segments), copy=copy) for copy in (False, True)]
        best = best_copy(path.read_bytes() for path in paths if path.is_file())
        if best is None:
            return segments
        segments.append(best)


def take_from_object_store(store: Path, run: Path) -> int:
    """Copy the segments from the folder of an object store into a run's journal folder; returns how many there were."""
    numbers = sorted(int(path.suffix[1:]) for path in store.glob(f"{OBJECT_STORE_KEY}.*") if path.suffix[1:].isdigit())
    if numbers:
        (run / JOURNAL_FOLDER).mkdir(exist_ok=True)
    for number in numbers:
        (run / JOURNAL_FOLDER / segment_name(number)).write_bytes((store / object_store_key(number)).read_bytes())
    return len(numbers)
