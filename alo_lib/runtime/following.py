"""An era of a journal that is followed: what it says was decided is done, for programs that would decide otherwise."""

from collections.abc import Iterator, Sequence

import numpy as np

from alo_lib.core.frame_plan import FRAME_PLAN
from alo_lib.core.trading import CoreState, TradingCore
from alo_lib.executive import TaskPlan
from alo_lib.journal import Era, Journal, JournalError, messages_of, preface_of
from alo_lib.records import Kind, Message
from alo_lib.settings import Settings

__all__ = ["core_of_era", "followed", "inputs_waiting"]


class _Unheard:
    """Where a core writes that tells nobody anything."""

    def append(self, message: Message) -> int:
        """Nothing: the journal has it, or something else in its place."""
        return 0

    def flush(self) -> None:
        """Nothing."""


def core_of_era(
    journal: Journal, era: Era, settings: Settings, state: CoreState | None, plans: Sequence[TaskPlan] = FRAME_PLAN
) -> TradingCore:
    """A core as an era begins: with nothing, or with the state that it adopted and what waited then."""
    core = TradingCore(settings, _Unheard(), plans=plans)
    if state is not None:
        core.resume(state, inputs_waiting(journal.messages, era.first, journal.left_out))
    return core


def followed(journal: Journal, era: Era, settings: Settings, state: CoreState | None) -> TradingCore:
    """A core that stands where an era's decisions have brought the one that made them.

    :raises JournalError: where this program cannot take in what the era tells.
    """
    core = core_of_era(journal, era, settings, state)
    core.calibrations_given = True
    first = era.start
    frames = [place for place, _ in messages_of(journal.messages, Kind.FRAME, first=first) if place < era.stop]
    try:
        _tell(core, _counted(journal, first, frames[0] if frames else era.stop))
        for place, end in zip(frames, [*frames[1:], era.stop], strict=True):
            if place not in journal.left_out:
                _follow_frame(core, journal.messages[place].time, list(_counted(journal, place + 1, end)))
    except JournalError:
        raise
    except Exception as error:
        raise JournalError(
            f"era {era.number} of the journal, messages {era.first} to {era.stop - 1}, cannot be followed by this "
            f"program ({type(error).__name__}: {error}); flatten the book by the program that wrote it"
        ) from error
    return core


def _follow_frame(core: TradingCore, time: int, messages: Sequence[Message]) -> None:
    """A frame, of which all that follows up to the next one is told."""
    core.followed = [message for message in messages if message.kind.is_decision]
    if core.open_frame(time):
        for message in messages:
            if message.within:
                core.run_to(message.within)
                core.admit_recorded(message)
        core.run()
    _tell(core, (message for message in messages if not message.within))


def _tell(core: TradingCore, messages: Iterator[Message]) -> None:
    """Put inputs in; a calibration that this program has not asked for does not come into force."""
    for message in messages:
        if message.kind.is_decision or message.kind.is_remark or message.kind is Kind.ADOPTION:
            continue
        if message.kind is Kind.CALIBRATION:
            pending = np.isin(message.records["underlying"], list(core.calibrations_pending))
            message = message._replace(records=message.records[pending])
            if not len(message.records):
                continue
        core.admit_recorded(message)


def _counted(journal: Journal, first: int, stop: int) -> Iterator[Message]:
    for place in range(first, stop):
        if place not in journal.left_out:
            yield journal.messages[place]


def inputs_waiting(messages: Sequence[Message], end: int, left_out: frozenset[int] = frozenset()) -> Iterator[Message]:
    """The inputs below a sequence that no frame below it took in, without those that are left out.

    What a volume's preface tells again was taken in before.
    """
    first, preface = end, preface_of(messages)
    while first > preface and messages[first - 1].kind is not Kind.FRAME:
        first -= 1
    for sequence in range(first, end):
        message = messages[sequence]
        counts = not (message.kind.is_decision or message.kind.is_remark or sequence in left_out)
        if counts and not message.within and message.kind is not Kind.ADOPTION:
            yield message
