"""What a segment's header must say before anything of it is believed: it may have been altered, cut, or be a lie.

Kernels trust capacity, stride and width only as far as they look at them again in each step; what is checked here is
all that can be said at once, when a segment is opened.
"""

import ast
import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from alo_lib.transport.atomics import Words, load_acquire
from alo_lib.transport.errors import SegmentError
from alo_lib.transport.layout import (
    CACHED,
    CLAIMED,
    EPOCH,
    HEADER_BYTES,
    LAYOUT_VERSION,
    MAGIC,
    MESSAGE_WORDS,
    PID,
    POSITION,
    READER,
    SCHEMA_BYTES,
    WORD,
    WRITER,
    SegmentKind,
)
from alo_lib.transport.words import check_capacity, record_words, slot_stride

__all__ = ["check_end", "check_header", "check_positions", "described", "records_of"]

_FORMAT: Final[Any] = np.lib.format
_LAST: Final = 1 << 62
"""No position, version or epoch comes this far; sums of two stay below what a word holds."""
_LARGEST: Final = 1 << 35
"""Bytes of a segment; below it no product of two of a header's sizes looks like another."""
_LAST_PID: Final = 1 << 32
_FIELD: Final = re.compile(r"[<>|=]?([?bBhHiIlLqQefdgFDG]|[biufcSUV][0-9]{1,8}|[mM]8\[[0-9]{0,6}[a-zA-Z]{1,2}\])")
_DEEPEST: Final = 8


def described(dtype: "np.dtype[Any]") -> bytes:
    """A record layout as a header has it, as NumPy's own file format writes it.

    :raises SegmentError: when it is too long.
    """
    text = repr(_FORMAT.dtype_to_descr(dtype)).encode()
    if len(text) > SCHEMA_BYTES:
        raise SegmentError(f"a record layout described in {len(text)} bytes is too long; {SCHEMA_BYTES} are allowed")
    return text


def check_header(path: Path, header: "np.void", size: int) -> SegmentKind:
    """What the segment of ``size`` bytes holds, when its header fits it.

    :raises SegmentError: naming what does not fit.
    """
    if header["magic"] != MAGIC:
        raise SegmentError(f"{path} is not a segment: it does not begin with {MAGIC!r}")
    if header["version"] != LAYOUT_VERSION:
        raise SegmentError(
            f"segment {path} has layout version {header['version']}; this program reads {LAYOUT_VERSION}"
        )
    if header["bytes"] != size:
        raise SegmentError(f"segment {path} has {size:,} bytes; its header says {int(header['bytes']):,}")
    if size > _LARGEST:
        raise SegmentError(f"segment {path} has {size:,} bytes; at most {_LARGEST:,} are allowed")
    kinds = {int(kind): kind for kind in SegmentKind}
    kind = kinds.get(int(header["kind"]))
    if kind is None:
        raise SegmentError(
            f"segment {path} holds kind {header['kind']}; it must be one of {', '.join(map(str, kinds))}"
        )
    capacity, stride, width = (int(header[field]) for field in ("capacity", "stride", "record_words"))
    if min(capacity, stride, width) < 1 or HEADER_BYTES + capacity * stride * WORD != size:
        raise SegmentError(
            f"segment {path} of {size:,} bytes cannot have {capacity} times {stride} words after a header of "
            f"{HEADER_BYTES:,} bytes, as its header says"
        )
    if kind is SegmentKind.HISTOGRAMS:
        fits = stride == width
    else:
        fits = stride == slot_stride(width) and (kind is not SegmentKind.MESSAGES or width == MESSAGE_WORDS)
        try:
            check_capacity(capacity)
        except SegmentError as error:
            raise SegmentError(f"segment {path} of {kind.label} is damaged: {error}") from None
    if not fits:
        raise SegmentError(
            f"segment {path} of {kind.label} cannot have records of {width} words in slots of {stride}, as its header "
            "says"
        )
    return kind


def records_of(path: Path, header: "np.void") -> "np.dtype[Any]":
    """The layout of the records, which only says where fields lie.

    :raises SegmentError: for a description that this program would not have written.
    """
    length = int(header["schema_length"])
    text = bytes(header["schema"])[:length]
    if not 0 <= length <= SCHEMA_BYTES or len(text) != length or not length:
        raise SegmentError(f"segment {path} says that {length} bytes describe its records, which cannot be")
    try:
        descr = ast.literal_eval(text.decode())
        if not _is_layout(descr, 0):
            raise ValueError
        found: np.dtype[Any] = _FORMAT.descr_to_dtype(descr)
        width = record_words(found)
        if described(found) != text:
            raise ValueError
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, OverflowError, KeyError):
        # SegmentError is a ValueError too: a layout that cannot be shared.
        raise SegmentError(f"segment {path} does not say what its records are: {text[:60]!r}") from None
    if width != header["record_words"]:
        raise SegmentError(
            f"segment {path} says that its records have {header['record_words']} words; its layout has {width}"
        )
    return found


def _is_layout(descr: object, depth: int) -> bool:
    """Whether that describes numbers and bytes in places, as NumPy's files do, and not objects or what is endless."""
    if isinstance(descr, str):
        return _FIELD.fullmatch(descr) is not None
    if not isinstance(descr, list) or depth > _DEEPEST:
        return False
    for field in descr:
        if not isinstance(field, tuple) or not 2 <= len(field) <= 3 or not isinstance(field[0], str):
            return False
        shape = field[2] if len(field) == 3 else ()
        if not isinstance(shape, tuple) or not all(type(n) is int and 0 < n < _LAST_PID for n in shape):
            return False
        if not _is_layout(field[1], depth + 1):
            return False
    return True


def check_end(path: Path, words: Words) -> None:
    """Refuse a segment that has counted as far as anything counts.

    :raises SegmentError: saying so.
    """
    written = load_acquire(words, WRITER + POSITION)
    if written >= _LAST - 1:
        raise SegmentError(
            f"segment {path} has counted to {written}, beyond which nothing counts; remove it, with both sides "
            "stopped, to make another"
        )


def check_positions(path: Path, kind: SegmentKind, capacity: int, words: Words) -> None:
    """Refuse positions that no writer and reader can have come to, however they go on meanwhile.

    :raises SegmentError: naming them.
    """
    for side in (WRITER, READER):
        epoch, pid = int(words[side + EPOCH]), int(words[side + PID])
        if not 0 <= epoch < _LAST or not 0 <= pid < _LAST_PID:
            raise SegmentError(f"segment {path} is damaged: a side of it has epoch {epoch} and process {pid}")
    # Each is read before what it cannot be above, and what may only grow before what it is held against.
    cached = load_acquire(words, WRITER + CACHED)
    read = load_acquire(words, READER + POSITION)
    written = load_acquire(words, WRITER + POSITION)
    claimed = load_acquire(words, WRITER + CLAIMED)
    now = load_acquire(words, READER + POSITION)
    if kind in (SegmentKind.RECORDS, SegmentKind.MESSAGES):
        fits = 0 <= read <= written <= claimed <= now + capacity and 0 <= cached <= now < _LAST
        told = f"{written} slots written, {claimed} claimed and {now} read"
    elif kind is SegmentKind.SEQLOCK:
        fits, told = 0 <= written < _LAST, f"version {written}"
    else:
        fits, told = 0 <= written <= claimed <= capacity, f"{written} rows in memory for {claimed}"
    if not fits:
        raise SegmentError(f"segment {path} with a capacity of {capacity} is damaged: its header tells of {told}")
