"""Recording what a core does, around it: at its journal, at its tasks, where its orders are handed on.

The core itself reads no clock. What is measured goes into shared memory and nowhere else: no decision reads it, and
what is journaled is the same with and without it.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np

from alo_lib.executive import Frame, Overrun, Release, TaskPlan, Watch
from alo_lib.journal import JournalWriter
from alo_lib.journal.sync_times import SyncTimes
from alo_lib.records import SECOND, HaltCause, Kind, Message, OrderStatus, Records, bits_of
from alo_lib.telemetry.hardware import HardwareCounters
from alo_lib.telemetry.layout import (
    HISTOGRAMS_NAME,
    LATENCIES,
    MOST_LIMITS,
    MOST_TASKS_SHOWN,
    MOST_UNDERLYINGS,
    STATE,
    STATE_NAME,
    UNKNOWN_HALTS,
    EngineKind,
    RunPhase,
    task_histogram,
)
from alo_lib.telemetry.tally import STANDING, Tally
from alo_lib.telemetry.usage import usage_now
from alo_lib.transport import Histograms, NotOwnerError, SeqLock, TransportError
from alo_lib.transport.cycle_clock import cycle_nanoseconds

__all__ = ["Recorder", "RunTold", "open_recorder"]

_OWNER: Final = "recorder"
_MARKET: Final = (Kind.TRADE, Kind.QUOTE)
_PUBLISH_EVERY: Final = SECOND
"""Nanoseconds after which the state is published though no frame had news, and the process's usage is asked."""
_ENGINES, _PHASES = list(EngineKind), list(RunPhase)


class Sink(Protocol):
    """Where a core writes."""

    def append(self, message: Message) -> int:
        """Take a message for good; returns its sequence."""

    def flush(self) -> None:
        """Hear that a frame has ended."""


class RunTold(NamedTuple):
    """What is known of a run before its first frame."""

    name: str
    engine: EngineKind
    real: bool  # whether frames are released by the machine's clock
    length: int  # of a frame, ns
    plans: Sequence[TaskPlan]  # in the order of the schedule
    journal: Path  # its folder, or that of the object store that has it


class Recorder:
    """Measures one run, in files of ``folder`` that are made or taken over; one thread uses it.

    :raises NotOwnerError: while another process records there.
    :raises SegmentError: where the files cannot be made.
    """

    def __init__(self, folder: Path, told: RunTold) -> None:
        self.halts: Callable[[], Collection[HaltCause]] | None = None
        """Asks the core which halts stand; None before there is one."""
        self.durable: Callable[[], int] | None = None
        """How many messages outlive the process, where its host keeps them; None where the journal's writer does."""
        names = (*LATENCIES, *(task_histogram(plan.name) for plan in told.plans))
        self._files = Histograms.ensure(folder / HISTOGRAMS_NAME, len(LATENCIES) + MOST_TASKS_SHOWN)
        self._times = self._files.record_as(_OWNER, names[: len(LATENCIES) + MOST_TASKS_SHOWN])
        self._state = SeqLock.ensure(folder / STATE_NAME, STATE)
        self._publisher = self._state.write_as(_OWNER)
        self._tally = Tally(tuple(plan.name for plan in told.plans))
        self._counters = HardwareCounters()
        self._closed = False
        self._rows = self._times.places
        self._writer: JournalWriter | None = None
        self._frame_began = self._data_at = self._first_data = self._decided = self._published = self._asked = 0
        self._orders: list[int] = []  # of the frame that ended last, until they are handed on
        self._sent: dict[int, int] = {}  # when orders were handed on that no fill was heard of
        self._row = np.zeros(1, STATE)
        row = self._row[0]
        row["name"], row["engine"] = told.name.encode(), _ENGINES.index(told.engine)
        row["journal"] = os.fsencode(told.journal.absolute())
        row["real"], row["length"], row["started"] = told.real, told.length, time.time_ns()
        for place, plan in enumerate(told.plans[:MOST_TASKS_SHOWN]):
            row["tasks"][place], row["budgets"][place] = plan.name.encode(), plan.budget
        self.publish()

    # Where it stands around the core -----------------------------------------------------------------------------

    def sink(self, inner: Sink) -> Sink:
        """What a core is to write to in the place of ``inner``."""
        return _MeasuredSink(self, inner)

    def watch(self, inner: Watch | None) -> Watch:
        """What is to watch a core's tasks in the place of ``inner``."""
        return _TimedWatch(self, inner)

    def journal(self, writer: JournalWriter) -> None:
        """Know the journal: how far it is, and how long its syncs take."""
        self._writer = writer
        writer.time_syncs(SyncTimes(self._times, self._rows["fsync"], cycle_nanoseconds()))

    def know(self, messages: Iterable[Message]) -> None:
        """Know how the run stands by what earlier processes of it have journaled, of the kinds STANDING."""
        for message in messages:
            if message.kind in STANDING:
                self._tally.know(message)

    # What is measured --------------------------------------------------------------------------------------------

    def released(self, release: Release, missed: int) -> None:
        """A frame was released by the machine's clock, ``missed`` others before it never."""
        self._record("release_lateness", release.late)
        row = self._row[0]
        row["released"] += 1
        row["missed"] += missed

    def sent(self) -> None:
        """The orders of the frame that ended last are handed to who sends them."""
        if not self._orders:
            return
        now = time.monotonic_ns()
        self._record("decision_to_order", now - self._decided)
        self._sent.update((order, now) for order in self._orders)
        self._orders.clear()

    def rest(self) -> None:
        """Between two frames, where there is time: publish what has not been for a second."""
        if time.monotonic_ns() - self._published >= _PUBLISH_EVERY:
            self.publish()

    def close(self, phase: RunPhase) -> None:
        """Say how the run ended, and give the files up; they stay. Twice is once."""
        if self._closed:
            return
        self._closed = True
        self._row[0]["phase"] = _PHASES.index(phase)
        self._asked = 0
        self.publish()
        self._counters.close()
        for part in (self._publisher, self._times, self._state, self._files):
            part.close()

    def publish(self, phase: RunPhase | None = None) -> None:
        """Let readers see how the run stands."""
        row, tally, now = self._row[0], self._tally, time.monotonic_ns()
        if phase is not None:
            row["phase"] = _PHASES.index(phase)
        row["published"], row["data_at"] = now, self._data_at
        row["session_open"], row["session_close"] = tally.session
        row["broker"] = tally.broker
        row["halts"] = UNKNOWN_HALTS if self.halts is None else bits_of(self.halts())
        for name in ("late", "refused", "conflated", "undelivered"):
            row[name] = tally.counts[name]
        row["trades_open"] = len(tally.trades)
        if self._writer is not None:
            row["sequence"] = self._writer.sequence
            row["durable"] = self._writer.durable if self.durable is None else self.durable()
        for name in ("overruns", "degraded", "skipped", "messages", "orders", "profit"):
            row[name] = getattr(tally, name)
        self._publish_book()
        if now - self._asked >= _PUBLISH_EVERY:
            self._asked = now
            row["usage"], row["counters"] = usage_now(), self._counters.read()
        self._publisher.write(self._row)
        self._published = now

    def _publish_book(self) -> None:
        row, tally = self._row[0], self._tally
        row["exposures_told"], row["limits_told"] = len(tally.exposures), len(tally.limits)
        for place, underlying in enumerate(sorted(tally.exposures)[:MOST_UNDERLYINGS]):
            row["exposures"][place] = tally.exposures[underlying][0]
            row["symbols"][place] = tally.symbols.get(underlying, b"")
        shown = tally.limits[:MOST_LIMITS]
        row["limits"][: len(shown)] = shown

    def _record(self, name: str, nanoseconds: int) -> None:
        self._times.record(self._rows[name], nanoseconds)

    # What passes -------------------------------------------------------------------------------------------------

    def _before(self, message: Message) -> None:
        """A message is about to be journaled."""
        if message.kind in _MARKET:
            self._data_at = time.monotonic_ns()
            self._first_data = self._first_data or self._data_at
        elif message.kind is Kind.FRAME:
            self._orders.clear()  # of a frame whose answer was not given
            self._frame_began = time.monotonic_ns()
            row = self._row[0]
            row["frame"], row["time"] = message.records["frame"][0], message.time
            row["run"] += 1
        elif message.kind is Kind.INTENT:
            self._orders += message.records["order"].tolist()
        elif message.kind is Kind.ORDER_EVENT and self._sent:
            self._heard(message.records)

    def _heard(self, rows: Records) -> None:
        """Order events: of an order that was handed on, the first that fills any of it."""
        columns = (rows[name].tolist() for name in ("order", "quantity", "status"))
        for order, quantity, status in zip(*columns, strict=True):
            sent = self._sent.get(order)
            if sent is not None and (quantity or OrderStatus(status).is_done):
                del self._sent[order]
                if quantity:
                    self._record("order_to_fill", time.monotonic_ns() - sent)

    def _frame_ended(self) -> None:
        if not self._frame_began:
            return
        self._decided = time.monotonic_ns()
        self._record("frame", self._decided - self._frame_began)
        if self._first_data:
            self._record("data_to_decision", self._decided - self._first_data)
        self._frame_began = self._first_data = 0
        self.publish()


def open_recorder(folder: Path, told: RunTold) -> tuple[Recorder | None, str]:
    """A recorder; or None, and why there is none, in a sentence: no run fails for it.

    Files that are damaged or of another version are taken away.
    """
    try:
        return Recorder(folder, told), ""
    except NotOwnerError as error:
        why: Exception = error
    except TransportError:
        try:
            for name in (HISTOGRAMS_NAME, STATE_NAME):
                (folder / name).unlink(missing_ok=True)
            return Recorder(folder, told), ""
        except (TransportError, OSError) as error:
            why = error
    return None, f"nothing shows how this run stands while it runs: {why}"


class _MeasuredSink:
    """Passes on to a journal what a core writes, and measures it."""

    def __init__(self, recorder: Recorder, inner: Sink) -> None:
        self._recorder = recorder
        self._inner = inner

    def append(self, message: Message) -> int:
        """Journal first."""
        self._recorder._before(message)
        sequence = self._inner.append(message)
        self._recorder._tally.take(message)
        return sequence

    def flush(self) -> None:
        """The end of a frame."""
        self._inner.flush()
        self._recorder._frame_ended()


class _TimedWatch:
    """Watches tasks as another watch does, and times each."""

    def __init__(self, recorder: Recorder, inner: Watch | None) -> None:
        self.live = inner is None or inner.live
        self._recorder = recorder
        self._inner = inner
        self._began = 0

    def begin(self) -> None:
        """A task begins."""
        if self._inner is not None:
            self._inner.begin()
        self._began = time.monotonic_ns()

    def end(self, frame: Frame, plan: TaskPlan) -> Overrun | None:
        """The task has ended."""
        self._recorder._record(task_histogram(plan.name), time.monotonic_ns() - self._began)
        return None if self._inner is None else self._inner.end(frame, plan)
