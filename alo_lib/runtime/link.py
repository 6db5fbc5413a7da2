"""What a core process and its host share, and how the host knows that the core lives.

A channel is a folder with two rings of messages and one state. The host pushes inputs; the core answers frame by frame:
a FRAME message, the frame's decisions, and a FRAME message whose number is the complement (``~frame``) of the first, so
that an answer cut off in the middle is told from a whole one. The state is the core's heartbeat, once a frame. Beside
them a person's commands go to the core (:mod:`alo_lib.runtime.command_rings`).
"""

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alo_lib.executive import Lifecycle
from alo_lib.records import HostEvent, Kind, Message, records
from alo_lib.runtime.command_rings import CommandRings
from alo_lib.runtime.fence import STANDBY, STANDBY_NAME, Fence, FencedError
from alo_lib.runtime.last_state import last_state
from alo_lib.telemetry.layout import HISTOGRAMS_NAME, STATE_NAME
from alo_lib.transport import (
    MessageConsumer,
    MessageProducer,
    MessageRing,
    Owner,
    Reading,
    RecordConsumer,
    RecordProducer,
    SegmentError,
    SeqLock,
    SeqLockWriter,
    default_folder,
    make_folder,
)

__all__ = [
    "HEARTBEAT",
    "HEARTBEAT_NAME",
    "JOURNAL_LINK",
    "PROJECT",
    "RINGS",
    "TAKEN",
    "Channel",
    "CorePhase",
    "Link",
    "LinkPhase",
    "channel_folder",
    "host_ends",
    "is_host_end",
    "last_beat",
    "why_not_asked",
]

PROJECT: Final = Path(__file__).resolve().parents[2]
"""The checkout that this program was started from."""
_MARK_DIGITS: Final = 8

HEARTBEAT_NAME: Final = "core.state"
"""The file of a channel with the core's last heartbeat."""
JOURNAL_LINK: Final = "core-journal"
"""What leads from a channel to the core's journal."""
RINGS: Final = {"input": "to-core.ring", "answer": "to-host.ring"}
"""The files of a channel's two rings."""

HEARTBEAT: Final["np.dtype[Any]"] = np.dtype(
    [
        ("frame", "<i8"),  # number of the last frame that was released
        ("time", "<i8"),  # its time, nanoseconds UTC
        ("monotonic", "<i8"),  # when it was released, CLOCK_MONOTONIC
        ("length", "<i8"),  # of a frame, nanoseconds
        ("phase", "<i8"),  # CorePhase, by its place
        ("paced", "<i8"),  # 1 when the host tells the time of frames
        ("settings", "<i8"),  # a mark of them (alo_lib.runtime.same_settings)
        ("sequence", "<i8"),  # messages journaled
        ("durable", "<i8"),  # of which on disk
        ("run", "<i8"),  # frames that ran since the process began
        ("overruns", "<i8"),
        ("missed", "<i8"),  # frames that were never released
        ("refused", "<i8"),  # records and messages of hosts that were not let in since the process began
        ("conflated", "<i8"),  # records of quotes and trades that later ones superseded before they were taken in
        ("undelivered", "<i8"),  # answers that the host left no room for; their orders were not sent
        ("doubts", "<i8"),  # 0, or when the last cause to reconcile was found, CLOCK_MONOTONIC, while the core wants it
        ("halts", "<i8"),  # what the book is halted for (alo_lib.records.bits_of)
        ("epoch", "<i8"),  # in which it writes its journal: the term of its orders
    ]
)
TAKEN: Final["np.dtype[Any]"] = np.dtype(
    [
        ("position", "<i8"),  # of the ring, where what is being taken in begins
        ("slots", "<i8"),  # of the ring
        ("time", "<i8"),  # of the frame that takes it in
        ("conflated", "<i8"),  # 1 when quotes and trades are
        ("utc", "<i8"),  # what the machine's clock said then
        ("old_until", "<i8"),  # position below which inputs may be old
        ("index", "<i8"),  # of the message that is being journaled, of those that it becomes
        ("sequence", "<i8"),  # where the journal ended before that
        ("checksum", "<i8"),  # of the journal's last entry then
    ]
)
"""How far a core is with what it is taking in (alo_lib.runtime.intake); a restarted one takes nothing twice."""

RING_SLOTS: Final = 1 << 18
"""Of 64 bytes: a day of minute quotes of some 1,000 contracts."""

FRAMES_LATE: Final = 2
"""Frames without a heartbeat after which a core is late."""


_LOSSES: Final = {
    "refused": "messages of this host were refused by the core",
    "conflated": "quotes and trades came faster than the core takes them, and later ones superseded them",
    "undelivered": "answers found no room because this host took none; their orders count as refused",
}
"""What a host should know of, by the heartbeat's counts since the core's process began."""

_NAP: Final = 50e-6
"""Seconds between two looks for a heartbeat."""
_SHORTEST: Final = 1_000_000
"""Nanoseconds between two looks at the least, for a core that has not told its frame yet."""


class CorePhase(Enum):
    """Where a core process stands."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"


_MOST: Final = {"phase": len(CorePhase) - 1, "paced": 1}
"""Of the heartbeat's numbers that are no counts or times."""


class LinkPhase(Enum):
    """What a host knows of its core."""

    WAITING = "waiting for a core"
    ATTACHED = "attached"
    LATE = "late"
    GONE = "gone"
    CLOSED = "closed"


_EDGES: Final[dict[tuple[LinkPhase, str], LinkPhase]] = {
    (LinkPhase.WAITING, "hear"): LinkPhase.ATTACHED,
    (LinkPhase.ATTACHED, "miss"): LinkPhase.LATE,
    (LinkPhase.ATTACHED, "lose"): LinkPhase.GONE,
    (LinkPhase.LATE, "hear"): LinkPhase.ATTACHED,
    (LinkPhase.LATE, "lose"): LinkPhase.GONE,
    (LinkPhase.GONE, "hear"): LinkPhase.ATTACHED,
    (LinkPhase.WAITING, "close"): LinkPhase.CLOSED,
    (LinkPhase.ATTACHED, "close"): LinkPhase.CLOSED,
    (LinkPhase.LATE, "close"): LinkPhase.CLOSED,
    (LinkPhase.GONE, "close"): LinkPhase.CLOSED,
}


def host_ends(time: int) -> Message:
    """What a host that ends has its core journal last."""
    return Message(Kind.EVENT, time, records(Kind.EVENT, event=HostEvent.END_OF_ALGORITHM, instrument=-1))


def is_host_end(message: Message) -> bool:
    """Whether a host tells of its end."""
    return message.kind is Kind.EVENT and bool((message.records["event"] == HostEvent.END_OF_ALGORITHM).any())


def channel_folder(name: str, folder: Path | None = None) -> Path:
    """Where the core of that name and its host meet: in ``folder``, else in a folder a user and checkout.

    That bears a mark of the checkout's path: the memory is one for all of a user's checkouts, and the host of one must
    not trade with the core of another.
    """
    if folder is not None:
        return folder / name
    mark = hashlib.sha256(str(PROJECT).encode()).hexdigest()[:_MARK_DIGITS]
    return default_folder() / f"{name}-{mark}"


class Heart:
    """Writes a core's heartbeat where hosts look for it, and lets somebody hear it."""

    def __init__(self, writer: SeqLockWriter, hear: "Callable[[np.void], None] | None" = None) -> None:
        self._writer = writer
        self._hear = hear

    def write(self, beat: "NDArray[np.void]") -> None:
        """Publish a heartbeat, an array of one."""
        self._writer.write(beat)
        if self._hear is not None:
            self._hear(beat[0])

    def close(self) -> None:
        """Give the writing side up."""
        self._writer.close()


class Channel:
    """The segments of one core and its host, in a folder that either side makes.

    ``hear`` hears each heartbeat of a core in this process, after hosts can. ``elsewhere`` raises FencedError where
    that core may not lead, because another host's does.
    """

    def __init__(
        self,
        folder: Path,
        *,
        slots: int = RING_SLOTS,
        hear: "Callable[[np.void], None] | None" = None,
        elsewhere: Callable[[], None] = lambda: None,
    ) -> None:
        make_folder(folder)
        self._hear, self._elsewhere = hear, elsewhere
        self.folder = folder
        self.journal = folder / JOURNAL_LINK  # leads to the core's journal, wherever that is
        self._to_core = MessageRing.ensure(folder / RINGS["input"], capacity=slots)
        self._to_host = MessageRing.ensure(folder / RINGS["answer"], capacity=slots)
        self.heartbeat = SeqLock.ensure(folder / HEARTBEAT_NAME, HEARTBEAT)
        self._taken = SeqLock.ensure(folder / "taken.state", TAKEN)
        self.standby = SeqLock.ensure(folder / STANDBY_NAME, STANDBY)
        self.force = False
        """Whether a core takes its sides although it cannot be told whether who has them lives."""
        self.commands = CommandRings.ensure(folder)

    def core_side(self) -> tuple[MessageConsumer, MessageProducer, "Heart", SeqLockWriter, Reading]:
        """Inputs, answers, heartbeat, what is taken and what was.

        :raises NotOwnerError: while another core has them.
        """
        taken = self._taken.read()
        return (
            self._to_core.consume("core", force=self.force),
            self._to_host.produce("core", force=self.force),
            Heart(self.heartbeat.write_as("core", force=self.force), self._hear),
            self._taken.write_as("core", force=self.force),
            taken,
        )

    def command_side(self) -> tuple[RecordConsumer, RecordProducer]:
        """The core's sides of a person's commands and their answers.

        :raises NotOwnerError: while another core has them.
        """
        rings, force = self.commands, self.force
        return rings.requests.consume("core", force=force), rings.answers.produce("core", force=force)

    def fence(self) -> Fence:
        """What tells the core that has this channel's heartbeat now whether it is to leave."""
        return Fence(self.standby, self.heartbeat.owner.epoch, self._elsewhere)

    def host_side(self) -> tuple[MessageProducer, MessageConsumer]:
        """Inputs and answers.

        :raises NotOwnerError: while another host has them.
        """
        return self._to_core.produce("host"), self._to_host.consume("host")

    @property
    def in_place(self) -> bool:
        """Whether who looks for this channel now finds the same one."""
        parts = (self._to_core, self._to_host, self.heartbeat, self._taken)
        return all(part.segment.in_place for part in parts) and self.commands.in_place

    def remove(self) -> None:
        """Take the segments away, and their folder if nothing else is in it. For when neither side runs any more."""
        for segment in (self._to_core, self._to_host, self.heartbeat, self._taken, self.standby):
            segment.remove()
            segment.close()
        self.commands.remove()
        for path in (self.journal, *(self.folder / name for name in (STATE_NAME, HISTOGRAMS_NAME))):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def last_beat(path: Path) -> "tuple[np.void, Owner] | None":
    """The last heartbeat in a file, all zero when there was none, and whose it is; None for another program's layout.

    For who only looks: nothing is compiled for it, nothing is written, and it is bounded whatever the file holds.

    :raises SegmentError: for a file that is no heartbeat's, or whose words cannot be.
    """
    found = last_state(path, HEARTBEAT, "heartbeat")
    if found is not None:
        _check_beat(path, found[0])
    return found


def why_not_asked(name: str, folder: Path) -> str | None:
    """Why the core of that name, whose channel is in ``folder``, takes no commands, in a sentence; None where it may.

    :raises SegmentError: for a heartbeat that cannot be.
    """
    path = folder / HEARTBEAT_NAME
    start = f"'alo core {name}' starts one"
    if not path.exists():
        return f"there is no core {name} at {folder}; {start}"
    found = last_beat(path)
    if found is None:
        return f"the core {name} at {folder} is of another version of this program"
    beat, owner = found
    phase = list(CorePhase)[int(beat["phase"])]
    at_work = phase in (CorePhase.STARTING, CorePhase.RUNNING)
    if owner.alive is False or not at_work:
        ended = "was killed" if at_work else phase.value
        return f"no core {name} runs at {folder}: the last one {ended}; {start}"
    return None


def _check_beat(path: Path, beat: "np.void") -> None:
    """SegmentError for a heartbeat that no core has written."""
    for name in HEARTBEAT.names or ():
        most = _MOST.get(name, np.iinfo(np.int64).max)
        if name != "settings" and not 0 <= beat[name] <= most:
            raise SegmentError(f"the heartbeat {path} is damaged: its {name} is {beat[name]}; it must be 0 to {most}")


class Link:
    """The host's knowledge of its core, from the heartbeat alone: nothing here waits for the core.

    A core is late when its last heartbeat is older than ``frames_late`` frames, gone when its process is or when it
    says that it has ended. ``hear`` hears of each change, and of what was lost on the way, on the thread that saw it:
    the host's own when it looks, or another one while the link is watched, as it is where the core keeps its own time
    and the host may be busy for long.
    """

    def __init__(
        self,
        heartbeat: SeqLock,
        hear: Callable[[LinkPhase, str], None],
        *,
        frames_late: int = FRAMES_LATE,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._heartbeat = heartbeat
        self._hear = hear
        self._frames_late = frames_late
        self._clock = clock
        self._lifecycle = Lifecycle("the link to the core", LinkPhase.WAITING, _EDGES)
        self._losses = dict.fromkeys(_LOSSES, 0)
        self._term = 0  # of the core's process without which this host is of no use; 0 where any may follow it
        self._looking = threading.Lock()
        self._closed = threading.Event()

    @property
    def phase(self) -> LinkPhase:
        """As of the last look."""
        return self._lifecycle.phase

    @property
    def beat(self) -> "np.void":
        """The last heartbeat, a HEARTBEAT record; all zero when there was none."""
        return self._heartbeat.read().value

    def look(self) -> LinkPhase:
        """Read the heartbeat and take the step that it asks for."""
        with self._looking:
            return self._look()

    def depend(self) -> None:
        """Have no other process of the core than the one that leads now.

        Where hosts are several one of another may go on from its journal before the next of this one does, and that
        knows what this host does not.
        """
        self._term = int(self.beat["epoch"])

    def may_act(self) -> bool:
        """Whether this host may do what its core has decided.

        One that depends on its core's process may while that shows that it lives, and so that it leads: it looks before
        each heartbeat. Where both were stopped together this one may be woken first. A core that is late is given as
        long again: later its orders would be too late.
        """
        end = time.monotonic_ns() + (self._frames_late + 1) * int(self.beat["length"])
        while self._term and self.look() is not LinkPhase.ATTACHED:
            if time.monotonic_ns() > end:
                return False
            time.sleep(_NAP)
        return True

    def require(self) -> None:
        """Nothing, while the core's process is there that this host depends on, if on any.

        :raises FencedError: where it has ended.
        """
        if self._term and (self.phase is LinkPhase.GONE or int(self.beat["epoch"]) != self._term):
            raise FencedError(
                f"the core process of term {self._term} has ended, and another host may have gone on from its journal: "
                "this LEAN tells it nothing more; start it again"
            )

    def watch(self) -> None:
        """Look twice a frame, on a thread that ends with the link."""
        threading.Thread(target=self._watch, name="alo-link", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        with self._looking:
            self._lifecycle.move("close")
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(max(int(self.beat["length"]), _SHORTEST) / 2e9):
            self.look()

    def _look(self) -> LinkPhase:
        if self.phase is LinkPhase.CLOSED:
            return self.phase
        snapshot, owner = self._heartbeat.read(), self._heartbeat.owner
        beat = snapshot.value
        running = beat["phase"] == list(CorePhase).index(CorePhase.RUNNING)
        age = self._clock() - int(beat["monotonic"])
        if snapshot.version == 0 or owner.alive is False or not running or snapshot.epoch != owner.epoch:
            gone = "its process is gone" if owner.alive is False else "it does not run any more"
            self._step("lose", f"{gone}; no risk is opened")
        elif age > self._frames_late * int(beat["length"]):
            self._step("miss", f"no heartbeat for {age / 1e6:.1f} ms; no risk is opened")
        else:
            self._step("hear", f"frame {int(beat['frame'])}, {owner.name} as process {owner.pid}")
            self._tell_losses(beat)
        return self.phase

    def _tell_losses(self, beat: "np.void") -> None:
        """Tell what was lost since the last look; the counts of a core that was started again begin at 0."""
        for name, known in self._losses.items():
            count = int(beat[name])
            fresh = count - known if count >= known else count
            if fresh:
                self._hear(self.phase, f"{fresh} {_LOSSES[name]}")
            self._losses[name] = count

    def _step(self, step: str, sentence: str) -> None:
        if self._lifecycle.allows(step):
            self._hear(self._lifecycle.move(step), sentence)
