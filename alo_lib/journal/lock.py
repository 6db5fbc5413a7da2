"""One writer a journal: a lock that a process holds for as long as it may write.

The lock is the kernel's, on a file of its own that says who has it, and on the segment that is written: whoever takes
that file away, puts another one in its place or links the segments into another folder lets nobody in.
"""

import contextlib
import os
import time
import weakref
from pathlib import Path
from typing import Final, Self

from alo_lib.journal.files import Files
from alo_lib.journal.format import SEGMENT_SUFFIX, JournalError, segment_name
from alo_lib.journal.holders import Holder, holders_of

__all__ = ["JournalHeldError", "WriterLock", "lock_folder", "require_no_writer"]

_LOCK_NAME: Final = "lock"
"""In a journal's folder while somebody writes."""

_ONE_WRITER: Final = "a journal has one writer at a time, so end that one first, or name another journal"

_LOOKS: Final = 5
"""At a lock's file, whose holder may just be about to say who it is."""
_PAUSE: Final = 0.01
"""Seconds between two looks."""


class JournalHeldError(JournalError):
    """Another process has the right to write the journal."""


class WriterLock:
    """The right to write a journal, which the kernel gives to one process at a time and takes back when that ends.

    It is let go of by :meth:`release`, or with the last reference to it.
    """

    def __init__(self, files: Files, path: Path, descriptor: int) -> None:
        self._files = files
        self._descriptors = [descriptor]
        self._release = weakref.finalize(self, _let_go, files, path, self._descriptors)
        _held.add(self)

    @classmethod
    def take(cls, path: Path, journal: str, files: Files) -> Self:
        """Take the lock that the file at ``path`` stands for, which is made where it is not.

        :raises JournalHeldError: when another has it, naming ``journal`` and who that is.
        :raises JournalError: when it cannot be taken at all.
        """
        try:
            descriptor = files.lock(path)
        except BlockingIOError:
            raise JournalHeldError(_refusal(journal, path, files)) from None
        except OSError as error:
            raise JournalError(f"{journal} cannot be locked: {path}: {error.strerror or error}") from error
        lock = cls(files, path, descriptor)
        try:
            files.write_lock(descriptor, _told().encode())
        except OSError as error:
            lock.release()
            raise JournalError(f"{journal} cannot be locked: {path}: {error.strerror or error}") from error
        return lock

    def take_last_segment(self, folder: Path) -> None:
        """Take the last segment of the journal in a folder too, which a writer that lives has.

        :raises BlockingIOError: when another has it; the error names the file.
        :raises OSError: when it is no file or cannot be opened.
        """
        last = _last_segment(self._files.names(folder))
        while last is not None:
            try:
                descriptor = self._files.hold(folder / last)
            except BlockingIOError as error:
                error.filename = str(folder / last)
                raise
            newest = _last_segment(self._files.names(folder))
            if newest == last:
                self._descriptors.append(descriptor)
                return
            self._files.let_go(descriptor)  # its writer has begun the next one meanwhile
            last = newest

    @property
    def held(self) -> bool:
        """Whether it has not been let go of."""
        return self._release.alive

    def release(self) -> None:
        """Let go of it. Twice is once."""
        self._release()

    def _forget(self) -> None:
        """In a process that was forked: the lock is its parent's, and must not outlive that in here."""
        if self._release.detach() is not None:
            for descriptor in self._descriptors:
                self._files.close(descriptor)


def _let_go(files: Files, path: Path, descriptors: list[int]) -> None:
    first, *others = descriptors
    for descriptor in others:
        files.let_go(descriptor)
    files.unlock(path, first)


_held: Final[weakref.WeakSet[WriterLock]] = weakref.WeakSet()


def lock_folder(folder: Path, files: Files) -> WriterLock:
    """The right to write the journal in a folder.

    :raises JournalHeldError: naming the process that writes it.
    :raises JournalError: for a folder of somebody else that others can write to.
    """
    try:
        files.check_folder(folder)
    except OSError as error:
        raise JournalError(f"journal {folder} cannot be written: {error.strerror or error}") from error
    journal = f"journal {folder}"
    lock = WriterLock.take(folder / _LOCK_NAME, journal, files)
    try:
        lock.take_last_segment(folder)
    except BlockingIOError as error:
        lock.release()
        raise JournalHeldError(_refusal(journal, Path(error.filename), files, told=False)) from None
    except OSError as error:
        lock.release()
        name = Path(error.filename).name if error.filename else _LOCK_NAME
        raise JournalError(f"{journal} cannot be locked: {name}: {error.strerror or error}") from error
    except BaseException:
        lock.release()
        raise
    return lock


def require_no_writer(folder: Path) -> None:
    """See that a journal's folder is nobody's to write now, for who is about to begin. Errors as of lock_folder."""
    if folder.is_dir():
        lock_folder(folder, Files()).release()


def _last_segment(names: list[str]) -> str | None:
    """The name of the segment with the highest number; None where there is none."""
    numbers = [name.removesuffix(SEGMENT_SUFFIX) for name in names if name.endswith(SEGMENT_SUFFIX)]
    segments = [int(number) for number in numbers if number.isascii() and number.isdigit()]
    proper = [number for number in segments if segment_name(number) in names]
    return segment_name(max(proper)) if proper else None


# Who has it ----------------------------------------------------------------------------------------------------------


def _told() -> str:
    """Who holds a lock, for people and for :func:`_read_told`."""
    own = Holder.this()
    return f"process {own.pid}\nbegan {own.began}\ncommand {own.command}\n"


def _refusal(journal: str, path: Path, files: Files, *, told: bool = True) -> str:
    """Why a file at ``path``, which may say who has it (``told``), cannot be locked, in a sentence."""
    taken = _read_told(path, files) if told else None
    having = holders_of(path)
    if taken is not None and (not having or any(taken.pid in each.numbers for each in having)):
        return f"{journal} is being written by {taken.in_words}; {_ONE_WRITER}"
    if not having:
        return f"{journal} is being written by another process, which {path} does not name; {_ONE_WRITER}"
    holder = having[0].in_words
    if taken is not None:
        return (
            f"{journal} is locked by {holder}: it was left behind by {taken.in_words}, which wrote the journal and has "
            "ended; end the one that is left too, or name another journal"
        )
    if told:
        return f"{journal} is being written by {holder}; {_ONE_WRITER}"
    lost = f"its file {_LOCK_NAME} was removed or replaced, or the journal is linked into another folder"
    return f"{journal} is being written by {holder}, though {lost}; {_ONE_WRITER}"


def _read_told(path: Path, files: Files) -> Holder | None:
    """Who holds a lock, as its file tells; None where it tells nothing."""
    for _ in range(_LOOKS):
        told = ""
        with contextlib.suppress(OSError):
            told = files.read(path)[:4096].decode(errors="replace")
        lines = ["".join(filter(str.isprintable, line)) for line in told.splitlines()]
        if len(lines) == 3:
            (_, pid), (_, began), (_, command) = (line.partition(" ")[::2] for line in lines)
            if pid.isascii() and pid.isdigit() and len(pid) < 20:
                return Holder(int(pid), began, command)
        time.sleep(_PAUSE)
    return None


def _forget_all() -> None:
    for lock in list(_held):
        lock._forget()


os.register_at_fork(after_in_child=_forget_all)
