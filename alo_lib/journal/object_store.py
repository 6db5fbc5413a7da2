"""A journal in LEAN's object store: whole values under numbered keys, one a segment."""

from pathlib import Path

from alo_lib.journal.format import JOURNAL_FOLDER, OBJECT_STORE_KEY, object_store_key, segment_name

__all__ = ["take_from_object_store"]


def take_from_object_store(store: Path, run: Path) -> int:
    """Copy the segments from the folder of an object store into a run's journal folder; returns how many there were."""
    numbers = sorted(int(path.suffix[1:]) for path in store.glob(f"{OBJECT_STORE_KEY}.*") if path.suffix[1:].isdigit())
    if numbers:
        (run / JOURNAL_FOLDER).mkdir(exist_ok=True)
    for number in numbers:
        (run / JOURNAL_FOLDER / segment_name(number)).write_bytes((store / object_store_key(number)).read_bytes())
    return len(numbers)
