"""What a cycle of the processor's time-stamp counter takes, measured by the monotonic clock."""

import time
from functools import cache
from typing import Final

from alo_lib.transport.atomics import cycles, shared_kernel

__all__ = ["cycle_nanoseconds", "read_counter"]

_SPAN: Final = 0.02
"""Seconds; either end is read within a microsecond, so the result is right to some 1e-4."""


@shared_kernel
def read_counter() -> int:
    """The counter, as compiled code sees it; nanoseconds of the monotonic clock where nothing is compiled."""
    return cycles()


@cache
def cycle_nanoseconds() -> float:
    """Nanoseconds a cycle, measured once a process. The counter is taken to be constant, as it is since 2008."""
    read_counter()  # compiled or loaded
    begin, first = time.monotonic_ns(), read_counter()
    time.sleep(_SPAN)
    end, last = time.monotonic_ns(), read_counter()
    return (end - begin) / float(last - first)
