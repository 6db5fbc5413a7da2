"""A record that one process rewrites and any number read, always whole.

A sequence lock with copies: version v goes into copy v modulo :data:`COPIES`, then v is published. A reader copies the
last version and looks again whether its writer can have come round to that copy; if so it tries anew, a bounded number
of times. Nobody waits for anybody, and a writer that dies in the middle of a write takes nothing from its readers.
"""

from pathlib import Path
from typing import Any, Final, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from alo_lib.transport import kernels
from alo_lib.transport.atomics import Words, load_acquire
from alo_lib.transport.errors import SegmentError, SeqLockBusyError
from alo_lib.transport.layout import POSITION, WRITER, SegmentKind
from alo_lib.transport.ownership import Owner, Side, owner_of
from alo_lib.transport.segment import Segment
from alo_lib.transport.words import record_words, slot_stride, words_of

__all__ = ["COPIES", "Reading", "SeqLock", "SeqLockWriter"]

COPIES: Final = 16
"""A reader is overtaken only by fifteen whole writes during its one copy; with two copies a busy writer starves it."""

DEFAULT_RETRIES: Final = 64


class Reading(NamedTuple):
    """One whole version of a state."""

    epoch: int  # of the writer that wrote it; another than the owner's now: it is from before a restart
    version: int  # counts writes from 1; 0 when nothing was written yet, and `value` is all zero
    value: "np.void"


@final
class SeqLock:
    """A sequence-locked record of one layout, whose size is a multiple of eight bytes."""

    def __init__(self, segment: Segment) -> None:
        dtype = segment.dtype
        if dtype is None:
            raise SegmentError(f"segment {segment.path} does not say what its record is")
        self.segment = segment
        self.dtype = dtype
        self._read = segment.step(kernels.seqlock_read)
        self._out: Words = np.zeros(1 + record_words(dtype), np.int64)

    @classmethod
    def create(cls, path: Path, dtype: "np.dtype[Any]", *, compiled: bool | None = None) -> "SeqLock":
        """Make a state.

        :raises SegmentError: when the path is taken.
        """
        return cls(Segment.create(path, SegmentKind.SEQLOCK, **_layout(dtype), compiled=compiled))

    @classmethod
    def ensure(cls, path: Path, dtype: "np.dtype[Any]", *, compiled: bool | None = None) -> "SeqLock":
        """Open the state, made now if there is none.

        :raises SegmentError: when the one there is laid out otherwise.
        """
        return cls(Segment.ensure(path, SegmentKind.SEQLOCK, **_layout(dtype), compiled=compiled))

    @classmethod
    def open(cls, path: Path, *, compiled: bool | None = None) -> "SeqLock":
        """Open a state.

        :raises SegmentError: when there is none.
        """
        return cls(Segment.open(path, SegmentKind.SEQLOCK, compiled=compiled))

    @property
    def owner(self) -> Owner:
        """Who writes, dead or alive."""
        return owner_of(self.segment.words, WRITER)

    @property
    def version(self) -> int:
        """Writes so far."""
        return load_acquire(self.segment.words, WRITER + POSITION)

    def write_as(self, name: str, *, force: bool = False) -> "SeqLockWriter":
        """Own the writing side.

        :raises NotOwnerError: while somebody else does, unless ``force``.
        """
        return SeqLockWriter(self, name, force)

    def read(self, *, retries: int = DEFAULT_RETRIES) -> Reading:
        """The last version.

        :raises SeqLockBusyError: when it was overtaken in the first try and all retries.
        :raises SegmentError: when the segment does not fit itself.
        """
        if self.segment.closed:
            raise SegmentError(f"segment {self.segment.path} was closed by this process")
        version = self._read(self.segment.words, self._out, retries)
        if version == kernels.DAMAGED:
            raise self.segment.damaged()
        if version == kernels.BUSY:
            raise SeqLockBusyError(
                f"state {self.segment.path} was rewritten during each of {retries + 1} tries to read it; allow more"
            )
        if version == 0:
            return Reading(0, 0, np.zeros(1, self.dtype)[0])
        value: np.void = self._out[1:].copy().view(np.uint8).view(self.dtype)[0]
        return Reading(int(self._out[0]), version, value)

    def close(self) -> None:
        """Unmap the segment."""
        self.segment.close()

    def remove(self) -> None:
        """Take the segment's file away."""
        self.segment.remove()


def _layout(dtype: "np.dtype[Any]") -> dict[str, Any]:
    width = record_words(dtype)
    return {"capacity": COPIES, "stride": slot_stride(width), "record_words": width, "dtype": dtype}


@final
class SeqLockWriter(Side):
    """The writing side of a state, owned until it is closed."""

    def __init__(self, state: SeqLock, name: str, force: bool) -> None:
        super().__init__(state.segment, WRITER, name, force=force)
        self.state = state
        self._write = state.segment.step(kernels.seqlock_write)

    def write(self, value: "np.void | NDArray[Any]") -> int:
        """Publish a new version: a record, or an array of one. Returns its number.

        :raises NotOwnerError: for who is not the writer.
        """
        words = self._open_words()
        array = np.atleast_1d(np.asarray(value))
        if array.dtype != self.state.dtype or array.size != 1:
            raise SegmentError(f"a state of one {self.state.dtype} cannot hold {array.size} of {array.dtype}")
        return int(self._checked(self._write(words, self.epoch, words_of(array))))
