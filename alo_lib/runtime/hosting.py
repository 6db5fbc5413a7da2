"""A core as LEAN hosts it, in LEAN's process or in one of its own: how it begins, when frames open, how it ends."""

import math
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from alo_lib.core.deciding import program
from alo_lib.core.frame_plan import PLANNED_FRAME
from alo_lib.core.protocol import Core
from alo_lib.core.trading import Sink
from alo_lib.executive import BudgetWatch
from alo_lib.journal import (
    JournalWriter,
    LiveObjectStoreJournal,
    ObjectStore,
    ObjectStoreJournal,
    messages_of,
    read_journal,
)
from alo_lib.journal.format import OBJECT_STORE_KEY
from alo_lib.records import MILLISECOND, HostEvent, Kind, OperatorCommand, Records, records, remark
from alo_lib.runtime.background_calibrator import BackgroundCalibrator
from alo_lib.runtime.command_rings import GRACE, PATIENCE, NoAnswerError, Outcome, ask_core
from alo_lib.runtime.incidents import HaltsHeard, NoticesHeard, OverrunsHeard, overruns_counted
from alo_lib.runtime.leadership import Alone, Leadership, leadership_of
from alo_lib.runtime.link import Channel, LinkPhase, channel_folder
from alo_lib.runtime.market_record import MarketRecord
from alo_lib.runtime.own_core import OwnCore, digest_told
from alo_lib.runtime.rehearsal import rehearse
from alo_lib.runtime.remote import RemoteCore
from alo_lib.runtime.resumption import Beginning, begin
from alo_lib.runtime.showing import Showing
from alo_lib.runtime.steering import Answer, Standing
from alo_lib.runtime.told_book import Telling, ToldBook
from alo_lib.runtime.turning import Turning
from alo_lib.runtime.whose_account import account_of, require_account
from alo_lib.settings import Settings
from alo_lib.telemetry import EngineKind, RunPhase
from alo_lib.transport import TransportError

__all__ = ["HostedCore", "Opened", "open_core"]

_PATIENCE: Final = 0.2
"""Seconds for an answer that nobody waits for."""

_PATIENCE_WITH_THE_LATE: Final = 0.5
"""Seconds that a core that is late may take to take a command: meanwhile its host does nothing else."""

_STANDS_BY: Final = "stands by until this host leads; LEAN's initialization-timeout ends that"

_TOLD: Final = (Kind.EXPOSURE, Kind.MARKET_STATE, Kind.LIMIT)
"""What a ToldBook follows; of a journal no other message is read for it."""

_HEARS: Final = (LinkPhase.ATTACHED, LinkPhase.LATE)
"""Phases of a link whose core may still take what it is asked; a late one often does so a frame later."""


class HostedCore(Protocol):
    """What a host does with a core besides telling and asking it. Times are ns UTC, of the host's clock."""

    @property
    def core(self) -> Core:
        """The core, to be told and asked."""

    @property
    def book(self) -> ToldBook:
        """What a live core has told of its book last."""

    @property
    def journaled(self) -> tuple[int, int]:
        """Messages journaled, and how many of them outlive this process."""

    def standing(self) -> Standing | None:
        """What the book's mode is; None where the core does not say."""

    @property
    def term(self) -> int:
        """The epoch in which the core's process writes the journal; 0 in a backtest (:mod:`alo_lib.runtime.terms`)."""

    @property
    def frames_follow_data(self) -> bool:
        """Whether frames are opened as data come, and not only when the host's schedule says."""

    def frames(self, time: int) -> Iterator[None]:
        """Open the frames that are there at ``time``, one after the other: the host runs each before the next."""

    def settle(self) -> None:
        """Make what a frame has decided outlive this process before its orders are sent.

        Else a process that goes on would not know of them, and would send others by the same numbers.
        """

    def keep(self, time: int) -> None:
        """Make what was journaled outlive this process, soon. Called between frames."""

    def steer(self, asked: Records, time: int) -> Answer:
        """Do what a person asks by an OPERATOR record; see :func:`~alo_lib.runtime.steering.steer`."""

    def end(self, time: int) -> list[str]:
        """The host ends: close what is its own. Returns what people should know, in sentences."""


class Opened(NamedTuple):
    """A core that can be told what comes next."""

    hosted: HostedCore
    told: MarketRecord  # by an earlier process of this host
    findings: list[str]  # of going on, in sentences; empty where nothing was gone on from


def open_core(
    settings: Settings,
    store: ObjectStore,
    *,
    live: bool,
    hear: Callable[[str], None],
    shown_in: Path | None = None,
    account: str = "",
) -> Opened:
    """The core that the settings name: one of this process, or the core process of that name.

    A backtest begins anew. Live, a core of this process goes on from its journal in ``store``, and a core process has
    gone on by itself; ``hear`` hears, in sentences, how its link stands and what a core of this process refuses. How
    such a core stands is shown in the folder ``shown_in``; a core process shows it in its channel. A journal of another
    ``account`` is not gone on from; where it is empty nobody knows.

    :raises JournalError: where a core cannot go on from its journal.
    :raises SettingsError: where that is of other settings.
    :raises DivergenceError: where it decides otherwise now.
    :raises TimeoutError: where no core process runs.
    :raises EtcdError: for files of etcd's https that cannot be read.
    :raises FencedError: where another host may lead by now.
    """
    if settings.core_process:
        return _attach(settings, store, live=live, hear=hear, account=account)
    leadership = leadership_of(settings, hear) if live else Alone()
    try:
        _lead(leadership, settings, hear)
        place = LiveObjectStoreJournal(store, program()) if live else ObjectStoreJournal(store, hear=hear)
        beginning = begin(settings, place, adopts=live, stored=store.read)
        require_account(account_of(beginning.recorded), account)
        showing = Showing.in_results(shown_in, EngineKind.LEAN, settings, store.path(OBJECT_STORE_KEY).parent, hear)
        return _begin_own(beginning, place, showing, leadership, live=live, hear=hear, account=account)
    except BaseException:  # nobody leads until this process ends, else
        leadership.end()
        raise


def _lead(leadership: Leadership | Alone, settings: Settings, hear: Callable[[str], None]) -> None:
    """Lead, of all hosts; until then this process is got ready.

    :raises FencedError: where it has lost it at once.
    """
    if isinstance(leadership, Leadership):
        rehearse(settings)
        hear(_STANDS_BY)
    leadership.begin()
    leadership.wait()
    leadership.look()


def _begin_own(
    beginning: Beginning,
    place: LiveObjectStoreJournal | ObjectStoreJournal,
    showing: Showing,
    leadership: Leadership | Alone,
    *,
    live: bool,
    hear: Callable[[str], None],
    account: str,
) -> Opened:
    """A core of this process, gone on with where it is live."""
    settings, book = beginning.settings, ToldBook()
    try:
        showing.know(beginning.recorded)
        for sequence, message in messages_of(beginning.recorded, *_TOLD):
            if sequence not in beginning.left_out:
                book.follow(message)
        follow = (book, OverrunsHeard(hear), NoticesHeard(hear)) if live else ()

        def sink(writer: JournalWriter) -> Sink:
            return Telling(showing.sink(writer), *follow)

        core = beginning.decided_again(sink)
        if live and account and not account_of(beginning.recorded):
            core.remark(remark(HostEvent.ACCOUNT, time.time_ns(), account))
            place.settle(beginning.writer)
        core.refusals.host, core.refusals.hear = lambda: "LEAN", hear
        watch = None
        if live:
            core.calibrate_with(BackgroundCalibrator(settings.calibration_nanoseconds))
            watch = BudgetWatch(settings.live_milliseconds * MILLISECOND / PLANNED_FRAME)
        showing.begin(core, watch)
        showing.run()
    except BaseException:  # who looks at it must not see a run that is about to begin for ever
        showing.end(RunPhase.FAILED)
        raise
    turning = Turning(core, place, sink, hear) if isinstance(place, LiveObjectStoreJournal) else None
    own = OwnCore(core, beginning.writer, place, showing, book, HaltsHeard(core, hear), turning, leadership)
    told = beginning.told
    told.account = told.account or account
    return Opened(own, told, beginning.findings)


def _attach(settings: Settings, store: ObjectStore, *, live: bool, hear: Callable[[str], None], account: str) -> Opened:
    remote = RemoteCore(
        settings,
        Channel(_folder(settings)),
        paced=not live,
        hear=lambda phase, sentence: hear(f"core {phase.value}: {sentence}"),
    )
    if live and settings.leader_lease:
        hear(_STANDS_BY)
        remote.attach(math.inf)
        remote.link.depend()
    else:
        remote.attach()
    if not live:
        return Opened(_ProcessInStep(remote, ObjectStoreJournal(store, hear=hear)), MarketRecord(), [])
    hosted = _ProcessOfItsOwnTime(remote, hear)
    told, count = remote.catch_up(hosted.book.follow, _TOLD)
    require_account(told.account, account)
    findings = [f"the core went on without its host; it has journaled {count} messages"] if told.underlyings else []
    return Opened(hosted, told, findings)


class _Process:
    """A core in a process of its own, which keeps its own journal."""

    def __init__(self, core: RemoteCore) -> None:
        self.core = core
        self.book = ToldBook()

    @property
    def journaled(self) -> tuple[int, int]:
        """What its heartbeat says: messages journaled, and those on the disk."""
        beat = self.core.link.beat
        return int(beat["sequence"]), int(beat["durable"])

    def standing(self) -> Standing | None:
        """What it answers when it is asked, at once or not at all; a core that is late or gone is not asked."""
        if self.core.link.look() is not LinkPhase.ATTACHED:
            return None
        status = records(Kind.OPERATOR, command=OperatorCommand.STATUS, request=secrets.randbits(62) + 1)
        try:
            outcome = self._ask(status, _PATIENCE, grace=0.0)
        except (NoAnswerError, TransportError):
            return None
        return Standing(outcome.mode, outcome.halts, outcome.undoable)

    def steer(self, asked: Records, time: int) -> Answer:
        """Ask the core's process, as anybody does, unless it is gone."""
        word = OperatorCommand(asked["command"][0]).word
        if (phase := self.core.link.look()) not in _HEARS:
            return Answer(False, f"{word}: the core was not asked; the link to it is {phase.value}")
        patience = PATIENCE if phase is LinkPhase.ATTACHED else _PATIENCE_WITH_THE_LATE
        try:
            outcome = self._ask(asked, patience, grace=min(GRACE, patience))
        except (NoAnswerError, TransportError) as error:
            return Answer(False, f"{word}: {error}")
        return Answer(outcome.done, outcome.sentence)

    def _ask(self, asked: Records, patience: float = PATIENCE, *, grace: float = GRACE) -> Outcome:
        return ask_core(_folder(self.core.settings), asked, patience=patience, grace=grace)

    def settle(self) -> None:
        """Nothing: the core's process keeps its journal."""

    def keep(self, time: int) -> None:
        """Nothing, likewise."""


class _ProcessInStep(_Process):
    """A core process that this host tells its frames: it ends with the host, which keeps its journal."""

    frames_follow_data = False
    term = 0

    def __init__(self, core: RemoteCore, place: ObjectStoreJournal) -> None:
        super().__init__(core)
        self._place = place

    def frames(self, time: int) -> Iterator[None]:
        """The frame at ``time``, which the core has decided."""
        if self.core.open_frame(time):
            yield

    def end(self, time: int) -> list[str]:
        """Wait for the core's end, and take its journal."""
        segments = self.core.end(time)
        self._place.take(segments)
        self.core.stop()
        return [digest_told(read_journal(segments))]


class _ProcessOfItsOwnTime(_Process):
    """A core process that keeps its own time and outlives its host.

    LEAN's scheduled events come late when it is live, so frames that have been decided are opened as data come, too.
    """

    frames_follow_data = True

    def __init__(self, core: RemoteCore, hear: Callable[[str], None]) -> None:
        super().__init__(core)
        self._hear, self._halts, self._notices = hear, HaltsHeard(core, hear), NoticesHeard(hear)
        self._overruns = int(core.link.beat["overruns"])

    @property
    def term(self) -> int:
        """What its heartbeat says."""
        return int(self.core.link.beat["epoch"])

    def frames(self, time: int) -> Iterator[None]:
        """All that the core has decided meanwhile.

        :raises FencedError: where this host depends on a process of the core that has ended.
        """
        self.core.link.require()
        while self.core.open_frame(time):
            for message in self.core.decisions:
                self.book.follow(message)
                self._notices.follow(message)
            yield

    def keep(self, time: int) -> None:
        """Nothing, likewise; what befell the core is heard of.

        :raises FencedError: as of :meth:`frames`.
        """
        self.core.link.require()
        self._halts.look()
        count = int(self.core.link.beat["overruns"])
        if count > self._overruns:
            self._hear(overruns_counted(count - self._overruns, count))
        self._overruns = count

    def end(self, time: int) -> list[str]:
        """Leave the core to itself."""
        self.core.stop()
        return []


def _folder(settings: Settings) -> Path:
    """Where the core process that the settings name meets its host."""
    return channel_folder(settings.core_process, Path(settings.core_folder) if settings.core_folder else None)
