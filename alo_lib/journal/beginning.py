"""Where a writer begins, and the machine's clocks that it notes."""

import time
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Clocks", "WriterStart", "no_clock"]


def no_clock() -> int:
    """The time of a journal in logical time."""
    return 0


class Clocks(NamedTuple):
    """The machine's clocks, for a journal of real time: monotonic and UTC, ns."""

    monotonic: Callable[[], int] = time.monotonic_ns
    utc: Callable[[], int] = time.time_ns


class WriterStart(NamedTuple):
    """Where a writer begins: at the start, or where recovery found the end."""

    sequence: int = 0
    epoch: int = 1
    number: int = 0
    checksum: int = 0  # of the entry before
