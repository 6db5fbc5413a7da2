"""Deciding again from a journal, and comparing."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from alo_lib.core.trading import Sink, TradingCore
from alo_lib.executive import Cause, Overrun, OverrunError, OverrunPolicy, RecordedWatch
from alo_lib.journal import Journal, JournalError, message_digest, messages_of
from alo_lib.records import Kind, Message, utc_moment
from alo_lib.runtime.same_settings import settings_of

__all__ = [
    "Continuation",
    "Divergence",
    "DivergenceError",
    "FrameReplayed",
    "Replay",
    "Replayer",
    "UndecidableFrameError",
    "UnusableMessageError",
    "overruns_of",
    "replay",
]

_WITHIN: Final = tuple(kind for kind in Kind if kind.is_external)


@dataclass(frozen=True)
class Divergence:
    """The first message in which a replay and its journal differ."""

    sequence: int
    recorded: Message | None  # None when the journal ended before the replay did
    replayed: Message | None  # None when the replay ended, or would not have opened the frame


class DivergenceError(ValueError):
    """The core does not decide again what the journal says that it decided."""

    def __init__(self, divergence: Divergence) -> None:
        super().__init__(
            f"message {divergence.sequence}: the journal holds {_kind(divergence.recorded)}, "
            f"decided again was {_kind(divergence.replayed)}"
        )
        self.divergence = divergence


class UndecidableFrameError(JournalError):
    """A frame that a journal tells of cannot be decided: an input stops whoever handles it."""

    def __init__(self, time: int, first: int, frame: int, error: Exception) -> None:
        super().__init__(
            f"the frame at {utc_moment(time)} cannot be decided ({type(error).__name__}: {error}); it takes in the "
            f"inputs among messages {first} to {frame - 1}, and 'alo journal leave-out' goes on without one of them"
        )


class UnusableMessageError(JournalError):
    """An input or a frame's opening that a journal holds, and that no core can take."""

    def __init__(self, sequence: int, message: Message, error: Exception) -> None:
        advice = "" if message.kind is Kind.FRAME else "; 'alo journal leave-out' goes on without it"
        super().__init__(
            f"message {sequence} ({message.kind.name}) cannot be taken in ({type(error).__name__}: {error}){advice}"
        )


def _kind(message: Message | None) -> str:
    return "nothing" if message is None else f"{message.kind.name} of {len(message.records)} records"


@dataclass
class Continuation:
    """Stands between a core and its journal: what was recorded is compared, what goes beyond it is appended.

    So a core that takes in the same inputs again comes to where the recorded one was, and goes on from there; nothing
    is written twice. Remarks and what is left out are passed over.

    :raises DivergenceError: at the first difference.
    """

    recorded: Sequence[Message]
    place: int = 0  # of the next recorded message
    left_out: frozenset[int] = frozenset()  # sequences that count no more
    beyond: Sink | None = None
    extra: list[Message] = field(default_factory=list)  # what went beyond, where there is nothing to append it to

    @property
    def at_end(self) -> bool:
        """Whether everything recorded has come again."""
        self._pass_remarks()
        return self.place >= len(self.recorded)

    def append(self, message: Message) -> int:
        """Compare or append a message; returns its sequence."""
        if message.kind.is_remark and not self.at_end:
            return self.place
        if self.at_end:
            if self.beyond is not None:
                return self.beyond.append(message)
            self.extra.append(message)
            return len(self.recorded) + len(self.extra) - 1
        recorded = self.recorded[self.place]
        if _bytes(recorded) != _bytes(message):
            raise DivergenceError(Divergence(self.place, recorded, message))
        self.place += 1
        return self.place - 1

    def flush(self) -> None:
        """The end of a frame."""
        if self.beyond is not None:
            self.beyond.flush()

    def _pass_remarks(self) -> None:
        while self.place < len(self.recorded) and (
            self.place in self.left_out or self.recorded[self.place].kind.is_remark
        ):
            self.place += 1


class FrameReplayed(NamedTuple):
    """A frame that was decided again, as recorded."""

    sequence: int  # of its FRAME message
    frame: int
    time: int
    inputs: int  # messages since the frame before
    decisions: int  # messages that it wrote


class Replayer:
    """Runs a fresh core over a journal's inputs and frames, one frame at a time.

    A journal that was cut within its last frame is whole: the core decides the rest of that frame, which is then in
    ``continuation.extra``. Overruns that the journal tells of happen again, so that what was left out then is left out
    now; one that stopped the run ends the replay.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        core: TradingCore | None = None,
        start: int = 0,
        without: Iterable[int] = (),
    ) -> None:
        """``core`` is one that stands where the messages below ``start`` have brought it, a new one by default.

        What the journal leaves out is left out, and the messages ``without`` besides.
        """
        self.journal = journal
        self.continuation = Continuation(journal.messages, start, journal.left_out.union(without))
        self.core = core or TradingCore(settings_of(journal.settings), self.continuation)
        if core is not None:
            core.journal_to(self.continuation)
        self.core.watch_with(RecordedWatch(overruns_of(journal)))
        self.core.calibrations_given = True
        self._within = deque(
            each for each in _within_frames(journal.messages, start) if each[1] not in self.continuation.left_out
        )

    def frames(self, *, until_time: int | None = None, until: int | None = None) -> Iterator[FrameReplayed]:
        """Decide frame after frame, up to messages before ``until`` and frames before ``until_time``.

        :raises DivergenceError: where a decision is not the recorded one.
        """
        continuation, core, inputs = self.continuation, self.core, 0
        first = continuation.place
        while not continuation.at_end:
            place = continuation.place
            message = continuation.recorded[place]
            if (until is not None and place >= until) or (until_time is not None and message.time > until_time):
                return
            if message.kind.is_decision:
                raise DivergenceError(Divergence(place, message, None))
            if message.kind != Kind.FRAME:
                with _usable(place, message):
                    core.admit_recorded(message)
                inputs += 1
                continue
            with _usable(place, message):
                opened = core.open_frame(message.time)
            if not opened:
                raise DivergenceError(Divergence(place, message, None))
            try:
                while self._within and self._within[0][0] == place:
                    _, _, external = self._within.popleft()
                    core.run_to(external.within)
                    core.admit_recorded(external)
                core.run()
            except OverrunError:
                return
            except (DivergenceError, JournalError):
                raise
            except Exception as error:
                raise UndecidableFrameError(message.time, first, place, error) from error
            decided = continuation.place - place - 1
            yield FrameReplayed(place, int(message.records["frame"][0]), message.time, inputs, decided)
            inputs, first = 0, continuation.place


@contextmanager
def _usable(sequence: int, message: Message) -> Iterator[None]:
    """Turns whatever a recorded message stops a core with into one sentence that names it."""
    try:
        yield
    except (DivergenceError, JournalError):
        raise
    except Exception as error:
        raise UnusableMessageError(sequence, message, error) from error


@dataclass(frozen=True)
class Replay:
    """What came of replaying a journal."""

    messages: int
    digest: str  # of the messages that were replayed as recorded
    divergence: Divergence | None


def replay(journal: Journal) -> Replay:
    """Decide everything again, up to the first difference."""
    replayer, divergence = Replayer(journal), None
    try:
        for _ in replayer.frames():
            pass
    except DivergenceError as error:
        divergence = error.divergence
    if divergence is None and replayer.continuation.extra:
        divergence = Divergence(len(journal.messages), None, replayer.continuation.extra[0])
    place = replayer.continuation.place
    again = [message for number, message in enumerate(journal.messages[:place]) if number not in journal.left_out]
    return Replay(place, message_digest(again), divergence)


def overruns_of(journal: Journal) -> list[Overrun]:
    """The overruns of tasks that a journal tells of, in order.

    :raises JournalError: for one that no executive has.
    """
    found = []
    for sequence, message in messages_of(journal.messages, Kind.OVERRUN):
        for row in message.records[message.records["cause"] != Cause.LATE]:
            try:
                found.append(
                    Overrun(
                        int(row["frame"]),
                        row["task"].decode("ascii"),
                        Cause(row["cause"]),
                        OverrunPolicy(row["policy"]),
                        int(row["elapsed"]),
                        int(row["budget"]),
                    )
                )
            except ValueError as error:
                raise JournalError(f"message {sequence} tells of an overrun that no frame has: {error}") from None
    return found


def _within_frames(messages: Sequence[Message], start: int) -> Iterator[tuple[int, int, Message]]:
    """The inputs that were put in within a frame: sequence of that frame's FRAME message, their own, and they."""
    frame = -1
    for sequence, message in messages_of(messages, Kind.FRAME, *_WITHIN, first=start):
        if message.kind is Kind.FRAME:
            frame = sequence
        elif message.within:
            yield frame, sequence, message


def _bytes(message: Message) -> tuple[Kind, int, bytes]:
    return message.kind, message.time, message.records.tobytes()
