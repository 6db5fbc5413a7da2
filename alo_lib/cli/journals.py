"""Journals as people name them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alo_lib.cli.project import CORE_JOURNALS

if TYPE_CHECKING:
    from alo_lib.journal import Journal

__all__ = ["journal_place", "open_journal"]


def journal_place(run: Path) -> Path:
    """The folder that is meant: a run's, LEAN's object store, a journal, or that of the core of a name.

    :raises UserError: where there is none.
    """
    from alo_lib.cli.run_folder import found_run

    core = CORE_JOURNALS / run
    return core if not run.is_dir() and len(run.parts) == 1 and core.is_dir() else found_run(run)


def open_journal(run: Path) -> Journal:
    """The journal that is meant, as :func:`journal_place` finds it.

    That of a run that was killed is read up to where it holds, that of one that goes on up to what it has written; the
    latter is told.

    :raises UserError: where there is none.
    :raises JournalError: where it cannot be read.
    """
    from alo_lib.cli.console import say
    from alo_lib.journal import journal_folder_of, read_journal, segments_in_object_store

    run = journal_place(run)
    folder = journal_folder_of(run)
    if folder is None and (segments := segments_in_object_store(run)):
        return read_journal(segments, unfinished=True)
    journal = read_journal(run if folder is None else folder, unfinished=True)
    if journal.being_written:
        say(f"Still being written, {len(journal.messages):,} messages so far.")
    return journal
