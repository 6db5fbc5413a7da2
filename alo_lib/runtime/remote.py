"""The core as its host sees it when it decides in a process of its own: told and asked as a TradingCore is."""

import threading
import time as clocks
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

import numpy as np

from alo_lib.core.frame_plan import FrameTask
from alo_lib.core.gate import Gate
from alo_lib.core.known_book import KnownBook
from alo_lib.executive import LifecycleError
from alo_lib.journal import Journal, JournalError, eras_of, messages_of, read_journal
from alo_lib.records import (
    SECOND,
    HaltCause,
    InstrumentTable,
    Kind,
    Message,
    OrderReason,
    OrderStatus,
    Records,
    TargetStage,
    halts_of,
    records,
)
from alo_lib.runtime.intake import fault_of_rows
from alo_lib.runtime.link import FRAMES_LATE, Channel, CorePhase, Link, LinkPhase, host_ends
from alo_lib.runtime.market_record import MarketRecord, record_of_journal
from alo_lib.runtime.same_settings import met_settings, settings_mark
from alo_lib.settings import Settings, SettingsError
from alo_lib.strategy.external import External
from alo_lib.strategy.ledger import TOLD_ONCE
from alo_lib.strategy.portfolio import Portfolio
from alo_lib.strategy.state import StrategyState

__all__ = ["Hear", "RemoteCore"]

Hear = Callable[[LinkPhase, str], None]
"""Hears how the link to a core stands: its phase, and why, in a sentence."""

_OPENS_RISK: Final = (OrderReason.ENTRY,)
_PACED_FRAMES_LATE: Final = 500
"""A core that is paced takes for each as long as it takes; this is when its host wonders."""

_NAP: Final = 50e-6
"""Seconds between two looks for an answer."""

_LOOKS: Final = 100
"""At a journal that is being written."""

_FOLLOWED: Final = (
    *(Kind.INSTRUMENT, Kind.SESSION, *TOLD_ONCE, Kind.ORDER_EVENT, Kind.INTENT, Kind.AMENDMENT),
    *(Kind.HALT, Kind.EXTERNAL_STAGE, Kind.FRAME),
)
"""What an earlier host's core was told and has decided that this one follows."""


class _Answer(NamedTuple):
    """What the core decided in one frame."""

    time: int
    decisions: tuple[Message, ...]

    def of(self, kind: Kind) -> Records:
        """All records of a kind, in order."""
        return np.concatenate([records(kind, 0), *(each.records for each in self.decisions if each.kind is kind)])


class RemoteCore(KnownBook):
    """Pushes inputs, takes answers, and looks after the link.

    ``paced`` as in the core's process: the host tells each frame's time and waits for its answer, ``patience`` seconds
    at most, and as long for a core that is restarted meanwhile. Without it frames are the core's own, nothing is waited
    for, and :meth:`open_frame` opens the next one that was answered.

    Orders that open risk are refused on the core's behalf, as a broker would refuse them, when the core is late or gone
    or has left their frame more than two frames behind it (where frames are paced: when the host had stopped waiting).
    What reduces risk is still sent; where there are other hosts, once the core is heard again.
    """

    def __init__(
        self,
        settings: Settings,
        channel: Channel,
        *,
        paced: bool,
        patience: float = 60.0,
        hear: Hear = lambda phase, sentence: None,
        clock: Callable[[], int] = clocks.monotonic_ns,
    ) -> None:
        self.settings = settings
        self.instruments = InstrumentTable()
        frames_late = _PACED_FRAMES_LATE if paced else FRAMES_LATE
        self.link = Link(channel.heartbeat, hear, frames_late=frames_late, clock=clock)
        self._journal, self._hear = channel.journal, hear
        self._paced = paced
        self._patience = patience
        self._inputs, self._answers = channel.host_side()
        self._gate = Gate(StrategyState(portfolio=Portfolio(settings.cash)), self.instruments, settings)
        self._external = External()
        self._halts: set[HaltCause] = set()
        self._pushing = threading.Lock()
        self._partial: list[Message] = []
        self._ready: list[_Answer] = []
        self._answered = -1  # time of the last whole answer
        self._asked = -1
        self._pushed = False
        self._open = False
        self._reconciled = 0  # the last cause to reconcile that the host has done so for
        self._reconciling = 0  # the one that it does so for now
        self._frame = _Answer(-1, ())
        self._targets = records(Kind.TARGET, 0)
        self._sendable, self._amendments = records(Kind.INTENT, 0), records(Kind.AMENDMENT, 0)

    def attach(self, patience: float = 30.0) -> None:
        """Wait until the core runs, and watch it from then on when it keeps its own time: then its settings count.

        :raises TimeoutError: after ``patience`` seconds.
        :raises SettingsError: when its time is not the host's, or in a backtest its settings.
        """
        end = clocks.monotonic() + patience
        while self.link.look() is not LinkPhase.ATTACHED:
            if clocks.monotonic() > end:
                raise TimeoutError(f"no core runs after {patience:g} s; start one with 'alo core'")
            clocks.sleep(100 * _NAP)
        beat = self.link.beat
        differs = beat["settings"] != settings_mark(self.settings)
        if differs and self._paced:
            raise SettingsError("the core process runs under other settings than its host; start both with the same")
        if bool(beat["paced"]) is not self._paced:
            wanted = "to be paced by its host" if self._paced else "to keep its own time"
            raise SettingsError(f"the core process was not started {wanted}, as its host wants it")
        if differs:
            written = eras_of(self._journaled(0))[-1].settings
            self.settings, different = met_settings(written, self.settings)
            self._gate = Gate(StrategyState(portfolio=Portfolio(self.settings.cash)), self.instruments, self.settings)
            self._hear(self.link.phase, f"the core's settings count: {different}")
        if not self._paced:
            self.link.watch()
            return
        while self._answers.pop() is not None:  # of a run before this one
            pass

    def catch_up(
        self, hear: Callable[[Message], None] = lambda message: None, kinds: Collection[Kind] = ()
    ) -> tuple[MarketRecord, int]:
        """Know what an earlier host of a core that keeps its own time has told it, and what the core has decided.

        ``hear`` hears what is of ``kinds`` and counts. Returns what was told and how many messages there are. What the
        core had answered and nobody took is not given again: an order that the host does not know is found when both
        are reconciled. Only before anything else is done, and attached.

        :raises TimeoutError: when the core stops meanwhile.
        :raises JournalError: when its journal cannot be read.
        """
        self._wait_until(lambda: self._inputs.waiting == 0)  # what the earlier host has put in is journaled
        frame = int(self.link.beat["frame"])
        self._wait_until(lambda: int(self.link.beat["frame"]) > frame)
        count = int(self.link.beat["sequence"])  # as a frame is released: every one before it is whole
        journal = self._journaled(count)
        for place, message in messages_of(journal.messages, *kinds):
            if place < count and place not in journal.left_out:
                hear(message)
        for place, message in messages_of(journal.messages, *_FOLLOWED):
            if place >= count or place in journal.left_out:
                continue
            self._follow(message)
            if message.kind is Kind.FRAME:
                self._answered = message.time
        self._reconciled = self._reconciling = 0  # what the earlier host was about to do nobody does now
        return record_of_journal(journal), count

    def _journaled(self, count: int) -> Journal:
        """The core's journal once it has ``count`` messages; it is being written: a look may see half of an entry."""
        for _ in range(_LOOKS):
            try:
                journal = read_journal(self._journal.resolve(), unfinished=True)
            except JournalError:
                clocks.sleep(_NAP)
                continue
            if len(journal.messages) >= count:
                return journal
        return read_journal(self._journal.resolve(), unfinished=True)

    def _wait_until(self, reached: Callable[[], bool]) -> None:
        end = clocks.monotonic() + self._patience
        while not reached():
            if clocks.monotonic() > end:
                raise TimeoutError(f"the core has stopped; its journal is {self._journal}")
            clocks.sleep(_NAP)

    # What an engine does ---------------------------------------------------------------------------------------------

    def accept(self, message: Message) -> None:
        """Hand an input to the core, from any thread.

        :raises RingFullError: when it took none for a day's worth.
        :raises FencedError: as of :meth:`alo_lib.runtime.link.Link.require`.
        """
        self.link.require()
        with self._pushing:
            self._inputs.push(message)
            self._pushed = True
            admitted = self._gate.admit(message).message  # what the core, which asks the same, believes of it
            if admitted is not None and not fault_of_rows(message):
                self._follow(admitted)

    def overrule(self, message: Message) -> None:
        """Hand over what models of the host decided. The frame that is open is decided: it counts in the next one."""
        message.records["within"] = 0
        self.accept(message)

    def remark(self, message: Message) -> None:
        """Hand the core something to journal that no task reads, from any thread."""
        self.link.require()
        with self._pushing:
            self._inputs.push(message)

    def open_frame(self, time: int) -> bool:
        """Open the next frame that the core decided: the one at ``time`` where the host tells it.

        False when there is none: nothing was put in, or the core is late or gone. What it answers later comes with the
        next frame, without the orders that would open risk. Where the core keeps its own time there may be several.
        """
        if self._open:
            raise LifecycleError("the core cannot open: it is in a frame")
        self.link.look()
        if not self._paced:
            self._wait_for_own()
            return self.link.may_act() and self._begin_next()
        if self._pushed:
            with self._pushing:
                self._inputs.push(Message(Kind.FRAME, time, records(Kind.FRAME)))
                self._pushed = False
            self._wait_for(time)
        self._asked = time
        self._poll()
        return self._begin_next()

    def run_through(self, task: FrameTask) -> None:
        """The core has run the whole frame already."""
        self._needs_frame()

    def close_frame(self) -> None:
        """Leave the frame."""
        self._needs_frame()
        self._open = False

    def run(self) -> Records:
        """Leave the frame. Returns the INTENT records of the orders to send now, in order."""
        self.close_frame()
        return self._sendable

    def end(self, time: int) -> list[bytes]:
        """Tell the core of the host's end at ``time``, and wait for its process to close its journal.

        Returns the journal's segments.

        :raises TimeoutError: when it does not end within the host's patience.
        """
        self.remark(host_ends(time))
        end = clocks.monotonic() + self._patience
        while self.link.beat["phase"] != list(CorePhase).index(CorePhase.STOPPED):
            if clocks.monotonic() > end:
                raise TimeoutError(f"the core did not end within {self._patience:g} s; its journal is {self._journal}")
            clocks.sleep(_NAP)
        return [path.read_bytes() for path in sorted(self._journal.glob("*.segment"))]

    def stop(self) -> None:
        """Look after the core no more; its process goes on until it is stopped or told of the end."""
        self.link.close()
        self._inputs.close()
        self._answers.close()

    @property
    def in_frame(self) -> bool:
        """Whether a frame is open."""
        return self._open

    @property
    def decisions(self) -> tuple[Message, ...]:
        """All that the core decided in this frame."""
        return self._frame.decisions

    # What the core published -----------------------------------------------------------------------------------------

    @property
    def signals(self) -> Records:
        """SIGNAL records of this frame."""
        return self._frame.of(Kind.SIGNAL)

    @property
    def targets(self) -> Records:
        """TARGET records as sized, of the last frame that changed them."""
        return self._targets

    @property
    def limited(self) -> Records:
        """TARGET records of this frame that risk put in place of sized ones."""
        rows = self._frame.of(Kind.TARGET)
        limited: Records = rows[rows["stage"] != TargetStage.SIZED]
        return limited

    @property
    def intents(self) -> Records:
        """INTENT records of this frame that may be sent."""
        return self._sendable

    @property
    def amendments(self) -> Records:
        """AMENDMENT records of this frame, which are to be acted on before its orders are sent."""
        return self._amendments

    @property
    def target_quantities(self) -> dict[int, int]:
        """Quantities by instrument that the core's own models came to, in this frame or the last."""
        rows = np.concatenate([self.targets, self.limited])
        return dict(zip(rows["instrument"].tolist(), rows["quantity"].tolist(), strict=True))

    @property
    def external(self) -> External:
        """Which stages models of the host decide, as far as the core was told."""
        return self._external

    def contracts_open(self, underlying: int) -> list[int]:
        """Numbers of contracts of one underlying that are held or have an order working."""
        return self._gate.ledger.contracts_open(underlying)

    @property
    def halts(self) -> set[HaltCause]:
        """What the book is halted for, as a heartbeat said last: one that has released no frame yet does not know."""
        if self.link.beat["frame"]:
            self._halts = set(halts_of(int(self.link.beat["halts"])))
        return set(self._halts)

    @property
    def wants_reconciliation(self) -> bool:
        """Whether the core says that it does, for a cause that it was not reconciled for."""
        return int(self.link.beat["doubts"]) not in (0, self._reconciled)

    @property
    def cash(self) -> None:
        """Not known here: the ledger follows positions."""
        return None

    def _follow(self, message: Message) -> None:
        """Know what is held and on order, and who decides what, by what the core is told and what it decides."""
        self._gate.follow(message)
        if message.kind is Kind.INSTRUMENT:
            self.instruments.know(message.records)
        elif message.kind is Kind.EXTERNAL_STAGE:
            self._external.assign(message.records)
        elif message.kind is Kind.HALT:
            # What was refused after the host had begun is another cause, whatever the core is told of the first.
            reconciling = message.records[message.records["cause"] == HaltCause.RECONCILIATION]
            if reconciling["halted"].any():
                self._reconciling = int(self.link.beat["doubts"])
            elif len(reconciling):
                self._reconciled = self._reconciling

    # Answers ---------------------------------------------------------------------------------------------------------

    def _needs_frame(self) -> None:
        if not self._open:
            raise LifecycleError("the core needs an open frame; it is idle")

    def _wait_for(self, time: int) -> None:
        end = clocks.monotonic() + self._patience
        self._poll()
        while self._answered < time and clocks.monotonic() < end:
            self.link.look()
            clocks.sleep(_NAP)
            self._poll()

    def _wait_for_own(self) -> None:
        """Wait until the core, which keeps its own time, has answered what was put in: a few frames at the most.

        A host that came back for the answer at its own next event would find that it is too late to open risk.
        """
        pushed, self._pushed = self._pushed, False
        last, length = int(self.link.beat["time"]), self.settings.frame_nanoseconds
        end = clocks.monotonic() + (FRAMES_LATE + 1) * length / SECOND
        self._poll()
        while pushed and self._answered <= last and clocks.monotonic() < end:
            # The frame that was open may have taken it in; a later one then has nothing to answer.
            if self._answered == last and int(self.link.beat["time"]) >= last + FRAMES_LATE * length:
                break
            clocks.sleep(_NAP)
            self._poll()

    def _poll(self) -> None:
        """Take in what the core answered; an answer that was cut off, or that came before, is dropped."""
        while (message := self._answers.pop()) is not None:
            if message.kind is not Kind.FRAME:
                self._partial.append(message)
            elif message.records["frame"][0] >= 0:
                self._partial.clear()
            else:
                if message.time > self._answered:
                    self._answered = message.time
                    self._ready.append(_Answer(message.time, tuple(self._partial)))
                self._partial.clear()

    def _begin_next(self) -> bool:
        """Open the oldest answer; where the host tells the time, those before the one asked for are joined to it."""
        self._ready = [answer for answer in self._ready if answer.decisions]
        if not self._ready:
            return False
        if self._paced:
            answers, self._ready = self._ready, []
        else:
            answers = [self._ready.pop(0)]
        self._frame = answers[-1]
        self._open = True
        sendable = [records(Kind.INTENT, 0)]
        for answer in answers:
            rows = answer.of(Kind.TARGET)
            sized = rows[rows["stage"] == TargetStage.SIZED]
            if len(sized):
                self._targets = sized
            sendable.append(self._allowed(answer))
        self._sendable = np.concatenate(sendable)
        # What works at the host may be changed and canceled late, too.
        self._amendments = np.concatenate([answer.of(Kind.AMENDMENT) for answer in answers])
        return True

    def _allowed(self, answer: _Answer) -> Records:
        """The answer's orders, without those that would open risk too late; these are told as refused."""
        intents = answer.of(Kind.INTENT)
        for each in answer.decisions:
            self._follow(each)
        if not self._too_late(answer):
            return intents
        refused = np.isin(intents["reason"], _OPENS_RISK)
        for intent in intents[refused]:
            event = records(Kind.ORDER_EVENT, order=intent["order"], instrument=intent["instrument"])
            event["type"], event["status"] = intent["type"], OrderStatus.INVALID
            self.accept(Message(Kind.ORDER_EVENT, max(answer.time, self._asked), event))
        allowed: Records = intents[~refused]
        return allowed

    def _too_late(self, answer: _Answer) -> bool:
        if self._paced:
            return answer.time < self._asked
        if self.link.phase is not LinkPhase.ATTACHED:
            return True
        behind = int(self.link.beat["time"]) - answer.time
        return behind > FRAMES_LATE * self.settings.frame_nanoseconds
