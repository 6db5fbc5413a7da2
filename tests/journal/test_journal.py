import io
from pathlib import Path

import numpy as np
import pytest

from alo_lib.journal import JournalError, JournalWriter, message_digest, read_journal
from alo_lib.journal.format import ENTRY, PREFIX
from alo_lib.market.records import Kind, Message, records

MESSAGES = [
    Message(Kind.RATE, 1, records(Kind.RATE, rate=0.01)),
    Message(Kind.QUOTE, 2, records(Kind.QUOTE, 3, bid=[1.0, np.nan, 2.0], ask=1.5)),
    Message(Kind.FRAME, 3, records(Kind.FRAME, frame=9)),
    Message(Kind.NOTICE, 4, records(Kind.NOTICE, text=b"a word")),
]


def written(messages: list[Message] = MESSAGES, settings: bytes = b'{"a": 1}') -> bytes:
    stream = io.BytesIO()
    writer = JournalWriter(stream, settings=settings)
    for message in messages:
        writer.append(message)
    return stream.getvalue()


def test_what_was_written_is_read() -> None:
    journal = read_journal(written())
    assert journal.settings == b'{"a": 1}'
    assert [(m.kind, m.time, m.records.tobytes()) for m in journal.messages] == [
        (m.kind, m.time, m.records.tobytes()) for m in MESSAGES
    ]


def test_same_messages_same_bytes_and_digest() -> None:
    assert written() == written()
    stream = io.BytesIO()
    writer = JournalWriter(stream)
    for message in MESSAGES:
        writer.append(message)
    assert writer.digest == message_digest(MESSAGES)
    assert writer.digest != message_digest(MESSAGES[:-1])
    assert writer.sequence == len(MESSAGES)


def test_an_empty_journal_is_a_journal() -> None:
    assert read_journal(written([])).messages == ()


def test_every_truncation_is_noticed() -> None:
    data = written()
    ends = {len(written(MESSAGES[:count])) for count in range(len(MESSAGES) + 1)}
    for length in range(len(data)):
        if length in ends:
            continue  # a whole number of entries: shorter, yet whole
        with pytest.raises(JournalError):
            read_journal(data[:length])


def test_every_flipped_bit_is_noticed() -> None:
    data = written(MESSAGES[:1], settings=b"")
    for position in range(8 * 8, len(data) * 8):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(JournalError):
            read_journal(bytes(damaged))


def test_an_entry_that_is_missing_is_noticed() -> None:
    one = written(MESSAGES[:1], settings=b"")
    entry = len(one) - PREFIX.size
    data = written(settings=b"")
    with pytest.raises(JournalError, match="entry 0 at byte 20 is damaged"):
        read_journal(data[: PREFIX.size] + data[PREFIX.size + entry :])


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "has 0 bytes"),
        (b"something else, quite long", "does not begin with"),
        (written()[:8] + b"\x63\0\0\0" + written()[12:], "schema version 99 is not 1"),
    ],
)
def test_what_is_no_journal_is_refused(data: bytes, match: str) -> None:
    with pytest.raises(JournalError, match=match):
        read_journal(data)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="none cannot be read: No such file"):
        read_journal(tmp_path / "none")


class FullDisk(io.BytesIO):
    room = ENTRY.size

    def write(self, data: object) -> int:
        self.room -= len(data)  # type: ignore[arg-type]
        if self.room < 0:
            raise OSError(28, "No space left on device")
        return super().write(data)  # type: ignore[arg-type]


def test_a_failed_write_ends_the_journal() -> None:
    stream = FullDisk()
    writer = JournalWriter(stream)
    with pytest.raises(JournalError, match="cannot be written: No space left on device"):
        writer.append(MESSAGES[0])
    stream.room = 1 << 20
    with pytest.raises(JournalError, match="nothing can follow it"):
        writer.append(MESSAGES[0])
    assert writer.sequence == 0
