"""A run's beginning: a new journal, or the one that an earlier process has left and this one goes on from."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from alo_lib.core.frame_plan import FRAME_PLAN
from alo_lib.core.snapshot import unpack
from alo_lib.core.trading import CoreState, Sink, TradingCore
from alo_lib.executive import TaskPlan
from alo_lib.journal import (
    Found,
    JournalPlace,
    JournalWriter,
    Snapshot,
    WriterStart,
    entry_checksum,
    start_after,
)
from alo_lib.records import Kind, Message
from alo_lib.runtime.market_record import MarketRecord, market_record_of
from alo_lib.runtime.replay import Continuation, Replayer
from alo_lib.runtime.same_settings import require_same_settings
from alo_lib.settings import Settings

__all__ = ["Beginning", "begin", "inputs_waiting"]


class Beginning:
    """Where a run begins: with nothing recorded, or behind what an earlier process has journaled.

    The host puts the recorded inputs in again (:meth:`core`), or the journal does (:meth:`decided_again`); the core
    comes to the same state either way. Nothing is written before :attr:`writer` is asked for.
    """

    def __init__(self, settings: Settings, place: JournalPlace, found: Found | None, snapshot: Snapshot | None) -> None:
        self.settings = settings
        self.place = place
        self.snapshot = snapshot
        self.recorded: Sequence[Message] = () if found is None else found.journal.messages
        self.start = 0 if snapshot is None else snapshot.sequence  # of what has to be decided again
        self.findings: list[str] = []
        self._found = found
        if found is not None:
            holds = f"{len(self.recorded)} messages hold, of which {self.start} are in a snapshot"
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
        if self._found is None:
            return self.place.writer(self.settings.model_dump_json().encode(), WriterStart())
        return self.place.writer(self._found.journal.settings, start_after(self._found.journal))

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
        """What the recorded inputs tell of who put them in."""
        return market_record_of(self.recorded)

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

        :raises DivergenceError: when this program decides otherwise, with the journal as it was.
        """
        try:
            core, extra = self._recorded_again(plans)
        except BaseException:
            self.place.release()
            raise
        journal = sink(self.writer)
        for message in extra:
            journal.append(message)
        if extra:
            self.findings.append(f"the last frame was cut off; {len(extra)} messages of it were decided now")
        core.journal_to(journal)
        core.watch_with(None)
        return core

    def _recorded_again(self, plans: Sequence[TaskPlan]) -> tuple[TradingCore, list[Message]]:
        """The core behind all that is recorded, and what it decided beyond that."""
        state = None
        if self.snapshot is not None:
            state = unpack(CoreState, self.snapshot.state, settings=self.settings)
        core = self.core(Continuation(()), state, plans)
        extra: list[Message] = []
        if self._found is not None:
            replayer = Replayer(self._found.journal, core=core, start=self.start)
            for _ in replayer.frames():
                pass
            extra = replayer.continuation.extra
        return core, extra


def begin(settings: Settings, place: JournalPlace) -> Beginning:
    """Begin a run where its journal is to be kept: with a new one, or behind the one that is there.

    This is the one way in which an embedded run, LEAN and a core process begin, whether or not an earlier process was
    killed.

    :raises JournalError: for a journal that is damaged, or that another process writes.
    :raises SettingsError: for one of other settings.
    """
    found = place.recover()
    if found is None:
        return Beginning(settings, place, None, None)
    try:
        require_same_settings(found.journal.settings, settings, place.name)
        snapshot = None if place.snapshots is None else place.snapshots.latest(found.journal)
    except BaseException:
        place.release()
        raise
    return Beginning(settings, place, found, snapshot)


def inputs_waiting(messages: Sequence[Message], end: int, left_out: frozenset[int] = frozenset()) -> Iterator[Message]:
    """The inputs below a sequence that no frame below it took in, without those that are left out."""
    first = end
    while first > 0 and messages[first - 1].kind is not Kind.FRAME:
        first -= 1
    for sequence in range(first, end):
        message = messages[sequence]
        counts = not (message.kind.is_decision or message.kind.is_remark or sequence in left_out)
        if counts and not message.within:
            yield message
