"""The core in a process of its own: frames by the real clock, inputs and orders through shared memory.

Its time is its own (live trading), or its host tells it which frame comes next (a backtest, which waits for each
answer); a frame is released at a real time either way. A process that was killed goes on from its journal: it decides
everything again, compares, and takes up the ring where it stood, no message lost and none taken twice.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from alo_lib.core.deciding import program
from alo_lib.core.frame_plan import FRAME_PLAN
from alo_lib.core.snapshot import pack
from alo_lib.core.trading import Sink, TradingCore
from alo_lib.executive import BudgetWatch, Clock, Lifecycle, OverrunPolicy, RealClock, TaskPlan
from alo_lib.executive.releases import ReleaseLog
from alo_lib.journal import Clocks, Durability, JournalError, JournalFolder, JournalWriter, messages_of
from alo_lib.records import SECOND, Kind, Message, bits_of
from alo_lib.runtime.answers import Answers, orders_refused, undelivered, undelivered_at
from alo_lib.runtime.background_calibrator import BackgroundCalibrator
from alo_lib.runtime.command_desk import CommandDesk
from alo_lib.runtime.follower import Follower
from alo_lib.runtime.frame_clock import ClockError, WallClock, offset_of
from alo_lib.runtime.intake import Intake
from alo_lib.runtime.link import HEARTBEAT, Channel, CorePhase, is_host_end
from alo_lib.runtime.outbox import Outbox
from alo_lib.runtime.resumption import Beginning, begin
from alo_lib.runtime.same_settings import settings_mark
from alo_lib.runtime.showing import Showing
from alo_lib.settings import Settings
from alo_lib.telemetry import EngineKind, RunPhase, RunTold
from alo_lib.transport import Reading, TransportError

__all__ = ["ChannelGoneError", "CoreProcess", "Ending", "plans_of"]

_EDGES: Final[dict[tuple[CorePhase, str], CorePhase]] = {
    (CorePhase.STARTING, "run"): CorePhase.RUNNING,
    (CorePhase.STARTING, "stop"): CorePhase.STOPPED,
    (CorePhase.STARTING, "fail"): CorePhase.FAILED,
    (CorePhase.RUNNING, "stop"): CorePhase.STOPPED,
    (CorePhase.RUNNING, "fail"): CorePhase.FAILED,
}
_SLACK: Final = 4_000_000
"""Nanoseconds to the next release from which there is time to collect garbage, and to write a snapshot."""

_SNAPSHOT_EVERY: Final = 1_000
"""Frames, at the least, between two snapshots."""


class ChannelGoneError(TransportError):
    """The channel was removed, or another one put in its place: nobody can find this core any more."""


class Ending(NamedTuple):
    """What a process did, told when it ends."""

    frames: int  # released
    run: int  # of which had news
    overruns: int
    missed: int
    slot_trace: str  # digest of the slots that this process ran


def plans_of(plans: Sequence[TaskPlan], *, paced: bool) -> Sequence[TaskPlan]:
    """The plans that a core process runs by: where its host waits for each frame nothing is left out for overruns."""
    return [replace(plan, on_overrun=OverrunPolicy.FINISH) for plan in plans] if paced else plans


class CoreProcess:
    """A trading core between a channel and a journal folder, which it makes or continues.

    In the journal's place may stand who has followed it: what that has decided again is not decided once more.
    ``paced`` makes the host tell the time of frames; it waits for each, so overruns are journaled but nothing is left
    out for them.

    :raises NotOwnerError: when the channel has a core.
    :raises JournalError: for a journal that cannot be continued.
    :raises SettingsError: when it was written under other settings.
    :raises ScheduleError: for plans that do not fit.
    :raises ClockError: for a machine whose clock is wrong beyond doubt, where frames are of its time.
    """

    def __init__(
        self,
        settings: Settings,
        channel: Channel,
        journal: Path | Follower,
        *,
        paced: bool = False,
        durability: Durability = Durability.GROUP,
        plans: Sequence[TaskPlan] = FRAME_PLAN,
        clock: Clock | None = None,
        wall: WallClock | None = None,
    ) -> None:
        self.settings = settings
        self.findings: tuple[str, ...] = ()
        self.releases = ReleaseLog()
        self._paced = paced
        self._clock: Clock = RealClock() if clock is None else clock
        self._wall = WallClock() if wall is None else wall
        self._channel = channel
        length = settings.frame_nanoseconds
        self._inputs, outputs, self._heart, self._taking, taken = channel.core_side()
        self._fence = channel.fence()
        self._desk = CommandDesk(*channel.command_side(), self._clock)
        self._intake = Intake(
            self._inputs, self._taking, paced=paced, length=length, wall=self._wall, beat=self._go_on_beating
        )
        self._answers = Answers(outputs, length)
        self._lifecycle = Lifecycle("the core process", CorePhase.STARTING, _EDGES)
        self._stopping = False
        self._frames = self._run = self._missed = 0
        self._kept = self._kept_at = 0  # frames with news, and frames, when the last snapshot was kept
        self._cause = self._doubts = 0
        self._beat = np.zeros(1, HEARTBEAT)
        self._held = ExitStack()
        for side in (self._inputs, self._answers, self._heart, self._taking, self._desk):
            self._held.callback(side.close)
        plans = plans_of(plans, paced=paced)
        self._last_time = -1
        unseen: list[str] = []
        followed, journal = (journal, journal.folder) if isinstance(journal, Follower) else (None, journal)
        told = RunTold(channel.folder.name, EngineKind.CORE, True, length, plans, journal)
        self._showing = Showing(channel.folder, told, unseen.append)
        self._pulse(0, 0, 0)
        try:
            self._offset, _ = self._utc_offset()
            journal.parent.mkdir(parents=True, exist_ok=True)
            place = JournalFolder(journal, program(), durability=durability, clocks=Clocks())
            self._snapshots = place.snapshots
            place.known = () if followed is None else followed.checked
            warm = None if followed is None else followed.warm
            self._begin(begin(settings, place, adopts=not paced, warm=warm), plans, taken)
        except BaseException:
            self._lifecycle.move("fail")
            self._pulse_phase()
            self.close()
            raise
        self._beat["epoch"] = self._outbox.journal.epoch  # known to the host before the first answer of this term
        self._pulse_phase()
        self._core.refusals.host = lambda: self._intake.host
        self._unprepared = ""
        self._showing.begin(self._core, BudgetWatch())
        self.findings = (*self.findings, *unseen)
        if not paced:
            self._core.calibrate_with(BackgroundCalibrator(settings.calibration_nanoseconds))
        channel.journal.unlink(missing_ok=True)
        channel.journal.symlink_to(journal.absolute())

    @property
    def core(self) -> TradingCore:
        """The core that it drives."""
        return self._core

    @property
    def phase(self) -> CorePhase:
        """Where it stands."""
        return self._lifecycle.phase

    def tell(self, hear: Callable[[str], None]) -> None:
        """Let somebody hear, in sentences, what people should know while it runs."""
        self._core.refusals.hear = hear

    def stop(self) -> None:
        """End after the frame that is open; for signal handlers."""
        self._stopping = True

    def run(self, frames: int | None = None) -> Ending:
        """Release frames until it is stopped, its host ends, or ``frames`` have been released.

        Whatever fails ends the process, for good and with the journal readable: an overrun whose policy is to stop
        (OverrunError), a journal that does not take what it is given (JournalError), a ring that is damaged
        (TransportError). So does a channel that is gone (ChannelGoneError) and a clock that inputs show to be wrong
        (ClockError), but in good order: all that was taken in is decided, and the journal is closed.
        """
        length, offset = self.settings.frame_nanoseconds, self._offset
        deadline = -(-(self._clock.now() + offset + length) // length) * length - offset
        self._lifecycle.move("run")
        self._showing.run()
        try:
            if not self._paced and self._last_time > 0:
                self._answer_if_not_given(self._last_time)
            while not self._stopping and (frames is None or self._frames < frames):
                self._look_around()
                self.releases.begin()
                release = self._clock.wait_until(deadline)
                self.releases.add((deadline + offset) // length, release)
                missed = release.late // length
                deadline += missed * length
                self._frames += 1
                self._missed += missed
                self._showing.released(release, missed)
                self._fence.look()
                self._pulse((deadline + offset) // length, deadline + offset, release.released)
                if self._paced:
                    self._paced_frame()
                else:
                    if missed or release.began > release.deadline:  # the frame before ran into this one, or beyond it
                        self._core.tell_late(deadline + offset, lateness=release.late, missed=missed)
                    self._own_frame(deadline + offset)
                deadline += length
                if deadline - self._clock.now() > _SLACK:
                    gc.collect(0)
                    self._outbox.flush()  # a frame without news does not
                    self._tell_unprepared()
                    self._save_snapshot()
                    self._showing.rest()
            self._fence.look()  # before the journal's end, too
            self._close_journal()
        except BaseException as error:
            self._lifecycle.move("fail")
            self._pulse_phase()
            if isinstance(error, ChannelGoneError | ClockError):  # between two frames
                self._close_journal()
            else:
                self._outbox.journal.abandon()
            raise
        self._lifecycle.move("stop")
        self._pulse_phase()
        self._showing.end(RunPhase.STOPPED)
        return Ending(self._frames, self._run, self._outbox.overruns, self._missed, self._core.slot_trace.digest)

    def _close_journal(self) -> None:
        self._core.stop()
        self._outbox.journal.close()

    def close(self) -> None:
        """Give the channel up, and the journal of a core that has not run, so that another core may have them."""
        self._showing.end(RunPhase.FAILED)  # unless it has ended before
        self._held.close()

    # Frames ----------------------------------------------------------------------------------------------------------

    def _own_frame(self, time: int) -> None:
        self._take_in(time)
        if self._core.open_frame(time):
            self._decide(time)

    def _paced_frame(self) -> None:
        """Take in what waits, up to the next frame that the host tells; decide and answer it."""
        self._take_in(self._last_time)
        message = None if self._stopping else self._intake.next_frame(self._last_time)
        if message is None:
            return
        if message.time > self._last_time and self._core.open_frame(message.time):
            self._decide(message.time)
        elif message.time == self._last_time:  # decided before a restart
            self._answer_if_not_given(message.time)
        else:
            self._outbox.decisions.clear()
            self._answer(message.time)
        self._intake.give_frame_back()

    def _take_in(self, time: int) -> None:
        parcel = self._intake.parcel(time)
        self._intake.take(parcel, self._put, self._journal_end)
        for refused in parcel.frames:
            self._answers.give(refused, ())
        self._stopping = self._stopping or self._intake.ended
        self._desk.take(self._core, max(time, 0))

    def _put(self, message: Message) -> None:
        if message.kind.is_remark:
            self._core.remark(message)
        else:
            self._core.accept(message)

    def _journal_end(self) -> tuple[int, int]:
        return self._outbox.journal.sequence, self._outbox.journal.checksum

    def _decide(self, time: int) -> None:
        self._outbox.decisions.clear()
        self._core.run()
        self._run += 1
        self._last_time = time
        self._answer(time)

    def _answer(self, time: int) -> None:
        """Give the host what the frame at ``time`` decided; where there is no room, its orders count as refused.

        So an order is sent once or is known not to be. A host that comes back finds them so in the journal.
        """
        self._fence.look()  # this process may have been stopped since the frame began
        decisions = self._outbox.decisions
        if self._answers.give(time, decisions):
            self._showing.sent()
            return
        self._answers.undelivered += 1
        self._core.remark(undelivered(time, decisions, self._answers.reader))
        self._refuse(orders_refused(time, decisions))
        self._answers.give(time, ())  # a host that waits for this frame need not wait longer, if there is room for that

    def _answer_if_not_given(self, time: int) -> None:
        """After a restart: what the process before this one gave whole may be sent by now, and is not given again."""
        if not self._answers.given(time):
            self._answer(time)

    def _refuse(self, events: Sequence[Message]) -> None:
        self._outbox.decisions.clear()
        for event in events:
            self._core.accept(event)

    def _save_snapshot(self) -> None:
        """Keep the state, where frames with news have changed it since the last one was kept, or a person wants it."""
        asked, due = self._desk.wants_snapshot, self._frames >= self._kept_at + _SNAPSHOT_EVERY
        if self._core.owes:
            self._desk.put_off(self._core)
            return
        if not (asked or (due and self._run != self._kept)):
            return
        self._kept, self._kept_at = self._run, self._frames
        journal = self._outbox.journal
        self._snapshots.save(journal.sequence, journal.checksum, pack(self._core.snapshot()))
        self._desk.kept(self._core, journal.sequence)

    def _tell_unprepared(self) -> None:
        why = self._outbox.journal.unprepared_because
        if why and why != self._unprepared:
            self._core.refusals.hear(f"{why}; the core goes on, and waits longer for the disk")
        self._unprepared = why

    def _look_around(self) -> None:
        """Once a second: who looks for this core must find it, and who goes on from its journal must find that.

        :raises ChannelGoneError: where nobody would.
        :raises JournalError: where nobody would find the journal, of which all is on disk.
        """
        if self._frames % max(SECOND // self.settings.frame_nanoseconds, 1):
            return
        if not self._channel.in_place:
            raise ChannelGoneError(
                f"the channel {self._channel.folder} was removed or replaced: no host can find this core; start it anew"
            )
        if self._outbox.journal.gone_because:
            self._close_journal()  # which says so

    # Heartbeat -------------------------------------------------------------------------------------------------------

    def _pulse(self, frame: int, time: int, released: int) -> None:
        beat = self._beat[0]
        beat["frame"], beat["time"], beat["monotonic"] = frame, time, released
        beat["length"], beat["paced"] = self.settings.frame_nanoseconds, self._paced
        beat["settings"] = settings_mark(self.settings) if not beat["settings"] else beat["settings"]
        beat["run"], beat["missed"] = self._run, self._missed
        beat["conflated"] = self._intake.dropped
        beat["undelivered"] = self._answers.undelivered
        if frame:
            beat["doubts"], beat["halts"] = self._cause_to_reconcile(released), bits_of(self._core.halts)
            beat["refused"] = self._intake.refused + self._core.refusals.count
            beat["overruns"] = self._outbox.overruns
            beat["sequence"], beat["durable"] = self._outbox.journal.sequence, self._outbox.journal.durable
        self._pulse_phase()

    def _cause_to_reconcile(self, now: int) -> int:
        """When the last cause to reconcile was found, on the machine's clock: no process has told of another one so."""
        doubts = self._core.refusals.doubts
        if not self._core.wants_reconciliation:
            self._cause = 0
        elif not self._cause or doubts != self._doubts:
            self._cause = now
        self._doubts = doubts
        return self._cause

    def _go_on_beating(self) -> None:
        """Between two inputs: this process lives, however long it takes to take them in.

        :raises FencedError: where it does so no more, having been stopped since the frame began.
        """
        now = self._clock.now()
        if now - self._beat["monotonic"][0] >= self.settings.frame_nanoseconds:
            self._fence.look()
            self._beat["monotonic"] = now
            self._heart.write(self._beat)

    def _pulse_phase(self) -> None:
        self._beat["phase"] = list(CorePhase).index(self.phase)
        self._heart.write(self._beat)

    # Beginning and going on ------------------------------------------------------------------------------------------

    def _begin(self, beginning: Beginning, plans: Sequence[TaskPlan], taken: Reading) -> None:
        """Make the core, and take up the ring where it stands."""
        recorded = beginning.recorded
        self._showing.know(recorded)
        if any(is_host_end(message) for _, message in messages_of(recorded, Kind.EVENT)):
            beginning.place.release()
            raise JournalError(f"journal {beginning.place.name} is of a run that has ended; name another folder")
        last = next((i for i in range(len(recorded) - 1, -1, -1) if recorded[i].kind is Kind.FRAME), None)
        findings = [] if last is None else self._follow(recorded[last].time)
        self._core = beginning.decided_again(self._answering, plans)
        self._last_time = self._core.last_frame
        if beginning.fresh:
            self._intake.forget()
            self.findings = (*beginning.findings, *self._drop_leavings())
            return
        if last is not None:
            since = recorded[last:]
            rest = [message for message in since if message.kind.is_decision]
            self._outbox.decisions[:0] = rest  # the end of a frame that was cut off has been decided by now
            if undelivered_at(since):
                self._refuse(orders_refused(self._last_time, rest, since))
        again = self._intake.resume(taken, len(recorded), beginning.holds, self._put, self._journal_end)
        self._stopping = self._intake.ended
        self.findings = (
            *beginning.findings,
            self._last_news,
            *findings,
            *(("a message that was journaled and still in the ring was not taken again",) if again else ()),
        )

    def _utc_offset(self, last: int = -1) -> tuple[int, str]:
        """Of UTC from the monotonic clock, for as long as this runs, and what is odd about it.

        A host that tells the time of frames needs no clock.
        """
        now, utc = self._clock.now(), self._wall.utc()
        return (utc - now, "") if self._paced else offset_of(now, utc, last)

    def _follow(self, last: int) -> list[str]:
        """Let frames follow the journal's last one; returns what was found."""
        self._offset, finding = self._utc_offset(last)
        return [finding] if finding else []

    def _answering(self, writer: JournalWriter) -> Sink:
        self._held.callback(writer.abandon)  # one that was closed stays so
        self._outbox = Outbox(writer)
        return self._showing.sink(writer, self._outbox)

    def _drop_leavings(self) -> Iterator[str]:
        """A journal begins with nothing in the ring: what an earlier core left there belongs to an earlier run."""
        if count := self._intake.drop_all():
            yield f"{count} messages of an earlier run were left in the ring; they were dropped"

    @property
    def _last_news(self) -> str:
        """When the last frame with news began, in a sentence."""
        if self._last_time < 0:
            return "no frame has had news yet"
        return f"the last frame with news began at {np.datetime64(self._last_time, 'ns').astype('datetime64[ms]')} UTC"
