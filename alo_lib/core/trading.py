"""The trading core: the one thing that every engine drives."""

from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from alo_lib.core import tasks
from alo_lib.core.calibrator import Calibrator, LogicalCalibrator
from alo_lib.core.frame_plan import FRAME_PLAN, FrameTask, Step
from alo_lib.core.gate import Gate, Refusal
from alo_lib.core.ingest import ingest
from alo_lib.core.known_book import KnownBook
from alo_lib.core.refusals import Refusals
from alo_lib.core.state import State
from alo_lib.core.tasks import Work
from alo_lib.executive import (
    Cause,
    CyclicExecutive,
    Frame,
    FrameTable,
    LifecycleError,
    Overrun,
    OverrunPolicy,
    Phase,
    Schedule,
    SlotTrace,
    Task,
    TaskPlan,
    Watch,
)
from alo_lib.records import TIMES, HaltCause, InstrumentTable, Kind, Message, Records, records
from alo_lib.settings import Settings
from alo_lib.strategy.accounting import priced
from alo_lib.strategy.external import External
from alo_lib.strategy.operating import halts_ahead, losses_ahead
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.state import StrategyState
from alo_lib.strategy.steering import Steering

__all__ = ["CoreState", "Sink", "TradingCore"]


class Sink(Protocol):
    """Where a core writes: a journal, or what stands in for one."""

    def append(self, message: Message) -> int:
        """Take a message for good, or raise; returns its sequence."""

    def flush(self) -> None:
        """Hear that a frame has ended."""


class CoreState(NamedTuple):
    """A snapshot of a core."""

    state: State
    instruments: InstrumentTable
    frame: Frame


class TradingCore(KnownBook):
    """Takes messages in, opens frames, gives orders out. It reads no clock, no file and no random source.

    Every input is asked at the :class:`~alo_lib.core.gate.Gate`, journaled before it can be handled, and every decision
    before it can be acted on, so a journal holds all that is needed to decide the same again. What is not let in is
    told in a remark, and heard by :attr:`refusals`. A ``watch`` finds tasks that take more than their budget; ``plans``
    are those of FRAME_PLAN, perhaps with other budgets and policies.

    :raises ScheduleError: when they do not fit a frame.
    """

    def __init__(
        self,
        settings: Settings,
        journal: Sink,
        *,
        watch: Watch | None = None,
        plans: Sequence[TaskPlan] = FRAME_PLAN,
        calibrator: Calibrator | None = None,
    ) -> None:
        """``calibrator`` makes the fits; without one they take no time, as in a backtest."""
        self.settings = settings
        self.instruments = InstrumentTable()
        self._journal = journal
        self._calibrator = calibrator or LogicalCalibrator(settings.calibration_nanoseconds)
        self.calibrations_given = False
        """Whether somebody else, a replay, puts in when calibrations come into force."""
        self.followed: Sequence[Message] | None = None
        """What the open frame is said to have decided, where that is done (:mod:`alo_lib.core.following`)."""
        self._waiting: deque[Message] = deque()
        self._state = State(settings, StrategyState(portfolio=Portfolio(settings.cash)))
        self._gate = Gate(self._state.strategy, self.instruments, settings)
        self.refusals = Refusals(lambda message: self._journal.append(message))
        self._executive = CyclicExecutive(
            Schedule([self._task(plan) for plan in plans], frame_length=settings.frame_nanoseconds),
            watch=watch,
            on_overrun=self._tell_overrun,
        )

    # What an engine does -----------------------------------------------------------------------------------------

    def accept(self, message: Message) -> None:
        """Let an input in as far as it has no fault: journal it, and let it wait for the next frame.

        What models of the host decided counts within the open frame where it says so. Where the broker's word does not
        fit what was sent, nothing that adds risk is ordered until both are reconciled.
        """
        admitted = self._gate.admit(message)
        refusals, let_in = admitted.refusals, admitted.message
        if let_in is not None and let_in.kind is Kind.ORDER_EVENT:
            let_in = priced(self._state.strategy, let_in)
        if let_in is not None and self._misplaced(let_in):
            what = "it is put in at another place of the frame than it says"
            refusals, let_in = (*refusals, Refusal(message.kind.name, "within", what)), None
        time = int(min(max(message.time, self.last_frame, TIMES.low), TIMES.high))
        # A process that is killed in the middle loses no doubt, and then no record: what was said of others comes last.
        if any(refusal.in_doubt for refusal in refusals) and not self.wants_reconciliation:
            row = records(Kind.HALT, cause=HaltCause.RECONCILIATION, halted=1)
            self.admit_recorded(Message(Kind.HALT, time, row))
        if let_in is not None:
            self.admit_recorded(let_in)
        for refusal in refusals:
            self.refusals.tell(refusal, time)

    def admit_recorded(self, message: Message) -> None:
        """Take an input that was let in before: a journal's, which nobody asks again."""
        if self._misplaced(message):
            raise LifecycleError(f"an input of the place {message.within} of a frame is put in at another")
        self._journal.append(message)
        self._gate.follow(message)
        if message.within:
            ingest(self._state, message)
            return
        if message.kind is Kind.INSTRUMENT:  # numbered by the engine, or in a replay by the engine that was
            self.instruments.know(message.records)
        self._push(message)

    def _misplaced(self, message: Message) -> bool:
        """Whether an input is to count within a frame, and now is not when."""
        return message.within != 0 and not (self.in_frame and message.within == self._executive.place + 1)

    def overrule(self, message: Message) -> None:
        """Put in what models of the host decided: it counts in the open frame from here on, else in the next one."""
        if self.in_frame and not self._state.news:  # which no task does anything in, and which is not journaled
            self._executive.run_to(len(self._executive.schedule.tasks))
        message.records["within"] = self._executive.place + 1 if self.in_frame and self._state.news else 0
        self.accept(message)

    def remark(self, message: Message) -> None:
        """Journal something that no task reads."""
        if not message.kind.is_remark:
            raise ValueError(f"a message of kind {message.kind.name} is no remark")
        self._journal.append(message)

    def open_frame(self, time: int, *, skip_empty: bool = True) -> bool:
        """Open the frame that begins at ``time``. False when nothing has arrived: the frame would change nothing.

        Time alone changes nothing, because a task looks at it only in a frame with news. Without ``skip_empty`` such a
        frame is opened all the same and walks through the table; what is journaled and decided does not differ.
        """
        news = bool(self._waiting)
        if skip_empty and not news:
            return False
        self.refusals.begin_frame(time)
        if news:
            self._tell_calibrations(time)
        frame = self._executive.open(time)
        if news:
            self._journal.append(Message(Kind.FRAME, time, records(Kind.FRAME, frame=frame.number)))
        state = self._state
        state.news = news
        # Nothing of the last frame is published again, whatever is left out of this one.
        state.ranked, state.signals, state.limited = False, records(Kind.SIGNAL, 0), records(Kind.TARGET, 0)
        state.intents, state.amendments = records(Kind.INTENT, 0), records(Kind.AMENDMENT, 0)
        return True

    def tell_late(self, time: int, *, lateness: int, missed: int) -> None:
        """Journal that the frame at ``time`` is released ``lateness`` nanoseconds late, ``missed`` others never."""
        number = time // self.settings.frame_nanoseconds
        policy = OverrunPolicy.SKIP if missed else OverrunPolicy.FINISH
        row = records(Kind.OVERRUN, frame=number, elapsed=lateness, cause=Cause.LATE, policy=policy, missed=missed)
        self.remark(Message(Kind.OVERRUN, time, row))

    def run_through(self, task: FrameTask) -> None:
        """Run the open frame up to and including ``task``, for an engine whose own pipeline calls in between."""
        self._executive.run_through(task.plan.name)

    def run_to(self, within: int) -> None:
        """Run the open frame up to where an input was put in that says so of itself."""
        self._executive.run_to(within - 1)

    def close_frame(self) -> None:
        """Run what is left of the open frame, and close it."""
        self._executive.close()
        self._journal.flush()

    def run(self) -> Records:
        """Run the open frame to its end. Returns the INTENT records of the orders to send now, in order."""
        self.close_frame()
        return self._state.intents

    def snapshot(self) -> CoreState:
        """All that later frames depend on, between two frames; with what still waits, it can be gone on from.

        :raises LifecycleError: within a frame, and when a task is yet to be left out for an overrun.
        """
        if self._executive.phase is not Phase.IDLE:
            raise LifecycleError(
                f"a snapshot is taken between two frames; the executive is {self._executive.phase.value}"
            )
        if self._executive.owes:
            raise LifecycleError("no snapshot is taken before an overrun has been made up for")
        return CoreState(self._state, self.instruments, self._executive.frame)

    def last_state(self) -> CoreState:
        """As :meth:`snapshot`, for an era that begins anew: an overrun is made up for no more."""
        return CoreState(self._state, self.instruments, self._executive.frame)

    def resume(self, state: CoreState, waiting: Iterable[Message]) -> None:
        """Go on from a snapshot. ``waiting`` are the inputs that it had accepted after its last frame.

        Only a core that has not been told anything can; it and the snapshot then share their state.
        """
        self._executive.resume(state.frame)
        self._state, self.instruments = state.state, state.instruments
        for message in waiting:
            self._push(message)
        self._gate = Gate(self._state.strategy, self.instruments, self.settings, self._waiting)

    def journal_to(self, journal: Sink) -> None:
        """Write to another journal from now on, and tell it by itself when calibrations come into force."""
        self._journal, self.calibrations_given = journal, False
        self._gate.begin_anew()

    def watch_with(self, watch: Watch | None) -> None:
        """Find overruns by another watch from now on."""
        self._executive.watch = watch

    def calibrate_with(self, calibrator: Calibrator) -> None:
        """Leave fits to another calibrator from now on; what is pending is asked of it anew."""
        self._calibrator.close()
        self._calibrator = calibrator

    def stop(self) -> None:
        """End the run: what still waits stays unhandled, and no frame can follow."""
        self._executive.stop()
        self._calibrator.close()
        self._journal.flush()

    @property
    def calibrations_pending(self) -> frozenset[int]:
        """Underlyings whose models were asked for and are not in force."""
        return frozenset(self._state.calibrations)

    @property
    def owes(self) -> bool:
        """Whether an overrun has yet to be made up for."""
        return self._executive.owes

    @property
    def in_frame(self) -> bool:
        """Whether a frame is open."""
        return self._executive.phase is Phase.IN_FRAME

    @property
    def at_rest(self) -> bool:
        """Whether a snapshot tells all: nothing waits, works, is in doubt or pending, and no frame is open."""
        if self._executive.phase is not Phase.IDLE or self._executive.owes:
            return False
        return not (self._waiting or self._state.calibrations or self.orders_working or self._gate.doubts)

    @property
    def last_frame(self) -> int:
        """Time of the frame that is open, or of the last that was; -1 before the first."""
        return self._executive.frame.time

    @property
    def table(self) -> FrameTable:
        """The frame's table and the proof that it fits."""
        return self._executive.schedule.table

    @property
    def slot_trace(self) -> SlotTrace:
        """Which task ran in which frame so far."""
        return self._executive.trace

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

    @property
    def amendments(self) -> Records:
        """AMENDMENT records of this frame, which are to be acted on before its orders are sent."""
        return self._state.amendments

    @property
    def target_quantities(self) -> dict[int, int]:
        """Quantities by instrument that this frame has come to, or the last one came to."""
        if not self.in_frame:
            return self._state.strategy.target_quantities
        return {target.instrument: target.quantity for target in tasks.final_targets(self._state)}

    @property
    def external(self) -> External:
        """What models of the host decide in the place of the core's own."""
        return self._state.strategy.external

    def contracts_open(self, underlying: int) -> list[int]:
        """Numbers of the contracts of one underlying that are held, or may be once orders still working are filled.

        An engine tells them with each session's contracts, whether or not they would be selected again.
        """
        return self._state.strategy.contracts_open(underlying)

    @property
    def policy_told(self) -> Records:
        """POLICY records of the learned policy of this era, taken in or not; none where none was told."""
        return self._gate.policy_told

    @property
    def cash(self) -> float:
        """Cash, as order events, dividends, splits and the broker's interest add up once what waits is taken in.

        What is left of a share in a split that waits counts nothing yet.
        """
        return self._state.strategy.ahead(self._waiting).portfolio.cash

    @property
    def steering(self) -> Steering:
        """What a person asks of the book, as all that was let in says, taken in or not."""
        return self._gate.steering

    @property
    def halts(self) -> set[HaltCause]:
        """What the book is halted for, once what waits is taken in; by losses as the last frame measured them."""
        return halts_ahead(self._state.strategy, self.settings, self._waiting)

    @property
    def losses(self) -> dict[str, tuple[float, float]]:
        """By the setting, what is lost and what may be, once what waits is taken in; money."""
        return losses_ahead(self._state.strategy, self.settings, self._waiting)

    @property
    def wants_reconciliation(self) -> bool:
        """Whether the broker said what does not fit what was sent, and both have not been reconciled since."""
        return self._gate.unreconciled

    def _push(self, message: Message) -> None:
        if message.kind is Kind.CALIBRATION:
            for number in message.records["underlying"].tolist():
                if (pending := self._state.calibrations.get(number)) is not None:
                    pending.announced = True
        self._waiting.append(message)

    def _tell_calibrations(self, time: int) -> None:
        """Put in the calibrations that come into force with a frame at ``time``; a replay is told them instead."""
        if self.calibrations_given:
            return
        for number in self._state.strategy.underlyings:
            pending = self._state.calibrations.get(number)
            if pending is not None and not pending.announced and self._calibrator.ready(pending, time):
                row = records(Kind.CALIBRATION, underlying=number, number=pending.number)
                self.admit_recorded(Message(Kind.CALIBRATION, time, row))

    # The tasks -----------------------------------------------------------------------------------------------------

    def _task(self, plan: TaskPlan) -> Task:
        """The task of a plan, which does nothing in a frame without news."""
        task = FrameTask.of(plan)

        def run(frame: Frame) -> None:
            if self._state.news:
                self._decide(task.step if self.followed is None else task.followed, frame)

        degraded = task.degraded if plan.on_overrun is OverrunPolicy.DEGRADE else None
        return Task(plan, run, None if degraded is None else partial(self._decide, degraded))

    def _decide(self, step: Step, frame: Frame) -> None:
        for kind, decision in step(Work(self._state, self._waiting, self._calibrator, self.followed or ()), frame):
            if len(decision):
                message = Message(kind, frame.time, decision)
                self._journal.append(message)
                if kind in (Kind.INTENT, Kind.AMENDMENT):
                    self._gate.follow(message)

    def _tell_overrun(self, frame: Frame, overrun: Overrun) -> None:
        row = records(Kind.OVERRUN, task=overrun.task.encode())
        for name in ("frame", "elapsed", "budget", "cause", "policy"):
            row[name] = getattr(overrun, name)
        self.remark(Message(Kind.OVERRUN, frame.time, row))
