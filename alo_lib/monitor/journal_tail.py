"""Following a journal that is being written: each message once, of the kinds that are shown."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from alo_lib.journal import Journal, JournalError, messages_of, preface_of, read_journal, segments_in_object_store
from alo_lib.journal.files import Files
from alo_lib.journal.format import HEADER, OBJECT_STORE_KEY
from alo_lib.journal.reader import problem_of, scan_folder
from alo_lib.journal.segments import Messages
from alo_lib.journal.store import published_count, segment_names
from alo_lib.records import Kind, Message

__all__ = ["JournalTail"]


class JournalTail:
    """The journal in a folder, or in the folder of LEAN's object store; it may not be there yet.

    Each look reads the segments that may have become longer, and nothing of them that its writer has not published.
    The folder may get another name while it is followed.
    """

    def __init__(self, folder: Path, kinds: Sequence[Kind]) -> None:
        self.folder = folder
        self._kinds = kinds
        self._files = Files()
        self.seen = 0
        """Messages of any kind that were passed so far."""
        self.told_again = 0
        """How many at the journal's beginning its volume before had, or tell what that one came to."""
        self._segment = 0  # that held the last of them
        self._stamp: tuple[object, ...] = ()
        self._left_out: set[int] = set()  # sequences
        self._head = b""  # of the first segment, with its place: they tell this journal from others
        self._place: tuple[int, ...] = ()

    @property
    def mark(self) -> str:
        """What tells the journal that is followed from others; empty before there is one.

        It is made of its first segment's header: when it began, under which settings, by which program.
        """
        return hashlib.sha256(self._head).hexdigest()[:16] if self._head else ""

    def new(self) -> Iterator[Message] | None:
        """The messages that have come since the last look, but for those that are left out.

        None where what was passed counts no more: another journal is there now, or this one goes on without messages
        of it. Then another tail begins anew.

        :raises JournalError: where the journal is damaged.
        """
        if not self.folder.is_dir():
            return iter(())
        if any(self.folder.glob(f"{OBJECT_STORE_KEY}*")):
            segments = segments_in_object_store(self.folder)
            if not segments:
                return iter(())
            if self._of_another(segments[0][: HEADER.itemsize]):
                return None
            messages = read_journal(segments, unfinished=True).messages
            self.told_again = preface_of(messages)
            return self._beyond(0, messages, 0, ())
        try:
            names, published = segment_names(self.folder, self._files), published_count(self.folder, self._files)
            stats = [(self.folder / name).stat() for name in names]
            head = _head(self.folder / names[0]) if names else b""
        except OSError:  # renamed or removed meanwhile: the next look tells
            return iter(())
        if names and self._of_another(head, stats[0].st_dev, stats[0].st_ino):
            return None
        stamp = (*names, *(each.st_size for each in stats), published)
        if stamp == self._stamp or not names:
            return iter(())
        views, _ = scan_folder(self.folder, self._files, range(self._segment, len(names)))
        if not views:
            return iter(())
        if problem := problem_of(views, unfinished=True, part=True):
            raise JournalError(f"journal {self.folder}: {problem}")
        return self._beyond(views[0].first, Messages(views), views[-1].number, stamp)

    def _of_another(self, head: bytes, *place: int) -> bool:
        """Whether the first segment, which its head and place tell from others, is not that of what was passed."""
        if self.seen and (head, place) != (self._head, self._place):
            return True
        self._head, self._place = head, place
        return False

    def _beyond(
        self, first: int, messages: Sequence[Message], segment: int, stamp: tuple[object, ...]
    ) -> Iterator[Message] | None:
        """What of ``messages``, which begin with sequence ``first``, was not seen before; None as of :meth:`new`."""
        place = max(0, self.seen - first)
        remarks = [message for _, message in messages_of(messages, Kind.EVENT, first=place)]
        left_out = Journal(b"", remarks).left_out
        if first + len(messages) < self.seen or any(sequence < self.seen for sequence in left_out):
            return None
        self._left_out |= left_out
        return self._passed(first, place, messages, segment, stamp)

    def _passed(
        self, first: int, place: int, messages: Sequence[Message], segment: int, stamp: tuple[object, ...]
    ) -> Iterator[Message]:
        for number, message in messages_of(messages, *self._kinds, first=place):
            self.seen = first + number + 1
            if first + number not in self._left_out:
                yield message
        self.seen, self._segment, self._stamp = first + len(messages), segment, stamp


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEADER.itemsize)
