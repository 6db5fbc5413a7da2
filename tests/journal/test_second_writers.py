"""Whatever becomes of a journal's folder under a writer: nobody else writes its files, and nobody's process ends."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alo_lib.journal import Durability, JournalError, JournalWriter, read_journal, recover, still_being_written
from alo_lib.journal.holders import holders_of
from tests.journal.test_lock import ROOT, another_writer, contents
from tests.journal.workload import SETTINGS, check, message

ONE = "a journal has one writer at a time, so end that one first, or name another journal"


def removed(folder: Path) -> Path:
    (folder / "lock").unlink()
    return folder


def replaced(folder: Path) -> Path:
    told = (folder / "lock").read_text()
    (folder / "lock").unlink()
    (folder / "lock").write_text(told)
    return folder


def linked(folder: Path) -> Path:
    other = folder.with_name("linked")
    other.mkdir()
    for path in folder.glob("*.segment"):
        os.link(path, other / path.name)
    return other


@pytest.mark.parametrize("durability", [Durability.OS, Durability.GROUP])
@pytest.mark.parametrize("lose", [removed, replaced, linked])
def test_a_writer_whose_lock_is_lost_is_seen_by_its_segment(
    tmp_path: Path, lose: Callable[[Path], Path], durability: Durability
) -> None:
    folder = tmp_path / "journal"
    with another_writer(folder, durability) as other:
        place = lose(folder)
        segments = {path.name: path.stat().st_size for path in folder.glob("*.segment")}
        with pytest.raises(JournalError) as refused:
            recover(place)
        assert re.fullmatch(
            rf"journal {place} is being written by process {other.pid} \(python\S* -P -c .*\), which began at \S+ \S+ "
            rf"UTC, though its file lock was removed or replaced, or the journal is linked into another folder; {ONE}",
            str(refused.value),
        )
        assert segments.items() <= {path.name: path.stat().st_size for path in folder.glob("*.segment")}.items()
        out, _ = other.communicate("go on\n")
        assert (out, other.returncode) == ("closed\n", 0)
    found = recover(place)
    assert check(found.journal.messages, durable=51, appended=51) == ""
    found.writer().close()


def test_a_writer_is_seen_by_the_segment_that_it_has_begun_meanwhile(tmp_path: Path) -> None:
    """Between the look at the names and the lock of the last one, the next one may be begun."""
    writer = JournalWriter.create(tmp_path, settings=SETTINGS)
    (tmp_path / "lock").unlink()

    class Slow(type(writer.store.files)):  # type: ignore[misc]
        def names(self, path: Path) -> list[str]:
            found: list[str] = super().names(path)
            if len(writer.words) and writer._number == 1:
                writer.begin_segment()
                writer._sync_all()  # which closes the first one
            return found

    with pytest.raises(JournalError, match=f"is being written by process {os.getpid()} "):
        recover(tmp_path, files=Slow())
    assert writer._number == 2
    writer.append(message(0))
    writer.close()
    assert check(read_journal(tmp_path).messages, durable=1, appended=1) == ""


def test_a_folder_that_is_renamed_is_still_its_writers(tmp_path: Path) -> None:
    folder, moved = tmp_path / "journal", tmp_path / "moved"
    with another_writer(folder, Durability.GROUP) as other:
        folder.rename(moved)
        assert still_being_written(moved)
        with pytest.raises(JournalError, match=rf"^journal {moved} is being written by process {other.pid} "):
            recover(moved)
        # Somebody begins another journal where the first one was: it is none of the first one's business.
        second = JournalWriter.create(folder, settings=SETTINGS, durability=Durability.GROUP, segment_bytes=4096)
        second.append(message(0))
        own = ("spare.new", "published")  # which the second one writes meanwhile
        before = {name: data for name, data in contents(folder).items() if name not in own}
        _, told = other.communicate("go on\n")
        assert other.returncode == 1
        assert told.splitlines()[-1] == (
            f"alo_lib.journal.format.JournalError: the journal cannot be written: {folder}/00000000.segment was moved, "
            "removed or replaced while it was written; a restart would not find it"
        )
        assert before.items() <= contents(folder).items()
        second.close()
    assert check(read_journal(folder).messages, durable=1, appended=1) == ""
    assert not still_being_written(moved)
    assert check(recover(moved).journal.messages, durable=51, appended=51) == ""


def test_a_writer_whose_folder_is_renamed_begins_no_segment_in_another(tmp_path: Path) -> None:
    folder, moved = tmp_path / "journal", tmp_path / "moved"
    first = JournalWriter.create(folder, settings=SETTINGS, segment_bytes=1024)
    for number in range(3):
        first.append(message(number))
    shutil.copytree(folder, tmp_path / "copy")
    folder.rename(moved)
    (tmp_path / "copy").rename(folder)
    second = recover(folder).writer()
    before = contents(folder)
    with pytest.raises(JournalError, match=r"00000000.segment was moved, removed or replaced while it was written"):
        all(first.append(message(number)) for number in range(3, 100))
    assert contents(folder) == before
    first.abandon()
    second.close()
    appended = len(recover(moved).journal.messages)
    assert 3 < appended < 100
    assert check(read_journal(folder).messages, durable=3, appended=3) == ""


@pytest.mark.parametrize("durability", list(Durability))
def test_a_folder_that_is_removed_ends_its_writer_with_a_sentence(tmp_path: Path, durability: Durability) -> None:
    folder = tmp_path / "journal"
    with another_writer(folder, durability) as other:
        shutil.rmtree(folder)
        _, told = other.communicate("go on\n")
        assert other.returncode == 1
        assert "00000000.segment was moved, removed or replaced while it was written; a restart would not" in told
    JournalWriter.create(folder).close()


def test_a_copy_of_a_journal_is_another_journal(tmp_path: Path) -> None:
    folder, copy = tmp_path / "journal", tmp_path / "copy"
    with another_writer(folder) as other:
        shutil.copytree(folder, copy)
        assert still_being_written(folder)
        assert not still_being_written(copy)
        assert check(read_journal(copy, unfinished=True).messages, durable=0, appended=50) == ""
        writer = recover(copy).writer()
        for number in range(50, 60):
            writer.append(message(number))
        writer.close()
        out, _ = other.communicate("go on\n")
        assert (out, other.returncode) == ("closed\n", 0)
    assert check(read_journal(folder).messages, durable=51, appended=51) == ""
    assert check(read_journal(copy).messages, durable=60, appended=60) == ""


# Forks ---------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("durability", list(Durability))
def test_a_process_that_was_forked_writes_nothing(tmp_path: Path, durability: Durability) -> None:
    folder = tmp_path / "journal"
    writer = JournalWriter.create(folder, settings=SETTINGS, durability=durability, segment_bytes=4096)
    for number in range(60):
        writer.append(message(number))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        told = []
        for act in (lambda: writer.append(message(60)), writer.flush, lambda: writer.wait(60), writer.begin_segment):
            try:
                act()
            except JournalError as error:
                told.append(str(error))
        for end in (writer.close, writer.leave, writer.abandon):
            end()
        os.write(writing, "\n".join(told).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read().splitlines()
    assert os.waitpid(child, 0)[1] == 0
    assert said == ["the journal is written by the process that this one was forked from; nothing can follow it"] * 4
    assert (folder / "lock").exists()
    for number in range(60, 120):
        writer.append(message(number))
    writer.close()
    assert check(read_journal(folder).messages, durable=120, appended=120) == ""


FORKED = """
import ctypes, os, signal, sys, time
from pathlib import Path
from alo_lib.journal import Durability, JournalWriter
from tests.journal.workload import SETTINGS, message

by_python = sys.argv[2] == "python"
durability = Durability.GROUP if by_python else Durability.OS  # a fork that is not told of spares no thread
writer = JournalWriter.create(Path(sys.argv[1]), settings=SETTINGS, durability=durability, segment_bytes=4096)
for number in range(200):
    writer.append(message(number))
child = os.fork() if by_python else ctypes.PyDLL(None).fork()
if child == 0:
    print(os.getpid(), flush=True)
    signal.pause()
time.sleep(600)
"""


@contextmanager
def left_behind(folder: Path, how: str) -> Iterator[tuple[int, int]]:
    """A writer that was killed, and its child that lives."""
    command = [sys.executable, "-P", "-W", "ignore", "-c", FORKED, str(folder), how]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    try:
        yield parent.pid, child
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_child_keeps_nobody_out(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    with left_behind(folder, "python"):
        recovered = recover(folder)
        assert check(recovered.journal.messages, durable=0, appended=200) == ""
        recovered.writer().close()


def test_a_child_that_python_does_not_know_of_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    with left_behind(folder, "C") as (parent, child), pytest.raises(JournalError) as refused:
        recover(folder)
    assert re.fullmatch(
        rf"journal {folder} is locked by process {child} \(.*\), which began at \S+ \S+ UTC: it was left behind by "
        rf"process {parent} \(.*\), which began at \S+ \S+ UTC, which wrote the journal and has ended; end the "
        r"one that is left too, or name another journal",
        str(refused.value),
    )
    while holders_of(folder / "lock"):
        time.sleep(0.01)
    assert check(recover(folder).journal.messages, durable=0, appended=200) == ""
