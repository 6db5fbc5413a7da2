"""Bytes that are read when they are asked for: nothing is mapped that somebody else may cut."""

import os
import weakref
from typing import Protocol

import numpy as np

__all__ = ["Contents", "FileContents", "HeldContents"]


class Contents(Protocol):
    """What a segment is made of."""

    @property
    def size(self) -> int:
        """Bytes there were when it was opened."""

    @property
    def inode(self) -> int:
        """The number by which the file system knows it; 0 in memory."""

    def read(self, at: int, size: int) -> memoryview:
        """``size`` bytes from ``at`` on; fewer where there are no more now. OSError when they cannot be read."""


class HeldContents:
    """Bytes in memory."""

    inode = 0

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.size = len(data)

    def read(self, at: int, size: int) -> memoryview:
        """See :class:`Contents`."""
        return self._data[at : at + size]


class FileContents:
    """A file's, whatever becomes of its name meanwhile; closed with the last reference to it."""

    def __init__(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        self._descriptor = descriptor
        self.size = found.st_size
        self.inode = found.st_ino
        weakref.finalize(self, os.close, descriptor)

    def read(self, at: int, size: int) -> memoryview:
        """See :class:`Contents`."""
        data, done = np.empty(size, np.uint8).data, 0
        while done < size:
            count = os.preadv(self._descriptor, [data[done:]], at + done)
            if not count:
                break
            done += count
        return data[:done]
