"""Continuing a journal whose writer was killed: find the end, cut what is torn, refuse what is damaged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from alo_lib.journal.eras import settings_in_force
from alo_lib.journal.files import Files
from alo_lib.journal.format import ENTRY_WORDS, NEW_SUFFIX, WORD, JournalError, segment_name, shown
from alo_lib.journal.growing import still_checked
from alo_lib.journal.journal import Journal
from alo_lib.journal.kernels import APPENDED, DURABLE, EPOCH, MARKS, OFFSET, seal
from alo_lib.journal.lock import WriterLock, lock_folder
from alo_lib.journal.reader import open_segments, reason_of, scan_segments
from alo_lib.journal.segments import Messages, SegmentView
from alo_lib.journal.snapshots import entry_checksum
from alo_lib.journal.store import FolderStore
from alo_lib.journal.writer import JournalWriter, WriterStart

__all__ = ["Recovered", "recover", "start_after"]


@dataclass(frozen=True)
class Recovered:
    """A journal that can be continued, and what was found on the way. Nobody else can write it meanwhile."""

    folder: Path
    journal: Journal
    findings: tuple[str, ...]  # sentences
    files: Files
    lock: WriterLock

    @property
    def position(self) -> WriterStart:
        """Where the next writer begins."""
        return start_after(self.journal)

    def writer(self, **options: Any) -> JournalWriter:
        """A writer that goes on behind the last good entry, in a new epoch; options as of JournalWriter."""
        store = FolderStore(self.folder, self.files, self.lock)
        last = self.journal.segments[-1].program
        return JournalWriter(store, settings=self.journal.settings, program=last, position=self.position, **options)

    def release(self) -> None:
        """Let others write: no writer follows."""
        self.lock.release()


def start_after(journal: Journal) -> WriterStart:
    """Where a journal's next writer begins: behind its last entry, in a new segment and a new epoch."""
    last, count = journal.segments[-1], len(journal.messages)
    return WriterStart(count, last.epoch + 1, last.number + 1, entry_checksum(journal, count) if count else 0)


def recover(folder: Path, *, files: Files | None = None, known: Sequence[SegmentView] = ()) -> Recovered:
    """Make a journal whole after its writer was killed or the machine went down.

    The journal ends before the first entry that does not hold. Nothing is lost that any entry says was on disk: when
    one that does hold says that the broken place was, that is damage, and JournalError names it. What follows the
    place otherwise was never on disk for certain; it is cut off, and the findings say how much it was. Recovery can
    itself be killed at any point and be run again. Nothing is touched while another process writes the journal:
    JournalError names that one. Sealed segments that are ``known``, which were checked and are open since, are not
    checked again.
    """
    files = Files() if files is None else files
    lock = lock_folder(folder, files)
    try:
        kept, findings = _made_whole(folder, files, {view.name: view for view in known})
    except BaseException:
        lock.release()
        raise
    return Recovered(folder, Journal(settings_in_force(kept), Messages(kept), tuple(kept)), findings, files, lock)


def _made_whole(
    folder: Path, files: Files, known: Mapping[str, SegmentView]
) -> tuple[list[SegmentView], tuple[str, ...]]:
    """The segments as they are once the journal is whole, and what was found."""
    findings: list[str] = []
    try:
        _remove_unmade(folder, files, findings)
        segments = _checked(folder, files, known)
        if not segments:
            raise JournalError(f"{folder} is not a journal: it holds no segment")
        place = _end(segments, findings)
        kept = _cut(folder, files, segments, place, findings)
    except OSError as error:
        raise JournalError(f"journal {folder} cannot be recovered: {reason_of(error, folder)}") from error
    return kept, tuple(findings)


def _checked(folder: Path, files: Files, known: Mapping[str, SegmentView]) -> list[SegmentView]:
    """All segments, those that are known as they were checked before."""
    found = []
    for name, contents in open_segments(folder, files):
        view = known.get(name)
        if view is not None and still_checked(view, folder, files):
            found.append(view)
        else:
            found += scan_segments([(name, contents)])
    return found


def _remove_unmade(folder: Path, files: Files, findings: list[str]) -> None:
    for name in files.names(folder):
        if name.endswith(NEW_SUFFIX):
            files.remove(folder / name)
            findings.append(f"{shown(name)} was being made and held nothing; it was removed")


def _end(segments: list[SegmentView], findings: list[str]) -> int:
    """The segment that the journal ends in.

    :raises JournalError: for damage.
    """
    expected = segments[0].first
    for place, segment in enumerate(segments):
        if segment.number != place or segment.name != segment_name(place) or (place == 0 and segment.first):
            raise JournalError(f"{segment_name(place)} is missing")
        expected = segment.stop
        follows = segments[place + 1] if place + 1 < len(segments) else None
        if follows is not None and follows.first == expected:
            continue
        # The journal ends here, unless something knows better.
        claims = [each.durable for each in segments]
        claims += [each.broken.durable for each in segments[place:] if each.broken is not None]
        if max(claims) > expected:
            raise JournalError(
                f"entry {expected} at byte {segment.end * WORD} of {segment.name} is damaged: "
                f"{max(claims)} entries were on disk, and only {expected} hold"
            )
        lost = sum(len(later.offsets) for later in segments[place + 1 :])
        lost += 0 if segment.broken is None else segment.broken.beyond
        if lost:
            findings.append(
                f"{lost} entries after entry {expected - 1} were not on disk for certain; they were cut off"
            )
        return place
    return len(segments) - 1


def _sync(folder: Path, files: Files, segment: SegmentView) -> None:
    descriptor = files.open(folder / segment.name)
    try:
        files.sync(descriptor)
    finally:
        files.close(descriptor)


def _truncate(folder: Path, files: Files, segment: SegmentView) -> None:
    descriptor = files.open(folder / segment.name)
    try:
        files.truncate(descriptor, segment.end * WORD)
        files.sync(descriptor)
    finally:
        files.close(descriptor)


def _cut(folder: Path, files: Files, segments: list[SegmentView], place: int, findings: list[str]) -> list[SegmentView]:
    """Remove what follows the end, last segment first, and seal the segment that the journal ends in.

    Returns the segments as they are then.
    """
    for segment in reversed(segments[place + 1 :]):
        files.remove(folder / segment.name)
        files.sync_directory(folder)
    last = segments[place]
    claimed = max(segment.durable for segment in segments[: place + 1])
    for segment in segments[: place + 1 if last.sealed else place]:
        if segment.stop > claimed:  # no entry says that it is on disk, and the next writer's first segment will
            _sync(folder, files, segment)
    if last.sealed and last.broken is None:
        return segments[: place + 1]
    if last.broken is not None and not last.sealed:
        torn = f"entry {last.stop} at byte {last.end * WORD} of {last.name} was torn; it was cut off"
        findings.append(torn)
    findings.append(f"the writer of epoch {last.epoch} did not close the journal; {last.stop} entries hold")
    if last.sealed:  # something is behind the seal
        _truncate(folder, files, last)
        return [*segments[:place], replace(last, broken=None)]
    marks = np.zeros(MARKS, np.int64)
    marks[OFFSET], marks[APPENDED], marks[DURABLE], marks[EPOCH] = 0, last.stop, claimed, last.epoch
    entry = np.zeros(ENTRY_WORDS, np.int64)
    seal(entry, marks, 0)
    descriptor = files.open(folder / last.name)
    try:
        files.truncate(descriptor, last.end * WORD)
        files.append(descriptor, entry.tobytes())  # it claims no more to be on disk than others have
        files.sync(descriptor)
    finally:
        files.close(descriptor)
    return [*segments[:place], replace(last, sealed=True, broken=None)]
