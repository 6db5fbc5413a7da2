"""Lines of small text files: with unreadable ones recorded as faults, or, of those that users keep, refused."""

import datetime as dt
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alo_lib.market.faults import DataError, FaultKind, FaultLog
from alo_lib.records import FIRST_DAY, LAST_DAY

__all__ = ["ENCODING", "day_of", "in_place", "kept_lines", "read_cells", "read_kept", "require_regular"]

ENCODING: Final = "utf-8-sig"
"""How text files are read: UTF-8, with or without a byte-order mark, which some editors put first."""


def in_place(path: Path) -> bool:
    """Whether anything has this name, be it a folder or a link that leads nowhere, which no reader can read."""
    return os.path.lexists(path)


def require_regular(path: Path) -> None:
    """Refuse a pipe, which nobody may ever write to, a socket or a device; a folder says itself what it is.

    :raises OSError: for one of these, or where there is nothing.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "Not a regular file")


def read_cells(path: Path, faults: FaultLog) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is not blank, with its number (from 1); a file that cannot be read is a fault."""
    try:
        require_regular(path)
        text = path.read_text(encoding=ENCODING)
    except FileNotFoundError:
        faults.record(FaultKind.MISSING_FILE, path)
        return
    except OSError as error:
        faults.record(FaultKind.CORRUPT_FILE, path, detail=error.strerror or str(error))
        return
    except UnicodeDecodeError as error:
        faults.record(FaultKind.CORRUPT_FILE, path, detail=str(error))
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            faults.count_row()
            yield number, [cell.strip() for cell in line.split(",")]


def read_kept(path: Path, what: str, most: int) -> bytes | None:
    """What a user's file has, and not more than a byte beyond the ``most`` that it may; None where there is none.

    :raises DataError: for one that is there and cannot be read.
    """
    try:
        require_regular(path)
        with path.open("rb") as file:
            return file.read(most + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"the {what} in {path} cannot be read: {error.strerror or error}") from None


def kept_lines(content: bytes, place: str, what: str, most: int) -> Iterator[tuple[int, str]]:
    """The lines of a user's text that say something, each with its number (from 1); ``#`` begins a remark.

    :raises DataError: naming ``place`` and ``what`` it keeps, for more than ``most`` bytes, and where it is no text.
    """
    if len(content) > most:
        raise DataError(f"the {what} in {place} have more than {most:,} bytes")
    try:
        lines = content.decode(ENCODING).splitlines()
    except UnicodeDecodeError:
        raise DataError(f"the {what} in {place} are no UTF-8 text") from None
    for number, line in enumerate(lines, 1):
        if text := line.split("#")[0].strip():
            yield number, text


def day_of(text: str) -> dt.date:
    """A day as users write it.

    :raises ValueError: for text that is none, or one that no run can be of.
    """
    try:
        day = dt.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ValueError(f"{text!r:.80} must be a day as yyyy-mm-dd") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{day} must be from {FIRST_DAY} to {LAST_DAY}")
    return day
