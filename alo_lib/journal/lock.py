"""One writer a journal: a lock that a process holds for as long as it may write."""

import contextlib
import os
import time
import weakref
from pathlib import Path
from typing import Final, Self

from alo_lib.journal.files import Files
from alo_lib.journal.format import JournalError
from alo_lib.records.processes import command_line, this_process

__all__ = ["WriterLock", "lock_folder", "require_no_writer"]

_LOCK_NAME: Final = "lock"
"""In a journal's folder while somebody writes. Who removes the file meanwhile lets a second writer in."""

_LOOKS: Final = 5
"""At a lock's file, whose holder may just be about to say who it is."""
_PAUSE: Final = 0.01
"""Seconds between two looks."""


class WriterLock:
    """The right to write a journal, which the kernel gives to one process at a time and takes back when that ends.

    It is let go of by :meth:`release`, or with the last reference to it.
    """

    def __init__(self, files: Files, path: Path, descriptor: int) -> None:
        self._descriptor = descriptor
        self._release = weakref.finalize(self, files.unlock, path, descriptor)
        _held.add(self)

    @classmethod
    def take(cls, path: Path, journal: str, files: Files) -> Self:
        """Take the lock that the file at ``path`` stands for, which is made where it is not.

        :raises JournalError: when another has it, naming ``journal`` and who that is; when it cannot be taken at all.
        """
        try:
            descriptor = files.lock(path)
        except BlockingIOError:
            raise JournalError(
                f"{journal} is being written by {_holder(path, files)}; a journal has one writer at a time, "
                "so end that one first, or name another journal"
            ) from None
        except OSError as error:
            raise JournalError(f"{journal} cannot be locked: {path}: {error.strerror or error}") from error
        lock = cls(files, path, descriptor)
        try:
            files.write_lock(descriptor, _told().encode())
        except OSError as error:
            lock.release()
            raise JournalError(f"{journal} cannot be locked: {path}: {error.strerror or error}") from error
        return lock

    @property
    def held(self) -> bool:
        """Whether it has not been let go of."""
        return self._release.alive

    def release(self) -> None:
        """Let go of it. Twice is once."""
        self._release()

    def _forget(self) -> None:
        """In a process that was forked: the lock is its parent's, and must not outlive that in here."""
        if self._release.detach() is not None and self._descriptor >= 0:
            os.close(self._descriptor)


_held: Final[weakref.WeakSet[WriterLock]] = weakref.WeakSet()


def lock_folder(folder: Path, files: Files) -> WriterLock:
    """The right to write the journal in a folder.

    :raises JournalError: naming the process that writes it; for a folder of somebody else that others can write to.
    """
    try:
        files.check_folder(folder)
    except OSError as error:
        raise JournalError(f"journal {folder} cannot be written: {error.strerror or error}") from error
    return WriterLock.take(folder / _LOCK_NAME, f"journal {folder}", files)


def require_no_writer(folder: Path) -> None:
    """See that a journal's folder is nobody's to write now, for who is about to begin. Errors as of lock_folder."""
    if folder.is_dir():
        lock_folder(folder, Files()).release()


def _told() -> str:
    """Who holds a lock, for people and for :func:`_holder`."""
    process = this_process()
    began = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(process.began))} UTC"
    return f"process {process.pid}\nbegan {began}\ncommand {command_line()}\n"


def _holder(path: Path, files: Files) -> str:
    """Who holds a lock, in words, as far as its file tells."""
    for _ in range(_LOOKS):
        told = ""
        with contextlib.suppress(OSError):
            told = files.read(path)[:4096].decode(errors="replace")
        lines = ["".join(filter(str.isprintable, line)) for line in told.splitlines()]
        if len(lines) == 3:
            (_, pid), (_, began), (_, command) = (line.partition(" ")[::2] for line in lines)
            return f"process {pid} ({command}), which began at {began}"
        time.sleep(_PAUSE)
    return f"another process, which {path} does not name"


def _forget_all() -> None:
    for lock in list(_held):
        lock._forget()


os.register_at_fork(after_in_child=_forget_all)
