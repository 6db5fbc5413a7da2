"""The calls that a journal makes of the operating system, in one place so that tests can make each of them fail."""

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import stat
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.contents import Contents, FileContents
from alo_lib.journal.system_calls import address_of as _address

__all__ = ["Files"]

_PRIVATE_FILE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH

_FDATASYNC: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, use_errno=True)(_address("fdatasync"))


class Files:
    """Files as the operating system has them. Every method raises OSError when its call fails; nothing is retried.

    A failed ``fdatasync`` in particular may have dropped what it was to write, and the next one would not say so.
    """

    sync_address = _address("fdatasync")
    """Where the C function is that writes out a descriptor, for the thread that waits for the disk outside Python."""

    def make_folder(self, path: Path) -> None:
        """Make a folder, where it is not there, that nobody else can read, whatever the umask."""
        try:
            os.mkdir(path, _PRIVATE_FOLDER)
        except FileExistsError:
            if path.is_dir():
                return
            raise
        os.chmod(path, _PRIVATE_FOLDER)

    def check_folder(self, path: Path) -> None:
        """See that nobody else decides what a folder holds. PermissionError for another's that others can write to."""
        found = os.stat(path)
        if found.st_uid != os.geteuid() and found.st_mode & _BY_OTHERS:
            mode = stat.S_IMODE(found.st_mode)
            why = f"it belongs to user {found.st_uid}, and others than its owner can write to it (mode {mode:o})"
            raise PermissionError(errno.EPERM, why, str(path))

    def create(self, path: Path) -> int:
        """Create a file to read and write, which must not exist; returns its descriptor. It is its owner's alone."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _PRIVATE_FILE)
        os.fchmod(descriptor, _PRIVATE_FILE)  # whatever the umask
        return descriptor

    def create_shared(self, path: Path) -> int:
        """As :meth:`create`, and others may read it, as far as the umask lets them."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)

    def lock(self, path: Path) -> int:
        """Lock a file, which is made where it is not, for as long as the descriptor that is returned is open.

        BlockingIOError when somebody has it locked. A link, a pipe or anything else that is no file is refused.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        while True:
            descriptor = os.open(path, flags, _PRIVATE_FILE)
            try:
                _require_file(path, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(path, descriptor):
                    os.fchmod(descriptor, _PRIVATE_FILE)
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # who had it removed it just now

    def hold(self, path: Path) -> int:
        """Lock a file that exists, as :meth:`lock` does, and leave what it says; returns a descriptor for just that.

        It must not be mapped: a mapping keeps the lock for as long as any process has it.
        """
        descriptor = _opened(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def let_go(self, descriptor: int) -> None:
        """Unlock a file, in the processes too that were forked since and have not closed theirs, and close it."""
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        self.close(descriptor)

    def is_at(self, path: Path, descriptor: int) -> bool:
        """Whether a path still leads to the file that a descriptor is open on."""
        return _is_at(path, descriptor)

    def inode(self, descriptor: int) -> int:
        """The number by which the file system knows an open file; a copy has another one."""
        return os.fstat(descriptor).st_ino

    def write_lock(self, descriptor: int, told: bytes) -> None:
        """Let a locked file say who has it, in place of what it says."""
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, told, 0)

    def unlock(self, path: Path, descriptor: int) -> None:
        """Remove a file that is locked, and let go of it."""
        with contextlib.suppress(OSError):  # one that cannot be removed is taken over by the next
            if _is_at(path, descriptor):
                os.unlink(path)
        os.close(descriptor)

    def open(self, path: Path) -> int:
        """Open a file that exists to read and write."""
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)

    def allocate(self, descriptor: int, size: int) -> None:
        """Give a file ``size`` bytes, zeros where it had none, and blocks on the disk for all of them."""
        os.posix_fallocate(descriptor, 0, size)

    def write_zeros(self, descriptor: int, at: int, size: int) -> None:
        """Write zeros over a part of a file, so that its blocks are written ones. A short write is a failure."""
        written = os.pwrite(descriptor, bytes(size), at)
        if written != size:
            raise OSError(f"short write: {written} of {size} bytes")

    def map(self, descriptor: int, size: int) -> NDArray[np.int64]:
        """The file's first ``size`` bytes as shared, writable words; unmapped with the last array that refers to it."""
        return np.frombuffer(mmap.mmap(descriptor, size), np.int64)

    def append(self, descriptor: int, data: bytes) -> None:
        """Write at the file's end. A short write is a failure: a file's is the sign of a full disk."""
        os.lseek(descriptor, 0, os.SEEK_END)
        written = os.write(descriptor, data)
        if written != len(data):
            raise OSError(f"short write: {written} of {len(data)} bytes")

    def sync(self, descriptor: int) -> None:
        """Return when the file's content, and the metadata needed to read it, are on disk."""
        if _FDATASYNC(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def sync_directory(self, path: Path) -> None:
        """Return when the names in a directory are on disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file to ``size`` bytes."""
        os.ftruncate(descriptor, size)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, replacing what has it."""
        os.replace(old, new)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        os.unlink(path)

    def close(self, descriptor: int) -> None:
        """Close a descriptor; a failure here says nothing that a sync has not said."""
        with contextlib.suppress(OSError):
            os.close(descriptor)

    def names(self, path: Path) -> list[str]:
        """Names in a directory, sorted."""
        return sorted(os.listdir(path))

    def contents(self, path: Path) -> Contents:
        """A file, open to be read. A link, a pipe or anything else that is no file is refused."""
        return FileContents(_opened(path, os.O_RDONLY))

    def read(self, path: Path) -> bytes:
        """All of a small file as it is now."""
        contents = self.contents(path)
        return bytes(contents.read(0, contents.size))


def _opened(path: Path, flags: int) -> int:
    """A descriptor of a file that exists. A link, a pipe or anything else that is no file is refused."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        what = {errno.ELOOP: "a link", errno.EISDIR: "a folder"}.get(error.errno or 0)
        if what is None:
            raise
        raise OSError(errno.EINVAL, f"it is {what}, not a file", str(path)) from None
    try:
        _require_file(path, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _require_file(path: Path, descriptor: int) -> None:
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"it is {_kind(mode)}, not a file", str(path))


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether a path names the file that a descriptor is open on."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except (FileNotFoundError, NotADirectoryError):
        return False


def _kind(mode: int) -> str:
    """What a path names that is no file."""
    for holds, name in ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket")):
        if holds(mode):
            return name
    return "a device"
