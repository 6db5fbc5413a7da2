"""What a core process takes from the ring of its host: how much a frame, what not, and each once whatever is killed.

A frame takes in one parcel. When more waits than a frame takes, the market's messages in it are conflated: of quotes
and trades in a row, with no message of another kind between them, the last of each instrument is told. Nothing else is
dropped or changes its place; what no host may send is left out, with a remark that says so. Order events are left to
the core's gate: one that is refused there leaves a doubt.

What a parcel becomes depends on what lies in the ring alone, and before each of its messages is journaled, its place is
noted in shared memory (TAKEN). So a core that was killed in the middle goes on in the middle.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from alo_lib.records import HOUR, MINUTE, HostEvent, Kind, Message, Records, remark, utc_moment
from alo_lib.runtime.frame_clock import FURTHEST, LAST_TIME, ClockError, WallClock, is_sane
from alo_lib.runtime.link import TAKEN, is_host_end
from alo_lib.transport import MessageConsumer, MessageError, Reading, SeqLockWriter, Waiting

__all__ = [
    "FRAME_TAKES",
    "LARGEST",
    "LOOKED_THROUGH",
    "Bound",
    "Intake",
    "Judged",
    "Parcel",
    "conflate",
    "fault_of_rows",
]


class Bound(NamedTuple):
    """How much is taken at most; one message is taken however many records it has."""

    messages: int
    records: int


FRAME_TAKES: Final = Bound(16, 4_096)
"""What a frame journals and ingests: within the ingest task's budget of 0.8 ms (docs/executive.md has the figures)."""

LOOKED_THROUGH: Final = Bound(512, 16_384)
"""What a frame takes from the ring when quotes and trades are conflated: 51,200 messages a second at 10 ms. One
that its host tells takes as much without conflating, because its host waits for it."""

_ALL: Final = Bound(1 << 62, 1 << 62)

LARGEST: Final = 1 << 16
"""Records of one message: some three times the largest chain that is listed."""

_APART: Final = FURTHEST + HOUR
"""The most that a frame's time and the machine's clock may differ; more, and one of them has stood still or was set."""

_MARKET: Final = (Kind.TRADE, Kind.QUOTE)
_FROM_HOSTS: Final = frozenset(
    (
        *(Kind.INSTRUMENT, Kind.SESSION, Kind.CLOSE, Kind.RANGE, Kind.RATE, Kind.DIVIDEND, Kind.SPLIT, Kind.INTEREST),
        *(Kind.CALENDAR, Kind.SCHEDULED, Kind.ACTION, Kind.ANNOUNCED, Kind.POLICY, Kind.CURVE),
        *(Kind.TRADE, Kind.QUOTE, Kind.ORDER_EVENT, Kind.EVENT),
        *(Kind.EXTERNAL_STAGE, Kind.EXTERNAL_INSIGHT, Kind.EXTERNAL_TARGET, Kind.HALT),
    )
)
_WHENEVER: Final = (Kind.INSTRUMENT, Kind.SPLIT, Kind.ORDER_EVENT, Kind.HALT, Kind.EXTERNAL_STAGE)
"""What holds whatever its time: the host, whose gate asks the same as the core's, believes it as it tells it."""
_OWN_EVENTS: Final = (
    *(HostEvent.FLOOD, HostEvent.UNDELIVERED, HostEvent.REFUSED, HostEvent.LEFT_OUT, HostEvent.ERA),
    HostEvent.VOLUME,
)
_MOST: Final = int(np.iinfo(np.int64).max)
_NOWHERE: Final = -1


class Judged(NamedTuple):
    """By what the times of messages are judged."""

    time: int  # of the frame that takes them, ns UTC; of the last one where the host tells the time
    utc: int  # what the machine's clock says
    old_until: int  # position in the ring up to which inputs may be old
    again: bool  # a parcel is made a second time, after a restart


class Parcel(NamedTuple):
    """Messages of the ring that are taken in together."""

    slots: int  # of the ring
    judged: Judged
    conflated: bool
    messages: tuple[Message, ...]  # to be journaled, in this order
    dropped: int  # records of quotes and trades that later ones have superseded
    refused: int  # messages of the ring that are left out
    frames: tuple[int, ...]  # times of frames that the host told and may not; it waits for an answer all the same


class _Found(NamedTuple):
    """A message of the ring, and why it is refused."""

    slots: int
    message: Message | None  # None where it is none
    fault: str

    @property
    def of_market(self) -> bool:
        return self.message is not None and self.message.kind in _MARKET


Put = Callable[[Message], None]
"""Journals a message and hands it to the core."""

Ends = Callable[[], tuple[int, int]]
"""Where the journal ends: its sequence, and the checksum of its last entry."""


class Intake:
    """The reading side of the ring, and what is noted of it.

    ``paced`` says that the host tells the time of frames, of ``length`` ns; otherwise every input's time is held
    against the frame's. ``beat`` is called between two messages, so that the heart goes on beating.
    """

    def __init__(
        self,
        ring: MessageConsumer,
        notes: SeqLockWriter,
        *,
        paced: bool,
        length: int,
        wall: WallClock,
        beat: Callable[[], None],
    ) -> None:
        self.refused = self.dropped = 0
        """Messages and records, since the process began."""
        self.ended = False
        """Whether the host has told of its end."""
        self._ring = ring
        self._notes = notes
        self._paced = paced
        self._length = length
        self._utc = wall.utc
        self._beat = beat
        self._confirmed = False  # the clock, by an input
        self._old_until = ring.written if wall.takes_old else _NOWHERE
        self._note = np.zeros(1, TAKEN)

    @property
    def host(self) -> str:
        """Whose inputs these are."""
        producer = self._ring.ring.producer
        return f"{producer.name} (pid {producer.pid})"

    # What a frame takes ----------------------------------------------------------------------------------------------

    def parcel(self, time: int) -> Parcel:
        """What waits and is taken in by the frame at ``time``; where the host tells the time, up to its next frame.

        :raises ClockError: when the input that is next cannot be of this time, and nothing has confirmed the clock.
        """
        judged = Judged(time, self._utc(), self._old_until, again=False)
        found = list(self._walk(judged, LOOKED_THROUGH))
        crowded = not self._paced and _beyond(FRAME_TAKES, _messages_of(found))
        return self._wrapped(found, judged, FRAME_TAKES if crowded else None)

    def next_frame(self, last: int) -> Message | None:
        """The FRAME message that is next in the ring, where it may follow, or be, the frame at ``last``."""
        found = self._ring.look()
        if found is None:
            return None
        message, fault = self._read(found)
        if message is None or fault or message.kind is not Kind.FRAME or self._fault_of_frame(message.time, last):
            return None
        return message

    def give_frame_back(self) -> None:
        """Give the place of the FRAME message that is next back, once it is answered."""
        self._ring.advance()

    # Taking it -------------------------------------------------------------------------------------------------------

    def take(self, parcel: Parcel, put: Put, ends: Ends) -> None:
        """Journal a parcel, then give its place in the ring back."""
        self._take_from(0, parcel, put, ends)

    def resume(self, taken: Reading, count: int, holds: Callable[[int, int], bool], put: Put, ends: Ends) -> int:
        """Go on within the parcel that a core that was killed was taking in, if it was; ``taken`` is its note.

        ``count`` is the journal's length, and ``holds`` tells whether it has an entry of a sequence's checksum. Returns
        how many messages of the parcel were journaled already; they are not taken again.
        """
        note = taken.value
        sequence, first = int(note["sequence"]), 0
        if taken.version and note["position"] == self._ring.read and holds(sequence, int(note["checksum"])):
            first = int(note["index"]) + (count > sequence)
        if first:
            judged = Judged(int(note["time"]), int(note["utc"]), int(note["old_until"]), again=True)
            found = list(self._walk(judged, None, int(note["slots"])))
            parcel = self._wrapped(found, judged, _ALL if note["conflated"] else None)
            self._take_from(first, parcel, put, ends)
        self.forget()
        return first

    def forget(self) -> None:
        """Note that nothing is being taken in: what is journaled from here on is of no parcel."""
        self._note["position"] = _NOWHERE
        self._notes.write(self._note)

    def drop_all(self) -> int:
        """Drop what waits; returns how many messages that is."""
        count = 0
        while self._ring.look() is not None:
            self._ring.advance()
            count += 1
        return count

    def _take_from(self, first: int, parcel: Parcel, put: Put, ends: Ends) -> None:
        if not parcel.slots:
            return
        note = self._note
        note["position"], note["slots"], note["old_until"] = self._ring.read, parcel.slots, parcel.judged.old_until
        note["time"], note["utc"], note["conflated"] = parcel.judged.time, parcel.judged.utc, parcel.conflated
        for index in range(first, len(parcel.messages)):
            note["index"] = index
            note["sequence"], note["checksum"] = ends()
            self._notes.write(note)
            put(parcel.messages[index])
            self._beat()
        self._ring.advance(parcel.slots)
        self.refused += parcel.refused
        self.dropped += parcel.dropped
        self.ended = self.ended or (bool(parcel.messages) and is_host_end(parcel.messages[-1]))

    # What lies in the ring -------------------------------------------------------------------------------------------

    def _walk(self, judged: Judged, bound: Bound | None, stop: int | None = None) -> Iterator[_Found]:
        """What waits, in order: up to a bound, ``stop`` slots, the host's end or the next frame that it tells."""
        ahead = count = rows = 0
        while (stop is None or ahead < stop) and (bound is None or count < bound.messages):
            waiting = self._ring.look(ahead)
            if waiting is None:
                return
            self._beat()
            slots = waiting.slots
            message, fault = self._read(waiting)
            if message is not None and not fault:
                if message.kind is Kind.FRAME:
                    fault = self._fault_of_frame(message.time, judged.time)
                    if not fault:
                        return
                else:
                    fault = self._fault_of_time(message, judged, self._ring.read + ahead)
                    fault = "" if message.kind in _WHENEVER else fault
                more = 0 if fault else len(message.records)
                if bound is not None and count and rows + more > bound.records:
                    return
                rows += more
            yield _Found(slots, message, fault)
            count, ahead = count + 1, ahead + slots
            if message is not None and message.kind.is_remark and not fault and is_host_end(message):
                return

    def _read(self, waiting: Waiting) -> tuple[Message | None, str]:
        """A message, and why no host may send it; None for what is no message at all."""
        try:
            message = waiting.message
        except MessageError as error:
            return None, str(error)
        if message.kind not in _FROM_HOSTS and not (self._paced and message.kind is Kind.FRAME):
            return message, f"{message.kind.name} is not for a host to send"
        return message, fault_of_rows(message)

    def _fault_of_frame(self, time: int, last: int) -> str:
        """Why the host may not tell the frame at ``time``; the one at ``last`` may be told again, after a restart."""
        if not 0 < time < LAST_TIME:
            return f"frame time {time} is no time of a run"
        if time < last:
            return f"frame time {time} is before the last frame's {last}"
        if time % MINUTE % self._length:
            return f"frame time {time} is not on the grid of frames of {self._length} ns"
        return ""

    def _fault_of_time(self, message: Message, judged: Judged, position: int) -> str:
        """Why an input cannot be of a frame's time.

        :raises ClockError: when that may be the clock's fault.
        """
        if self._paced or message.kind.is_remark:
            return ""
        if not is_sane(message.time):
            return f"{message.kind.name} is of {utc_moment(message.time)}"
        if abs(message.time - judged.time) <= FURTHEST:
            self._confirmed = self._confirmed or not judged.again
            return ""
        apart = abs(judged.utc - judged.time)  # after a restart with a clock that went back, up to FURTHEST
        if apart <= _APART and abs(message.time - judged.utc) <= FURTHEST:
            return ""
        if position < judged.old_until and message.time < judged.time:
            return ""
        if not judged.again and (not self._confirmed or apart > _APART):
            raise ClockError(
                f"the host's next {message.kind.name} message is of {utc_moment(message.time)}, and the frame is of "
                f"{utc_moment(judged.time)}: more than {FURTHEST // HOUR} hours apart, one of the clocks is wrong"
            )
        return f"{message.kind.name} is of {utc_moment(message.time)}"

    # What it becomes -------------------------------------------------------------------------------------------------

    def _wrapped(self, found: Sequence[_Found], judged: Judged, bound: Bound | None) -> Parcel:
        """The parcel of what was found, conflated where there is a bound, and then as much of it as that allows."""
        messages, dropped, before = _messages_of(found), 0, 0
        if bound is not None:
            kept: list[_Found] = []
            messages = []
            for group in _groups(found):
                market = _messages_of(group)
                made, fewer = conflate(market)
                if kept and _beyond(bound, [*messages, *made]):
                    break
                kept += group
                messages += made
                dropped += fewer
                before += sum(len(message.records) for message in market) if len(market) > 1 else 0
            found = kept
        remarks = []
        if dropped:
            text = f"{dropped} of {before} waiting records of quotes and trades were superseded by later ones"
            remarks.append(remark(HostEvent.FLOOD, max(judged.time, 0), text, quantity=dropped))
        refused = [each for each in found if each.fault]
        if refused:
            others = f"; and {len(refused) - 1} more" if len(refused) > 1 else ""
            text = f"refused from {self.host}: {refused[0].fault}"
            remarks.append(remark(HostEvent.REFUSED, max(judged.time, 0), text, quantity=len(refused), end=others))
        told = [each.message for each in refused if each.message is not None and each.message.kind is Kind.FRAME]
        frames = tuple(message.time for message in told if self._paced and 0 < message.time < LAST_TIME)
        slots = sum(each.slots for each in found)
        return Parcel(slots, judged, bound is not None, (*remarks, *messages), dropped, len(refused), frames)


def fault_of_rows(message: Message) -> str:
    """Why a message of a kind that hosts may send never comes to the core's gate; empty where it does."""
    kind, rows = message.kind, message.records
    if not 0 < len(rows) <= LARGEST and kind is not Kind.ORDER_EVENT:
        return f"{kind.name} has {len(rows):,} records; from 1 to {LARGEST:,} are taken"
    if kind is Kind.EVENT and np.isin(rows["event"], _OWN_EVENTS).any():
        return "EVENT is one that the core tells"
    if kind.is_external and rows["within"].any():
        return f"{kind.name} says that it counts within a frame"
    return ""


def conflate(run: Sequence[Message]) -> tuple[list[Message], int]:
    """Quotes and trades that follow each other, each instrument's last alone, and how many records that leaves out.

    At most one TRADE and one QUOTE message, each of the time of its kind's last. A trade has the last close and all of
    the volume. One message is left as it is.
    """
    if len(run) < 2:
        return list(run), 0
    made = []
    for kind in _MARKET:
        messages = [message for message in run if message.kind is kind]
        if messages:
            rows = np.frombuffer(b"".join(message.records.tobytes() for message in messages), messages[0].records.dtype)
            made.append(Message(kind, messages[-1].time, _last_of_each(rows)))
    return made, sum(len(message.records) for message in run) - sum(len(message.records) for message in made)


def _last_of_each(rows: Records) -> Records:
    _, last, which = np.unique(rows["instrument"][::-1], return_index=True, return_inverse=True)
    places = len(rows) - 1 - last
    kept: Records = rows[places]
    if "volume" in (rows.dtype.names or ()):
        volumes = rows["volume"][::-1]
        totals = np.zeros(len(kept), np.int64)
        np.add.at(totals, which, volumes)
        about = np.bincount(which, volumes.astype(np.float64), len(kept))
        kept["volume"] = np.where(np.abs(about) < _MOST / 2, totals, _MOST)  # of a feed that is out of its mind
    return kept[np.argsort(places)]


def _groups(found: Sequence[_Found]) -> list[list[_Found]]:
    """Parts that are taken in whole or not at all: quotes and trades in a row, or one message of another kind.

    What is refused parts nothing.
    """
    groups: list[list[_Found]] = []
    in_market = False
    for each in found:
        if groups and (each.fault or (in_market and each.of_market)):
            groups[-1].append(each)
        else:
            groups.append([each])
        in_market = in_market if each.fault else each.of_market
    return groups


def _messages_of(found: Sequence[_Found]) -> list[Message]:
    return [each.message for each in found if each.message is not None and not each.fault]


def _beyond(bound: Bound, messages: Sequence[Message]) -> bool:
    rows = sum(len(message.records) for message in messages)
    return len(messages) > 1 and (len(messages) > bound.messages or rows > bound.records)
