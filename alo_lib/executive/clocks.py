"""Clocks that release frames: one that is told the time, one that waits for it."""

import ctypes
import errno
import os
import time
from typing import Final, NamedTuple, Protocol

from alo_lib.records import SECOND

__all__ = ["Clock", "LogicalClock", "RealClock", "Release"]

_TIMER_ABSTIME: Final = 1
DEFAULT_SPIN: Final = 1_500_000
"""Nanoseconds: longer than a shared host, whose kernel does not preempt itself, mostly takes to wake a process. A
processor of its own wakes within 100,000."""


class Release(NamedTuple):
    """How a wait went, nanoseconds of the clock."""

    deadline: int
    began: int
    woken: int  # the sleep before the spin ended
    released: int

    @property
    def late(self) -> int:
        """Nanoseconds from the deadline to the release."""
        return self.released - self.deadline


class Clock(Protocol):
    """Something that can be waited on."""

    def now(self) -> int:
        """Nanoseconds; the origin is the clock's own."""

    def wait_until(self, deadline: int) -> Release:
        """Return at ``deadline`` or as soon after it as can be."""


class LogicalClock:
    """Stands still until it is told: waiting takes no time, and is never late."""

    def __init__(self, start: int = 0) -> None:
        self._now = start

    def now(self) -> int:
        """The last deadline that was waited for."""
        return self._now

    def wait_until(self, deadline: int) -> Release:
        """Be there at once.

        :raises ValueError: when time would run backwards.
        """
        if deadline < self._now:
            raise ValueError(f"time {deadline} lies before {self._now}, which the logical clock has reached")
        self._now = deadline
        return Release(deadline, deadline, deadline, deadline)


class RealClock:
    """CLOCK_MONOTONIC. It sleeps up to ``spin`` nanoseconds before a deadline and spins the rest.

    The sleep is to an absolute time, so that no delay before the call adds to it; a signal that is handled on the way
    does not shorten it.
    """

    def __init__(self, spin: int = DEFAULT_SPIN) -> None:
        if spin < 0:
            raise ValueError(f"spin {spin} must not be below 0 nanoseconds")
        self._spin = spin
        self._sleep = ctypes.CDLL(None).clock_nanosleep
        self._sleep.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self._until = (ctypes.c_int64 * 2)()
        self._address = ctypes.addressof(self._until)

    def now(self) -> int:
        """Nanoseconds since the machine started."""
        return time.monotonic_ns()

    def wait_until(self, deadline: int) -> Release:
        """Sleep, then spin.

        :raises OSError: when the host refuses to sleep.
        """
        now = time.monotonic_ns
        began = now()
        if began < deadline - self._spin:
            self._until[0], self._until[1] = divmod(deadline - self._spin, SECOND)
            while problem := self._sleep(time.CLOCK_MONOTONIC, _TIMER_ABSTIME, self._address, None):
                if problem != errno.EINTR:
                    raise OSError(problem, f"clock_nanosleep: {os.strerror(problem)}")
        woken = released = now()
        while released < deadline:
            released = now()
        return Release(deadline, began, woken, released)
