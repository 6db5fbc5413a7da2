"""Going on from a journal without an input that stops whoever handles it."""

from pathlib import Path

from alo_lib.journal import (
    Journal,
    JournalError,
    JournalWriter,
    MemoryStore,
    leave_out,
    object_store_key,
    read_journal,
    recover,
    segments_in_object_store,
    start_after,
    volume_of,
)
from alo_lib.records import Message
from alo_lib.records.whole_files import write_whole
from alo_lib.runtime.replay import Replayer

__all__ = ["go_on_without", "go_on_without_in_object_store"]


def go_on_without(folder: Path, sequence: int) -> str:
    """Leave a message out of the journal in a folder, whose writer has ended. Returns what was done, in a sentence.

    The remark that says so is written once the rest has been decided again without the message; else nothing is.

    :raises JournalError: for a journal that cannot be continued, and for a message that cannot be left out.
    :raises DivergenceError: where the rest is decided otherwise without it.
    """
    recovered = recover(folder)
    try:
        remark = _remark(recovered.journal, sequence)
    except BaseException:
        recovered.release()
        raise
    writer = recovered.writer()
    writer.append(remark)
    writer.close()
    return _said(remark, sequence, str(folder))


def go_on_without_in_object_store(store: Path, sequence: int) -> str:
    """The same of the journal in the folder of LEAN's object store, while no LEAN runs on it.

    :raises JournalError: as above.
    :raises DivergenceError: as above.
    :raises OSError: when the store cannot be written to.
    """
    segments = segments_in_object_store(store)
    if not segments:
        raise JournalError(f"{store} holds no journal")
    journal = read_journal(segments, unfinished=True)
    remark, memory, start = _remark(journal, sequence), MemoryStore(), start_after(journal)
    writer = JournalWriter(
        memory,
        settings=journal.settings,
        program=journal.segments[-1].program,
        position=start,
        segment_bytes=1 << 16,
    )
    writer.append(remark)
    writer.close()
    (image,) = memory.images()
    volume = volume_of(journal.messages).number
    for copy in (True, False):
        write_whole(store / object_store_key(start.number, copy=copy, volume=volume), image)
    return _said(remark, sequence, str(store))


def _remark(journal: Journal, sequence: int) -> Message:
    if sequence in journal.left_out:
        raise JournalError(f"message {sequence} counts no more already")
    remark = leave_out(journal.messages, sequence)
    for _ in Replayer(journal, without=remark.records["order"].tolist()).frames():
        pass
    return remark


def _said(remark: Message, sequence: int, where: str) -> str:
    void = len(remark.records) - 1
    more = f", nor {void} decisions of the frame that took it in" if void else ""
    return f"message {sequence} of {where} counts no more{more}; the rest was decided again"
