"""Which segment holds what: a small file beside the segments, made from them whenever it is missing or out of date."""

import contextlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.contents import Contents
from alo_lib.journal.files import Files
from alo_lib.journal.format import ENTRY_WORDS, HEADER, WORD, JournalError
from alo_lib.journal.reader import problem_of, reason_of, scan_folder
from alo_lib.journal.segments import Messages
from alo_lib.journal.store import segment_names
from alo_lib.numerics.crc32c import crc32c

__all__ = ["INDEX", "INDEX_NAME", "messages_between", "read_index"]

INDEX_NAME: Final = "index"
INDEX: Final = np.dtype(
    [
        ("number", "<i8"),
        ("epoch", "<i8"),
        ("first", "<i8"),  # sequence of its first entry
        ("stop", "<i8"),  # the one after its last entry
        ("begins", "<i8"),  # times of the two, ns UTC; 0 where there is none
        ("ends", "<i8"),
        ("size", "<i8"),  # bytes of the file
        ("sealed", "<i8"),
        ("mark", "<i8"),  # checksum of its header and its seal: an index of other segments is out of date
    ]
)
"""One row a segment."""


def read_index(folder: Path, files: Files | None = None) -> NDArray[np.void]:
    """A row a segment, dtype INDEX; from the index where it fits the segments, else from them, and then it is written.

    An index is kept for a journal that was closed; that of one still open is made anew each time.

    :raises JournalError: as reading the journal does.
    """
    files = Files() if files is None else files
    try:
        names = segment_names(folder, files)
        kept = _load(folder, files)
        if kept is not None and _marks_of(kept) == [_mark(files.contents(folder / name)) for name in names]:
            return kept
        rows = _build(folder, files)
        if len(rows) and rows["sealed"][-1]:
            with contextlib.suppress(OSError):  # a folder that cannot be written to is read without
                _save(folder, rows, files)
    except OSError as error:
        raise JournalError(f"journal {folder} cannot be read: {reason_of(error, folder)}") from error
    return rows


def messages_between(folder: Path, first: int, stop: int, files: Files | None = None) -> tuple[int, Messages]:
    """The messages of the segments that hold ``first`` to ``stop``, and the sequence of the first of them.

    No other segment is read.
    """
    files = Files() if files is None else files
    rows = read_index(folder, files)
    wanted = rows[(rows["stop"] > first) & (rows["first"] < stop)]
    segments, _ = scan_folder(folder, files, wanted["number"].tolist())
    if segments and (problem := problem_of(segments, unfinished=True, part=True)):
        raise JournalError(f"journal {folder}: {problem}")
    return (segments[0].first if segments else 0), Messages(segments)


def _build(folder: Path, files: Files) -> NDArray[np.void]:
    segments, _ = scan_folder(folder, files)
    if not segments:
        raise JournalError(f"{folder} is not a journal: it holds no segment")
    if problem := problem_of(segments, unfinished=True):
        raise JournalError(f"journal {folder}: {problem}")
    rows = np.zeros(len(segments), INDEX)
    for row, segment in zip(rows, segments, strict=True):
        row["number"], row["epoch"], row["first"], row["stop"] = (
            segment.number,
            segment.epoch,
            segment.first,
            segment.stop,
        )
        if len(segment.offsets):
            row["begins"], row["ends"] = segment.entry(0)["time"], segment.entry(-1)["time"]
        contents = files.contents(folder / segment.name)
        row["size"], row["mark"] = _mark(contents)
        row["sealed"] = segment.sealed
    return rows


def _mark(contents: Contents) -> tuple[int, int]:
    """A segment's size, and the checksum of what it begins and ends with: its header and its seal, once it has one."""
    end = max(0, contents.size - ENTRY_WORDS * WORD)
    ends = bytes(contents.read(0, HEADER.itemsize)) + bytes(contents.read(end, contents.size - end))
    return contents.size, crc32c(ends)


def _marks_of(rows: NDArray[np.void]) -> list[tuple[int, int]]:
    return list(zip(rows["size"].tolist(), rows["mark"].tolist(), strict=True))


def _load(folder: Path, files: Files) -> NDArray[np.void] | None:
    if INDEX_NAME not in files.names(folder):
        return None
    data = files.read(folder / INDEX_NAME)
    content, crc = data[:-4], int.from_bytes(data[-4:], "little")
    if len(content) % INDEX.itemsize or crc != crc32c(content):
        return None
    return np.frombuffer(content, INDEX)


def _save(folder: Path, rows: NDArray[np.void], files: Files) -> None:
    new = folder / f"{INDEX_NAME}.unfinished"
    if new.name in files.names(folder):
        files.remove(new)
    descriptor = files.create(new)
    try:
        files.append(descriptor, rows.tobytes() + crc32c(rows.tobytes()).to_bytes(4, "little"))
    finally:
        files.close(descriptor)
    files.rename(new, folder / INDEX_NAME)
