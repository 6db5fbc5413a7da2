"""Writing a journal and reading it back: order, bytes, digests, and whatever is not a journal."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alo_lib.journal import Clocks, Durability, JournalError, JournalWriter, MemoryStore, message_digest, read_journal
from alo_lib.journal.format import segment_name
from alo_lib.journal.kernels import FULL, OFFSET, append
from alo_lib.records import READ_SCHEMAS, SCHEMA_VERSION, HostEvent, Kind, Message, records
from tests.journal import workload

MESSAGES = [
    Message(Kind.RATE, 1, records(Kind.RATE, rate=0.01)),
    Message(Kind.QUOTE, 2, records(Kind.QUOTE, 3, bid=[1.0, np.nan, 2.0], ask=1.5)),
    Message(Kind.FRAME, 3, records(Kind.FRAME, frame=9)),
    Message(Kind.NOTICE, 4, records(Kind.NOTICE, text=b"a word")),
    Message(Kind.SIGNAL, 5, records(Kind.SIGNAL, 0)),
]
REMARK = Message(Kind.EVENT, 3, records(Kind.EVENT, event=HostEvent.COMMAND, text=b"stop"))
SMALL = 1 << 10


def written(
    messages: list[Message] = MESSAGES, settings: bytes = b'{"a": 1}', segment_bytes: int = SMALL
) -> list[bytes]:
    store = MemoryStore()
    writer = JournalWriter(store, settings=settings, segment_bytes=segment_bytes)
    for message in messages:
        writer.append(message)
    writer.close()
    return store.images()


def same(one: list[Message], two: list[Message]) -> bool:
    return [(m.kind, m.time, m.records.tobytes()) for m in one] == [(m.kind, m.time, m.records.tobytes()) for m in two]


def test_what_was_written_is_read() -> None:
    journal = read_journal(written())
    assert journal.settings == b'{"a": 1}'
    assert journal.sealed
    assert same(list(journal.messages), MESSAGES)
    assert not journal.messages[1].records.flags.writeable


@pytest.mark.parametrize("durability", list(Durability))
def test_a_folder_holds_the_same_as_memory(tmp_path: Path, durability: Durability) -> None:
    many = MESSAGES * 20
    with_settings: dict[str, Any] = {"settings": b'{"a": 1}', "segment_bytes": SMALL}
    writer = JournalWriter.create(tmp_path, durability=durability, **with_settings)
    assert [writer.append(message) for message in many] == list(range(len(many)))
    writer.wait(len(many))
    assert writer.durable == writer.sequence == len(many)
    writer.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [segment_name(number) for number in range(len(names))]
    assert len(names) > 5
    journal = read_journal(tmp_path)
    assert same(list(journal.messages), many)
    if durability is Durability.OS:
        assert [(tmp_path / name).read_bytes() for name in names] == written(many)


def test_messages_can_be_picked_from_any_segment() -> None:
    many = [message._replace(time=time) for time, message in enumerate(MESSAGES * 20)]
    messages = read_journal(written(many)).messages
    assert len(messages) == len(many)
    for place in (0, 1, 17, 50, 99, -1, -100):
        assert same([messages[place]], [many[place]])
    assert same(list(messages[10:40:7]), many[10:40:7])
    assert messages.entries["time"].tolist() == list(range(100))  # type: ignore[attr-defined]
    with pytest.raises(IndexError):
        messages[100]


def test_a_message_larger_than_a_segment_gets_one_of_its_own() -> None:
    large = Message(Kind.QUOTE, 9, records(Kind.QUOTE, 500))
    messages = [MESSAGES[0], large, MESSAGES[1]]
    images = written(messages)
    assert same(list(read_journal(images).messages), messages)


def test_same_messages_same_bytes() -> None:
    assert written() == written()


def test_the_digest_is_of_what_is_said_and_not_of_how_it_is_kept() -> None:
    digest = message_digest(MESSAGES)
    assert message_digest(read_journal(written(segment_bytes=300)).messages) == digest
    assert message_digest([MESSAGES[0], REMARK, *MESSAGES[1:]]) == digest
    assert message_digest(MESSAGES[:-1]) != digest


def test_every_kind_is_whole_words() -> None:
    for kind in Kind:
        assert records(kind).nbytes % 8 == 0, kind


def test_an_empty_journal_is_a_journal() -> None:
    assert len(read_journal(written([])).messages) == 0


def test_clocks_are_written_only_where_there_are_any(tmp_path: Path) -> None:
    ticks = iter(range(100, 200))
    writer = JournalWriter.create(tmp_path, clocks=Clocks(lambda: next(ticks), lambda: 7))
    writer.append(MESSAGES[0])
    writer.close()
    segment = read_journal(tmp_path).segments[0]
    assert segment.clocks == (100, 7)
    assert segment.entries["clock"].tolist() == [101]
    assert read_journal(written()).segments[0].entries["clock"].tolist() == [0] * len(MESSAGES)


def test_each_entry_says_what_was_durable_when_it_was_written(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path, durability=Durability.EVERY)
    for message in MESSAGES:
        writer.append(message)
    writer.close()
    assert read_journal(tmp_path).messages.entries["durable"].tolist() == list(range(len(MESSAGES)))  # type: ignore[attr-defined]


def test_compiled_and_python_append_write_the_same() -> None:
    payload = MESSAGES[1].records.view(np.int64)
    images = []
    for function in (append, append.py_func):
        store = MemoryStore()
        writer = JournalWriter(store, segment_bytes=SMALL)
        arguments = (5, 6, int(Kind.QUOTE), 3, payload.nbytes, payload)
        sequences = [int(function(writer.words, writer.marks, *arguments)) for _ in range(8)]
        assert sequences == [0, 1, 2, 3, 4, FULL, FULL, FULL]
        place = int(writer.marks[OFFSET])
        images.append(writer.words[:place].tobytes())
    assert images[0] == images[1]


def test_a_journal_that_is_still_written_can_be_read() -> None:
    store = MemoryStore()
    writer = JournalWriter(store, segment_bytes=SMALL)
    for message in MESSAGES:
        writer.append(message)
    assert same(list(read_journal(store.images(), unfinished=True).messages), MESSAGES)
    with pytest.raises(JournalError, match=r"segment 0 ends after entry 4 without a seal: its writer did not close it"):
        read_journal(store.images())


def test_others_read_what_is_durable_from_a_file(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path, durability=Durability.EVERY)
    writer.append(MESSAGES[0])
    published = np.frombuffer((tmp_path / "published").read_bytes(), np.int64)
    assert published[:2].tolist() == [1, 1]
    writer.close()
    assert not (tmp_path / "published").exists()


def test_a_segment_that_is_missing_is_noticed() -> None:
    images = written(MESSAGES * 20)
    with pytest.raises(JournalError, match="has number 2 where 1 should follow"):
        read_journal([images[0], *images[2:]])
    with pytest.raises(JournalError, match="begins with entry"):
        read_journal([images[0], *written(MESSAGES * 40, segment_bytes=2 * SMALL)[1:2]])


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "is not a journal's segment: its 0 bytes"),
        (b"something else, quite long enough to hold a header of seventy-two bytes", "do not begin with"),
        (written()[0][:8] + b"\x63\0" + written()[0][10:], "layout version 99; this program reads version 2"),
        (
            written()[0][:10] + b"\x63\0" + written()[0][12:],
            f"schema version 99; this program reads version {SCHEMA_VERSION}",
        ),
        (written()[0][:40] + b"\x63\0" + written()[0][42:], "the header of segment 0 is damaged"),
    ],
)
def test_what_is_no_journal_is_refused(data: bytes, match: str) -> None:
    with pytest.raises(JournalError, match=match):
        read_journal([data])


@pytest.mark.parametrize("schema", READ_SCHEMAS)
def test_journals_of_earlier_schemas_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: int) -> None:
    monkeypatch.setattr("alo_lib.journal.writer.SCHEMA_VERSION", schema)
    writer = JournalWriter.create(tmp_path)
    rate = Message(Kind.RATE, 5, records(Kind.RATE, rate=0.02))
    writer.append(rate)
    writer.close()
    (read,) = read_journal(tmp_path).messages
    assert (read.kind, read.time, read.records.tobytes()) == (rate.kind, rate.time, rate.records.tobytes())


def test_a_journal_of_a_schema_before_those_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alo_lib.journal.writer.SCHEMA_VERSION", READ_SCHEMAS[0] - 1)
    JournalWriter.create(tmp_path).close()
    with pytest.raises(JournalError, match="has schema version 8; this program reads version"):
        read_journal(tmp_path)


def test_a_folder_that_holds_none(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="is not a journal: it holds no segment"):
        read_journal(tmp_path)
    with pytest.raises(JournalError, match="none cannot be read: No such file"):
        read_journal(tmp_path / "none")


def test_a_folder_that_holds_one_is_not_begun_again(tmp_path: Path) -> None:
    JournalWriter.create(tmp_path).close()
    with pytest.raises(JournalError, match="holds a journal already"):
        JournalWriter.create(tmp_path)


def test_nothing_follows_the_end(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path)
    writer.close()
    writer.close()
    with pytest.raises(JournalError, match="the journal is closed"):
        writer.append(MESSAGES[0])


def test_group_goes_over_to_the_segment_that_was_prepared(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    options: dict[str, Any] = {"settings": workload.SETTINGS, "durability": Durability.GROUP, "segment_bytes": 1 << 20}
    writer = JournalWriter.create(folder, **options)
    while not (folder / "00000001.segment").exists():
        writer.append(workload.message(writer.sequence))
        writer.flush()
    early = writer.sequence
    for _ in range(100):
        writer.append(workload.message(writer.sequence))
        writer.flush()
    appended = writer.sequence
    writer.close()
    assert not list(folder.glob("*.new"))
    journal = read_journal(folder)
    assert workload.check(journal.messages, durable=appended, appended=appended) == ""
    assert [segment.first for segment in journal.segments] == [0, early]
