"""Deciding again from a journal, and comparing."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from alo_lib.core.adoption import AdoptionError, adopted, adoption, fitted
from alo_lib.core.deciding import program
from alo_lib.core.trading import CoreState, Sink, TradingCore
from alo_lib.executive import Cause, Overrun, OverrunError, OverrunPolicy, RecordedWatch
from alo_lib.journal import Era, Journal, JournalError, eras_of, message_digest, messages_of
from alo_lib.records import Kind, Message, utc_moment
from alo_lib.runtime.following import core_of_era, followed, inputs_waiting
from alo_lib.runtime.same_settings import known_settings_of, settings_of
from alo_lib.settings import Settings, SettingsError

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

    Each era is decided under its own settings, from the state that it adopted, which has to be the one that the era
    before has come to. One that another program decided, and this one does not decide the same, is followed instead,
    and :attr:`unlike` says so.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        core: TradingCore | None = None,
        start: int = 0,
        without: Iterable[int] = (),
        adopting: bool = False,
    ) -> None:
        """``core`` is one that stands where the messages below ``start`` have brought it, a new one by default.

        What the journal leaves out is left out, and the messages ``without`` besides. Who is ``adopting`` what the last
        era has come to takes it from a program that is not told as well.
        """
        self._adopting = adopting
        self.journal = journal
        self._eras = eras_of(journal)
        start = max(start, self._eras[0].start)
        self.continuation = Continuation(journal.messages, start, journal.left_out.union(without))
        self.unlike: list[str] = []
        """Of eras that were not decided again to the byte, in sentences."""
        self._era = next(each for each in reversed(self._eras) if each.start <= start)
        self._adopted: CoreState | None = None
        self._watch = RecordedWatch(overruns_of(journal))
        self._take_over(core or self._core_of(self._era))
        self._within = self._within_from(start)

    @property
    def place(self) -> int:
        """The sequence of what is gone on with."""
        return self.continuation.place

    def grow(self, journal: Journal) -> None:
        """Go on in the same journal, to which more was written in the same era.

        :raises JournalError: where more is left out of it, or another era has begun.
        """
        before = len(self.journal.messages)
        if journal.left_out_since(before):
            raise JournalError("messages were left out of the journal since")
        if any(True for _ in messages_of(journal.messages, Kind.ADOPTION, first=before)):
            raise JournalError("another era of the journal has begun since")
        self.journal = journal
        self._eras[-1] = self._eras[-1]._replace(stop=len(journal.messages))
        self._era = self._eras[self._era.number - 1]
        self.continuation.recorded = journal.messages
        self._watch.know(overruns_of(journal, before))
        self._within = self._within_from(self.place)

    def _within_from(self, start: int) -> deque[tuple[int, int, Message]]:
        left_out = self.continuation.left_out
        return deque(each for each in _within_frames(self.journal.messages, start) if each[1] not in left_out)

    def frames(self, *, until_time: int | None = None, until: int | None = None) -> Iterator[FrameReplayed]:
        """Decide frame after frame, up to messages before ``until`` and frames before ``until_time``.

        :raises DivergenceError: where a decision is not the recorded one.
        """
        while True:
            try:
                yield from self._frames_of_era(until_time, until)
            except (DivergenceError, JournalError, SettingsError) as error:
                if not self._is_of_another_program:
                    raise
                self._follow_era(error)
            place = self.continuation.place
            if self._era is self._eras[-1] or place < self._era.stop or (until is not None and place >= until):
                return
            self._begin_era(self._eras[self._era.number])

    # Eras ------------------------------------------------------------------------------------------------------------

    def _take_over(self, core: TradingCore) -> None:
        self.core = core
        core.journal_to(self.continuation)
        core.watch_with(self._watch)
        core.calibrations_given = True

    @property
    def _is_of_another_program(self) -> bool:
        """Whether the era may be decided otherwise: its program is another one, or is not told and others followed."""
        told = self._era.program
        return told != program() if told else self._adopting or self._era is not self._eras[-1]

    def _adopted_by(self, era: Era, settings: Settings) -> CoreState | None:
        """What an era adopted; None where it began with nothing."""
        return adopted(self.journal.messages[era.first].records, settings) if era.adopts else None

    def _core_of(self, era: Era) -> TradingCore:
        """A core as an era begins."""
        settings = _settings_of(era, self._eras)
        return core_of_era(self.journal, era, settings, self._adopted_by(era, settings))

    def _begin_era(self, era: Era) -> None:
        """Be a core as an era begins, whose state is the one that the era before has come to.

        :raises DivergenceError: where this is another, decided by this program.
        """
        last, before, messages = self.core.last_state(), self._era, self.journal.messages
        message, settings = messages[era.first], _settings_of(era, self._eras)
        self._era = era
        carried = fitted(last, _settings_of(before, self._eras), settings)
        if era.program == program() and _bytes(again := adoption(carried, message.time)) != _bytes(message):
            raise DivergenceError(Divergence(era.first, message, again))
        try:
            self._adopted = adopted(message.records, settings)
        except AdoptionError as error:
            self.unlike.append(f"era {era.number}: {error}; it goes on from what the era before has come to")
            self._adopted = carried
        if difference := _difference(carried, self._adopted):
            self.unlike.append(f"era {era.number} adopted another book than followed: {difference}")
        core = TradingCore(settings, self.continuation)
        core.resume(self._adopted, inputs_waiting(messages, era.first, self.continuation.left_out))
        self.continuation.place = era.first + 1
        self._take_over(core)

    def _follow_era(self, error: Exception) -> None:
        """Come to the era's end by what the journal says was decided."""
        era = self._era
        count, wrote = era.stop - era.first, f"program {era.program[:8]}" if era.program else "an earlier program"
        self.unlike.append(
            f"era {era.number} was decided by {wrote}, and this one decides otherwise: its {count} messages were "
            f"followed, not decided again ({error})"
        )
        settings = _settings_of(era, self._eras)
        self._take_over(followed(self.journal, era, settings, self._adopted_by(era, settings)))
        self.continuation.place = era.stop
        while self._within and self._within[0][0] < era.stop:
            self._within.popleft()

    def _frames_of_era(self, until_time: int | None, until: int | None) -> Iterator[FrameReplayed]:
        continuation, core, inputs = self.continuation, self.core, 0
        first = continuation.place
        while not continuation.at_end:
            place = continuation.place
            message = continuation.recorded[place]
            if place >= self._era.stop:
                return
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
    unlike: tuple[str, ...] = ()  # of eras that were not decided again to the byte, in sentences


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
    return Replay(place, message_digest(again), divergence, tuple(replayer.unlike))


def overruns_of(journal: Journal, first: int = 0) -> list[Overrun]:
    """The overruns of tasks that a journal tells of from message ``first`` on, in order.

    :raises JournalError: for one that no executive has.
    """
    found = []
    for sequence, message in messages_of(journal.messages, Kind.OVERRUN, first=first):
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


def _settings_of(era: Era, eras: Sequence[Era]) -> Settings:
    """The settings of an era; of one that others followed, as far as they are settings still."""
    return settings_of(era.settings) if era is eras[-1] else known_settings_of(era.settings)


def _difference(carried: CoreState, told: CoreState) -> str:
    """How two states differ in what is held and on order, in words; empty where they do not."""
    was, found = carried.state.strategy, told.state.strategy
    for what, one, other in (
        ("positions", was.holdings, found.holdings),
        ("orders", was.orders_working, found.orders_working),
        ("trades", [each.number for each in was.trades], [each.number for each in found.trades]),
    ):
        if one != other:
            return f"{what} are {other}, and should be {one}"
    return ""


def _bytes(message: Message) -> tuple[Kind, int, bytes]:
    return message.kind, message.time, message.records.tobytes()
