"""Files that appear whole or not at all, whoever is interrupted while writing them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["whole_file", "write_whole"]


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which gets its name, in place of what has it, once it is complete and on disk.

    Until then it lies beside that place under a hidden name; on an error or an interrupt nothing of it is left, and
    what was there before stays. What a killed process has left is written over; who writes the same file at the same
    time is waited for. A link is followed. What is no file (a terminal, a pipe) is written to as it is.

    :raises OSError: naming ``path``, when it cannot be written.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        with path.open("wb") as special:
            yield special
        return
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        file = os.fdopen(_locked(unfinished), "wb")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    with file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a whole file at once; text as UTF-8 with the newlines it has. Errors as of :func:`whole_file`."""
    with whole_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def _locked(path: Path) -> int:
    """The descriptor of an empty file that is this writer's until it is closed."""
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.lstat()):
                    os.ftruncate(descriptor, 0)
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # who held it has given it its name, or taken it away
