"""Records as kernels take them: contiguous, aligned int64 words."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.transport.atomics import Words
from alo_lib.transport.errors import SegmentError
from alo_lib.transport.layout import WORD

__all__ = ["check_capacity", "record_words", "slot_stride", "words_of"]

CACHE_LINE_WORDS: Final = 8


def record_words(dtype: "np.dtype[Any]") -> int:
    """Words of one record.

    :raises SegmentError: for a layout that does not consist of whole words.
    """
    if dtype.hasobject:
        raise SegmentError(f"a record layout with Python objects, {dtype}, cannot be shared")
    if dtype.itemsize == 0 or dtype.itemsize % WORD:
        raise SegmentError(f"a record of {dtype.itemsize} bytes cannot be shared; pad it to a multiple of {WORD} bytes")
    return dtype.itemsize // WORD


def slot_stride(width: int) -> int:
    """Words from slot to slot for a stamp and ``width`` words, such that no slot straddles a cache line needlessly."""
    need = 1 + width
    if need > CACHE_LINE_WORDS:
        return -(-need // CACHE_LINE_WORDS) * CACHE_LINE_WORDS
    return 1 << (need - 1).bit_length()


def check_capacity(capacity: int, least: int = 2) -> None:
    """Raise SegmentError for a capacity that is not a power of two of at least ``least``."""
    if capacity < least or capacity & (capacity - 1):
        raise SegmentError(f"capacity {capacity} must be a power of two, {least} or more")


def words_of(array: NDArray[Any]) -> Words:
    """The array's bytes as words: a view where they lie as kernels need them, else a copy."""
    words: Words = np.ascontiguousarray(array).reshape(-1).view(np.uint8).view(np.int64)
    # One kind of array, so that kernels are not compiled again for another.
    return words if words.flags.aligned and words.flags.writeable else words.copy()
