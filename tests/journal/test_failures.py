"""A call of the operating system fails: the journal stops for good, and can be read afterwards."""

import errno

import pytest

from alo_lib.journal import Durability, Files, JournalError, JournalWriter, recover
from tests.journal import failures
from tests.journal.workload import message


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("problem", failures.PROBLEMS, ids=lambda number: errno.errorcode[number])
@pytest.mark.parametrize("durability", list(Durability))
def test_each_call_that_fails_stops_the_journal(durability: Durability, problem: int, late: bool) -> None:
    assert list(failures.problems(durability, problem, late=late)) == []


def test_each_write_that_is_short_stops_the_journal() -> None:
    assert list(failures.problems(Durability.EVERY, failures.SHORT)) == []


def test_the_failure_is_told_with_its_reason(tmp_path) -> None:
    files = failures.FailingFiles(10**9, errno.ENOSPC)
    writer = JournalWriter.create(tmp_path / "journal", files=files, durability=Durability.EVERY)
    files.number = len(files.calls)
    with pytest.raises(JournalError, match=r"the journal cannot be written: No space left on device$"):
        writer.append(message(0))
    with pytest.raises(JournalError, match=r"No space left on device; nothing can follow it$"):
        writer.append(message(0))


class NoSpare(Files):
    """Files that cannot be written with zeros."""

    def write_zeros(self, descriptor: int, at: int, size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_a_spare_segment_that_cannot_be_made_stops_the_journal(tmp_path) -> None:
    writer = JournalWriter.create(tmp_path / "journal", files=NoSpare(), durability=Durability.GROUP)
    append_until_it_fails = iter(lambda: (writer.append(message(writer.sequence)), writer.flush()), None)  # type: ignore[func-returns-value]
    with pytest.raises(JournalError, match=r"the journal cannot be written: Input/output error$"):
        list(append_until_it_fails)
    writer.abandon()
    found = recover(tmp_path / "journal").journal.messages
    assert len(found) == writer.sequence
