"""Files that appear whole or not at all, whoever is interrupted while writing them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["whole_file", "write_whole"]


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which gets its name, in place of what has it, once it is complete and on disk.

    Until then it lies beside that place under a hidden name; on an error or an interrupt nothing of it is left, and
    what was there before stays. A link is followed. What is no file (a terminal, a pipe) is written to as it is.

    :raises OSError: naming ``path``, when it cannot be written.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        with path.open("wb") as special:
            yield special
        return
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        file = unfinished.open("wb")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with file:
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
