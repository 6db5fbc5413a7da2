"""Lines of small csv files, with unreadable files recorded as faults."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alo_lib.market.faults import FaultKind, FaultLog

__all__ = ["ENCODING", "in_place", "read_cells"]

ENCODING: Final = "utf-8-sig"
"""How text files are read: UTF-8, with or without a byte-order mark, which some editors put first."""


def in_place(path: Path) -> bool:
    """Whether anything has this name, be it a folder or a link that leads nowhere, which no reader can read."""
    return os.path.lexists(path)


def read_cells(path: Path, faults: FaultLog) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is not blank, with its number (from 1); a file that cannot be read is a fault."""
    try:
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
