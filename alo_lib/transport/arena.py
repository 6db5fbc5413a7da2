"""Memory for one frame: handed out from the front, taken back all at once at the frame's end.

A frame that takes its scratch arrays here asks the system for no memory, and leaves none to collect.
"""

import mmap
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from alo_lib.transport import kernels
from alo_lib.transport.atomics import Words
from alo_lib.transport.errors import ArenaFullError, SegmentError
from alo_lib.transport.layout import (
    CACHED,
    DATA,
    HEADER_BYTES,
    POSITION,
    WORD,
    WRITER,
    SegmentKind,
)
from alo_lib.transport.ownership import Role
from alo_lib.transport.segment import Segment

__all__ = ["Arena"]


@final
class Arena:
    """``capacity`` bytes for the arrays of one frame, in pages that were touched when it was made.

    Arrays are zero when handed out, so that what a frame computes depends on no earlier frame. An array kept beyond
    :meth:`reset` is a mistake that reads another frame's data; with ``poison`` what a frame had is overwritten with NaN
    at its end, which costs that much writing and brings such a mistake to light.

    With a ``path`` the arena is a segment, for ``alo transport`` to look into, owned under ``name``.
    """

    def __init__(
        self, capacity: int = 1 << 22, *, poison: bool = False, path: Path | None = None, name: str = "arena"
    ) -> None:
        if capacity < kernels.ARENA_ALIGNMENT or capacity % kernels.ARENA_ALIGNMENT:
            raise SegmentError(f"capacity {capacity} must be a multiple of {kernels.ARENA_ALIGNMENT} bytes, not zero")
        self._poison = poison
        self._role: Role | None = None
        self._segment: Segment | None = None
        if path is None:
            words: Words = np.frombuffer(mmap.mmap(-1, HEADER_BYTES + capacity), np.int64)
        else:
            self._segment = Segment.ensure(path, SegmentKind.ARENA, capacity=capacity // WORD, stride=1, record_words=1)
            try:
                self._role = Role(self._segment, WRITER, name)
            except BaseException:
                self._segment.close()
                raise
            words = self._segment.words
        words[DATA:] = 0
        words[WRITER + POSITION] = 0
        self.words: Words = words

    @property
    def capacity(self) -> int:
        """Bytes in all."""
        return (len(self.words) - DATA) * WORD

    @property
    def used(self) -> int:
        """Bytes handed out in this frame."""
        return int(self.words[WRITER + POSITION]) * WORD

    @property
    def frames(self) -> int:
        """Frames that ended."""
        return int(self.words[WRITER + CACHED])

    def take(self, shape: int | tuple[int, ...], dtype: Any = np.float64) -> NDArray[Any]:
        """An array of zeros, aligned to 64 bytes, until :meth:`reset`.

        :raises ArenaFullError: when it does not fit.
        """
        wanted = np.dtype(dtype)
        if wanted.hasobject:
            raise SegmentError(f"an arena holds no Python objects; {wanted} does")
        shape = (shape,) if isinstance(shape, int) else shape
        size = int(np.prod(shape, dtype=np.int64)) * wanted.itemsize
        first = kernels.arena_take(self.words, -(-size // WORD))
        if first == kernels.DAMAGED:
            raise SegmentError(f"an arena's header says that {self.used:,} of {self.capacity:,} bytes are handed out")
        if first == kernels.FULL:
            raise ArenaFullError(
                f"an array of {size:,} bytes does not fit into what is left of this frame's arena: "
                f"{self.capacity - self.used:,} of {self.capacity:,} bytes"
            )
        place = self.words[first : first + -(-size // WORD)]
        place[:] = 0
        return place.view(np.uint8)[:size].view(wanted).reshape(shape)

    def reset(self) -> None:
        """End the frame: all that was handed out is taken back."""
        kernels.arena_reset(self.words, self._poison)

    def close(self) -> None:
        """Give the segment up, where there is one. The arena is not used after this."""
        if self._role is not None:
            self._role.release()
        if self._segment is not None:
            self.words = np.zeros(DATA, np.int64)
            self._segment.close()
