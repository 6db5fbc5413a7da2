"""What a core is killed with and goes on from, and what finds its tasks slow and its fits quick."""

import functools
from typing import Any

from alo_lib.core import pack
from alo_lib.core.calibrator import Calibrator, LogicalCalibrator
from alo_lib.executive import Cause, Frame, Overrun, OverrunPolicy, TaskPlan
from alo_lib.journal import Found, Journal, JournalWriter, MemoryStore, Snapshot, WriterStart, read_journal
from alo_lib.records import Message
from alo_lib.strategy.calibration import Calibrated, CalibrationRequest, calibrate
from alo_lib.volatility import VolatilityError

__all__ = ["Fuse", "Killed", "Place", "Slow", "quick_calibrator"]


class Killed(BaseException):
    """The process was killed."""


class Fuse:
    """Stands between a core and its journal: kills the process when so many steps more are taken."""

    def __init__(self, writer: JournalWriter, written: list[Message]) -> None:
        self.writer = writer
        self.written = written  # all of the journal
        self.left: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.writer, name)

    def tick(self) -> None:
        """Take a step that others see, or die before it, for good."""
        if self.left is not None:
            if self.left == 0:
                raise Killed
            self.left -= 1

    def append(self, message: Message) -> int:
        self.tick()
        sequence = self.writer.append(message)
        self.written.append(message._replace(records=message.records.copy()))
        return sequence

    def flush(self) -> None:
        self.writer.flush()


class Place:
    """A journal in memory, and the last state that was kept; what was appended outlives its process."""

    name = "in memory"

    def __init__(self) -> None:
        self.earlier: list[bytes] = []
        self.current: JournalWriter | None = None
        self.snapshot: tuple[int, int, bytes] | None = None
        self.snapshots = self

    def recover(self) -> Found | None:
        if self.current is not None:
            self.earlier += self.store.images()
            self.current.abandon()
            self.current = None
        return Found(self.journal(), ()) if self.earlier else None

    def journal(self) -> Journal:
        now = [] if self.current is None else self.store.images()
        return read_journal([*self.earlier, *now], unfinished=True)

    def writer(self, settings: bytes, start: WriterStart, program: str = "") -> JournalWriter:
        self.store = MemoryStore()
        self.current = JournalWriter(
            self.store, settings=settings, position=start, segment_bytes=1 << 20, program=program
        )
        return self.current

    def save(self, sequence: int, entry: int, state: bytes) -> None:
        self.snapshot = sequence, entry, state

    def latest(self, journal: Journal) -> Snapshot | None:
        return None if self.snapshot is None else Snapshot(self.snapshot[0], self.snapshot[2])

    def release(self) -> None:
        """Nothing: nobody else writes here."""

    def keep(self, writer: JournalWriter) -> None:
        """Nothing: all that is appended is kept."""

    def closed(self) -> Journal:
        return self.journal()


class Slow:
    """Finds that tasks took too long, in the frames and tasks that it is told of."""

    live = True

    def __init__(self, tasks: set[str]) -> None:
        self.tasks = tasks

    def begin(self) -> None:
        """Nothing: time does not matter here."""

    def end(self, frame: Frame, plan: TaskPlan) -> Overrun | None:
        if plan.name not in self.tasks:
            return None
        self.tasks.discard(plan.name)
        policy = OverrunPolicy.DEGRADE if plan.on_overrun is OverrunPolicy.DEGRADE else OverrunPolicy.FINISH
        return Overrun(frame.number, plan.name, Cause.WORK, policy, 2 * plan.budget, plan.budget)


@functools.lru_cache(maxsize=4096)
def _fitted(settings: str, packed: bytes, request: "Once") -> Calibrated | VolatilityError:
    try:
        return calibrate(request.request)
    except VolatilityError as error:
        return error


class Once:
    """A request that equals any other, so that a fit is found by its bytes."""

    def __init__(self, request: CalibrationRequest) -> None:
        self.request = request

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Once)

    def __hash__(self) -> int:
        return 0


def remembered(request: CalibrationRequest) -> Calibrated:
    """The fit of a request, made once: the same request gives the same bits."""
    made = _fitted(request.settings.model_dump_json(), pack(request), Once(request))
    if isinstance(made, VolatilityError):
        raise made
    return made


def quick_calibrator(delay: int) -> Calibrator:
    """In the place of a backtest's."""
    return LogicalCalibrator(delay, remembered)
