"""What became of releases: how late frames began, and why the late ones did."""

import resource
from collections import Counter
from enum import Enum
from typing import Final, NamedTuple

import numpy as np

from alo_lib.executive.clocks import Release
from alo_lib.transport.histogram import BUCKETS, bucket_of, largest_of

__all__ = ["LateRelease", "Lateness", "ReleaseLog", "WhyLate"]

LATE: Final = 25_000
"""Nanoseconds from which a release is looked into."""

FAR: Final = 200_000
"""Nanoseconds from which one is counted once more, apart."""

_WORST_KEPT: Final = 10


class WhyLate(Enum):
    """Why a release was late."""

    BUSY = "the frame before had not ended"
    SLEPT = "the kernel woke it late"
    PREEMPTED = "preempted while it spun"
    HELD = "an interrupt or the machine's host held it while it spun"


class LateRelease(NamedTuple):
    """One late release."""

    frame: int
    late: int  # nanoseconds
    why: WhyLate


class Lateness(NamedTuple):
    """Quantiles of lateness, nanoseconds; each is at most 1 % above the true one."""

    frames: int
    p50: int
    p99: int
    p999: int
    worst: int


class ReleaseLog:
    """Takes in every release of a run, in constant time and memory."""

    def __init__(self) -> None:
        self.frames = 0
        self.causes: Counter[WhyLate] = Counter()
        self.far: Counter[WhyLate] = Counter()  # of those that were FAR late
        self._counts = np.zeros(BUCKETS, np.int64)
        self._largest = 0
        self._worst: list[LateRelease] = []
        self._switches = 0

    def begin(self) -> None:
        """A wait begins."""
        self._switches = _switches()

    def add(self, frame: int, release: Release) -> None:
        """The wait for a frame is over."""
        late = max(release.late, 0)
        self.frames += 1
        self._counts[bucket_of(late)] += 1
        self._largest = max(self._largest, late)
        if late >= LATE:
            self._keep(LateRelease(frame, late, self._why(release)))

    @property
    def worst(self) -> list[LateRelease]:
        """The latest of the late releases, latest first."""
        return sorted(self._worst, key=lambda each: -each.late)[:_WORST_KEPT]

    def lateness(self) -> Lateness:
        """Quantiles so far.

        :raises ValueError: before the first release.
        """
        if not self.frames:
            raise ValueError("no frame has been released yet, so there are no quantiles")
        heaped = np.cumsum(self._counts)
        p50, p99, p999 = (
            min(largest_of(int(np.searchsorted(heaped, np.ceil(self.frames * q)))), self._largest)
            for q in (0.5, 0.99, 0.999)
        )
        return Lateness(self.frames, p50, p99, p999, self._largest)

    def _why(self, release: Release) -> WhyLate:
        if release.began > release.deadline:
            return WhyLate.BUSY
        if release.woken > release.deadline:
            return WhyLate.SLEPT
        return WhyLate.PREEMPTED if _switches() > self._switches else WhyLate.HELD

    def _keep(self, late: LateRelease) -> None:
        self.causes[late.why] += 1
        self.far[late.why] += late.late >= FAR
        self._worst.append(late)
        if len(self._worst) >= 2 * _WORST_KEPT:
            self._worst = self.worst


def _switches() -> int:
    """Times that this thread lost its processor to another."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw
