"""The log of a run: every notice, order, command, overrun and recovery once, named as ECS names them."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from alo_lib.core import FRAME_PLAN
from alo_lib.executive import Cause, OverrunPolicy
from alo_lib.journal import (
    JOURNAL_FOLDER,
    JournalWriter,
    LiveObjectStoreJournal,
    Volume,
    WriterStart,
    volume_begins,
)
from alo_lib.monitor import Source
from alo_lib.monitor.event_log import EventLog, EventLogError
from alo_lib.records import (
    HaltCause,
    HostEvent,
    InstrumentKind,
    Kind,
    Message,
    OperatorCommand,
    OrderReason,
    OrderStatus,
    records,
    remark,
)
from alo_lib.telemetry import EngineKind, Recorder, RunPhase, RunTold
from alo_lib.telemetry.layout import TELEMETRY_FOLDER
from tests.deployment.tools import fields_of_the_index
from tests.journal.on_disk import OnDisk
from tests.runtime.processes import FRAME

DAY = 1_704_205_800_000_000_000  # 2024-01-02 14:30 UTC
NIGHT = DAY + 10 * 3_600_000_000_000
Begin = Callable[[Source, Path], EventLog]
TOLD = RunTold("desk", EngineKind.EMBEDDED, False, FRAME, FRAME_PLAN, Path("journal"))


@pytest.fixture
def begun() -> Iterator[Begin]:
    """What opens a log, which is closed at the end."""
    with ExitStack() as opened:
        yield lambda run, folder: opened.enter_context(closing(EventLog(run, folder)))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Source]:
    folder = tmp_path / "run"
    recorder = Recorder(folder / TELEMETRY_FOLDER, TOLD)
    yield Source("run", folder, channel=False)
    recorder.close(RunPhase.STOPPED)


def journal_of(run: Source, *messages: Message, settings: bytes = b"{}") -> JournalWriter:
    writer = JournalWriter.create(run.folder / JOURNAL_FOLDER, settings=settings)
    for message in messages:
        writer.append(message)
    return writer


def note(text: str, time: int = DAY) -> Message:
    return Message(Kind.NOTICE, time, records(Kind.NOTICE, text=text.encode()))


def lines_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("*.json")) for line in path.read_bytes().splitlines()]


def texts_in(folder: Path) -> list[str]:
    return [line["message"] for line in lines_in(folder)]


EVERYTHING = (
    Message(
        Kind.INSTRUMENT,
        DAY,
        records(Kind.INSTRUMENT, instrument=0, kind=InstrumentKind.EQUITY, symbol=b"TEST", multiplier=1),
    ),
    Message(Kind.INTENT, DAY, records(Kind.INTENT, order=1, quantity=-3, reason=OrderReason.HEDGE)),
    Message(
        Kind.ORDER_EVENT,
        DAY + 1_234_567,
        records(Kind.ORDER_EVENT, order=1, status=OrderStatus.FILLED, quantity=-3, price=10.5, fee=1.0),
    ),
    Message(Kind.ORDER_EVENT, DAY, records(Kind.ORDER_EVENT, order=2, status=OrderStatus.INVALID)),
    note("the book is closed"),
    remark(HostEvent.RECOVERY, DAY, "the host is right"),
    remark(HostEvent.DATA, DAY, "of no interest"),
    Message(
        Kind.OPERATOR,
        DAY,
        records(Kind.OPERATOR, command=OperatorCommand.SET_LIMIT, limit=b"max-vega", value=0.5, sender=b"alo command"),
    ),
    Message(Kind.HALT, DAY, records(Kind.HALT, cause=HaltCause.DRAWDOWN, halted=1)),
    Message(
        Kind.OVERRUN,
        DAY,
        records(
            Kind.OVERRUN,
            elapsed=7_000_000,
            budget=5_000_000,
            cause=Cause.WORK,
            policy=OverrunPolicy.DEGRADE,
            task=b"value",
        ),
    ),
)


def test_every_kind_is_told_in_fields_of_the_index(run: Source, begun: Begin, tmp_path: Path) -> None:
    journal_of(run, *EVERYTHING).close()
    log = begun(run, tmp_path / "log")
    log.write(None)
    lines = lines_in(tmp_path / "log")
    assert [(line["event.action"], line["log.level"], line["message"]) for line in lines] == [
        ("order", "info", "sell 3 TEST"),
        ("order_event", "info", "order 1 of TEST is filled: -3 at 10.50, fee 1.00"),
        ("order_event", "error", "order 2 of TEST is invalid"),
        ("notice", "info", "the book is closed"),
        ("recovery", "warning", "the host is right"),
        ("command", "warning", "alo command asks: set-limit max-vega=0.5"),
        ("halt", "warning", "drawdown halts the book"),
        ("overrun", "warning", "value took 7.000 ms of 5.000: its own work"),
    ]
    assert lines[0]["event.reason"] == OrderReason.HEDGE.tag
    assert lines[1]["@timestamp"] == "2024-01-02T14:30:00.001234Z"
    assert [lines[place]["event.outcome"] for place in (1, 2)] == ["success", "failure"]
    assert lines[-1]["event.duration"] == 7_000_000
    assert [line["event.sequence"] for line in lines] == [1, 2, 3, 4, 5, 7, 8, 9]
    assert {name for line in lines for name in line} <= fields_of_the_index()


def test_each_line_is_written_once_whoever_goes_on(run: Source, begun: Begin, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    writer = journal_of(run, note("one"), note("two"))
    log = begun(run, folder)
    log.write(None)
    log.write(None)
    writer.append(note("three"))
    log.write(None)
    with pytest.raises(EventLogError, match="written by another process already"):
        EventLog(run, folder)
    log.close()
    writer.append(note("tonight", NIGHT))
    again = begun(run, folder)
    again.write(None)
    again.close()
    assert texts_in(folder) == ["one", "two", "three", "tonight"]
    assert sorted(path.name for path in folder.glob("*.json")) == ["run-2024-01-02.json", "run-2024-01-03.json"]
    (folder / "run-2024-01-02.json").unlink()  # what was gathered may go
    third = begun(run, folder)
    third.write(None)
    third.close()
    assert texts_in(folder) == ["tonight"]
    writer.close()


def test_a_message_of_several_records_goes_on_in_its_middle(run: Source, begun: Begin, tmp_path: Path) -> None:
    both = records(Kind.NOTICE, 2)
    both["text"] = [b"first", b"second"]
    journal_of(run, Message(Kind.NOTICE, DAY, both)).close()
    path = tmp_path / "log" / "run-2024-01-02.json"
    log = begun(run, path.parent)
    log.write(None)
    log.close()
    whole = path.read_bytes()
    first = whole.splitlines(keepends=True)[0]
    path.write_bytes(first + whole[len(first) : len(first) + 20])  # the power went
    again = begun(run, path.parent)
    again.write(None)
    again.close()
    written = path.read_bytes().splitlines()
    assert len(written) == 3
    assert [json.loads(written[place])["message"] for place in (0, 2)] == ["first", "second"]


def test_another_journal_is_written_from_its_beginning(run: Source, begun: Begin, tmp_path: Path) -> None:
    journal_of(run, note("one"), note("two")).close()
    log = begun(run, tmp_path / "log")
    log.write(None)
    (run.folder / JOURNAL_FOLDER).rename(tmp_path / "before")
    journal_of(run, note("other"), settings=b'{"cash":1}').close()
    log.write(None)
    assert texts_in(tmp_path / "log") == ["one", "two", "other"]
    assert len({line["alo.journal"] for line in lines_in(tmp_path / "log")}) == 2


def test_what_another_volume_tells_again_is_written_once(run: Source, begun: Begin, tmp_path: Path) -> None:
    (store := run.folder / JOURNAL_FOLDER).mkdir()
    place = LiveObjectStoreJournal(OnDisk(store), "program")
    folder, heard = tmp_path / "log", [note("one"), note("two"), note("three"), note("night", NIGHT)]
    log, writer = begun(run, folder), place.writer(b"{}", WriterStart())

    def keep(*messages: Message) -> None:
        for message in messages:
            writer.append(message)
        place.keep(writer)

    keep(*heard[:2])
    log.write(None)
    keep(heard[2])
    ends = Message(Kind.ADOPTION, DAY, records(Kind.ADOPTION))
    writer = place.turn(writer, [volume_begins(Volume(2), DAY, 3), *heard[:3], ends], "program")
    log.write(None)
    assert texts_in(folder) == ["one", "two", "three"]
    keep(heard[3])
    log.close()
    again = begun(run, folder)
    writer = place.turn(writer, [volume_begins(Volume(3), DAY, 6), *heard, ends], "program")
    again.write(None)
    keep(note("one", NIGHT))
    again.write(None)
    assert texts_in(folder) == ["one", "two", "three", "night", "one"]


def test_what_could_not_be_written_is_written_later(run: Source, begun: Begin, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    writer = journal_of(run, note("one"))
    log = begun(run, folder)
    log.write(None)
    (folder / "run-2024-01-03.json").mkdir()  # no file can be written there
    writer.append(note("tonight", NIGHT))
    with pytest.raises(OSError, match="directory"):
        log.write(None)
    (folder / "run-2024-01-03.json").rmdir()
    log.write(None)
    assert texts_in(folder) == ["one", "tonight"]
    writer.close()


def test_a_folder_that_cannot_be_written_to_is_refused(run: Source, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EventLogError, match="file cannot be written to"):
        EventLog(run, tmp_path / "file")
