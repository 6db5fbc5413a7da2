"""Sequences, epochs and segments near the end of their numbers: a journal goes on or stops with a sentence."""

from pathlib import Path

import pytest

from alo_lib.journal import Files, FolderStore, JournalError, JournalWriter, MemoryStore, WriterStart
from alo_lib.journal.format import segment_name
from alo_lib.journal.reader import problem_of, scan_folder
from alo_lib.journal.segments import Messages
from alo_lib.journal.store import segment_names
from tests.journal.workload import SETTINGS, message

END = 2**62


@pytest.mark.parametrize("before", [0, 1, 3, 40])
def test_a_journal_whose_sequence_comes_to_its_end_stops_with_the_segment(tmp_path: Path, before: int) -> None:
    store = FolderStore(tmp_path)
    writer = JournalWriter(store, settings=SETTINGS, segment_bytes=1024, position=WriterStart(END - before, 3, 0, 7))
    appended: list[int] = []
    with pytest.raises(JournalError, match=rf"cannot be written: it has come to sequence \d+, and ends at {END}$"):
        appended.extend(writer.append(message(number)) for number in range(1000))
    # An extend that fails keeps what came before.
    assert appended == list(range(END - before, writer.sequence))
    assert END < writer.sequence < END + 1000
    with pytest.raises(JournalError, match="nothing can follow it"):
        writer.append(message(0))
    writer.abandon()
    segments, _ = scan_folder(tmp_path, Files())
    assert problem_of(segments, unfinished=False, part=True) == ""  # the last one was sealed
    found = Messages(segments)
    assert found.entries["sequence"].tolist() == appended
    assert [each.records.tobytes() for each in found] == [
        message(number).records.tobytes() for number in range(len(appended))
    ]


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (WriterStart(END + 1), f"sequence {END + 1}"),
        (WriterStart(2**63 - 1), f"sequence {2**63 - 1}"),
        (WriterStart(5, END + 1), f"epoch {END + 1}"),
        (WriterStart(5, 2, END + 1), f"segment {END + 1}"),
    ],
)
def test_a_journal_that_is_at_its_end_is_not_begun(tmp_path: Path, start: WriterStart, what: str) -> None:
    for store in (FolderStore(tmp_path), MemoryStore()):
        with pytest.raises(JournalError, match=f"it has come to {what}, and ends at {END}$"):
            JournalWriter(store, settings=SETTINGS, position=start)
    JournalWriter.create(tmp_path).close()  # nobody holds it


def test_segments_with_longer_names_follow(tmp_path: Path) -> None:
    first = 99_999_998
    store = FolderStore(tmp_path)
    writer = JournalWriter(store, settings=SETTINGS, segment_bytes=1024, position=WriterStart(9, 1, first, 7))
    while writer._number < first + 4:
        writer.append(message(writer.sequence - 9))
    writer.close()
    names = segment_names(tmp_path, Files())
    assert names == [segment_name(number) for number in range(first, first + 4)]
    assert names[1:3] == ["99999999.segment", "100000000.segment"]
    segments, _ = scan_folder(tmp_path, Files())
    assert problem_of(segments, unfinished=False, part=True) == ""
    assert len(Messages(segments)) == writer.sequence - 9
