"""Folders and files that are this user's alone, whatever somebody else put in their place.

Shared memory lies where every user may write. So nothing there is taken for ours because of its name: what is opened
must belong to this user, be writable by nobody else, be no link and have no second name; what is made is made new. The
check is of what was opened, not of the path, which may lead elsewhere a moment later.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alo_lib.transport.errors import SegmentError

__all__ = ["begins_as", "check_folder", "default_folder", "make_file", "make_folder", "open_file", "opened_folder"]

_SHARED_MEMORY: Final = Path("/dev/shm")
_FOLDER: Final = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def default_folder() -> Path:
    """Where segments lie unless somebody says otherwise: in memory where the system has a folder for that."""
    root = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else Path(tempfile.gettempdir())
    return root / f"alo-{os.getuid() if hasattr(os, 'getuid') else 0}"


# Folders ---------------------------------------------------------------------------------------------------------


def make_folder(folder: Path) -> None:
    """Make the folder and those above it that are missing, 0700 whatever the umask, and check it.

    :raises SegmentError: when it cannot be made, and as :func:`check_folder`.
    """
    own = default_folder()
    guarded = folder == own or own in folder.parents
    missing = []
    for each in (folder, *folder.parents):
        if os.path.lexists(each):
            break
        missing.append(each)
    if guarded and missing:  # nothing is made below what is refused
        _check_guarded(missing[-1].parent, own)
    for each in reversed(missing):
        try:
            each.mkdir(mode=0o700)
            each.chmod(0o700)  # a umask may have taken more than others' rights
        except FileExistsError:
            continue  # another process was faster; it is looked at below like any other
        except OSError as error:
            raise SegmentError(f"folder {folder} cannot be made: {error.strerror}") from None
    check_folder(folder)


def check_folder(folder: Path) -> None:
    """Refuse a folder in which somebody else may put, take away or exchange files.

    The default folder and what is below it belong to this user, writable by nobody else, below a folder that others may
    write to only where it is sticky. A folder that the user chose may also be root's, and sticky.

    :raises SegmentError: naming the path, its owner and its mode.
    """
    own = default_folder()
    if folder == own or own in folder.parents:
        _check_guarded(folder, own)
    else:
        _check_chosen(folder, _looked_at(folder))


def _check_guarded(folder: Path, own: Path) -> None:
    """Check what leads to a folder of ours, from the one above the default folder on."""
    _check_chosen(own.parent, _looked_at(own.parent))
    for each in reversed((folder, *folder.parents)):
        if each == own or own in each.parents:
            _check_own(each, _looked_at(each))


@contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """The folder's descriptor, for what is done in it.

    :raises SegmentError: as :func:`check_folder`.
    """
    check_folder(folder)
    try:
        descriptor = os.open(folder, os.O_RDONLY | _FOLDER)
    except OSError as error:
        raise SegmentError(f"folder {folder} cannot be opened: {error.strerror}") from None
    try:
        _check_chosen(folder, os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def _looked_at(folder: Path) -> os.stat_result:
    try:
        return os.stat(folder, follow_symlinks=False)
    except OSError as error:
        raise SegmentError(f"folder {folder} cannot be opened: {error.strerror}") from None


def _check_own(folder: Path, found: os.stat_result) -> None:
    me = os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != me or found.st_mode & _OTHERS_WRITE:
        raise SegmentError(
            f"folder {folder} is refused: {_described(found)}; it must be a folder of user {me} that nobody else may "
            "write to"
        )


def _check_chosen(folder: Path, found: os.stat_result) -> None:
    me = os.geteuid()
    guarded = not found.st_mode & _OTHERS_WRITE or found.st_mode & stat.S_ISVTX
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (me, 0) or not guarded:
        raise SegmentError(
            f"folder {folder} is refused: {_described(found)}; it must be a folder of user {me} or root, and sticky "
            "where others may write to it"
        )


# Files -----------------------------------------------------------------------------------------------------------


def make_file(name: str, folder: int) -> int:
    """Make a file that was not there, 0600 whatever the umask; its descriptor.

    :raises OSError: when it is there, or cannot be made.
    """
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FILE, 0o600, dir_fd=folder)
    os.fchmod(descriptor, 0o600)
    return descriptor


def open_file(path: Path, folder: int, *, writable: bool) -> int:
    """Open a file of that folder; its descriptor. Nothing is waited for and no link followed.

    :raises OSError: when it is not there or cannot be opened.
    :raises SegmentError: naming the path, its owner and its mode, when it is not this user's alone.
    """
    _check_file(path, os.stat(path.name, dir_fd=folder, follow_symlinks=False), folder)
    descriptor = os.open(path.name, (os.O_RDWR if writable else os.O_RDONLY) | _FILE, dir_fd=folder)
    try:
        _check_file(path, os.fstat(descriptor), folder)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def begins_as(path: Path, magic: bytes) -> bool:
    """Whether it is a file, and no link to one, whose first bytes these are; False where there is nothing.

    :raises SegmentError: when it cannot be read.
    """
    try:
        if not stat.S_ISREG(os.stat(path, follow_symlinks=False).st_mode):
            return False
        with os.fdopen(os.open(path, os.O_RDONLY | _FILE), "rb") as file:
            return file.read(len(magic)) == magic
    except FileNotFoundError:
        return False
    except OSError as error:
        raise SegmentError(f"{path} cannot be opened: {error.strerror}") from None


def _check_file(path: Path, found: os.stat_result, folder: int) -> None:
    me = os.geteuid()
    if not stat.S_ISREG(found.st_mode) or found.st_uid != me or found.st_mode & _OTHERS_WRITE:
        raise SegmentError(
            f"{path} is refused: {_described(found)}; it must be a file of user {me} that nobody else may write to"
        )
    names = found.st_nlink
    if names > 1:
        names -= _unfinished(path.name, found.st_ino, folder)
    if names > 1:
        raise SegmentError(
            f"{path} is refused: {_described(found)} and has {names} names; it must have this one alone, not be linked "
            "to another"
        )


def _unfinished(name: str, number: int, folder: int) -> int:
    """How many of a file's names are those under which it was made, in this moment or by a process that was killed."""
    begin, end = f".{name}.", ".new"
    with os.scandir(folder) as entries:
        return sum(
            entry.inode() == number for entry in entries if entry.name.startswith(begin) and entry.name.endswith(end)
        )


def _described(found: os.stat_result) -> str:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFIFO: "a pipe", stat.S_IFDIR: "a folder", stat.S_IFSOCK: "a socket"}
    kinds |= {stat.S_IFREG: "a file", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    kind = kinds.get(stat.S_IFMT(found.st_mode), "something else")
    return f"it is {kind}, belongs to user {found.st_uid} and has mode {stat.S_IMODE(found.st_mode):04o}"
