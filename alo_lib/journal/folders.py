"""Where on a disk a journal lies: in a folder of its own, or in that of a run."""

import os
from pathlib import Path

from alo_lib.journal.format import JOURNAL_FOLDER, SEGMENT_SUFFIX

__all__ = ["holds_journal", "journal_folder_of"]


def holds_journal(folder: Path) -> bool:
    """Whether a folder holds segments; no folder holds none. OSError for one that cannot be looked at."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return any(name.endswith(SEGMENT_SUFFIX) for name in names)


def journal_folder_of(run: Path) -> Path | None:
    """The folder of the journal of a run, or ``run`` itself where that is one; None where there is none.

    OSError as :func:`holds_journal`.
    """
    return next((folder for folder in (run / JOURNAL_FOLDER, run) if holds_journal(folder)), None)
