"""A run's beginning: a new journal, or the one that an earlier process has left and this one goes on from.

A live run may go on under other settings, or by another program: then another era of the journal begins, with the state
that the last one came to. A backtest may not: half of it would be of one kind and half of another.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from alo_lib.core.adoption import adopted, adoption, differences, fitted
from alo_lib.core.deciding import program
from alo_lib.core.frame_plan import FRAME_PLAN
from alo_lib.core.snapshot import unpack
from alo_lib.core.trading import CoreState, Sink, TradingCore
from alo_lib.executive import TaskPlan
from alo_lib.journal import (
    Era,
    Found,
    Journal,
    JournalError,
    JournalPlace,
    JournalWriter,
    Snapshot,
    WriterStart,
    entry_checksum,
    eras_of,
    messages_of,
    start_after,
)
from alo_lib.records import HostEvent, Kind, Message, Records, remark
from alo_lib.records.spelling import spelled
from alo_lib.runtime.following import core_of_era, inputs_waiting
from alo_lib.runtime.market_record import MarketRecord, record_of_journal
from alo_lib.runtime.policy_file import PolicyOfEra, Stored, nothing_stored, policy_of_era
from alo_lib.runtime.replay import Continuation, Replayer
from alo_lib.runtime.same_settings import SETTINGS_OF_PLACE, known_settings_of, require_same_settings, with_place_of
from alo_lib.settings import Settings

__all__ = ["Beginning", "begin", "behind", "inputs_waiting"]


class _Before(NamedTuple):
    """What the last era of a journal was decided by, where a live run goes on from it."""

    era: Era
    settings: Settings
    different: str  # settings, in words; empty where none does


class Beginning:
    """Where a run begins: with nothing recorded, or behind what an earlier process has journaled.

    The host puts the recorded inputs in again (:meth:`core`), or the journal does (:meth:`decided_again`); the core
    comes to the same state either way. Nothing is written before :attr:`writer` is asked for.
    """

    def __init__(
        self,
        settings: Settings,
        place: JournalPlace,
        found: Found | None,
        snapshot: Snapshot | None,
        *,
        before: _Before | None = None,
        adopts: bool = False,
        warm: Replayer | None = None,
        stored: Stored = nothing_stored,
    ) -> None:
        """``warm`` has decided again what is recorded up to its place already; ``stored`` may have a policy."""
        self.settings = settings
        self._before = before
        self._warm = warm
        self._stored = stored
        self._policy: Records | None = None  # that the era which begins hedges by, where it is to be told
        self._told_now: list[Message] = []
        self._program = program() if adopts else ""  # who adopts nothing need not be known
        self.place = place
        self.snapshot = snapshot
        self.recorded: Sequence[Message] = () if found is None else found.journal.messages
        self.start = 0 if snapshot is None else snapshot.sequence  # of what has to be decided again
        self.findings: list[str] = []
        self._found = found
        if found is not None:
            known = f"{self.start} are in a snapshot" if warm is None else f"{warm.place} were followed"
            holds = f"{len(self.recorded)} messages hold, of which {known}"
            self.findings = [*found.findings, f"{holds}; the others are decided again"]

    @property
    def fresh(self) -> bool:
        """Whether no earlier process has begun a journal."""
        return self._found is None

    @cached_property
    def writer(self) -> JournalWriter:
        """The journal's, at its beginning or behind what is recorded.

        :raises JournalError: where it cannot be begun or continued.
        """
        written = self.settings.model_dump_json().encode()
        if self._found is None:
            return self.place.writer(written, WriterStart(), self._program)
        if self._before is None or not (self._before.different or self._policy is not None):
            written = self._found.journal.settings
        return self.place.writer(written, start_after(self._found.journal), self._program)

    def holds(self, sequence: int, checksum: int) -> bool:
        """Whether the entry before ``sequence`` is recorded, and is the one with this checksum; 0 before the first."""
        if self._found is None or not 0 <= sequence <= len(self.recorded):
            return False
        return (entry_checksum(self._found.journal, sequence) if sequence else 0) == checksum

    @property
    def left_out(self) -> frozenset[int]:
        """Sequences of what is recorded and counts no more."""
        return frozenset() if self._found is None else self._found.journal.left_out

    @property
    def told(self) -> MarketRecord:
        """What the recorded inputs, and those of this start, tell of who put them in."""
        told = MarketRecord() if self._found is None else record_of_journal(self._found.journal)
        for message in self._told_now:
            told.record(message)
        return told

    def core(self, journal: Sink, state: CoreState | None, plans: Sequence[TaskPlan] = FRAME_PLAN) -> TradingCore:
        """A core as the snapshot, of which ``state`` is the core's part, has left it; it writes to ``journal``."""
        core = TradingCore(self.settings, journal, plans=plans)
        if state is not None:
            core.resume(state, inputs_waiting(self.recorded, self.start, self.left_out))
        return core

    def decided_again(
        self, sink: Callable[[JournalWriter], Sink] = lambda writer: writer, plans: Sequence[TaskPlan] = FRAME_PLAN
    ) -> TradingCore:
        """A core that has decided all that is recorded again, compared it, and goes on behind it in ``sink``.

        A frame that was cut off is decided to its end, and what it decides is journaled now: nothing of it was sent.

        Live, another era begins where settings or the learned policy differ, or this is another program that decides
        otherwise.

        :raises DivergenceError: when this program decides otherwise, with the journal as it was.
        :raises AdoptionError: where the last era's state cannot be gone on from, likewise.
        :raises PolicyError: where the policy that it is to hedge by cannot be had, likewise.
        """
        try:
            core, extra, why = self._recorded_again(plans)
            switch = None if not why else self._switched(core, why)
        except BaseException:
            self.place.release()
            raise
        journal = sink(self.writer)
        for message in extra:
            journal.append(message)
        if extra:
            self.findings.append(f"the last frame was cut off; {len(extra)} messages of it were decided now")
        if switch is not None:
            core = self._in_another_era(switch, journal, [*self.recorded, *extra], plans)
        core.journal_to(journal)
        if self._policy is not None:
            self._told_now.append(Message(Kind.POLICY, max(core.last_frame, 0), self._policy))
            core.accept(self._told_now[-1])
        core.watch_with(None)
        return core

    def _recorded_again(self, plans: Sequence[TaskPlan]) -> tuple[TradingCore, list[Message], str]:
        """The core behind all that is recorded, what it decided beyond that, and why another era begins, in words."""
        if self._found is None:
            return self.core(Continuation(()), None, plans), [], ""
        before = self._before
        replayer = self.replayer(plans)
        for _ in replayer.frames():
            pass
        core, why = replayer.core, [*replayer.unlike]
        if before is not None:
            begun = any(True for _ in messages_of(self.recorded, Kind.SESSION))
            if self._warm is not None and not before.different and len(core.policy_told):
                policy = PolicyOfEra(core.policy_told.copy())  # who takes over does not ask what the file is by now
            else:
                policy = policy_of_era(before.settings, self.settings, core.policy_told, self._stored, begun=begun)
            why = [each for each in (before.different, policy.different) if each] + why
            if why or (begun and not len(core.policy_told)):  # else it was told, or a host tells it
                self._policy = policy.records
            self.findings += policy.findings
        return core, replayer.continuation.extra, "; ".join(why)

    def replayer(self, plans: Sequence[TaskPlan] = FRAME_PLAN) -> Replayer:
        """What decides what is recorded again, from where it has to be."""
        assert self._found is not None
        if self._warm is not None:
            return self._warm
        core, adopting = self._core_before(plans), self._before is not None
        return Replayer(self._found.journal, core=core, start=self._start_of_era, adopting=adopting)

    @property
    def _adopted(self) -> CoreState | None:
        """What the last era adopted; None where it began with nothing."""
        before = self._before
        if before is None or not before.era.adopts:
            return None
        return adopted(self.recorded[before.era.first].records, before.settings)

    @property
    def _start_of_era(self) -> int:
        """Of what has to be decided again: behind the snapshot, or the last era's ADOPTION."""
        if self.snapshot is not None or self._before is None:
            return self.start
        return max(self.start, self._before.era.start)

    def _core_before(self, plans: Sequence[TaskPlan]) -> TradingCore:
        """A core as the last era's was where it has to be decided again."""
        settings = self.settings if self._before is None else self._before.settings
        if self.snapshot is not None:
            core = TradingCore(settings, Continuation(()), plans=plans)
            state = unpack(CoreState, self.snapshot.state, settings=settings)
            core.resume(state, inputs_waiting(self.recorded, self.start, self.left_out))
            return core
        if self._before is None or self._found is None:
            return self.core(Continuation(()), None, plans)
        return core_of_era(self._found.journal, self._before.era, settings, self._adopted, plans)

    def _switched(self, core: TradingCore, why: str) -> tuple[Message, str]:
        """The ADOPTION of what a core has come to, and what is told of it."""
        assert self._before is not None
        state = fitted(core.last_state(), self._before.settings, self.settings)
        strategy, time = state.state.strategy, max(core.last_frame, 0)
        count = {
            "trades": len(strategy.trades),
            "positions": len(strategy.holdings),
            "working orders": len(strategy.working),
        }
        book = ", ".join(f"{number} {what}" for what, number in count.items())
        limits = [f"{spelled(name)} {value:g}" for name, value in sorted(strategy.steering.limits.items())]
        still = f"; limits that a person has set still hold: {', '.join(limits)}" if limits else ""
        if self._policy is not None:
            still += f"; the learned policy is {self._policy['digest'][0].decode()[:16]}..."
        era = self._before.era.number + 1
        return adoption(state, time), f"era {era} of the journal begins with {book}: {why}{still}"

    def _in_another_era(
        self, switch: tuple[Message, str], journal: Sink, before: Sequence[Message], plans: Sequence[TaskPlan]
    ) -> TradingCore:
        """Journal the switch, and begin with what the journal has of it."""
        message, sentence = switch
        journal.append(message)
        journal.append(remark(HostEvent.ERA, message.time, sentence))
        self.findings.append(sentence)
        core = TradingCore(self.settings, journal, plans=plans)
        core.resume(adopted(message.records, self.settings), inputs_waiting(before, len(before), self.left_out))
        return core


def begin(
    settings: Settings,
    place: JournalPlace,
    *,
    adopts: bool = False,
    warm: Replayer | None = None,
    stored: Stored = nothing_stored,
) -> Beginning:
    """Begin a run where its journal is to be kept: with a new one, or behind the one that is there.

    This is the one way in which an embedded run, LEAN and a core process begin, whether or not an earlier process was
    killed. A run that ``adopts`` may go on under other settings, or by another program. What is ``warm`` has followed
    the earlier process; it is passed over where that has left another journal than was followed. A learned policy is
    in a file, or ``stored`` by that key.

    :raises JournalError: for a journal that is damaged, or that another process writes.
    :raises SettingsError: for one of other settings, where they are not adopted.
    """
    found = place.recover()
    if found is None:
        return Beginning(settings, place, None, None, adopts=adopts)
    try:
        if warm is not None and not _goes_on_in(found.journal, warm):
            warm = None
        return behind(settings, place, found, adopts=adopts, warm=warm, stored=stored)
    except BaseException:
        place.release()
        raise


def behind(
    settings: Settings,
    place: JournalPlace,
    found: Found,
    *,
    adopts: bool,
    warm: Replayer | None = None,
    stored: Stored = nothing_stored,
) -> Beginning:
    """Where a run begins behind what an earlier process has left, or writes still. Errors as of :func:`begin`."""
    before = None
    if adopts:
        era = eras_of(found.journal)[-1]
        written = with_place_of(known_settings_of(era.settings), settings)
        before = _Before(era, written, differences(written, settings, SETTINGS_OF_PLACE))
    else:
        require_same_settings(found.journal.settings, settings, place.name)
    snapshot = None if place.snapshots is None else place.snapshots.latest(found.journal)
    if snapshot is not None and before is not None and snapshot.sequence <= before.era.first:
        snapshot = None  # of an era that has ended
    return Beginning(settings, place, found, snapshot, before=before, adopts=adopts, warm=warm, stored=stored)


def _goes_on_in(journal: Journal, warm: Replayer) -> bool:
    """Whether a journal begins with the messages that were followed; then ``warm`` goes on in it."""
    place, followed = warm.place, warm.journal
    if not 0 < place <= len(journal.messages) or len(journal.messages) < len(followed.messages):
        return False
    if entry_checksum(journal, place) != entry_checksum(followed, place):
        return False
    try:
        warm.grow(journal)
    except JournalError:
        return False
    return True
