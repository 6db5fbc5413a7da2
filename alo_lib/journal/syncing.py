"""The thread that writes out what is new, again and again: the durability ``group``."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.journal.kernels import APPENDED, DURABLE, STATE, SWITCH
from alo_lib.journal.store import JournalSegment
from alo_lib.journal.sync_times import SyncTimes
from alo_lib.journal.system_calls import ERRNO_LOCATION, USLEEP, call, errno_at
from alo_lib.numerics.compilation import kernel
from alo_lib.transport.atomics import SUPPORTED
from alo_lib.transport.cycle_clock import read_counter
from alo_lib.transport.histogram import histogram_record

__all__ = ["Syncer"]

_PAUSE: Final = 200
"""Microseconds from the first look that finds nothing to the next."""
_LONGEST_PAUSE: Final = 2000
"""How far looks that find nothing stretch it, twofold each time: an idle journal costs next to nothing."""


def _not_recorded(words: NDArray[np.int64], epoch: int, row: int, value: int) -> int:
    return 0


def _not_read() -> int:
    return 0


# Kernels on shared memory are compiled where it is supported; elsewhere this thread's write-outs are not timed.
_record = histogram_record if SUPPORTED else kernel(_not_recorded)
_counter = read_counter if SUPPORTED else kernel(_not_read)


@kernel
def _rounds(
    marks: NDArray[np.int64],
    switch: int,
    descriptor: int,
    sync: int,
    errno_location: int,
    sleep: int,
    times: NDArray[np.int64],
    epoch: int,
    row: int,
    cycle: float,
) -> int:
    """Write out one segment until ``SWITCH`` is another or the journal has stopped. Returns 0 or the error's number.

    How long each took goes into a histogram of the words ``times``, where there are any; ``cycle`` is in nanoseconds.

    What was appended is read before the switch: when the switch then still is the same, every entry counted lies in
    this segment or in one that has been written out.
    """
    pause = _PAUSE
    while True:
        call(sleep, 0)  # a call that may change memory: nothing is remembered from the round before
        appended = marks[APPENDED]
        if marks[SWITCH] != switch or marks[STATE] != 0:
            return 0
        if appended == marks[DURABLE]:
            call(sleep, pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            continue
        pause = _PAUSE
        began = _counter()
        failed = call(sync, descriptor) != 0
        if len(times):
            _record(times, epoch, row, int((_counter() - began) * cycle))
        if failed:
            problem = errno_at(errno_location)
            marks[STATE] = problem
            return problem
        marks[DURABLE] = appended


_UNTIMED: Final = (np.zeros(0, np.int64), 0, 0, 0.0)


class Syncer:
    """Owns the descriptors of segments that are not on disk yet, and publishes how far they are.

    The loop runs compiled, without Python's lock: it does not wait for the core, nor the core for it. A failure is
    published in ``STATE``, where the next append finds it; nothing is tried again.
    """

    def __init__(
        self,
        marks: NDArray[np.int64],
        sync: Callable[[JournalSegment], None],
        close: Callable[[JournalSegment], None],
        sync_address: int,
    ) -> None:
        self._marks = marks
        self._sync = sync
        self._close = close
        self._segments: deque[tuple[JournalSegment, int]] = deque()  # with the sequence of their first entry
        self._stopping = False
        self.problem: OSError | None = None
        self._timing: tuple[NDArray[np.int64], int, int, float] = _UNTIMED
        self._sync_address = sync_address  # of a C function that writes a descriptor out
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)

    def add(self, segment: JournalSegment, first: int) -> None:
        """Write out another segment from now on; called before anything is appended to it."""
        self._segments.append((segment, first))
        self._marks[SWITCH] += 1
        if self._thread.ident is None:
            self._thread.start()

    def time_by(self, times: SyncTimes) -> None:
        """Record how long each write-out takes, from now on."""
        self._timing = times.times.words, times.times.epoch, times.row, times.cycle
        self._marks[SWITCH] += 1

    def stop(self) -> None:
        """Return when all that was appended is on disk, or has failed to get there."""
        while self.problem is None and self._marks[STATE] == 0 and self._marks[DURABLE] < self._marks[APPENDED]:
            time.sleep(_PAUSE * 1e-6)
        self._stopping = True
        self._marks[SWITCH] += 1
        self._thread.join()

    def forget(self, forget: Callable[[JournalSegment], None]) -> None:
        """In a process that was forked, which has no such thread: close what waits to be written out, but the last."""
        for segment, _ in list(self._segments)[:-1]:
            forget(segment)
        self._segments.clear()

    def _run(self) -> None:
        while True:
            switch = int(self._marks[SWITCH])
            if self._stopping or self._marks[STATE] != 0:
                return
            if len(self._segments) > 1:
                self._retire()
                continue
            descriptor = self._segments[0][0].descriptor
            status = _rounds(self._marks, switch, descriptor, self._sync_address, ERRNO_LOCATION, USLEEP, *self._timing)
            if status:
                self.problem = OSError(int(status), os.strerror(int(status)))
                return

    def _retire(self) -> None:
        """Write out the rest of a segment that is full."""
        segment, _ = self._segments[0]
        try:
            self._sync(segment)
        except OSError as error:
            self.problem = error
            self._marks[STATE] = error.errno or 1
            return
        self._marks[DURABLE] = self._segments[1][1]
        self._segments.popleft()
        self._close(segment)
