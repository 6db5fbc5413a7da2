"""A core process that does one frame at a time, when its host waits: both sides on one machine's clock, in one process.

Nothing runs beside the one side that is let run, so a run is the same each time. The process can be killed at any step
that others could see: before anything is journaled, put into a ring, taken out of one, or noted in shared memory.
"""

import threading
from collections.abc import Callable
from typing import Any

from alo_lib.executive import Release
from alo_lib.runtime.link import Channel
from alo_lib.runtime.process import CoreProcess
from alo_lib.transport import Reading
from tests.core.killing import Fuse, Killed, Place

__all__ = ["FusedChannel", "FusedPlace", "Naps", "Running", "Stepped", "Time"]

_SIDES = ({"advance"}, {"push"}, {"write"}, {"write"})
"""What each of the core's sides of a channel does that others see."""


class Time:
    """What all clocks of the machine say, ns; a test sets it."""

    def __init__(self, now: int) -> None:
        self.now = now


class Stepped:
    """The clock of one process: it stands still at every deadline until it is let go, and may wake up late."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.killed = False
        self.goes, self.stands = threading.Semaphore(0), threading.Semaphore(0)

    def now(self) -> int:
        return self.time.now

    def wait_until(self, deadline: int) -> Release:
        self.stands.release()
        self.goes.acquire()
        if self.killed:
            raise Killed
        self.time.now = max(self.time.now, deadline)
        return Release(deadline, deadline, deadline, self.time.now)


class Running:
    """A process that runs on a thread, whenever the test waits for it."""

    def __init__(self, process: CoreProcess, clock: Stepped) -> None:
        self.clock = clock
        self.error: BaseException | None = None
        self._process = process
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._wait()

    def step(self) -> None:
        """Let it go to where it waits for its next frame; raises what ended it."""
        self.clock.goes.release()
        self._wait()

    def end(self) -> None:
        """Kill it where it stands."""
        self.clock.killed = True
        self.clock.goes.release()
        self._thread.join()

    def _wait(self) -> None:
        self.clock.stands.acquire()
        if self.error is not None:
            self._thread.join()
            raise self.error

    def _run(self) -> None:
        try:
            self._process.run()
        except BaseException as error:
            self.error = error
        self.clock.stands.release()


class Naps:
    """In the place of ``time`` for a host: it passes while the host sleeps, and a core does a frame meanwhile."""

    def __init__(self) -> None:
        self.time = Time(0)
        self.nap: Callable[[], None] = lambda: None
        self.place = Place()

    def sleep(self, seconds: float) -> None:
        self.nap()

    def monotonic(self) -> float:
        return self.time.now / 1e9


class _Fused:
    """A side of a channel whose owner may be killed at each step."""

    def __init__(self, side: Any, steps: set[str], tick: Callable[[], None]) -> None:
        self._side, self._steps, self._tick = side, steps, tick

    def __getattr__(self, name: str) -> Any:
        if name in self._steps:
            self._tick()
        return getattr(self._side, name)


class FusedChannel(Channel):
    """A channel whose core may be killed at each step."""

    fuse: Fuse | None = None
    sides: tuple[Any, ...] = ()

    def core_side(self) -> Any:
        *sides, taken = super().core_side()
        self.sides = tuple(sides)
        fused = [_Fused(side, steps, self._tick) for side, steps in zip(sides, _SIDES, strict=True)]
        reading: Reading = taken
        return *fused, reading

    def command_side(self) -> Any:
        sides = super().command_side()
        self.sides += sides
        return tuple(_Fused(side, steps, self._tick) for side, steps in zip(sides, _SIDES[:2], strict=True))

    def _tick(self) -> None:
        if self.fuse is not None:
            self.fuse.tick()

    def bury(self) -> None:
        """Free what a process had that was killed, as whoever comes next would find it."""
        for side in self.sides:
            side.close()
        self.sides, self.fuse = (), None


class FusedPlace(Place):
    """A place whose writers are killed as its channel's sides are."""

    def __init__(self, fused: Callable[[Any], Fuse]) -> None:
        super().__init__()
        self._fused = fused

    def writer(self, settings: bytes, start: Any, program: str = "") -> Any:
        return self._fused(super().writer(settings, start, program))
