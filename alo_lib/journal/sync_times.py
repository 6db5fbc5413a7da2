"""How long write-outs of a journal take: where that is recorded."""

import time
from typing import NamedTuple

from alo_lib.transport.histogram import HistogramWriter

__all__ = ["SyncTimes"]


class SyncTimes(NamedTuple):
    """A histogram's row; ``cycle`` is what a cycle of the processor's counter takes, nanoseconds."""

    times: HistogramWriter
    row: int
    cycle: float

    def take(self, began: int) -> None:
        """A write-out that began at ``began``, CLOCK_MONOTONIC, has ended."""
        self.times.record(self.row, time.monotonic_ns() - began)
