"""Following a journal that is being written: each message once, of the kinds that are shown."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from alo_lib.journal import JournalError, messages_of, read_journal, segments_in_object_store
from alo_lib.journal.files import Files
from alo_lib.journal.format import OBJECT_STORE_KEY
from alo_lib.journal.reader import problem_of, scan_folder
from alo_lib.journal.segments import Messages
from alo_lib.journal.store import published_count, segment_names
from alo_lib.records import Kind, Message

__all__ = ["JournalTail"]


class JournalTail:
    """The journal in a folder, or in the folder of LEAN's object store; it may not be there yet.

    Each look reads the segments that may have become longer, and nothing of them that its writer has not published.
    """

    def __init__(self, folder: Path, kinds: Sequence[Kind]) -> None:
        self.folder = folder
        self._kinds = kinds
        self._files = Files()
        self.seen = 0
        """Messages of any kind that were passed so far."""
        self._segment = 0  # that held the last of them
        self._stamp: tuple[object, ...] = ()

    def new(self) -> Iterator[Message]:
        """The messages that have come since the last look.

        :raises JournalError: where the journal is damaged.
        """
        if not self.folder.is_dir():
            return
        if any(self.folder.glob(f"{OBJECT_STORE_KEY}*")):
            segments = segments_in_object_store(self.folder)
            if segments:
                yield from self._passed(0, read_journal(segments, unfinished=True).messages)
            return
        try:
            names, published = segment_names(self.folder, self._files), published_count(self.folder, self._files)
            sizes = [(self.folder / name).stat().st_size for name in names]
        except OSError:  # renamed or removed meanwhile: the next look tells
            return
        stamp = (*names, *sizes, published)
        if stamp == self._stamp or not names:
            return
        views, _ = scan_folder(self.folder, self._files, range(self._segment, len(names)))
        if not views:
            return
        if problem := problem_of(views, unfinished=True, part=True):
            raise JournalError(f"journal {self.folder}: {problem}")
        yield from self._passed(views[0].first, Messages(views))
        self._segment, self._stamp = views[-1].number, stamp

    def _passed(self, first: int, messages: Sequence[Message]) -> Iterator[Message]:
        """What of ``messages``, which begin with sequence ``first``, was not seen before."""
        for _, message in messages_of(messages, *self._kinds, first=max(0, self.seen - first)):
            yield message
        self.seen = first + len(messages)
