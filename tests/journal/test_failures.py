"""A call of the operating system fails: the journal stops for good, and can be read afterwards."""

import errno
import os
import time

import pytest

from alo_lib.journal import Durability, Files, JournalError, JournalWriter, read_journal, recover
from tests.journal import failures
from tests.journal.workload import SETTINGS, check, message


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

    def __init__(self) -> None:
        self.tried = 0

    def write_zeros(self, descriptor: int, at: int, size: int) -> None:
        self.tried += 1
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_spare_that_cannot_be_made_is_told_and_the_journal_goes_on(tmp_path) -> None:
    files, folder = NoSpare(), tmp_path / "journal"
    writer = JournalWriter.create(
        folder, settings=SETTINGS, files=files, durability=Durability.GROUP, segment_bytes=1 << 14
    )
    while writer._number < 6:
        writer.append(message(writer.sequence))
        writer.flush()
        time.sleep(1e-4)
    assert writer.unprepared_because == "no segment is prepared ahead: Input/output error"
    assert (writer.prepared, files.tried > 1) == (False, True)  # it is tried again
    writer.wait(writer.sequence)
    writer.close()
    assert not list(folder.glob("*.new"))
    assert check(read_journal(folder).messages, durable=writer.sequence, appended=writer.sequence) == ""


class NoRoom(Files):
    """A disk that is full from the moment at which ``full`` is said."""

    full = False

    def allocate(self, descriptor: int, size: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().allocate(descriptor, size)


def test_the_spare_is_used_up_before_a_full_disk_stops_the_journal(tmp_path) -> None:
    files, folder = NoRoom(), tmp_path / "journal"
    writer = JournalWriter.create(
        folder, settings=SETTINGS, files=files, durability=Durability.GROUP, segment_bytes=1 << 14
    )
    while not writer.prepared:  # so the next spare is in the making
        writer.append(message(writer.sequence))
        writer.flush()
    while not (folder / "spare.new").exists():
        time.sleep(1e-4)
    time.sleep(0.05)
    files.full, number = True, writer._number
    append_until_it_fails = iter(lambda: (writer.append(message(writer.sequence)), writer.flush()), None)  # type: ignore[func-returns-value]
    with pytest.raises(JournalError, match=r"^the journal cannot be written: No space left on device$"):
        list(append_until_it_fails)
    assert writer._number == number + 1  # one segment more, of the spare
    assert writer.unprepared_because == "no segment is prepared ahead: No space left on device"
    appended = writer.sequence
    writer.abandon()
    assert not list(folder.glob("*.new"))  # nothing of what could not be made takes up room
    assert check(recover(folder).journal.messages, durable=appended, appended=appended) == ""


def test_a_segment_that_finds_no_room_waits_for_the_spare_that_is_being_made(tmp_path) -> None:
    class Slow(NoRoom):
        def write_zeros(self, descriptor: int, at: int, size: int) -> None:
            self.full = True  # the spare has the last room there was
            time.sleep(0.2)
            super().write_zeros(descriptor, at, size)

    writer = JournalWriter.create(
        tmp_path / "journal", files=Slow(), durability=Durability.GROUP, segment_bytes=1 << 14
    )
    first = writer._number
    while writer._number == first:
        writer.append(message(writer.sequence))
        if writer._number == first:
            time.sleep(1e-5)
    assert writer.prepared
    writer.abandon()
