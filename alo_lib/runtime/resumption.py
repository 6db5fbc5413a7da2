"""A core that goes on from what an earlier process of its host has journaled."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alo_lib.core.settings import Settings
from alo_lib.core.snapshot import program, unpack
from alo_lib.core.trading import TradingCore
from alo_lib.journal import Journal, JournalError, JournalWriter, Store, WriterStart, decode_snapshot, read_journal
from alo_lib.journal.snapshots import entry_checksum
from alo_lib.journal.writer import DEFAULT_SEGMENT
from alo_lib.records import Contract, InstrumentKind, Kind, Message
from alo_lib.runtime.replay import Continuation, Replayer

__all__ = ["Continued", "Told", "continue_core", "inputs_waiting", "told_by"]


@dataclass
class Told:
    """What an engine had told its core: from here it goes on telling."""

    underlyings: dict[str, int] = field(default_factory=dict)  # number by ticker
    contracts: dict[int, tuple[int, Contract]] = field(default_factory=dict)  # underlying and contract by number
    today: set[int] = field(default_factory=set)  # contracts of the last session
    last_close: dict[int, int] = field(default_factory=dict)  # time of the last close told, by underlying
    session: dt.date | None = None  # the last that was begun


@dataclass
class Continued:
    """A core that stands where its journal ends, and the writer of what follows."""

    core: TradingCore
    writer: JournalWriter
    told: Told
    findings: list[str]


def continue_core(
    settings: Settings,
    images: Sequence[bytes],
    store: Store,
    *,
    segment_bytes: int = DEFAULT_SEGMENT,
    snapshots: Sequence[bytes] = (),
) -> Continued:
    """Decide again what the segments in ``images`` hold, compare, and go on behind them in ``store``.

    The newest of ``snapshots`` that belongs to them (:func:`alo_lib.journal.encode_snapshot`) saves what led to it. A
    frame that was cut off is decided to its end, and what it decides is journaled now: nothing of it was sent.
    Raises JournalError for segments that do not hold or were written under other
    settings, DivergenceError when this program decides otherwise.
    """
    journal = read_journal(images, unfinished=True)
    if Settings.of(json.loads(journal.settings)) != settings:
        raise JournalError("the journal was written under other settings than these; remove it, or use those")
    replayer, start = _replayer(settings, journal, snapshots)
    for _ in replayer.frames():
        pass
    count, last = len(journal.messages), journal.segments[-1]
    checksum = entry_checksum(journal, count) if count else 0
    position = WriterStart(count, last.epoch + 1, last.number + 1, checksum)
    writer = JournalWriter(store, settings=journal.settings, position=position, segment_bytes=segment_bytes)
    extra = replayer.continuation.extra
    for message in extra:
        writer.append(message)
    replayer.core.journal_to(writer)
    replayer.core.watch_with(None)
    findings = [f"the core goes on from {count} messages, as epoch {writer.epoch}"]
    if start:
        findings.append(f"{start} of them are in a snapshot, the others were decided again as recorded")
    if not journal.sealed:
        findings.append(f"the writer of epoch {last.epoch} did not close the journal")
    if extra:
        findings.append(f"its last frame was cut off; {len(extra)} messages of it were decided now")
    return Continued(replayer.core, writer, told_by(journal.messages), findings)


def _replayer(settings: Settings, journal: Journal, snapshots: Sequence[bytes]) -> tuple[Replayer, int]:
    """What decides the journal again, and the sequence from which it has to."""
    found = (decode_snapshot(data, program(), journal) for data in snapshots)
    snapshot = max((each for each in found if each is not None), key=lambda each: each.sequence, default=None)
    if snapshot is None:
        return Replayer(journal), 0
    core = TradingCore(settings, Continuation(()))
    core.resume(unpack(snapshot.state), inputs_waiting(journal.messages, snapshot.sequence))
    return Replayer(journal, core=core, start=snapshot.sequence), snapshot.sequence


def inputs_waiting(messages: Sequence[Message], end: int) -> Iterator[Message]:
    """The inputs below a sequence that no frame below it took in."""
    first = end
    while first > 0 and messages[first - 1].kind is not Kind.FRAME:
        first -= 1
    for message in messages[first:end]:
        if not (message.kind.is_decision or message.kind.is_remark or message.within):
            yield message


def told_by(messages: Sequence[Message]) -> Told:
    """What the inputs in a journal tell of the engine that put them in."""
    told = Told()
    for message in messages:
        if message.kind is Kind.SESSION:
            date = int(message.records["date"][0])
            told.session = dt.date(date // 10_000, date // 100 % 100, date % 100)
            told.today = set()
        elif message.kind is Kind.CLOSE:
            for row in message.records:
                told.last_close[int(row["instrument"])] = int(row["time"])
        elif message.kind is Kind.INSTRUMENT:
            for row in message.records:
                number, symbol = int(row["instrument"]), row["symbol"].decode()
                if row["kind"] == InstrumentKind.EQUITY:
                    told.underlyings[symbol] = number
                    continue
                told.today.add(number)
                expiry = dt.datetime.strptime(symbol[6:12], "%y%m%d").date()
                strike, right = float(row["strike"]), int(row["right"])
                terms = (int(row["expiry"]), int(row["open_interest"]), bool(row["american"]))
                told.contracts[number] = int(row["underlying"]), Contract(expiry, strike, right, *terms)
    return told
