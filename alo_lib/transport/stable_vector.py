"""A vector that grows and never moves: rows appended by one process, read in place by any number.

Its addresses are reserved for all the rows that it may ever have, its memory as they come. So a view of its rows stays
right while it grows, and a kernel sees one contiguous array.
"""

from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from alo_lib.transport import kernels
from alo_lib.transport.atomics import load_acquire
from alo_lib.transport.errors import SegmentError
from alo_lib.transport.layout import CLAIMED, DATA, HEADER_BYTES, POSITION, WORD, WRITER, SegmentKind
from alo_lib.transport.ownership import Owner, Side, owner_of
from alo_lib.transport.segment import Segment
from alo_lib.transport.words import record_words, words_of

__all__ = ["StableVector", "StableVectorWriter"]

CHUNK_BYTES: Final = 1 << 20
"""Memory is set aside in such steps."""


@final
class StableVector:
    """A growing vector of records of one layout, whose size is a multiple of eight bytes."""

    def __init__(self, segment: Segment) -> None:
        dtype = segment.dtype
        if dtype is None:
            raise SegmentError(f"segment {segment.path} does not say what its rows are")
        self.segment = segment
        self.dtype = dtype
        self._width = record_words(dtype)

    @classmethod
    def create(
        cls, path: Path, dtype: "np.dtype[Any]", *, capacity: int = 1 << 24, compiled: bool | None = None
    ) -> "StableVector":
        """Make a vector of ``capacity`` rows at most.

        :raises SegmentError: when the path is taken.
        """
        return cls(
            Segment.create(path, SegmentKind.STABLE_VECTOR, **_layout(dtype, capacity), reserved=0, compiled=compiled)
        )

    @classmethod
    def ensure(
        cls, path: Path, dtype: "np.dtype[Any]", *, capacity: int = 1 << 24, compiled: bool | None = None
    ) -> "StableVector":
        """Open the vector, made now if there is none.

        :raises SegmentError: when the one there is laid out otherwise.
        """
        return cls(
            Segment.ensure(path, SegmentKind.STABLE_VECTOR, **_layout(dtype, capacity), reserved=0, compiled=compiled)
        )

    @classmethod
    def open(cls, path: Path, *, compiled: bool | None = None) -> "StableVector":
        """Open a vector.

        :raises SegmentError: when there is none.
        """
        return cls(Segment.open(path, SegmentKind.STABLE_VECTOR, compiled=compiled))

    def __len__(self) -> int:
        length = load_acquire(self.segment.words, WRITER + POSITION)
        if not 0 <= length <= self.capacity:
            raise self.segment.damaged()
        return length

    @property
    def capacity(self) -> int:
        """Rows that it may ever have."""
        return self.segment.capacity

    @property
    def rows(self) -> NDArray[Any]:
        """All rows as they are now, in place and read-only; the view stays right while the vector grows."""
        words = self.segment.words[DATA : DATA + len(self) * self._width]
        view = words.view(np.uint8).view(self.dtype)
        view.flags.writeable = False
        return view

    @property
    def owner(self) -> Owner:
        """Who appends."""
        return owner_of(self.segment.words, WRITER)

    def append_as(self, name: str, *, force: bool = False) -> "StableVectorWriter":
        """Own the writing side.

        :raises NotOwnerError: while somebody else does, unless ``force``.
        """
        return StableVectorWriter(self, name, force)

    def close(self) -> None:
        """Unmap the segment, once no view of its rows is left."""
        self.segment.close()

    def remove(self) -> None:
        """Take the segment's file away."""
        self.segment.remove()


def _layout(dtype: "np.dtype[Any]", capacity: int) -> dict[str, Any]:
    if capacity < 1:
        raise SegmentError(f"capacity {capacity} must be 1 row or more")
    width = record_words(dtype)
    return {"capacity": capacity, "stride": width, "record_words": width, "dtype": dtype}


@final
class StableVectorWriter(Side):
    """The writing side of a vector, owned until it is closed."""

    def __init__(self, vector: StableVector, name: str, force: bool) -> None:
        super().__init__(vector.segment, WRITER, name, force=force)
        self.vector = vector
        self._append = vector.segment.step(kernels.vector_append)

    def append(self, rows: NDArray[Any]) -> int:
        """Append rows, all or none. Returns the index of the first.

        :raises SegmentError: when the vector may have no more rows or the machine has no more memory.
        :raises NotOwnerError: for who is not the writer.
        """
        words = self._open_words()
        if rows.dtype != self.vector.dtype:
            raise SegmentError(f"rows of {rows.dtype} do not belong into a vector of {self.vector.dtype}")
        source = words_of(rows)
        length = self._checked(self._append(words, self.epoch, source, rows.size))
        if length == kernels.FULL:
            self.reserve(rows.size)
            length = self._append(words, self.epoch, source, rows.size)
        return int(self._checked(length)) - rows.size

    def reserve(self, count: int) -> None:
        """Set memory aside for ``count`` more rows, so that a compiled caller can append them."""
        vector = self.vector
        need = len(vector) + count
        if need > vector.capacity:
            raise SegmentError(f"vector {vector.segment.path} may have {vector.capacity:,} rows, not {need:,}")
        claimed, row = int(self.words[WRITER + CLAIMED]), WORD * record_words(vector.dtype)
        if need > claimed:
            rows = min(vector.capacity, max(need, claimed + -(-CHUNK_BYTES // row)))
            vector.segment.reserve(HEADER_BYTES + claimed * row, (rows - claimed) * row)
            self.words[WRITER + CLAIMED] = rows
