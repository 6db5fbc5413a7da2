"""Deciding again from a journal, and comparing."""

import io
import json
from contextlib import suppress
from dataclasses import dataclass

from alo_lib.core.settings import Settings
from alo_lib.core.trading import TradingCore
from alo_lib.executive import Cause, Overrun, OverrunError, OverrunPolicy, RecordedWatch
from alo_lib.journal import Journal, JournalWriter, read_journal
from alo_lib.market.records import Kind, Message

__all__ = ["Divergence", "Replay", "overruns_of", "replay"]


@dataclass(frozen=True)
class Divergence:
    """The first message in which a replay and its journal differ."""

    sequence: int
    recorded: Message | None  # None when the journal ended before the replay did
    replayed: Message | None


@dataclass(frozen=True)
class Replay:
    """What came of replaying a journal."""

    messages: int
    digest: str
    divergence: Divergence | None


def replay(journal: Journal) -> Replay:
    """Run a fresh core over a journal's inputs and frames, and compare what it writes, message by message."""
    stream = io.BytesIO()
    writer = JournalWriter(stream, settings=journal.settings)
    core = TradingCore(Settings.of(json.loads(journal.settings)), writer, watch=RecordedWatch(overruns_of(journal)))
    with suppress(OverrunError):  # the last that was recorded ended the run
        for message in journal.messages:
            if message.kind == Kind.FRAME:
                core.open_frame(message.time)
                core.run()
            elif message.kind == Kind.OVERRUN:
                if message.records["cause"][0] == Cause.LATE:  # the others come of the frame that is run
                    core.note(message)
            elif not message.kind.is_decision:
                core.accept(message)
    replayed = read_journal(stream.getvalue()).messages
    return Replay(len(replayed), writer.digest, _first_difference(journal.messages, replayed))


def overruns_of(journal: Journal) -> list[Overrun]:
    """The overruns of tasks that a journal tells of, in order."""
    return [
        Overrun(
            int(row["frame"]),
            row["task"].decode(),
            Cause(row["cause"]),
            OverrunPolicy(row["policy"]),
            int(row["elapsed"]),
            int(row["budget"]),
        )
        for message in journal.messages
        if message.kind is Kind.OVERRUN
        for row in message.records
        if row["cause"] != Cause.LATE
    ]


def _first_difference(recorded: tuple[Message, ...], replayed: tuple[Message, ...]) -> Divergence | None:
    for sequence in range(max(len(recorded), len(replayed))):
        one = recorded[sequence] if sequence < len(recorded) else None
        two = replayed[sequence] if sequence < len(replayed) else None
        if one is None or two is None or _bytes(one) != _bytes(two):
            return Divergence(sequence, one, two)
    return None


def _bytes(message: Message) -> tuple[Kind, int, bytes]:
    return message.kind, message.time, message.records.tobytes()
