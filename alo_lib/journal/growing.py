"""A journal that another process writes, read on and on: each look reads what has come since the last one."""

from pathlib import Path

from alo_lib.journal.eras import settings_in_force
from alo_lib.journal.files import Files
from alo_lib.journal.format import WORD, JournalError
from alo_lib.journal.journal import Journal
from alo_lib.journal.reader import SegmentScan, problem_of, reason_of
from alo_lib.journal.segments import Messages, SegmentView
from alo_lib.journal.store import published_count, segment_names

__all__ = ["GrowingJournal", "still_checked"]


class GrowingJournal:
    """The journal in a folder, which need not be there yet. Nothing is read that its writer has not published.

    What was read stays open, so no other file can pass for it.
    """

    def __init__(self, folder: Path, files: Files | None = None) -> None:
        self.folder = folder
        self._files = Files() if files is None else files
        self._scans: list[SegmentScan] = []

    @property
    def checked(self) -> tuple[SegmentView, ...]:
        """The segments so far, each as far as it was read."""
        return tuple(scan.view() for scan in self._scans)

    def look(self) -> Journal | None:
        """The journal as it is now; None where nobody writes it, or nothing has come since the last look.

        :raises JournalError: where it is damaged, or what was read is not what is there now.
        """
        try:
            published = published_count(self.folder, self._files) if self.folder.is_dir() else None
            if published is None or (self._scans and published <= self._stop):
                return None
            self._read(segment_names(self.folder, self._files), published)
        except OSError as error:
            raise JournalError(f"journal {self.folder} cannot be read: {reason_of(error, self.folder)}") from error
        views = self.checked
        if problem := problem_of(views, unfinished=True):
            raise JournalError(f"journal {self.folder}: {problem}")
        return Journal(settings_in_force(views), Messages(views), views, being_written=True)

    @property
    def _stop(self) -> int:
        return self._scans[-1].first + self._scans[-1].count

    def _read(self, names: list[str], published: int) -> None:
        scans = self._scans
        if scans and names[: len(scans)] != [scan.name for scan in scans]:
            raise JournalError(f"journal {self.folder}: segments that were read are not there any more")
        if scans:
            self._require_same(scans[-1])
            scans[-1].go_on(published)
        for name in names[len(scans) :]:
            scan = SegmentScan(name, self._files.contents(self.folder / name))
            if scan.first > published:
                return
            scan.go_on(published)
            scans.append(scan)

    def _require_same(self, scan: SegmentScan) -> None:
        if self._files.contents(self.folder / scan.name).inode != scan.contents.inode:
            raise JournalError(f"journal {self.folder}: {scan.name} was replaced since it was read")


def still_checked(view: SegmentView, folder: Path, files: Files) -> bool:
    """Whether a sealed segment that was checked before is the file of its name now, and as it was then.

    OSError when that cannot be opened.
    """
    now = files.contents(folder / view.name)
    return view.sealed and now.inode == view.contents.inode and now.size == view.end * WORD
