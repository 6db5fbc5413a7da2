"""Histograms of high dynamic range that one process fills and any number read, without a lock.

A value, nanoseconds, falls into one of 128 buckets a doubling, below 256 each into its own, so a quantile is at most
1/128 above the true one; count, sum, least and largest are exact. A segment has a histogram a row, by name. Each
histogram has one thread that records: it adds to words that nobody else writes, so a reader sees every word whole, and
what it counts is what it has read of the buckets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alo_lib.transport.atomics import (
    Words,
    load_acquire,
    load_relaxed,
    shared_kernel,
    store_relaxed,
    store_release,
)
from alo_lib.transport.errors import SegmentError
from alo_lib.transport.kernels import DAMAGED, FENCED
from alo_lib.transport.layout import CLAIMED, DATA, EPOCH, POSITION, WRITER, SegmentKind
from alo_lib.transport.ownership import Owner, Side, owner_of
from alo_lib.transport.segment import Segment
from alo_lib.transport.words import record_words

__all__ = [
    "BUCKETS",
    "HISTOGRAM",
    "HistogramReading",
    "HistogramWriter",
    "Histograms",
    "bucket_of",
    "histogram_record",
    "largest_of",
]

STEPS: Final = 128
"""Buckets a doubling."""

_OWN_BITS: Final = 8  # of values that have a bucket of their own
_DOUBLINGS: Final = 28
BUCKETS: Final = (_DOUBLINGS + 2) * STEPS
"""Values below 2^36, 68 s; longer ones count in the last bucket, and as they are in sum and largest."""

NAME_BYTES: Final = 96

HISTOGRAM: Final = np.dtype(
    [
        ("name", f"S{NAME_BYTES}"),
        ("count", "<i8"),  # stored last
        ("total", "<i8"),  # sum of the values
        ("least", "<i8"),  # while the count is 0: the largest integer
        ("largest", "<i8"),
        ("counts", "<i8", (BUCKETS,)),
    ]
)
_ROW: Final = HISTOGRAM.itemsize // 8
assert HISTOGRAM.fields is not None
_COUNT, _TOTAL, _LEAST, _LARGEST, _BUCKETS = (
    int(HISTOGRAM.fields[name][1]) // 8 for name in ("count", "total", "least", "largest", "counts")
)
_NONE: Final = int(np.iinfo(np.int64).max)


@shared_kernel
def bucket_of(value: int) -> int:
    """The bucket of a value; of one below 0 the first."""
    if value < 0:
        return 0
    doubling, rest = 0, value >> _OWN_BITS
    for step in (32, 16, 8, 4, 2, 1):
        if rest >> (step - 1):  # at least `step` more bits
            doubling += step
            rest >>= step
    bucket = doubling * STEPS + (value >> doubling)
    return min(bucket, BUCKETS - 1)


def largest_of(bucket: int) -> int:
    """The largest value of a bucket but the last, whose values have no bound."""
    doubling = max(0, bucket // STEPS - 1)
    return ((bucket - doubling * STEPS + 1) << doubling) - 1


@shared_kernel
def histogram_record(words: Words, epoch: int, row: int, value: int) -> int:
    """Count a value in the histogram of a row. Returns 0, FENCED or DAMAGED: then nothing was changed."""
    first = DATA + row * _ROW
    if row < 0 or first + _ROW > len(words):
        return DAMAGED
    if load_relaxed(words, WRITER + EPOCH) != epoch:
        return FENCED
    value = max(value, 0)
    place = first + _BUCKETS + bucket_of(value)
    store_relaxed(words, place, words[place] + 1)
    store_relaxed(words, first + _TOTAL, words[first + _TOTAL] + value)
    if value < words[first + _LEAST]:
        store_relaxed(words, first + _LEAST, value)
    if value > words[first + _LARGEST]:
        store_relaxed(words, first + _LARGEST, value)
    store_release(words, first + _COUNT, words[first + _COUNT] + 1)
    return 0


@dataclass(frozen=True)
class HistogramReading:
    """A histogram at one moment, nanoseconds."""

    name: str
    count: int
    total: int
    least: int  # 0 where nothing was recorded
    largest: int
    counts: NDArray[np.int64]  # by bucket

    def quantiles(self, shares: ArrayLike) -> NDArray[np.float64]:
        """The least values that shares of all recorded do not exceed, at most 1/128 above; NaN where there are none.

        Share 0 is the least value and share 1 the largest, exactly.
        """
        wanted = np.asarray(shares, np.float64)
        if not self.count:
            return np.full(wanted.shape, np.nan)
        ranks = np.maximum(np.ceil(wanted * self.count), 1)
        buckets = np.minimum(np.searchsorted(np.cumsum(self.counts), ranks), BUCKETS - 1)
        ends = np.array([self._end(int(each)) for each in buckets.ravel()], np.float64).reshape(wanted.shape)
        found = np.clip(ends, self.least, self.largest)
        found = np.where(wanted <= 0.0, self.least, found)
        return np.asarray(np.where(wanted >= 1.0, self.largest, found), np.float64)

    def below(self, bounds: ArrayLike) -> NDArray[np.int64]:
        """How many values are at most each bound, nanoseconds: those of buckets that end there or before."""
        heaped = np.concatenate([[0], np.cumsum(self.counts)])
        ends = np.array([largest_of(bucket) for bucket in range(BUCKETS - 1)], np.float64)
        return np.asarray(heaped[np.searchsorted(ends, np.asarray(bounds, np.float64), side="right")], np.int64)

    def _end(self, bucket: int) -> int:
        return self.largest if bucket == BUCKETS - 1 else largest_of(bucket)


@final
class Histograms:
    """A segment of histograms."""

    def __init__(self, segment: Segment) -> None:
        if segment.dtype != HISTOGRAM:
            segment.close()
            raise SegmentError(f"segment {segment.path} does not hold histograms of this version")
        self.segment = segment

    @classmethod
    def ensure(cls, path: Path, count: int, *, compiled: bool | None = None) -> "Histograms":
        """Open the segment, made now if there is none, with room for ``count`` histograms.

        :raises SegmentError: when the one there is laid out otherwise.
        """
        width = record_words(HISTOGRAM)
        segment = Segment.ensure(
            path,
            SegmentKind.HISTOGRAMS,
            capacity=count,
            stride=width,
            record_words=width,
            dtype=HISTOGRAM,
            compiled=compiled,
        )
        return cls(segment)

    @classmethod
    def open(cls, path: Path, *, writable: bool = True) -> "Histograms":
        """Open a segment.

        :raises SegmentError: when there is none.
        """
        return cls(Segment.open(path, SegmentKind.HISTOGRAMS, writable=writable))

    @property
    def owner(self) -> Owner:
        """Who records."""
        return owner_of(self.segment.words, WRITER)

    def record_as(self, name: str, histograms: Sequence[str], *, force: bool = False) -> "HistogramWriter":
        """Own the recording side, with these histograms, all empty.

        :raises NotOwnerError: while somebody else does, unless ``force``.
        """
        return HistogramWriter(self, name, histograms, force)

    def readings(self) -> list[HistogramReading]:
        """All of them as they are now.

        :raises SegmentError: when the segment was cut, or does not fit itself.
        """
        self.segment.check_size()
        length = load_acquire(self.segment.words, WRITER + POSITION)
        if not 0 <= length <= self.segment.capacity:
            raise self.segment.damaged()
        rows = self.segment.words[DATA : DATA + length * _ROW].copy().view(np.uint8).view(HISTOGRAM)
        if (rows["counts"] < 0).any():
            raise self.segment.damaged()
        return [_reading(row) for row in rows]

    def close(self) -> None:
        """Unmap the segment."""
        self.segment.close()

    def remove(self) -> None:
        """Take the segment's file away."""
        self.segment.remove()


def _reading(row: "np.void") -> HistogramReading:
    counts = row["counts"]
    count = int(counts.sum())
    name = row["name"].decode(errors="replace")
    return HistogramReading(
        name, count, int(row["total"]), int(row["least"]) if count else 0, int(row["largest"]), counts
    )


@final
class HistogramWriter(Side):
    """The recording side of histograms, owned until it is closed; each histogram is recorded by one thread."""

    def __init__(self, histograms: Histograms, name: str, names: Sequence[str], force: bool) -> None:
        segment = histograms.segment
        if len(names) > segment.capacity or any(not 0 < len(each.encode()) <= NAME_BYTES for each in names):
            raise SegmentError(f"segment {segment.path} has room for {segment.capacity} names of {NAME_BYTES} bytes")
        super().__init__(segment, WRITER, name, force=force)
        self.histograms = histograms
        self.places = {each: row for row, each in enumerate(names)}
        """Rows by name, as the kernel takes them."""
        self._record: Any = segment.step(histogram_record)
        empty = np.zeros(len(names), HISTOGRAM)
        empty["name"], empty["least"] = [each.encode() for each in names], _NONE
        words = self.words
        store_release(words, WRITER + POSITION, 0)
        words[DATA : DATA + len(names) * _ROW] = empty.view(np.uint8).view(np.int64)
        words[WRITER + CLAIMED] = len(names)
        store_release(words, WRITER + POSITION, len(names))

    def record(self, row: int, value: int) -> None:
        """Count a value, nanoseconds.

        :raises NotOwnerError: when another process has taken the side over.
        """
        if status := self._record(self.words, self.epoch, row, value):
            self._checked(status)
