"""The trading core: the one thing that every engine drives."""

from typing import Protocol

from alo_lib.core import tasks
from alo_lib.core.ingest import ingest
from alo_lib.core.settings import Settings
from alo_lib.core.state import State
from alo_lib.executive import CyclicExecutive, Frame, MinorFrame, Phase, Schedule, Task
from alo_lib.market.instruments import InstrumentTable
from alo_lib.market.records import Kind, Message, Records, records
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.transport import Ring

__all__ = ["Sink", "TradingCore"]


class Sink(Protocol):
    """Where a core writes: a journal, or what stands in for one."""

    def append(self, message: Message) -> int:
        """Take a message for good, or raise; returns its sequence."""

    def flush(self) -> None:
        """Hear that a frame has ended."""


class TradingCore:
    """Takes messages in, opens frames, gives orders out. It reads no clock, no file and no random source.

    Every input is journaled before it can be handled and every decision before it can be acted on, so a journal holds
    all that is needed to decide the same again.
    """

    def __init__(self, settings: Settings, journal: Sink) -> None:
        self.settings = settings
        self.instruments = InstrumentTable()
        self._journal = journal
        self._ring = Ring()
        self._state = State(settings, Portfolio(settings.cash))
        self._told_targets = records(Kind.TARGET, 0)
        schedule = Schedule(
            [
                Task("ingest", MinorFrame.INGEST, self._ingest),
                Task("forecast", MinorFrame.VOLATILITY, self._forecast),
                Task("value", MinorFrame.PRICING, lambda frame: tasks.value(self._state, frame.time)),
                Task("signal", MinorFrame.STRATEGY, self._signal),
                Task("target", MinorFrame.STRATEGY, self._target),
                Task("limit", MinorFrame.RISK, self._limit),
                Task("execute", MinorFrame.EXECUTION, self._execute),
                Task("publish", MinorFrame.PUBLISH, self._publish),
            ]
        )
        self._executive = CyclicExecutive(schedule, frame_length=settings.frame_nanoseconds)

    # What an engine does -----------------------------------------------------------------------------------------

    def accept(self, message: Message) -> None:
        """Journal an input and let it wait for the next frame."""
        self._journal.append(message)
        self._ring.push(message)

    def remark(self, message: Message) -> None:
        """Journal something that no decision depends on."""
        if not message.kind.is_remark:
            raise ValueError(f"a message of kind {message.kind.name} is no remark")
        self._journal.append(message)

    def open_frame(self, time: int) -> bool:
        """Open the frame that begins at ``time``. False when nothing has arrived: the frame would change nothing."""
        if not self._ring.waiting:
            return False
        frame = self._executive.open(time)
        self._journal.append(Message(Kind.FRAME, time, records(Kind.FRAME, frame=frame.number)))
        return True

    def run_through(self, task: str) -> None:
        """Run the open frame up to and including ``task``, for an engine whose own pipeline calls in between."""
        self._executive.run_through(task)

    def close_frame(self) -> None:
        """Run what is left of the open frame, and close it."""
        self._executive.close()
        self._journal.flush()

    def run(self) -> Records:
        """Run the open frame to its end. Returns the INTENT records of the orders to send now, in order."""
        self.close_frame()
        return self._state.intents

    def journal_to(self, journal: Sink) -> None:
        """Write to another journal from now on."""
        self._journal = journal

    def stop(self) -> None:
        """End the run: what still waits stays unhandled, and no frame can follow."""
        self._executive.stop()
        self._journal.flush()

    @property
    def in_frame(self) -> bool:
        """Whether a frame is open."""
        return self._executive.phase is Phase.IN_FRAME

    # What it publishes, as of the last task that ran --------------------------------------------------------------

    @property
    def signals(self) -> Records:
        """SIGNAL records of this frame, best first within each underlying."""
        return self._state.signals

    @property
    def targets(self) -> Records:
        """TARGET records of this frame, as sized."""
        return self._state.targets

    @property
    def limited(self) -> Records:
        """TARGET records of this frame that risk put in place of sized ones."""
        return self._state.limited

    @property
    def intents(self) -> Records:
        """INTENT records of this frame."""
        return self._state.intents

    def contracts_open(self, underlying: int) -> list[int]:
        """Numbers of the contracts of one underlying that are held, or may be once orders still working are filled.

        An engine tells them with each session's contracts, whether or not they would be selected again.
        """
        return self._state.contracts_open(underlying)

    # The tasks -----------------------------------------------------------------------------------------------------

    def _ingest(self, frame: Frame) -> None:
        for underlying in self._state.underlyings.values():
            underlying.market_news = False
        while (message := self._ring.pop()) is not None:
            ingest(self._state, message)

    def _forecast(self, frame: Frame) -> None:
        self._decide(frame, Kind.FORECAST, tasks.forecast(self._state, frame.time))

    def _signal(self, frame: Frame) -> None:
        tasks.signal(self._state, frame.time)
        self._decide(frame, Kind.SIGNAL, self._state.signals)

    def _target(self, frame: Frame) -> None:
        tasks.target(self._state, frame.time)
        if self._state.targets.tobytes() != self._told_targets.tobytes():
            self._told_targets = self._state.targets
            self._decide(frame, Kind.TARGET, self._state.targets)

    def _limit(self, frame: Frame) -> None:
        tasks.limit(self._state, frame.time)
        self._decide(frame, Kind.TARGET, self._state.limited)

    def _execute(self, frame: Frame) -> None:
        tasks.execute(self._state, frame.time)
        self._decide(frame, Kind.INTENT, self._state.intents)

    def _publish(self, frame: Frame) -> None:
        self._decide(frame, Kind.EXPOSURE, tasks.exposures(self._state))
        self._decide(frame, Kind.NOTICE, tasks.notices(self._state))

    def _decide(self, frame: Frame, kind: Kind, decision: Records) -> None:
        if len(decision):
            self._journal.append(Message(kind, frame.time, decision))
